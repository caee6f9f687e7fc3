//! Stories: incidents of several services that begin together are one trouble, and are told in one thread of mails.
//!
//! A service that fails alone is told of at once, and so is each step of its incident. When others join, what happens
//! is gathered: a mail that comes each time a further one of five hundred services opens is as bad as none.
//! Pure: [`Stories::due`] says what is to be told now.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::detect::is_default;
use super::{EventKind, IncidentEvent, IncidentId, IncidentKind, ServiceId, Severity, Timestamp};

/// Incidents whose onsets or opens are no further apart belong together.
const TOGETHER: Duration = Duration::from_secs(300);
/// So many services under suspicion at once, and a tenth of all, are a storm that is brewing; so many in one story are one.
const STORM: usize = 5;
const STORM_SHARE: usize = 10;
/// The first mail of a storm waits until nobody has joined for this long,
const CALM: Duration = Duration::from_secs(10);
/// but no longer than this.
const LONGEST_WAIT: Duration = Duration::from_secs(90);
/// What happens after the first mail is gathered for so long, from mail to mail.
const GAPS: [Duration; 4] = [
    Duration::from_secs(60),
    Duration::from_secs(300),
    Duration::from_secs(900),
    Duration::from_secs(3600),
];
/// A reminder comes after twice the time of the one before, but each day at least.
const LONGEST_GAP: Duration = Duration::from_secs(86_400);
/// Recoveries of some, while others still fail, can wait for so long.
const PARTLY_OVER: Duration = Duration::from_secs(900);

/// The stories of every recipient: each is told only of the services that are his, and when it is time for him.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Audience(BTreeMap<String, Stories>);

impl Audience {
    /// Takes an event in, for those who are to know of it; see [`Stories::take`].
    pub fn take(
        &mut self,
        recipients: &[String],
        service: ServiceId,
        event: &IncidentEvent,
        mailed: bool,
    ) {
        for recipient in recipients {
            match self.0.get_mut(recipient) {
                Some(stories) => stories.take(service, event, mailed),
                None if mailed => {
                    let mut stories = Stories::default();
                    stories.take(service, event, mailed);
                    self.0.insert(recipient.clone(), stories);
                }
                None => {}
            }
        }
    }

    /// What is to be told to whom now; see [`Stories::due`].
    pub fn due(
        &mut self,
        now: Timestamp,
        suspected: usize,
        services: usize,
    ) -> Vec<(String, Telling)> {
        let of = self.0.iter_mut().flat_map(|(recipient, stories)| {
            let due = stories.due(now, suspected, services);
            due.into_iter().map(|telling| (recipient.clone(), telling))
        });
        of.collect()
    }

    /// Whom to remind of what is still going on; see [`Stories::remind`].
    pub fn remind(
        &mut self,
        now: Timestamp,
        every: &impl Fn(&Member) -> Option<Duration>,
    ) -> Vec<(String, Reminding)> {
        let of = self.0.iter_mut().flat_map(|(recipient, stories)| {
            let all = stories.remind(now, every);
            all.into_iter()
                .map(|reminding| (recipient.clone(), reminding))
        });
        of.collect()
    }

    /// Whether [`Audience::remind`] would give anything.
    pub fn reminds(&self, now: Timestamp, every: &impl Fn(&Member) -> Option<Duration>) -> bool {
        let stories = self.0.values().flat_map(|s| &s.0);
        stories.into_iter().any(|s| s.reminds(now, every).is_some())
    }

    /// Takes back what is not told yet, where `which` says so; what several were to be told, several times.
    pub fn withdraw(&mut self, which: impl Fn(&News) -> bool) -> Vec<News> {
        let all = self.0.values_mut();
        all.flat_map(|stories| stories.withdraw(&which)).collect()
    }

    /// Whether [`Audience::due`] would give anything.
    pub fn is_due(&self, now: Timestamp, suspected: usize, services: usize) -> bool {
        let due = |s: &Stories| s.is_due(now, suspected, services);
        self.0.values().any(due)
    }

