#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod access_key;
mod broker;
mod call;
mod catalogue;
mod channel;
mod channel_map;
mod completeness;
mod day;
mod decimal;
mod device;
mod downlink;
mod group;
mod limits;
mod mirror;
mod organization;
mod person;
mod position;
mod reading;
mod retention;
mod source;
mod station_key;
mod stream;
mod time;
mod tries;
mod uplink;
mod user_codec;
mod value;
mod window;

pub use access_key::{AccessId, AccessKey, InvalidAccessId, KeyLimits, Scopes, SecretHash};
pub use broker::{Broker, BrokerState, BrokerUrl, InvalidBrokerUrl, is_topic_filter};
pub use call::{Call, Hint};
pub use catalogue::{
    InvalidMeasurementId, Measurement, MeasurementId, SensorType, Status, measurement, measurements, sensor_type,
    sensor_types, status, statuses,
};
pub use channel::{Channel, ChannelIndex};
pub use channel_map::{ChannelMap, InvalidChannelMap};
pub use completeness::{Completeness, completeness};
pub use day::{Day, InvalidDay};
pub use decimal::write_decimal;
pub use device::{Antenna, Device, DeviceEui, DeviceId, DeviceKind, DeviceNotes, GeoPoint, InvalidAntenna, InvalidEui};
pub use downlink::Downlink;
pub use group::{Group, GroupId};
pub use limits::{Allowance, InvalidPeriod, OrgLimits, Period, Rate};
pub use mirror::{Mirror, MirrorId};
pub use organization::{OrgId, Organization};
pub use person::{Deed, Email, InvalidEmail, InvalidRole, Invite, PasswordHash, Person, PersonId, Role, Session};
pub use position::Position;
pub use reading::{CodecVersion, Reading, Row, RowFlags, SeriesKey};
pub use retention::{InvalidKeep, Keep, Retention, RetentionRules};
pub use source::{InvalidSourceKind, PreviousToken, Source, SourceHealth, SourceId, SourceKind};
pub use station_key::StationKey;
pub use stream::{StreamSession, Subscription};
pub use time::{IsoTimes, Timestamp};
pub use tries::{Network, Tries};
pub use uplink::{DedupKey, Frame, Reception, Uplink};
pub use user_codec::{CodecExample, CodecExamples, CodecField, CodecTable, InvalidCodecLine, UserCodec};
pub use value::Value;
pub use window::Window;
