use rusqlite::ErrorCode;
use store::{Error, Kind};

use crate::migrate::MigrateError;

/// Why a transaction ended: the contract refused, or SQLite did.
#[derive(Debug)]
pub(super) enum Failure {
    Refused(Error),
    Sqlite(rusqlite::Error),
}

impl Failure {
    pub(super) fn not_found(kind: Kind) -> Self {
        Self::Refused(Error::NotFound(kind))
    }

    pub(super) fn conflict(kind: Kind) -> Self {
        Self::Refused(Error::Conflict(kind))
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<MigrateError> for Failure {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Sqlite(error) => Self::Sqlite(error),
            refused => Self::Refused(Error::internal(refused)),
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let error = match failure {
            Failure::Refused(error) => return error,
            Failure::Sqlite(error) => error,
        };
        match error.sqlite_error_code() {
            Some(
                ErrorCode::DiskFull
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::SystemIoFailure
                | ErrorCode::ReadOnly,
            ) => Self::Unavailable(error.to_string()),
            _ => Self::internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    fn check(code: i32, unavailable: bool) {
        let failure = Failure::from(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
        let error = Error::from(failure);
        assert_eq!(matches!(error, Error::Unavailable(_)), unavailable, "{error:?}");
        assert_eq!(matches!(error, Error::Internal(_)), !unavailable, "{error:?}");
    }

    #[test]
    fn what_may_pass_is_unavailable_and_the_rest_is_internal() {
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_BUSY, ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_READONLY] {
            check(code, true);
        }
        for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_CONSTRAINT, ffi::SQLITE_NOTADB] {
            check(code, false);
        }
    }
}
