use model::{
    ChannelIndex, CodecVersion, DedupKey, DeviceEui, DeviceId, MeasurementId, OrgId, Reading, RowFlags, SeriesKey,
    SourceId, Timestamp,
};
use store::{Entry, NewRow, StoredUplink};

use crate::random::Random;

/// Between two messages of a device.
pub(crate) const TICK_MS: i64 = 5 * 60_000;
pub(crate) const TICKS_A_DAY: usize = 288;
/// What one message carries.
pub(crate) const MEASUREMENTS: [u32; 8] = [4097, 4098, 4099, 4190, 4105, 4104, 4113, 4101];
const JITTER_MS: u64 = 2_000;
const LATE_OF_10_000: u64 = 100;
const DUPLICATE_OF_10_000: u64 = 30;
const LATE_TICKS_MAX: u64 = 24;

/// A simulated fleet of weather stations: every five minutes, give or take two seconds, each sends
/// eight measurements; one message in a hundred comes up to two hours late, three in a thousand
/// come twice.
pub(crate) struct Fleet {
    org: OrgId,
    source: SourceId,
    stations: Vec<Station>,
    /// Held back until a tick.
    late: Vec<(usize, StoredUplink)>,
    random: Random,
    start_ms: i64,
    tick: usize,
    sent: u128,
}

struct Station {
    id: DeviceId,
    eui: DeviceEui,
    temperature_tenths: i64,
    humidity: i64,
    wind_tenths: i64,
    direction: i64,
    rain_thousandths: i64,
    pressure_tens: i64,
}

impl Fleet {
    pub(crate) fn new(
        org: OrgId,
        source: SourceId,
        devices: &[(DeviceId, DeviceEui)],
        start: Timestamp,
        seed: u64,
    ) -> Self {
        let mut random = Random(seed);
        let stations = devices.iter().map(|(id, eui)| Station {
            id: *id,
            eui: *eui,
            temperature_tenths: 150 + random.around(80),
            humidity: 60 + random.around(20),
            wind_tenths: 20 + random.around(15),
            direction: 180 + random.around(180),
            rain_thousandths: 0,
            pressure_tens: 10_130 + random.around(100),
        });
        let stations = stations.collect();
        Self { org, source, stations, late: Vec::new(), random, start_ms: start.as_millis(), tick: 0, sent: 0 }
    }

    /// The time it is in the simulation.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.start_ms + self.tick as i64 * TICK_MS)
    }

    /// What arrives during the next five minutes.
    pub(crate) fn tick(&mut self) -> Vec<Entry> {
        let tick_ms = self.now().as_millis();
        self.tick += 1;
        let mut entries = Vec::with_capacity(self.stations.len() + 32);
        for index in 0..self.stations.len() {
            let at_ms = tick_ms + self.random.around(JITTER_MS as i64);
            let readings = self.stations[index].measure(at_ms, &mut self.random);
            let mut uplink = StoredUplink {
                org: self.org,
                device: self.stations[index].id,
                eui: self.stations[index].eui,
                source: self.source,
                dedup: DedupKey((u128::from(self.random.next()) << 64) | self.sent),
                received_at: Timestamp::from_millis(at_ms + 60 + self.random.below(200) as i64),
                codec: CodecVersion(1),
                frame: None,
                rows: vec![NewRow { measured_at: Timestamp::from_millis(at_ms), flags: RowFlags::NONE, readings }],
            };
            self.sent += 1;
            match self.random.below(10_000) {
                0..LATE_OF_10_000 => {
                    uplink.rows[0].flags = RowFlags::LATE;
                    self.late.push((self.tick + self.random.below(LATE_TICKS_MAX) as usize, uplink));
                }
                dice => {
                    if dice >= 10_000 - DUPLICATE_OF_10_000 {
                        entries.push(Entry::Uplink(uplink.clone()));
                    }
                    entries.push(Entry::Uplink(uplink));
                }
            }
        }
        let tick = self.tick;
        for (_, mut uplink) in self.late.extract_if(.., |(due, _)| *due <= tick) {
            uplink.received_at = Timestamp::from_millis(tick_ms + TICK_MS - 1_000);
            entries.push(Entry::Uplink(uplink));
        }
        entries
    }
}

impl Station {
    /// Eight values as a weather station has them: small steps, few decimals, night and day.
    fn measure(&mut self, at_ms: i64, random: &mut Random) -> Vec<Reading> {
        let day = (at_ms.rem_euclid(86_400_000)) as f64 / 86_400_000.0;
        let sun = (-(day * std::f64::consts::TAU).cos()).max(0.0);
        self.temperature_tenths += random.around(1) + if sun > 0.5 { random.below(2) as i64 } else { 0 }
            - i64::from(self.temperature_tenths > 250)
            - i64::from(sun == 0.0 && random.below(2) == 0);
        self.temperature_tenths = self.temperature_tenths.max(-100);
        self.humidity = (self.humidity + random.around(1)).clamp(15, 99);
        self.wind_tenths = (self.wind_tenths + random.around(4)).clamp(0, 250);
        self.direction = (self.direction + random.around(15)).rem_euclid(360);
        if random.below(200) == 0 {
            self.rain_thousandths = if self.rain_thousandths == 0 { 200 * (1 + random.below(20) as i64) } else { 0 };
        }
        self.pressure_tens = (self.pressure_tens + random.around(1)).clamp(9_500, 10_500);
        let light = sun * (80_000.0 + random.around(1_500) as f64);
        let values = [
            self.temperature_tenths as f64 / 10.0,
            self.humidity as f64,
            light.floor(),
            (sun * 80.0).floor() / 10.0,
            self.wind_tenths as f64 / 10.0,
            self.direction as f64,
            self.rain_thousandths as f64 / 1_000.0,
            self.pressure_tens as f64 * 10.0,
        ];
        MEASUREMENTS.iter().zip(values).map(|(measurement, value)| Reading::new(1, *measurement, value)).collect()
    }
}

/// The series of a measurement of a station.
pub(crate) fn series(measurement: u32) -> SeriesKey {
    SeriesKey { channel: ChannelIndex(1), measurement: MeasurementId(measurement) }
}
