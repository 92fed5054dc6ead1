use std::collections::BTreeMap;

use model::{SeriesKey, Timestamp, Value, Window};
use store::{Error, Point, RangeQuery, Series};

use crate::scan::{Block, Cells, Direction, Scan};

/// The newest points of a window.
pub(crate) fn range(scan: Scan<'_>, query: RangeQuery) -> Result<Vec<Series>, Error> {
    let mut series: BTreeMap<SeriesKey, Vec<Point>> = BTreeMap::new();
    let mut left = query.limit;
    if left > 0 && !query.window.is_empty() {
        scan.blocks(Direction::NewestFirst, query.select, |block| {
            left -= take_newest(block, query.window, left, &mut series);
            Ok(left > 0)
        })?;
    }
    Ok(series.into_iter().map(|(key, points)| Series { key, points }).collect())
}

/// Takes at most `limit` points of a block, newest first; says how many that were.
fn take_newest(block: &Block, window: Window, limit: usize, series: &mut BTreeMap<SeriesKey, Vec<Point>>) -> usize {
    let (first, end) = rows_inside(block, window);
    let dense: Option<Vec<&[f64]>> = block.columns.iter().map(|(_, cells)| cells.numbers()).collect();
    if let Some(columns) = dense {
        let taken = limit.min((end - first) * columns.len());
        for (at, ((key, _), numbers)) in block.columns.iter().zip(&columns).enumerate() {
            // The first columns have the rest of a row that is not taken whole.
            let rows = taken / columns.len() + usize::from(at < taken % columns.len());
            if rows > 0 {
                let first = end - rows;
                let points = block.times[first..end].iter().zip(&numbers[first..end]).rev();
                let points = points.map(|(ms, number)| Point {
                    measured_at: Timestamp::from_millis(*ms),
                    value: Value::Number(*number),
                });
                let room = || Vec::with_capacity(points_expected(block, window, limit.div_ceil(columns.len())));
                series.entry(*key).or_insert_with(room).extend(points);
            }
        }
        return taken;
    }
    // The next cell of each column, counted from the end.
    let mut cursors: Vec<_> = block.columns.iter().map(|(_, cells)| cells.len()).collect();
    let mut points: Vec<Vec<Point>> = block.columns.iter().map(|_| Vec::new()).collect();
    let mut taken = 0;
    for row in (first..end).rev() {
        for (column, (_, cells)) in block.columns.iter().enumerate() {
            if let Some(cell) = cell_of_row(cells, row, &mut cursors[column])
                && taken < limit
                && let Some(value) = cells.value(cell)
            {
                points[column].push(Point { measured_at: Timestamp::from_millis(block.times[row]), value });
                taken += 1;
            }
        }
        if taken == limit {
            break;
        }
    }
    for ((key, _), points) in block.columns.iter().zip(points).filter(|(_, points)| !points.is_empty()) {
        series.entry(*key).or_default().extend(points);
    }
    taken
}

/// About how many points a series of a window has, if it goes on as densely as in its newest block.
fn points_expected(block: &Block, window: Window, limit: usize) -> usize {
    /// More is not made room for beforehand.
    const ROOM_MAX: u64 = 1 << 16;
    let (Some(first), Some(last)) = (block.times.first(), block.times.last()) else { return 0 };
    let rows = block.times.len() as u64;
    let span = last.abs_diff(*first).max(1);
    let asked = last.abs_diff(window.start.as_millis());
    (asked / (span / rows).max(1)).saturating_add(64).min(ROOM_MAX).min(limit as u64) as usize
}

/// The rows of a block that are in a window, which all chunks of a scan need not be.
pub(crate) fn rows_inside(block: &Block, window: Window) -> (usize, usize) {
    let first = block.times.partition_point(|ms| *ms < window.start.as_millis());
    let end = block.times.partition_point(|ms| *ms < window.end.as_millis());
    (first, end.max(first))
}

/// The cell of a row, if the column has one; rows are asked for in descending order.
fn cell_of_row(cells: &Cells, row: usize, cursor: &mut usize) -> Option<usize> {
    while *cursor > 0 {
        match cells.row(*cursor - 1) {
            at if at > row => *cursor -= 1,
            at if at == row => {
                *cursor -= 1;
                return Some(*cursor);
            }
            _ => return None,
        }
    }
    None
}
