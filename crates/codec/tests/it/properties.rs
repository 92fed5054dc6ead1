//! What holds for all bytes.

use codec::{Codec, DecodedRow, Error, Warning};
use proptest::prelude::*;

use crate::fixture;

/// Decodes, and checks what every answer has to keep.
pub(crate) fn assert_sound(codec: &Codec, f_port: u8, payload: &[u8]) {
    let context = || format!("{} {payload:02x?}", codec.model());
    let decoded = match codec.decode(f_port, payload) {
        Ok(decoded) => decoded,
        Err(error) => return assert!(offset(&error) <= payload.len(), "{error} {}", context()),
    };
    for row in &decoded.rows {
        assert!(!row.readings.is_empty(), "{}", context());
        for (at, reading) in row.readings.iter().enumerate() {
            // Values of a maker's own use all 32 bits; elsewhere such a number is a broken sensor.
            let end = if is_wide(codec) { 4_294_967_296.0 } else { 2_000_000.0 };
            let is_good = reading.value.as_number().is_none_or(|number| number.is_finite() && number < end);
            assert!(is_good, "{reading:?} {}", context());
            assert!(!row.readings[..at].iter().any(|other| other.series == reading.series), "{}", context());
        }
    }
    for (at, row) in decoded.rows.iter().enumerate() {
        // One more row of an instant begins with what the one before has another value of.
        let before = decoded.rows[..at].iter().rfind(|other| other.measured_at == row.measured_at);
        let first = row.readings.first();
        let is_needed = |before: &DecodedRow| {
            before
                .readings
                .iter()
                .any(|other| first.is_some_and(|first| first.series == other.series && first.value != other.value))
        };
        assert!(before.is_none_or(is_needed), "{}", context());
    }
    for warning in &decoded.warnings {
        if let Warning::Fault { fault, rest } = warning {
            assert!(offset(fault) < payload.len() && payload.ends_with(rest), "{warning} {}", context());
        }
    }
    assert_eq!(
        decoded.warnings.iter().any(|warning| matches!(warning, Warning::FPort { .. })),
        !codec.f_ports().is_empty() && !codec.f_ports().contains(&f_port)
    );
}

fn port(codec: &Codec) -> u8 {
    codec.f_ports().first().copied().unwrap_or(1)
}

fn is_wide(codec: &Codec) -> bool {
    is_tracker(codec) || codec.model() == "CayenneLPP"
}

fn is_tracker(codec: &Codec) -> bool {
    codec.f_ports() == [5]
}

fn offset(error: &Error) -> usize {
    match *error {
        Error::Short { at, .. } | Error::Checksum { at, .. } | Error::Unknown { at, .. } => at,
        _ => 0,
    }
}

/// Whether all of a payload was decoded.
fn is_whole(codec: &Codec, payload: &[u8]) -> bool {
    codec.decode(port(codec), payload).is_ok_and(|decoded| decoded.warnings.is_empty())
}

/// Fixtures without a fault, each with its codec.
fn whole_payloads() -> Vec<(&'static Codec, Vec<u8>)> {
    fixture::all()
        .map(|(codec, fixture)| (codec, fixture.payload()))
        .filter(|(codec, payload)| is_whole(codec, payload))
        .collect()
}

/// Models whose payloads carry a checksum.
const CHECKED: [&str; 8] = ["Gen1", "S2101", "S2102", "S2103", "S2104", "S2105", "S2106", "A1101"];

#[test]
fn a_flipped_bit_of_a_checked_payload_is_refused() {
    for (codec, mut payload) in whole_payloads() {
        if !CHECKED.contains(&codec.model()) {
            continue;
        }
        for bit in 0..payload.len() * 8 {
            payload[bit / 8] ^= 1 << (bit % 8);
            let answer = codec.decode(port(codec), &payload);
            assert!(matches!(answer, Err(Error::Checksum { .. })), "{payload:02x?} {answer:?}");
            payload[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn a_truncated_payload_is_an_error_or_a_warning() {
    for (codec, payload) in whole_payloads() {
        for length in 0..payload.len() {
            let (start, rest) = payload.split_at(length);
            // Between two frames that carry no checksum nothing shows a cut: both parts are whole.
            let is_between = length > 0 && !CHECKED.contains(&codec.model()) && is_whole(codec, rest);
            assert!(is_between || !is_whole(codec, start), "{} {payload:02x?} {length}", codec.model());
        }
    }
}

#[test]
fn frames_before_a_fault_decode_as_if_they_were_alone() {
    for (codec, payload) in whole_payloads() {
        // A camera's readings depend on a frame that may come later; Cayenne LPP has other faults.
        if CHECKED.contains(&codec.model()) || ["A1102", "CayenneLPP"].contains(&codec.model()) {
            continue;
        }
        let f_port = port(codec);
        for fault in [&[0xEE][..], &[0x01], &[0x30, 0x12]] {
            let faulty = [payload.as_slice(), fault].concat();
            let alone = codec.decode(f_port, &payload).unwrap();
            let kept = codec.decode(f_port, &faulty).unwrap();
            assert_eq!((kept.rows, kept.events), (alone.rows, alone.events));
            let [Warning::Fault { rest, .. }] = kept.warnings.as_slice() else { panic!("{:?}", kept.warnings) };
            assert_eq!(rest.as_ref(), fault);
        }
    }
}

fn any_codec() -> impl Strategy<Value = &'static Codec> {
    proptest::sample::select(Codec::all().iter().collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn any_bytes_give_an_answer(codec in any_codec(), f_port: u8, payload in proptest::collection::vec(any::<u8>(), 0..300)) {
        assert_sound(codec, f_port, &payload);
    }

    #[test]
    fn any_records_under_a_right_checksum_give_an_answer(
        codec in any_codec(),
        records in proptest::collection::vec((any::<u8>(), prop_oneof![0_u16..0x20, Just(0x0120), 0x0FFE_u16..0x1200], any::<[u8; 4]>()), 1..30),
    ) {
        let mut payload = Vec::new();
        for (channel, data_id, value) in records {
            payload.push(channel);
            payload.extend(data_id.to_le_bytes());
            payload.extend(value);
        }
        let checksum = crc::Crc::<u16>::new(&crc::CRC_16_KERMIT).checksum(&payload);
        payload.extend(checksum.to_le_bytes());
        assert_sound(codec, 2, &payload);
    }

    #[test]
    fn any_frames_of_trackers_give_an_answer(
        codec in any_codec().prop_filter("trackers", |codec| is_tracker(codec)),
        frames in proptest::collection::vec((0x01_u8..=0x32, proptest::collection::vec(any::<u8>(), 0..60)), 1..12),
    ) {
        let payload: Vec<_> = frames.into_iter().flat_map(|(id, body)| [&[id][..], &body].concat()).take(255).collect();
        assert_sound(codec, 5, &payload);
    }

    #[test]
    fn any_frames_of_known_ids_give_an_answer(
        codec in any_codec(),
        frames in proptest::collection::vec((prop_oneof![0x01_u8..=0x06, Just(0x10), 0x20_u8..=0x21, 0x30_u8..=0x39, 0x40_u8..=0x4C, Just(0x7F)], any::<[u8; 10]>()), 1..20),
    ) {
        // Bodies have different lengths, so that frames run into each other.
        let payload: Vec<_> = frames.into_iter().flat_map(|(id, body)| [&[id][..], &body].concat()).take(255).collect();
        assert_sound(codec, 3, &payload);
    }
}
