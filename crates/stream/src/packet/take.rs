use super::{Fault, malformed};

/// What is left of a packet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Take<'a>(pub(super) &'a [u8]);

impl<'a> Take<'a> {
    pub(super) const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let Some((bytes, rest)) = self.0.split_at_checked(count) else { return malformed("a packet is too short") };
        self.0 = rest;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let Some((bytes, rest)) = self.0.split_first_chunk() else { return malformed("a packet is too short") };
        self.0 = rest;
        Ok(*bytes)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Fault> {
        self.array().map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Fault> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Fault> {
        self.array().map(u32::from_be_bytes)
    }

    /// The number of a packet, which is never 0.
    pub(super) fn id(&mut self) -> Result<u16, Fault> {
        match self.u16()? {
            0 => malformed("a packet has the number 0"),
            id => Ok(id),
        }
    }

    /// A number of one to four bytes of seven bits.
    pub(super) fn number(&mut self) -> Result<u32, Fault> {
        let mut number = 0;
        for shift in [0, 7, 14, 21] {
            let byte = self.u8()?;
            number |= u32::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        malformed("a number has more than four bytes")
    }

    pub(super) fn binary(&mut self) -> Result<&'a [u8], Fault> {
        let count = self.u16()?;
        self.bytes(count.into())
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Fault> {
        match std::str::from_utf8(self.binary()?) {
            Ok(text) if !text.contains('\0') => Ok(text),
            _ => malformed("a text is no UTF-8, or has a character that texts must not have"),
        }
    }

    pub(super) fn end(self) -> Result<(), Fault> {
        if self.is_empty() { Ok(()) } else { malformed("a packet is too long") }
    }
}
