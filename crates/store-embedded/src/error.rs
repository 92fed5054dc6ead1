//! What SQLite and damaged bytes report, as the contract's errors.

use rusqlite::ErrorCode;
use store::Error;

use crate::bytes::Damaged;

/// What SQLite reported, by what the caller does next.
pub(crate) fn sqlite(error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Error::Unavailable("the disk is full; free some space".into()),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Error::Unavailable("another process holds the database; try again".into())
        }
        Some(ErrorCode::SystemIoFailure) => Error::internal(DiskFailure(error)),
        Some(ErrorCode::ReadOnly) => Error::Unavailable(format!("the data folder cannot be written: {error}")),
        _ => Error::internal(error),
    }
}

/// The disk refused to write, to read or to make durable.
#[derive(Debug, thiserror::Error)]
#[error("the disk failed: {0}")]
pub(crate) struct DiskFailure(rusqlite::Error);

/// Whether nobody knows any more what the disk has.
pub(crate) fn is_in_doubt(error: &Error) -> bool {
    use rusqlite::ffi::{SQLITE_IOERR_DIR_FSYNC, SQLITE_IOERR_FSYNC, SQLITE_IOERR_TRUNCATE, SQLITE_IOERR_WRITE};
    let Error::Internal(cause) = error else { return false };
    let Some(DiskFailure(cause)) = cause.downcast_ref() else { return false };
    let code = cause.sqlite_error().map(|error| error.extended_code);
    let doubtful = [SQLITE_IOERR_FSYNC, SQLITE_IOERR_DIR_FSYNC, SQLITE_IOERR_WRITE, SQLITE_IOERR_TRUNCATE];
    code.is_some_and(|code| doubtful.contains(&code))
}

/// Bytes at rest that are not what was written; `what` names them so that somebody can look.
pub(crate) fn damaged(what: impl std::fmt::Display, cause: impl std::fmt::Display) -> Error {
    let message = format!("{what} is damaged and is not served: {cause}");
    tracing::error!("{message}");
    Error::internal(message)
}

pub(crate) fn damaged_bytes(what: impl std::fmt::Display, cause: Damaged) -> Error {
    damaged(what, cause.0)
}

/// A thread of the store has gone; only stopping the program ends in this.
pub(crate) fn stopped() -> Error {
    Error::Unavailable("the store has stopped".into())
}
