//! Samples: written fast, read back exactly.

use std::collections::HashMap;

use rusqlite::{Connection, Row, params};
use xxhash_rust::xxh3::xxh3_64;

use super::notices::{Hush, Notices, Said};
use super::results::{Results, decode};
use super::schema::AT_ORIGIN;
use super::{Result, claims, limits, numbers, spending};
use crate::model::{Evidence, Findings, Phases, ProbeId, Sample, Timestamp};

/// Microseconds of an hour and of a day.
const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;
/// Runs of one probe that may claim the same microsecond; more than that is no accident.
const COLLISIONS: i64 = 1_000;

/// Columns of a sample with its evidence, in the order that [`read`] expects.
const COLUMNS: &str = "sample.probe_id, sample.at, result.code, result.status, result.failed_in,
    dns_us, connect_us, tls_us, first_byte_us, body_us, rest_us, bytes, first_token_us, longest_gap_us,
    text.body, evidence.request_id";
const TABLES: &str = "sample JOIN result ON result.id = sample.result_id
    LEFT JOIN evidence ON evidence.probe_id = sample.probe_id AND evidence.at = sample.at
    LEFT JOIN text ON text.id = evidence.text_id";

/// Where a moment stands in a sample's row.
pub(super) fn to_row(at: Timestamp) -> i64 {
    at.as_micros().saturating_sub(AT_ORIGIN)
}

/// Back from a sample's row.
pub(super) fn from_row(at: i64) -> Timestamp {
    Timestamp::from_micros(at.saturating_add(AT_ORIGIN))
}

/// Adds samples with all that they bring; returns the deadlines that are to be said.
pub(super) fn insert(
    conn: &Connection,
    results: &mut Results,
    noted: &mut HashMap<ProbeId, i64>,
    notices: &mut Notices,
    samples: &[Sample],
    hush: &Hush,
) -> Result<Vec<Said>> {
    let mut said = Vec::new();
    let mut add = conn.prepare_cached(
        "INSERT INTO sample(probe_id, at, result_id, dns_us, connect_us, tls_us, first_byte_us, body_us, rest_us,
            bytes, first_token_us, longest_gap_us)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT DO NOTHING",
    )?;
    for sample in samples {
        let result = results.number(conn, sample)?;
        let phases = &sample.phases;
        let mut at = to_row(sample.at);
        for _ in 0..COLLISIONS {
            let added = add.execute(params![
                sample.probe.0,
                at,
                result,
                phases.dns_us,
                phases.connect_us,
                phases.tls_us,
                phases.first_byte_us,
                phases.body_us,
                i64::from(sample.total_us) - parts(phases),
                sample.bytes,
                phases.first_token_us,
                phases.longest_gap_us,
            ])?;
            if added > 0 {
                break;
            }
            at += 1;
        }
        if let Some(evidence) = &sample.evidence {
            keep_evidence(conn, sample.probe, at, evidence)?;
        }
        if let Some(found) = &sample.found {
            keep_findings(conn, sample.probe, at, found)?;
        }
        notices.take(conn, sample, hush, &mut said)?;
        note_hour(conn, noted, sample)?;
        spending::add(conn, sample)?;
        limits::add(conn, sample)?;
    }
    Ok(said)
}

/// What the run learned besides, each in its own table.
fn keep_findings(conn: &Connection, probe: ProbeId, at: i64, found: &Findings) -> Result<()> {
    if let Some(value) = found.count {
        numbers::add(conn, probe, at, value)?;
    }
    if let Some(claim) = &found.claim {
        claims::take(conn, probe, from_row(at), claim)?;
    }
    Ok(())
}

/// The phases that add up to the total, or nearly.
fn parts(phases: &Phases) -> i64 {
    let all = [
        phases.dns_us,
        phases.connect_us,
        phases.tls_us,
        phases.first_byte_us,
        phases.body_us,
    ];
    all.iter().flatten().map(|us| i64::from(*us)).sum()
}

