use std::{error::Error, fmt::Display, str::FromStr};

use model::{DeviceKind, OrgId, SecretHash, Timestamp};
use rusqlite::{
    Row,
    types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef},
};

/// Kept as the text that people see.
pub(super) struct Text<T>(pub(super) T);

impl<T: Display> ToSql for Text<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.0.to_string()))
    }
}

impl<T: FromStr<Err: Into<Box<dyn Error + Send + Sync>>>> FromSql for Text<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map(Self).map_err(|error: T::Err| FromSqlError::Other(error.into()))
    }
}

/// An organization as an integer: it is below 2^63 by its definition.
pub(super) struct Org(pub(super) OrgId);

impl ToSql for Org {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.0.get().cast_signed()))
    }
}

impl FromSql for Org {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(Self(OrgId::from_raw(value.as_i64()?.cast_unsigned())))
    }
}

/// Milliseconds since the epoch.
pub(super) struct Time(pub(super) Timestamp);

impl ToSql for Time {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.0.as_millis()))
    }
}

impl FromSql for Time {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(Self(Timestamp::from_millis(value.as_i64()?)))
    }
}

/// 32 bytes.
pub(super) struct Hash(pub(super) SecretHash);

impl ToSql for Hash {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.0.0.as_slice()))
    }
}

impl FromSql for Hash {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(Self(SecretHash(<[u8; 32]>::column_result(value)?)))
    }
}

/// 1 and 2, as on the wire.
pub(super) struct Kind(pub(super) DeviceKind);

impl ToSql for Kind {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(match self.0 {
            DeviceKind::Gateway => 1_i64,
            DeviceKind::Node => 2,
        }))
    }
}

impl FromSql for Kind {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_i64()? {
            1 => Ok(Self(DeviceKind::Gateway)),
            2 => Ok(Self(DeviceKind::Node)),
            other => Err(FromSqlError::OutOfRange(other)),
        }
    }
}

/// A time that may not be known.
pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<Time>>(column)?.map(|Time(at)| at))
}

/// A count that was kept by [`count`].
pub(super) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(column)?.cast_unsigned())
}

/// Texts separated by commas.
pub(super) fn list<T: FromStr<Err: Into<Box<dyn Error + Send + Sync>>>>(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<Vec<T>> {
    let texts = row.get_ref(column)?.as_str()?.split(',').filter(|text| !text.is_empty());
    Ok(texts.map(str::parse).collect::<Result<_, _>>().map_err(|error: T::Err| FromSqlError::Other(error.into()))?)
}

/// A limit or count; nothing here comes near the end of `i64`.
pub(super) fn count(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
