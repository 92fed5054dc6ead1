//! What commands print.

use std::{
    fmt::Display,
    io::{self, Write},
};

use anyhow::Context;
use serde_json::Value;

/// How a command prints its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// For people.
    Text,
    /// Exactly one JSON value.
    Json,
}

impl Output {
    /// Prints a result, in the form that was asked for.
    ///
    /// **Errors**: it cannot be written; whoever has stopped reading misses it without one.
    pub(crate) fn show(self, value: &Value, text: impl Display) -> anyhow::Result<()> {
        match self.show_to_somebody(value, text) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            shown => shown.context("it was done, but the result cannot be written"),
        }
    }

    /// As [`Output::show`] for a station that starts, which goes on in any case.
    pub(crate) fn greet(self, value: &Value, text: impl Display) {
        if let Err(error) = self.show_to_somebody(value, text) {
            tracing::warn!("where the station listens cannot be written to stdout: {error}");
        }
    }

    /// As [`Output::show`] for what is shown only once: also nobody reading is an error.
    pub(crate) fn show_to_somebody(self, value: &Value, text: impl Display) -> io::Result<()> {
        match self {
            Self::Text => line(text.to_string().trim_end()),
            Self::Json => line(value),
        }
    }
}

/// Prints a line.
pub(crate) fn line(text: impl Display) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")?;
    stdout.flush()
}

/// Writes a line to stderr, or nothing where that cannot be written.
pub(crate) fn remark(text: impl Display) {
    let _unwritten = writeln!(io::stderr(), "{text}");
}

/// A number of bytes as people read it.
pub(crate) fn size(bytes: u64) -> String {
    let mib = bytes as f64 / f64::from(1 << 20);
    if mib < 1024.0 { format!("{mib:.1} MiB") } else { format!("{:.2} GiB", mib / 1024.0) }
}

/// Rows under headings, in columns as wide as they must be.
pub(crate) fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    if rows.is_empty() {
        return "none".to_owned();
    }
    let headings = headings.map(str::to_owned);
    let all = || std::iter::once(&headings).chain(rows);
    let widths: [usize; N] =
        std::array::from_fn(|column| all().map(|row| row[column].chars().count()).max().unwrap_or(0));
    let lines = all().map(|row| {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_must_be() {
        let rows = [["1".to_owned(), "℃".to_owned()], ["12345".to_owned(), String::new()]];
        assert_eq!(table(["id", "unit"], &rows), "id     unit\n1      ℃\n12345");
        assert_eq!(table(["id"], &[]), "none");
    }
}
