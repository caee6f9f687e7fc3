//! The incident of the prober itself: one for a network that comes and goes, told once when it has come to stay.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Blind, Lack};
use crate::model::{
    EventKind, FailureKind, IncidentEvent, IncidentId, IncidentKind, ServiceId, Severity,
    Timestamp, Verdict,
};

/// The prober must have seen for this long before its incident is over; twice as long each time it comes back, so that
/// a network that keeps coming and going is told a few times, not each time.
const QUIET: Duration = Duration::from_secs(15);
/// `QUIET` is doubled this often at most: to 16 minutes.
const MOST_DOUBLED: u32 = 6;
/// Blind again within this time after the end is the same incident.
const WATCH: Duration = Duration::from_secs(3600);
/// Shorter times of blindness are recorded, and nobody is told.
const TELL_FROM: Duration = Duration::from_secs(60);

/// An incident of the prober, open or watched. Kept as JSON between two starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OwnIncident {
    /// Its number.
    pub id: IncidentId,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// What is lacking, or was last.
    pub lack: Lack,
    /// The start of the first run that failed for it since it was last opened or reopened.
    pub from: Timestamp,
    /// When the prober saw again; `None` while it is blind.
    pub until: Option<Timestamp>,
    /// The blind times since it was last opened or reopened, added up.
    blind_s: f64,
    closed_at: Option<Timestamp>,
    sequence: u32,
    /// How often it came back.
    pub reopened: u32,
    /// Sequence of the first event that was mailed.
    pub thread_root: Option<u32>,
    /// Runs of each service since it was last opened or reopened.
    pub services: BTreeMap<ServiceId, Runs>,
    /// How those that are unknown had failed: by the code of their kind.
    kinds: BTreeMap<u16, u32>,
}

/// Runs of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Runs {
    /// Those that say nothing, because the prober was blind.
    pub unknown: u32,
    /// All.
    pub all: u32,
}

/// Whether an event is told to people, or only recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// It is mailed.
    Mailed,
    /// It is not.
    Recorded,
}

impl OwnIncident {
    /// The first one.
    pub fn open(
        id: IncidentId,
        lack: Lack,
        from: Timestamp,
        now: Timestamp,
    ) -> (Self, IncidentEvent) {
        let mut own = Self {
            id,
            opened_at: now,
            lack,
            from,
            until: None,
            blind_s: 0.0,
            closed_at: None,
            sequence: 0,
            reopened: 0,
            thread_root: None,
            services: BTreeMap::new(),
            kinds: BTreeMap::new(),
        };
        let event = own.event(EventKind::Open, from, now);
        (own, event)
    }

    /// The prober is blind again. An event when the incident was closed.
    pub fn began(&mut self, lack: Lack, from: Timestamp, now: Timestamp) -> Option<IncidentEvent> {
        self.lack = lack;
        self.until = None;
        self.closed_at.take()?;
        (self.from, self.blind_s) = (from, 0.0);
        self.services.clear();
        self.kinds.clear();
        self.reopened = self.reopened.saturating_add(1);
        Some(self.event(EventKind::Reopen, from, now))
    }

    /// The prober sees again.
    pub fn ended(&mut self, blind: Blind) {
        self.until = Some(blind.to);
        self.blind_s += blind.to.since(blind.from).as_secs_f64();
    }

