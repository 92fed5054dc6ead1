//! Reads any bytes as a message of a kind of source, as each of its events and encodings.

use ingest::{Message, Post, Read};
use model::{OrgId, SecretHash, Source, SourceId, SourceKind, Timestamp};

pub fn read_any(kind: SourceKind, read: Read, body: &[u8]) {
    let now = Timestamp::from_millis(1_783_651_185_000);
    let source = Source {
        id: SourceId::from_raw(1),
        org: OrgId::from_raw(100_000_000_000),
        kind,
        name: String::new(),
        token: SecretHash([0; 32]),
        auto_add: true,
        created_at: now,
        previous: None,
    };
    for event in ["", "up", "status"] {
        for content_type in ["application/json", "application/octet-stream", "text/csv"] {
            let message = read(&Post { event, content_type, body }, &source, now);
            if let Ok(Message::Uplink(uplink)) = message {
                assert!(uplink.frame.receptions.iter().all(|heard| heard.snr_db.is_finite()));
                assert!(uplink.model_hints.len() <= 8);
            }
        }
    }
}
