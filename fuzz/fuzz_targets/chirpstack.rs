//! Any bytes as the body of ChirpStack's events.

#![no_main]

use ingest::chirpstack::{self, Event};
use libfuzzer_sys::fuzz_target;
use model::{OrgId, SecretHash, Source, SourceId, SourceKind, Timestamp};

fuzz_target!(|body: &[u8]| {
    let now = Timestamp::from_millis(1_783_651_185_000);
    let source = Source {
        id: SourceId::from_raw(1),
        org: OrgId::from_raw(100_000_000_000),
        kind: SourceKind::ChirpStack,
        name: String::new(),
        token: SecretHash([0; 32]),
        auto_add: true,
        created_at: now,
        previous: None,
    };
    let _status = chirpstack::read("status", body, &source, now);
    if let Ok(Event::Uplink(uplink)) = chirpstack::read("up", body, &source, now) {
        assert!(uplink.frame.receptions.iter().all(|heard| heard.snr_db.is_finite()));
        assert!(uplink.model_hints.len() <= 2);
    }
});
