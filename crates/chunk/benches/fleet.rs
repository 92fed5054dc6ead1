//! Weather stations that report every five minutes, as one server receives them.

use model::{CodecVersion, Position, Reading, Row, RowFlags, Timestamp, Value};

/// How many devices report to the server.
pub(crate) const DEVICES: usize = 1_250;
const TICK_MS: i64 = 300_000;
const START_MS: i64 = 1_783_651_200_000;

/// Numbers that look random and are always the same.
pub(crate) struct Random(u64);

impl Random {
    /// Different numbers for different seeds.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    /// From 0 to below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mixed = (self.0 ^ (self.0 >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((u128::from(mixed ^ (mixed >> 32)) * u128::from(limit)) >> 64) as u64
    }

    fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1) as u64) as i64
    }
}

/// The rows of the first `keep` devices over `ticks` reports, each device's sorted for sealing.
///
/// **Shape**: every five minutes ±2 s; received 50 to 1,500 ms later, one in a hundred up to six
/// hours later, three in a thousand a second time; positions number all arrivals of the fleet.
pub(crate) fn rows(ticks: i64, keep: usize) -> Vec<Vec<Row>> {
    let mut arrivals = Vec::new();
    for device in 0..DEVICES {
        let mut random = Random::new(device as u64);
        let phase = random.between(0, TICK_MS - 1);
        for tick in 0..ticks {
            let measured_at = START_MS + phase + tick * TICK_MS + random.between(-2_000, 2_000);
            let late = if random.below(100) == 0 { random.between(600_000, 21_600_000) } else { 0 };
            let received_at = measured_at + random.between(50, 1_500) + late;
            arrivals.push((received_at, device, tick, measured_at));
            if random.below(1_000) < 3 {
                arrivals.push((received_at + random.between(1_000, 8_000), device, tick, measured_at));
            }
        }
    }
    arrivals.sort_unstable();
    let weather: Vec<_> =
        (0..keep).map(|device| Weather::days(&mut Random::new(1_000_000 + device as u64), ticks)).collect();
    let mut rows = vec![Vec::new(); keep];
    for (position, (received_at, device, tick, measured_at)) in (5_000_000u64..).zip(arrivals) {
        if device < keep {
            let is_late = received_at - measured_at > 300_000;
            rows[device].push(Row {
                measured_at: Timestamp::from_millis(measured_at),
                received_at: Timestamp::from_millis(received_at),
                position: Position::from_raw(position),
                replaces: None,
                codec: CodecVersion(1),
                flags: if is_late { RowFlags::LATE } else { RowFlags::NONE },
                readings: weather[device][tick as usize].readings(),
            });
        }
    }
    for rows in &mut rows {
        rows.sort_by_key(|row| (row.measured_at, row.position));
    }
    rows
}

/// What a station sees, in the smallest unit it sends.
#[derive(Clone)]
struct Weather {
    temperature: i64,
    humidity: i64,
    light: i64,
    uv: i64,
    wind_speed: i64,
    wind_direction: i64,
    rain: i64,
    pressure: i64,
}

impl Weather {
    fn days(random: &mut Random, ticks: i64) -> Vec<Self> {
        let mut now = Self {
            temperature: random.between(100, 250),
            humidity: random.between(40, 80),
            light: 0,
            uv: 0,
            wind_speed: random.between(0, 60),
            wind_direction: random.between(0, 359),
            rain: 0,
            pressure: random.between(9_900, 10_250),
        };
        let mut cloud = 60;
        let step = |tick| {
            now.step(random, tick, &mut cloud);
            now.clone()
        };
        (0..ticks).map(step).collect()
    }

    fn step(&mut self, random: &mut Random, tick: i64, cloud: &mut i64) {
        // A parabola over the twelve hours of daylight, 0 to 1,000.
        let noon = (tick % 288 - 144).abs();
        let sun = (1_000 - noon * noon * 1_000 / (72 * 72)).max(0);
        *cloud = (*cloud + random.between(-4, 4)).clamp(20, 100);
        self.temperature += random.between(-1, 1) + random.between(-1, 1);
        self.humidity = (self.humidity + random.between(-1, 1)).clamp(5, 100);
        self.light = sun * 180 * *cloud / 100 * random.between(970, 1_030) / 1_000;
        self.uv = sun * 110 / 1_000 * *cloud / 100;
        self.wind_speed = (self.wind_speed + random.between(-5, 5)).clamp(0, 200);
        self.wind_direction = (self.wind_direction + random.between(-15, 15)).rem_euclid(360);
        if random.below(100) == 0 {
            self.rain = if self.rain == 0 { random.between(1, 5_000) } else { 0 };
        }
        self.pressure += random.between(-1, 1);
    }

    fn readings(&self) -> Vec<Reading> {
        let tenths = |number: i64| Value::Number(number as f64 / 10.0);
        vec![
            Reading::new(1, 4_097, tenths(self.temperature)),
            Reading::new(1, 4_098, self.humidity as f64),
            Reading::new(1, 4_099, self.light as f64),
            Reading::new(1, 4_101, (self.pressure * 10) as f64),
            Reading::new(1, 4_104, self.wind_direction as f64),
            Reading::new(1, 4_105, tenths(self.wind_speed)),
            Reading::new(1, 4_113, self.rain as f64 / 1_000.0),
            Reading::new(1, 4_190, tenths(self.uv)),
        ]
    }
}
