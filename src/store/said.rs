//! What people said: every order with who, when and why, what came of it, and until when it stands.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Reader, Result, StoreError};
use crate::model::said::{
    Anchor, Ask, Decision, Order, SaidId, Selector, Spell, SpellKind, Stretch, Target,
};
use crate::model::{IncidentId, Timestamp};

/// Rows that are kept, the newest: years of a busy team. What still stands is kept beyond.
const MOST_ROWS: i64 = 10_000;
/// Of all rows each so-manieth is followed by a look whether there are too many.
const COUNTED_EVERY: i64 = 50;

const COLUMNS: &str = "id, token, at, who, what, subject, incident_id, from_at, until_at, anchor, why, refused, answer, ended_at, ended_by";

/// What was wanted, as a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum What {
    /// To acknowledge an incident.
    Ack = 1,
    /// A silence.
    Silence = 2,
    /// A maintenance.
    Maintenance = 3,
    /// The end of a silence.
    EndOfSilence = 4,
    /// The end of a maintenance.
    EndOfMaintenance = 5,
    /// To have letters sent.
    Retry = 6,
    /// To have a letter not sent.
    Drop = 7,
}

impl What {
    const ALL: [What; 7] = [
        What::Ack,
        What::Silence,
        What::Maintenance,
        What::EndOfSilence,
        What::EndOfMaintenance,
        What::Retry,
        What::Drop,
    ];

    fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|w| *w as u8 == code)
    }

    /// `ack`, `silence`, `maintenance`, `end of silence`, `end of maintenance`, `retry` or `drop`.
    pub const fn name(self) -> &'static str {
        match self {
            What::Ack => "ack",
            What::Silence => "silence",
            What::Maintenance => "maintenance",
            What::EndOfSilence => "end of silence",
            What::EndOfMaintenance => "end of maintenance",
            What::Retry => "retry",
            What::Drop => "drop",
        }
    }
}

/// One thing that somebody said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaidRow {
    /// Its number.
    pub id: SaidId,
    /// Name of the slip that brought it.
    pub token: String,
    /// When it was said.
    pub at: Timestamp,
    /// By whom.
    pub who: String,
    /// What was wanted.
    pub what: What,
    /// A selector, or a number.
    pub subject: String,
    /// The incident that is acknowledged.
    pub incident: Option<IncidentId>,
    /// Of a silence or maintenance: from when until when.
    pub stretch: Option<Stretch>,
    /// What its times are.
    pub anchor: Anchor,
    /// Why, or a note.
    pub why: String,
    /// It was not granted.
    pub refused: bool,
    /// What was answered.
    pub answer: String,
    /// When it ceased to stand, and by whom or what; `None` while it stands.
    pub ended: Option<(Timestamp, String)>,
}

impl SaidRow {
    /// Of an order that was decided on at `now`.
    pub fn new(
        id: SaidId,
        token: String,
        order: Order,
        decision: &Decision,
        now: Timestamp,
    ) -> Self {
        let refused = decision.effect.is_none();
        let (what, subject, incident, stretch, anchor, why) = match order.ask {
            Ask::Ack { incident, note } => (
                What::Ack,
                incident.to_string(),
                Some(incident),
                None,
                Anchor::Calendar,
                note,
            ),
            Ask::Begin(wish) => {
                let what = match wish.kind {
                    SpellKind::Silence => What::Silence,
                    SpellKind::Maintenance => What::Maintenance,
                };
                let from = wish.from.max(now).min(wish.until);
                let stretch = Stretch {
                    from,
                    until: wish.until,
                };
                (
                    what,
                    wish.selector.to_string(),
                    None,
                    Some(stretch),
                    wish.anchor,
                    wish.why,
                )
            }
            Ask::End { kind, target } => {
                let what = match kind {
                    SpellKind::Silence => What::EndOfSilence,
                    SpellKind::Maintenance => What::EndOfMaintenance,
                };
                let subject = match target {
                    Target::Id(id) => id.to_string(),
                    Target::Selector(selector) => selector.to_string(),
                };
                (what, subject, None, None, Anchor::Calendar, String::new())
            }
            Ask::Retry { letter } => {
                let subject = letter.map_or("all".to_owned(), |id| id.to_string());
                let what = What::Retry;
                (what, subject, None, None, Anchor::Calendar, String::new())
            }
            Ask::Drop { letter, why } => {
                let subject = letter.to_string();
                (What::Drop, subject, None, None, Anchor::Calendar, why)
            }
        };
        let stands = !refused && matches!(what, What::Ack | What::Silence | What::Maintenance);
        Self {
            id,
            token,
            at: order.at,
            who: order.who,
            what,
            subject,
            incident,
            stretch,
            anchor,
            why,
            refused,
            answer: decision.answer.clone(),
            ended: (!stands).then(|| (now, String::new())),
        }
    }

