#![doc = include_str!("../README.md")]

mod broker;
mod connection;
mod counters;
mod hubs;
mod login;
pub mod packet;
mod published;
mod quick_start;
mod seats;
mod topic;

pub use broker::{Broker, Clock, Settings};
pub use counters::Figures;
pub use login::Arrival;
pub use quick_start::quick_start;
pub use topic::{Filter, Topic, every_reading};
