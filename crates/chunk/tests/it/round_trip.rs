use chunk::{Chunk, Column, OpenRows, seal};
use model::{Reading, Row, SeriesKey};
use proptest::prelude::*;

use crate::arbitrary::{assert_same, rows, sorted_rows};

fn series_of(rows: &[Row]) -> Vec<SeriesKey> {
    let mut all: Vec<_> = rows.iter().flat_map(|row| row.readings.iter().map(|reading| reading.series)).collect();
    all.sort();
    all.dedup();
    all
}

fn cells(rows: &[Row], key: SeriesKey) -> Vec<(usize, &Reading)> {
    let find = |row: &'_ Row| row.readings.iter().position(|reading| reading.series == key);
    rows.iter().enumerate().filter_map(|(index, row)| Some((index, &row.readings[find(row)?]))).collect()
}

proptest! {
    #[test]
    fn a_chunk_gives_back_the_rows_that_were_sealed(rows in sorted_rows()) {
        let bytes = seal(&rows);
        let chunk = Chunk::open(&bytes).unwrap();
        assert_same(&chunk.rows().unwrap(), &rows);

        let summary = chunk.summary();
        prop_assert_eq!(summary.rows, rows.len());
        prop_assert_eq!(summary.first_measured_at, rows[0].measured_at);
        prop_assert_eq!(summary.last_measured_at, rows[rows.len() - 1].measured_at);
        prop_assert_eq!(Some(summary.lowest_position), rows.iter().map(|row| row.position).min());
        prop_assert_eq!(Some(summary.highest_position), rows.iter().map(|row| row.position).max());
        prop_assert_eq!(summary.has_replacements, rows.iter().any(|row| row.replaces.is_some()));
    }

    #[test]
    fn a_chunk_gives_back_each_column(rows in sorted_rows()) {
        let bytes = seal(&rows);
        let chunk = Chunk::open(&bytes).unwrap();
        let (mut times, mut positions, mut origins) = (vec![7], vec![7], vec![7]);
        chunk.times(&mut times).unwrap();
        chunk.positions(&mut positions).unwrap();
        chunk.origins(&mut origins).unwrap();
        prop_assert_eq!(times, rows.iter().map(|row| row.measured_at.as_millis()).collect::<Vec<_>>());
        prop_assert_eq!(positions, rows.iter().map(|row| row.position.get()).collect::<Vec<_>>());
        prop_assert_eq!(origins, rows.iter().map(|row| row.origin().get()).collect::<Vec<_>>());

        prop_assert_eq!(chunk.series().collect::<Vec<_>>(), series_of(&rows));
        let mut column = Column::new();
        for key in series_of(&rows) {
            prop_assert!(chunk.column(key, &mut column).unwrap());
            let want = cells(&rows, key);
            prop_assert_eq!(column.len(), want.len());
            prop_assert_eq!(column.rows().is_none(), want.len() == rows.len());
            prop_assert_eq!(column.numbers().is_some(), want.iter().all(|(_, reading)| reading.value.as_number().is_some()));
            for ((row, value), (want_row, reading)) in column.iter().zip(want) {
                prop_assert_eq!(row, want_row);
                prop_assert!(value.to_value().same(&reading.value));
            }
        }
        let absent = Reading::new(7, 4_097, 0.0).series;
        prop_assert!(!chunk.column(absent, &mut column).unwrap());
        prop_assert!(column.is_empty());
    }

    #[test]
    fn open_rows_give_back_what_was_pushed(rows in rows()) {
        let mut open = OpenRows::new();
        for row in &rows {
            open.push(row);
        }
        assert_same(&open.rows(), &rows);
        prop_assert_eq!(open.len(), rows.len());
        let summary = open.summary().unwrap();
        prop_assert_eq!(Some(summary.first_measured_at), rows.iter().map(|row| row.measured_at).min());
        prop_assert_eq!(Some(summary.last_measured_at), rows.iter().map(|row| row.measured_at).max());
        prop_assert_eq!(Some(summary.lowest_position), rows.iter().map(|row| row.position).min());
        prop_assert_eq!(Some(summary.highest_position), rows.iter().map(|row| row.position).max());
        prop_assert_eq!(summary.has_replacements, rows.iter().any(|row| row.replaces.is_some()));
    }

    #[test]
    fn open_rows_are_columns_where_time_ascends_and_values_are_numbers(rows in rows(), in_order: bool, odd: bool) {
        let mut rows = rows;
        if in_order {
            rows.sort_by_key(|row| row.measured_at);
            rows.dedup_by_key(|row| row.measured_at);
            for reading in rows.iter_mut().flat_map(|row| &mut row.readings) {
                if reading.value.as_number().is_none() {
                    reading.value = model::Value::Number(0.5);
                }
            }
        }
        let mut open = OpenRows::new();
        rows.iter().for_each(|row| open.push(row));
        let select = |key: SeriesKey| odd == (key.measurement.0 % 2 == 1);
        let (mut times, mut columns) = (vec![1], vec![(Reading::new(9, 9, 0.0).series, Column::new())]);
        let ascend = rows.is_sorted_by(|before, after| before.measured_at < after.measured_at);
        let keys: Vec<_> = series_of(&rows).into_iter().filter(|key| select(*key)).collect();
        let numbers = keys.iter().all(|key| cells(&rows, *key).iter().all(|(_, cell)| cell.value.as_number().is_some()));
        prop_assert_eq!(open.columns(select, &mut times, &mut columns), ascend && numbers);
        if ascend && numbers {
            prop_assert_eq!(times, rows.iter().map(|row| row.measured_at.as_millis()).collect::<Vec<_>>());
            prop_assert_eq!(columns.iter().map(|(key, _)| *key).collect::<Vec<_>>(), keys);
            for (key, column) in &columns {
                let want = cells(&rows, *key);
                prop_assert_eq!(column.rows().is_none(), want.len() == rows.len());
                prop_assert_eq!(column.iter().count(), want.len());
                for ((row, value), (index, reading)) in column.iter().zip(want) {
                    prop_assert!(row == index && value.to_value().same(&reading.value));
                }
            }
        }
    }

    #[test]
    fn open_rows_go_on_after_a_checkpoint(rows in rows(), cut in any::<prop::sample::Index>()) {
        let (before, after) = rows.split_at(cut.index(rows.len() + 1));
        let mut open = OpenRows::new();
        before.iter().for_each(|row| open.push(row));
        let mut taken_up = OpenRows::decode(&open.encode()).unwrap();
        prop_assert_eq!(taken_up.summary(), open.summary());
        after.iter().for_each(|row| taken_up.push(row));
        after.iter().for_each(|row| open.push(row));
        assert_same(&taken_up.rows(), &rows);
        prop_assert_eq!(taken_up.encode(), open.encode());
    }
}

#[test]
fn the_last_reading_of_a_series_wins() {
    let row = |readings: &[Reading]| Row {
        measured_at: model::Timestamp::from_millis(5),
        received_at: model::Timestamp::from_millis(6),
        position: model::Position::from_raw(7),
        replaces: None,
        codec: model::CodecVersion(1),
        flags: model::RowFlags::NONE,
        readings: readings.to_vec(),
    };
    let (a, b, c) =
        (Reading::new(1, 4_097, 1.5), Reading::new(1, 4_098, 2.0), Reading::new(1, 4_097, model::Value::text("three")));
    let (twice, once) = (row(&[a.clone(), b.clone(), c.clone()]), row(&[c, b.clone()]));
    let (other, sorted) = (row(&[b.clone(), a.clone()]), row(&[a, b]));
    let rows = [twice.clone(), twice.clone(), other.clone(), twice];
    let want = [once.clone(), once.clone(), sorted, once];
    assert_same(&Chunk::open(&seal(&rows)).unwrap().rows().unwrap(), &want);
    let mut open = OpenRows::new();
    rows.iter().for_each(|row| open.push(row));
    assert_same(&open.rows(), &want);
}
