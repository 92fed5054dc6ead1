//! Any bytes from an MQTT client: as they are, and behind a connect of either version.

#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use stream::packet::{Packet, Reader};

const V3: &[u8] = b"\x10\x0d\0\x04MQTT\x04\x02\0\x3c\0\x01a";
const V5: &[u8] = b"\x10\x0e\0\x04MQTT\x05\x02\0\x3c\0\0\x01a";

fuzz_target!(|bytes: &[u8]| {
    for first in [b"", V3, V5] {
        let (mut reader, mut arrived) = (Reader::new(256 * 1024), BytesMut::from(&[first, bytes].concat()[..]));
        while let Ok(Some(packet)) = reader.read(&mut arrived) {
            if let Packet::Subscribe { id, filters, .. } = packet {
                assert!(id != 0 && !filters.is_empty() && filters.iter().all(|(_, wish)| wish.qos < 3));
            }
        }
    }
});
