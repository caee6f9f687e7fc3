//! Removing what is older than it has to be kept, in pieces small enough that no commit waits for them.

use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior, params_from_iter};

use super::Result;
use super::samples::to_row;
use super::{limits, paces, spending, sums};
use crate::model::Timestamp;

const DAY: Duration = Duration::from_secs(86_400);
const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;
/// Free pages that are given back to the file system after each piece: 1 MiB, some milliseconds.
const PAGES: u32 = 256;
/// Probes that one piece looks at, those with nothing to delete included: each costs a look into three tables.
const PROBES: u32 = 100;

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

/// What one piece of pruning did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pruned {
    /// Rows that were deleted, and letters whose bytes were.
    pub rows: u64,
    /// Another piece may find more to do.
    pub more: bool,
}

/// Where the next piece begins: deleting goes round the probes.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    /// The last probe of which nothing old is left; 0 before the first.
    probe: u32,
}

pub(super) fn prune(
    conn: &mut Connection,
    cursor: &mut Cursor,
    now: Timestamp,
    retention: &Retention,
    at_most: usize,
) -> Result<Pruned> {
    let mut rows = Budget(i64::try_from(at_most).unwrap_or(i64::MAX));
    let limit = rows.0;
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let round_over = probes(&tx, cursor, now, retention, &mut rows)?;
    rows.run(
        &tx,
        "UPDATE outbox SET bytes = NULL WHERE id IN
         (SELECT id FROM outbox WHERE state > 2 AND bytes IS NOT NULL AND finished_at < ?1 LIMIT ?2)",
        &[(now - retention.letters).as_micros()],
    )?;
    // A text is in use until the day of its latest run is older than any sample that could refer to it.
    let day = (now - retention.raw).as_micros().div_euclid(DAY_US);
    rows.run(
        &tx,
        "DELETE FROM text WHERE id IN (SELECT id FROM text WHERE day < ?1 LIMIT ?2)",
        &[day],
    )?;
    tx.commit()?;
    let spare = give_back(conn, PAGES)?;
    Ok(Pruned {
        rows: u64::try_from(limit - rows.0).unwrap_or(0),
        more: !round_over || rows.0 <= 0 || spare,
    })
}

/// Rows that may still be deleted in this piece.
struct Budget(i64);

impl Budget {
    /// Runs a statement whose last parameter is how many rows it may take; not at all when none are left.
    fn run(&mut self, conn: &Connection, sql: &str, keys: &[i64]) -> Result<()> {
        if self.0 > 0 {
            let values = keys.iter().chain([&self.0]);
            let gone = conn
                .prepare_cached(sql)?
                .execute(params_from_iter(values))?;
            self.0 -= i64::try_from(gone).unwrap_or(i64::MAX);
        }
        Ok(())
    }
}

/// Deletes of one probe after the other. True when the round has come to the last of them.
fn probes(
    conn: &Connection,
    cursor: &mut Cursor,
    now: Timestamp,
    retention: &Retention,
    rows: &mut Budget,
) -> Result<bool> {
    let before = to_row(now - retention.raw);
    let hour = (now - retention.rollups).as_micros().div_euclid(HOUR_US);
    let probes: Vec<u32> = conn
        .prepare_cached("SELECT id FROM probe WHERE id > ?1 ORDER BY id LIMIT ?2")?
        .query_map([cursor.probe, PROBES], |r| r.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let last = probes.len() < PROBES as usize;
    for probe in probes {
        let id = i64::from(probe);
        for table in ["evidence", "number", "sample"] {
            let sql = format!(
                "DELETE FROM {table} WHERE probe_id = ?1 AND at IN
                 (SELECT at FROM {table} WHERE probe_id = ?1 AND at < ?2 ORDER BY at LIMIT ?3)"
            );
            rows.run(conn, &sql, &[id, before])?;
        }
        rows.run(
            conn,
            "DELETE FROM rollup WHERE probe_id = ?1 AND hour IN
             (SELECT hour FROM rollup WHERE probe_id = ?1 AND hour < ?2 ORDER BY hour LIMIT ?3)",
            &[id, hour],
        )?;
        for (span, sql) in sums::PRUNE {
            rows.run(conn, sql, &[id, span.of_hour(hour)])?;
        }
        let raw = now - retention.raw;
        rows.run(conn, limits::PRUNE, &[id, limits::slot(raw)])?;
        // How often a probe was to run is known as long as how often it did.
        let summed = (now - retention.rollups).as_micros();
        rows.run(conn, spending::PRUNE_RATIONS, &[id, summed])?;
        rows.run(conn, paces::PRUNE, &[id, summed])?;
        let day = spending::day(now - retention.rollups);
        rows.run(conn, spending::PRUNE_DAYS, &[id, day])?;
        // Few, and what a page said of an outage is worth as long as anything is known of it.
        let old = (now - retention.rollups.max(retention.raw)).as_micros();
        rows.run(
            conn,
            "DELETE FROM claim WHERE id IN
             (SELECT id FROM claim WHERE probe_id = ?1 AND last_at < ?2 ORDER BY id LIMIT ?3)",
            &[id, old],
        )?;
        rows.run(
            conn,
            "DELETE FROM notice WHERE probe_id = ?1 AND deadline IN
             (SELECT deadline FROM notice WHERE probe_id = ?1 AND deadline < ?2 ORDER BY deadline LIMIT ?3)",
            &[id, old],
        )?;
        if rows.0 <= 0 {
            // Something old may be left of this one.
            return Ok(false);
        }
        cursor.probe = probe;
    }
    if last {
        cursor.probe = 0;
    }
    Ok(last)
}

/// Gives up to `pages` free pages back to the file system. True when more are left that can be.
fn give_back(conn: &Connection, pages: u32) -> Result<bool> {
    let before = free_pages(conn)?;
    let mut statement = conn.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
    // Each step frees one page.
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    let left = free_pages(conn)?;
    // A file that was not made by this program may be of a kind that gives nothing back.
    Ok(left > 0 && left < before)
}

fn free_pages(conn: &Connection) -> Result<i64> {
    Ok(conn.query_row("PRAGMA freelist_count", [], |r| r.get(0))?)
}
