//! What is to be told of a service since a moment: why it failed, which probes failed how often, the latest failing reply.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::results::decode;
use super::samples::{from_row, to_row};
use super::{Result, services};
use crate::model::notification::{LastFailure, ProbeTally, Reason};
use crate::model::{Outcome, ServiceId, Timestamp};

/// Reasons that are told.
const REASONS: usize = 10;

/// The facts behind a mail.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Story {
    /// Failures by kind, fault and status, most frequent first; at most ten. Those of ours are among them.
    pub reasons: Vec<Reason>,
    /// Every configured probe of the service that ran.
    pub probes: Vec<ProbeTally>,
    /// The latest failure that counts.
    pub last_failure: Option<LastFailure>,
}

pub(super) fn tell(conn: &Connection, service: ServiceId, since: Timestamp) -> Result<Story> {
    let mut story = Story::default();
    let mut reasons: HashMap<(Outcome, Option<u16>), u32> = HashMap::new();
    let mut counts = conn.prepare_cached(
        "SELECT result.code, result.status, count(*) FROM sample JOIN result ON result.id = sample.result_id
         WHERE probe_id = ?1 AND at >= ?2 GROUP BY result.id",
    )?;
    for (probe, name) in services::probes_of(conn, service)? {
        let mut tally = ProbeTally {
            name: name.clone(),
            failed: 0,
            of: 0,
        };
        let mut rows = counts.query(params![probe.0, to_row(since)])?;
        while let Some(row) = rows.next()? {
            let (outcome, _, status, _) = decode(row.get(0)?, row.get(1)?, 0)?;
            let count: u32 = row.get(2)?;
            if let Some(failed) = outcome.counts() {
                tally.of += count;
                tally.failed += if failed { count } else { 0 };
            }
            if matches!(outcome, Outcome::Failure(..)) {
                *reasons.entry((outcome, status)).or_default() += count;
            }
        }
        if tally.failed > 0 {
            let last = last_failure(conn, probe.0, &name, since)?;
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

fn last_failure(
    conn: &Connection,
    probe: u32,
    name: &str,
    since: Timestamp,
) -> Result<Option<LastFailure>> {
    let mut statement = conn.prepare_cached(
        "SELECT sample.at, result.code, result.status, text.body, evidence.request_id
         FROM sample JOIN result ON result.id = sample.result_id
            LEFT JOIN evidence ON evidence.probe_id = sample.probe_id AND evidence.at = sample.at
            LEFT JOIN text ON text.id = evidence.text_id
         WHERE sample.probe_id = ?1 AND sample.at >= ?2 AND result.code % 1000 BETWEEN 101 AND 299
         ORDER BY sample.at DESC LIMIT 1",
    )?;
    let mut rows = statement.query(params![probe, to_row(since)])?;
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
