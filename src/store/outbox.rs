//! Letters that wait to be delivered, and what became of those that were.

use rusqlite::{Connection, OptionalExtension, params};

use super::{About, Result};
use crate::model::notification::{DeliveryReport, DeliveryResult, Letter, Pending};
use crate::model::{EventKind, IncidentId, Timestamp};

/// Where a letter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum DeliveryState {
    /// It waits.
    Pending = 1,
    /// It may have been accepted; it waits to be sent again.
    Ambiguous = 2,
    /// It was accepted.
    Sent = 3,
    /// It was refused for good, or given up.
    Dead = 4,
}

impl DeliveryState {
    /// The word users see.
    pub const fn name(self) -> &'static str {
        match self {
            DeliveryState::Pending => "pending",
            DeliveryState::Ambiguous => "ambiguous",
            DeliveryState::Sent => "sent",
            DeliveryState::Dead => "dead",
        }
    }

    const fn from_code(code: u8) -> Self {
        match code {
            1 => DeliveryState::Pending,
            2 => DeliveryState::Ambiguous,
            3 => DeliveryState::Sent,
            _ => DeliveryState::Dead,
        }
    }
}

/// A letter and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRow {
    /// To whom.
    pub recipient: String,
    /// What it tells.
    pub event: Option<EventKind>,
    /// Number of that event in its incident.
    pub sequence: Option<u32>,
    /// With angle brackets.
    pub message_id: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// Attempts so far.
    pub attempts: u32,
    /// The server's latest words.
    pub last_reply: Option<String>,
    /// When it was sent or given up.
    pub finished_at: Option<Timestamp>,
}

/// The outbox in short.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OutboxSummary {
    /// Letters that wait.
    pub pending: usize,
    /// When the oldest of them was written.
    pub oldest_pending: Option<Timestamp>,
    /// The latest letters that will not be tried again; at most ten.
    pub dead: Vec<DeliveryRow>,
}

/// Dead letters that a summary shows.
const DEAD_SHOWN: usize = 10;
/// Columns of a [`DeliveryRow`].
const COLUMNS: &str =
    "recipient, event, sequence, message_id, state, attempts, last_reply, finished_at";
/// Of each incident and recipient only the first unfinished letter: a recovery never overtakes its alarm.
const FIRST: &str = "state <= 2 AND NOT EXISTS (SELECT 1 FROM outbox earlier
    WHERE earlier.state <= 2 AND earlier.incident_id = outbox.incident_id
    AND earlier.recipient = outbox.recipient AND earlier.id < outbox.id)";

pub(super) fn add(
    conn: &Connection,
    about: Option<About>,
    letter: &Letter,
    at: Timestamp,
) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO outbox(incident_id, sequence, event, recipient, message_id, bytes, state, attempts, created_at, next_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, 0, ?7, ?7) ON CONFLICT(message_id) DO NOTHING",
    )?
    .execute(params![
        about.map(|a| i64::try_from(a.incident.0).unwrap_or(i64::MAX)),
        about.map(|a| a.sequence),
        about.map(|a| a.event.code()),
        letter.recipient,
        letter.message_id,
        letter.bytes,
        at.as_micros(),
    ])?;
    Ok(())
}

pub(super) fn report(conn: &Connection, report: &DeliveryReport) -> Result<()> {
    let (state, next_at, finished_at) = match report.result {
        DeliveryResult::Sent => (DeliveryState::Sent, report.at, Some(report.at)),
        DeliveryResult::Dead => (DeliveryState::Dead, report.at, Some(report.at)),
        DeliveryResult::Deferred(at) => (DeliveryState::Pending, at, None),
        DeliveryResult::Ambiguous(at) => (DeliveryState::Ambiguous, at, None),
    };
    // What may have been accepted once stays so until it is known.
    conn.prepare_cached(
        "UPDATE outbox SET state = CASE WHEN ?2 = 1 AND state = 2 THEN 2 ELSE ?2 END,
            attempts = attempts + 1, next_at = ?3, finished_at = ?4, last_reply = ?5
         WHERE id = ?1 AND state <= 2",
    )?
    .execute(params![
        report.id,
        state as u8,
        next_at.as_micros(),
        finished_at.map(Timestamp::as_micros),
        report.reply,
    ])?;
    Ok(())
}

pub(super) fn shift(conn: &Connection, micros: i64) -> Result<()> {
    conn.prepare_cached("UPDATE outbox SET next_at = next_at + ?1 WHERE state <= 2")?
        .execute([micros])?;
    Ok(())
}

pub(super) fn due(conn: &Connection, now: Timestamp, limit: usize) -> Result<Vec<Pending>> {
    let sql = format!(
        "SELECT id, incident_id, event, recipient, message_id, bytes, attempts, created_at FROM outbox
         WHERE {FIRST} AND next_at <= ?1 ORDER BY id LIMIT ?2"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let rows = statement.query_map(
        params![now.as_micros(), i64::try_from(limit).unwrap_or(i64::MAX)],
        |r| {
            Ok(Pending {
                id: r.get(0)?,
                incident: r
                    .get::<_, Option<i64>>(1)?
                    .map(|id| IncidentId(u64::try_from(id).unwrap_or(0))),
                event: r.get::<_, Option<u8>>(2)?.and_then(EventKind::from_code),
                letter: Letter {
                    recipient: r.get(3)?,
                    message_id: r.get(4)?,
                    bytes: r.get::<_, Option<_>>(5)?.unwrap_or_default(),
                },
                attempts: r.get(6)?,
                created_at: Timestamp::from_micros(r.get(7)?),
            })
        },
    )?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn next_due(conn: &Connection) -> Result<Option<Timestamp>> {
    let sql = format!("SELECT min(next_at) FROM outbox WHERE {FIRST}");
    let at: Option<i64> = conn
        .prepare_cached(&sql)?
        .query_row([], |r| r.get(0))
        .optional()?
        .flatten();
    Ok(at.map(Timestamp::from_micros))
}

pub(super) fn of_incident(conn: &Connection, incident: IncidentId) -> Result<Vec<DeliveryRow>> {
    let sql = format!("SELECT {COLUMNS} FROM outbox WHERE incident_id = ?1 ORDER BY id");
    rows(conn, &sql, i64::try_from(incident.0).unwrap_or(i64::MAX))
}

pub(super) fn summary(conn: &Connection) -> Result<OutboxSummary> {
    let (pending, oldest): (i64, Option<i64>) = conn
        .prepare_cached("SELECT count(*), min(created_at) FROM outbox WHERE state <= 2")?
        .query_row([], |r| Ok((r.get(0)?, r.get(1)?)))?;
    let sql = format!("SELECT {COLUMNS} FROM outbox WHERE state = 4 ORDER BY id DESC LIMIT ?1");
    Ok(OutboxSummary {
        pending: usize::try_from(pending).unwrap_or(0),
        oldest_pending: oldest.map(Timestamp::from_micros),
        dead: rows(conn, &sql, DEAD_SHOWN as i64)?,
    })
}

fn rows(conn: &Connection, sql: &str, parameter: i64) -> Result<Vec<DeliveryRow>> {
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map([parameter], |r| {
        Ok(DeliveryRow {
            recipient: r.get(0)?,
            event: r.get::<_, Option<u8>>(1)?.and_then(EventKind::from_code),
            sequence: r.get(2)?,
            message_id: r.get(3)?,
            state: DeliveryState::from_code(r.get(4)?),
            attempts: r.get(5)?,
            last_reply: r.get(6)?,
            finished_at: r.get::<_, Option<i64>>(7)?.map(Timestamp::from_micros),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
