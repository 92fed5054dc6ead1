//! What the builders make, the codecs read.

use codec::{
    Codec, Decoded, Event,
    encode::{self, Battery, DeviceInfo, GustAndRain, Weather},
};
use model::{ChannelIndex, MeasurementId, Reading, Timestamp, Value};
use proptest::prelude::*;

fn decode(model: &str, payload: &[u8]) -> Decoded {
    let codec = Codec::find(model).expect("a known model");
    let decoded = codec.decode(codec.f_ports()[0], payload).expect("a whole payload");
    assert_eq!(decoded.warnings, []);
    decoded
}

/// The readings of a payload that has one row without a time.
fn readings(model: &str, payload: &[u8]) -> Vec<Reading> {
    let mut decoded = decode(model, payload);
    assert_eq!(decoded.rows.len(), 1);
    let row = decoded.rows.remove(0);
    assert_eq!(row.measured_at, None);
    row.readings
}

const INFO: DeviceInfo = DeviceInfo { percent: 97, hardware: (1, 2), firmware: (3, 4), interval_min: 1440 };

fn info_readings() -> Vec<Reading> {
    vec![
        Reading::status(3000, 97.0),
        Reading::status(3001, Value::text("1.2")),
        Reading::status(3502, Value::text("3.4")),
        Reading::status(3900, 1440.0),
    ]
}

#[test]
fn device_information_reads_back() {
    let sorted = |mut readings: Vec<Reading>| {
        readings.sort_by_key(|reading| reading.series);
        readings
    };
    assert_eq!(sorted(readings("S2105", &encode::family_a_info(INFO))), info_readings());
    assert_eq!(readings("S2107", &encode::s2107_info(INFO)), info_readings());
    for model in ["S2120", "S2100"] {
        assert_eq!(readings(model, &encode::device_info(INFO)), info_readings());
        assert_eq!(readings(model, &encode::battery(100)), [Reading::status(3000, 100.0)]);
    }
}

#[test]
fn the_fault_value_of_family_a_is_read_as_a_fault() {
    let decoded = decode("S2101", &encode::family_a(&[(1, 4097, 2_000_000.0)], None));
    assert_eq!(decoded.rows, []);
    let fault = Event::SensorFault { channel: ChannelIndex(1), measurement: MeasurementId(4097) };
    assert_eq!(decoded.events, [fault]);
}

#[test]
fn numbers_beyond_a_field_are_cut_to_it() {
    let weather =
        Weather { temperature_c: f64::NEG_INFINITY, uv_index: 1e9, pressure_pa: f64::NAN, ..Weather::default() };
    let readings = readings("S2120", &encode::s2120(weather));
    let value = |id| readings.iter().find(|reading| reading.series.measurement.0 == id).unwrap().value.clone();
    assert_eq!(value(4097), Value::Number(-3276.8));
    assert_eq!(value(4190), Value::Number(25.5));
    assert_eq!(value(4101), Value::Number(0.0));
}

#[test]
fn a_logger_fills_an_odd_frame_and_marks_the_last() {
    let payload = encode::s2100(&[(1, 1.0), (2, -2.5), (10, 0.001), (11, 7.0), (0, 7.0)]);
    assert_eq!((payload.len(), payload[0], payload[11]), (22, 0x30, 0x33));
    let expected = [Reading::new(1, 4165, 1.0), Reading::new(1, 4166, -2.5), Reading::new(1, 4174, 0.001)];
    assert_eq!(readings("S2100", &payload), expected);
    assert!(encode::s2100(&[]).is_empty());
}