    /// The thread of somebody's story hangs on another mail than on `root`, or on the next one: he never got that one.
    pub fn hang(&mut self, recipient: &str, root: Root, on: Option<Root>) {
        let stories = self.0.get_mut(recipient).into_iter();
        for story in stories.flat_map(|stories| &mut stories.0) {
            if story.root == Some(root) {
                story.root = on;
            }
        }
    }

    /// Whether anything has happened that is not told yet.
    pub fn waits(&self) -> bool {
        self.0.values().any(Stories::waits)
    }

    /// An incident is final; see [`Stories::forget`].
    pub fn forget(&mut self, incident: IncidentId) {
        self.0.retain(|_, stories| {
            stories.forget(incident);
            !stories.0.is_empty()
        });
    }

    /// The wall clock was stepped by so much: all kept moments move along.
    pub fn shift(&mut self, micros: i64) {
        self.0.values_mut().for_each(|s| s.shift(micros));
    }
}

/// All stories of one recipient that are not over.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stories(Vec<Story>);

/// One story.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Story {
    /// In the order in which they joined.
    members: Vec<Member>,
    kind: IncidentKind,
    joined_at: Timestamp,
    #[serde(default, skip_serializing_if = "is_default")]
    told: Option<Told>,
    /// What happened since then.
    #[serde(default, skip_serializing_if = "is_default")]
    news: Vec<News>,
    #[serde(default, skip_serializing_if = "is_default")]
    root: Option<Root>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Told {
    at: Timestamp,
    times: u32,
    worst: Severity,
    /// Reminders since then.
    #[serde(default, skip_serializing_if = "is_default")]
    reminders: u32,
}

/// An incident in a story, as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// Of which service.
    pub service: ServiceId,
    /// Which incident.
    pub incident: IncidentId,
    /// Still open; else recovered.
    pub open: bool,
    /// How bad it is, or was at worst.
    pub severity: Severity,
    /// Estimated onset.
    pub since: Timestamp,
    /// When it joined.
    pub joined_at: Timestamp,
}

/// An event that is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct News {
    /// Of which service.
    pub service: ServiceId,
    /// The event.
    pub event: IncidentEvent,
}

/// The first mail of a story: what its thread hangs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    /// Of which service it told.
    pub service: ServiceId,
    /// Of which incident.
    pub incident: IncidentId,
    /// Of which of its events.
    pub sequence: u32,
}

/// One mail's worth.
#[derive(Debug, Clone, PartialEq)]
pub struct Telling {
    /// What it is mainly about: the worst of what breaks, else the latest of what recovers.
    pub lead: News,
    /// The mail that its thread hangs on; it may be this one.
    pub root: Root,
    /// What has happened since the last mail, in order; never empty.
    pub news: Vec<News>,
    /// All incidents of the story.
    pub members: Vec<Member>,
    /// Of a reminder its number since the last news, from 1; else 0.
    pub reminder: u32,
}

impl Telling {
    /// Whether it is the first mail of its story.
    pub fn is_first(&self) -> bool {
        let event = &self.lead.event;
        (self.root.incident, self.root.sequence) == (event.incident, event.sequence)
    }
}

/// A story that goes on, and of which nothing was told for long.
#[derive(Debug, Clone, PartialEq)]
pub struct Reminding {
    /// The worst of what is open.
    pub lead: Member,
    /// The mail that its thread hangs on.
    pub root: Root,
    /// All incidents of the story.
    pub members: Vec<Member>,
    /// How often it was reminded of since the last news, this time included.
    pub times: u32,
}

impl Stories {
    /// Takes an event in. `mailed` is whether the service's own rules want it told; if not, it only changes what later
    /// mails say.
    pub fn take(&mut self, service: ServiceId, event: &IncidentEvent, mailed: bool) {
        let at = match self.of(event.incident) {
            Some(at) => at,
            None if mailed => match self.joins(event) {
                Some(at) => at,
                None => {
                    self.0.push(Story {
                        members: Vec::new(),
                        kind: event.kind,
                        joined_at: event.at,
                        told: None,
                        news: Vec::new(),
                        root: None,
                    });
                    self.0.len() - 1
                }
            },
            None => return,
        };
        if let Some(story) = self.0.get_mut(at) {
            story.take(service, event, mailed);
        }
    }

