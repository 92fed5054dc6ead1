use std::path::Path;

use model::Window;
use rusqlite::{Connection, params};
use store::Entry;

use super::fleet::MEASUREMENTS;

/// What the chunk store has to be better than: SQLite with one row for each reading, in the same
/// durability.
pub(crate) struct PlainRows {
    connection: Connection,
}

const SCHEMA: &str = "CREATE TABLE reading (
    device INTEGER NOT NULL,
    channel INTEGER NOT NULL,
    measurement INTEGER NOT NULL,
    measured_ms INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (device, channel, measurement, measured_ms)
) WITHOUT ROWID";

impl PlainRows {
    pub(crate) fn create(folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let connection = Connection::open(folder.join("rows.db"))?;
        connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
        connection.execute_batch(SCHEMA)?;
        let rows = Self { connection };
        rows.wait_for_disk(true)?;
        Ok(rows)
    }

    /// Whether each transaction waits until the disk has it.
    pub(crate) fn wait_for_disk(&self, wait: bool) -> anyhow::Result<()> {
        Ok(self.connection.pragma_update(None, "synchronous", if wait { "full" } else { "off" })?)
    }

    /// Writes the readings of some uplinks in one transaction.
    pub(crate) fn append(&mut self, entries: &[Entry]) -> anyhow::Result<()> {
        let transaction = self.connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached("INSERT OR REPLACE INTO reading VALUES (?, ?, ?, ?, ?, ?)")?;
            for entry in entries {
                let Entry::Uplink(uplink) = entry else { continue };
                for row in &uplink.rows {
                    for reading in &row.readings {
                        insert.execute(params![
                            uplink.device.0 as i64,
                            reading.series.channel.0,
                            reading.series.measurement.0,
                            row.measured_at.as_millis(),
                            uplink.received_at.as_millis(),
                            reading.value.as_number(),
                        ])?;
                    }
                }
            }
        }
        Ok(transaction.commit()?)
    }

    /// The points of a window, newest first.
    pub(crate) fn range(&self, device: u64, measurement: u32, window: Window) -> anyhow::Result<Vec<(i64, f64)>> {
        let mut select = self.connection.prepare_cached(
            "SELECT measured_ms, value FROM reading WHERE device = ? AND channel = 1 AND measurement = ?
             AND measured_ms >= ? AND measured_ms < ? ORDER BY measured_ms DESC",
        )?;
        let window = params![device as i64, measurement, window.start.as_millis(), window.end.as_millis()];
        Ok(select.query_map(window, |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?)
    }

    /// Averages over buckets.
    pub(crate) fn averages(
        &self,
        device: u64,
        measurement: u32,
        window: Window,
        width_ms: i64,
    ) -> anyhow::Result<Vec<f64>> {
        let mut select = self.connection.prepare_cached(
            "SELECT avg(value) FROM reading WHERE device = ? AND channel = 1 AND measurement = ?
             AND measured_ms >= ? AND measured_ms < ? GROUP BY measured_ms / ?",
        )?;
        let (start, end) = (window.start.as_millis(), window.end.as_millis());
        let averages = select.query_map(params![device as i64, measurement, start, end, width_ms], |row| row.get(0))?;
        Ok(averages.collect::<Result<_, _>>()?)
    }

    /// The newest value of each measurement.
    pub(crate) fn latest(&self, device: u64) -> anyhow::Result<Vec<f64>> {
        let mut select = self.connection.prepare_cached(
            "SELECT value FROM reading WHERE device = ? AND channel = 1 AND measurement = ?
             ORDER BY measured_ms DESC LIMIT 1",
        )?;
        let newest = MEASUREMENTS.iter();
        let newest = newest.map(|measurement| select.query_row(params![device as i64, measurement], |row| row.get(0)));
        Ok(newest.collect::<Result<_, _>>()?)
    }

    /// Moves everything into the database file.
    pub(crate) fn checkpoint(&self) -> anyhow::Result<()> {
        Ok(self.connection.query_row("PRAGMA wal_checkpoint(truncate)", [], |_| Ok(()))?)
    }
}
