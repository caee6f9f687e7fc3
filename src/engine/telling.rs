//! From what has happened to letters: who is told, in which thread, with what around it.
//!
//! Runs within the transaction that commits the events, so that a letter is in the outbox exactly when they are.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use crate::model::cap::Caps;
use crate::model::common::{Failing, common};
use crate::model::crowd::Joining;
use crate::model::life::Theme;
use crate::model::mailing::Mailings;
use crate::model::notification::{
    Compose, Fellow, Notification, Pace, ProbeTally, Reminder, Thread,
};
use crate::model::post::{LATE, Post, WEBHOOK};
use crate::model::roster::Roster;
use crate::model::said::{Acked, Joins, Remarks, Unsent};
use crate::model::scene::Scene;
use crate::model::story::{Member, News, Reminding, Root, Telling};
use crate::model::{EventKind, IncidentEvent, IncidentId, IncidentKind, ServiceId, Timestamp};
use crate::store::{About, Said, StoreError, Story, Transaction};

use super::routes::alternatives;
use super::scene;
use super::service::Service;

/// Services that work are named up to this number.
const WORKS: usize = 8;

/// All that a letter is made from.
pub(super) struct Desk<'a, 'tx> {
    pub tx: &'a mut Transaction<'tx>,
    pub compose: &'a dyn Compose,
    pub location: &'a str,
    pub services: &'a HashMap<ServiceId, Service>,
    pub mailings: &'a Mailings,
    pub post: &'a Post,
    pub caps: &'a mut Caps,
    /// Who is told now of what others know already.
    pub joining: &'a [Joining],
    pub now: Timestamp,
    /// What was looked up for one recipient serves the next.
    pub facts: HashMap<(IncidentId, u32), (Story, Scene)>,
    /// Pictures that may still be drawn.
    pub pictures: usize,
}

impl Desk<'_, '_> {
    /// Writes the letter of a telling, and says which mail its thread hangs on from now on. `None` when there is none: it
    /// was one too many, or there is no service any more that it would be about.
    pub fn tell(&mut self, recipient: &str, telling: &Telling) -> Result<Option<Root>, StoreError> {
        let lead = &telling.lead;
        let event = &lead.event;
        let Some(service) = self.services.get(&lead.service) else {
            return Ok(None);
        };
        let key = (event.incident, event.sequence);
        let (story, scene) = match self.facts.get(&key) {
            Some(facts) => facts.clone(),
            None => {
                let since = begin(service, lead);
                let story = self.tx.story(lead.service, since, event.cause)?;
                let onset = service
                    .incident(event.incident)
                    .map_or(event.since, |i| i.since);
                let draw = self.pictures > 0;
                let scene = scene::gather(self.tx, service, event, onset, draw, self.now)?;
                self.pictures -= usize::from(scene.picture.is_some());
                self.facts.insert(key, (story.clone(), scene.clone()));
                (story, scene)
            }
        };
        let thread = self.thread(&telling.root, &telling.lead)?;
        let mut notification = self.notification(service, story, thread, telling, recipient);
        notification.remarks = self.remarks(service, event)?;
        notification.scene = scene;
        let roster = &service.plan.recipients;
        if !recipient.starts_with(WEBHOOK) {
            let most = roster.most_per_hour;
            if !(self.caps).admit(recipient, most, lead.service, event, self.now) {
                return self.told_with(telling).map(|()| None);
            }
            notification.remarks.stands_for = self.fold(telling.root.incident, recipient)?;
        }
        let root = self.root(recipient, telling)?;
        if root != telling.root {
            notification.thread = self.thread(&root, lead)?;
        }
        notification.remarks.reminder = telling.reminder;
        notification.remarks.joins = self.joins(roster, event.incident, recipient);
        let about = About {
            // Letters of a thread keep their order, and are found with the incident that it began with.
            incident: root.incident,
            sequence: event.sequence,
            event: event.event,
        };
        let letter = self.compose.compose(&notification, recipient);
        let can_wait = roster.waits(event, recipient, self.now);
        let stays_well = notification.pace == Pace::StaysWell;
        let rests = stays_well.then(|| roster.rests(recipient, self.now));
        let off = (telling.reminder > 0).then(|| roster.is_off(recipient, self.now));
        let due = can_wait.or(rests.flatten()).or(off.flatten());
        let due = due.unwrap_or(self.now);
        self.tx.letter_later(Some(about), &letter, self.now, due)?;
        self.told_with(telling)?;
        Ok(Some(root))
    }

    /// The mail that the reader's thread hangs on: this one, when he never gets the one that it would be.
    fn root(&self, recipient: &str, telling: &Telling) -> Result<Root, StoreError> {
        let (root, event) = (telling.root, &telling.lead.event);
        let lost = (self.tx).is_lost(root.incident, root.sequence, recipient)?;
        if telling.reminder > 0 || !lost {
            return Ok(root);
        }
        Ok(Root {
            service: telling.lead.service,
            incident: event.incident,
            sequence: event.sequence,
        })
    }

