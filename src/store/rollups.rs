//! Hours of a probe, summed up: what pages and reports read instead of the samples.
//!
//! An hour is summed once it is over, from its samples; it is noted in `rollup_due` when its first sample is written, and
//! again by a sample that comes late. Summing an hour twice gives the same row.

use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior, params};

use super::samples::to_row;
use super::{Result, results::decode, sums};
use crate::model::histogram::Histogram;
use crate::model::tallies::Tallies;
use crate::model::{Origin, Outcome, ProbeId, Timestamp};

/// One hour of one probe.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rollup {
    /// All runs.
    pub n: u32,
    /// Those that count as failures of the service.
    pub failed: u32,
    /// Those that failed for a reason of ours, or were blocked.
    pub ours: u32,
    /// Those that say nothing.
    pub inconclusive: u32,
    /// Those that were right but slow.
    pub degraded: u32,
    /// Sum of the answers' durations, in microseconds.
    pub sum_us: u64,
    /// Shortest and longest answer, in microseconds.
    pub range_us: Option<(u32, u32)>,
    /// Durations of the answers (success and degraded).
    pub durations: Histogram,
    /// Of these, times to the first token, where there was one.
    pub first_tokens: Histogram,
    /// All runs, by what they came to.
    pub results: Tallies,
}

impl Rollup {
    /// An hour is summed up this long after its end: by then its runs are over and committed.
    pub const GRACE: Duration = Duration::from_secs(300);

    fn add(&mut self, outcome: Outcome, origin: Origin, total_us: u32, first_token: Option<u32>) {
        self.n += 1;
        self.results.add(outcome, origin);
        match outcome {
            Outcome::Success | Outcome::Degraded(_) => {
                self.degraded += u32::from(outcome != Outcome::Success);
                self.sum_us += u64::from(total_us);
                let (least, most) = self.range_us.unwrap_or((total_us, total_us));
                self.range_us = Some((least.min(total_us), most.max(total_us)));
                self.durations.add(total_us);
                first_token
                    .into_iter()
                    .for_each(|us| self.first_tokens.add(us));
            }
            Outcome::Failure(..) if outcome.counts() == Some(true) => self.failed += 1,
            Outcome::Failure(..) => self.ours += 1,
            Outcome::Inconclusive(_) | Outcome::Noted => self.inconclusive += 1,
        }
    }
}

const HOUR: Duration = Duration::from_secs(3600);
const HOUR_US: i64 = 3_600_000_000;

pub(super) fn roll_up(conn: &mut Connection, now: Timestamp, at_most: usize) -> Result<usize> {
    let before = (now - HOUR - Rollup::GRACE).as_micros().div_euclid(HOUR_US);
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let due: Vec<(i64, u32)> = tx
        .prepare_cached("SELECT hour, probe_id FROM rollup_due WHERE hour <= ?1 ORDER BY hour, probe_id LIMIT ?2")?
        .query_map(params![before, i64::try_from(at_most).unwrap_or(i64::MAX)], |r| Ok((r.get(0)?, r.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (hour, probe) in &due {
        let start = Timestamp::from_micros(hour * HOUR_US);
        let rollup = of_samples(&tx, ProbeId(*probe), start, HOUR)?;
        let before = hour_of(&tx, ProbeId(*probe), start)?;
        // What was summed up before results were kept is in no day.
        let before = before.filter(|b| b.results != Tallies::default());
        sums::replace(&tx, ProbeId(*probe), *hour, before.as_ref(), &rollup)?;
        tx.prepare_cached(
            "INSERT OR REPLACE INTO rollup(probe_id, hour, n, failed, ours, inconclusive, degraded, sum_us, min_us, max_us, hist,
                tokens, results) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute(params![
            probe, hour, rollup.n, rollup.failed, rollup.ours, rollup.inconclusive, rollup.degraded,
            i64::try_from(rollup.sum_us).unwrap_or(i64::MAX), rollup.range_us.map(|r| r.0), rollup.range_us.map(|r| r.1),
            rollup.durations.encode(), rollup.first_tokens.encode(), rollup.results.encode(),
        ])?;
        tx.prepare_cached("DELETE FROM rollup_due WHERE hour = ?1 AND probe_id = ?2")?
            .execute(params![hour, probe])?;
    }
    tx.commit()?;
    Ok(due.len())
}

/// The sums of a probe's samples from a moment on.
pub(super) fn of_samples(
    conn: &Connection,
    probe: ProbeId,
    from: Timestamp,
    span: Duration,
) -> Result<Rollup> {
    let mut statement = conn.prepare_cached(
        "SELECT result.code, rest_us + coalesce(dns_us, 0) + coalesce(connect_us, 0) + coalesce(tls_us, 0)
            + coalesce(first_byte_us, 0) + coalesce(body_us, 0), first_token_us
         FROM sample JOIN result ON result.id = sample.result_id WHERE probe_id = ?1 AND at >= ?2 AND at < ?3",
    )?;
    let mut rows = statement.query(params![probe.0, to_row(from), to_row(from + span)])?;
    let mut rollup = Rollup::default();
    while let Some(row) = rows.next()? {
        let (outcome, origin, ..) = decode(row.get(0)?, 0, 0)?;
        let total_us = u32::try_from(row.get::<_, i64>(1)?).unwrap_or(0);
        rollup.add(outcome, origin, total_us, row.get(2)?);
    }
    Ok(rollup)
}

/// The summed hour of a probe; `None` when it was not summed up.
pub(super) fn hour_of(conn: &Connection, probe: ProbeId, at: Timestamp) -> Result<Option<Rollup>> {
    let mut statement = conn.prepare_cached(
        "SELECT n, failed, ours, inconclusive, degraded, sum_us, min_us, max_us, hist, tokens, results
         FROM rollup WHERE probe_id = ?1 AND hour = ?2",
    )?;
    let mut rows = statement.query(params![probe.0, at.as_micros().div_euclid(HOUR_US)])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let (least, most): (Option<u32>, Option<u32>) = (row.get(6)?, row.get(7)?);
    let blob: Vec<u8> = row.get(8)?;
    let tokens: Option<Vec<u8>> = row.get(9)?;
    let kept: Option<Vec<u8>> = row.get(10)?;
    let mut results = Tallies::default();
    if kept.is_some_and(|bytes| results.merge_bytes(&bytes).is_none()) {
        results = Tallies::default();
    }
    Ok(Some(Rollup {
        n: row.get(0)?,
        failed: row.get(1)?,
        ours: row.get(2)?,
        inconclusive: row.get(3)?,
        degraded: row.get(4)?,
        sum_us: u64::try_from(row.get::<_, i64>(5)?).unwrap_or(0),
        range_us: least.zip(most),
        durations: Histogram::decode(&blob).unwrap_or_default(),
        first_tokens: tokens
            .and_then(|bytes| Histogram::decode(&bytes))
            .unwrap_or_default(),
        results,
    }))
}