    /// It as a silence or maintenance; `None` when it is neither, or its selector is of a newer version.
    pub fn spell(&self) -> Option<Spell> {
        let kind = match self.what {
            What::Silence => SpellKind::Silence,
            What::Maintenance => SpellKind::Maintenance,
            What::Ack | What::EndOfSilence | What::EndOfMaintenance | What::Retry | What::Drop => {
                return None;
            }
        };
        Some(Spell {
            id: self.id,
            kind,
            selector: Selector::parse(&self.subject).ok()?,
            stretch: self.stretch?,
            anchor: self.anchor,
            who: self.who.clone(),
            why: self.why.clone(),
        })
    }
}

impl Reader {
    /// What came of a slip; `None` while the daemon has not taken it.
    pub fn said_by_slip(&self, token: &str) -> Result<Option<SaidRow>> {
        of_token(&self.conn, token)
    }

    /// Silences and maintenances that were said and are not over, in order.
    pub fn standing(&self) -> Result<Vec<SaidRow>> {
        standing(&self.conn)
    }

    /// The latest things that were said, newest first.
    pub fn said(&self, limit: usize) -> Result<Vec<SaidRow>> {
        latest(&self.conn, limit)
    }

    /// The acknowledgement of an incident that stands.
    pub fn ack(&self, incident: IncidentId) -> Result<Option<SaidRow>> {
        ack(&self.conn, incident)
    }

    /// All acknowledgements that an incident had, in order.
    pub fn acks(&self, incident: IncidentId) -> Result<Vec<SaidRow>> {
        acks(&self.conn, incident)
    }
}

fn number(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(i64::MAX)
}

pub(super) fn next(conn: &Connection) -> Result<SaidId> {
    let last: Option<i64> = conn.query_row("SELECT max(id) FROM said", [], |r| r.get(0))?;
    Ok(SaidId(u64::try_from(last.unwrap_or(0)).unwrap_or(0) + 1))
}

/// Adds a row; one whose token is there already is not added again. An acknowledgement takes the place of the one before.
pub(super) fn add(conn: &Connection, row: &SaidRow) -> Result<()> {
    if let (What::Ack, Some(incident), false) = (row.what, row.incident, row.refused) {
        end_ack(conn, incident, row.at, &row.who)?;
    }
    let micros = |at: Timestamp| at.as_micros();
    conn.prepare_cached(&format!(
        "INSERT INTO said({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
         ON CONFLICT DO NOTHING"
    ))?
    .execute(params![
        number(row.id.0),
        row.token,
        row.at.as_micros(),
        row.who,
        row.what as u8,
        row.subject,
        row.incident.map(|i| number(i.0)),
        row.stretch.map(|s| micros(s.from)),
        row.stretch.map(|s| micros(s.until)),
        row.anchor == Anchor::Span,
        row.why,
        row.refused,
        row.answer,
        row.ended.as_ref().map(|(at, _)| micros(*at)),
        row.ended.as_ref().map(|(_, by)| by),
    ])?;
    if number(row.id.0) % COUNTED_EVERY == 0 {
        conn.prepare_cached(
            "DELETE FROM said WHERE id <= (SELECT max(id) FROM said) - ?1 AND (ended_at IS NOT NULL OR what = 1)",
        )?
        .execute([MOST_ROWS])?;
    }
    Ok(())
}

/// It stands no longer: ended by somebody, or by its time (`by` is empty).
pub(super) fn end(conn: &Connection, id: SaidId, at: Timestamp, by: &str) -> Result<()> {
    conn.prepare_cached(
        "UPDATE said SET ended_at = ?2, ended_by = ?3 WHERE id = ?1 AND ended_at IS NULL",
    )?
    .execute(params![number(id.0), at.as_micros(), by])?;
    Ok(())
}