    /// The thread that hangs on a mail, and in which `lead` is told.
    fn thread(&self, root: &Root, lead: &News) -> Result<Thread, StoreError> {
        let event = &lead.event;
        let events = self.tx.events(root.incident)?;
        let first = events.iter().find(|e| e.sequence == root.sequence);
        let mut services = [root.service, lead.service].into_iter();
        let service = services.find_map(|id| self.services.get(&id));
        Ok(Thread {
            incident: root.incident,
            sequence: root.sequence,
            title: service.map_or_else(String::new, |s| s.plan.title.clone()),
            theme: Theme {
                kind: event.kind,
                cause: event.cause,
            },
            severity: first.map_or(event.severity, |e| e.severity),
        })
    }

    fn told_with(&mut self, telling: &Telling) -> Result<(), StoreError> {
        for member in &telling.members {
            self.tx.told_with(member.incident, telling.root.incident)?;
        }
        Ok(())
    }

    /// Why somebody is told only now, if that is so.
    fn joins(&self, roster: &Roster, incident: IncidentId, who: &str) -> Option<Joins> {
        let joins = |j: &Joining| j.event.incident == incident && j.people.iter().any(|p| p == who);
        self.joining.iter().find(|j| joins(j))?;
        let mut seats = roster.seats.iter().filter(|s| s.who == who);
        Some(match seats.find(|s| !s.after.is_zero()) {
            Some(seat) => Joins::Called(seat.after),
            None => Joins::OnDuty,
        })
    }

    /// Writes a reminder that a story goes on; false when it does not any more.
    pub fn remind_open(
        &mut self,
        recipient: &str,
        reminding: &Reminding,
    ) -> Result<bool, StoreError> {
        let lead = &reminding.lead;
        let latest = self.tx.latest_event(lead.incident)?;
        let (Some(service), Some(latest)) = (self.services.get(&lead.service), latest) else {
            return Ok(false);
        };
        if latest.event == EventKind::Close {
            return Ok(false);
        }
        let since = service
            .incident(lead.incident)
            .map_or(lead.since, |i| i.since);
        let probes = self.tx.story(lead.service, since, latest.cause)?.probes;
        let sum = |of: fn(&ProbeTally) -> u32| probes.iter().map(of).sum();
        let mut event = IncidentEvent {
            event: EventKind::Open,
            at: self.now,
            since,
            ..latest
        };
        (event.verdict.failed, event.verdict.of) = (sum(|p| p.failed), sum(|p| p.of));
        event.verdict.window_s = self.now.since(since).as_secs_f64();
        let lead = News {
            service: lead.service,
            event,
        };
        let telling = Telling {
            lead,
            root: reminding.root,
            news: Vec::new(),
            members: reminding.members.clone(),
            reminder: reminding.times,
        };
        self.tell(recipient, &telling).map(|root| root.is_some())
    }

    /// Writes the letters about something that ends on a day; how many there were.
    pub fn remind(&mut self, said: &Said) -> Result<usize, StoreError> {
        let Some(service) = self.services.get(&said.service) else {
            return Ok(0);
        };
        let reminder = Reminder {
            deadline: said.deadline.clone(),
            days: said.days,
            service: service.plan.name.clone(),
            title: service.plan.title.clone(),
            location: self.location.to_owned(),
            at: self.now,
        };
        let roster = &service.plan.recipients;
        let recipients = roster.first_called();
        for recipient in &recipients {
            let letter = self.compose.remind(&reminder, recipient);
            let due = roster.rests(recipient, self.now).unwrap_or(self.now);
            self.tx.letter_later(None, &letter, self.now, due)?;
        }
        Ok(recipients.len())
    }

    /// All that a reader of the mail wants to know, as of this transaction.
    fn notification(
        &self,
        service: &Service,
        story: Story,
        thread: Thread,
        telling: &Telling,
        recipient: &str,
    ) -> Notification {
        let event = telling.lead.event;
        let incident = service.incident(event.incident);
        let outage = event.kind == IncidentKind::Errors;
        let plain = service.plan.rules.reopen_within;
        let reopen_within = incident.map_or(plain, |i| i.watch(plain));
        Notification {
            event,
            thread,
            opened_at: incident.map_or(event.at, |i| i.opened_at),
            reopened: incident.map_or(0, |i| i.reopened),
            service: service.plan.name.clone(),
            title: service.plan.title.clone(),
            reasons: story.reasons,
            probes: story.probes,
            concerned: service.failing(event.incident),
            rule: service.rule_of(&event),
            last_failure: story.last_failure,
            location: self.location.to_owned(),
            reopen_within,
            pace: self.pace(service.plan.id, &event, reopen_within),
            fellows: self.fellows(telling),
            common: common(&self.failing(&telling.members), self.services.len()),
            works: if outage && telling.members.iter().any(|m| m.open) {
                self.works(recipient, service, &telling.members)
            } else {
                Vec::new()
            },
            remarks: Remarks::default(),
            scene: Scene::default(),
        }
    }

