//! One log entry as bytes.
//!
//! A tag, then the fields in the order of the type, numbers as varints, times as differences to
//! the entry's own. A tag is never given a second meaning: a changed shape gets a new one.

use model::{
    ChannelIndex, CodecVersion, DedupKey, DeviceEui, DeviceId, Frame, MeasurementId, OrgId, Position, Reading,
    Reception, RowFlags, SeriesKey, SourceId, Timestamp,
};
use store::{Entry, Message, NewRow, Redecode, StoredUplink};

use crate::bytes::{Damaged, Take, put_bytes, put_i64, put_u64, put_value};

const UPLINK: u8 = 1;
const REDECODE: u8 = 2;
/// A message without a header, as earlier versions wrote them.
const BARE_MESSAGE: u8 = 3;
const ERASED: u8 = 4;
const ERASED_ON: u8 = 5;
const MESSAGE: u8 = 6;

/// An entry as the log holds it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Logged {
    Entry(Entry),
    /// What is left of an entry whose device was purged: whose it was and how many data it
    /// uploaded, which still counts, and when; earlier versions did not write that down.
    Erased {
        org: OrgId,
        um: u64,
        received_at: Option<Timestamp>,
    },
}

pub(crate) fn encode(out: &mut Vec<u8>, entry: &Entry) {
    match entry {
        Entry::Uplink(uplink) => {
            out.push(UPLINK);
            put_u64(out, uplink.org.get());
            put_u64(out, uplink.device.0);
            out.extend_from_slice(&uplink.eui.get().to_le_bytes());
            out.extend_from_slice(&uplink.source.get().to_le_bytes());
            out.extend_from_slice(&uplink.dedup.0.to_le_bytes());
            put_i64(out, uplink.received_at.as_millis());
            put_u64(out, uplink.codec.0.into());
            match &uplink.frame {
                Some(frame) => {
                    out.push(1);
                    put_frame(out, frame);
                }
                None => out.push(0),
            }
            put_rows(out, uplink.received_at, &uplink.rows);
        }
        Entry::Redecode(redecode) => {
            out.push(REDECODE);
            put_u64(out, redecode.org.get());
            put_u64(out, redecode.device.0);
            out.extend_from_slice(&redecode.eui.get().to_le_bytes());
            put_u64(out, redecode.replaces.get());
            put_i64(out, redecode.received_at.as_millis());
            put_u64(out, redecode.codec.0.into());
            put_rows(out, redecode.received_at, &redecode.rows);
        }
        Entry::Message(message) => {
            out.push(MESSAGE);
            put_u64(out, message.org.get());
            put_i64(out, message.received_at.as_millis());
            put_bytes(out, message.topic.as_bytes());
            put_bytes(out, &message.payload);
            out.push(message.retain.into());
            put_bytes(out, &message.header);
        }
    }
}

