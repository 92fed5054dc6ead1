//! A column with text or JSON in it: its distinct values, and for each cell which of them it is.
//!
//! **Shape**: a byte 2; a varint with how many distinct values; a varint with the bytes of the
//! dictionary, and one with the bytes it is deflated to, 0 if it is not; the dictionary; the integers
//! that pick from it. The dictionary has for each value a byte with its kind and, for text and JSON,
//! a varint with its bytes; then all texts one after the other. A number is text of its eight bytes.

use std::{borrow::Cow, collections::HashMap};

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use crate::{
    Column, Error, ValueRef,
    column::Entry,
    ints::{put_ints, read_ints},
    varint::{Input, put},
};

pub(crate) const MIXED: u8 = 2;

const NUMBER: u8 = 0;
const TEXT: u8 = 1;
const JSON: u8 = 2;

/// Deflate cannot do better than this many to one.
const DEFLATE_MAX: usize = 1_032;
/// Shorter dictionaries do not gain.
const DEFLATE_FROM_BYTES: usize = 64;

/// Appends a column of at least one cell.
pub(crate) fn put_mixed(out: &mut Vec<u8>, cells: &[ValueRef<'_>]) {
    let mut seen = HashMap::new();
    let (mut heads, mut texts, mut picks) = (Vec::new(), Vec::new(), Vec::with_capacity(cells.len()));
    for cell in cells {
        let (kind, bytes): (u8, Cow<'_, [u8]>) = match *cell {
            ValueRef::Number(number) => (NUMBER, Cow::Owned(number.to_bits().to_le_bytes().to_vec())),
            ValueRef::Text(text) => (TEXT, Cow::Borrowed(text.as_bytes())),
            ValueRef::Json(text) => (JSON, Cow::Borrowed(text.as_bytes())),
        };
        let next = seen.len() as i64;
        let pick = *seen.entry((kind, bytes)).or_insert_with_key(|(kind, bytes)| {
            heads.push(*kind);
            if *kind != NUMBER {
                put(&mut heads, bytes.len() as u64);
            }
            texts.extend_from_slice(bytes);
            next
        });
        picks.push(pick);
    }
    let mut dictionary = heads;
    dictionary.append(&mut texts);
    let deflated = deflate(&dictionary);
    out.push(MIXED);
    put(out, seen.len() as u64);
    put(out, dictionary.len() as u64);
    put(out, deflated.as_ref().map_or(0, Vec::len) as u64);
    out.extend_from_slice(deflated.as_ref().unwrap_or(&dictionary));
    put_ints(out, &picks, 0);
}

/// Reads a column of `cells` cells that fills `input`, whose first byte has been read.
pub(crate) fn read_mixed(mut input: Input<'_>, cells: usize, column: &mut Column) -> Result<(), Error> {
    let values = input.count(cells)?;
    let bytes = input.count(input.rest().len().saturating_mul(DEFLATE_MAX))?;
    let dictionary = match input.count(input.rest().len())? {
        0 => Cow::Borrowed(input.take(bytes)?),
        deflated => Cow::Owned(inflate(input.take(deflated)?, bytes).ok_or(input.malformed())?),
    };
    let mut heads = Input::new(&dictionary, "texts");
    let mut lengths = Vec::with_capacity(values.min(dictionary.len()));
    for _ in 0..values {
        let kind = heads.byte()?;
        lengths.push((kind, if kind == NUMBER { 8 } else { heads.count(dictionary.len())? }));
    }
    column.only_numbers = false;
    for (kind, bytes) in lengths {
        let entry = if kind == NUMBER {
            Entry::Number(f64::from_bits(u64::from_le_bytes(heads.array()?)))
        } else {
            let start = column.texts.len();
            let text = std::str::from_utf8(heads.take(bytes)?).map_err(|_| heads.malformed())?;
            column.texts.push_str(text);
            let end = column.texts.len();
            match kind {
                TEXT => Entry::Text { start, end },
                JSON => Entry::Json { start, end },
                _ => return Err(heads.malformed()),
            }
        };
        column.entries.push(entry);
    }
    heads.finish()?;
    // A pick that is no index becomes one past the end of every dictionary.
    read_ints(input, cells, 0, &mut column.picks, |pick| u32::try_from(pick).unwrap_or(u32::MAX))?;
    if column.picks.iter().any(|pick| *pick as usize >= column.entries.len()) {
        return Err(input.malformed());
    }
    Ok(())
}

fn deflate(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.len() < DEFLATE_FROM_BYTES {
        return None;
    }
    let mut out = Vec::with_capacity(bytes.len());
    let status = Compress::new(Compression::default(), false).compress_vec(bytes, &mut out, FlushCompress::Finish);
    (matches!(status, Ok(Status::StreamEnd)) && out.len() < bytes.len()).then_some(out)
}

fn inflate(deflated: &[u8], bytes: usize) -> Option<Vec<u8>> {
    if bytes > deflated.len().saturating_mul(DEFLATE_MAX) {
        return None;
    }
    // One byte more than needed, so that an output that is too long shows.
    let mut out = Vec::with_capacity(bytes + 1);
    let mut stream = Decompress::new(false);
    let status = stream.decompress_vec(deflated, &mut out, FlushDecompress::Finish);
    let is_whole = matches!(status, Ok(Status::StreamEnd)) && stream.total_in() == deflated.len() as u64;
    (is_whole && out.len() == bytes).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(cells: &[ValueRef<'_>]) -> usize {
        let mut out = Vec::new();
        put_mixed(&mut out, cells);
        let mut column = Column::new();
        column.clear();
        column.every_row = true;
        read_mixed(Input::new(&out[1..], "mixed"), cells.len(), &mut column).unwrap();
        assert!(column.iter().map(|(_, value)| value).eq(cells.iter().copied()));
        out.len()
    }

    #[test]
    fn text_json_and_numbers_in_one_column_come_back() {
        check(&[
            ValueRef::Text("1"),
            ValueRef::Json("1"),
            ValueRef::Number(1.0),
            ValueRef::Text(""),
            ValueRef::Text("1"),
        ]);
    }

    #[test]
    fn the_same_text_in_every_row_is_nearly_free() {
        assert!(check(&[ValueRef::Text("2.0.11"); 4_032]) <= 16);
    }

    #[test]
    fn scans_that_are_alike_are_deflated() {
        let scans: Vec<String> =
            (0..100).map(|row| format!(r#"[{{"mac":"C0:FF:EE:00:00:01","rssi":-{row}}}]"#)).collect();
        let cells: Vec<_> = scans.iter().map(|scan| ValueRef::Json(scan)).collect();
        assert!(check(&cells) < 100 * 12);
    }

    #[test]
    fn refuses_a_dictionary_that_claims_more_than_deflate_can_give() {
        let deflated = deflate(&[7; 1_000]).unwrap();
        assert!(inflate(&deflated, 1_000).is_some());
        for bytes in [0, 999, 1_001, usize::MAX] {
            assert!(inflate(&deflated, bytes).is_none(), "{bytes}");
        }
    }
}
