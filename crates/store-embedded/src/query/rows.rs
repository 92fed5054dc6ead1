use model::Row;
use store::{Error, RowQuery};

use crate::scan::{Direction, Scan};

/// The newest whole rows of a window.
pub(crate) fn rows(scan: Scan<'_>, query: RowQuery) -> Result<Vec<Row>, Error> {
    let mut newest: Vec<Row> = Vec::new();
    if query.limit == 0 || query.window.is_empty() {
        return Ok(newest);
    }
    scan.rows(Direction::NewestFirst, query.hidden, |mut rows| {
        // Stable, so that rows of one uplink and instant stay in their order.
        rows.sort_by_key(|row| std::cmp::Reverse((row.measured_at, row.position)));
        let left = query.limit - newest.len();
        newest.extend(rows.into_iter().take(left));
        Ok(newest.len() < query.limit)
    })?;
    Ok(newest)
}
