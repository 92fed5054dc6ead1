//! A whole store in one file, and back.
//!
//! A backup is the rows of every table, read at one moment while the store goes on: the janitor,
//! which alone moves rows, frames and the end of the log about, stands still for as long as it takes
//! to begin a reading transaction on each database. What was acknowledged before that moment is in
//! the backup; what came later is not. No page is copied, so that a backup is as small as its rows,
//! and a store that comes of one has no empty pages.

mod container;
mod frozen;
mod read;
mod restore;
mod write;

use std::{io, path::PathBuf};

use model::{Position, Timestamp};
use thiserror::Error;

pub use frozen::Frozen;
pub use read::{check, check_bytes};
pub(crate) use restore::finish_install;
pub use restore::{rehearse, restore};

/// Why a backup was not made or not taken.
#[derive(Debug, Error)]
pub enum BackupError {
    /// The file is something else.
    #[error("this is no backup of a station")]
    Foreign,
    /// It has a later format.
    #[error("the backup was made by a newer program; use that one")]
    Newer,
    /// It stops before its end.
    #[error("the backup ends early: it was cut off, or never finished")]
    Truncated,
    /// Bytes are not those that were written; from this byte on.
    #[error("the backup was altered or damaged: the checksum at byte {0} differs")]
    Altered(u64),
    /// Its checksums are right and its content makes no sense.
    #[error("the backup holds something that this program does not know: {0}")]
    Content(&'static str),
    /// The place that it is to go to holds a station already.
    #[error("`{}` holds a station already; nothing was changed", .0.display())]
    Occupied(PathBuf),
    /// Somebody did not want it any more.
    #[error("it was stopped before its end")]
    Stopped,
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The store could not be read, or the new one written.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<rusqlite::Error> for BackupError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(crate::error::sqlite(error))
    }
}

/// What a backup is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupSummary {
    /// When it was made.
    pub made_at: Timestamp,
    /// The version of the program that made it.
    pub program: String,
    /// Everything up to here is in it.
    pub position: Position,
    /// Rows of all tables.
    pub rows: u64,
    /// Files beside the databases, by name.
    pub files: Vec<String>,
    /// Bytes of its content before compression.
    pub content_bytes: u64,
    /// Bytes of the backup itself.
    pub bytes: u64,
}

/// What goes into a backup beside the databases.
#[derive(Debug, Clone, Default)]
pub struct BackupNotes {
    /// Now.
    pub made_at: Timestamp,
    /// The version of the program.
    pub program: String,
    /// Files beside the databases: their names and what is in them.
    pub files: Vec<(String, Vec<u8>)>,
}

/// Hears how far something has come, of how much, in bytes; `false` stops it.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64) -> bool;

/// The databases of a store, in the order that they are frozen and copied.
const DATABASES: [&str; 3] = ["rows.db", "log.db", "registry.db"];

// Tags of records.
const HEADER: u8 = 1;
const DATABASE: u8 = 2;
const TABLE: u8 = 3;
const ROW: u8 = 4;
const SCHEMA: u8 = 5;
const FILE: u8 = 6;
const TOTAL: u8 = 7;

// Tags of values.
const NULL: u8 = 0;
const INTEGER: u8 = 1;
const REAL: u8 = 2;
const TEXT: u8 = 3;
const BLOB: u8 = 4;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A whole backup file around any content.
    fn around(content: &[u8]) -> Vec<u8> {
        let mut writer = container::Writer::new(Vec::new()).unwrap();
        writer.record(|out| out.extend_from_slice(content)).unwrap();
        writer.finish().unwrap().0
    }

    proptest! {
        #[test]
        fn any_content_is_understood_or_refused(content: Vec<u8>, tag in 0_u8..9) {
            let _ = check_bytes(&around(&content));
            // Behind a header anything may stand.
            let header = [HEADER, 0, 0, 0];
            prop_assert!(check_bytes(&around(&[&header[..], &[tag], &content].concat())).is_err() || tag == TOTAL);
        }
    }

    #[test]
    fn a_backup_has_a_header_and_a_total() {
        assert!(check_bytes(&around(&[HEADER, 0, 0, 0, TOTAL, 0])).is_ok());
        for odd in
            [&[][..], &[TOTAL, 0], &[HEADER, 0, 0, 0], &[HEADER, 0, 0, 0, TOTAL, 1], &[HEADER, 0, 0, 0, TOTAL, 0, FILE]]
        {
            assert!(check_bytes(&around(odd)).is_err(), "{odd:?}");
        }
    }
}
