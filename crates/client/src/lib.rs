#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod ask;
mod calls;
mod error;
mod history;
mod off_thread;
mod station;
mod stream;

pub use ask::{Answer, Client, Gateway, Manners};
pub use calls::{
    data::{Aggregate, LatestChannel, LatestPoint, Point, Series, SeriesAsked},
    devices::{Bind, Channel, Device, DeviceChannels, DeviceInfo, DeviceType, Place, RunningStatus, SensorReference},
    groups::Group,
};
pub use error::{Code, Error};
pub use history::History;
pub use off_thread::AsyncClient;
pub use station::{InvalidStation, Station};
pub use stream::{Acknowledger, BlockingStream, OpenStream, Receipt, StreamReading, Streamed, stream_address};
