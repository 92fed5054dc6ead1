/// Why bytes are not what this room wrote.
///
/// None of them heals by trying again: the bytes have to come from somewhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Written by a newer release; that one can read it.
    #[error("format version `{0}` is not known here: open it with the release that wrote it")]
    Version(u8),
    /// The bytes are not those that were written.
    #[error("checksum does not match: restore the bytes from a backup")]
    Checksum,
    /// The checksum holds and yet the content makes no sense, so a program wrote it wrongly.
    #[error("malformed {0}: restore the bytes from a backup")]
    Malformed(&'static str),
}
