use std::collections::BTreeMap;

use model::{SeriesKey, Timestamp};
use store::{Error, Segment, SegmentQuery, SegmentSeries};

use super::range::rows_inside;
use crate::scan::{Direction, Scan};

/// Averages over buckets of time, added up in the order of time.
pub(crate) fn segments(scan: Scan<'_>, query: SegmentQuery) -> Result<Vec<SegmentSeries>, Error> {
    let mut series: BTreeMap<SeriesKey, Vec<Segment>> = BTreeMap::new();
    scan.blocks(Direction::OldestFirst, query.select, |block| {
        let (first, end) = rows_inside(block, query.window);
        for (key, cells) in &block.columns {
            let segments = series.entry(*key).or_default();
            if let Some(numbers) = cells.numbers() {
                add_all(segments, query, &block.times[first..end], &numbers[first..end]);
                continue;
            }
            for cell in 0..cells.len() {
                let row = cells.row(cell);
                if (first..end).contains(&row)
                    && let Some(number) = cells.number(cell)
                {
                    add_all(segments, query, &block.times[row..=row], &[number]);
                }
            }
        }
        Ok(true)
    })?;
    let series = series.into_iter().filter(|(_, segments)| !segments.is_empty());
    Ok(series.map(|(key, segments)| SegmentSeries { key, segments }).collect())
}

/// Adds readings, whose times ascend, to the last bucket or to new ones behind it.
fn add_all(segments: &mut Vec<Segment>, query: SegmentQuery, times: &[i64], numbers: &[f64]) {
    let mut at = 0;
    while at < times.len() {
        let start = query.bucket(Timestamp::from_millis(times[at]));
        let end = start.plus_ms(query.width_ms).as_millis();
        let count = times[at..].partition_point(|ms| *ms < end).max(1);
        if segments.last().is_none_or(|last| last.start != start) {
            segments.push(Segment::starting(start));
        }
        if let Some(segment) = segments.last_mut() {
            for number in &numbers[at..at + count] {
                segment.add(*number);
            }
        }
        at += count;
    }
}
