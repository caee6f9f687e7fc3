//! The prober's own sight at work: failures that may be ours wait here until it is known whose they are, and the
//! prober's own incident is opened, closed and told.

use std::collections::{BTreeMap, VecDeque};

use tracing::{error, info, warn};

use super::Engine;
use crate::model::blind::{
    Action, Fate, Glimpse, Input, Lack, OwnIncident, Rules, Sight, Sign, Tally, Telling,
};
use crate::model::{Cause, FailureKind, IncidentId, Outcome, Sample, ServiceId, Timestamp};

/// Samples that wait at most; beyond that they count as they are. 3 MB.
const MOST_HELD: usize = 20_000;

/// What the engine knows of its own sight.
#[derive(Debug, Default)]
pub(super) struct Watch {
    sight: Sight,
    /// In the order in which they came; those behind the first of a service wait with it.
    held: BTreeMap<ServiceId, VecDeque<Held>>,
    count: usize,
    own: Option<OwnIncident>,
    /// The incident has changed since it was last committed.
    dirty: bool,
}

#[derive(Debug)]
struct Held {
    sample: Sample,
    /// `None`: it failed in no way that the prober would explain, and only waits for those before it.
    glimpse: Option<Glimpse>,
    arrived: Timestamp,
}

impl Watch {
    /// With what an earlier daemon committed.
    pub fn load(kept: Option<&str>, now: Timestamp) -> Self {
        let own = kept.and_then(
            |json| match serde_json::from_str::<Option<OwnIncident>>(json) {
                Ok(own) => own,
                Err(e) => {
                    error!("what was known of the prober's own incident cannot be read: {e}");
                    None
                }
            },
        );
        let sight = match own.as_ref().and_then(OwnIncident::blind) {
            Some((lack, since)) => Sight::resumed(lack, since, now),
            None => Sight::starting(now),
        };
        Self {
            sight,
            own,
            ..Self::default()
        }
    }

    /// What `status` says while the prober is blind; empty while it sees.
    fn words(&self) -> String {
        self.sight
            .blind()
            .map_or_else(String::new, |(lack, since)| {
                format!("{} since {since}", want(lack))
            })
    }

    /// Whether the prober's clock is known to be wrong.
    pub fn lacks_clock(&self) -> bool {
        let lack = self.sight.blind().map(|(lack, _)| lack);
        lack == Some(Lack::Clock)
    }

    /// The prober's own incident that is not final.
    pub fn own(&self) -> Option<&OwnIncident> {
        self.own.as_ref()
    }

    /// The wall clock was stepped by so much.
    pub fn shift(&mut self, micros: i64) {
        self.sight.shift(micros);
        if let Some(own) = &mut self.own {
            own.shift(micros);
            self.dirty = true;
        }
        for held in self.held.values_mut().flatten() {
            held.arrived = held.arrived.shifted(micros);
            held.sample.at = held.sample.at.shifted(micros);
            if let Some(glimpse) = &mut held.glimpse {
                glimpse.at = glimpse.at.shifted(micros);
                glimpse.known = glimpse.known.shifted(micros);
            }
        }
    }

    /// Services that are no longer watched say nothing any more.
    pub fn retain(&mut self, keep: impl Fn(ServiceId) -> bool) {
        self.sight.retain(keep);
    }

    fn hold(&mut self, service: ServiceId, held: Held) {
        self.count += 1;
        self.held.entry(service).or_default().push_back(held);
    }

    /// Those whose wait is over, with the kind of failure that is not to count. `all`: nobody waits any longer.
    fn release(&mut self, rules: Rules, now: Timestamp, all: bool) -> Vec<(Sample, Option<Lack>)> {
        let mut released = Vec::new();
        let sight = &self.sight;
        for queue in self.held.values_mut() {
            while let Some(first) = queue.front() {
                let fate = match &first.glimpse {
                    Some(glimpse) => sight.fate(rules, glimpse, first.arrived, now),
                    None => Fate::Count,
                };
                let lack = match fate {
                    Fate::Wait if !all => break,
                    Fate::Wait | Fate::Count => None,
                    Fate::Unknown(lack) => Some(lack),
                };
                released.extend(queue.pop_front().map(|held| (held.sample, lack)));
            }
        }
        self.count -= released.len();
        self.held.retain(|_, queue| !queue.is_empty());
        released
    }
}

impl Engine {
    /// A run has come: it is folded now, or waits until it is known whether its failure is ours.
    pub(super) fn see(&mut self, sample: Sample, now: Timestamp) {
        let Some(&service) = self.homes.get(&sample.probe) else {
            return;
        };
        let rules = self.sight_rules();
        let glimpse = Glimpse {
            service,
            at: sample.at,
            known: sample.known_at(),
            sign: Sign::of(sample.outcome),
        };
        self.watch.sight.step(rules, Input::Run(glimpse), now);
        let failed = matches!(glimpse.sign, Sign::Lacks(_) | Sign::Unanswered)
            && sample.outcome.counts() == Some(true);
        if !failed && !self.watch.held.contains_key(&service) {
            return self.fold_seen(service, sample, None);
        }
        let held = Held {
            sample,
            glimpse: failed.then_some(glimpse),
            arrived: now,
        };
        self.watch.hold(service, held);
        if self.watch.count >= MOST_HELD {
            self.release(now, true);
        }
    }

