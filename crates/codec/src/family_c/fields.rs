use model::Timestamp;

/// Takes the fields of a frame one after the other.
///
/// Whoever makes one has seen that the frame is whole; past its end every field is 0.
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// The fields behind the id of a frame.
    pub(super) fn of(frame: &'a [u8]) -> Self {
        Self(frame.get(1..).unwrap_or_default())
    }

    pub(super) fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    pub(super) fn array<const N: usize>(&mut self) -> [u8; N] {
        self.bytes(N).first_chunk().copied().unwrap_or([0; N])
    }

    pub(super) fn u8(&mut self) -> u8 {
        u8::from_be_bytes(self.array())
    }

    pub(super) fn u16(&mut self) -> u16 {
        u16::from_be_bytes(self.array())
    }

    pub(super) fn u24(&mut self) -> u32 {
        let [high, middle, low] = self.array();
        u32::from_be_bytes([0, high, middle, low])
    }

    pub(super) fn u32(&mut self) -> u32 {
        u32::from_be_bytes(self.array())
    }

    /// `None` is the field's lowest number, which stands for no value.
    pub(super) fn i16(&mut self) -> Option<i16> {
        Some(i16::from_be_bytes(self.array())).filter(|number| *number != i16::MIN)
    }

    /// As above.
    pub(super) fn i32(&mut self) -> Option<i32> {
        Some(i32::from_be_bytes(self.array())).filter(|number| *number != i32::MIN)
    }

    /// Seconds since 1970, of the device's clock.
    pub(super) fn time(&mut self) -> Timestamp {
        Timestamp::from_millis(i64::from(self.u32()) * 1000)
    }
}
