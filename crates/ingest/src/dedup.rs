use model::{DedupKey, DeviceEui, SourceId, Timestamp};
use sha2::{Digest, Sha256};

/// What a message is about; two that one uplink caused may share their deduplication id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageKind {
    /// What the device sent.
    Uplink,
    /// What the network server says about the device.
    Status,
}

/// What tells a message from another one of the same source: its kind, and the source's own
/// deduplication id, or, where it has none, the device, its frame counter and the time.
pub fn dedup_key(
    source: SourceId,
    kind: MessageKind,
    deduplication_id: Option<&str>,
    eui: DeviceEui,
    f_cnt: Option<u32>,
    sent_at: Timestamp,
) -> DedupKey {
    let mut hash = Sha256::new();
    hash.update(source.get().to_be_bytes());
    let (with_id, without) = match kind {
        MessageKind::Uplink => (1, 2),
        MessageKind::Status => (3, 4),
    };
    match deduplication_id.filter(|id| !id.is_empty()) {
        Some(id) => {
            hash.update([with_id]);
            hash.update(id);
        }
        None => {
            hash.update([without]);
            hash.update(eui.get().to_be_bytes());
            hash.update([u8::from(f_cnt.is_some())]);
            hash.update(f_cnt.unwrap_or_default().to_be_bytes());
            hash.update(sent_at.as_millis().to_be_bytes());
        }
    }
    let digest: [u8; 32] = hash.finalize().into();
    let half = digest.first_chunk().copied().unwrap_or_default();
    DedupKey(u128::from_be_bytes(half))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_the_same_message_has_another_key() {
        let of_kind = |kind, source, id, eui, f_cnt, at| {
            let (source, eui, at) = (SourceId::from_raw(source), DeviceEui::from_raw(eui), Timestamp::from_millis(at));
            dedup_key(source, kind, id, eui, f_cnt, at)
        };
        let key = |source, id, eui, f_cnt, at| of_kind(MessageKind::Uplink, source, id, eui, f_cnt, at);
        assert_eq!(key(1, Some("a"), 2, Some(3), 4), key(1, Some("a"), 9, None, 9), "the id alone decides");
        assert_eq!(key(1, None, 2, Some(3), 4), key(1, Some(""), 2, Some(3), 4), "an empty id is none");
        let different = [
            key(1, Some("a"), 2, Some(3), 4),
            key(2, Some("a"), 2, Some(3), 4),
            key(1, Some("b"), 2, Some(3), 4),
            key(1, None, 2, Some(3), 4),
            key(1, None, 5, Some(3), 4),
            key(1, None, 2, Some(0), 4),
            key(1, None, 2, None, 4),
            key(1, None, 2, Some(3), 5),
            of_kind(MessageKind::Status, 1, Some("a"), 2, Some(3), 4),
            of_kind(MessageKind::Status, 1, None, 2, Some(3), 4),
        ];
        for (at, one) in different.iter().enumerate() {
            assert!(different[..at].iter().all(|other| other != one), "{at}");
        }
    }
}
