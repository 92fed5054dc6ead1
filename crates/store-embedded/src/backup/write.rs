use std::io::{self, Write};

use rusqlite::{Connection, types::ValueRef};
use store::Error;

use super::{
    BLOB, BackupError, BackupNotes, BackupSummary, DATABASE, FILE, Frozen, HEADER, INTEGER, NULL, Progress, REAL, ROW,
    SCHEMA, TABLE, TEXT, TOTAL, container::Writer,
};
use crate::{
    bytes::{put_bytes, put_i64, put_u64},
    error::sqlite,
};

impl Frozen {
    /// Writes everything there is as one backup, which whoever calls has to make durable.
    ///
    /// **Errors**: `Stopped` if `progress` wants no more; `Io`; `Store`.
    pub fn write_backup(
        &self,
        out: impl Write,
        notes: &BackupNotes,
        progress: Progress<'_>,
    ) -> Result<BackupSummary, BackupError> {
        let position = self.position()?;
        let mut total = 0;
        for (_, connection) in self.databases() {
            total += file_bytes(connection)?;
        }
        let writer = Writer::new(io::BufWriter::with_capacity(1 << 18, out))?;
        let mut dump = Dump { writer, rows: 0, bytes: 0, total, progress };
        dump.writer.record(|out| {
            out.push(HEADER);
            put_i64(out, notes.made_at.as_millis());
            put_bytes(out, notes.program.as_bytes());
            put_u64(out, position.get());
        })?;
        for (name, connection) in self.databases() {
            dump.database(name, connection)?;
            if name == "log.db" {
                self.thaw_log()?;
            }
        }
        for (name, bytes) in &notes.files {
            dump.writer.record(|out| {
                out.push(FILE);
                put_bytes(out, name.as_bytes());
                put_bytes(out, bytes);
            })?;
        }
        let (rows, content_bytes) = (dump.rows, dump.bytes);
        dump.writer.record(|out| {
            out.push(TOTAL);
            put_u64(out, rows);
        })?;
        let (_, bytes) = dump.writer.finish()?;
        Ok(BackupSummary {
            made_at: notes.made_at,
            program: notes.program.clone(),
            position,
            rows,
            files: notes.files.iter().map(|(name, _)| name.clone()).collect(),
            content_bytes,
            bytes,
        })
    }
}

/// Bytes of a database that are in use.
fn file_bytes(connection: &Connection) -> Result<u64, Error> {
    let sql = "SELECT (SELECT page_count FROM pragma_page_count) - (SELECT freelist_count FROM pragma_freelist_count),
                      (SELECT page_size FROM pragma_page_size)";
    let (pages, bytes): (i64, i64) =
        connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).map_err(sqlite)?;
    Ok((pages * bytes) as u64)
}

struct Dump<'a, W: Write> {
    writer: Writer<W>,
    rows: u64,
    bytes: u64,
    total: u64,
    progress: Progress<'a>,
}

impl<W: Write> Dump<'_, W> {
    fn database(&mut self, name: &str, connection: &Connection) -> Result<(), BackupError> {
        let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let (page_size, auto_vacuum) = (pragma("page_size")?, pragma("auto_vacuum")?);
        self.writer.record(|out| {
            out.push(DATABASE);
            put_bytes(out, name.as_bytes());
            put_u64(out, page_size as u64);
            put_u64(out, auto_vacuum as u64);
        })?;
        let mut select = connection.prepare(
            "SELECT type = 'table', name, sql FROM sqlite_schema
             WHERE sql IS NOT NULL AND (name NOT LIKE 'sqlite_%' OR name = 'sqlite_sequence')
             ORDER BY type <> 'table', name = 'sqlite_sequence', rowid",
        )?;
        let found = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let schema = found.collect::<rusqlite::Result<Vec<(bool, String, String)>>>()?;
        for (is_table, name, sql) in &schema {
            if *is_table {
                self.table(connection, name, sql)?;
            } else {
                self.writer.record(|out| {
                    out.push(SCHEMA);
                    put_bytes(out, sql.as_bytes());
                })?;
            }
        }
        Ok(())
    }

    fn table(&mut self, connection: &Connection, name: &str, sql: &str) -> Result<(), BackupError> {
        let quoted = name.replace('"', "\"\"");
        let mut select = connection.prepare(&format!("SELECT * FROM \"{quoted}\""))?;
        let columns = select.column_count();
        self.writer.record(|out| {
            out.push(TABLE);
            put_bytes(out, name.as_bytes());
            put_bytes(out, sql.as_bytes());
            put_u64(out, columns as u64);
        })?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let mut len = 0;
            let mut failure = None;
            self.writer.record(|out| {
                let before = out.len();
                out.push(ROW);
                for column in 0..columns {
                    match row.get_ref(column) {
                        Ok(value) => put(out, value),
                        Err(cause) => failure = Some(cause),
                    }
                }
                len = out.len() - before;
            })?;
            if let Some(cause) = failure {
                return Err(cause.into());
            }
            self.rows += 1;
            self.bytes += len as u64;
            // Asking costs more than a small row.
            if self.rows.is_multiple_of(256) || len > 1 << 16 {
                let done = self.bytes.min(self.total);
                if !(self.progress)(done, self.total) {
                    return Err(BackupError::Stopped);
                }
            }
        }
        // Chunks compress as they do, and others otherwise.
        Ok(self.writer.close_block()?)
    }
}

fn put(out: &mut Vec<u8>, value: ValueRef<'_>) {
    match value {
        ValueRef::Null => out.push(NULL),
        ValueRef::Integer(number) => {
            out.push(INTEGER);
            put_i64(out, number);
        }
        ValueRef::Real(number) => {
            out.push(REAL);
            out.extend_from_slice(&number.to_bits().to_le_bytes());
        }
        ValueRef::Text(text) => {
            out.push(TEXT);
            put_bytes(out, text);
        }
        ValueRef::Blob(blob) => {
            out.push(BLOB);
            put_bytes(out, blob);
        }
    }
}
