//! Brings the tables to the version that this program knows: each step whole or not at all.

use rusqlite::Connection;

use super::connection::{identity, is_ours};
use super::schema::{APPLICATION_ID, MIGRATIONS, VERSION};
use super::{OpenError, StoreError};

/// A version further ahead than this is not a newer watchfire but a damaged header.
const PLAUSIBLY_NEWER: u32 = 1000;

/// Refuses what this program must not touch. Reads only.
pub(super) fn check(conn: &Connection) -> Result<u32, OpenError> {
    let (version, application) = identity(conn)?;
    let damaged = |what| OpenError::Sqlite(StoreError::corrupt(what));
    let version = u32::try_from(version).map_err(|_| damaged("its version is below zero"))?;
    if version > VERSION + PLAUSIBLY_NEWER {
        return Err(damaged("its version makes no sense"));
    }
    if version > 0 && !is_ours(application) {
        return Err(damaged("its header is not that of a watchfire database"));
    }
    if version == 0 {
        let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get(0))?;
        if tables > 0 {
            return Err(damaged("it holds tables but no version"));
        }
    }
    if version > VERSION {
        return Err(OpenError::Newer {
            found: version,
            known: VERSION,
        });
    }
    Ok(version)
}

/// Runs the missing steps.
pub(super) fn migrate(conn: &mut Connection) -> Result<(), OpenError> {
    let from = check(conn)?;
    apply(conn, from, MIGRATIONS)
}

fn apply(conn: &mut Connection, from: u32, steps: &[&str]) -> Result<(), OpenError> {
    for (before, step) in steps.iter().enumerate().skip(from as usize) {
        let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        tx.execute_batch(step)?;
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.pragma_update(None, "user_version", before as u32 + 1)?;
        tx.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_fails_leaves_the_version_before_it() {
        let mut conn = Connection::open_in_memory().unwrap();
        let steps = [MIGRATIONS[0], "CREATE TABLE half(x); CREATE TABLE meta(y);"];
        assert!(apply(&mut conn, 0, &steps).is_err());
        assert_eq!(identity(&conn).unwrap(), (1, APPLICATION_ID));
        let half: i64 = conn
            .query_row(
                "SELECT count(*) FROM sqlite_schema WHERE name = 'half'",
                [],
                |r| r.get(0),
            )
            .unwrap();
        assert_eq!(half, 0);
    }

    #[test]
    fn every_earlier_version_is_led_to_the_present_one() {
        for from in 0..=MIGRATIONS.len() {
            let mut conn = Connection::open_in_memory().unwrap();
            apply(&mut conn, 0, &MIGRATIONS[..from]).unwrap();
            migrate(&mut conn).unwrap();
            assert_eq!(identity(&conn).unwrap().0, i64::from(VERSION));
        }
    }

    #[test]
    fn foreign_and_senseless_headers_are_told_from_newer_ones() {
        let mut conn = Connection::open_in_memory().unwrap();
        migrate(&mut conn).unwrap();
        conn.pragma_update(None, "user_version", VERSION + 1)
            .unwrap();
        assert!(
            matches!(check(&conn), Err(OpenError::Newer { found, .. }) if found == VERSION + 1)
        );
        for senseless in [-1, i32::MAX, 0] {
            conn.pragma_update(None, "user_version", senseless).unwrap();
            assert!(check(&conn).unwrap_err().is_corrupt());
        }
    }
}
