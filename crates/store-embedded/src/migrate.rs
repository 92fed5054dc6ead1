//! Brings a database to the shape that this program knows.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use thiserror::Error;

/// Why a database was left as it is.
#[derive(Debug, Error)]
pub(crate) enum MigrateError {
    #[error(
        "migration {number} `{name}` is not the one this database was made with; \
         use the program that made it, or restore a backup"
    )]
    Changed { number: usize, name: &'static str },
    #[error(
        "the database is newer than this program: it has {found} migrations, the program knows {known}; \
         use the program that wrote it last"
    )]
    Newer { found: usize, known: usize },
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

/// Applies the migrations that the database does not have yet, each in a transaction of its own;
/// what is listed first has number 1.
pub(crate) fn run(
    connection: &mut Connection,
    migrations: &[(&'static str, &'static str)],
) -> Result<(), MigrateError> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS migration
         (number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum INTEGER NOT NULL) STRICT",
    )?;
    let count = "SELECT count(*) FROM migration";
    let found: i64 = connection.query_row(count, [], |row| row.get(0))?;
    let found = usize::try_from(found).unwrap_or(usize::MAX);
    if found > migrations.len() {
        return Err(MigrateError::Newer { found, known: migrations.len() });
    }
    for (number, (name, sql)) in (1_usize..).zip(migrations) {
        // The lock comes first: another process may be at the same migration.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let ours = (*name, crc32fast::hash(sql.as_bytes()));
        let theirs = "SELECT name, checksum FROM migration WHERE number = ?1";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let theirs: Option<(String, u32)> = transaction.query_row(theirs, [number as i64], read).optional()?;
        match theirs {
            Some((name, checksum)) if (name.as_str(), checksum) == ours => continue,
            Some(_) => return Err(MigrateError::Changed { number, name }),
            None => {}
        }
        transaction.execute_batch(sql)?;
        let insert = "INSERT INTO migration (number, name, checksum) VALUES (?1, ?2, ?3)";
        transaction.execute(insert, (number as i64, ours.0, ours.1))?;
        transaction.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: (&str, &str) = ("first", "CREATE TABLE a (x INTEGER) STRICT");
    const SECOND: (&str, &str) = ("second", "CREATE TABLE b (x INTEGER) STRICT; INSERT INTO b VALUES (7)");

    fn database() -> Connection {
        Connection::open_in_memory().unwrap()
    }

    fn has_table(connection: &Connection, name: &str) -> bool {
        let sql = "SELECT count(*) FROM sqlite_schema WHERE name = ?1";
        connection.query_row(sql, [name], |row| row.get::<_, i64>(0)).unwrap() == 1
    }

    #[test]
    fn applies_each_migration_once_and_later_ones_later() {
        let mut connection = database();
        run(&mut connection, &[FIRST]).unwrap();
        assert!(has_table(&connection, "a") && !has_table(&connection, "b"));
        run(&mut connection, &[FIRST, SECOND]).unwrap();
        run(&mut connection, &[FIRST, SECOND]).unwrap();
        assert_eq!(connection.query_row("SELECT count(*) FROM b", [], |row| row.get::<_, i64>(0)), Ok(1));
    }

    #[test]
    fn refuses_a_database_newer_than_the_program() {
        let mut connection = database();
        run(&mut connection, &[FIRST, SECOND]).unwrap();
        let error = run(&mut connection, &[FIRST]).unwrap_err();
        assert!(matches!(error, MigrateError::Newer { found: 2, known: 1 }));
        assert_eq!(
            error.to_string(),
            "the database is newer than this program: it has 2 migrations, the program knows 1; \
             use the program that wrote it last"
        );
    }

    #[test]
    fn refuses_a_migration_that_has_changed_and_applies_nothing_after_it() {
        let mut connection = database();
        run(&mut connection, &[FIRST]).unwrap();
        for changed in [("first", "CREATE TABLE a (y INTEGER) STRICT"), ("renamed", FIRST.1)] {
            let error = run(&mut connection, &[changed, SECOND]).unwrap_err();
            assert!(matches!(error, MigrateError::Changed { number: 1, .. }), "{error}");
            assert!(!has_table(&connection, "b"));
        }
    }

    #[test]
    fn a_migration_that_fails_leaves_nothing_behind() {
        let mut connection = database();
        let bad = ("second", "CREATE TABLE b (x INTEGER) STRICT; INSERT INTO b VALUES ('no number')");
        assert!(matches!(run(&mut connection, &[FIRST, bad]), Err(MigrateError::Sqlite(_))));
        assert!(has_table(&connection, "a") && !has_table(&connection, "b"));
        run(&mut connection, &[FIRST, SECOND]).unwrap();
    }
}