/// The acknowledgement of an incident stands no longer.
pub(super) fn end_ack(
    conn: &Connection,
    incident: IncidentId,
    at: Timestamp,
    by: &str,
) -> Result<()> {
    conn.prepare_cached(
        "UPDATE said SET ended_at = ?2, ended_by = ?3 WHERE what = 1 AND incident_id = ?1 AND ended_at IS NULL",
    )?
    .execute(params![number(incident.0), at.as_micros(), by])?;
    Ok(())
}

/// The wall clock was stepped: what was said for a time moves along.
pub(super) fn shift(conn: &Connection, micros: i64) -> Result<()> {
    conn.prepare_cached(
        "UPDATE said SET from_at = from_at + ?1, until_at = until_at + ?1
         WHERE anchor = 1 AND until_at IS NOT NULL AND ended_at IS NULL",
    )?
    .execute([micros])?;
    Ok(())
}

/// What of a slip is known already.
pub(super) fn of_token(conn: &Connection, token: &str) -> Result<Option<SaidRow>> {
    one(conn, "token = ?1", params![token])
}

/// The acknowledgement of an incident that stands.
fn ack(conn: &Connection, incident: IncidentId) -> Result<Option<SaidRow>> {
    let standing = "what = 1 AND incident_id = ?1 AND ended_at IS NULL";
    one(conn, standing, params![number(incident.0)])
}

/// All acknowledgements of an incident, in order.
pub(super) fn acks(conn: &Connection, incident: IncidentId) -> Result<Vec<SaidRow>> {
    many(
        conn,
        "what = 1 AND incident_id = ?1 AND refused = 0 ORDER BY id",
        params![number(incident.0)],
    )
}

/// Silences and maintenances that are not over, in order.
pub(super) fn standing(conn: &Connection) -> Result<Vec<SaidRow>> {
    many(conn, "what IN (2, 3) AND ended_at IS NULL ORDER BY id", [])
}

/// The latest that were said, newest first.
fn latest(conn: &Connection, limit: usize) -> Result<Vec<SaidRow>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    many(conn, "1 ORDER BY id DESC LIMIT ?1", params![limit])
}

fn one(conn: &Connection, which: &str, keys: impl rusqlite::Params) -> Result<Option<SaidRow>> {
    conn.prepare_cached(&format!("SELECT {COLUMNS} FROM said WHERE {which} LIMIT 1"))?
        .query_row(keys, |row| Ok(read(row)))
        .optional()?
        .transpose()
}

fn many(conn: &Connection, which: &str, keys: impl rusqlite::Params) -> Result<Vec<SaidRow>> {
    let mut statement =
        conn.prepare_cached(&format!("SELECT {COLUMNS} FROM said WHERE {which}"))?;
    let mut rows = statement.query(keys)?;
    let mut said = Vec::new();
    while let Some(row) = rows.next()? {
        said.push(read(row)?);
    }
    Ok(said)
}

fn read(row: &Row<'_>) -> Result<SaidRow> {
    let moment = |index| -> Result<Option<Timestamp>> {
        Ok(row
            .get::<_, Option<i64>>(index)?
            .map(Timestamp::from_micros))
    };
    let id = |n: i64| u64::try_from(n).unwrap_or(0);
    let what = What::from_code(row.get(4)?);
    Ok(SaidRow {
        id: SaidId(id(row.get(0)?)),
        token: row.get(1)?,
        at: Timestamp::from_micros(row.get(2)?),
        who: row.get(3)?,
        what: what.ok_or_else(|| StoreError::Other("this was said to a newer version".into()))?,
        subject: row.get(5)?,
        incident: row.get::<_, Option<i64>>(6)?.map(|n| IncidentId(id(n))),
        stretch: moment(7)?
            .zip(moment(8)?)
            .map(|(from, until)| Stretch { from, until }),
        anchor: match row.get(9)? {
            true => Anchor::Span,
            false => Anchor::Calendar,
        },
        why: row.get(10)?,
        refused: row.get(11)?,
        answer: row.get(12)?,
        ended: moment(13)?.zip(row.get(14)?),
    })
}