    /// What is to be told now. `suspected` of `services` are under suspicion without an open incident.
    pub fn due(&mut self, now: Timestamp, suspected: usize, services: usize) -> Vec<Telling> {
        let storm = suspected >= STORM && suspected * STORM_SHARE >= services;
        let due = self.0.iter_mut().filter(|s| s.is_due(now, storm));
        due.filter_map(|story| story.tell(now)).collect()
    }

    /// The stories that are still going on and were not told of for long. `every` gives the time to the first reminder of
    /// an incident; none for what nobody is to be reminded of.
    pub fn remind(
        &mut self,
        now: Timestamp,
        every: &impl Fn(&Member) -> Option<Duration>,
    ) -> Vec<Reminding> {
        let all = self.0.iter_mut();
        all.filter_map(|story| story.remind(now, every)).collect()
    }

    /// Whether anything has happened that is not told yet.
    pub fn waits(&self) -> bool {
        self.0.iter().any(|s| !s.news.is_empty())
    }

    /// Whether [`Stories::due`] would give anything.
    pub fn is_due(&self, now: Timestamp, suspected: usize, services: usize) -> bool {
        let storm = suspected >= STORM && suspected * STORM_SHARE >= services;
        self.0.iter().any(|s| s.is_due(now, storm))
    }

    /// Takes back what is not told yet, where `which` says so.
    pub fn withdraw(&mut self, which: impl Fn(&News) -> bool) -> Vec<News> {
        let all = self.0.iter_mut();
        all.flat_map(|story| story.news.extract_if(.., |news| which(news)))
            .collect()
    }

    /// An incident is final: it leaves its story, which ends with the last one.
    pub fn forget(&mut self, incident: IncidentId) {
        let Some(at) = self.of(incident) else { return };
        if let Some(story) = self.0.get_mut(at) {
            story.members.retain(|m| m.incident != incident);
            story.news.retain(|n| n.event.incident != incident);
            if story.members.is_empty() {
                self.0.remove(at);
            }
        }
    }

    /// The wall clock was stepped by so much: all kept moments move along.
    pub fn shift(&mut self, micros: i64) {
        for story in &mut self.0 {
            story.joined_at = story.joined_at.shifted(micros);
            for member in &mut story.members {
                member.since = member.since.shifted(micros);
                member.joined_at = member.joined_at.shifted(micros);
            }
            if let Some(told) = &mut story.told {
                told.at = told.at.shifted(micros);
            }
        }
    }

    fn of(&self, incident: IncidentId) -> Option<usize> {
        let is_in = |s: &Story| s.members.iter().any(|m| m.incident == incident);
        self.0.iter().position(is_in)
    }

    /// The story that a new incident belongs to.
    fn joins(&self, event: &IncidentEvent) -> Option<usize> {
        if event.kind != IncidentKind::Errors {
            return None;
        }
        let near = |a: Timestamp, b: Timestamp| a.since(b).max(b.since(a)) <= TOGETHER;
        self.0.iter().position(|story| {
            let mut open = story.members.iter().filter(|m| m.open);
            story.kind == IncidentKind::Errors
                && open.any(|m| near(m.since, event.since) || near(story.joined_at, event.at))
        })
    }
}

impl Story {
    fn take(&mut self, service: ServiceId, event: &IncidentEvent, mailed: bool) {
        let open = event.event != EventKind::Close;
        match self
            .members
            .iter_mut()
            .find(|m| m.incident == event.incident)
        {
            Some(member) => {
                member.open = open;
                member.severity = event.severity;
            }
            None => {
                self.members.push(Member {
                    service,
                    incident: event.incident,
                    open,
                    severity: event.severity,
                    since: event.since,
                    joined_at: event.at,
                });
                self.joined_at = self.joined_at.max(event.at);
            }
        }
        if mailed {
            self.news.push(News {
                service,
                event: *event,
            });
        }
    }

