//! The heart: folds the samples of a service, one after the other, into its incidents.
//!
//! The live engine and `replay` call the same [`fold`]; the state between two samples is all there is, and can be
//! stored and taken up again anywhere. Pure: time comes with the samples.

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use super::detect::rules::{Judge, PlainRule, ProbeRules, ServiceRules};
pub use super::detect::state::{Part, Recheck};
pub use super::life::{OpenIncident, Theme};

use super::detect::is_default;
use super::detect::latency::{Answer, Around, Found, Latency};
use super::detect::state::{Detector, ProbeState, Run};
use super::incident::IncidentState;
use super::life::Life;
use super::ours::Ours;
use super::{IncidentEvent, IncidentId, IncidentKind, Origin, ProbeId, Sample, Timestamp};

/// No re-check is asked for further ahead than this.
const FARTHEST_RECHECK: Duration = Duration::from_secs(60);

/// What a service knows of itself between two samples. Stored as JSON, from which it comes back exactly.
///
/// After loading, and whenever the rules change, call [`ServiceState::reconcile`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServiceState {
    detector: Detector,
    /// Of its error rate.
    #[serde(flatten)]
    errors: Life,
    #[serde(default, skip_serializing_if = "is_default")]
    latency: Latency,
    /// Of its latency.
    #[serde(default, skip_serializing_if = "is_default")]
    slowdown: Life,
    #[serde(default, skip_serializing_if = "is_default")]
    ours: Ours,
}

/// What one sample led to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Folded {
    /// What happened to its incidents, in order.
    pub events: Vec<IncidentEvent>,
    /// Re-checks to be made; at most one for each probe is pending at a time.
    pub rechecks: Vec<Recheck>,
}

/// Folds one sample in.
///
/// Samples come in the order in which they became known. A sample of a probe that is not in `rules` is ignored; one
/// that says nothing about the service ([`super::Outcome::counts`]) only answers the re-check it was made for.
/// A new incident takes its number from `next_incident`, which is then counted up.
pub fn fold(
    state: &mut ServiceState,
    rules: &ServiceRules,
    sample: &Sample,
    next_incident: &mut IncidentId,
) -> Folded {
    let mut folded = Folded::default();
    if state.detector.probe(sample.probe).is_none() {
        return folded;
    }
    folded.events.extend(state.ours.take(sample, next_incident));
    let recheck = sample.origin == Origin::Recheck;
    let Some(failed) = sample.outcome.counts() else {
        if let Some(probe) = state.detector.probe_mut(sample.probe) {
            probe.latest = probe.latest.max(Some(sample.at));
            if recheck {
                probe.rechecks.answered();
            }
        }
        return folded;
    };
    let known = sample.known_at();
    let run = Run {
        start: sample.at,
        start_s: known.as_seconds() - f64::from(sample.total_us) / 1e6,
        known,
        failed,
        recheck,
        watch: state.errors.watch(rules.reopen_within),
    };
    let change = state
        .detector
        .take(rules, sample.probe, run, &mut folded.rechecks);
    let event = change.and_then(|change| {
        state
            .errors
            .enter(Theme::ERRORS, change, known, next_incident)
    });
    folded.events.extend(event);
    if let Some(answer) = Answer::of(sample) {
        let found = state.take_answer(rules, sample.probe, &answer, next_incident);
        folded.events.extend(found);
    }
    folded
}

impl ServiceState {
    /// The state of a service of which nothing is known yet.
    pub fn new(rules: &ServiceRules) -> Self {
        let mut detector = Detector::default();
        detector.reconcile(rules, Timestamp::EPOCH);
        Self {
            detector,
            errors: Life::default(),
            latency: Latency::default(),
            slowdown: Life::default(),
            ours: Ours::default(),
        }
    }

    /// Adapts to the rules after a start or a reload.
    ///
    /// Probes that stay keep what they have learned, new ones begin at the prior, removed ones are forgotten. An open
    /// incident of which no affected probe is left is closed: nobody can tell any more whether it goes on. Moments
    /// later than `now` (the clock ran ahead when they were kept) become `now`.
    pub fn reconcile(&mut self, rules: &ServiceRules, now: Timestamp) -> Vec<IncidentEvent> {
        for moment in self.moments() {
            *moment = (*moment).min(now);
        }
        for moment in self.detector.seconds() {
            *moment = moment.min(now.as_seconds());
        }
        for due in self.detector.dues() {
            // A re-check is due in the future by its nature, but not far.
            *due = (*due).min(now + FARTHEST_RECHECK);
        }
        // A change that ends something takes no number.
        let mut unused = IncidentId(0);
        let change = self.detector.reconcile(rules, now);
        let mut events: Vec<IncidentEvent> = change
            .and_then(|change| self.errors.enter(Theme::ERRORS, change, now, &mut unused))
            .into_iter()
            .collect();
        let found = self.latency.reconcile(rules, now);
        events.extend(found.and_then(|found| self.enter_slowdown(found, now, &mut unused)));
        if rules.probes.is_empty() {
            self.errors.retire();
            self.slowdown.retire();
        }
        let stays = |id| self.detector.probe(id).is_some();
        events.extend(self.ours.retain(stays, now, &mut unused));
        events
    }

    /// The wall clock was stepped by so much: all kept moments move along.
    pub fn shift(&mut self, micros: i64) {
        for moment in self.moments() {
            *moment = moment.shifted(micros);
        }
        for moment in self.detector.seconds() {
            *moment += micros as f64 / 1e6;
        }
        for due in self.detector.dues() {
            *due = due.shifted(micros);
        }
    }

