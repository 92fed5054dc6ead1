/// The name of a sensor's error code, as the manufacturer's lists have it.
pub(crate) fn name(code: u8) -> &'static str {
    match code {
        0x00 => "NONE",
        0x01 => "NOT_FOUND",
        0x02 => "WAKEUP",
        0x03 => "NO_RESPONSE",
        0x04 => "DATA_EMPTY",
        0x05 => "DATA_HEAD",
        0x06 => "DATA_CRC",
        0x07 => "DATA_B1_INVALID",
        0x08 => "DATA_B2_INVALID",
        0x09 => "RANDOM_MISMATCH",
        0x0A => "PUBKEY_SIGNATURE",
        0x0B => "DATA_SIGNATURE",
        0x0C => "DATA_VALUE_HI",
        0x0D => "DATA_VALUE_LOW",
        0x0E => "DATA_VALUE_MISSED",
        0x0F => "BAD_ARGUMENT",
        0x10 => "RS485_BUSY",
        0x11 => "RS485_DATA",
        0x12 => "RS485_REGISTER",
        0x13 => "RS485_FUNCTION",
        0x14 => "RS485_WRITE_STRATEGY",
        0x15 => "CONFIG",
        0xFF => "UNKNOWN",
        _ => "UNLISTED",
    }
}
