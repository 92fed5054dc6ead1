#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod adopt;
mod answer;
mod auth;
mod chosen;
mod dedup;
mod deviceapi;
mod downlinks;
pub mod import;
mod notes;
mod pipeline;
mod private_space;
mod refusal;
mod replay;
mod report;
mod router;
mod scripts;
mod source;

pub use adopt::{Adopted, adopt, adopt_all};
pub use dedup::{MessageKind, dedup_key};
pub use deviceapi::{accept_device_message, read_device_report};
pub use downlinks::Downlinks;
pub use notes::Notes;
pub use pipeline::{Accepted, StatusReport, accept, accept_all};
pub use private_space::accept_from_private_space;
pub use refusal::Refusal;
pub use replay::{Difference, Listener, Replayed, replay};
pub use report::accept_reports;
pub use router::{BODY_BYTES_MAX, Devices, IngestState, router};
pub use scripts::{Scripts, run_scripts};
pub use source::{Message, Post, Read, accept_published, aws, chirpstack, helium, http, tts, usual_topics};
