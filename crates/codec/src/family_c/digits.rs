//! Numbers as text, without the general machinery: lists of what was heard around are most of what a tracker costs.

/// Adds a byte as two of the digits.
pub(super) fn push_hex(text: &mut String, digits: &[u8; 16], byte: u8) {
    text.push(char::from(digits[usize::from(byte >> 4)]));
    text.push(char::from(digits[usize::from(byte & 0x0F)]));
}

/// Adds a number without leading zeros.
pub(super) fn push_decimal(text: &mut String, number: u8) {
    for place in [100, 10, 1] {
        if number >= place || place == 1 {
            text.push(char::from(b'0' + number / place % 10));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_written_as_the_language_does() {
        for byte in 0..=u8::MAX {
            let mut text = String::new();
            push_hex(&mut text, b"0123456789ABCDEF", byte);
            text.push(' ');
            push_hex(&mut text, b"0123456789abcdef", byte);
            text.push(' ');
            push_decimal(&mut text, byte);
            assert_eq!(text, format!("{byte:02X} {byte:02x} {byte}"));
        }
    }
}
