#![doc = include_str!("../README.md")]

mod actor;
mod api;
mod assets;
mod cookie;
mod deeds;
mod delay;
mod etag;
pub mod export;
mod fault;
mod fields;
mod fleet;
mod guard;
mod html;
mod live;
mod owner;
mod pages;
mod password;
pub mod retention;
mod right;
mod router;
mod secret;
mod state;
mod text;
mod then;
mod usage;
mod view;

pub use actor::Address;
pub use deeds::keys::origin;
pub use live::Live;
pub use owner::{create_owner, expire, owner_link};
use right::Right;
pub use router::{router, walk};
pub use secret::Secret;
pub use state::{
    BackupOutcome, BrokerClient, BrokerFigures, Clock, Fact, Later, LiveMessages, MirrorDifference, MirrorPhase,
    MirrorProgress, MirrorSight, PortalState, Settings, Station, Stream, TriedCodec,
};
