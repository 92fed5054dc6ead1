//! A device's rows out of memory and chunks, cluster by cluster.
//!
//! A cluster is a stretch of time whose rows lie in chunks (and open rows) that overlap; what lies
//! in different clusters cannot supersede each other. Mostly a cluster is one chunk, whose columns
//! are read as they are; where it is more, its rows are put together first.

use std::collections::{BTreeMap, HashSet};

use chunk::{Chunk, Column, OpenRows};
use model::{DeviceId, OrgId, Position, Row, SeriesKey, Timestamp, Value, Window};
use rusqlite::{Connection, params};
use store::{Error, Select};

use crate::{
    error::{damaged, sqlite},
    shared::Shared,
};

/// What memory knows of a device when a query starts. It must be taken before the chunks are
/// read: rows are in memory, or in a chunk, or for a moment in both, but never in neither.
#[derive(Debug)]
pub(crate) struct Snapshot {
    open: OpenRows,
    sealed_until: Timestamp,
    decodings: BTreeMap<Position, Position>,
    has_decodings: bool,
}

impl Snapshot {
    /// `None` if the organization has no such device.
    pub(crate) fn take(shared: &Shared, org: OrgId, device: DeviceId, window: Window) -> Option<Self> {
        shared.devices.peek(org, device, |state| {
            let meets = state
                .open
                .summary()
                .is_some_and(|open| open.first_measured_at < window.end && open.last_measured_at >= window.start);
            Self {
                open: if meets { state.open.clone() } else { OpenRows::new() },
                sealed_until: state.sealed_until,
                decodings: state.decodings.clone(),
                has_decodings: state.has_decodings,
            }
        })
    }

    /// Whether chunks may have rows of a window.
    pub(crate) fn needs_chunks(&self, window: Window) -> bool {
        window.start <= self.sealed_until || self.has_decodings
    }
}

/// Which end of a window a scan starts at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    OldestFirst,
    NewestFirst,
}

/// Rows of one cluster, each instant once, hidden rows left out: what ordinary answers are made of.
#[derive(Debug, Default)]
pub(crate) struct Block {
    /// Ascending, in milliseconds.
    pub(crate) times: Vec<i64>,
    /// By ascending series.
    pub(crate) columns: Vec<(SeriesKey, Cells)>,
}

/// The cells of one series in a block.
#[derive(Debug)]
pub(crate) enum Cells {
    Column(Column),
    Loose { rows: Vec<u32>, values: Vec<Value> },
}

impl Cells {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Column(column) => column.len(),
            Self::Loose { rows, .. } => rows.len(),
        }
    }

    /// The row of a cell.
    pub(crate) fn row(&self, cell: usize) -> usize {
        match self {
            Self::Column(column) => column.rows().map_or(cell, |rows| rows[cell].into()),
            Self::Loose { rows, .. } => rows[cell] as usize,
        }
    }

    pub(crate) fn value(&self, cell: usize) -> Option<Value> {
        match self {
            Self::Column(column) => column.value(cell).map(|value| value.to_value()),
            Self::Loose { values, .. } => values.get(cell).cloned(),
        }
    }

    /// The number in a cell, if it is one.
    pub(crate) fn number(&self, cell: usize) -> Option<f64> {
        match self {
            Self::Column(column) => column.value(cell)?.as_number(),
            Self::Loose { values, .. } => values.get(cell)?.as_number(),
        }
    }

    /// All of them, where every row has a cell and every cell is a number.
    pub(crate) fn numbers(&self) -> Option<&[f64]> {
        match self {
            Self::Column(column) if column.rows().is_none() => column.numbers(),
            Self::Column(_) | Self::Loose { .. } => None,
        }
    }
}

/// A chunk as it lies on disk.
struct Stored {
    id: i64,
    first_ms: i64,
    last_ms: i64,
    bytes: Vec<u8>,
}

impl Stored {
    fn open<T>(&self, device: DeviceId, f: impl FnOnce(&Chunk<'_>) -> Result<T, chunk::Error>) -> Result<T, Error> {
        let read = Chunk::open(&self.bytes).and_then(|chunk| f(&chunk));
        read.map_err(|cause| damaged(format!("chunk {} of device {device}", self.id), cause))
    }
}

/// What overlaps.
#[derive(Default)]
struct Cluster {
    chunks: Vec<Stored>,
    open: OpenRows,
    first_ms: i64,
    last_ms: i64,
}

impl Cluster {
    fn overlaps(&self, first_ms: i64, last_ms: i64) -> bool {
        first_ms <= self.last_ms && last_ms >= self.first_ms
    }

    fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.open.is_empty()
    }

    fn widen(&mut self, first_ms: i64, last_ms: i64) {
        let was_empty = self.is_empty();
        self.first_ms = if was_empty { first_ms } else { self.first_ms.min(first_ms) };
        self.last_ms = if was_empty { last_ms } else { self.last_ms.max(last_ms) };
    }
}

