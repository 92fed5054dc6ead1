//! Any bytes as readings in JSON or CSV.

#![no_main]

#[path = "shared/source.rs"]
mod shared;

use libfuzzer_sys::fuzz_target;
use model::SourceKind;

fuzz_target!(|body: &[u8]| shared::read_any(SourceKind::Http, ingest::http::read, body));
