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
    Changed { number: u32, name: &'static str },
    #[error(
        "the database is newer than this program: it has migration {found}, the program knows {known}; \
         use the program that wrote it last"
    )]
    Newer { found: u32, known: u32 },
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

/// One step: its number, which its file has too and nothing else ever, its name, and what it does.
pub(crate) type Migration = (u32, &'static str, &'static str);

/// Applies the migrations that the database does not have yet, in their order, each in a transaction of
/// its own. Each is known by its number: one may be added before another that a database has already.
pub(crate) fn run(connection: &mut Connection, migrations: &[Migration]) -> Result<(), MigrateError> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS migration
         (number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum INTEGER NOT NULL) STRICT",
    )?;
    let found = "SELECT coalesce(max(number), 0) FROM migration";
    let found: u32 = connection.query_row(found, [], |row| row.get(0))?;
    let known = migrations.iter().map(|(number, ..)| *number).max().unwrap_or_default();
    if found > known {
        return Err(MigrateError::Newer { found, known });
    }
    for &(number, name, sql) in migrations {
        // The lock comes first: another process may be at the same migration.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let ours = (name, crc32fast::hash(sql.as_bytes()));
        let theirs = "SELECT name, checksum FROM migration WHERE number = ?1";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let theirs: Option<(String, u32)> = transaction.query_row(theirs, [number], read).optional()?;
        match theirs {
            Some((theirs, checksum)) if (theirs.as_str(), checksum) == ours => continue,
            Some(_) => return Err(MigrateError::Changed { number, name }),
            None => {}
        }
        transaction.execute_batch(sql)?;
        let insert = "INSERT INTO migration (number, name, checksum) VALUES (?1, ?2, ?3)";
        transaction.execute(insert, (number, ours.0, ours.1))?;
        transaction.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Migration = (1, "first", "CREATE TABLE a (x INTEGER) STRICT");
    const SECOND: Migration = (2, "second", "CREATE TABLE b (x INTEGER) STRICT; INSERT INTO b VALUES (7)");

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
    fn applies_a_migration_that_came_to_lie_before_another() {
        let third = (3, "third", "CREATE TABLE c (x INTEGER) STRICT");
        let mut connection = database();
        run(&mut connection, &[FIRST, third]).unwrap();
        run(&mut connection, &[FIRST, SECOND, third]).unwrap();
        assert!(has_table(&connection, "b") && has_table(&connection, "c"));
    }

    #[test]
    fn refuses_a_database_newer_than_the_program() {
        let mut connection = database();
        run(&mut connection, &[FIRST, SECOND]).unwrap();
        let error = run(&mut connection, &[FIRST]).unwrap_err();
        assert!(matches!(error, MigrateError::Newer { found: 2, known: 1 }));
        assert_eq!(
            error.to_string(),
            "the database is newer than this program: it has migration 2, the program knows 1; \
             use the program that wrote it last"
        );
    }

    #[test]
    fn refuses_a_migration_that_has_changed_and_applies_nothing_after_it() {
        let mut connection = database();
        run(&mut connection, &[FIRST]).unwrap();
        for changed in [(1, "first", "CREATE TABLE a (y INTEGER) STRICT"), (1, "renamed", FIRST.2)] {
            let error = run(&mut connection, &[changed, SECOND]).unwrap_err();
            assert!(matches!(error, MigrateError::Changed { number: 1, .. }), "{error}");
            assert!(!has_table(&connection, "b"));
        }
    }

    #[test]
    fn a_migration_that_fails_leaves_nothing_behind() {
        let mut connection = database();
        let bad = (2, "second", "CREATE TABLE b (x INTEGER) STRICT; INSERT INTO b VALUES ('no number')");
        assert!(matches!(run(&mut connection, &[FIRST, bad]), Err(MigrateError::Sqlite(_))));
        assert!(has_table(&connection, "a") && !has_table(&connection, "b"));
        run(&mut connection, &[FIRST, SECOND]).unwrap();
    }
}
