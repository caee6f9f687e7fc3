//! Incidents and the steps of their lives.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Result, StoreError};
use crate::model::incident::IncidentState;
use crate::model::{
    EventKind, FailureKind, IncidentEvent, IncidentId, IncidentKind, ProbeId, Quantity, ServiceId,
    Severity, Slow, Timestamp, Verdict,
};

/// Which incidents are listed, newest first.
#[derive(Debug, Clone, Copy)]
pub struct IncidentFilter {
    /// Only those that are open or watched.
    pub unfinished: bool,
    /// At most so many.
    pub limit: usize,
}

impl Default for IncidentFilter {
    /// The newest 100.
    fn default() -> Self {
        Self {
            unfinished: false,
            limit: 100,
        }
    }
}

/// An incident as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentRow {
    /// Its number.
    pub id: IncidentId,
    /// Name of its service.
    pub service: String,
    /// What it is about.
    pub kind: IncidentKind,
    /// Where it stands.
    pub state: IncidentState,
    /// How bad it was at worst.
    pub severity: Severity,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Estimated first onset.
    pub since: Timestamp,
    /// When it was last closed; `None` while it is open.
    pub closed_at: Option<Timestamp>,
    /// How often it came back.
    pub reopened: u32,
    /// Of a notice: what goes wrong on our side.
    pub cause: Option<FailureKind>,
    /// The incident in whose thread it is told of; its own number when it is told of alone, `None` when not at all.
    pub story: Option<IncidentId>,
}

pub(super) const COLUMNS: &str = "incident.id, service.name, kind, state, severity, opened_at, since, closed_at, reopened, cause, story";

pub(super) fn next(conn: &Connection) -> Result<IncidentId> {
    let last: Option<i64> = conn.query_row("SELECT max(id) FROM incident", [], |r| r.get(0))?;
    Ok(IncidentId(
        u64::try_from(last.unwrap_or(0)).unwrap_or(0) + 1,
    ))
}

pub(super) fn add_event(
    conn: &Connection,
    service: ServiceId,
    event: &IncidentEvent,
) -> Result<()> {
    let id = i64::try_from(event.incident.0).unwrap_or(i64::MAX);
    let (v, slow) = (&event.verdict, event.slow);
    let cause = event.cause.map_or(0, |cause| cause as u16);
    let added = conn
        .prepare_cached(
            "INSERT INTO event(incident_id, sequence, event, kind, severity, at, since, failed, of, usual, window_s, score, bound, cause,
                quantity, slow_probe_id, usual_us, now_us, slow_runs, retired)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            id, event.sequence, event.event.code(), event.kind.code(), event.severity.code(),
            event.at.as_micros(), event.since.as_micros(), v.failed, v.of, v.usual, v.window_s, v.score, v.bound, cause,
            slow.map_or(0, |s| s.quantity.code()), slow.map_or(0, |s| s.probe.0),
            slow.map_or(0, |s| s.usual_us), slow.map_or(0, |s| s.now_us), slow.map_or(0, |s| s.runs),
            event.retired,
        ])?;
    if added == 0 {
        return Ok(());
    }
    conn.prepare_cached(
        "INSERT INTO incident(id, service_id, kind, state, severity, opened_at, since, closed_at, reopened, cause)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL, 0, ?8)
         ON CONFLICT(id) DO UPDATE SET severity = max(severity, excluded.severity)",
    )?
    .execute(params![
        id, service.0, event.kind.code(), IncidentState::Open.code(), event.severity.code(),
        event.at.as_micros(), event.since.as_micros(), cause,
    ])?;
    let change = match event.event {
        EventKind::Close => "UPDATE incident SET state = 2, closed_at = ?2 WHERE id = ?1",
        EventKind::Reopen => {
            "UPDATE incident SET state = 1, closed_at = NULL, reopened = reopened + 1 WHERE id = ?1 AND ?2 > 0"
        }
        EventKind::Open | EventKind::Escalate | EventKind::Deescalate => return Ok(()),
    };
    let at = match event.event {
        EventKind::Close => event.at.as_micros(),
        _ => 1,
    };
    conn.prepare_cached(change)?.execute(params![id, at])?;
    Ok(())
}

