//! How an export is written: as lines of text, or as a table.

use model::{DeviceEui, Row};
use store::Error;

#[cfg(feature = "parquet")]
use super::parquet::Table;
use super::{
    ExportQuery, Format,
    line::{self, Lines, Style},
};

#[derive(Debug)]
pub(super) enum Form {
    Text(Style),
    #[cfg(feature = "parquet")]
    Table(Box<Table>),
}

impl Form {
    pub(super) fn of(format: Format) -> Result<Self, Error> {
        Ok(match format {
            Format::Csv => Self::Text(Style::Csv),
            Format::JsonLines => Self::Text(Style::JsonLines),
            #[cfg(feature = "parquet")]
            Format::Parquet => Self::Table(Box::new(Table::begin()?)),
        })
    }

    /// Writes what stands before the first reading.
    pub(super) fn head(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(style) => line::head(out, *style),
            // A table begins by itself.
            #[cfg(feature = "parquet")]
            Self::Table(_) => {}
        }
    }

    /// Writes rows of one device, oldest first, an instant never cut in two, and says how many readings that were.
    pub(super) fn rows(
        &mut self,
        out: &mut Vec<u8>,
        query: &ExportQuery,
        eui: DeviceEui,
        rows: &[Row],
    ) -> Result<u64, Error> {
        let instants = rows.chunk_by(|a, b| a.measured_at == b.measured_at);
        match self {
            Self::Text(style) => {
                let mut lines = Lines::new(out, query, *style, eui);
                instants.for_each(|instant| lines.instant(instant));
                Ok(lines.count)
            }
            #[cfg(feature = "parquet")]
            Self::Table(table) => table.rows(out, query, eui, instants),
        }
    }

    /// Writes what is still kept back of the readings.
    pub(super) fn rest(&mut self, _out: &mut Vec<u8>) -> Result<(), Error> {
        match self {
            Self::Text(_) => Ok(()),
            #[cfg(feature = "parquet")]
            Self::Table(table) => table.rest(_out),
        }
    }

    /// Writes what stands behind the last.
    pub(super) fn end(&mut self, out: &mut Vec<u8>, readings: u64, sum: &str) -> Result<(), Error> {
        match self {
            Self::Text(style) => {
                line::end(out, *style, readings, sum);
                Ok(())
            }
            #[cfg(feature = "parquet")]
            Self::Table(table) => table.end(out, readings, sum),
        }
    }
}