    fn is_due(&self, now: Timestamp, storm: bool) -> bool {
        let Some(first) = self.news.first() else {
            return false;
        };
        let Some(told) = self.told else {
            let storm = storm || self.members.len() >= STORM;
            let calm = now.since(self.joined_at) >= CALM;
            return !storm || calm || now.since(first.event.at) >= LONGEST_WAIT;
        };
        let alone = self.members.len() < 2;
        let over = !self.members.iter().any(|m| m.open);
        let worse = |n: &News| n.event.event != EventKind::Close && n.event.severity > told.worst;
        if alone || over || self.news.iter().any(worse) {
            return true;
        }
        let only_better = self.news.iter().all(|n| n.event.event == EventKind::Close);
        let step = usize::try_from(told.times).unwrap_or(usize::MAX).max(1) - 1;
        let gap = GAPS[step.min(GAPS.len() - 1)];
        now.since(told.at)
            >= if only_better {
                gap.max(PARTLY_OVER)
            } else {
                gap
            }
    }

    /// What is open and to be reminded of now.
    fn reminds(
        &self,
        now: Timestamp,
        every: &impl Fn(&Member) -> Option<Duration>,
    ) -> Option<Member> {
        let told = self.told.filter(|_| self.news.is_empty())?;
        if self.kind != IncidentKind::Errors {
            return None;
        }
        let open = self.members.iter().filter(|m| m.open);
        let due = open.filter(|m| {
            let gap = |every: Duration| {
                let doubled = every * (1 << told.reminders.min(8));
                doubled.min(LONGEST_GAP.max(every))
            };
            every(m).is_some_and(|every| now.since(told.at) >= gap(every))
        });
        // Of equals the first: it is what the others joined.
        due.rev().max_by_key(|m| m.severity).copied()
    }

    fn remind(
        &mut self,
        now: Timestamp,
        every: &impl Fn(&Member) -> Option<Duration>,
    ) -> Option<Reminding> {
        let lead = self.reminds(now, every)?;
        // None when its first mail was one too many, and told of among others.
        let root = self.root.unwrap_or(Root {
            service: lead.service,
            incident: lead.incident,
            sequence: 0,
        });
        let told = self.told.as_mut()?;
        told.at = now;
        told.reminders = told.reminders.saturating_add(1);
        Some(Reminding {
            lead,
            root,
            members: self.members.clone(),
            times: told.reminders,
        })
    }

    fn tell(&mut self, now: Timestamp) -> Option<Telling> {
        let news = std::mem::take(&mut self.news);
        let lead = leading(&news, &self.members)?;
        let root = *self.root.get_or_insert(Root {
            service: lead.service,
            incident: lead.event.incident,
            sequence: lead.event.sequence,
        });
        let worst = |told: Severity| {
            let severities = news.iter().map(|n| n.event.severity);
            severities.fold(told, Severity::max)
        };
        self.told = Some(match self.told {
            Some(told) => Told {
                at: now,
                times: told.times.saturating_add(1),
                worst: worst(told.worst),
                reminders: 0,
            },
            None => Told {
                at: now,
                times: 1,
                worst: worst(Severity::Degraded),
                reminders: 0,
            },
        });
        Some(Telling {
            lead,
            root,
            news,
            members: self.members.clone(),
            reminder: 0,
        })
    }
}

/// What a mail is mainly about: what is over by now leads only where nothing fails any more.
fn leading(news: &[News], members: &[Member]) -> Option<News> {
    let is_open = |incident| members.iter().any(|m| m.incident == incident && m.open);
    let breaks = news
        .iter()
        .filter(|n| n.event.event != EventKind::Close && is_open(n.event.incident));
    // Of equals the first: it is what the others joined.
    let worst = breaks.rev().max_by_key(|n| n.event.severity);
    let latest = news.iter().rev().max_by_key(|n| n.event.at);
    worst.or(latest).copied()
}

#[cfg(test)]
#[path = "story_tests.rs"]
mod tests;
