//! Incidents with the moments that reports count from: recovery, and when the first mail was accepted.

use rusqlite::{Connection, params};

use super::Result;
use super::incidents::{self, COLUMNS, IncidentRow};
use crate::model::{EventKind, IncidentId, Timestamp};

use super::outbox::DeliveryState;

/// Incidents of one reading; more than this in the longest report is a misconfiguration, not a history.
const MOST: usize = 10_000;

/// An incident and how it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Course {
    /// The incident.
    pub row: IncidentRow,
    /// Estimated recovery; `None` while it goes on.
    pub recovered: Option<Timestamp>,
    /// When the first mail of its opening was accepted; `None` when none was.
    pub mailed: Option<Timestamp>,
}

/// Those that went on at some moment from `from` until before `to`, oldest first; of too many the newest.
pub(super) fn between(conn: &Connection, from: Timestamp, to: Timestamp) -> Result<Vec<Course>> {
    let sql = select("incident.since < ?1 AND coalesce(closed_at, ?1) >= ?2");
    let mut statement = conn.prepare_cached(&sql)?;
    let most = i64::try_from(MOST).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![to.as_micros(), from.as_micros(), most])?;
    let mut courses = Vec::new();
    while let Some(row) = rows.next()? {
        courses.push(read(row)?);
    }
    courses.reverse();
    Ok(courses)
}

/// The one of an incident.
pub(super) fn one(conn: &Connection, incident: IncidentId) -> Result<Option<Course>> {
    let sql = select("incident.id = ?1 AND ?2 = ?2");
    let mut statement = conn.prepare_cached(&sql)?;
    let id = i64::try_from(incident.0).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![id, 0, 1])?;
    rows.next()?.map(read).transpose()
}

fn select(which: &str) -> String {
    format!(
        "SELECT {COLUMNS},
            (SELECT since FROM event WHERE incident_id = incident.id AND event = {close}
                ORDER BY sequence DESC LIMIT 1) AS recovered_at,
            (SELECT min(finished_at) FROM outbox WHERE incident_id = incident.id AND event = {open}
                AND state = {sent}) AS mailed_at
         FROM incident JOIN service ON service.id = incident.service_id
         WHERE {which} ORDER BY incident.id DESC LIMIT ?3",
        close = EventKind::Close.code(),
        open = EventKind::Open.code(),
        sent = DeliveryState::Sent as u8,
    )
}

fn read(row: &rusqlite::Row<'_>) -> Result<Course> {
    let incident = incidents::read(row)?;
    let recovered: Option<i64> = row.get("recovered_at")?;
    let mailed: Option<i64> = row.get("mailed_at")?;
    Ok(Course {
        // One that was reopened has an earlier recovery, which was none.
        recovered: recovered
            .filter(|_| incident.closed_at.is_some())
            .map(Timestamp::from_micros),
        mailed: mailed.map(Timestamp::from_micros),
        row: incident,
    })
}
