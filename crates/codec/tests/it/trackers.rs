//! What the builders of trackers make, the codecs read, field by field.

use codec::{
    Codec, Event,
    encode::{self, Found, TrackerRecord},
};
use model::{Reading, Timestamp, Value};
use proptest::prelude::*;

type Heard = Vec<([u8; 6], i8)>;

/// The bits of the three models' events, and how many places a T1000 lists.
const T1000_EVENTS: u32 = 0x00FF_FFFF;
const T1000_E_EVENTS: u32 = 0xFF;
const T2000_EVENTS: u32 = 0xFFFF;

fn events(id: u32, bits: u32) -> Reading {
    const NAMES: [&str; 9] = [
        "Start moving event.",
        "End moving event.",
        "Motionless event.",
        "Shock event.",
        "Temperature event.",
        "Light event.",
        "SOS event.",
        "Press once event.",
        "Disassembled event.",
    ];
    let listed = (0..32).filter(|bit| bits & 1 << bit != 0).map(|bit| {
        let name = NAMES.get(bit as usize).unwrap_or(&"Unlisted event.");
        serde_json::json!({ "id": bit + 1, "eventName": name })
    });
    Reading::new(1, id, json(listed))
}

fn scan(id: u32, heard: &Heard) -> Reading {
    let listed = heard.iter().map(|(address, dbm)| {
        let mac = address.map(|byte| format!("{byte:02X}")).join(":");
        serde_json::json!({ "mac": mac, "rssi": dbm })
    });
    Reading::new(1, id, json(listed))
}

/// As text with its fields in alphabetical order, which `read` brings answers into too.
fn json(listed: impl Iterator<Item = serde_json::Value>) -> Value {
    Value::Json(serde_json::Value::from_iter(listed).to_string().into())
}

/// The one row of a payload, sorted by series, and its events.
fn read(model: &str, payload: &[u8]) -> (Option<Timestamp>, Vec<Reading>, Vec<Event>) {
    let mut decoded = Codec::find(model).expect("a known model").decode(5, payload).expect("a whole payload");
    assert_eq!((decoded.rows.len(), decoded.warnings.as_slice()), (1, &[][..]));
    let mut row = decoded.rows.remove(0);
    for reading in &mut row.readings {
        if let Value::Json(text) = &reading.value {
            let parsed: serde_json::Value = serde_json::from_str(text).expect("JSON");
            reading.value = Value::Json(parsed.to_string().into());
        }
    }
    row.readings.sort_by_key(|reading| reading.series);
    (row.measured_at, row.readings, decoded.events)
}

/// What a record says, sorted by series, its events aside.
fn said(record: &TrackerRecord, has_air: bool, slots: usize) -> Vec<Reading> {
    let mut readings = vec![Reading::status(3000, f64::from(record.percent))];
    match &record.found {
        Found::Place { longitude, latitude } => {
            readings.extend([Reading::new(1, 4197, *longitude), Reading::new(1, 4198, *latitude)]);
        }
        Found::Wifi(heard) => readings.push(scan(5001, &heard.iter().copied().take(slots).collect())),
        Found::Bluetooth(heard) => {
            readings.push(scan(5002, &heard.iter().copied().take(slots.saturating_sub(1)).collect()));
        }
        Found::Nothing(_) => {}
    }
    if let Some((celsius, percent)) = record.air.filter(|_| has_air) {
        readings.extend([Reading::new(1, 4097, celsius), Reading::new(1, 4199, percent)]);
    }
    readings.extend((4210..).zip(record.acceleration_mg.into_iter().flatten()).map(|(id, mg)| Reading::new(1, id, mg)));
    readings
}

fn positioning(record: &TrackerRecord) -> Option<Reading> {
    if let Found::Nothing(status) = record.found { Some(Reading::status(3576, f64::from(status))) } else { None }
}

fn sorted(mut readings: Vec<Reading>) -> Vec<Reading> {
    readings.sort_by_key(|reading| reading.series);
    readings
}

