use crate::Error;

/// Reads frames one after the other.
#[derive(Debug, Clone)]
pub(crate) struct Frames<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Frames<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Where the next frame starts.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn is_done(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// The id in the first byte of the next frame; 0 at the end.
    pub(crate) fn id(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or_default()
    }

    /// The same frames from the first one on.
    pub(crate) fn rewound(&self) -> Self {
        Self { at: 0, ..*self }
    }

    /// Takes a whole frame of `N` bytes.
    pub(crate) fn take<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let frame = rest.first_chunk().ok_or(Error::Short { at: self.at, need: N, have: rest.len() })?;
        self.at += N;
        Ok(*frame)
    }

    /// The first bytes of the next frame, which stays where it is.
    pub(crate) fn peek(&self, count: usize) -> Result<&'a [u8], Error> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        rest.get(..count).ok_or(Error::Short { at: self.at, need: count, have: rest.len() })
    }

    /// Takes a whole frame of so many bytes.
    pub(crate) fn take_slice(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let frame = self.peek(count)?;
        self.at += count;
        Ok(frame)
    }
}
