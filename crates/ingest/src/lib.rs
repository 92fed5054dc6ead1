#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod adopt;
mod answer;
mod auth;
mod dedup;
mod notes;
mod pipeline;
mod refusal;
mod replay;
mod router;
mod source;

pub use adopt::{Adopted, adopt, adopt_all};
pub use dedup::{MessageKind, dedup_key};
pub use notes::Notes;
pub use pipeline::{Accepted, StatusReport, accept, accept_all, accept_status};
pub use refusal::Refusal;
pub use replay::{Difference, Listener, Replayed, replay};
pub use router::{BODY_BYTES_MAX, IngestState, router};
pub use source::chirpstack;
