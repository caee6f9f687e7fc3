//! What status pages have claimed: a row for each change, with the times between which the page said so.
//!
//! Rows are in the order in which they came, which a stepped clock cannot turn round.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Result, StoreError};
use crate::model::{Claim, ProbeId, Timestamp};

/// Changes that are kept of one page, the newest: more than two a day in all the time that sums are kept. A page that
/// says something else at each look must not fill the disk.
const MOST_ROWS: u32 = 5_000;

/// Of all rows each so-manieth is followed by a look whether there are too many.
const COUNTED_EVERY: i64 = 50;

const COLUMNS: &str = "json, first_at, last_at";

/// What a page claimed for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRow {
    /// What.
    pub claim: Claim,
    /// When it was first read.
    pub first_at: Timestamp,
    /// When it was last read. What the page said after that, until the next row, nobody has seen.
    pub last_at: Timestamp,
}

/// Takes what was read at a moment: another claim begins a row, the same prolongs the latest.
pub(super) fn take(conn: &Connection, probe: ProbeId, at: Timestamp, claim: &Claim) -> Result<()> {
    let latest: Option<(i64, String)> = conn
        .prepare_cached("SELECT id, json FROM claim WHERE probe_id = ?1 ORDER BY id DESC LIMIT 1")?
        .query_row([probe.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let json = serde_json::to_string(claim).map_err(|e| StoreError::Other(e.into()))?;
    if let Some((id, kept)) = latest
        && (kept == json
            || serde_json::from_str::<Claim>(&kept).is_ok_and(|kept| kept.says_the_same(claim)))
    {
        conn.prepare_cached(
            "UPDATE claim SET last_at = max(last_at, ?2), json = ?3 WHERE id = ?1",
        )?
        .execute(params![id, at.as_micros(), json])?;
        return Ok(());
    }
    conn.prepare_cached(
        "INSERT INTO claim(probe_id, first_at, last_at, overall, json) VALUES (?1, ?2, ?2, ?3, ?4)",
    )?
    .execute(params![probe.0, at.as_micros(), claim.overall as u16, json])?;
    // Counting them takes longer than writing one.
    if conn.last_insert_rowid() % COUNTED_EVERY != 0 {
        return Ok(());
    }
    conn.prepare_cached(
        "DELETE FROM claim WHERE probe_id = ?1 AND id <=
         (SELECT id FROM claim WHERE probe_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
    )?
    .execute(params![probe.0, MOST_ROWS])?;
    Ok(())
}

/// The latest claim that was first read at a moment or before.
pub(super) fn at(conn: &Connection, probe: ProbeId, moment: Timestamp) -> Result<Option<ClaimRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM claim WHERE probe_id = ?1 AND first_at <= ?2 ORDER BY id DESC LIMIT 1"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query(params![probe.0, moment.as_micros()])?;
    rows.next()?.map(read).transpose()
}

/// Claims that were first read after a moment, in order.
pub(super) fn after(
    conn: &Connection,
    probe: ProbeId,
    moment: Timestamp,
    limit: usize,
) -> Result<Vec<ClaimRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM claim WHERE probe_id = ?1 AND first_at > ?2 ORDER BY id LIMIT ?3"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![probe.0, moment.as_micros(), limit])?;
    let mut claims = Vec::new();
    while let Some(row) = rows.next()? {
        claims.push(read(row)?);
    }
    Ok(claims)
}

/// Since when the page's overall standing is what it is now, whatever else it has changed meanwhile.
pub(super) fn standing_since(conn: &Connection, probe: ProbeId) -> Result<Option<Timestamp>> {
    let since: Option<i64> = conn
        .prepare_cached(
            "WITH latest AS (SELECT overall FROM claim WHERE probe_id = ?1 ORDER BY id DESC LIMIT 1),
             other AS (SELECT coalesce(max(id), 0) AS id FROM claim
                WHERE probe_id = ?1 AND overall <> (SELECT overall FROM latest))
             SELECT first_at FROM claim WHERE probe_id = ?1 AND id > (SELECT id FROM other) ORDER BY id LIMIT 1",
        )?
        .query_row([probe.0], |row| row.get(0))
        .optional()?;
    Ok(since.map(Timestamp::from_micros))
}

fn read(row: &Row<'_>) -> Result<ClaimRow> {
    let json: String = row.get(0)?;
    Ok(ClaimRow {
        claim: serde_json::from_str(&json)
            .map_err(|e| StoreError::Other(format!("a claim cannot be read: {e}").into()))?,
        first_at: Timestamp::from_micros(row.get(1)?),
        last_at: Timestamp::from_micros(row.get(2)?),
    })
}
