//! Frames of trackers: T1000-A to T1000-E, T2000, WM1110.
//!
//! **Shape**: `id u8 | body`, big endian, one after the other, without a checksum. An id means the
//! same in every model; most bodies have one length, some say theirs. A record of a device with a
//! clock carries its own time, so that records kept while the network was away come later, in any
//! order, and are told apart.

mod digits;
mod fields;
mod record;
mod settings;
mod t1000;
mod t1000_e;
mod t2000;
mod wm1110;

use model::CodecVersion;

use crate::{Decoded, Error, Event, UnknownId, codec::Family, frames::Frames};

pub(crate) static FAMILY: Family = Family { version: CodecVersion(1), f_ports: &[5], open: whole, frame };

/// There is no checksum: all of the payload is frames.
fn whole(payload: &[u8]) -> Result<&[u8], Error> {
    Ok(payload)
}

fn frame(frames: &mut Frames<'_>, out: &mut Decoded) -> Result<(), Error> {
    let at = frames.at();
    match frames.id() {
        id @ (0x01..=0x0B | 0x0F..=0x11 | 0x1A..=0x1D) => t1000::frame(id, frames, out),
        0x0C => {
            frames.take::<1>()?;
            out.events.push(Event::TimeSyncRequested);
            Ok(())
        }
        0x0D => {
            let [_, code @ ..] = frames.take::<5>()?;
            out.events.push(Event::tracker_error(u32::from_be_bytes(code)));
            Ok(())
        }
        0x0E | 0x12 => record::gnss_ng(frames, out),
        id @ 0x13..=0x18 => wm1110::frame(id, frames, out),
        id @ 0x1E..=0x26 => t1000_e::frame(id, frames, out),
        id @ 0x27..=0x32 => t2000::frame(id, frames, out),
        id => Err(Error::Unknown { what: UnknownId::Frame(id), at }),
    }
}
