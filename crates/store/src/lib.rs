#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

pub mod conformance;
mod entry;
mod error;
mod query;
mod reference;
mod registry;
mod telemetry;

pub use entry::{Appended, Entry, LogEntry, Message, NewRow, Redecode, StoredUplink};
pub use error::{Error, Kind};
pub use query::{
    Followed, FrameQuery, LatestReading, Point, RangeQuery, RowQuery, Scope, Segment, SegmentQuery, SegmentSeries,
    Select, Series, StoredFrame,
};
pub use reference::Reference;
pub use registry::{
    Binding, Charge, DeviceChange, DeviceFilter, GROUPS_MAX, PersonChange, Registry, STREAM_SESSIONS_MAX, SourceChange,
    SourceNote, StreamNote,
};
pub use telemetry::{DEDUP_WINDOW_MS, ExpireKind, Telemetry};

/// Everything a station keeps; used as `Arc<dyn Store>`.
pub trait Store: Registry + Telemetry {}

impl<T: Registry + Telemetry + ?Sized> Store for T {}
