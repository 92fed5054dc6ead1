#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod cayenne;
mod codec;
mod decoded;
pub mod encode;
mod error;
mod event;
mod family_a;
mod family_b;
mod family_c;
mod frames;
mod guess;
pub mod script;
mod sensor_error;

pub use codec::{Codec, check_length};
pub use decoded::{Decoded, DecodedRow};
pub use error::{Error, UnknownId, Warning};
pub use event::{ChannelState, Event, SensorCounter, Version};
