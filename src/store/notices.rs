//! Deadlines that are near, and what was said of them: once for each threshold, whatever restarts.
//!
//! The rows are few, and known in memory, so that a run that has nothing to say of them costs one look.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use super::Result;
use crate::model::{
    Deadline, FailureKind, Outcome, Phase, ProbeId, Sample, ServiceId, Timestamp, Topic,
};

/// Deadlines that are kept of one probe; a server that names another date at each look must not fill the disk.
const MOST_ROWS: usize = 100;
/// A threshold is not said again this soon, though the date has changed meanwhile: two servers behind one name may have
/// certificates of different age.
const QUIET: Duration = Duration::from_secs(86_400);

/// In place of the threshold that was said, when none was yet.
const UNSAID: u16 = u16::MAX;

/// What is not to be said now, of the samples of one transaction.
#[derive(Debug, Clone, Default)]
pub struct Hush {
    /// The clock may be wrong, and with it every date: nothing is looked at.
    pub clock: bool,
    /// What these probes see is written down, and said after the silence or the maintenance that they are in.
    pub probes: HashSet<ProbeId>,
}

/// A threshold that was reached and is to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Of which service.
    pub service: ServiceId,
    /// By which probe it was seen.
    pub probe: ProbeId,
    /// What ends, and when.
    pub deadline: Deadline,
    /// The threshold, in days.
    pub days: u16,
}

/// A deadline that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeRow {
    /// Of which service.
    pub service: ServiceId,
    /// By which probe it was seen.
    pub probe: ProbeId,
    /// What ends, and when.
    pub deadline: Deadline,
}

/// The rows, as far as they are known; `None` when they have to be read.
#[derive(Debug, Default)]
pub(super) struct Notices(Option<HashMap<ProbeId, Vec<Kept>>>);

#[derive(Debug, Clone)]
struct Kept {
    service: ServiceId,
    deadline: Deadline,
    said: u16,
    said_at: Timestamp,
    /// A later run has not seen it any more.
    gone: bool,
}

impl Notices {
    pub fn clear(&mut self) {
        self.0 = None;
    }

    /// Takes the deadlines of a run. What is to be said joins `said`.
    pub fn take(
        &mut self,
        conn: &Connection,
        sample: &Sample,
        hush: &Hush,
        said: &mut Vec<Said>,
    ) -> Result<()> {
        if hush.clock {
            return Ok(());
        }
        let rows = match &mut self.0 {
            Some(rows) => rows,
            unread => unread.insert(load(conn)?),
        };
        let found = sample.found.as_ref().map_or(&[][..], |f| &f.deadlines);
        if found.is_empty() && !rows.contains_key(&sample.probe) {
            return Ok(());
        }
        for deadline in found {
            if let Some(days) = deadline.reached(sample.at) {
                let may_say = !hush.probes.contains(&sample.probe);
                said.extend(note(conn, rows, sample, deadline, days, may_say)?);
            }
        }
        for kept in rows.entry(sample.probe).or_default() {
            if !kept.gone && sees(sample, kept.deadline.topic) && !found.contains(&kept.deadline) {
                kept.gone = true;
                save(conn, sample.probe, kept)?;
            }
        }
        Ok(())
    }
}

/// Whether a run would have found every deadline of a topic that there is.
fn sees(sample: &Sample, topic: Topic) -> bool {
    match (topic, sample.outcome) {
        (Topic::Model, Outcome::Failure(kind, _)) => kind == FailureKind::ModelRetired,
        (Topic::Model, outcome) => outcome.counts() == Some(false),
        // Shown in a handshake that went through, whatever came after it; on a connection that was open already, not.
        (Topic::Certificate, _) => {
            let on_the_way = [Phase::Dns, Phase::Connect, Phase::Tls];
            let fell = sample.failed_in.is_some_and(|p| on_the_way.contains(&p));
            sample.phases.tls_us.is_some() && !fell
        }
    }
}