pub(crate) fn encode_erased(out: &mut Vec<u8>, org: OrgId, um: u64, received_at: Timestamp) {
    out.push(ERASED_ON);
    put_u64(out, org.get());
    put_u64(out, um);
    put_i64(out, received_at.as_millis());
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Logged, Damaged> {
    let mut take = Take(bytes);
    let entry = match take.u8()? {
        ERASED => {
            let (org, um) = (OrgId::from_raw(take.u64()?), take.u64()?);
            return Ok(Logged::Erased { org, um, received_at: None });
        }
        ERASED_ON => {
            let (org, um) = (OrgId::from_raw(take.u64()?), take.u64()?);
            let received_at = Some(Timestamp::from_millis(take.i64()?));
            return Ok(Logged::Erased { org, um, received_at });
        }
        UPLINK => {
            let mut uplink = take_uplink(&mut take)?;
            uplink.rows = take_rows(&mut take, uplink.received_at)?;
            Entry::Uplink(uplink)
        }
        REDECODE => {
            let org = OrgId::from_raw(take.u64()?);
            let device = DeviceId(take.u64()?);
            let eui = DeviceEui::from_raw(u64::from_le_bytes(take.array()?));
            let replaces = Position::from_raw(take.u64()?);
            let received_at = Timestamp::from_millis(take.i64()?);
            let codec = take_codec(&mut take)?;
            let rows = take_rows(&mut take, received_at)?;
            Entry::Redecode(Redecode { org, device, eui, replaces, received_at, codec, rows })
        }
        tag @ (BARE_MESSAGE | MESSAGE) => {
            let org = OrgId::from_raw(take.u64()?);
            let received_at = Timestamp::from_millis(take.i64()?);
            let topic = take.text()?.into();
            let payload = take.bytes()?.into();
            let retain = take.u8()? != 0;
            let header = if tag == MESSAGE { take.bytes()?.into() } else { Box::default() };
            Entry::Message(Message { org, received_at, topic, payload, retain, header })
        }
        _ => return Err(Damaged("an entry has an unknown tag")),
    };
    if take.is_empty() { Ok(Logged::Entry(entry)) } else { Err(Damaged("an entry goes on after its end")) }
}

/// An uplink without its rows, which are most of the work; `None` if the entry is none.
pub(crate) fn decode_frame(bytes: &[u8]) -> Result<Option<StoredUplink>, Damaged> {
    let mut take = Take(bytes);
    if take.u8()? == UPLINK { take_uplink(&mut take).map(Some) } else { Ok(None) }
}

/// Everything of an uplink that stands before its rows.
fn take_uplink(take: &mut Take<'_>) -> Result<StoredUplink, Damaged> {
    Ok(StoredUplink {
        org: OrgId::from_raw(take.u64()?),
        device: DeviceId(take.u64()?),
        eui: DeviceEui::from_raw(u64::from_le_bytes(take.array()?)),
        source: SourceId::from_raw(u64::from_le_bytes(take.array()?)),
        dedup: DedupKey(u128::from_le_bytes(take.array()?)),
        received_at: Timestamp::from_millis(take.i64()?),
        codec: take_codec(take)?,
        frame: if take.u8()? == 0 { None } else { Some(take_frame(take)?) },
        rows: Vec::new(),
    })
}

/// Whose entry it is, and which device's, without decoding the rest.
pub(crate) fn owner(bytes: &[u8]) -> Result<(OrgId, Option<DeviceId>), Damaged> {
    let mut take = Take(bytes);
    let tag = take.u8()?;
    let org = OrgId::from_raw(take.u64()?);
    let device = if matches!(tag, UPLINK | REDECODE) { Some(DeviceId(take.u64()?)) } else { None };
    Ok((org, device))
}

fn take_codec(take: &mut Take<'_>) -> Result<CodecVersion, Damaged> {
    u16::try_from(take.u64()?).map(CodecVersion).map_err(|_| Damaged("a codec version is too large"))
}

fn put_rows(out: &mut Vec<u8>, received_at: Timestamp, rows: &[NewRow]) {
    put_u64(out, rows.len() as u64);
    for row in rows {
        put_i64(out, row.measured_at.as_millis().wrapping_sub(received_at.as_millis()));
        out.push(row.flags.0);
        put_u64(out, row.readings.len() as u64);
        for reading in &row.readings {
            put_series(out, reading.series);
            put_value(out, &reading.value);
        }
    }
}

fn take_rows(take: &mut Take<'_>, received_at: Timestamp) -> Result<Vec<NewRow>, Damaged> {
    let count = take.count()?;
    let mut rows = Vec::with_capacity(count);
    for _ in 0..count {
        let measured_at = Timestamp::from_millis(take.i64()?.wrapping_add(received_at.as_millis()));
        let flags = RowFlags(take.u8()?);
        let count = take.count()?;
        let mut readings = Vec::with_capacity(count);
        for _ in 0..count {
            readings.push(Reading { series: take_series(take)?, value: take.value()? });
        }
        rows.push(NewRow { measured_at, flags, readings });
    }
    Ok(rows)
}

pub(crate) fn put_series(out: &mut Vec<u8>, series: SeriesKey) {
    put_u64(out, series.channel.0.into());
    put_u64(out, series.measurement.0.into());
}

pub(crate) fn take_series(take: &mut Take<'_>) -> Result<SeriesKey, Damaged> {
    let channel = u16::try_from(take.u64()?).map_err(|_| Damaged("a channel is too large"))?;
    let measurement = u32::try_from(take.u64()?).map_err(|_| Damaged("a measurement id is too large"))?;
    Ok(SeriesKey { channel: ChannelIndex(channel), measurement: MeasurementId(measurement) })
}

pub(crate) fn put_frame(out: &mut Vec<u8>, frame: &Frame) {
    let has = u8::from(frame.f_cnt.is_some())
        | u8::from(frame.data_rate.is_some()) << 1
        | u8::from(frame.fault.is_some()) << 2;
    out.push(has);
    out.push(frame.f_port);
    if let Some(f_cnt) = frame.f_cnt {
        put_u64(out, f_cnt.into());
    }
    if let Some(data_rate) = frame.data_rate {
        out.push(data_rate);
    }
    put_u64(out, frame.frequency_hz.into());
    put_bytes(out, &frame.payload);
    put_u64(out, frame.receptions.len() as u64);
    for reception in &frame.receptions {
        put_bytes(out, reception.gateway.as_bytes());
        put_i64(out, reception.rssi_dbm.into());
        out.extend_from_slice(&reception.snr_db.to_bits().to_le_bytes());
    }
    if let Some(fault) = &frame.fault {
        put_bytes(out, fault.as_bytes());
    }
}

pub(crate) fn take_frame(take: &mut Take<'_>) -> Result<Frame, Damaged> {
    let has = take.u8()?;
    let f_port = take.u8()?;
    let narrow = |number: u64| u32::try_from(number).map_err(|_| Damaged("a number of a frame is too large"));
    let f_cnt = if has & 1 == 0 { None } else { Some(narrow(take.u64()?)?) };
    let data_rate = if has & 2 == 0 { None } else { Some(take.u8()?) };
    let frequency_hz = narrow(take.u64()?)?;
    let payload = take.bytes()?.into();
    let count = take.count()?;
    let mut receptions = Vec::with_capacity(count);
    for _ in 0..count {
        let gateway = take.text()?.into();
        let rssi_dbm = i16::try_from(take.i64()?).map_err(|_| Damaged("a signal strength is too large"))?;
        let snr_db = f32::from_bits(u32::from_le_bytes(take.array()?));
        receptions.push(Reception { gateway, rssi_dbm, snr_db });
    }
    let fault = if has & 4 == 0 { None } else { Some(take.text()?.into()) };
    Ok(Frame { f_port, f_cnt, payload, frequency_hz, data_rate, receptions, fault })
}

#[cfg(test)]
mod tests {
    use model::Value;
    use proptest::{collection::vec, option, prelude::*};

    use super::*;

    fn values() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<f64>().prop_map(Value::Number),
            (-100_000_i64..100_000).prop_map(|number| Value::Number(number as f64 / 1_000.0)),
            ".{0,9}".prop_map(Value::text),
            ".{0,9}".prop_map(|text| Value::Json(text.into())),
        ]
    }

    fn rows() -> impl Strategy<Value = Vec<NewRow>> {
        let reading = (any::<u16>(), any::<u32>(), values()).prop_map(|(channel, measurement, value)| Reading {
            series: SeriesKey { channel: ChannelIndex(channel), measurement: MeasurementId(measurement) },
            value,
        });
        let row = (any::<i64>(), any::<u8>(), vec(reading, 0..4)).prop_map(|(ms, flags, readings)| NewRow {
            measured_at: Timestamp::from_millis(ms),
            flags: RowFlags(flags),
            readings,
        });
        vec(row, 0..4)
    }

    fn frames() -> impl Strategy<Value = Frame> {
        let reception = (".{0,9}", any::<i16>(), any::<f32>()).prop_map(|(gateway, rssi_dbm, snr_db)| Reception {
            gateway: gateway.into(),
            rssi_dbm,
            snr_db,
        });
        let radio = (any::<u32>(), option::of(any::<u8>()), vec(reception, 0..3));
        let frame = (any::<u8>(), option::of(any::<u32>()), vec(any::<u8>(), 0..40), radio, option::of(".{0,9}"));
        frame.prop_map(|(f_port, f_cnt, payload, (frequency_hz, data_rate, receptions), fault)| Frame {
            f_port,
            f_cnt,
            payload: payload.into(),
            frequency_hz,
            data_rate,
            receptions,
            fault: fault.map(Into::into),
        })
    }

    fn entries() -> impl Strategy<Value = Entry> {
        let ids = (any::<u64>(), any::<u64>(), any::<u64>(), any::<i64>(), any::<u16>());
        let uplink = (ids, any::<u64>(), any::<u128>(), rows(), option::of(frames())).prop_map(
            |((org, device, eui, ms, codec), source, dedup, rows, frame)| {
                Entry::Uplink(StoredUplink {
                    org: OrgId::from_raw(org),
                    device: DeviceId(device),
                    eui: DeviceEui::from_raw(eui),
                    source: SourceId::from_raw(source),
                    dedup: DedupKey(dedup),
                    received_at: Timestamp::from_millis(ms),
                    codec: CodecVersion(codec),
                    frame,
                    rows,
                })
            },
        );
        let redecode = (ids, any::<u64>(), rows()).prop_map(|((org, device, eui, ms, codec), replaces, rows)| {
            Entry::Redecode(Redecode {
                org: OrgId::from_raw(org),
                device: DeviceId(device),
                eui: DeviceEui::from_raw(eui),
                replaces: Position::from_raw(replaces),
                received_at: Timestamp::from_millis(ms),
                codec: CodecVersion(codec),
                rows,
            })
        });
        let bytes = || vec(any::<u8>(), 0..9);
        let message = (any::<u64>(), any::<i64>(), ".{0,9}", bytes(), any::<bool>(), bytes()).prop_map(
            |(org, ms, topic, payload, retain, header)| {
                Entry::Message(Message {
                    org: OrgId::from_raw(org),
                    received_at: Timestamp::from_millis(ms),
                    topic: topic.into(),
                    payload: payload.into(),
                    retain,
                    header: header.into(),
                })
            },
        );
        prop_oneof![uplink, redecode, message]
    }

    proptest! {
        #[test]
        fn every_entry_reads_back(entry in entries()) {
            let (mut bytes, mut again) = (Vec::new(), Vec::new());
            encode(&mut bytes, &entry);
            let Ok(Logged::Entry(back)) = decode(&bytes) else { return Err(TestCaseError::fail("no entry")) };
            prop_assert_eq!(owner(&bytes).map(|(org, _)| org), Ok(entry.org()));
            // Bytes are compared, because a NaN is not equal to itself.
            encode(&mut again, &back);
            prop_assert_eq!(&again, &bytes);
            prop_assert!(decode(&bytes[..bytes.len() - 1]).is_err());
        }

        #[test]
        fn any_bytes_are_an_entry_or_damaged(mut bytes: Vec<u8>, tag in 0_u8..6) {
            bytes.insert(0, tag);
            let _ = decode(&bytes);
            let _ = owner(&bytes);
        }
    }
}