    /// Whether an incident is open, or some evidence speaks for one.
    pub fn suspects(&self) -> bool {
        self.detector.suspects()
    }

    /// Whether an incident of slow answers is open.
    pub fn is_slow(&self) -> bool {
        self.latency.is_open()
    }

    /// The incident of its errors that is open or still watched.
    pub fn incident(&self) -> Option<OpenIncident> {
        self.errors.incident(Theme::ERRORS)
    }

    /// All its incidents that are open or still watched, that of its errors first.
    pub fn incidents(&self) -> impl Iterator<Item = OpenIncident> + '_ {
        let slowdown = self.slowdown.incident(Theme::LATENCY);
        let service = self.incident().into_iter().chain(slowdown);
        service.chain(self.ours.incidents())
    }

    /// The probes that fail in an incident that is open; none when it is over.
    pub fn failing(&self, incident: IncidentId) -> Vec<ProbeId> {
        let of = self.incidents().find(|i| i.id == incident);
        match of.map(|i| i.theme.kind) {
            Some(IncidentKind::Errors) => self.affected().collect(),
            Some(IncidentKind::Notice) => self.ours.failing(incident).collect(),
            Some(IncidentKind::Latency) => self.latency.affected().collect(),
            // Blind is the prober, not a probe.
            Some(IncidentKind::Blind) | None => Vec::new(),
        }
    }

    /// Ends the watch over recovered incidents when their time has come: `Some` once for each incident that became
    /// final. Call until `None`.
    pub fn settle(&mut self, rules: &ServiceRules, now: Timestamp) -> Option<IncidentId> {
        if let Some(settled) = self.errors.settle(rules.reopen_within, now) {
            if self.errors.incident(Theme::ERRORS).is_none() {
                self.detector.end_watch();
            }
            return Some(settled);
        }
        if let Some(settled) = self.slowdown.settle(rules.reopen_within, now) {
            if self.slowdown.incident(Theme::LATENCY).is_none() {
                self.latency.end_watch();
            }
            return Some(settled);
        }
        self.ours.settle(now)
    }

    /// The probes that the open incident of its errors is about; none while there is none.
    pub fn affected(&self) -> impl Iterator<Item = ProbeId> + '_ {
        self.detector.affected()
    }

    /// The part of each probe in the latest open period of the incident of its errors.
    pub fn parts(&self) -> impl Iterator<Item = (ProbeId, Part)> + '_ {
        self.detector.probes().iter().map(|p| (p.id, p.part))
    }

    /// The probes that an event of its is about, each with its part in the outage where errors are counted.
    pub fn concerned(&self, event: &IncidentEvent) -> Vec<(ProbeId, Option<Part>)> {
        match event.kind {
            IncidentKind::Errors => self.parts().map(|(id, part)| (id, Some(part))).collect(),
            _ => {
                let failing = self.failing(event.incident).into_iter();
                failing.map(|id| (id, None)).collect()
            }
        }
    }

    /// Re-checks that were asked for and have not come yet: to be asked for again after a restart.
    pub fn wanted(&self) -> Vec<Recheck> {
        let due = |p: &ProbeState| {
            Some(Recheck {
                probe: p.id,
                at: p.rechecks.due()?,
            })
        };
        self.detector.probes().iter().filter_map(due).collect()
    }

    /// Whether a re-check of `probe` that became known at `known` is one that was asked for.
    pub fn wants(&self, probe: ProbeId, known: Timestamp) -> bool {
        let probe = self.detector.probe(probe);
        probe.is_some_and(|p| p.rechecks.wants(known))
    }

    /// The latest start among the folded samples of a probe.
    pub fn last_folded(&self, probe: ProbeId) -> Option<Timestamp> {
        self.detector.probe(probe)?.latest
    }

    /// The usual failure rate of a probe, as an upper estimate, once so many runs have taught it that it says more of the
    /// probe than of where it began; `None` before.
    pub fn learned(&self, probe: ProbeId) -> Option<f64> {
        /// Two and a half times as many as the prior stands for.
        const ENOUGH: f64 = 500.0;
        let baseline = &self.detector.probe(probe)?.baseline;
        (baseline.runs() >= ENOUGH).then(|| baseline.usual())
    }

    /// The usual failure rate of a probe, as an upper estimate; 0 for a stranger.
    pub fn usual(&self, probe: ProbeId) -> f64 {
        self.detector
            .probe(probe)
            .map_or(0.0, |p| p.baseline.usual())
    }

    fn moments(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        let slowdown = self.latency.moments().chain(self.slowdown.moments());
        let lives = self.errors.moments().chain(self.ours.moments());
        self.detector.moments().chain(lives).chain(slowdown)
    }

    fn take_answer(
        &mut self,
        rules: &ServiceRules,
        probe: ProbeId,
        answer: &Answer,
        next_incident: &mut IncidentId,
    ) -> Option<IncidentEvent> {
        let errors = self.incident();
        let around = Around {
            in_trouble: errors.is_some_and(|i| i.state == IncidentState::Open),
            watch: self.slowdown.watch(rules.reopen_within),
        };
        let found = self.latency.take(rules, probe, answer, around)?;
        self.enter_slowdown(found, answer.known, next_incident)
    }

    fn enter_slowdown(
        &mut self,
        (change, slow): Found,
        at: Timestamp,
        next_incident: &mut IncidentId,
    ) -> Option<IncidentEvent> {
        let event = self
            .slowdown
            .enter(Theme::LATENCY, change, at, next_incident)?;
        Some(IncidentEvent { slow, ..event })
    }
}

#[cfg(test)]
#[path = "fold/tests.rs"]
mod tests;
