//! The form of a row in the bit stream, in the order it is written.
//!
//! **Shape**:
//! - a bit: 1 if series, codec and flags are those of the row before and nothing is replaced. Else:
//!   - a bit: 1 if the series are those of the row before; else how many series are new (long), for
//!     each 16 bits of channel and 32 of measurement, then a bit for each series known, in the order
//!     of their first readings;
//!   - a bit: 1 and 16 bits if the codec changes; a bit: 1 and 8 bits if the flags do; a bit: 1 and
//!     the distance of the replaced position below the own (zigzag, long) if one is replaced;
//! - `measured_at`, the delay to `received_at`, and the position: each its distance from the
//!   expected, zigzag, as a Rice number, or after an escape long;
//! - for each series that the row has: the distance from its last integer, zigzag, as a Rice number,
//!   or an escape, three bits with an [`Escape`], and what belongs to it.
//!
//! A long number is six bits with its length less one, and its bits.

/// What stands where a small distance does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Escape {
    /// A large distance: zigzag, long.
    Far = 0,
    /// A finer scale: its index in four bits, then the integer, zigzag, long.
    Rescaled = 1,
    /// A number that is no decimal: its 64 bits.
    Raw = 2,
    /// Text: its bytes counted, long; they follow in the text stream.
    Text = 3,
    /// JSON, likewise.
    Json = 4,
    /// The text or JSON that the series had last.
    Again = 5,
}

/// Longer texts are written again, so that few bits cannot stand for very much text.
pub(crate) const AGAIN_BYTES_MAX: usize = 255;
