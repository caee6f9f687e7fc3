//! When the database refuses: what weighs is saved without the samples if that is possible, the rest waits in memory, and
//! people are told, if need be past the outbox.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tracing::{error, info};

use crate::model::notification::{Note, NoteAbout};
use crate::model::{IncidentEvent, IncidentKind, ServiceId, Timestamp};
use crate::store::StoreError;

use super::Engine;
use super::commit::Load;

/// After a failed commit the next attempt waits this long.
const RETRY: Duration = Duration::from_secs(1);
/// A trouble that is over sooner is told to nobody;
const PATIENCE: Duration = Duration::from_secs(30);
/// and one that comes again within an hour only when it lasts for so long.
const PATIENCE_AGAIN: Duration = Duration::from_secs(900);
const AGAIN: Duration = Duration::from_secs(3600);
/// What cannot be recorded is told at most so often.
const EACH: Duration = Duration::from_secs(15);
/// Events that are named in such a mail; the rest is counted.
const NAMED: usize = 50;

/// The database refuses writes.
#[derive(Debug)]
pub(super) struct Trouble {
    /// In its words.
    pub why: String,
    pub since: Timestamp,
    /// Not even what must not be lost can be written.
    dire: bool,
    /// People know.
    told: bool,
    /// Events of the backlog that were told past the outbox, or need not be.
    seen: usize,
    /// Mails past the outbox: how many, and when the last.
    direct: (u32, Option<Timestamp>),
    /// Samples that had been dropped before.
    dropped: u64,
}

impl Trouble {
    fn new(since: Timestamp, dropped: u64) -> Self {
        Self {
            why: String::new(),
            since,
            dire: false,
            told: false,
            seen: 0,
            direct: (0, None),
            dropped,
        }
    }

    /// Whether it has lasted long enough to be told; `last` is when the one before was over that people know of.
    fn is_news(&self, last: Option<Timestamp>, now: Timestamp) -> bool {
        let again = last.is_some_and(|last| self.since.since(last) < AGAIN);
        now.since(self.since) >= if again { PATIENCE_AGAIN } else { PATIENCE }
    }
}

impl Engine {
    pub(super) fn all_well(&mut self, now: Timestamp) {
        self.retry_at = None;
        let Some(trouble) = self.trouble.take() else {
            return;
        };
        info!(
            "the database takes samples again, after {} s; nothing in memory is left",
            now.since(trouble.since).as_secs()
        );
        if trouble.told {
            self.last_trouble = Some(now);
            self.backlog.notes.push(NoteAbout::Stored {
                from: trouble.since,
                to: now,
                dropped: self.backlog.dropped - trouble.dropped,
            });
        }
    }

    /// The database refused: what weighs is saved without the samples if that is possible, the rest waits in memory.
    pub(super) fn refused(&mut self, why: &StoreError, now: Timestamp) {
        self.retry_at = Some(tokio::time::Instant::now() + RETRY);
        let news = self.trouble.is_none();
        let dropped = self.backlog.dropped;
        let trouble = (self.trouble).get_or_insert_with(|| Trouble::new(now, dropped));
        // Without a database its words are those of an empty one.
        let closed = self.parts.store.is_closed();
        if !closed {
            trouble.why = why.to_string();
        }
        if news {
            error!(
                "the database cannot be written: {why}. Probing goes on, and samples wait in memory"
            );
        }
        if !trouble.told && !trouble.dire && trouble.is_news(self.last_trouble, now) {
            trouble.told = true;
            self.backlog.notes.push(NoteAbout::Storage {
                since: trouble.since,
                why: trouble.why.clone(),
            });
        }
        if matches!(why, StoreError::Full(_))
            && let Err(e) = self.parts.store.release_ballast()
        {
            error!("the reserve on the disk could not be given away: {e}");
        }
        if (closed || matches!(why, StoreError::Io(_) | StoreError::Corrupt(_)))
            && let Err(e) = self.parts.store.reopen(why)
        {
            if !closed {
                error!("the database could not be opened again: {e}");
            }
            return self.note_light(Err(e.to_string()), now);
        }
        self.note_recovery(now);
        if news || !self.backlog.weighs_nothing() {
            let saved = self.transact(now, false, Load::Light);
            self.note_light(saved.map_err(|e| e.to_string()), now);
        } else if self.trouble.as_ref().is_some_and(|t| t.dire) {
            self.tell_directly(now);
        }
    }

    /// After a damaged database was moved aside: the new one learns who is watched, and people are told, once an hour at
    /// most, should the new one suffer the same.
    pub(super) fn note_recovery(&mut self, now: Timestamp) {
        let Some(aside) = self.parts.store.take_recovered() else {
            return;
        };
        let plans = self.services.values().map(|s| &s.plan);
        let names = plans.flat_map(|plan| {
            let probes = plan.money.probes.iter();
            probes.map(move |p| (plan.id, plan.name.as_str(), p.probe, p.name.as_str()))
        });
        let names: Vec<_> = names.collect();
        if let Err(e) = self.parts.store.adopt(&self.parts.location, &names) {
            error!("the new database does not know who is watched: {e}");
        }
        // All that is known goes into it with the next commit.
        self.last_checkpoint = Timestamp::EPOCH;
        self.services.values_mut().for_each(|s| s.dirty = true);
        if self.last_damage.is_none_or(|at| now.since(at) >= AGAIN) {
            let aside = aside.display().to_string();
            self.backlog.notes.push(NoteAbout::Damaged { aside });
            self.last_damage = Some(now);
        }
    }

