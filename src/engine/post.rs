//! What the sender reports, as the engine writes it down, and the letters about letters that follow of it.

use std::collections::{BTreeSet, HashMap};

use tracing::{info, warn};

use crate::model::cap::Aside;
use crate::model::notification::{Compose, DeliveryReport, Note, NoteAbout};
use crate::model::post::{Addressed, LATE, PostNews, WEBHOOK};
use crate::model::{ServiceId, Timestamp};
use crate::store::{StoreError, Transaction};

use super::service::Service;
use super::told::Told;

/// All that a letter about letters is made from.
pub(super) struct Counter<'a, 'tx> {
    pub tx: &'a mut Transaction<'tx>,
    pub compose: &'a dyn Compose,
    pub location: &'a str,
    pub services: &'a HashMap<ServiceId, Service>,
    pub now: Timestamp,
}

impl Counter<'_, '_> {
    /// Writes the reports down; how many letters that made.
    pub fn record(
        &mut self,
        reports: &[DeliveryReport],
        told: &mut Told,
    ) -> Result<usize, StoreError> {
        let mut letters = 0;
        for report in reports {
            let Some(to) = self.tx.report(report)? else {
                continue;
            };
            for news in told.post.take(report, &to) {
                letters += match news {
                    PostNews::Reopened { lane, from, to } => self.reopened(&lane, from, to)?,
                    PostNews::Refused { to, reply } => self.refused(&to, &reply)?,
                };
            }
        }
        Ok(letters)
    }

    /// Who gets mails late is told that they are, and why.
    fn reopened(
        &mut self,
        lane: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<usize, StoreError> {
        let hours = to.since(from).as_secs_f64() / 3600.0;
        info!("{lane} goes again, after {hours:.1} h; what waited is on its way");
        if lane.starts_with(WEBHOOK) {
            return Ok(0);
        }
        let late = self.tx.late(from, to - LATE, to)?;
        for backlog in &late {
            let about = NoteAbout::Late {
                from,
                to,
                waiting: backlog.waiting,
                folded: backlog.folded,
            };
            self.write(about, &backlog.recipient)?;
        }
        Ok(late.len())
    }

    /// The others who are told of the same services are told that somebody is not.
    fn refused(&mut self, to: &Addressed, reply: &str) -> Result<usize, StoreError> {
        warn!("mails to {} do not arrive: {reply}", to.recipient);
        let mut others = BTreeSet::new();
        for service in self.services.values() {
            let recipients = &service.plan.recipients;
            if recipients.has(&to.recipient) {
                let first = recipients.first_called();
                others.extend(first.into_iter().filter(|who| *who != to.recipient));
            }
        }
        for other in &others {
            let about = NoteAbout::Refused {
                recipient: to.recipient.clone(),
                reply: reply.to_owned(),
                incident: to.incident,
            };
            self.write(about, other)?;
        }
        Ok(others.len())
    }

    /// What was more than mails an hour are sent; how many mails that makes.
    pub fn folded(&mut self, due: Vec<(String, Aside)>) -> Result<usize, StoreError> {
        let letters = due.len();
        for (who, aside) in due {
            let title = |id: &ServiceId| match self.services.get(id) {
                Some(service) => service.plan.title.clone(),
                None => "a service that is gone".to_owned(),
            };
            let events = aside.events.iter();
            let about = NoteAbout::Folded {
                most: aside.most,
                since: aside.since,
                events: events.map(|(id, event)| (title(id), *event)).collect(),
                more: aside.more,
            };
            self.write(about, &who)?;
        }
        Ok(letters)
    }

    /// What everybody is to know who is called first for any service; how many mails that makes.
    pub fn notes(&mut self, notes: &[NoteAbout]) -> Result<usize, StoreError> {
        if notes.is_empty() {
            return Ok(0);
        }
        let rosters = self.services.values().map(|s| &s.plan.recipients);
        let everybody: BTreeSet<&str> = rosters.flat_map(|r| r.first_called()).collect();
        for about in notes {
            for who in &everybody {
                self.write(about.clone(), who)?;
            }
        }
        Ok(notes.len() * everybody.len())
    }

    fn write(&mut self, about: NoteAbout, recipient: &str) -> Result<(), StoreError> {
        let note = Note {
            about,
            location: self.location.to_owned(),
            at: self.now,
        };
        let letter = self.compose.note(&note, recipient);
        self.tx.letter(None, &letter, self.now)
    }
}
