#![doc = include_str!("../README.md")]

mod broker;
mod connection;
mod counters;
mod filter;
mod hubs;
mod letter;
mod login;
pub mod packet;
mod post;
mod published;
mod quick_start;
mod reader;
mod retained;
mod seats;
mod shares;
mod topic;
mod wills;

pub use broker::{Broker, Client, Clock, Settings};
pub use counters::Figures;
pub use filter::PrivateFilter;
pub use login::Arrival;
pub use post::OnPublish;
pub use quick_start::quick_start;
pub use reader::{Messages, StreamReader};
pub use topic::{Filter, Topic, every_reading};
