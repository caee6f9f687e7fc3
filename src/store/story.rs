//! What is to be told of a service since a moment: why it failed, which probes failed how often, the latest failing reply.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::results::decode;
use super::samples::{from_row, to_row};
use super::{Result, services};
use crate::model::fold::Part;
use crate::model::notification::{LastFailure, ProbeTally, Reason};
use crate::model::{FailureKind, Fault, Outcome, ServiceId, Timestamp};

/// Reasons that are told.
const REASONS: usize = 10;

/// The facts behind a mail.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Story {
    /// Failures by kind, fault and status, most frequent first; at most ten. Those of ours are among them.
    pub reasons: Vec<Reason>,
    /// Every configured probe of the service that ran.
    pub probes: Vec<ProbeTally>,
    /// The latest failure that counts; of a notice, the latest of its cause.
    pub last_failure: Option<LastFailure>,
}

/// Of a notice `cause` is what it is about: then only that is told.
pub(super) fn tell(
    conn: &Connection,
    service: ServiceId,
    since: Timestamp,
    cause: Option<FailureKind>,
) -> Result<Story> {
    let mut story = Story::default();
    let mut reasons: HashMap<(Outcome, Option<u16>), u32> = HashMap::new();
    let mut counts = conn.prepare_cached(
        "SELECT result.code, result.status, count(*) FROM sample JOIN result ON result.id = sample.result_id
         WHERE probe_id = ?1 AND at >= ?2 GROUP BY result.id",
    )?;
    for (probe, name) in services::probes_of(conn, service)? {
        let mut tally = ProbeTally {
            id: Some(probe),
            name: name.clone(),
            failed: 0,
            of: 0,
        };
        let mut rows = counts.query(params![probe.0, to_row(since)])?;
        while let Some(row) = rows.next()? {
            let (outcome, _, status, _) = decode(row.get(0)?, row.get(1)?, 0)?;
            let count: u32 = row.get(2)?;
            if let Some(failed) = failed(outcome, cause) {
                tally.of += count;
                tally.failed += if failed { count } else { 0 };
            }
            let told = cause.is_none() || failed(outcome, cause) == Some(true);
            if told && matches!(outcome, Outcome::Failure(..)) {
                *reasons.entry((outcome, status)).or_default() += count;
            }
        }
        if tally.failed > 0 {
            let last = failure(conn, probe.0, &name, since, cause, Which::Last)?;
            let newer =
                |a: &Option<LastFailure>, b: &LastFailure| a.as_ref().is_none_or(|a| a.at < b.at);
            if let Some(last) = last.filter(|l| newer(&story.last_failure, l)) {
                story.last_failure = Some(last);
            }
        }
        if tally.of > 0 {
            story.probes.push(tally);
        }
    }
    story.reasons = reasons
        .into_iter()
        .filter_map(|((outcome, status), count)| {
            Some(Reason {
                kind: outcome.kind()?,
                fault: outcome.fault()?,
                status,
                count,
            })
        })
        .collect();
    story
        .reasons
        .sort_by_key(|r| (std::cmp::Reverse(r.count), r.kind, r.status));
    story.reasons.truncate(REASONS);
    Ok(story)
}

/// The runs of each configured probe of a service from a moment until before another, as far as they are kept.
pub(super) fn parts(
    conn: &Connection,
    service: ServiceId,
    (from, until): (Timestamp, Timestamp),
) -> Result<Vec<(String, Part)>> {
    let mut counts = conn.prepare_cached(
        "SELECT result.code, result.status, count(*) FROM sample JOIN result ON result.id = sample.result_id
         WHERE probe_id = ?1 AND at >= ?2 AND at < ?3 GROUP BY result.id",
    )?;
    let mut parts = Vec::new();
    for (probe, name) in services::probes_of(conn, service)? {
        let mut part = Part::default();
        let mut rows = counts.query(params![probe.0, to_row(from), to_row(until)])?;
        while let Some(row) = rows.next()? {
            let (outcome, ..) = decode(row.get(0)?, row.get(1)?, 0)?;
            let count: u32 = row.get(2)?;
            if let Some(failed) = outcome.counts() {
                part.of += count;
                part.failed += if failed { count } else { 0 };
            }
        }
        parts.push((name, part));
    }
    Ok(parts)
}

/// Whether a result is what is told of; `None` for what says nothing about it.
fn failed(outcome: Outcome, cause: Option<FailureKind>) -> Option<bool> {
    match (cause, outcome) {
        (None, outcome) => outcome.counts(),
        (Some(_), Outcome::Success | Outcome::Degraded(_)) => Some(false),
        (Some(cause), Outcome::Failure(kind, Fault::Ours | Fault::Blocked)) => {
            (kind == cause).then_some(true)
        }
        (Some(_), _) => None,
    }
}

/// Which of a probe's failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    First,
    Last,
}

/// The first or the latest failure of a probe since a moment that counts; of a notice, of its cause.
pub(super) fn failure(
    conn: &Connection,
    probe: u32,
    name: &str,
    since: Timestamp,
    cause: Option<FailureKind>,
    which: Which,
) -> Result<Option<LastFailure>> {
    // Faults of the provider and the network are coded from 101 to 299, ours and bot checks from there to 499.
    let (from, to, kind) = match cause {
        None => (101, 299, None),
        Some(cause) => (301, 499, Some(cause as u16)),
    };
    let order = match which {
        Which::First => "ASC",
        Which::Last => "DESC",
    };
    let mut statement = conn.prepare_cached(&format!(
        "SELECT sample.at, result.code, result.status, text.body, evidence.request_id
         FROM sample JOIN result ON result.id = sample.result_id
            LEFT JOIN evidence ON evidence.probe_id = sample.probe_id AND evidence.at = sample.at
            LEFT JOIN text ON text.id = evidence.text_id
         WHERE sample.probe_id = ?1 AND sample.at >= ?2 AND result.code % 1000 BETWEEN ?3 AND ?4
            AND (?5 IS NULL OR result.code % 100 = ?5)
         ORDER BY sample.at {order} LIMIT 1",
    ))?;
    let mut rows = statement.query(params![probe, to_row(since), from, to, kind])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let (outcome, _, status, _) = decode(row.get(1)?, row.get(2)?, 0)?;
    let Some(kind) = outcome.kind() else {
        return Ok(None);
    };
    Ok(Some(LastFailure {
        probe: name.to_owned(),
        at: from_row(row.get(0)?),
        kind,
        status,
        text: row.get::<_, Option<String>>(3)?.unwrap_or_default(),
        request_id: row.get(4)?,
    }))
}
