use model::{
    CodecVersion, DedupKey, DeviceEui, DeviceId, Frame, MeasurementId, OrgId, Position, Reading, RowFlags, SourceId,
    Timestamp, Value,
};
use store::{Entry, NewRow, Redecode, StoredUplink};

use crate::random::Random;

pub(crate) const ORG: OrgId = OrgId::from_random(7);
pub(crate) const DEVICES: u64 = 24;
/// Callers that append at the same time, each waiting for its last append.
pub(crate) const CALLERS: u64 = 8;
const SOURCE: SourceId = SourceId::from_raw(1);
const START_MS: i64 = 1_767_225_600_000;
/// Uplinks of one append have lower numbers.
const UPLINKS_MAX: u64 = 32;
/// The measurement whose value names the operation.
const NAMING: u32 = 4097;
const OPERATIONS_MAX: u64 = 1_000_000;

pub(crate) fn eui(index: u64) -> DeviceEui {
    DeviceEui::from_raw(0x2CF7_F120_0000_0000 + index)
}

/// Names one append of one run of the writer; what it holds follows from the name alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Operation {
    pub(crate) run: u64,
    pub(crate) caller: u64,
    pub(crate) number: u64,
}

impl Operation {
    /// The time at which it happens.
    pub(crate) fn now(self) -> Timestamp {
        Timestamp::from_millis(START_MS + (self.run * 600_000 + self.number * 50 + self.caller) as i64)
    }

    fn id(self, uplink: u64) -> u64 {
        ((self.run * CALLERS + self.caller) * OPERATIONS_MAX + self.number) * UPLINKS_MAX + uplink
    }

    /// The operation that a row says it came from.
    pub(crate) fn of(row: &[Reading]) -> Option<Self> {
        let reading = row.iter().find(|reading| reading.series.measurement == MeasurementId(NAMING))?;
        let id = reading.value.as_number()? as u64 / UPLINKS_MAX;
        let (number, id) = (id % OPERATIONS_MAX, id / OPERATIONS_MAX);
        Some(Self { run: id / CALLERS, caller: id % CALLERS, number })
    }

    /// Whether it decodes an uplink of the operation before it again.
    pub(crate) fn is_redecode(self) -> bool {
        self.number % 7 == 3
    }

    /// The operation before it, of the same caller.
    pub(crate) fn before(self) -> Option<Self> {
        Some(Self { number: self.number.checked_sub(1)?, ..self })
    }

    fn random(self) -> Random {
        Random(self.id(0).wrapping_mul(0x2545_F491_4F6C_DD1D))
    }

    /// Its uplinks: of several devices, with one to three rows, some of them late, with frames.
    pub(crate) fn uplinks(self, devices: &[DeviceId]) -> Vec<Entry> {
        let mut random = self.random();
        let count = if random.below(4) == 0 { 1 } else { 1 + random.below(UPLINKS_MAX - 1) };
        (0..count).map(|index| Entry::Uplink(self.uplink(index, devices, &mut random))).collect()
    }

    fn uplink(self, index: u64, devices: &[DeviceId], random: &mut Random) -> StoredUplink {
        let device = random.below(devices.len() as u64);
        let late_ms = if random.below(20) == 0 { random.below(3_600_000) as i64 } else { 0 };
        let id = self.id(index);
        let payload: Vec<u8> = (0..12 + random.below(30)).map(|_| random.next() as u8).collect();
        let rows = (0..1 + random.below(3)).map(|row| NewRow {
            measured_at: self.now().minus_ms(late_ms + row as i64 * 60_000 + index as i64),
            flags: if late_ms > 0 { RowFlags::LATE } else { RowFlags::NONE },
            readings: readings(id, row, random),
        });
        StoredUplink {
            org: ORG,
            device: devices[device as usize],
            eui: eui(device),
            source: SOURCE,
            dedup: DedupKey(u128::from(id)),
            received_at: self.now(),
            codec: CodecVersion(1),
            frame: Some(Frame { f_port: 2, payload: payload.into(), ..Frame::default() }),
            rows: rows.collect(),
        }
    }

    /// Another decoding of the first uplink of an earlier operation, which stands at `replaces`.
    pub(crate) fn redecode(self, earlier: Self, replaces: Position, devices: &[DeviceId]) -> Option<Entry> {
        let Some(Entry::Uplink(uplink)) = earlier.uplinks(devices).into_iter().next() else { return None };
        let mut random = self.random();
        let rows = uplink.rows.iter().enumerate().map(|(row, old)| NewRow {
            measured_at: old.measured_at,
            flags: old.flags,
            readings: readings(self.id(0), row as u64, &mut random),
        });
        Some(Entry::Redecode(Redecode {
            org: ORG,
            device: uplink.device,
            eui: uplink.eui,
            replaces,
            received_at: uplink.received_at,
            codec: CodecVersion(2),
            rows: rows.collect(),
        }))
    }
}

/// The first says where the row comes from; the others are what sensors send.
fn readings(id: u64, row: u64, random: &mut Random) -> Vec<Reading> {
    let mut readings = vec![
        Reading::new(1, NAMING, id as f64),
        Reading::new(1, 4098, row as f64),
        Reading::new(2, 4099, random.below(80_000) as f64),
        Reading::new(3, 4100, random.below(10_000) as f64 / 10.0),
    ];
    if random.below(50) == 0 {
        readings.push(Reading::new(
            4,
            5001,
            Value::Json(format!("[{{\"mac\":\"{:012x}\"}}]", random.below(1 << 48)).into()),
        ));
    }
    if random.below(10) == 0 {
        readings.push(Reading::status(3000, random.below(101) as f64));
    }
    readings
}
