use model::{CodecVersion, Position, Reading, Row, RowFlags, SeriesKey, Timestamp};

use crate::{
    Column, Error, Summary,
    ints::read_ints,
    layout::{CELL_WEIGHT, Entry, SHARED, Shared, VERSION, read_entry, weight_max},
    mixed::{MIXED, read_mixed},
    numbers::read_numbers,
    presence::Presence,
    seal::ROWS_MAX,
    varint::Input,
};

/// A chunk, opened: its bytes are whole, and its columns can be decoded one by one.
#[derive(Debug)]
pub struct Chunk<'a> {
    summary: Summary,
    bytes: usize,
    shared: [&'a [u8]; SHARED],
    presences: Vec<Presence<'a>>,
    entries: Vec<Entry<'a>>,
}

impl<'a> Chunk<'a> {
    /// Opens what [`seal`](crate::seal) made.
    ///
    /// **Errors**: any changed, missing or added byte.
    pub fn open(bytes: &'a [u8]) -> Result<Self, Error> {
        let (content, sum) = bytes.split_last_chunk().ok_or(Error::Checksum)?;
        if crc32fast::hash(content) != u32::from_le_bytes(*sum) {
            return Err(Error::Checksum);
        }
        let mut input = Input::new(content, "directory");
        match input.byte()? {
            VERSION => {}
            version => return Err(Error::Version(version)),
        }
        let rows = input.count(ROWS_MAX)?;
        if rows == 0 {
            return Err(input.malformed());
        }
        let first_at = input.signed()?;
        let last_at = first_at.wrapping_add(input.number()? as i64);
        let lowest = input.number()?;
        let highest = lowest.checked_add(input.number()?).ok_or(input.malformed())?;
        let mut shared_bytes = [0; SHARED];
        for bytes in &mut shared_bytes {
            *bytes = input.count(content.len())?;
        }
        let presences = (0..input.count(input.rest().len())?)
            .map(|_| Presence::read(&mut input, rows))
            .collect::<Result<Vec<_>, _>>()?;
        let series = input.count(input.rest().len())?;
        let mut entries: Vec<(Entry<'_>, usize)> = Vec::with_capacity(series.min(input.rest().len() / 2));
        for _ in 0..series {
            let before = entries.last().map(|(entry, _)| entry.series);
            entries.push(read_entry(&mut input, before, presences.len())?);
        }
        let mut shared: [&[u8]; SHARED] = [&[]; SHARED];
        for (column, bytes) in shared.iter_mut().zip(shared_bytes) {
            *column = input.take(bytes)?;
        }
        let entries = entries.into_iter().map(|(entry, bytes)| Ok(Entry { column: input.take(bytes)?, ..entry }));
        let entries = entries.collect::<Result<_, Error>>()?;
        if input.rest().iter().any(|zero| *zero != 0) {
            return Err(input.malformed());
        }
        let summary = Summary {
            rows,
            first_measured_at: Timestamp::from_millis(first_at),
            last_measured_at: Timestamp::from_millis(last_at),
            lowest_position: Position::from_raw(lowest),
            highest_position: Position::from_raw(highest),
            has_replacements: !shared[Shared::Replaces as usize].is_empty(),
        };
        Ok(Self { summary, bytes: content.len(), shared, presences, entries })
    }

    /// What is known without decoding.
    pub fn summary(&self) -> Summary {
        self.summary
    }

    /// The series that at least one row has a reading of, ascending.
    pub fn series(&self) -> impl Iterator<Item = SeriesKey> {
        self.entries.iter().map(|entry| entry.series)
    }

    /// Decodes `measured_at` of every row into `out`, which is cleared first.
    ///
    /// **Errors**: malformed content, which the checksum leaves only to a faulty writer.
    pub fn times(&self, out: &mut Vec<i64>) -> Result<(), Error> {
        self.shared(Shared::Times, self.summary.first_measured_at.as_millis(), out, |number| number)
    }

    /// Decodes the position of every row into `out`, which is cleared first.
    ///
    /// **Errors**: as [`Chunk::times`].
    pub fn positions(&self, out: &mut Vec<u64>) -> Result<(), Error> {
        self.shared(Shared::Positions, self.summary.lowest_position.get() as i64, out, |number| number as u64)
    }

    /// Decodes the uplink that every row's readings come from into `out`, which is cleared first.
    ///
    /// **Errors**: as [`Chunk::times`].
    pub fn origins(&self, out: &mut Vec<u64>) -> Result<(), Error> {
        self.positions(out)?;
        self.replaced(|row, distance| {
            if let Some(origin) = out.get_mut(row) {
                *origin = origin.wrapping_sub(distance as u64);
            }
        })
    }

    /// Decodes one series into `column`; `false` if the chunk has no such series.
    ///
    /// **Errors**: as [`Chunk::times`].
    pub fn column(&self, key: SeriesKey, column: &mut Column) -> Result<bool, Error> {
        column.clear();
        let Ok(index) = self.entries.binary_search_by_key(&key, |entry| entry.series) else {
            return Ok(false);
        };
        self.read(&self.entries[index], column).map(|()| true)
    }

    /// Decodes everything.
    ///
    /// **Shape**: the rows as they were sealed; the readings of each sorted by series.
    ///
    /// **Errors**: as [`Chunk::times`].
    pub fn rows(&self) -> Result<Vec<Row>, Error> {
        let mut rows = self.empty_rows()?;
        let mut weight = 0usize;
        let mut column = Column::new();
        for entry in &self.entries {
            column.clear();
            self.read(entry, &mut column)?;
            weight = weight.saturating_add(column.weight()).saturating_add(column.len() * CELL_WEIGHT);
            if weight > weight_max(self.bytes) {
                return Err(Error::Malformed("weight"));
            }
            for (row, value) in column.iter() {
                if let Some(row) = rows.get_mut(row) {
                    row.readings.push(Reading { series: entry.series, value: value.to_value() });
                }
            }
        }
        Ok(rows)
    }

    fn empty_rows(&self) -> Result<Vec<Row>, Error> {
        let (mut times, mut positions, mut received) = (Vec::new(), Vec::new(), Vec::new());
        let (mut codecs, mut flags) = (Vec::new(), Vec::new());
        self.times(&mut times)?;
        self.positions(&mut positions)?;
        self.shared(Shared::Received, 0, &mut received, |number| number)?;
        self.shared(Shared::Codecs, 0, &mut codecs, |number| CodecVersion(number as u16))?;
        self.shared(Shared::Flags, 0, &mut flags, |number| RowFlags(number as u8))?;
        let readings = if self.presences.is_empty() { self.entries.len() } else { 0 };
        let mut rows = Vec::with_capacity(times.len());
        for (index, at) in times.into_iter().enumerate() {
            rows.push(Row {
                measured_at: Timestamp::from_millis(at),
                received_at: Timestamp::from_millis(at.wrapping_add(received[index])),
                position: Position::from_raw(positions[index]),
                replaces: None,
                codec: codecs[index],
                flags: flags[index],
                readings: Vec::with_capacity(readings),
            });
        }
        self.replaced(|row, distance| {
            if let Some(row) = rows.get_mut(row) {
                row.replaces = Some(Position::from_raw(row.position.get().wrapping_sub(distance as u64)));
            }
        })?;
        Ok(rows)
    }

    fn shared<T>(&self, which: Shared, origin: i64, out: &mut Vec<T>, as_t: impl Fn(i64) -> T) -> Result<(), Error> {
        read_ints(Input::new(self.shared[which as usize], "shared column"), self.summary.rows, origin, out, as_t)
    }

    /// Calls `f` with each row that replaces another, and how far below it that one is.
    fn replaced(&self, mut f: impl FnMut(usize, i64)) -> Result<(), Error> {
        if !self.summary.has_replacements {
            return Ok(());
        }
        let mut input = Input::new(self.shared[Shared::Replaces as usize], "replaced positions");
        let presence = Presence::read(&mut input, self.summary.rows)?;
        let (mut rows, mut distances) = (Vec::new(), Vec::new());
        presence.rows(self.summary.rows, &mut rows)?;
        read_ints(input, presence.cells, 0, &mut distances, |number| number)?;
        rows.iter().zip(distances).for_each(|(row, distance)| f(usize::from(*row), distance));
        Ok(())
    }

    fn read(&self, entry: &Entry<'_>, column: &mut Column) -> Result<(), Error> {
        let cells = match entry.presence.and_then(|index| self.presences.get(index)) {
            Some(presence) => {
                presence.rows(self.summary.rows, &mut column.rows)?;
                presence.cells
            }
            None => {
                column.every_row = true;
                self.summary.rows
            }
        };
        let mut input = Input::new(entry.column, "column");
        match input.byte()? {
            MIXED => read_mixed(input, cells, column),
            head => read_numbers(head, input, cells, &mut column.numbers),
        }
    }
}
