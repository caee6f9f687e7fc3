//! A service as the engine holds it: its rules, what the detector knows, and who is told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ledger::Money;
use super::routes::Pulses;
use crate::model::concerned::Role;
use crate::model::counts::NumberRules;
use crate::model::detect::count::Level;
use crate::model::fold::{Judge, OpenIncident, PlainRule, ProbeRules, ServiceRules, ServiceState};
use crate::model::incident::IncidentState;
use crate::model::roster::Roster;
use crate::model::route::Ability;
use crate::model::said::{Held, Lifted, Planned, Spell};
use crate::model::{
    Counts, EventKind, IncidentEvent, IncidentId, IncidentKind, ProbeId, Sample, ServiceId,
    Severity, Timestamp,
};

/// What is to be told waits no longer than an hour for others to join; twice that is long enough.
const LATEST: Duration = Duration::from_secs(7_200);

/// A service as configured, with the numbers that the database gave it.
#[derive(Debug, Clone)]
pub struct ServicePlan {
    /// Its number.
    pub id: ServiceId,
    /// Its name in probes.toml.
    pub name: String,
    /// Its title for people.
    pub title: String,
    /// Whose service it is.
    pub provider: String,
    /// The kind of each probe, as written in probes.toml.
    pub kinds: Vec<(ProbeId, &'static str)>,
    /// How it is judged. Holds the probes whose runs count.
    pub rules: ServiceRules,
    /// Its other probes: recorded, not judged.
    pub others: Vec<ProbeId>,
    /// Those that bring numbers, judged or not.
    pub numbers: Vec<NumberRules>,
    /// Who is told, and when.
    pub recipients: Roster,
    /// Below it nothing is mailed.
    pub page_at: Severity,
    /// What it may cost.
    pub money: Money,
    /// When which of its probes run without being judged.
    pub maintenance: Vec<PlannedMaintenance>,
}

/// Maintenance that is planned in probes.toml.
#[derive(Debug, Clone)]
pub struct PlannedMaintenance {
    /// Its probes, by id.
    pub probes: Vec<ProbeId>,
    /// When it is.
    pub planned: Planned,
}

impl ServicePlan {
    /// The name of one of its probes.
    pub fn probe_name(&self, id: ProbeId) -> Option<&str> {
        let probe = self.money.probes.iter().find(|p| p.probe == id)?;
        Some(&probe.name)
    }

    /// Its probes.
    pub fn probes(&self) -> impl Iterator<Item = ProbeId> + '_ {
        let judged = self.rules.probes.iter().map(|p| p.id);
        judged.chain(self.others.iter().copied())
    }
}

/// What is kept of a service between two starts, as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Checkpoint {
    detector: ServiceState,
    #[serde(default)]
    threads: Threads,
    #[serde(default)]
    held: BTreeMap<IncidentId, Held>,
    #[serde(default)]
    lifted: BTreeMap<IncidentId, Lifted>,
    #[serde(default)]
    counts: Counts,
}

/// What a committed state knows of the numbers of each probe; nothing for a state that cannot be read.
pub fn levels(checkpoint: &str) -> Vec<(ProbeId, Level)> {
    serde_json::from_str::<Checkpoint>(checkpoint)
        .map_or_else(|_| Vec::new(), |kept| kept.counts.levels().collect())
}

/// The usual failure rate of a service as a committed state has learned it, the mean over those of these probes that have
/// run often enough; `None` when none has, also for a state that cannot be read.
pub fn learned(checkpoint: &str, probes: &[ProbeId]) -> Option<f64> {
    let kept: Checkpoint = serde_json::from_str(checkpoint).ok()?;
    let known = probes.iter().filter_map(|id| kept.detector.learned(*id));
    let (sum, n) = known.fold((0.0, 0_u32), |(sum, n), rate| (sum + rate, n + 1));
    (n > 0).then(|| sum / f64::from(n))
}

/// The incidents that a committed state tells of, open or watched, that of its errors first; none for a state that cannot
/// be read.
pub fn incidents(checkpoint: &str) -> Vec<OpenIncident> {
    serde_json::from_str::<Checkpoint>(checkpoint)
        .map_or_else(|_| Vec::new(), |kept| kept.detector.incidents().collect())
}

/// Of each incident that is not final: the sequence of its first event that was mailed.
type Threads = BTreeMap<IncidentId, u32>;

/// A service at work.
#[derive(Debug)]
pub(super) struct Service {
    pub plan: ServicePlan,
    pub state: ServiceState,
    threads: Threads,
    /// What silences keep back.
    pub held: BTreeMap<IncidentId, Held>,
    /// Silences that are over, for the first mails after them.
    pub lifted: BTreeMap<IncidentId, Lifted>,
    /// What the numbers of its probes have shown.
    pub counts: Counts,
    /// What its probes have shown lately.
    pub pulses: Pulses,
    /// Something was folded since the state was last committed.
    pub dirty: bool,
}

