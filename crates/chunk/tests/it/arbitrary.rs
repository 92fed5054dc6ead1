//! Rows of every kind, and how they are compared.

use model::{CodecVersion, Position, Reading, Row, RowFlags, Timestamp, Value};
use proptest::{collection::vec, option, prelude::*};

fn time() -> impl Strategy<Value = i64> {
    prop_oneof![
        8 => 1_783_651_184_000..1_783_751_184_000i64,
        1 => any::<i64>(),
        1 => prop_oneof![Just(i64::MIN), Just(i64::MAX), Just(0)],
    ]
}

fn position() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 0..1_000_000u64, 1 => any::<u64>(), 1 => Just(u64::MAX)]
}

fn number() -> impl Strategy<Value = f64> {
    let odd = [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, f64::MIN_POSITIVE / 3.0, f64::MAX];
    prop_oneof![
        8 => (-2_000..20_000i32).prop_map(|tenths| f64::from(tenths) / 10.0),
        2 => (any::<i64>(), 0..12).prop_map(|(digits, places)| digits as f64 / 10f64.powi(places)),
        1 => any::<u64>().prop_map(f64::from_bits),
        1 => proptest::sample::select(odd.to_vec()),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        12 => number().prop_map(Value::Number),
        1 => proptest::sample::select(vec!["", "1.2", "2.0.11", "ünï"]).prop_map(Value::text),
        1 => ".{0,300}".prop_map(Value::text),
        1 => vec((0..255u8, -120..0i16), 0..9).prop_map(|scan| Value::Json(format!("{scan:?}").into())),
    ]
}

/// One row, each series at most once, sorted.
fn row() -> impl Strategy<Value = Row> {
    let readings = vec((0..3u16, prop_oneof![4_097..4_103u32, 3_000..3_002u32, Just(u32::MAX)], value()), 0..9);
    let clocks = (time(), prop_oneof![4 => (-2_000..2_000i64).prop_map(Some), 1 => Just(None)], time());
    (clocks, position(), option::weighted(0.1, position()), any::<(u16, u8)>(), any::<bool>(), readings).prop_map(
        |((measured_at, delay, other), position, replaces, (codec, flags), is_plain, readings)| {
            let mut row = Row {
                measured_at: Timestamp::from_millis(measured_at),
                received_at: Timestamp::from_millis(delay.map_or(other, |delay| measured_at.wrapping_add(delay))),
                position: Position::from_raw(position),
                replaces: replaces.map(Position::from_raw),
                codec: CodecVersion(if is_plain { 1 } else { codec }),
                flags: RowFlags(if is_plain { 0 } else { flags }),
                readings: readings.into_iter().map(|(channel, id, value)| Reading::new(channel, id, value)).collect(),
            };
            row.readings.sort_by_key(|reading| reading.series);
            row.readings.dedup_by_key(|reading| reading.series);
            row
        },
    )
}

/// Rows in no order.
pub(crate) fn rows() -> impl Strategy<Value = Vec<Row>> {
    let alike = (row(), vec((0..400_000i64, vec(number(), 9)), 1..400)).prop_map(|(first, steps)| {
        let mut at = first.measured_at;
        let follow = |(step, numbers): (i64, Vec<f64>)| {
            at = at.plus_ms(step);
            let mut row = Row { measured_at: at, received_at: at.plus_ms(step % 1_000), ..first.clone() };
            for (reading, number) in row.readings.iter_mut().zip(numbers) {
                reading.value = Value::Number(number);
            }
            row
        };
        steps.into_iter().map(follow).collect()
    });
    prop_oneof![2 => vec(row(), 1..40), 1 => alike]
}

/// Rows as `seal` wants them.
pub(crate) fn sorted_rows() -> impl Strategy<Value = Vec<Row>> {
    rows().prop_map(|mut rows| {
        rows.sort_by_key(|row| (row.measured_at, row.position));
        rows
    })
}

/// Like `assert_eq!`, to the last bit of every number.
#[track_caller]
pub(crate) fn assert_same(have: &[Row], want: &[Row]) {
    assert_eq!(have.len(), want.len());
    for (have, want) in have.iter().zip(want) {
        let is_same = |(have, want): (&Reading, &Reading)| have.series == want.series && have.value.same(&want.value);
        assert!(have.readings.len() == want.readings.len(), "{have:?} is not {want:?}");
        assert!(have.readings.iter().zip(&want.readings).all(is_same), "{have:?} is not {want:?}");
        let (have, want) = (Row { readings: vec![], ..have.clone() }, Row { readings: vec![], ..want.clone() });
        assert_eq!(have, want);
    }
}
