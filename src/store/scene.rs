//! What surrounds an alert: the latest runs of a service, its first failure, and what its pages say.

use rusqlite::{Connection, params};

use super::results::decode;
use super::samples::{from_row, to_row};
use super::{Result, claims, services, story};
use crate::model::notification::LastFailure;
use crate::model::scene::{PageWord, Recent, Run};
use crate::model::{Origin, ServiceId, Timestamp};

/// The scheduled runs of a service from one moment to another that count, at most about `most`, the latest.
pub(super) fn recent(
    conn: &Connection,
    service: ServiceId,
    (from, to): (Timestamp, Timestamp),
    most: usize,
) -> Result<Recent> {
    let probes = services::probes_of(conn, service)?;
    let each = (most / probes.len().max(1)).max(1);
    let mut recent = Recent {
        from,
        probes: Vec::new(),
        runs: Vec::new(),
    };
    let mut statement = conn.prepare_cached(
        "SELECT sample.at, result.code, rest_us + coalesce(dns_us, 0) + coalesce(connect_us, 0) + coalesce(tls_us, 0)
            + coalesce(first_byte_us, 0) + coalesce(body_us, 0)
         FROM sample JOIN result ON result.id = sample.result_id
         WHERE probe_id = ?1 AND at BETWEEN ?2 AND ?3 ORDER BY at DESC LIMIT ?4",
    )?;
    for (probe, name) in probes {
        let limit = i64::try_from(each).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![probe.0, to_row(from), to_row(to), limit])?;
        let (mut seen, mut oldest) = (0, to);
        let before = recent.runs.len();
        while let Some(row) = rows.next()? {
            let (outcome, origin, ..) = decode(row.get(1)?, 0, 0)?;
            seen += 1;
            oldest = from_row(row.get(0)?);
            let (Some(failed), Origin::Scheduled) = (outcome.counts(), origin) else {
                continue;
            };
            recent.runs.push(Run {
                at: oldest,
                probe: recent.probes.len(),
                failed,
                latency_us: u32::try_from(row.get::<_, i64>(2)?).unwrap_or(0),
            });
        }
        if seen == each {
            recent.from = recent.from.max(oldest);
        }
        if recent.runs.len() > before {
            recent.probes.push(name);
        }
    }
    recent.runs.retain(|run| run.at >= recent.from);
    Ok(recent)
}

/// The first failing reply of a service since a moment, of those that count.
pub(super) fn first_failure(
    conn: &Connection,
    service: ServiceId,
    since: Timestamp,
) -> Result<Option<LastFailure>> {
    let mut first: Option<LastFailure> = None;
    for (probe, name) in services::probes_of(conn, service)? {
        let found = story::failure(conn, probe.0, &name, since, None, story::Which::First)?;
        let earlier = |f: &LastFailure| first.as_ref().is_none_or(|known| f.at < known.at);
        if let Some(found) = found.filter(earlier) {
            first = Some(found);
        }
    }
    Ok(first)
}

/// The provider's ids of the latest failed requests of a service, the latest first.
pub(super) fn request_ids(
    conn: &Connection,
    service: ServiceId,
    since: Timestamp,
    most: usize,
) -> Result<Vec<String>> {
    // Faults of the provider and the network are coded from 101 to 299.
    let mut statement = conn.prepare_cached(
        "SELECT evidence.at, evidence.request_id FROM evidence
            JOIN sample ON sample.probe_id = evidence.probe_id AND sample.at = evidence.at
            JOIN result ON result.id = sample.result_id
         WHERE evidence.probe_id = ?1 AND evidence.at >= ?2 AND evidence.request_id IS NOT NULL
            AND result.code % 1000 BETWEEN 101 AND 299
         ORDER BY evidence.at DESC LIMIT ?3",
    )?;
    let mut ids: Vec<(i64, String)> = Vec::new();
    for (probe, _) in services::probes_of(conn, service)? {
        let limit = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![probe.0, to_row(since), limit], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        ids.extend(rows.collect::<rusqlite::Result<Vec<_>>>()?);
    }
    ids.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    ids.truncate(most);
    Ok(ids.into_iter().map(|(_, id)| id).collect())
}

/// What the pages say that the service's own probes read.
pub(super) fn pages(
    conn: &Connection,
    service: ServiceId,
    now: Timestamp,
) -> Result<Vec<PageWord>> {
    let mut words = Vec::new();
    for (probe, name) in services::probes_of(conn, service)? {
        let Some(row) = claims::at(conn, probe, now)? else {
            continue;
        };
        words.push(PageWord {
            probe: name,
            standing: row.claim.of_service(),
            since: claims::standing_since(conn, probe)?.unwrap_or(row.first_at),
            read_at: row.last_at,
            post: row.claim.posts.first().map(|post| post.name.clone()),
        });
    }
    Ok(words)
}
