//! Devices that report for themselves, in the words of SenseCAP's own development kits.
//!
//! A device proves itself by the key or the token that `view_node_key` shows; both are derived from
//! the station's key, so that nothing is looked up but whose device it is. It may declare its
//! channels or not; whatever it measures is stored.

mod auth;
mod body;
mod envelope;
mod mqtt_token;
mod report;

pub(crate) use mqtt_token::mqtt_token;
pub(crate) use report::report;
pub use report::{accept_device_message, read_device_report};
