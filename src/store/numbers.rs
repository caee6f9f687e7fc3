//! The numbers that probes have read.

use rusqlite::{Connection, params};

use super::Result;
use super::samples::{from_row, to_row};
use crate::model::{ProbeId, Timestamp};

pub(super) fn add(conn: &Connection, probe: ProbeId, at: i64, value: f64) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO number(probe_id, at, value) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    )?
    .execute(params![probe.0, at, value])?;
    Ok(())
}

/// A probe's numbers since a moment, in order.
pub(super) fn since(
    conn: &Connection,
    probe: ProbeId,
    since: Timestamp,
) -> Result<Vec<(Timestamp, f64)>> {
    let mut statement = conn.prepare_cached(
        "SELECT at, value FROM number WHERE probe_id = ?1 AND at >= ?2 ORDER BY at",
    )?;
    let rows = statement.query_map(params![probe.0, to_row(since)], |row| {
        Ok((from_row(row.get(0)?), row.get(1)?))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
