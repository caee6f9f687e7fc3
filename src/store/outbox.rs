//! Letters that wait to be delivered, and what became of those that were.

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use super::{About, Result};
use crate::model::notification::{DeliveryReport, DeliveryResult, Letter, Pending};
use crate::model::post::{Addressed, Lane};
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
    /// It was not sent: a later one of its thread tells what it told.
    Folded = 5,
    /// It was not sent: somebody said so.
    Dropped = 6,
}

impl DeliveryState {
    /// The word users see.
    pub const fn name(self) -> &'static str {
        match self {
            DeliveryState::Pending => "pending",
            DeliveryState::Ambiguous => "ambiguous",
            DeliveryState::Sent => "sent",
            DeliveryState::Dead => "dead",
            DeliveryState::Folded => "folded",
            DeliveryState::Dropped => "dropped",
        }
    }

    const fn from_code(code: u8) -> Self {
        match code {
            1 => DeliveryState::Pending,
            2 => DeliveryState::Ambiguous,
            3 => DeliveryState::Sent,
            5 => DeliveryState::Folded,
            6 => DeliveryState::Dropped,
            _ => DeliveryState::Dead,
        }
    }
}

/// A letter and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRow {
    /// Its number in the outbox.
    pub id: i64,
    /// In whose thread it stands; `None` for another notice.
    pub incident: Option<IncidentId>,
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
    /// When it was written.
    pub created_at: Timestamp,
    /// When it is tried next, or was last.
    pub next_at: Timestamp,
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

/// Letters of a thread that were not sent, because a later one stands for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Folded {
    /// How many.
    pub letters: u32,
    /// When the first of them was written.
    pub since: Timestamp,
    /// None of them was tried, because none was to be yet.
    pub held: bool,
}

/// What of the letters to somebody was late.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    /// Who.
    pub recipient: String,
    /// Letters that wait.
    pub waiting: u32,
    /// Letters that were folded into later ones.
    pub folded: u32,
}

/// Dead letters that a summary shows.
const DEAD_SHOWN: usize = 10;
/// Columns of a [`DeliveryRow`].
const COLUMNS: &str = "id, incident_id, recipient, event, sequence, message_id, state, attempts, last_reply, created_at, next_at, finished_at";
/// A letter that comes due so soon may be under way before what is decided of it is committed.
const SOON: i64 = 2_000_000;
/// Of each incident and recipient only the first unfinished letter: a recovery never overtakes its alarm.
const FIRST: &str = "state <= 2 AND NOT EXISTS (SELECT 1 FROM outbox earlier
    WHERE earlier.state <= 2 AND earlier.incident_id = outbox.incident_id
    AND earlier.recipient = outbox.recipient AND earlier.id < outbox.id)";

pub(super) fn add(
    conn: &Connection,
    about: Option<About>,
    letter: &Letter,
    at: Timestamp,
    due: Timestamp,
) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO outbox(incident_id, sequence, event, recipient, message_id, bytes, state, attempts, created_at, next_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, 0, ?7, ?8) ON CONFLICT(message_id) DO NOTHING",
    )?
    .execute(params![
        about.map(|a| number(a.incident)),
        about.map(|a| a.sequence),
        about.map(|a| a.event.code()),
        letter.recipient,
        letter.message_id,
        letter.bytes,
        at.as_micros(),
        due.as_micros(),
    ])?;
    Ok(())
}

/// To whom the letter was; `None` when it was finished already.
pub(super) fn report(conn: &Connection, report: &DeliveryReport) -> Result<Option<Addressed>> {
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
         WHERE id = ?1 AND (state <= 2 OR (state >= 5 AND ?2 = 3))
         RETURNING recipient, incident_id",
    )?
    .query_row(
        params![
            report.id,
            state as u8,
            next_at.as_micros(),
            finished_at.map(Timestamp::as_micros),
            report.reply,
        ],
        |r| {
            Ok(Addressed {
                recipient: r.get(0)?,
                incident: incident(r.get(1)?),
            })
        },
    )
    .optional()
    .map_err(Into::into)
}

fn incident(id: Option<i64>) -> Option<IncidentId> {
    id.map(|id| IncidentId(u64::try_from(id).unwrap_or(0)))
}

fn number(id: IncidentId) -> i64 {
    i64::try_from(id.0).unwrap_or(i64::MAX)
}