fn motion(record: &TrackerRecord) -> Vec<Event> {
    let is_told = record.motion != 0 && !matches!(record.found, Found::Nothing(_));
    if is_told { vec![Event::Motion { number: record.motion }] } else { vec![] }
}

/// Events that tell of no missing value.
fn told(events: Vec<Event>) -> Vec<Event> {
    events.into_iter().filter(|event| !matches!(event, Event::NoValue { .. })).collect()
}

fn heard() -> impl Strategy<Value = Heard> {
    let address = any::<[u8; 6]>().prop_filter("an empty slot", |address| *address != [0xFF; 6]);
    proptest::collection::vec((address, any::<i8>()), 0..=6)
}

fn found() -> impl Strategy<Value = Found> {
    let millionths = |end: i32| (-end..=end).prop_map(|raw| f64::from(raw) / 1e6);
    prop_oneof![
        (millionths(180_000_000), millionths(90_000_000))
            .prop_map(|(longitude, latitude)| Found::Place { longitude, latitude }),
        heard().prop_map(Found::Wifi),
        heard().prop_map(Found::Bluetooth),
        any::<u8>().prop_map(Found::Nothing),
    ]
}

prop_compose! {
    fn record()(
        seconds: u32, events: u32, motion: u8, found in found(),
        air in proptest::option::of((-999_i16..=999, 0_u16..=100)),
        axes in proptest::option::of(proptest::array::uniform3(i16::MIN + 1..)),
        percent: u8,
    ) -> TrackerRecord {
        TrackerRecord {
            at: Timestamp::from_millis(i64::from(seconds) * 1000),
            events,
            motion,
            found,
            air: air.map(|(tenths, percent)| (f64::from(tenths) / 10.0, f64::from(percent))),
            acceleration_mg: axes.map(|axes| axes.map(f64::from)),
            percent,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn records_of_a_t1000_read_back(record in record()) {
        let (at, readings, told_events) = read("T1000-A", &encode::t1000(&record));
        let mut expected = said(&record, true, 4);
        expected.extend(positioning(&record));
        expected.push(events(4200, record.events & T1000_EVENTS));
        prop_assert_eq!(at, Some(record.at));
        prop_assert_eq!(readings, sorted(expected));
        prop_assert_eq!(told(told_events), motion(&record));
    }

    #[test]
    fn records_of_a_t1000_e_read_back(record in record()) {
        let (at, readings, told_events) = read("T1000-E", &encode::t1000_e(&record));
        let mut expected = said(&record, true, usize::MAX);
        expected.push(events(5003, record.events & T1000_E_EVENTS));
        prop_assert_eq!(at, None);
        prop_assert_eq!(readings, sorted(expected));
        prop_assert_eq!(told(told_events), vec![]);
    }

    #[test]
    fn records_of_a_t2000_read_back(record in record()) {
        let (at, readings, told_events) = read("T2000", &encode::t2000(&record));
        let mut expected = said(&record, false, usize::MAX);
        expected.extend(positioning(&record));
        if record.events & T2000_EVENTS != 0 {
            expected.push(events(4200, record.events & T2000_EVENTS));
        }
        prop_assert_eq!(at, Some(record.at));
        prop_assert_eq!(readings, sorted(expected));
        prop_assert_eq!(told(told_events), motion(&record));
    }

    #[test]
    fn records_kept_while_away_are_rows_of_their_own(records in proptest::collection::vec(record(), 1..=5)) {
        let payload: Vec<_> = records.iter().flat_map(encode::t1000).collect();
        prop_assume!(payload.len() <= Codec::PAYLOAD_BYTES_MAX);
        let decoded = Codec::find("T1000-B").expect("a known model").decode(5, &payload).expect("a whole payload");
        let mut times: Vec<_> = records.iter().map(|record| Some(record.at)).collect();
        times.dedup();
        prop_assert!(decoded.rows.len() <= times.len());
        prop_assert!(times.iter().all(|at| decoded.rows.iter().any(|row| row.measured_at == *at)));
    }
}
