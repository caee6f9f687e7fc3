//! Which steps of an incident are mailed, and when: all of them, until it keeps coming back.
//!
//! What happens to an incident is mailed as it happens. Trouble that comes and goes all night would fill a mailbox that
//! way, so after a few mails the next one says that it keeps coming back, and from then on only three things are mailed:
//! that it is worse than anything that was told, that it stays, and that it has stayed away for the whole watch.
//! Pure: the state between two events is all there is, and can be stored and taken up again anywhere.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::detect::is_default;
use super::life::{LONGEST_WATCH, watch};
use super::{EventKind, IncidentEvent, IncidentKind, ServiceId, Severity, Timestamp};

/// So many mails about one trouble go out as things happen: that it broke, recovered, broke again, and recovered again.
const FREELY: u32 = 4;
/// A relapse that lasts this long is no blow that passes, and is mailed whatever was said before.
pub const LASTING: Duration = Duration::from_secs(3600);

/// The mails about every trouble that is not over, of all services.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mailings(Vec<Series>);

/// The mails about one trouble: an incident, and those that follow soon after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Series {
    service: ServiceId,
    kind: IncidentKind,
    told: Told,
    /// Mails so far.
    #[serde(default, skip_serializing_if = "is_default")]
    sent: u32,
    /// How often it came back.
    #[serde(default, skip_serializing_if = "is_default")]
    relapses: u32,
    /// The worst that was told.
    #[serde(default, skip_serializing_if = "is_default")]
    worst: Option<Severity>,
    /// When it broke last.
    broke_at: Timestamp,
    #[serde(default, skip_serializing_if = "is_default")]
    closed_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "is_default")]
    held: Option<Held>,
}

/// What readers believe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Told {
    /// It works: nothing was told, or that it has recovered.
    Well,
    /// It is broken, this badly.
    Broken(Severity),
    /// It keeps coming back.
    ComesBack,
}

/// An event that is mailed unless something happens before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Held {
    event: IncidentEvent,
    due: Timestamp,
}

impl Mailings {
    /// Takes an event in, and tells whether it is mailed now. `wanted` is whether the service's own rules want it told.
    ///
    /// Notices of our own troubles and blind spots have rules of their own: they are mailed when wanted.
    pub fn take(
        &mut self,
        service: ServiceId,
        event: &IncidentEvent,
        wanted: bool,
        reopen_within: Duration,
    ) -> bool {
        if !matches!(event.kind, IncidentKind::Errors | IncidentKind::Latency) {
            return wanted;
        }
        let is_of = |s: &Series| s.service == service && s.kind == event.kind;
        let at = self.0.iter().position(is_of).unwrap_or_else(|| {
            self.0.push(Series::new(service, event));
            self.0.len() - 1
        });
        let Some(series) = self.0.get_mut(at) else {
            return wanted;
        };
        series.happen(event);
        wanted && series.mails(event, reopen_within)
    }

    /// What was kept back is told now, whatever was told before.
    pub fn tell(&mut self, service: ServiceId, event: &IncidentEvent) {
        let is_of = |s: &&mut Series| s.service == service && s.kind == event.kind;
        if let Some(series) = self.0.iter_mut().find(is_of) {
            series.tell(event);
        }
    }

    /// The events whose time has come: to be mailed now. Trouble that is long over is forgotten.
    pub fn due(&mut self, now: Timestamp) -> Vec<(ServiceId, IncidentEvent)> {
        let mut due = Vec::new();
        for series in &mut self.0 {
            if let Some(held) = series.held.take_if(|held| held.due <= now) {
                series.tell(&held.event);
                due.push((series.service, held.event));
            }
        }
        self.0.retain(|s| !s.is_over(now));
        due
    }

    /// The services of which [`Mailings::due`] would give an event.
    pub fn services_due(&self, now: Timestamp) -> impl Iterator<Item = ServiceId> + '_ {
        let due = move |s: &&Series| s.held.as_ref().is_some_and(|held| held.due <= now);
        self.0.iter().filter(due).map(|s| s.service)
    }

    /// Whether [`Mailings::due`] would give any.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.services_due(now).next().is_some()
    }

    /// Whether readers know that it keeps coming back, and get fewer mails.
    pub fn comes_back(&self, service: ServiceId, kind: IncidentKind) -> bool {
        let mut of = self
            .0
            .iter()
            .filter(|s| s.service == service && s.kind == kind);
        of.any(|s| s.told == Told::ComesBack)
    }

    /// The wall clock was stepped by so much: all kept moments move along.
    pub fn shift(&mut self, micros: i64) {
        for series in &mut self.0 {
            let held = series.held.as_mut().map(|held| &mut held.due);
            let moments = [&mut series.broke_at].into_iter();
            for moment in moments.chain(&mut series.closed_at).chain(held) {
                *moment = moment.shifted(micros);
            }
        }
    }
}

impl Series {
    fn new(service: ServiceId, event: &IncidentEvent) -> Self {
        Self {
            service,
            kind: event.kind,
            told: Told::Well,
            sent: 0,
            relapses: 0,
            worst: None,
            broke_at: event.at,
            closed_at: None,
            held: None,
        }
    }

    /// Notes what happens, mailed or not.
    fn happen(&mut self, event: &IncidentEvent) {
        match event.event {
            EventKind::Open | EventKind::Reopen => {
                let soon = |closed: Timestamp| event.at.since(closed) < LONGEST_WATCH;
                if event.event == EventKind::Reopen || self.closed_at.is_some_and(soon) {
                    self.relapses = self.relapses.saturating_add(1);
                } else {
                    *self = Self::new(self.service, event);
                }
                self.held = None;
                self.broke_at = event.at;
                self.closed_at = None;
            }
            EventKind::Close => self.closed_at = Some(event.at),
            EventKind::Escalate | EventKind::Deescalate => {}
        }
    }

    fn mails(&mut self, event: &IncidentEvent, reopen_within: Duration) -> bool {
        let worse = Some(event.severity) > self.worst;
        let hold = match (self.told, event.event) {
            (_, EventKind::Open) => None,
            // Nobody is left who could see that it stays well.
            (_, EventKind::Close) if event.retired => None,
            (Told::ComesBack, EventKind::Reopen) if !worse => Some(LASTING),
            (Told::ComesBack, EventKind::Close) if event.at.since(self.broke_at) < LASTING => {
                Some(watch(reopen_within, self.relapses))
            }
            (Told::ComesBack, EventKind::Escalate) if !worse => return false,
            (Told::Broken(told), EventKind::Escalate) if event.severity <= told => return false,
            _ => None,
        };
        match hold {
            Some(hold) => {
                self.held = Some(Held {
                    event: *event,
                    due: event.at + hold,
                });
                false
            }
            None => {
                self.tell(event);
                true
            }
        }
    }

    /// The event is mailed.
    fn tell(&mut self, event: &IncidentEvent) {
        self.held = None;
        self.sent = self.sent.saturating_add(1);
        self.worst = self.worst.max(Some(event.severity));
        self.told = match event.event {
            EventKind::Close => Told::Well,
            _ if self.sent >= FREELY && self.relapses > 0 => Told::ComesBack,
            _ => Told::Broken(event.severity),
        };
    }

    fn is_over(&self, now: Timestamp) -> bool {
        let long_ago = |closed: Timestamp| now.since(closed) >= LONGEST_WATCH;
        self.held.is_none() && self.closed_at.is_some_and(long_ago)
    }
}

#[cfg(test)]
#[path = "mailing_tests.rs"]
mod tests;