pub(super) fn finalize(conn: &Connection, incident: IncidentId) -> Result<()> {
    conn.prepare_cached("UPDATE incident SET state = 3 WHERE id = ?1")?
        .execute([i64::try_from(incident.0).unwrap_or(i64::MAX)])?;
    Ok(())
}

pub(super) fn told_with(conn: &Connection, incident: IncidentId, lead: IncidentId) -> Result<()> {
    let id = |incident: IncidentId| i64::try_from(incident.0).unwrap_or(i64::MAX);
    conn.prepare_cached("UPDATE incident SET story = ?2 WHERE id = ?1 AND story = 0")?
        .execute([id(incident), id(lead)])?;
    Ok(())
}

pub(super) fn list(conn: &Connection, filter: IncidentFilter) -> Result<Vec<IncidentRow>> {
    let below = if filter.unfinished { 3 } else { 4 };
    let sql = format!(
        "SELECT {COLUMNS} FROM incident JOIN service ON service.id = incident.service_id
         WHERE state < ?1 ORDER BY incident.id DESC LIMIT ?2"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query(params![
        below,
        i64::try_from(filter.limit).unwrap_or(i64::MAX)
    ])?;
    let mut incidents = Vec::new();
    while let Some(row) = rows.next()? {
        incidents.push(read(row)?);
    }
    Ok(incidents)
}

pub(super) fn one(conn: &Connection, incident: IncidentId) -> Result<Option<IncidentRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM incident JOIN service ON service.id = incident.service_id WHERE incident.id = ?1"
    );
    let id = i64::try_from(incident.0).unwrap_or(i64::MAX);
    conn.prepare_cached(&sql)?
        .query_row([id], |row| Ok(read(row)))
        .optional()?
        .transpose()
}

pub(super) fn events(conn: &Connection, incident: IncidentId) -> Result<Vec<IncidentEvent>> {
    let mut statement = conn.prepare_cached(
        "SELECT sequence, event, kind, severity, at, since, failed, of, usual, window_s, score, bound, cause,
            quantity, slow_probe_id, usual_us, now_us, slow_runs, retired
         FROM event WHERE incident_id = ?1 ORDER BY sequence",
    )?;
    let mut rows = statement.query([i64::try_from(incident.0).unwrap_or(i64::MAX)])?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        events.push(IncidentEvent {
            incident,
            sequence: row.get(0)?,
            event: known(EventKind::from_code(row.get(1)?))?,
            kind: known(IncidentKind::from_code(row.get(2)?))?,
            cause: FailureKind::from_code(row.get(12)?),
            slow: slow(row)?,
            retired: row.get(18)?,
            severity: known(Severity::from_code(row.get(3)?))?,
            at: Timestamp::from_micros(row.get(4)?),
            since: Timestamp::from_micros(row.get(5)?),
            verdict: Verdict {
                failed: row.get(6)?,
                of: row.get(7)?,
                usual: row.get(8)?,
                window_s: row.get(9)?,
                score: row.get(10)?,
                bound: row.get(11)?,
            },
        });
    }
    Ok(events)
}

fn slow(row: &Row<'_>) -> Result<Option<Slow>> {
    let Some(quantity) = Quantity::from_code(row.get(13)?) else {
        return Ok(None);
    };
    Ok(Some(Slow {
        probe: ProbeId(row.get(14)?),
        quantity,
        usual_us: row.get(15)?,
        now_us: row.get(16)?,
        runs: row.get(17)?,
    }))
}

pub(super) fn read(row: &Row<'_>) -> Result<IncidentRow> {
    Ok(IncidentRow {
        id: IncidentId(u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0)),
        service: row.get(1)?,
        kind: known(IncidentKind::from_code(row.get(2)?))?,
        state: known(IncidentState::from_code(row.get(3)?))?,
        severity: known(Severity::from_code(row.get(4)?))?,
        opened_at: Timestamp::from_micros(row.get(5)?),
        since: Timestamp::from_micros(row.get(6)?),
        closed_at: row.get::<_, Option<i64>>(7)?.map(Timestamp::from_micros),
        reopened: row.get(8)?,
        cause: FailureKind::from_code(row.get(9)?),
        story: match row.get::<_, i64>(10)? {
            0 => None,
            id => u64::try_from(id).ok().map(IncidentId),
        },
    })
}

fn known<T>(code: Option<T>) -> Result<T> {
    code.ok_or_else(|| StoreError::Other("an incident was written by a newer version".into()))
}
