//! The HTTP door: who may come in, how much they may carry, and how long they may take.
//!
//! [`Listener`] accepts connections, [`tls`] encrypts those that are to be, [`guard`] lets only well-framed requests through to the HTTP
//! library, [`service`] takes a request's body in ([`body`]) and asks the rooms. What any of them refuses is
//! answered in the envelope of the public contract, and read away for a moment before the
//! connection is closed, so that the client can read the answer.

mod allowance;
mod body;
mod connection;
mod framing;
mod guard;
mod head;
mod listener;
mod metrics;
mod mqtt;
mod refusal;
mod rooms;
mod service;
mod tls;
mod websocket;

pub(crate) use listener::{Limits, Listener, Seats};
pub(crate) use metrics::Metrics;
pub(crate) use mqtt::{MqttListener, Room, Transport};
pub(crate) use rooms::{Rooms, metrics_only};
pub(crate) use service::Door;
pub(crate) use tls::Identity;
