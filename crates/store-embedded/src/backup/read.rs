use std::{
    fs::File,
    io::{BufReader, Read},
    path::Path,
};

use model::{Position, Timestamp};

use super::{
    BLOB, BackupError, BackupSummary, DATABASE, FILE, HEADER, INTEGER, NULL, Progress, REAL, ROW, SCHEMA, TABLE, TEXT,
    TOTAL, container::Reader,
};
use crate::bytes::{Damaged, Take};

/// A piece of a backup.
#[derive(Debug)]
pub(super) enum Record<'a> {
    Database { name: &'a str, page_size: u64, auto_vacuum: u64 },
    Table { name: &'a str, sql: &'a str, columns: usize },
    Row(Vec<Cell<'a>>),
    Schema(&'a str),
    File { name: &'a str, bytes: &'a [u8] },
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell<'a> {
    Null,
    Integer(i64),
    Real(f64),
    Text(&'a str),
    Blob(&'a [u8]),
}

/// Reads a backup to its end and answers what it is of: afterwards every byte of it is known to be
/// the one that was written.
///
/// **Errors**: whatever is wrong with it.
pub fn check(file: &Path, progress: Progress<'_>) -> Result<BackupSummary, BackupError> {
    each_record(file, progress, |_| Ok(()))
}

/// As [`check`], of a backup that is no file.
///
/// **Errors**: whatever is wrong with it.
pub fn check_bytes(bytes: &[u8]) -> Result<BackupSummary, BackupError> {
    each(bytes, bytes.len() as u64, &mut |_, _| true, |_| Ok(()))
}

/// Calls `f` with each record of a backup but its header and its total, which are checked here.
pub(super) fn each_record(
    file: &Path,
    progress: Progress<'_>,
    f: impl FnMut(Record<'_>) -> Result<(), BackupError>,
) -> Result<BackupSummary, BackupError> {
    let file = File::open(file)?;
    let total = file.metadata()?.len();
    each(BufReader::with_capacity(1 << 18, file), total, progress, f)
}

fn each(
    input: impl Read,
    total: u64,
    progress: Progress<'_>,
    mut f: impl FnMut(Record<'_>) -> Result<(), BackupError>,
) -> Result<BackupSummary, BackupError> {
    let mut reader = Reader::new(input)?;
    let mut summary = None;
    let (mut columns, mut rows, mut content_bytes, mut is_whole) = (0, 0, 0, false);
    let mut files = Vec::new();
    while let Some(block) = reader.block()? {
        let mut take = Take(&block);
        while !take.is_empty() {
            let before = take.0.len();
            let tag = take.u8().map_err(content)?;
            if is_whole || (tag == HEADER) != summary.is_none() {
                return Err(BackupError::Content("its records are out of order"));
            }
            match tag {
                HEADER => summary = Some(header(&mut take).map_err(content)?),
                TOTAL => {
                    is_whole = take.u64().map_err(content)? == rows;
                    if !is_whole {
                        return Err(BackupError::Content("the number of its rows differs"));
                    }
                }
                tag => {
                    let record = record(&mut take, tag, columns).map_err(content)?;
                    match &record {
                        Record::Table { columns: of_table, .. } => columns = *of_table,
                        Record::Row(_) => {
                            rows += 1;
                            content_bytes += (before - take.0.len()) as u64;
                        }
                        Record::File { name, .. } => files.push((*name).to_owned()),
                        Record::Database { .. } | Record::Schema(_) => {}
                    }
                    f(record)?;
                }
            }
        }
        if !progress(reader.bytes(), total) {
            return Err(BackupError::Stopped);
        }
    }
    let (made_at, program, position) = summary.filter(|_| is_whole).ok_or(BackupError::Truncated)?;
    Ok(BackupSummary { made_at, program, position, rows, files, content_bytes, bytes: reader.bytes() })
}

fn content(cause: Damaged) -> BackupError {
    BackupError::Content(cause.0)
}

fn header(take: &mut Take<'_>) -> Result<(Timestamp, String, Position), Damaged> {
    let made_at = Timestamp::from_millis(take.i64()?);
    let program = take.text()?.to_owned();
    Ok((made_at, program, Position::from_raw(take.u64()?)))
}

fn record<'a>(take: &mut Take<'a>, tag: u8, columns: usize) -> Result<Record<'a>, Damaged> {
    Ok(match tag {
        DATABASE => Record::Database { name: take.text()?, page_size: take.u64()?, auto_vacuum: take.u64()? },
        TABLE => {
            let (name, sql) = (take.text()?, take.text()?);
            let columns = usize::try_from(take.u64()?).ok().filter(|columns| *columns <= 2_000);
            Record::Table { name, sql, columns: columns.ok_or(Damaged("a table has too many columns"))? }
        }
        ROW => Record::Row((0..columns).map(|_| cell(take)).collect::<Result<_, _>>()?),
        SCHEMA => Record::Schema(take.text()?),
        FILE => Record::File { name: take.text()?, bytes: take.bytes()? },
        _ => return Err(Damaged("a record has an unknown tag")),
    })
}

fn cell<'a>(take: &mut Take<'a>) -> Result<Cell<'a>, Damaged> {
    Ok(match take.u8()? {
        NULL => Cell::Null,
        INTEGER => Cell::Integer(take.i64()?),
        REAL => Cell::Real(f64::from_bits(u64::from_le_bytes(take.array()?))),
        TEXT => Cell::Text(take.text()?),
        BLOB => Cell::Blob(take.bytes()?),
        _ => return Err(Damaged("a value has an unknown tag")),
    })
}
