//! Which rows have a cell, where not all have.
//!
//! **Shape**: a byte with the form; either a bit per row, lowest first, or a varint with how many
//! rows are listed and for each its distance from the one after the row before.

use crate::{
    Error,
    varint::{Input, put},
};

const BITMAP: u8 = 0;
const PRESENT: u8 = 1;
const ABSENT: u8 = 2;

/// Appends which of `rows` rows are in `present`, which is ascending and not empty.
pub(crate) fn put_presence(out: &mut Vec<u8>, present: &[u16], rows: usize) {
    let (few, form) = if present.len() * 2 <= rows {
        (present.to_vec(), PRESENT)
    } else {
        let mut absent = Vec::with_capacity(rows - present.len());
        let mut next = present.iter().peekable();
        absent.extend((0..rows).map(|row| row as u16).filter(|row| next.next_if_eq(&row).is_none()));
        (absent, ABSENT)
    };
    let start = out.len();
    out.push(form);
    put(out, few.len() as u64);
    let mut next = 0;
    for row in &few {
        put(out, u64::from(row - next));
        next = row.saturating_add(1);
    }
    if out.len() - start > 1 + rows.div_ceil(8) {
        out.truncate(start);
        out.push(BITMAP);
        out.resize(start + 1 + rows.div_ceil(8), 0);
        for row in present {
            out[start + 1 + usize::from(row / 8)] |= 1 << (row % 8);
        }
    }
}

/// A presence that has been read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Presence<'a> {
    /// How many rows have a cell.
    pub(crate) cells: usize,
    form: u8,
    listed: usize,
    list: Input<'a>,
}

impl<'a> Presence<'a> {
    pub(crate) fn read(input: &mut Input<'a>, rows: usize) -> Result<Self, Error> {
        let form = input.byte()?;
        if form == BITMAP {
            let list = Input::new(input.take(rows.div_ceil(8))?, "presence");
            let cells = list.rest().iter().map(|byte| byte.count_ones() as usize).sum();
            let beyond = list.rest().last().map_or(0, |byte| u32::from(*byte) >> ((rows + 7) % 8 + 1));
            return if beyond == 0 { Ok(Self { cells, form, listed: 0, list }) } else { Err(input.malformed()) };
        }
        let listed = input.count(rows)?;
        let list = *input;
        let mut next = 0;
        for _ in 0..listed {
            next += input.count(rows)? + 1;
            if next > rows {
                return Err(input.malformed());
            }
        }
        match form {
            PRESENT => Ok(Self { cells: listed, form, listed, list }),
            ABSENT => Ok(Self { cells: rows - listed, form, listed, list }),
            _ => Err(input.malformed()),
        }
    }

    /// The rows that have a cell, into `out`, which is cleared first.
    pub(crate) fn rows(&self, rows: usize, out: &mut Vec<u16>) -> Result<(), Error> {
        out.clear();
        out.reserve(self.cells);
        if self.form == BITMAP {
            let has = |row: &usize| self.list.rest().get(row / 8).is_some_and(|byte| byte >> (row % 8) & 1 == 1);
            out.extend((0..rows).filter(has).map(|row| row as u16));
            return Ok(());
        }
        let mut input = self.list;
        let mut next = 0;
        for _ in 0..self.listed {
            let row = next + input.count(rows)?;
            match self.form {
                PRESENT => out.push(row as u16),
                _ => out.extend((next..row).map(|row| row as u16)),
            }
            next = row + 1;
        }
        if self.form == ABSENT {
            out.extend((next..rows).map(|row| row as u16));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(present: &[u16], rows: usize) -> usize {
        let mut out = Vec::new();
        put_presence(&mut out, present, rows);
        let mut input = Input::new(&out, "presence");
        let presence = Presence::read(&mut input, rows).unwrap();
        input.finish().unwrap();
        let mut back = vec![7];
        presence.rows(rows, &mut back).unwrap();
        assert_eq!(back, present);
        assert_eq!(presence.cells, present.len());
        out.len()
    }

    proptest! {
        #[test]
        fn any_presence_comes_back(mut present in proptest::collection::vec(0..1_000u16, 1..300), extra in 0..20usize) {
            present.sort_unstable();
            present.dedup();
            check(&present, usize::from(present[present.len() - 1]) + 1 + extra);
        }
    }

    #[test]
    fn all_but_a_few_or_only_a_few_are_listed() {
        let most: Vec<u16> = (0..u16::MAX).filter(|row| row % 20_000 != 7).collect();
        assert!(check(&most, 65_535) < 20);
        assert!(check(&[3, 60_000], 65_535) < 20);
    }
}