/// Writes a deadline down, and decides whether it is said.
fn note(
    conn: &Connection,
    rows: &mut HashMap<ProbeId, Vec<Kept>>,
    sample: &Sample,
    deadline: &Deadline,
    days: u16,
    may_say: bool,
) -> Result<Option<Said>> {
    let of = rows.entry(sample.probe).or_default();
    let known = of.iter().position(|kept| kept.deadline == *deadline);
    if let Some(kept) = known.and_then(|at| of.get_mut(at))
        && (kept.said <= days || !may_say)
    {
        if std::mem::take(&mut kept.gone) {
            save(conn, sample.probe, kept)?;
        }
        return Ok(None);
    }
    let service = service_of(conn, sample.probe)?;
    // Several probes of a service may see the same, and one may see a date that moves.
    let heard = rows
        .values()
        .flatten()
        .filter(|kept| {
            kept.service == service
                && kept.deadline.topic == deadline.topic
                && kept.deadline.subject == deadline.subject
                && kept.said <= days
                && (kept.deadline.at == deadline.at || sample.at.since(kept.said_at) < QUIET)
        })
        .map(|kept| kept.said_at)
        .max();
    let kept = Kept {
        service,
        deadline: deadline.clone(),
        said: match heard {
            None if !may_say => UNSAID,
            _ => days,
        },
        said_at: heard.unwrap_or(sample.at),
        gone: false,
    };
    save(conn, sample.probe, &kept)?;
    let of = rows.entry(sample.probe).or_default();
    match known.and_then(|at| of.get_mut(at)) {
        Some(row) => *row = kept,
        None => of.push(kept),
    }
    if of.len() > MOST_ROWS {
        forget_one(conn, sample.probe, of)?;
    }
    Ok((heard.is_none() && may_say).then(|| Said {
        service,
        probe: sample.probe,
        deadline: deadline.clone(),
        days,
    }))
}

/// Forgets the deadline that matters least: one that is gone, else the one that was said longest ago.
fn forget_one(conn: &Connection, probe: ProbeId, of: &mut Vec<Kept>) -> Result<()> {
    let least = (0..of.len()).min_by_key(|at| of.get(*at).map(|kept| (!kept.gone, kept.said_at)));
    let Some(at) = least else { return Ok(()) };
    let Deadline { topic, subject, at } = of.swap_remove(at).deadline;
    conn.prepare_cached(
        "DELETE FROM notice WHERE probe_id = ?1 AND topic = ?2 AND subject = ?3 AND deadline = ?4",
    )?
    .execute(params![probe.0, topic as u16, subject, at.as_micros()])?;
    Ok(())
}

fn save(conn: &Connection, probe: ProbeId, kept: &Kept) -> Result<()> {
    let Deadline { topic, subject, at } = &kept.deadline;
    conn.prepare_cached(
        "INSERT INTO notice(probe_id, topic, subject, deadline, said, said_at, gone) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT(probe_id, topic, subject, deadline)
         DO UPDATE SET said = excluded.said, said_at = excluded.said_at, gone = excluded.gone",
    )?
    .execute(params![
        probe.0,
        *topic as u16,
        subject,
        at.as_micros(),
        kept.said,
        kept.said_at.as_micros(),
        kept.gone
    ])?;
    Ok(())
}

fn service_of(conn: &Connection, probe: ProbeId) -> Result<ServiceId> {
    let id = conn
        .prepare_cached("SELECT service_id FROM probe WHERE id = ?1")?
        .query_row([probe.0], |row| row.get(0))
        .optional()?;
    Ok(ServiceId(id.unwrap_or(0)))
}

fn load(conn: &Connection) -> Result<HashMap<ProbeId, Vec<Kept>>> {
    let mut rows: HashMap<ProbeId, Vec<Kept>> = HashMap::new();
    each(conn, |probe, kept| {
        rows.entry(probe).or_default().push(kept)
    })?;
    Ok(rows)
}

/// The deadlines that stand, of configured probes; the nearest first.
pub(super) fn list(conn: &Connection) -> Result<Vec<NoticeRow>> {
    let mut standing = Vec::new();
    each(conn, |probe, kept| {
        if !kept.gone {
            standing.push(NoticeRow {
                service: kept.service,
                probe,
                deadline: kept.deadline,
            });
        }
    })?;
    standing.sort_by(|a, b| {
        let key = |row: &NoticeRow| (row.deadline.at, row.deadline.topic);
        (key(a), &a.deadline.subject).cmp(&(key(b), &b.deadline.subject))
    });
    Ok(standing)
}

fn each(conn: &Connection, mut of: impl FnMut(ProbeId, Kept)) -> Result<()> {
    let mut statement = conn.prepare_cached(
        "SELECT probe_id, topic, subject, deadline, said, said_at, gone, probe.service_id
         FROM notice JOIN probe ON probe.id = notice.probe_id WHERE probe.active = 1",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        // A topic of a newer version is none of ours.
        let Some(topic) = Topic::from_code(row.get(1)?) else {
            continue;
        };
        let deadline = Deadline {
            topic,
            subject: row.get(2)?,
            at: Timestamp::from_micros(row.get(3)?),
        };
        let kept = Kept {
            service: ServiceId(row.get(7)?),
            deadline,
            said: row.get(4)?,
            said_at: Timestamp::from_micros(row.get(5)?),
            gone: row.get(6)?,
        };
        of(ProbeId(row.get(0)?), kept);
    }
    Ok(())
}
