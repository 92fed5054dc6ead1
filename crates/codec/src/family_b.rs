//! Frames of an id and a fixed body: S2120, S2100, S2107, A1102.
//!
//! **Shape**: `id u8 | body`, big endian, one after the other, without a checksum. An id means the
//! same in every model, but for the detections of the A1102 and a filler of the S2107.

mod a1102;
mod datalogger;
mod device;
mod grove;
mod probes;
mod vision;
mod weather;

use model::CodecVersion;

use crate::{Decoded, Error, UnknownId, codec::Family, frames::Frames};

const VERSION: CodecVersion = CodecVersion(1);
const F_PORTS: &[u8] = &[3];

/// S2120 and S2100, with or without a Grove kit.
pub(crate) static PLAIN: Family = Family { version: VERSION, f_ports: F_PORTS, open: whole, frame: plain };

pub(crate) static S2107: Family = Family { version: VERSION, f_ports: F_PORTS, open: whole, frame: probes::frame };

pub(crate) static A1102: Family = Family { version: VERSION, f_ports: F_PORTS, open: whole, frame: a1102::frame };

/// There is no checksum: all of the payload is frames.
fn whole(payload: &[u8]) -> Result<&[u8], Error> {
    Ok(payload)
}

/// Decodes a frame whose id means the same in every model.
fn plain(frames: &mut Frames<'_>, out: &mut Decoded) -> Result<(), Error> {
    let at = frames.at();
    match frames.id() {
        0x01 | 0x4A => weather::air_light_wind(frames.take()?, out),
        0x02 | 0x4B => weather::direction_rain_pressure(frames.take()?, out),
        0x4C => weather::gust_rain_total(frames.take()?, out),
        0x03 => device::battery(frames.take()?, out),
        0x04 => device::info(frames.take()?, out),
        0x05 => device::intervals(frames.take()?, out),
        0x06 => device::sensor_error(frames.take()?, out),
        0x10 => device::sensor_info(frames.take()?, out),
        0x20 | 0x43 | 0x44 => vision::scores(4175, frames.take()?, out),
        0x21 | 0x45 => vision::scores(4180, frames.take()?, out),
        0x30 | 0x31 | 0x33 => return datalogger::pair(at, frames.take::<11>()?.into(), out),
        0x32 => return datalogger::pair(at, frames.take::<10>()?.into(), out),
        0x34 => datalogger::wiring(frames.take()?, out),
        0x35..=0x38 => return datalogger::thresholds(at, frames.take()?, out),
        0x39 => datalogger::info(frames.take()?, out),
        0x40 | 0x41 => grove::light_sound_motion(frames.take()?, out),
        0x42 => grove::air_soil(frames.take()?, out),
        0x46 => probes::buffered(frames.take()?, out),
        0x47 => probes::live(frames.take()?, out),
        0x48 => probes::states(frames.take()?, out),
        0x49 => probes::info(frames.take()?, out),
        id => return Err(Error::Unknown { what: UnknownId::Frame(id), at }),
    }
    Ok(())
}