proptest! {
    #[test]
    fn records_read_back(
        thousandths in proptest::collection::btree_map((1_u8.., 4097_u16..), i32::MIN..2_000_000_000, 1..30),
        percent in 0_u8..=100,
        interval_min: u16,
    ) {
        let values: Vec<_> =
            thousandths.iter().map(|(&(channel, id), &raw)| (channel, id, f64::from(raw) / 1000.0)).collect();
        let mut expected = vec![Reading::status(3000, f64::from(percent)), Reading::status(3900, f64::from(interval_min))];
        expected.extend(values.iter().map(|&(channel, id, value)| Reading::new(channel.into(), id.into(), value)));
        let payload = encode::family_a(&values, Some(Battery { percent, interval_min }));
        for model in ["Gen1", "S2101", "S2102", "S2103", "S2104", "S2105", "S2106", "A1101"] {
            prop_assert_eq!(&readings(model, &payload), &expected);
        }
    }

    #[test]
    fn weather_reads_back(
        temperature: i16, humidity in 0_u8..=100, light in 0_u32..2_000_000, uv: u8, wind: u16,
        direction: u16, rain in 0_u32..2_000_000_000, pressure: u16,
        newer: Option<(u16, u32)>,
    ) {
        let newer = newer.map(|(gust, total)| (gust, total % 2_000_000_000));
        let weather = Weather {
            temperature_c: f64::from(temperature) / 10.0,
            humidity_percent: f64::from(humidity),
            light_lux: f64::from(light),
            uv_index: f64::from(uv) / 10.0,
            wind_speed_m_s: f64::from(wind) / 10.0,
            wind_direction_deg: f64::from(direction),
            rainfall_mm_h: f64::from(rain) / 1000.0,
            pressure_pa: f64::from(pressure) * 10.0,
            gust_and_rain: newer.map(|(gust, total)| GustAndRain {
                gust_m_s: f64::from(gust) / 10.0,
                rain_total_mm: f64::from(total) / 1000.0,
            }),
        };
        let mut expected = vec![
            Reading::new(1, 4097, weather.temperature_c),
            Reading::new(1, 4098, weather.humidity_percent),
            Reading::new(1, 4099, weather.light_lux),
            Reading::new(1, 4190, weather.uv_index),
            Reading::new(1, 4105, weather.wind_speed_m_s),
            Reading::new(1, 4104, weather.wind_direction_deg),
            Reading::new(1, 4113, weather.rainfall_mm_h),
            Reading::new(1, 4101, weather.pressure_pa),
        ];
        if let Some(newer) = weather.gust_and_rain {
            expected.push(Reading::new(1, 4191, newer.gust_m_s));
            expected.push(Reading::new(1, 4213, newer.rain_total_mm));
        }
        prop_assert_eq!(readings("S2120", &encode::s2120(weather)), expected);
    }

    #[test]
    fn probes_read_back_with_and_without_a_time(
        hundredths in proptest::array::uniform3(proptest::option::of(i16::MIN + 1..)),
        seconds: u32,
    ) {
        let probes = hundredths.map(|raw| raw.map(|raw| f64::from(raw) / 100.0));
        let expected: Vec<_> =
            (1..).zip(probes).filter_map(|(channel, value)| Some(Reading::new(channel, 4203, value?))).collect();
        let at = Timestamp::from_millis(i64::from(seconds) * 1000);
        for (payload, at) in [(encode::s2107(probes), None), (encode::s2107_buffered(at, probes), Some(at))] {
            let decoded = decode("S2107", &payload);
            prop_assert_eq!(decoded.events.len(), 3 - expected.len());
            let rows: Vec<_> = decoded.rows.iter().map(|row| (row.measured_at, row.readings.as_slice())).collect();
            let wanted = if expected.is_empty() { vec![] } else { vec![(at, expected.as_slice())] };
            prop_assert_eq!(rows, wanted);
        }
    }

    #[test]
    fn logger_channels_read_back(thousandths in proptest::collection::btree_map(1_u8..=10, i32::MIN..2_000_000_000, 1..=10)) {
        let values: Vec<_> = thousandths.iter().map(|(&channel, &raw)| (channel, f64::from(raw) / 1000.0)).collect();
        let expected: Vec<_> =
            values.iter().map(|&(channel, value)| Reading::new(1, 4164 + u32::from(channel), value)).collect();
        prop_assert_eq!(readings("S2100", &encode::s2100(&values)), expected);
    }
}
