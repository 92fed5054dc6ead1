use model::{ChannelIndex, DeviceEui, MeasurementId, SeriesKey, Timestamp, Value};
use serde::Deserialize;
use serde_json::Value as Json;

/// A reading as the stream tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamReading {
    /// Whose.
    pub device: DeviceEui,
    /// Which series.
    pub series: SeriesKey,
    /// Its value.
    pub value: Value,
    /// The device's time.
    pub time: Timestamp,
}

impl StreamReading {
    /// Reads a message of an organization's stream; `None` where it is no reading of it.
    ///
    /// **Shape**: topic `/device_sensor_data/<OrgID>/<DeviceEUI>/<Channel>/<Reserved>/<MeasurementID>`,
    /// payload `{"value":437,"timestamp":1544151922137}`. Some pages of the contract print both as
    /// texts: a text that is a number is one.
    pub fn parse(org_id: &str, topic: &str, payload: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Body {
            value: Json,
            timestamp: Json,
        }
        let mut levels = topic.strip_prefix("/device_sensor_data/")?.split('/');
        let [org, eui, channel, _reserved, measurement] = std::array::from_fn(|_| levels.next());
        if org? != org_id || levels.next().is_some() {
            return None;
        }
        let series = SeriesKey {
            channel: ChannelIndex(channel?.parse().ok()?),
            measurement: MeasurementId(measurement?.parse().ok()?),
        };
        let Body { value, timestamp } = serde_json::from_slice(payload).ok()?;
        let ms = match timestamp {
            Json::Number(number) => number.as_i64()?,
            Json::String(text) => text.parse().ok()?,
            _ => return None,
        };
        let value = match value {
            Json::Number(number) => Value::Number(number.as_f64()?),
            Json::String(text) => match text.parse::<f64>() {
                Ok(number) if number.is_finite() => Value::Number(number),
                _ => Value::text(text),
            },
            Json::Array(_) | Json::Object(_) => Value::Json(value.to_string().into()),
            Json::Bool(_) | Json::Null => return None,
        };
        // What lies beyond the years that can be written down is no time.
        let time = jiff::Timestamp::from_millisecond(ms).ok()?;
        Some(Self { device: eui?.parse().ok()?, series, value, time: Timestamp::from_millis(time.as_millisecond()) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TOPIC: &str = "/device_sensor_data/7/2CF7F12004100005/1/vs/4097";

    fn parse(topic: &str, payload: &str) -> Option<StreamReading> {
        StreamReading::parse("7", topic, payload.as_bytes())
    }

    #[test]
    fn a_reading_is_told_by_topic_and_payload() {
        let reading = parse(TOPIC, r#"{"value":437,"timestamp":1544151922137}"#).unwrap();
        assert_eq!(reading.device.to_string(), "2CF7F12004100005");
        assert_eq!((reading.series.channel, reading.series.measurement), (ChannelIndex(1), MeasurementId(4097)));
        assert_eq!((&reading.value, reading.time.as_millis()), (&Value::Number(437.0), 1_544_151_922_137));
        assert_eq!(parse(TOPIC, r#"{"value":"437","timestamp":"1544151922137"}"#), Some(reading));
        let list = parse(TOPIC, r#"{"value":[{"mac":"00"}],"timestamp":1}"#).unwrap();
        assert_eq!(list.value, Value::Json(r#"[{"mac":"00"}]"#.into()));
    }

    #[test]
    fn what_is_no_reading_of_the_organization_is_none() {
        let good = r#"{"value":1,"timestamp":1}"#;
        assert!(parse(TOPIC, good).is_some());
        for topic in [
            "/device_sensor_data/8/2CF7F12004100005/1/vs/4097",
            "/device_sensor_data/7/2CF7F12004100005/1/vs/4097/5",
            "/device_sensor_data/7/2CF7F12004100005/1/vs",
            "/device_sensor_data/7/roof/1/vs/4097",
            "/device_sensor_data/7/2CF7F12004100005/70000/vs/4097",
            "device_sensor_data/7/2CF7F12004100005/1/vs/4097",
            "/device_status_event/7/2CF7F12004100005/vs/3000",
        ] {
            assert_eq!(parse(topic, good), None, "{topic}");
        }
        for payload in [
            "",
            "{",
            "[]",
            r#"{"value":1}"#,
            r#"{"value":null,"timestamp":1}"#,
            r#"{"value":true,"timestamp":1}"#,
            r#"{"value":1,"timestamp":9223372036854775807}"#,
            r#"{"value":1,"timestamp":"soon"}"#,
        ] {
            assert_eq!(parse(TOPIC, payload), None, "{payload}");
        }
    }

    #[test]
    fn what_was_fuzzed_is_read_or_is_none() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/stream_reading");
        let read = std::fs::read_dir(folder).unwrap().filter(|file| {
            let bytes = std::fs::read(file.as_ref().unwrap().path()).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            let (topic, payload) = text.split_once('\n').unwrap_or((&text, ""));
            StreamReading::parse("7", topic, payload.as_bytes()).is_some()
        });
        assert!(read.count() >= 2);
    }

    proptest! {
        #[test]
        fn no_message_is_too_strange(topic in "\\PC{0,40}", tail in "[0-9A-F/]{0,40}", payload: Vec<u8>, text in "\\PC{0,40}") {
            let _ = StreamReading::parse("7", &topic, &payload);
            let _ = StreamReading::parse("7", &format!("/device_sensor_data/7/{tail}"), &payload);
            let _ = parse(TOPIC, &format!("{{\"value\":{text},\"timestamp\":1}}"));
        }

        #[test]
        fn a_number_comes_as_it_was_sent(number in -1.0e12..1.0e12, ms in 0_i64..4_000_000_000_000) {
            let reading = parse(TOPIC, &format!("{{\"value\":{number},\"timestamp\":{ms}}}")).unwrap();
            prop_assert_eq!(reading.value, Value::Number(number));
            prop_assert_eq!(reading.time.as_millis(), ms);
        }
    }
}
