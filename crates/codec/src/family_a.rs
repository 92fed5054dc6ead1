//! Seven-byte records under one checksum: the first generation, S2101 to S2106, A1101.
//!
//! **Shape**: `channel u8 | data id u16 | value 4 bytes`, little endian, repeated; then CRC-16/KERMIT
//! of all of it, low byte first. Data ids above 0x1000 are measurements in thousandths.

use model::{ChannelIndex, CodecVersion, MeasurementId};

use crate::{Decoded, Error, Event, SensorCounter, UnknownId, Version, codec::Family, frames::Frames};

pub(crate) static FAMILY: Family = Family { version: CodecVersion(1), f_ports: &[2, 1], open, frame };

pub(crate) static KERMIT: crc::Crc<u16> = crc::Crc::<u16>::new(&crc::CRC_16_KERMIT);

fn open(payload: &[u8]) -> Result<&[u8], Error> {
    const RECORD_AND_CHECKSUM: usize = 9;
    let (Some((records, stated)), RECORD_AND_CHECKSUM..) = (payload.split_last_chunk(), payload.len()) else {
        return Err(Error::Short { at: 0, need: RECORD_AND_CHECKSUM, have: payload.len() });
    };
    let (stated, computed) = (u16::from_le_bytes(*stated), KERMIT.checksum(records));
    if stated == computed { Ok(records) } else { Err(Error::Checksum { at: records.len(), stated, computed }) }
}

fn frame(frames: &mut Frames<'_>, out: &mut Decoded) -> Result<(), Error> {
    let at = frames.at();
    let [channel, id0, id1, v0, v1, v2, v3] = frames.take()?;
    let index = ChannelIndex(channel.into());
    match u16::from_le_bytes([id0, id1]) {
        0x0000 => out.versions(Version::new(v3, v2), Version::new(v1, v0)),
        0x0001 => out.events.push(Event::SensorVersion {
            channel: index,
            hardware: Version::new(v3, v2),
            firmware: Version::new(v1, v0),
        }),
        0x0002 => eui_half(index, false, u32::from_le_bytes([v0, v1, v2, v3]), out),
        0x0003 => eui_half(index, true, u32::from_le_bytes([v0, v1, v2, v3]), out),
        0x0004 => out.events.push(Event::SensorDate {
            channel: index,
            year: u16::from(v3) * 100 + u16::from(v2),
            month: v1,
            day: v0,
        }),
        id @ (0x0005 | 0x0006) => out.events.push(Event::SensorCounter {
            channel: index,
            counter: if id == 0x0005 { SensorCounter::Power } else { SensorCounter::PowerOnTime },
            raw: u32::from_le_bytes([v0, v1, v2, v3]),
        }),
        0x0007 => {
            out.status(MeasurementId::BATTERY, f64::from(u16::from_le_bytes([v0, v1])));
            out.status(MeasurementId::REPORT_INTERVAL, f64::from(u16::from_le_bytes([v2, v3])));
        }
        0x0009 => out.events.push(Event::VisionModel { detection: v3, id: v2, version: v1 }),
        0x001F => out.events.push(Event::DownlinkAck { command_id: u16::from_le_bytes([v0, v1]), ok: v2 == 1 }),
        0x0120 => out.events.push(Event::SensorRemoved { channel: index }),
        measurement @ 0x1001.. => {
            let thousandths = i32::from_le_bytes([v0, v1, v2, v3]);
            out.number(channel.into(), measurement.into(), f64::from(thousandths) / 1000.0);
        }
        id => return Err(Error::Unknown { what: UnknownId::Data(id), at }),
    }
    Ok(())
}

/// Puts a half to its other half if that came before.
fn eui_half(channel: ChannelIndex, is_high: bool, bits: u32, out: &mut Decoded) {
    let other = out.events.iter_mut().find_map(|event| match *event {
        Event::SensorEuiHalf { channel: its, is_high: high, bits } if its == channel && high != is_high => {
            Some((event, bits))
        }
        _ => None,
    });
    match other {
        Some((event, other)) => {
            let (high, low) = if is_high { (bits, other) } else { (other, bits) };
            *event = Event::SensorEui { channel, eui: u64::from(high) << 32 | u64::from(low) };
        }
        None => out.events.push(Event::SensorEuiHalf { channel, is_high, bits }),
    }
}
