//! Raw frames of one device as compressed bytes.

use std::io::{Read, Write};

use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use model::{Position, Timestamp};
use store::StoredFrame;

use crate::{
    bytes::{self, Damaged, Take, put_i64, put_u64},
    entry::{put_frame, take_frame},
};

const VERSION: u8 = 1;
/// No honest blob inflates to more; a run of the log is a quarter of it.
const INFLATED_BYTES_MAX: u64 = 64 << 20;

/// Frames by ascending position.
pub(crate) fn encode(frames: &[StoredFrame]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(frames.len() * 64);
    let (mut position, mut ms) = (0, 0);
    for stored in frames {
        put_u64(&mut plain, stored.position.get().wrapping_sub(position));
        put_i64(&mut plain, stored.received_at.as_millis().wrapping_sub(ms));
        put_frame(&mut plain, &stored.frame);
        (position, ms) = (stored.position.get(), stored.received_at.as_millis());
    }
    let mut out = vec![VERSION];
    put_u64(&mut out, frames.len() as u64);
    let mut encoder = DeflateEncoder::new(&mut out, Compression::default());
    // Writing to memory does not fail.
    let _ = encoder.write_all(&plain).and_then(|()| encoder.try_finish());
    drop(encoder);
    bytes::close(&mut out);
    out
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<StoredFrame>, Damaged> {
    let mut take = bytes::open(bytes)?;
    if take.u8()? != VERSION {
        return Err(Damaged("frames of an unknown version"));
    }
    let count = take.u64()?;
    let mut plain = Vec::new();
    let mut decoder = DeflateDecoder::new(take.0).take(INFLATED_BYTES_MAX);
    decoder.read_to_end(&mut plain).map_err(|_| Damaged("frames do not inflate"))?;
    let mut take = Take(&plain);
    let (mut position, mut ms) = (0_u64, 0_i64);
    let mut frames = Vec::new();
    for _ in 0..count {
        position = position.wrapping_add(take.u64()?);
        ms = ms.wrapping_add(take.i64()?);
        let frame = take_frame(&mut take)?;
        let (position, received_at) = (Position::from_raw(position), Timestamp::from_millis(ms));
        frames.push(StoredFrame { position, received_at, frame });
    }
    if take.is_empty() { Ok(frames) } else { Err(Damaged("frames go on after their end")) }
}

#[cfg(test)]
mod tests {
    use model::{Frame, Reception};

    use super::*;

    fn frames() -> Vec<StoredFrame> {
        let frame = |n: u64| Frame {
            f_port: 3,
            f_cnt: (!n.is_multiple_of(3)).then_some(n as u32),
            payload: vec![n as u8; n as usize].into(),
            frequency_hz: 868_100_000,
            data_rate: n.is_multiple_of(2).then_some(5),
            receptions: vec![Reception { gateway: "24e124fffef00000".into(), rssi_dbm: -60, snr_db: 8.25 }],
            fault: (n == 4).then(|| "short by `2` bytes".into()),
        };
        let stored = |n: u64| StoredFrame {
            position: Position::from_raw(n * 10),
            received_at: Timestamp::from_millis(1_700_000_000_000 - n as i64),
            frame: frame(n),
        };
        (1..9).map(stored).collect()
    }

    #[test]
    fn frames_read_back() {
        assert_eq!(decode(&encode(&frames())), Ok(frames()));
        assert_eq!(decode(&encode(&[])), Ok(Vec::new()));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let bytes = encode(&frames());
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&bad).is_err(), "bit {bit}");
        }
        for len in 0..bytes.len() {
            assert!(decode(&bytes[..len]).is_err(), "cut at {len}");
        }
    }
}
