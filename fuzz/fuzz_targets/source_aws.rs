//! Any bytes as what a rule of AWS IoT Core posts.

#![no_main]

#[path = "shared/source.rs"]
mod shared;

use libfuzzer_sys::fuzz_target;
use model::SourceKind;

fuzz_target!(|body: &[u8]| shared::read_any(SourceKind::Aws, ingest::aws::read, body));