impl Service {
    /// With what an earlier run committed, or from nothing. A checkpoint that cannot be read is as good as none: the
    /// second value says why.
    pub fn load(plan: ServicePlan, checkpoint: Option<&str>) -> (Self, Option<String>) {
        let fresh = |plan: ServicePlan| Service {
            state: ServiceState::new(&plan.rules),
            pulses: Pulses::of(&plan.kinds),
            plan,
            threads: Threads::default(),
            held: BTreeMap::new(),
            lifted: BTreeMap::new(),
            counts: Counts::default(),
            dirty: false,
        };
        match checkpoint.map(serde_json::from_str::<Checkpoint>) {
            None => (fresh(plan), None),
            Some(Err(e)) => (fresh(plan), Some(e.to_string())),
            Some(Ok(kept)) => (
                Service {
                    pulses: Pulses::of(&plan.kinds),
                    plan,
                    state: kept.detector,
                    threads: kept.threads,
                    held: kept.held,
                    lifted: kept.lifted,
                    counts: kept.counts,
                    dirty: false,
                },
                None,
            ),
        }
    }

    /// What is to be committed of it.
    pub fn checkpoint(&self) -> Result<String, serde_json::Error> {
        #[derive(Serialize)]
        struct Borrowed<'a> {
            detector: &'a ServiceState,
            threads: &'a Threads,
            held: &'a BTreeMap<IncidentId, Held>,
            lifted: &'a BTreeMap<IncidentId, Lifted>,
            counts: &'a Counts,
        }
        serde_json::to_string(&Borrowed {
            detector: &self.state,
            threads: &self.threads,
            held: &self.held,
            lifted: &self.lifted,
            counts: &self.counts,
        })
    }

    /// Takes a changed configuration. Returns events for incidents that it ends.
    pub fn replan(&mut self, plan: ServicePlan, now: Timestamp) -> Vec<IncidentEvent> {
        self.plan = plan;
        self.dirty = true;
        self.counts.retain(&self.plan.numbers);
        self.pulses.follow(&self.plan.kinds);
        self.state.reconcile(&self.plan.rules, now)
    }

    /// The root of the mail thread when this event is to be mailed; `None` when it is not.
    ///
    /// Mailed is what is at least as bad as `page_at`, and everything that follows in an incident of which
    /// something was mailed: nobody is left with a "down" and without the "recovered".
    ///
    /// That it got better and goes on can wait for the next mail. A notice is mailed whatever its severity, since nobody else will see to it, but once: not its relapses.
    pub fn thread(&mut self, event: &IncidentEvent) -> Option<u32> {
        let notice = event.kind == IncidentKind::Notice;
        let bad_enough = notice || event.severity >= self.plan.page_at;
        if bad_enough && event.event != EventKind::Close {
            self.threads.entry(event.incident).or_insert(event.sequence);
        }
        let root = self.threads.get(&event.incident).copied()?;
        let relapse = notice && event.sequence > root + 1;
        let quiet = relapse || event.event == EventKind::Deescalate;
        (!quiet).then_some(root)
    }

    /// A silence keeps an event back.
    pub fn hold(&mut self, event: &IncidentEvent, silence: &Spell) {
        let failing = self.failing(event.incident);
        // What was to be told and waits for others to join has its thread already.
        let told = event.event != EventKind::Open && self.threads.contains_key(&event.incident);
        match self.held.get_mut(&event.incident) {
            Some(held) => held.add(event.event, failing),
            None => {
                let held = Held::new(event.event, told, failing, silence);
                self.held.insert(event.incident, held);
            }
        }
    }

    /// Incidents that were final before a silence let their end be told, and for which it was told long ago.
    pub fn forget_lifted(&mut self, now: Timestamp) -> Vec<IncidentId> {
        let over = self.lifted.iter().filter(|(incident, lifted)| {
            now.since(lifted.at) >= LATEST && self.incident(**incident).is_none()
        });
        let over: Vec<IncidentId> = over.map(|(incident, _)| *incident).collect();
        self.lifted.retain(|incident, _| !over.contains(incident));
        over
    }

    /// Names of the probes that fail in an incident; of one that is over, those that did when it was kept back.
    pub fn failing(&self, incident: IncidentId) -> Vec<String> {
        let now = self.state.failing(incident).into_iter();
        let now: Vec<String> = now
            .filter_map(|id| self.plan.probe_name(id).map(str::to_owned))
            .collect();
        match self.held.get(&incident).filter(|_| now.is_empty()) {
            Some(held) => held.failing().map(str::to_owned).collect(),
            None => now,
        }
    }

    /// The probes that an event of its is about, by name.
    pub fn concerned(&self, event: &IncidentEvent) -> Vec<Role<'_>> {
        let probes = self.state.concerned(event).into_iter();
        probes
            .filter_map(|(id, part)| Some((self.plan.probe_name(id)?, part)))
            .collect()
    }

    /// The rule of the user's that judged an event, where the detector did not.
    pub fn rule_of(&self, event: &IncidentEvent) -> Option<PlainRule> {
        match self.plan.rules.judge {
            Judge::Plain(rule) if event.is_by_rule() => Some(rule),
            _ => None,
        }
    }

    /// Whether a run began in planned maintenance.
    pub fn is_worked_on(&mut self, sample: &Sample) -> bool {
        self.plan.maintenance.iter_mut().any(|planned| {
            planned.probes.binary_search(&sample.probe).is_ok() && planned.planned.holds(sample.at)
        })
    }

    /// The incident is final.
    pub fn forget(&mut self, incident: IncidentId) {
        self.threads.remove(&incident);
        self.lifted.remove(&incident);
    }

    /// Whether there is nothing to be said against it: no incident is open, nothing is suspected, and it was seen to work.
    pub fn works(&self) -> bool {
        let open = |i: OpenIncident| i.state == IncidentState::Open;
        let seen = |p: &ProbeRules| self.state.last_folded(p.id).is_some();
        !self.state.suspects()
            && !self.state.incidents().any(open)
            && self.plan.rules.probes.iter().any(seen)
    }

    /// What its affected probes show that it cannot do now.
    pub fn lost(&self) -> BTreeSet<Ability> {
        let affected: BTreeSet<ProbeId> = self.state.affected().collect();
        let kinds = self.plan.kinds.iter();
        kinds
            .filter(|(probe, _)| affected.contains(probe))
            .filter_map(|(_, kind)| Ability::from_name(kind))
            .collect()
    }

    /// An incident of its, open or watched.
    pub fn incident(&self, id: IncidentId) -> Option<OpenIncident> {
        self.state.incidents().find(|i| i.id == id)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::Verdict;

    fn service(page_at: Severity) -> Service {
        let rules = ServiceRules {
            probes: Vec::new(),
            false_pages_per_year: 1.0,
            min_error_rate: 0.1,
            reopen_within: Duration::from_secs(3600),
            judge: Default::default(),
        };
        let plan = ServicePlan {
            id: ServiceId(1),
            name: "openai".to_owned(),
            title: "OpenAI".to_owned(),
            provider: "OpenAI".to_owned(),
            kinds: Vec::new(),
            rules,
            others: Vec::new(),
            numbers: Vec::new(),
            recipients: Roster::default(),
            page_at,
            money: Money::default(),
            maintenance: Vec::new(),
        };
        Service::load(plan, None).0
    }

    fn event(sequence: u32, event: EventKind, severity: Severity) -> IncidentEvent {
        IncidentEvent {
            incident: IncidentId(1),
            sequence,
            event,
            kind: IncidentKind::Errors,
            cause: None,
            slow: None,
            retired: false,
            severity,
            at: Timestamp::EPOCH,
            since: Timestamp::EPOCH,
            verdict: Verdict {
                failed: 1,
                of: 1,
                usual: 0.0,
                window_s: 1.0,
                score: 1.0,
                bound: 1.0,
            },
        }
    }

    #[test]
    fn what_is_milder_than_page_at_is_not_mailed_until_it_gets_worse_and_then_to_the_end() {
        let mut service = service(Severity::Major);
        assert_eq!(
            service.thread(&event(0, EventKind::Open, Severity::Partial)),
            None
        );
        assert_eq!(
            service.thread(&event(1, EventKind::Escalate, Severity::Major)),
            Some(1)
        );
        assert_eq!(
            service.thread(&event(2, EventKind::Close, Severity::Major)),
            Some(1)
        );
        assert_eq!(
            service.thread(&event(3, EventKind::Reopen, Severity::Partial)),
            Some(1)
        );
    }

    #[test]
    fn slow_answers_are_mailed_only_where_that_is_wished() {
        let slow = |number, kind| IncidentEvent {
            kind: IncidentKind::Latency,
            ..event(number, kind, Severity::Degraded)
        };
        let mut by_default = service(Severity::Partial);
        assert_eq!(by_default.thread(&slow(0, EventKind::Open)), None);
        assert_eq!(by_default.thread(&slow(1, EventKind::Close)), None);
        let mut wished = service(Severity::Degraded);
        assert_eq!(wished.thread(&slow(0, EventKind::Open)), Some(0));
        assert_eq!(wished.thread(&slow(1, EventKind::Close)), Some(0));
    }

    #[test]
    fn a_recovery_is_not_mailed_when_nothing_was_before_it() {
        let mut service = service(Severity::Major);
        assert_eq!(
            service.thread(&event(0, EventKind::Open, Severity::Partial)),
            None
        );
        assert_eq!(
            service.thread(&event(1, EventKind::Close, Severity::Partial)),
            None
        );
    }

    #[test]
    fn a_checkpoint_that_cannot_be_read_leaves_a_fresh_service_and_says_why() {
        let fresh = service(Severity::Partial);
        let (again, why) = Service::load(fresh.plan.clone(), Some("{}"));
        assert!(why.is_some_and(|w| w.contains("detector")));
        assert!(again.state.incident().is_none());
        let kept = fresh.checkpoint().unwrap();
        assert_eq!(Service::load(fresh.plan, Some(&kept)).1, None);
    }
}