/// Gives up the letters of a thread to somebody that were written before a moment, or are held back, and that nobody can
/// have: a later one stands for them.
pub(super) fn fold(
    conn: &Connection,
    thread: IncidentId,
    recipient: &str,
    before: Timestamp,
    now: Timestamp,
) -> Result<Option<Folded>> {
    let stale = "incident_id = ?1 AND recipient = ?2 AND state = 1
        AND (created_at <= ?3 OR (attempts = 0 AND next_at > ?4))";
    let keys = params![
        number(thread),
        recipient,
        before.as_micros(),
        now.as_micros().saturating_add(SOON),
    ];
    let sql = format!(
        "SELECT count(*), min(created_at), min(attempts = 0 AND next_at > ?4) FROM outbox WHERE {stale}"
    );
    let (letters, since, held): (i64, Option<i64>, Option<bool>) = conn
        .prepare_cached(&sql)?
        .query_row(keys, |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
    let Some(since) = since else {
        return Ok(None);
    };
    let sql = format!("UPDATE outbox SET state = 5, finished_at = ?5 WHERE {stale}");
    conn.prepare_cached(&sql)?.execute(params![
        number(thread),
        recipient,
        before.as_micros(),
        now.as_micros().saturating_add(SOON),
        now.as_micros(),
    ])?;
    Ok(Some(Folded {
        letters: u32::try_from(letters).unwrap_or(u32::MAX),
        since: Timestamp::from_micros(since),
        held: held.unwrap_or(false),
    }))
}

/// Whether somebody never gets this letter of a thread, as far as is known: it was given up, folded into another or dropped.
pub(super) fn is_lost(
    conn: &Connection,
    thread: IncidentId,
    sequence: u32,
    recipient: &str,
) -> Result<bool> {
    let mut statement = conn.prepare_cached(
        "SELECT count(*) > 0 AND min(state) >= 4 FROM outbox
         WHERE incident_id = ?1 AND sequence = ?2 AND recipient = ?3",
    )?;
    Ok(statement.query_row(params![number(thread), sequence, recipient], |r| r.get(0))?)
}

/// Who has mails that were written before a moment and leave from another one on, and how many of his were folded since a
/// third.
pub(super) fn late(
    conn: &Connection,
    from: Timestamp,
    before: Timestamp,
    to: Timestamp,
) -> Result<Vec<Backlog>> {
    let mut statement = conn.prepare_cached(
        "SELECT recipient, sum(state <> 5 AND created_at <= ?2), sum(state = 5) FROM outbox
         WHERE (state <= 2 OR (state = 3 AND finished_at >= ?3) OR (state = 5 AND finished_at >= ?1))
            AND recipient NOT GLOB 'webhook:*'
         GROUP BY recipient HAVING sum(state <> 5 AND created_at <= ?2) > 0 ORDER BY recipient",
    )?;
    let moments = [from, before, to].map(Timestamp::as_micros);
    let rows = statement.query_map(moments, |r| {
        Ok(Backlog {
            recipient: r.get(0)?,
            waiting: r.get(1)?,
            folded: r.get(2)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Has letters sent again that were given up or not sent, or at once when they wait; how many.
pub(super) fn retry(conn: &Connection, ids: &[i64], now: Timestamp) -> Result<()> {
    let mut statement = conn.prepare_cached(
        "UPDATE outbox SET state = CASE WHEN state = 2 THEN 2 ELSE 1 END, next_at = ?2, finished_at = NULL
         WHERE id = ?1 AND state <> 3 AND bytes IS NOT NULL",
    )?;
    for id in ids {
        statement.execute(params![id, now.as_micros()])?;
    }
    Ok(())
}

/// Somebody does not want these sent any more.
pub(super) fn discard(conn: &Connection, ids: &[i64], why: &str, now: Timestamp) -> Result<()> {
    let mut statement = conn.prepare_cached(
        "UPDATE outbox SET state = 6, finished_at = ?2, last_reply = ?3 WHERE id = ?1 AND state <> 3",
    )?;
    for id in ids {
        statement.execute(params![id, now.as_micros(), why])?;
    }
    Ok(())
}

/// Letters in these states, the latest first.
pub(super) fn list(
    conn: &Connection,
    states: &[DeliveryState],
    limit: usize,
) -> Result<Vec<DeliveryRow>> {
    let codes: Vec<String> = states.iter().map(|s| (*s as u8).to_string()).collect();
    let sql = format!(
        "SELECT {COLUMNS} FROM outbox WHERE state IN ({}) ORDER BY id DESC LIMIT ?1",
        codes.join(", ")
    );
    rows(conn, &sql, i64::try_from(limit).unwrap_or(i64::MAX))
}

/// One letter and its bytes; those are gone some time after it was finished.
pub(super) fn one(conn: &Connection, id: i64) -> Result<Option<(DeliveryRow, Option<Vec<u8>>)>> {
    let sql = format!("SELECT {COLUMNS} FROM outbox WHERE id = ?1");
    let Some(row) = rows(conn, &sql, id)?.pop() else {
        return Ok(None);
    };
    let bytes = conn
        .prepare_cached("SELECT bytes FROM outbox WHERE id = ?1")?
        .query_row([id], |r| r.get(0))?;
    Ok(Some((row, bytes)))
}

pub(super) fn shift(conn: &Connection, micros: i64) -> Result<()> {
    conn.prepare_cached("UPDATE outbox SET next_at = next_at + ?1 WHERE state <= 2")?
        .execute([micros])?;
    Ok(())
}

/// Which recipients a lane has, with the values that stand for `?` from a number on.
fn recipients(lane: Option<&Lane>, from: usize) -> (String, Vec<Sql>) {
    match lane {
        None => ("1".to_owned(), Vec::new()),
        Some(Lane::Mail) => ("recipient NOT GLOB 'webhook:*'".to_owned(), Vec::new()),
        Some(Lane::Webhook(who)) => (format!("recipient = ?{from}"), vec![who.clone().into()]),
        Some(Lane::Others(known)) => {
            let holes: Vec<String> = (from..)
                .take(known.len())
                .map(|n| format!("?{n}"))
                .collect();
            let clause = format!(
                "recipient GLOB 'webhook:*' AND recipient NOT IN ({})",
                holes.join(", ")
            );
            (clause, known.iter().cloned().map(Sql::from).collect())
        }
    }
}

pub(super) fn due(
    conn: &Connection,
    lane: Option<&Lane>,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Pending>> {
    let (recipients, names) = recipients(lane, 3);
    let sql = format!(
        "SELECT id, incident_id, event, recipient, message_id, bytes, attempts, created_at FROM outbox
         WHERE {FIRST} AND next_at <= ?1 AND {recipients} ORDER BY id LIMIT ?2"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut keys: Vec<Sql> = vec![now.as_micros().into(), limit.into()];
    keys.extend(names);
    let rows = statement.query_map(params_from_iter(keys), |r| {
        Ok(Pending {
            id: r.get(0)?,
            incident: incident(r.get(1)?),
            event: r.get::<_, Option<u8>>(2)?.and_then(EventKind::from_code),
            letter: Letter {
                recipient: r.get(3)?,
                message_id: r.get(4)?,
                bytes: r.get::<_, Option<_>>(5)?.unwrap_or_default(),
            },
            attempts: r.get(6)?,
            created_at: Timestamp::from_micros(r.get(7)?),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn next_due(conn: &Connection, lane: Option<&Lane>) -> Result<Option<Timestamp>> {
    let (recipients, names) = recipients(lane, 1);
    let sql = format!("SELECT min(next_at) FROM outbox WHERE {FIRST} AND {recipients}");
    let at: Option<i64> = conn
        .prepare_cached(&sql)?
        .query_row(params_from_iter(names), |r| r.get(0))
        .optional()?
        .flatten();
    Ok(at.map(Timestamp::from_micros))
}

pub(super) fn of_incident(conn: &Connection, incident: IncidentId) -> Result<Vec<DeliveryRow>> {
    let sql = format!("SELECT {COLUMNS} FROM outbox WHERE incident_id = ?1 ORDER BY id");
    rows(conn, &sql, number(incident))
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
            id: r.get(0)?,
            incident: incident(r.get(1)?),
            recipient: r.get(2)?,
            event: r.get::<_, Option<u8>>(3)?.and_then(EventKind::from_code),
            sequence: r.get(4)?,
            message_id: r.get(5)?,
            state: DeliveryState::from_code(r.get(6)?),
            attempts: r.get(7)?,
            last_reply: r.get(8)?,
            created_at: Timestamp::from_micros(r.get(9)?),
            next_at: Timestamp::from_micros(r.get(10)?),
            finished_at: r.get::<_, Option<i64>>(11)?.map(Timestamp::from_micros),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