    /// The controls were asked.
    pub(super) fn controls(&mut self, tally: Tally, now: Timestamp) {
        let actions = self
            .watch
            .sight
            .step(self.sight_rules(), Input::Controls(tally), now);
        self.act(actions, now);
    }

    /// Once a turn: who is blind, who has waited long enough, what is to be told.
    pub(super) fn look(&mut self, now: Timestamp) {
        let rules = self.sight_rules();
        let actions = self.watch.sight.step(rules, Input::Tick, now);
        self.act(actions, now);
        self.release(now, false);
        self.settle_own(now);
    }

    /// Folds what still waits: the daemon ends.
    pub(super) fn release_all(&mut self, now: Timestamp) {
        self.release(now, true);
    }

    /// Has the next commit keep what is to be kept.
    pub(super) fn keep_sight(&mut self, checkpoint: bool) {
        self.backlog.blind = self.watch.words();
        let mut events = self.backlog.events.iter();
        let news = events.any(|(service, _)| *service == ServiceId::PROBER);
        if !(news || checkpoint && self.watch.dirty) {
            return;
        }
        match serde_json::to_string(&self.watch.own) {
            Ok(json) => self.backlog.own_state = Some(json),
            Err(e) => error!("the state of the prober cannot be written: {e}"),
        }
        self.watch.dirty = false;
    }

    fn sight_rules(&self) -> Rules {
        Rules {
            controls: self.parts.observer.has_controls(),
            services: self.services.len(),
        }
    }

    fn release(&mut self, now: Timestamp, all: bool) {
        if self.watch.count == 0 {
            return;
        }
        for (sample, lack) in self.watch.release(self.sight_rules(), now, all) {
            if let Some(&service) = self.homes.get(&sample.probe) {
                self.fold_seen(service, sample, lack);
            }
        }
    }

    fn fold_seen(&mut self, service: ServiceId, mut sample: Sample, lack: Option<Lack>) {
        let kind = sample.outcome.kind();
        if lack.is_some() {
            sample.outcome = Outcome::Inconclusive(Cause::Blind);
        }
        if lack == Some(Lack::Clock)
            && let Some(found) = &mut sample.found
        {
            // By a clock that is wrong everything has ended, and nobody is to be reminded of it.
            found.deadlines.clear();
        }
        if let Some(own) = &mut self.watch.own {
            let unknown = sample.outcome == Outcome::Inconclusive(Cause::Blind);
            let kind = kind.unwrap_or(FailureKind::Unreachable);
            own.count(service, unknown.then_some(kind));
            self.watch.dirty = true;
        }
        self.fold(sample);
    }

    fn act(&mut self, actions: Vec<Action>, now: Timestamp) {
        for action in actions {
            match action {
                Action::Ask => self.parts.observer.ask_controls(),
                Action::Began(lack, since) => {
                    warn!(
                        "watchfire cannot see since {since}: {}. What fails for it is recorded as unknown",
                        want(lack)
                    );
                    self.began(lack, since, now);
                }
                Action::Ended(blind) => {
                    info!(
                        "watchfire sees again, after {} s",
                        blind.to.since(blind.from).as_secs()
                    );
                    if let Some(own) = &mut self.watch.own {
                        own.ended(blind);
                    }
                    self.watch.dirty = true;
                }
                Action::Forgave(blind) => warn!(
                    "most services failed in the same moment ({}), and the control URLs answer: these failures are \
                     recorded as unknown, once",
                    want(blind.lack)
                ),
            }
        }
    }

    fn began(&mut self, lack: Lack, since: Timestamp, now: Timestamp) {
        self.watch.dirty = true;
        let event = match &mut self.watch.own {
            Some(own) => own.began(lack, since, now),
            none => {
                let id = self.next_incident;
                self.next_incident = IncidentId(id.0 + 1);
                let (own, event) = OwnIncident::open(id, lack, since, now);
                *none = Some(own);
                Some(event)
            }
        };
        let events = event.map(|event| (ServiceId::PROBER, event));
        self.backlog.events.extend(events);
    }

    fn settle_own(&mut self, now: Timestamp) {
        let Some(own) = &mut self.watch.own else {
            return;
        };
        if own.is_final(now) {
            self.backlog.finals.push(own.id);
            self.watch.own = None;
            self.watch.dirty = true;
            return;
        }
        if let Some((event, telling)) = own.settle(now) {
            self.watch.dirty = true;
            self.backlog.events.push((ServiceId::PROBER, event));
            let silent = self.orders.silences_prober(now);
            if telling == Telling::Mailed && silent {
                own.unsaid(&event);
            } else if telling == Telling::Mailed {
                let letter = self
                    .watch
                    .own
                    .as_ref()
                    .map(|own| self.own_letter(own, event));
                self.backlog.own.extend(letter);
            }
        }
    }
}

/// What is lacking, in words.
const fn want(lack: Lack) -> &'static str {
    match lack {
        Lack::Network => "its own network is down",
        Lack::Clock => "its own clock is wrong",
    }
}
