use crate::encode::field;

/// The frames of an S2100: `(channel 1 to 10, value)` for each reading, two in a frame.
///
/// Channels that the device does not have are left out.
pub fn s2100(readings: &[(u8, f64)]) -> Vec<u8> {
    const NO_FLAGS: u8 = 0;
    let known: Vec<_> = readings.iter().copied().filter(|(channel, _)| (1..=10).contains(channel)).collect();
    let mut payload = Vec::new();
    let mut rest = known.as_slice();
    loop {
        // Channel 0 fills the frame of an odd one out.
        let ((first, first_value), (second, second_value)) = match *rest {
            [] => return payload,
            [one] => (one, (0, 0.0)),
            [one, other, ..] => (one, other),
        };
        rest = rest.get(2..).unwrap_or_default();
        payload.extend([if rest.is_empty() { 0x33 } else { 0x30 }, first << 4 | second, NO_FLAGS]);
        payload.extend(field::i32(first_value, 1000.0).to_be_bytes());
        payload.extend(field::i32(second_value, 1000.0).to_be_bytes());
    }
}
