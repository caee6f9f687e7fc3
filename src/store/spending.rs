//! What runs have cost, by probe and day, and how often a budget let the probes run.

use std::time::Duration;

use rusqlite::{Connection, Row, params};

use super::Result;
use crate::model::budget::Ration;
use crate::model::{Cost, MicroUsd, ProbeId, Sample, Timestamp};

const DAY_US: i64 = 86_400_000_000;

/// What a probe's runs of one day (UTC) have cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spending {
    /// Whose.
    pub probe: ProbeId,
    /// When the day began.
    pub day: Timestamp,
    /// Runs that may have cost something.
    pub runs: u64,
    /// Those whose cost is known.
    pub priced: u64,
    /// Tokens that were counted, of questions and of answers.
    pub tokens: (u64, u64),
    /// What the priced runs cost together.
    pub cost: MicroUsd,
}

impl Spending {
    /// Runs whose cost nobody knows.
    pub fn unpriced(&self) -> u64 {
        self.runs.saturating_sub(self.priced)
    }
}

/// Since when a probe has which ration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RationRow {
    /// Whose.
    pub probe: ProbeId,
    /// Since when.
    pub at: Timestamp,
    /// Which.
    pub ration: Ration,
}

pub(super) fn day(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(DAY_US)
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Adds what the run cost to its day; nothing for a run that surely cost nothing.
pub(super) fn add(conn: &Connection, sample: &Sample) -> Result<()> {
    let Some(found) = &sample.found else {
        return Ok(());
    };
    let Some(cost) = found.cost else {
        return Ok(());
    };
    let (priced, micro) = match cost {
        Cost::Known(cost) => (1, signed(cost.0)),
        Cost::Unknown => (0, 0),
    };
    let usage = found.usage.unwrap_or_default();
    // Whoever lies about tokens by the billion cannot make a sum overflow: SQLite would refuse the whole commit.
    const MOST: i64 = 1 << 40;
    conn.prepare_cached(
        "INSERT INTO spending(probe_id, day, runs, priced, input_tokens, output_tokens, micro_usd)
         VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6)
         ON CONFLICT(probe_id, day) DO UPDATE SET runs = runs + 1, priced = priced + excluded.priced,
            input_tokens = input_tokens + excluded.input_tokens,
            output_tokens = output_tokens + excluded.output_tokens,
            micro_usd = micro_usd + excluded.micro_usd",
    )?
    .execute(params![
        sample.probe.0,
        day(sample.at),
        priced,
        signed(usage.input_tokens).min(MOST),
        signed(usage.output_tokens).min(MOST),
        micro.min(MOST),
    ])?;
    Ok(())
}

/// All days from that of `since` on, by probe and day.
pub(super) fn since(conn: &Connection, since: Timestamp) -> Result<Vec<Spending>> {
    let mut statement = conn.prepare_cached(
        "SELECT probe_id, day, runs, priced, input_tokens, output_tokens, micro_usd FROM spending
         WHERE day >= ?1 ORDER BY probe_id, day",
    )?;
    let rows = statement.query_map([day(since)], read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Spending> {
    let number =
        |at| -> rusqlite::Result<u64> { Ok(u64::try_from(row.get::<_, i64>(at)?).unwrap_or(0)) };
    Ok(Spending {
        probe: ProbeId(row.get(0)?),
        day: Timestamp::from_micros(row.get::<_, i64>(1)?.saturating_mul(DAY_US)),
        runs: number(2)?,
        priced: number(3)?,
        tokens: (number(4)?, number(5)?),
        cost: MicroUsd(number(6)?),
    })
}

/// Keeps a change of ration.
pub(super) fn keep_ration(conn: &Connection, row: &RationRow) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO ration(probe_id, at, one_in) VALUES (?1, ?2, ?3)
         ON CONFLICT(probe_id, at) DO UPDATE SET one_in = excluded.one_in",
    )?
    .execute(params![row.probe.0, row.at.as_micros(), row.ration.code()])?;
    Ok(())
}

/// The latest ration of every probe that ever had another than its own.
pub(super) fn rations(conn: &Connection) -> Result<Vec<RationRow>> {
    let mut statement = conn.prepare_cached(
        "SELECT probe_id, max(at), one_in FROM ration GROUP BY probe_id ORDER BY probe_id",
    )?;
    let rows = statement.query_map([], ration)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Every change of ration that is kept, by probe and time.
pub(super) fn all_rations(conn: &Connection) -> Result<Vec<RationRow>> {
    let mut statement =
        conn.prepare_cached("SELECT probe_id, at, one_in FROM ration ORDER BY probe_id, at")?;
    let rows = statement.query_map([], ration)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn ration(row: &Row<'_>) -> rusqlite::Result<RationRow> {
    Ok(RationRow {
        probe: ProbeId(row.get(0)?),
        at: Timestamp::from_micros(row.get(1)?),
        ration: Ration::from_code(row.get(2)?),
    })
}

/// Changes of ration that are older than they have to be kept; the latest always stays.
pub(super) const PRUNE_RATIONS: &str = "DELETE FROM ration WHERE probe_id = ?1 AND at IN
    (SELECT at FROM ration WHERE probe_id = ?1 AND at < ?2
        AND at < (SELECT max(at) FROM ration WHERE probe_id = ?1) ORDER BY at LIMIT ?3)";
/// Days that are older than they have to be kept.
pub(super) const PRUNE_DAYS: &str = "DELETE FROM spending WHERE probe_id = ?1 AND day IN
    (SELECT day FROM spending WHERE probe_id = ?1 AND day < ?2 ORDER BY day LIMIT ?3)";

/// How far back costs are looked at to tell what a run costs.
pub(super) const LEARNED_FROM: Duration = Duration::from_secs(7 * 86_400);