    /// A run has ended; `unknown`: it says nothing, and would have failed so.
    pub fn count(&mut self, service: ServiceId, unknown: Option<FailureKind>) {
        if self.closed_at.is_some() {
            return;
        }
        let runs = self.services.entry(service).or_default();
        runs.all = runs.all.saturating_add(1);
        if let Some(kind) = unknown {
            runs.unknown = runs.unknown.saturating_add(1);
            let count = self.kinds.entry(kind as u16).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// How the runs that are unknown had failed, the most frequent first.
    pub fn kinds(&self) -> Vec<(FailureKind, u32)> {
        let known = |(code, count): (&u16, &u32)| Some((FailureKind::from_code(*code)?, *count));
        let mut kinds: Vec<_> = self.kinds.iter().filter_map(known).collect();
        kinds.sort_by_key(|(kind, count)| (std::cmp::Reverse(*count), *kind));
        kinds
    }

    /// Closes it when the prober has seen for long enough.
    pub fn settle(&mut self, now: Timestamp) -> Option<(IncidentEvent, Telling)> {
        let until = self.until.filter(|_| self.closed_at.is_none())?;
        if now.since(until) < QUIET * 2u32.pow(self.reopened.min(MOST_DOUBLED)) {
            return None;
        }
        self.closed_at = Some(now);
        let event = self.event(EventKind::Close, until, now);
        if self.blind_s < TELL_FROM.as_secs_f64() {
            return Some((event, Telling::Recorded));
        }
        self.thread_root.get_or_insert(event.sequence);
        Some((event, Telling::Mailed))
    }

    /// An event that was to be mailed is not: the next one that is begins the thread, if this one would have.
    pub fn unsaid(&mut self, event: &IncidentEvent) {
        self.thread_root.take_if(|root| *root == event.sequence);
    }

    /// Whether it was closed so long ago that another blindness would be another incident.
    pub fn is_final(&self, now: Timestamp) -> bool {
        self.closed_at.is_some_and(|at| now.since(at) >= WATCH)
    }

    /// The blind time, unless it is over.
    pub fn blind(&self) -> Option<(Lack, Timestamp)> {
        match self.until {
            None => Some((self.lack, self.from)),
            Some(_) => None,
        }
    }

    /// The wall clock was stepped by so much.
    pub fn shift(&mut self, micros: i64) {
        let fixed = [&mut self.opened_at, &mut self.from];
        let others = [&mut self.until, &mut self.closed_at];
        for moment in fixed.into_iter().chain(others.into_iter().flatten()) {
            *moment = moment.shifted(micros);
        }
    }

    fn event(&mut self, event: EventKind, since: Timestamp, now: Timestamp) -> IncidentEvent {
        let sequence = self.sequence;
        self.sequence += 1;
        let runs = self.services.values();
        let (failed, of) = runs.fold((0u32, 0u32), |(unknown, all), r| {
            (unknown.saturating_add(r.unknown), all.saturating_add(r.all))
        });
        IncidentEvent {
            incident: self.id,
            sequence,
            event,
            kind: IncidentKind::Blind,
            cause: None,
            slow: None,
            retired: false,
            // Of the services nothing is known; the prober itself is what is not well.
            severity: Severity::Degraded,
            at: now,
            since,
            verdict: Verdict {
                failed,
                of,
                usual: 0.0,
                window_s: now.since(self.from).as_secs_f64(),
                score: 0.0,
                bound: 0.0,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(1_800_000_000_000_000) + Duration::from_secs(seconds)
    }

    fn blind(from: u64, to: u64) -> Blind {
        Blind {
            from: at(from),
            to: at(to),
            lack: Lack::Network,
        }
    }

    fn opened(from: u64) -> OwnIncident {
        OwnIncident::open(IncidentId(7), Lack::Network, at(from), at(from)).0
    }

    #[test]
    fn a_long_blindness_is_told_once_when_it_has_been_over_for_a_while() {
        let mut own = opened(0);
        own.count(ServiceId(1), Some(FailureKind::Dns));
        own.count(ServiceId(2), None);
        assert_eq!(own.settle(at(500)), None);
        own.ended(blind(0, 600));
        assert_eq!(own.settle(at(610)), None);
        let (event, telling) = own.settle(at(615)).unwrap();
        assert_eq!(telling, Telling::Mailed);
        assert_eq!((event.event, event.since), (EventKind::Close, at(600)));
        assert_eq!((event.verdict.failed, event.verdict.of), (1, 2));
        assert_eq!(own.kinds(), [(FailureKind::Dns, 1)]);
        assert_eq!(own.settle(at(700)), None, "only once");
    }

    #[test]
    fn a_mail_that_a_silence_takes_is_no_root_of_a_thread() {
        let mut own = opened(0);
        own.ended(blind(0, 600));
        let (first, _) = own.settle(at(615)).unwrap();
        own.unsaid(&first);
        own.began(Lack::Network, at(700), at(700));
        own.ended(blind(700, 1_000));
        let (second, _) = own.settle(at(1_100)).unwrap();
        assert_eq!(own.thread_root, Some(second.sequence));
        own.began(Lack::Network, at(1_200), at(1_200));
        own.ended(blind(1_200, 1_500));
        let (third, _) = own.settle(at(1_600)).unwrap();
        own.unsaid(&third);
        assert_eq!(own.thread_root, Some(second.sequence));
    }

    #[test]
    fn a_short_one_is_recorded_and_told_to_nobody() {
        let mut own = opened(0);
        own.ended(blind(0, 30));
        assert_eq!(own.settle(at(60)).unwrap().1, Telling::Recorded);
    }

    #[test]
    fn a_network_that_comes_and_goes_is_one_incident_told_a_few_times() {
        let mut own = opened(0);
        let mut closes = 0;
        let mut t = 0;
        for _ in 0..50 {
            // A minute blind, half a minute not.
            own.began(Lack::Network, at(t), at(t));
            own.ended(blind(t, t + 60));
            closes += usize::from((0..30).any(|s| own.settle(at(t + 60 + s)).is_some()));
            t += 90;
        }
        assert_eq!(
            closes, 1,
            "after the first minute, and then not before it is over"
        );
        let end = (t..t + 1000).find_map(|s| own.settle(at(s)));
        let (event, telling) = end.unwrap();
        assert_eq!((event.incident, telling), (IncidentId(7), Telling::Mailed));
        assert!(!own.is_final(at(t + 2000)));
        assert!(own.is_final(at(t + 9000)));
    }

    #[test]
    fn it_comes_back_from_what_is_kept_of_it() {
        let mut own = opened(0);
        own.count(ServiceId(3), Some(FailureKind::Unreachable));
        let kept = serde_json::to_string(&own).unwrap();
        assert_eq!(serde_json::from_str::<OwnIncident>(&kept).unwrap(), own);
        assert_eq!(own.blind(), Some((Lack::Network, at(0))));
    }
}