    /// Somebody who reads the database finds it damaged: it is read through, and moved aside if it is so.
    pub(super) fn look_into_damage(&mut self, now: Timestamp) {
        if self.trouble.is_none() {
            let why = "somebody who reads the database finds it damaged";
            self.refused(&StoreError::Io(why.into()), now);
        }
    }

    /// The wall clock was stepped by so much: all kept moments move along.
    pub(super) fn shift_trouble(&mut self, micros: i64) {
        let trouble = self.trouble.iter_mut();
        let own = trouble.flat_map(|t| t.direct.1.iter_mut().chain([&mut t.since]));
        let past = self.last_trouble.iter_mut().chain(&mut self.last_damage);
        own.chain(past).for_each(|at| *at = at.shifted(micros));
    }

    /// Says once when even what must not be lost has to wait, and tells people past the outbox.
    fn note_light(&mut self, saved: Result<(), String>, now: Timestamp) {
        let Some(trouble) = &mut self.trouble else {
            return;
        };
        match saved {
            Ok(()) => {
                trouble.dire = false;
                // What was told past the outbox is committed, with all that waited.
                trouble.seen = 0;
                return;
            }
            Err(e) if !std::mem::replace(&mut trouble.dire, true) => {
                error!("incidents and mails wait in memory too: {e}");
                // What was to be written of it is told past the outbox instead.
                let is_own = |about: &NoteAbout| matches!(about, NoteAbout::Storage { .. });
                trouble.told &= !self.backlog.notes.iter().any(is_own);
                self.backlog.notes.retain(|about| !is_own(about));
            }
            Err(_) => {}
        }
        self.tell_directly(now);
    }

    /// Tells of the trouble, and of what cannot be recorded, past the outbox.
    fn tell_directly(&mut self, now: Timestamp) {
        let Some(trouble) = &self.trouble else { return };
        let (sent, last) = trouble.direct;
        // The first that people hear of it has no number.
        let number = sent.max(u32::from(trouble.told));
        if now.since(trouble.since) < PATIENCE || last.is_some_and(|last| now.since(last) < EACH) {
            return;
        }
        let fresh = self.backlog.events.get(trouble.seen..).unwrap_or_default();
        let mut news: BTreeMap<String, Vec<(String, IncidentEvent)>> = BTreeMap::new();
        if !trouble.told && trouble.is_news(self.last_trouble, now) {
            news.extend(self.everybody().into_iter().map(|who| (who, Vec::new())));
        }
        for (service, event) in fresh {
            for (who, title) in self.woken(*service, event, now) {
                news.entry(who).or_default().push((title, *event));
            }
        }
        let seen = self.backlog.events.len();
        let letters: Vec<_> = news
            .into_iter()
            .map(|(who, mut events)| {
                let more = events.len().saturating_sub(NAMED);
                events.truncate(NAMED);
                let about = NoteAbout::Unrecorded {
                    since: trouble.since,
                    why: trouble.why.clone(),
                    number,
                    events,
                    more: u32::try_from(more).unwrap_or(u32::MAX),
                };
                self.parts.compose.note(&self.note(about, now), &who)
            })
            .collect();
        if let Some(trouble) = &mut self.trouble {
            trouble.seen = seen;
            if !letters.is_empty() {
                trouble.told = true;
                trouble.direct = (number.saturating_add(1), Some(now));
            }
        }
        if !letters.is_empty() {
            self.parts.observer.direct(letters);
        }
    }

    /// Who is woken by an event, each with the title of its service.
    fn woken(
        &self,
        service: ServiceId,
        event: &IncidentEvent,
        now: Timestamp,
    ) -> Vec<(String, String)> {
        let Some(service) = self.services.get(&service) else {
            return Vec::new();
        };
        let plan = &service.plan;
        let silent = || self.orders.silence(service, event.incident, now).is_some();
        if event.kind != IncidentKind::Errors || event.severity < plan.page_at || silent() {
            return Vec::new();
        }
        let people = plan.recipients.first_called().into_iter();
        people
            .map(|who| (who.to_owned(), plan.title.clone()))
            .collect()
    }

    fn note(&self, about: NoteAbout, at: Timestamp) -> Note {
        Note {
            about,
            location: self.parts.location.clone(),
            at,
        }
    }

    /// Who is called first for any service.
    fn everybody(&self) -> BTreeSet<String> {
        let rosters = self.services.values().map(|s| &s.plan.recipients);
        let people = rosters.flat_map(|roster| roster.first_called());
        people.map(str::to_owned).collect()
    }
}