/// A scan over a device's rows in a window.
pub(crate) struct Scan<'a> {
    /// Where chunks are; `None` if memory has all there is of the window.
    pub(crate) rows: Option<&'a Connection>,
    pub(crate) device: DeviceId,
    pub(crate) window: Window,
    pub(crate) snapshot: Snapshot,
}

impl Scan<'_> {
    /// Whether any uplink of the device was ever decoded again.
    pub(crate) fn has_decodings(&self) -> bool {
        self.snapshot.has_decodings
    }

    /// The last decodings that only memory knows.
    pub(crate) fn fresh_decodings(&self) -> Vec<(Position, Position)> {
        self.snapshot.decodings.iter().map(|(origin, position)| (*origin, *position)).collect()
    }

    /// Calls `f` with the rows of each cluster, sorted by `measured_at` and position, until it
    /// says stop.
    pub(crate) fn rows(
        mut self,
        direction: Direction,
        with_hidden: bool,
        mut f: impl FnMut(Vec<Row>) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let open = std::mem::take(&mut self.snapshot.open);
        self.clusters(direction, open, |cluster| {
            let rows = self.cluster_rows(cluster)?;
            f(if with_hidden { rows } else { self.visible(rows)? })
        })
    }

    /// Calls `f` with a block of each cluster, until it says stop.
    pub(crate) fn blocks(
        mut self,
        direction: Direction,
        select: Select,
        mut f: impl FnMut(&Block) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let open = std::mem::take(&mut self.snapshot.open);
        let mut block = Block::default();
        self.clusters(direction, open, |cluster| {
            let is_whole = !self.snapshot.has_decodings
                && match (cluster.chunks.as_slice(), cluster.open.is_empty()) {
                    ([chunk], true) => chunk.open(self.device, |chunk| fill(&mut block, chunk, select))?,
                    ([], false) => fill_open(&mut block, &cluster.open, select),
                    _ => false,
                };
            if is_whole {
                return f(&block);
            }
            let rows = self.visible(self.cluster_rows(cluster)?)?;
            block = resolve(rows, select);
            f(&block)
        })
    }

    fn clusters(
        &self,
        direction: Direction,
        open: OpenRows,
        mut f: impl FnMut(Cluster) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let Window { start, end } = self.window;
        let newest_first = direction == Direction::NewestFirst;
        let mut cluster = Cluster::default();
        let mut open = Some(open).filter(|open| !open.is_empty());
        let ends = |open: &OpenRows| {
            open.summary()
                .map_or((0, 0), |open| (open.first_measured_at.as_millis(), open.last_measured_at.as_millis()))
        };
        // Hands out the cluster if what comes next does not belong to it.
        let mut next = |cluster: &mut Cluster, first_ms, last_ms| {
            if cluster.is_empty() || cluster.overlaps(first_ms, last_ms) {
                Ok(true)
            } else {
                f(std::mem::take(cluster))
            }
        };
        let sql = if newest_first {
            "SELECT id, first_ms, last_ms, bytes FROM chunk INDEXED BY chunk_by_end
             WHERE device = ?1 AND last_ms >= ?2 AND first_ms < ?3
             ORDER BY last_ms DESC"
        } else {
            "SELECT id, first_ms, last_ms, bytes FROM chunk INDEXED BY chunk_by_start
             WHERE device = ?1 AND last_ms >= ?2 AND first_ms < ?3 ORDER BY first_ms"
        };
        if let Some(rows) = self.rows {
            let mut select = rows.prepare_cached(sql).map_err(sqlite)?;
            let values = params![self.device.0 as i64, start.as_millis(), end.as_millis()];
            let mut found = select.query(values).map_err(sqlite)?;
            while let Some(row) = found.next().map_err(sqlite)? {
                let stored = read_stored(row).map_err(sqlite)?;
                let comes_first = |open: &mut OpenRows| {
                    let (first_ms, last_ms) = ends(open);
                    if newest_first { last_ms >= stored.last_ms } else { first_ms <= stored.first_ms }
                };
                if let Some(open) = open.take_if(comes_first) {
                    let (first_ms, last_ms) = ends(&open);
                    if !next(&mut cluster, first_ms, last_ms)? {
                        return Ok(());
                    }
                    cluster.widen(first_ms, last_ms);
                    cluster.open = open;
                }
                if !next(&mut cluster, stored.first_ms, stored.last_ms)? {
                    return Ok(());
                }
                cluster.widen(stored.first_ms, stored.last_ms);
                cluster.chunks.push(stored);
            }
        }
        if let Some(open) = open {
            let (first_ms, last_ms) = ends(&open);
            if !next(&mut cluster, first_ms, last_ms)? {
                return Ok(());
            }
            cluster.widen(first_ms, last_ms);
            cluster.open = open;
        }
        if !cluster.is_empty() {
            f(cluster)?;
        }
        Ok(())
    }

    /// All rows of a cluster that are in the window, sorted by `measured_at` and position.
    fn cluster_rows(&self, cluster: Cluster) -> Result<Vec<Row>, Error> {
        let mut rows = Vec::new();
        for stored in &cluster.chunks {
            rows.extend(stored.open(self.device, |chunk| chunk.rows())?);
        }
        if !cluster.open.is_empty() {
            // What was sealed while we looked is in both.
            let sealed: HashSet<Position> = rows.iter().map(|row| row.position).collect();
            rows.extend(cluster.open.rows().into_iter().filter(|row| !sealed.contains(&row.position)));
        }
        rows.retain(|row| self.window.contains(row.measured_at));
        rows.sort_by_key(|row| (row.measured_at, row.position));
        Ok(rows)
    }

    /// Leaves out the rows that a later decoding of their uplink hides.
    fn visible(&self, mut rows: Vec<Row>) -> Result<Vec<Row>, Error> {
        let Some(connection) = self.rows.filter(|_| self.snapshot.has_decodings && !rows.is_empty()) else {
            return Ok(rows);
        };
        let origins = || rows.iter().map(|row| row.origin().get() as i64);
        let sql = "SELECT origin, position FROM decoding WHERE device = ? AND origin BETWEEN ? AND ?";
        let mut select = connection.prepare_cached(sql).map_err(sqlite)?;
        let values = params![self.device.0 as i64, origins().min(), origins().max()];
        let stored = select.query_map(values, |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)));
        let mut decodings = BTreeMap::new();
        for decoding in stored.map_err(sqlite)? {
            let (origin, position) = decoding.map_err(sqlite)?;
            decodings.insert(Position::from_raw(origin as u64), Position::from_raw(position as u64));
        }
        decodings.extend(&self.snapshot.decodings);
        rows.retain(|row| decodings.get(&row.origin()).is_none_or(|latest| row.position >= *latest));
        Ok(rows)
    }
}