    /// How this mail stands among those of its incident, which is watched for `watch`.
    fn pace(&self, service: ServiceId, event: &IncidentEvent, watch: Duration) -> Pace {
        match event.event {
            EventKind::Close if event.retired => Pace::Steps,
            EventKind::Close if self.now.since(event.at) >= watch => Pace::StaysWell,
            EventKind::Close => Pace::Steps,
            _ if self.mailings.comes_back(service, event.kind) => Pace::ComesBack,
            _ => Pace::Steps,
        }
    }

    /// What people said of the incident that a mail is mainly about.
    fn remarks(&self, service: &Service, event: &IncidentEvent) -> Result<Remarks, StoreError> {
        // What has happened since then was not kept back.
        let lifted = service.lifted.get(&event.incident);
        let silence = lifted.filter(|l| event.at <= l.at).cloned();
        let ack = self.tx.last_ack(event.incident)?.and_then(|row| {
            // One that has ended is spoken of by the mail that tells of its end, and by no later one.
            let ends = row.ended.as_ref().map(|(at, _)| *at);
            let now = ends.is_none_or(|at| at == event.at);
            now.then(|| Acked {
                ends: ends.is_some(),
                who: row.who,
                at: row.at,
                note: row.why,
            })
        });
        Ok(Remarks {
            ack,
            silence,
            stands_for: None,
            joins: None,
            reminder: 0,
        })
    }

    /// What waits of this thread for too long is not sent: the mail that comes now stands for it.
    fn fold(&mut self, thread: IncidentId, recipient: &str) -> Result<Option<Unsent>, StoreError> {
        let before = self.now - LATE;
        let folded = self.tx.fold(thread, recipient, before, self.now)?;
        Ok(folded.map(|folded| Unsent {
            mails: folded.letters,
            since: folded.since,
            server_away: !folded.held || self.post.closed_since(recipient).is_some(),
        }))
    }

    /// The other members: open ones first, the worst first.
    fn fellows(&self, telling: &Telling) -> Vec<Fellow> {
        let others = telling
            .members
            .iter()
            .filter(|m| m.incident != telling.lead.event.incident)
            .filter_map(|m| {
                Some(Fellow {
                    title: self.services.get(&m.service)?.plan.title.clone(),
                    incident: m.incident,
                    open: m.open,
                    severity: m.severity,
                    since: m.since,
                })
            });
        let mut fellows: Vec<Fellow> = others.collect();
        fellows.sort_by(|a, b| (b.open, b.severity, &a.title).cmp(&(a.open, a.severity, &b.title)));
        fellows
    }

    fn failing(&self, members: &[Member]) -> Vec<Failing> {
        let open = members.iter().filter(|m| m.open);
        open.filter_map(|m| {
            let service = self.services.get(&m.service)?;
            let affected: BTreeSet<_> = service.state.affected().collect();
            let (failing, fine): (Vec<_>, Vec<_>) = service
                .plan
                .kinds
                .iter()
                .partition(|(probe, _)| affected.contains(probe));
            let kinds: BTreeSet<&'static str> = failing.iter().map(|(_, kind)| *kind).collect();
            Some(Failing {
                provider: service.plan.provider.clone(),
                fine: fine
                    .iter()
                    .map(|(_, kind)| *kind)
                    .filter(|kind| !kinds.contains(kind))
                    .collect(),
                kinds,
            })
        })
        .collect()
    }

    /// The recipient's services that have no trouble at all, and are not those that the mail is about: first those that
    /// can do what fails at `lead`, the best first and with their usual latency, then the titles of the others.
    fn works(&self, recipient: &str, lead: &Service, about: &[Member]) -> Vec<String> {
        let is_other = |s: &Service| about.iter().all(|m| m.service != s.plan.id);
        let known = |s: &Service| s.works() && is_other(s) && s.plan.recipients.has(recipient);
        let mut names = BTreeSet::new();
        let mut works = Vec::new();
        for ability in lead.lost() {
            let ranked = alternatives(self.services, ability, self.now, known);
            for other in ranked.into_iter().filter(|other| other.rank.works()) {
                if names.insert(other.name.clone()) {
                    works.push(other.to_string());
                }
            }
        }
        let others = self.services.values().filter(|s| known(s));
        let others = others.filter(|s| !names.contains(&s.plan.name));
        let mut titles: Vec<String> = others.map(|s| s.plan.title.clone()).collect();
        titles.sort();
        works.extend(titles);
        works.truncate(WORKS);
        works
    }
}

/// From when on the story of a service is told: a recovery tells the whole of it, all else what has happened since the
/// latest onset.
fn begin(service: &Service, lead: &News) -> Timestamp {
    match lead.event.event {
        EventKind::Close => service
            .incident(lead.event.incident)
            .map_or(lead.event.since, |i| i.since),
        _ => lead.event.since,
    }
}
