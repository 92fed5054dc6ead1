use std::sync::Arc;

use model::{Device, DeviceEui, DeviceId, OrgId, Position, Row, Window};
use store::{Error, RowQuery, Store};

use super::ExportQuery;
use crate::then::Then;

/// Rows asked of the store at once.
const ROWS: usize = 4_096;
const DAY_MS: i64 = 24 * 3_600_000;

/// The rows of one device as they were at a position, oldest first, an instant never cut in two.
#[derive(Debug)]
pub(super) struct Rows {
    org: OrgId,
    device: DeviceId,
    eui: DeviceEui,
    then: Then,
    /// What is still to be looked at.
    left: Window,
    /// How much of it is asked for next.
    width_ms: i64,
    rows: usize,
}

impl Rows {
    pub(super) async fn of(
        store: &dyn Store,
        device: &Arc<Device>,
        query: &ExportQuery,
        through: Position,
    ) -> Result<Self, Error> {
        let mut rows = Self {
            org: query.org,
            device: device.id,
            eui: device.eui,
            then: Then::of(store, query.org, device.id, query.as_of, through).await?,
            left: query.window,
            width_ms: DAY_MS,
            rows: ROWS,
        };
        rows.begin(store).await?;
        Ok(rows)
    }

    /// Begins near the oldest row there is, rather than at the beginning of time.
    async fn begin(&mut self, store: &dyn Store) -> Result<(), Error> {
        let Window { mut start, mut end } = self.left;
        while end.since_ms(start) > DAY_MS {
            let middle = start.plus_ms(end.since_ms(start) / 2);
            if self.has_any(store, Window { start, end: middle }).await? {
                end = middle;
            } else {
                start = middle;
            }
        }
        self.left.start = start;
        Ok(())
    }

    async fn has_any(&self, store: &dyn Store, window: Window) -> Result<bool, Error> {
        let query = RowQuery { device: self.device, window, limit: 1, hidden: true };
        Ok(!store.rows(self.org, query).await?.is_empty())
    }

    pub(super) fn eui(&self) -> DeviceEui {
        self.eui
    }

    /// The next rows; `None` after the last.
    pub(super) async fn next(&mut self, store: &dyn Store) -> Result<Option<Vec<Row>>, Error> {
        while self.left.start < self.left.end {
            let end = self.left.start.plus_ms(self.width_ms).min(self.left.end);
            let window = Window { start: self.left.start, end };
            let query = RowQuery { device: self.device, window, limit: self.rows, hidden: true };
            let found = store.rows(self.org, query).await?;
            if found.len() == self.rows {
                // It may have more: ask for less, or for all that one instant has.
                if self.width_ms > 1 {
                    self.width_ms = (self.width_ms / 4).max(1);
                } else {
                    self.rows *= 4;
                }
                continue;
            }
            self.left.start = end;
            if found.len() < self.rows / 8 {
                self.width_ms = self.width_ms.saturating_mul(2);
            }
            let mut rows: Vec<Row> = found.into_iter().filter(|row| self.then.is_visible(row)).collect();
            if !rows.is_empty() {
                // Stable, so that rows of one uplink and instant stay in their order.
                rows.sort_by_key(|row| (row.measured_at, row.position));
                return Ok(Some(rows));
            }
        }
        Ok(None)
    }
}