fn read_stored(row: &rusqlite::Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored { id: row.get(0)?, first_ms: row.get(1)?, last_ms: row.get(2)?, bytes: row.get(3)? })
}

/// Fills a block with a chunk's columns; `false` if an instant occurs twice, so that cells have to
/// be told apart first.
fn fill(block: &mut Block, chunk: &Chunk<'_>, select: Select) -> Result<bool, chunk::Error> {
    chunk.times(&mut block.times)?;
    if !block.times.is_sorted_by(|before, after| before < after) {
        return Ok(false);
    }
    let mut columns = std::mem::take(&mut block.columns).into_iter();
    for key in chunk.series().filter(|key| select.matches(*key)) {
        let mut column = match columns.next() {
            Some((_, Cells::Column(column))) => column,
            _ => Column::new(),
        };
        if chunk.column(key, &mut column)? {
            block.columns.push((key, Cells::Column(column)));
        }
    }
    Ok(true)
}

/// Fills a block with the columns of open rows; `false` if they have to be told apart first.
fn fill_open(block: &mut Block, open: &OpenRows, select: Select) -> bool {
    let mut columns = Vec::new();
    if !open.columns(|key| select.matches(key), &mut block.times, &mut columns) {
        return false;
    }
    let whole = columns.into_iter().filter(|(_, column)| !column.is_empty());
    block.columns = whole.map(|(key, column)| (key, Cells::Column(column))).collect();
    true
}

/// Of each series and instant, the reading of the highest position. Rows are sorted so that it
/// comes last.
fn resolve(rows: Vec<Row>, select: Select) -> Block {
    let mut times: Vec<i64> = Vec::with_capacity(rows.len());
    let mut columns: Vec<(SeriesKey, Vec<u32>, Vec<Value>)> = Vec::new();
    for row in rows {
        let ms = row.measured_at.as_millis();
        if times.last() != Some(&ms) {
            times.push(ms);
        }
        let index = (times.len() - 1) as u32;
        // Rows of one device mostly have the same series, and all have them in order.
        let mut expected = 0;
        for reading in row.readings.into_iter().filter(|reading| select.matches(reading.series)) {
            let at = match columns.get(expected) {
                Some((key, ..)) if *key == reading.series => expected,
                _ => columns.binary_search_by_key(&reading.series, |(key, ..)| *key).unwrap_or_else(|at| {
                    columns.insert(at, (reading.series, Vec::new(), Vec::new()));
                    at
                }),
            };
            expected = at + 1;
            let (_, rows, values) = &mut columns[at];
            if rows.last() == Some(&index) {
                values.pop();
            } else {
                rows.push(index);
            }
            values.push(reading.value);
        }
    }
    let columns = columns.into_iter().map(|(key, rows, values)| (key, Cells::Loose { rows, values })).collect();
    Block { times, columns }
}