fn keep_evidence(conn: &Connection, probe: ProbeId, at: i64, evidence: &Evidence) -> Result<()> {
    let day = from_row(at).as_micros().div_euclid(DAY_US);
    // SQLite's integers are signed; the hash only has to be the same each time.
    let id = xxh3_64(evidence.text.as_bytes()).cast_signed();
    conn.prepare_cached(
        "INSERT INTO text(id, body, day) VALUES (?1, ?2, ?3)
         ON CONFLICT(id) DO UPDATE SET day = excluded.day WHERE excluded.day > day",
    )?
    .execute(params![id, evidence.text, day])?;
    conn.prepare_cached(
        "INSERT INTO evidence(probe_id, at, text_id, request_id) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
    )?
    .execute(params![probe.0, at, id, evidence.request_id])?;
    Ok(())
}

/// Remembers that the sample's hour is to be summed up, once for each probe and hour.
fn note_hour(conn: &Connection, noted: &mut HashMap<ProbeId, i64>, sample: &Sample) -> Result<()> {
    let hour = sample.at.as_micros().div_euclid(HOUR_US);
    if noted.insert(sample.probe, hour) != Some(hour) {
        conn.prepare_cached(
            "INSERT INTO rollup_due(hour, probe_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        )?
        .execute(params![hour, sample.probe.0])?;
    }
    Ok(())
}

pub(super) fn after(
    conn: &Connection,
    probe: ProbeId,
    after: Option<Timestamp>,
    limit: usize,
) -> Result<Vec<Sample>> {
    let from = after.map_or(i64::MIN, to_row);
    let mut statement = conn.prepare_cached(&after_sql())?;
    let mut rows = statement.query(params![
        probe.0,
        from,
        i64::try_from(limit).unwrap_or(i64::MAX)
    ])?;
    let mut samples = Vec::new();
    while let Some(row) = rows.next()? {
        samples.push(read(row)?);
    }
    Ok(samples)
}

fn after_sql() -> String {
    format!(
        "SELECT {COLUMNS} FROM {TABLES} WHERE sample.probe_id = ?1 AND sample.at > ?2 ORDER BY sample.at LIMIT ?3"
    )
}

/// The latest sample of a probe.
pub(super) fn last(conn: &Connection, probe: ProbeId) -> Result<Option<Sample>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM {TABLES} WHERE sample.probe_id = ?1 ORDER BY sample.at DESC LIMIT 1"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([probe.0])?;
    match rows.next()? {
        Some(row) => Ok(Some(read(row)?)),
        None => Ok(None),
    }
}

fn read(row: &Row<'_>) -> Result<Sample> {
    let (outcome, origin, status, failed_in) = decode(row.get(2)?, row.get(3)?, row.get(4)?)?;
    let phases = Phases {
        dns_us: row.get(5)?,
        connect_us: row.get(6)?,
        tls_us: row.get(7)?,
        first_byte_us: row.get(8)?,
        body_us: row.get(9)?,
        first_token_us: row.get(12)?,
        longest_gap_us: row.get(13)?,
    };
    let rest: i64 = row.get(10)?;
    let text: Option<String> = row.get(14)?;
    let request_id: Option<String> = row.get(15)?;
    Ok(Sample {
        probe: ProbeId(row.get(0)?),
        at: from_row(row.get(1)?),
        outcome,
        origin,
        status,
        failed_in,
        phases,
        total_us: u32::try_from(parts(&phases) + rest).unwrap_or(0),
        bytes: row.get(11)?,
        evidence: text.map(|text| Box::new(Evidence { text, request_id })),
        found: None,
    })
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;
    use crate::store::Store;

    #[test]
    fn asking_for_another_probe_does_not_compile_the_statement_anew() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        for probe in 1..10 {
            after(&store.conn, ProbeId(probe), None, 10).unwrap();
        }
        let statement = store.conn.prepare_cached(&after_sql()).unwrap();
        assert_eq!(statement.get_status(StatementStatus::Run), 9);
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }
}
