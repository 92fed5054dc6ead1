use model::{Position, Timestamp};

use super::{OpenRows, replay::Replay};
use crate::{
    Error,
    varint::{Input, put},
};

const VERSION: u8 = 1;

impl OpenRows {
    /// The rows as bytes for a checkpoint; see [`OpenRows::decode`].
    ///
    /// **Shape**: the version; a byte with the free bits of the last byte of the bit stream; varints
    /// with the bytes of the bit stream and of the texts; both; the CRC-32 of all that, four bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.stream.len() + self.texts.len() + 16);
        out.extend_from_slice(&[VERSION, self.spare]);
        put(&mut out, self.stream.len() as u64);
        put(&mut out, self.texts.len() as u64);
        out.extend_from_slice(&self.stream);
        out.extend_from_slice(self.texts.as_bytes());
        let sum = crc32fast::hash(&out);
        out.extend_from_slice(&sum.to_le_bytes());
        out
    }

    /// Takes up what [`OpenRows::encode`] made, ready for further rows.
    ///
    /// **Errors**: any changed, missing or added byte.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let (content, sum) = bytes.split_last_chunk().ok_or(Error::Checksum)?;
        if crc32fast::hash(content) != u32::from_le_bytes(*sum) {
            return Err(Error::Checksum);
        }
        let mut input = Input::new(content, "open rows");
        match input.byte()? {
            VERSION => {}
            version => return Err(Error::Version(version)),
        }
        let spare = input.byte()?;
        let (stream, texts) = (input.count(content.len())?, input.count(content.len())?);
        let stream = input.take(stream)?;
        let texts = std::str::from_utf8(input.take(texts)?).map_err(|_| input.malformed())?;
        let used = stream.last().is_some_and(|last| u32::from(spare) <= last.leading_zeros());
        if spare > 7 || !used && spare > 0 {
            return Err(input.malformed());
        }
        input.finish()?;

        let mut open = Self::new();
        let mut replay = Replay::of(stream, spare, texts);
        while let Some(head) = replay.head()? {
            replay.cells(|_, _, _| ())?;
            open.learn(Timestamp::from_millis(head.at), Position::from_raw(head.position), head.replaces.is_some());
        }
        open.state = replay.finish()?;
        open.state.slots.shrink_to_fit();
        (open.stream, open.spare, open.texts) = (stream.to_vec(), spare, texts.to_owned());
        Ok(open)
    }
}
