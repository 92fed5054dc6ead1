use crate::ValueRef;

/// The cells of one series in one chunk; kept by the caller and filled again and again.
///
/// **Shape**: a cell per row that has a reading of the series, in row order.
#[derive(Debug, Default)]
pub struct Column {
    /// Rows of the cells; means nothing while `every_row`.
    pub(crate) rows: Vec<u16>,
    pub(crate) every_row: bool,
    /// The cells, while they are all numbers.
    pub(crate) numbers: Vec<f64>,
    /// Otherwise, for each cell the entry of `entries` that it equals.
    pub(crate) picks: Vec<u32>,
    pub(crate) entries: Vec<Entry>,
    /// The texts of `entries`, one after the other.
    pub(crate) texts: String,
    pub(crate) only_numbers: bool,
}

/// A distinct value of a column that is not all numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Entry {
    Number(f64),
    Text { start: usize, end: usize },
    Json { start: usize, end: usize },
}

impl Column {
    /// An empty one, to be filled by [`Chunk::column`](crate::Chunk::column).
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty one of numbers, with room for so many cells.
    pub(crate) fn with_room(cells: usize) -> Self {
        let (rows, numbers) = (Vec::with_capacity(cells), Vec::with_capacity(cells));
        Self { rows, numbers, only_numbers: true, ..Self::default() }
    }

    pub(crate) fn push(&mut self, row: u16, number: f64) {
        self.rows.push(row);
        self.numbers.push(number);
    }

    /// How many cells.
    pub fn len(&self) -> usize {
        if self.only_numbers { self.numbers.len() } else { self.picks.len() }
    }

    /// Whether there is no cell.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The row of each cell, ascending; `None` when every row has a cell, so that the cell of row
    /// `i` is cell `i`.
    pub fn rows(&self) -> Option<&[u16]> {
        (!self.every_row).then_some(self.rows.as_slice())
    }

    /// The value of each cell, when all are numbers.
    pub fn numbers(&self) -> Option<&[f64]> {
        self.only_numbers.then_some(self.numbers.as_slice())
    }

    /// The value of one cell, if there are that many.
    pub fn value(&self, cell: usize) -> Option<ValueRef<'_>> {
        if self.only_numbers {
            return self.numbers.get(cell).map(|number| ValueRef::Number(*number));
        }
        let text = |start: usize, end: usize| self.texts.get(start..end);
        match *self.entries.get(*self.picks.get(cell)? as usize)? {
            Entry::Number(number) => Some(ValueRef::Number(number)),
            Entry::Text { start, end } => text(start, end).map(ValueRef::Text),
            Entry::Json { start, end } => text(start, end).map(ValueRef::Json),
        }
    }

    /// Every cell with its row.
    pub fn iter(&self) -> impl Iterator<Item = (usize, ValueRef<'_>)> {
        (0..self.len()).filter_map(|cell| {
            let row = if self.every_row { cell } else { usize::from(*self.rows.get(cell)?) };
            Some((row, self.value(cell)?))
        })
    }

    /// Bytes of the text that a copy of every cell would have.
    pub(crate) fn weight(&self) -> usize {
        if self.only_numbers {
            return 0;
        }
        let bytes = |pick: &u32| match self.entries.get(*pick as usize) {
            Some(Entry::Text { start, end } | Entry::Json { start, end }) => end - start,
            _ => 0,
        };
        self.picks.iter().map(bytes).fold(0, usize::saturating_add)
    }

    pub(crate) fn clear(&mut self) {
        self.rows.clear();
        self.every_row = false;
        self.numbers.clear();
        self.picks.clear();
        self.entries.clear();
        self.texts.clear();
        self.only_numbers = true;
    }
}
