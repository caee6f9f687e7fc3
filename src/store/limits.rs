//! What replies say of a provider's rate limits: the least that was left in each five minutes.
//!
//! A limit that is refilled each minute is full most of the time; what tells something is its low-water mark. One row
//! for five minutes keeps that, whatever the number of runs.

use rusqlite::{Connection, params};

use super::Result;
use crate::model::headroom::Mark;
use crate::model::{Headroom, ProbeId, Sample, Timestamp};

/// Microseconds for which one row is kept.
const SLOT_US: i64 = 300_000_000;

/// A limit and its low-water marks, in the order of time.
#[derive(Debug, Clone, PartialEq)]
pub struct LimitRow {
    /// Whose replies said so.
    pub probe: ProbeId,
    /// What is limited.
    pub resource: String,
    /// The marks.
    pub marks: Vec<Mark>,
}

pub(super) fn slot(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(SLOT_US)
}

/// Lowers the marks of the run's five minutes to what its reply said.
pub(super) fn add(conn: &Connection, sample: &Sample) -> Result<()> {
    let limits = sample.found.as_ref().map_or(&[][..], |f| &f.headroom);
    for Headroom {
        resource,
        limit,
        remaining,
        resets_in,
    } in limits
    {
        let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        conn.prepare_cached(
            "INSERT INTO headroom(probe_id, slot, resource, at, capacity, remaining, resets_in_us)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT(probe_id, slot, resource) DO UPDATE SET at = excluded.at, capacity = excluded.capacity,
                remaining = excluded.remaining, resets_in_us = excluded.resets_in_us
             WHERE excluded.remaining * 1.0 / max(excluded.capacity, 1) <= remaining * 1.0 / max(capacity, 1)",
        )?
        .execute(params![
            sample.probe.0,
            slot(sample.at),
            resource,
            sample.known_at().as_micros(),
            signed(limit.unwrap_or(0)),
            signed(*remaining),
            resets_in.map(|r| i64::try_from(r.as_micros()).unwrap_or(i64::MAX)),
        ])?;
    }
    Ok(())
}

/// The limits of a probe, with their marks from `since` on. A limit whose size is never said counts as large as the
/// most that was seen left of it.
pub(super) fn of(conn: &Connection, probe: ProbeId, since: Timestamp) -> Result<Vec<LimitRow>> {
    let mut statement = conn.prepare_cached(
        "SELECT resource, at, capacity, remaining, resets_in_us FROM headroom
         WHERE probe_id = ?1 AND slot >= ?2 ORDER BY resource, slot",
    )?;
    let mut rows = statement.query(params![probe.0, slot(since)])?;
    let mut limits: Vec<LimitRow> = Vec::new();
    while let Some(row) = rows.next()? {
        let resource: String = row.get(0)?;
        let number = |n: i64| u64::try_from(n).unwrap_or(0);
        let resets: Option<i64> = row.get(4)?;
        let mark = Mark {
            at: Timestamp::from_micros(row.get(1)?),
            limit: number(row.get(2)?),
            remaining: number(row.get(3)?),
            resets_in: resets.map(|us| std::time::Duration::from_micros(number(us))),
        };
        match limits.last_mut() {
            Some(limit) if limit.resource == resource => limit.marks.push(mark),
            _ => limits.push(LimitRow {
                probe,
                resource,
                marks: vec![mark],
            }),
        }
    }
    for limit in &mut limits {
        let most = limit.marks.iter().map(|m| m.remaining).max().unwrap_or(0);
        let unsaid = limit.marks.iter_mut().filter(|m| m.limit == 0);
        unsaid.for_each(|mark| mark.limit = most);
    }
    Ok(limits)
}

/// Marks that are older than they have to be kept.
pub(super) const PRUNE: &str = "DELETE FROM headroom WHERE probe_id = ?1 AND (slot, resource) IN
    (SELECT slot, resource FROM headroom WHERE probe_id = ?1 AND slot < ?2 ORDER BY slot LIMIT ?3)";
