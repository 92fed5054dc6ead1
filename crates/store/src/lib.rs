#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

pub mod conformance;
mod entry;
mod error;
mod query;
mod reference;
mod registry;
mod telemetry;
mod unbound;
mod usage;

pub use entry::{Appended, Entry, LogEntry, Message, NewRow, Redecode, StoredUplink};
pub use error::{Error, Kind};
pub use query::{
    Followed, FrameQuery, LatestReading, Point, RangeQuery, RowQuery, Scope, Segment, SegmentQuery, SegmentSeries,
    Select, Series, StoredFrame,
};
pub use reference::Reference;
pub use registry::{
    Binding, DeviceChange, DeviceFilter, GROUPS_MAX, MIRRORS_MAX, MODEL_RULES_MAX, ModelRule, PersonChange,
    RETAINED_MAX, Registry, STREAM_SESSIONS_MAX, SourceChange, SourceNote, StreamNote, USER_CODECS_MAX,
};
pub use telemetry::{DEDUP_WINDOW_MS, ExpireKind, Revision, Telemetry};
pub use unbound::{
    UNBOUND_BYTES_MAX, UNBOUND_DEVICES_MAX, UNBOUND_SOURCE_UPLINKS_MAX, UNBOUND_UPLINKS_MAX, UnboundDevice,
    UnboundUplink,
};
pub use usage::{Charge, Drawn, USAGE_DAYS, USAGE_DEVICES_MAX, Usage, Used};

/// Everything a station keeps; used as `Arc<dyn Store>`.
pub trait Store: Registry + Telemetry {}

impl<T: Registry + Telemetry + ?Sized> Store for T {}
