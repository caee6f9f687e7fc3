//! Removing what is older than it has to be kept, in pieces small enough that no commit waits for them.

use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior, params};

use super::Result;
use super::samples::to_row;
use crate::model::Timestamp;

const DAY: Duration = Duration::from_secs(86_400);
const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;
/// Free pages that are given back to the file system after each piece.
const PAGES: u32 = 256;

/// How long what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Samples with their phases and evidence.
    pub raw: Duration,
    /// Hourly sums.
    pub rollups: Duration,
    /// The bytes of letters that were sent or given up; the fact that they were stays.
    pub letters: Duration,
}

impl Default for Retention {
    /// 14 days, two years, 30 days.
    fn default() -> Self {
        Self {
            raw: DAY * 14,
            rollups: DAY * 730,
            letters: DAY * 30,
        }
    }
}

/// Where the next piece begins: deleting goes round the probes.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    probe: u32,
}

pub(super) fn prune(
    conn: &mut Connection,
    cursor: &mut Cursor,
    now: Timestamp,
    retention: &Retention,
    at_most: usize,
) -> Result<u64> {
    let limit = i64::try_from(at_most).unwrap_or(i64::MAX);
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut gone = samples(&tx, cursor, now - retention.raw, limit)?;
    let hours = (now - retention.rollups).as_micros().div_euclid(HOUR_US);
    gone += tx
        .prepare_cached(
            "DELETE FROM rollup WHERE (probe_id, hour) IN (SELECT probe_id, hour FROM rollup WHERE hour < ?1 LIMIT ?2)",
        )?
        .execute(params![hours, limit])?;
    gone += tx
        .prepare_cached(
            "UPDATE outbox SET bytes = NULL WHERE id IN
             (SELECT id FROM outbox WHERE state > 2 AND bytes IS NOT NULL AND finished_at < ?1 LIMIT ?2)",
        )?
        .execute(params![(now - retention.letters).as_micros(), limit])?;
    // A text is in use until the day of its latest run is older than any sample that could refer to it.
    let day = (now - retention.raw).as_micros().div_euclid(DAY_US);
    gone += tx
        .prepare_cached(
            "DELETE FROM text WHERE id IN (SELECT id FROM text WHERE day < ?1 LIMIT ?2)",
        )?
        .execute(params![day, limit])?;
    tx.commit()?;
    conn.execute_batch(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
    Ok(gone as u64)
}

/// Deletes of one probe after the other; a probe whose samples are all young costs one look.
fn samples(conn: &Connection, cursor: &mut Cursor, before: Timestamp, limit: i64) -> Result<usize> {
    let before = to_row(before);
    let mut gone = 0;
    let probes: Vec<u32> = conn
        .prepare_cached("SELECT id FROM probe WHERE id > ?1 ORDER BY id")?
        .query_map([cursor.probe], |r| r.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for probe in probes {
        let rest = limit - i64::try_from(gone).unwrap_or(i64::MAX);
        if rest <= 0 {
            return Ok(gone);
        }
        for table in ["evidence", "sample"] {
            let deleted = conn
                .prepare_cached(&format!(
                    "DELETE FROM {table} WHERE probe_id = ?1 AND at IN
                     (SELECT at FROM {table} WHERE probe_id = ?1 AND at < ?2 ORDER BY at LIMIT ?3)"
                ))?
                .execute(params![probe, before, rest])?;
            gone += deleted;
        }
        if i64::try_from(gone).unwrap_or(i64::MAX) < limit {
            cursor.probe = probe;
        }
    }
    cursor.probe = 0;
    Ok(gone)
}
