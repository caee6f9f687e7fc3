//! Single facts, by name.

use rusqlite::{Connection, OptionalExtension};

use super::Result;

/// Key of the database's own name.
const INSTANCE: &str = "instance";

pub(super) fn get(conn: &Connection, key: &str) -> Result<Option<String>> {
    Ok(conn
        .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
        .query_row([key], |r| r.get(0))
        .optional()?)
}

pub(super) fn set(conn: &Connection, key: &str, value: &str) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO meta(key, value) VALUES (?1, ?2) ON CONFLICT(key) DO UPDATE SET value = excluded.value",
    )?
    .execute([key, value])?;
    Ok(())
}

/// The database's own name, drawn when it is first asked for.
pub(super) fn instance(conn: &Connection) -> Result<String> {
    if let Some(name) = get(conn, INSTANCE)? {
        return Ok(name);
    }
    let name = format!("{:016x}.watchfire", fastrand::u64(..));
    set(conn, INSTANCE, &name)?;
    Ok(name)
}
