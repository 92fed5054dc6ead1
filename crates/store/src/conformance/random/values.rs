use model::{ChannelIndex, Frame, MeasurementId, Reading, Reception, SeriesKey, Value};

use super::Rng;

/// How the values of one series go on.
#[derive(Debug)]
pub(super) struct Course {
    series: SeriesKey,
    kind: Kind,
    state: i64,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// A decimal with so many places that wanders.
    Walk(i32),
    Constant,
    Counter,
    /// All bits of a double.
    Full,
    Text,
    Json,
    Mixed,
}

const KINDS: [Kind; 11] = [
    Kind::Walk(0),
    Kind::Walk(1),
    Kind::Walk(1),
    Kind::Walk(2),
    Kind::Walk(3),
    Kind::Constant,
    Kind::Counter,
    Kind::Full,
    Kind::Text,
    Kind::Json,
    Kind::Mixed,
];

impl Course {
    pub(super) fn random(rng: &mut Rng) -> Self {
        let series = if rng.percent(20) {
            SeriesKey::status(MeasurementId(*rng.pick(&[3000, 3001, 3502, 3900])))
        } else {
            SeriesKey {
                channel: ChannelIndex(rng.between(1, 3) as u16),
                measurement: MeasurementId(4097 + rng.below(6) as u32),
            }
        };
        Self { series, kind: *rng.pick(&KINDS), state: rng.between(-500, 5_000) }
    }

    /// The next reading, now and then of a strange value.
    pub(super) fn next(&mut self, rng: &mut Rng) -> Reading {
        let value = if rng.percent(2) { strange(rng) } else { self.value(rng) };
        Reading { series: self.series, value }
    }

    fn value(&mut self, rng: &mut Rng) -> Value {
        match self.kind {
            Kind::Walk(places) => {
                self.state += rng.between(-9, 9);
                Value::Number(self.state as f64 / 10_f64.powi(places))
            }
            Kind::Constant => Value::Number(self.state as f64 / 4.0),
            Kind::Counter => {
                self.state += rng.between(0, 1_000_000_000);
                Value::Number(self.state as f64)
            }
            Kind::Full => Value::Number(full(rng)),
            Kind::Text => text(rng),
            Kind::Json => json(rng),
            Kind::Mixed => match rng.below(4) {
                0 => text(rng),
                1 => json(rng),
                _ => Value::Number(rng.between(-100, 100) as f64 / 10.0),
            },
        }
    }
}

/// A finite number of all bits.
fn full(rng: &mut Rng) -> f64 {
    let number = f64::from_bits(rng.bits());
    // Extremes would drown everything they are added to, so most numbers stay near one.
    if rng.percent(90) || !number.is_finite() { (rng.bits() >> 11) as f64 / 9e15 - 0.5 } else { number }
}

fn strange(rng: &mut Rng) -> Value {
    match rng.below(8) {
        0 => Value::Number(-0.0),
        1 => Value::Number(9_007_199_254_740_992.0 + rng.below(8) as f64 * 2.0),
        2 => Value::Number(-(rng.below(1 << 53) as f64)),
        3 => Value::Number(*rng.pick(&[f64::MAX, f64::MIN, f64::MIN_POSITIVE, f64::EPSILON, 5e-324])),
        4 => Value::Number(full(rng)),
        5 => text(rng),
        6 => json(rng),
        _ => Value::Number(rng.between(-100_000, 100_000) as f64 / 1e6),
    }
}

fn text(rng: &mut Rng) -> Value {
    let long = if rng.percent(3) { 3_000 } else { 12 };
    let letters = ['a', 'Z', '7', ' ', '"', '\\', 'é', '℃', '\u{1F321}', '\0', '\n'];
    let length = rng.index(long);
    Value::text((0..length).map(|_| *rng.pick(&letters)).collect::<String>())
}

fn json(rng: &mut Rng) -> Value {
    let stations: Vec<_> = (0..rng.below(5))
        .map(|_| format!("{{\"mac\":\"{:012x}\",\"rssi\":-{}}}", rng.bits() >> 16, rng.below(120)))
        .collect();
    Value::Json(format!("[{}]", stations.join(",")).into())
}

/// A series that no course has.
pub(super) fn stray(rng: &mut Rng) -> Reading {
    let channel = *rng.pick(&[0, 1, 255, u16::MAX]);
    let measurement = *rng.pick(&[0, 3999, 4000, 5_000, 1 << 20, u32::MAX]);
    Reading::new(channel, measurement, rng.between(-50, 50) as f64)
}

/// A frame with or without radio data.
pub(super) fn frame(rng: &mut Rng) -> Frame {
    let longest = if rng.percent(3) { 4_000 } else { 51 };
    let payload = (0..rng.index(longest)).map(|_| rng.bits() as u8).collect::<Vec<_>>().into();
    let f_cnt = rng.percent(90).then(|| rng.below(1 << 16) as u32);
    if rng.percent(25) {
        return Frame { f_port: rng.bits() as u8, f_cnt, payload, ..Frame::default() };
    }
    let heard_by = rng.below(4);
    let receptions = (0..heard_by).map(|_| Reception {
        gateway: format!("eui-{:016x}", rng.below(9)).into(),
        rssi_dbm: rng.between(-140, 10) as i16,
        snr_db: rng.between(-80, 40) as f32 / 4.0,
    });
    let receptions = receptions.collect();
    Frame {
        f_port: rng.between(1, 223) as u8,
        f_cnt,
        payload,
        frequency_hz: 868_100_000 + 200_000 * rng.below(8) as u32,
        data_rate: rng.percent(90).then(|| rng.below(6) as u8),
        receptions,
        fault: rng.percent(5).then(|| format!("unknown record at byte `{}`", rng.below(40)).into()),
    }
}
