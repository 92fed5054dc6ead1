use std::collections::BTreeMap;

use model::{Row, SeriesKey};
use store::Error;

use crate::{
    scan::{Direction, Scan},
    state::Last,
};

/// The newest visible reading of every series, out of all rows there are.
///
/// It is only asked for after an uplink was decoded again, when the newest values known may be
/// ones that no longer count.
pub(crate) fn find(scan: Scan<'_>) -> Result<Vec<Last>, Error> {
    let mut newest: BTreeMap<SeriesKey, Last> = BTreeMap::new();
    scan.rows(Direction::OldestFirst, false, |rows| {
        for row in rows {
            let Row { measured_at, received_at, position, readings, .. } = row;
            for reading in readings {
                let series = reading.series;
                newest.insert(series, Last { series, measured_at, received_at, position, value: reading.value });
            }
        }
        Ok(true)
    })?;
    Ok(newest.into_values().collect())
}
