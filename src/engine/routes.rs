//! Which services are best used now, from what the engine knows.

use std::collections::HashMap;
use std::time::Duration;

use super::service::Service;
use crate::model::route::{Ability, Able, Candidate, Pulse, Ranked, best, recent};
use crate::model::{MicroUsd, ProbeId, Sample, ServiceId, Timestamp};
use crate::store::{Store, StoreError};

/// So many runs of each probe are read at the start; what is usual shows in fewer.
const RUNS_READ: usize = 256;
/// With more probes than this none is read, so that the start stays quick: they show themselves within an interval.
const MOST_READ: usize = 1_000;
/// Runs older than this say nothing of now.
const OLDEST: Duration = Duration::from_secs(900);

/// The names of usable services by ability, the best first.
pub type Routes = Vec<(Ability, Vec<String>)>;

/// What the probes of a service have shown, by probe; those that show no ability are not kept.
#[derive(Debug, Default)]
pub(super) struct Pulses(HashMap<ProbeId, Pulse>);

impl Pulses {
    /// Of these probes, of which nothing is known.
    pub fn of(kinds: &[(ProbeId, &'static str)]) -> Self {
        let mut pulses = Self::default();
        pulses.follow(kinds);
        pulses
    }

    /// Keeps those of these probes, and forgets the others.
    pub fn follow(&mut self, kinds: &[(ProbeId, &'static str)]) {
        let able = kinds
            .iter()
            .filter(|(_, kind)| Ability::from_name(kind).is_some());
        let kept = able.map(|(probe, _)| (*probe, self.0.remove(probe).unwrap_or_default()));
        self.0 = kept.collect();
    }

    /// Takes a run in.
    pub fn take(&mut self, sample: &Sample) {
        if let Some(pulse) = self.0.get_mut(&sample.probe) {
            pulse.take(sample);
        }
    }

    /// The wall clock was stepped by so many microseconds.
    pub fn shift(&mut self, micros: i64) {
        self.0.values_mut().for_each(|pulse| pulse.shift(micros));
    }
}

/// Reads what the probes have shown before the start.
pub(super) fn load(
    store: &Store,
    services: &mut HashMap<ServiceId, Service>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let probes: usize = services.values().map(|s| s.plan.kinds.len()).sum();
    if probes > MOST_READ {
        return Ok(());
    }
    for service in services.values_mut() {
        let probes: Vec<ProbeId> = service.pulses.0.keys().copied().collect();
        for probe in probes {
            for sample in store.samples_after(probe, Some(now - OLDEST), RUNS_READ)? {
                service.pulses.take(&sample);
            }
        }
    }
    Ok(())
}

/// The services that can do this, the best first, with the reason of each; those not to be used come last.
///
/// For the advice of a mail, `wanted` leaves out the services that the mail is about and those that its reader does not
/// know; of what is returned, the ones whose [`crate::model::route::Rank::works`] are worth naming, and `Display` names
/// them: `Anthropic (chat, 0.8 s)`.
pub(super) fn alternatives(
    services: &HashMap<ServiceId, Service>,
    ability: Ability,
    now: Timestamp,
    wanted: impl Fn(&Service) -> bool,
) -> Vec<Ranked> {
    let mut own: Vec<&Service> = services.values().filter(|s| wanted(s)).collect();
    own.sort_by_key(|s| s.plan.id);
    let candidates: Vec<Candidate> = own.into_iter().map(candidate).collect();
    best(ability, &candidates, now)
}

/// The usable services of every ability that any of them has; of chat and image also when there are none.
pub(super) fn routes(services: &HashMap<ServiceId, Service>, now: Timestamp) -> Routes {
    let mut own: Vec<&Service> = services.values().collect();
    own.sort_by_key(|s| s.plan.id);
    let candidates: Vec<Candidate> = own.into_iter().map(candidate).collect();
    let of = |ability: Ability| {
        let ranked = best(ability, &candidates, now);
        let known = !ranked.is_empty() || matches!(ability, Ability::Chat | Ability::Image);
        let usable = ranked.into_iter().filter(|r| r.rank.is_usable());
        known.then(|| (ability, usable.map(|r| r.name).collect()))
    };
    Ability::ALL.iter().copied().filter_map(of).collect()
}

fn candidate(service: &Service) -> Candidate {
    let plan = &service.plan;
    let able = |(probe, kind): &(ProbeId, &'static str)| {
        let money = plan.money.probes.iter().find(|m| m.probe == *probe);
        let cost = money.and_then(|m| m.forecast);
        let thinned = plan.money.budget.is_some() && cost != Some(MicroUsd::ZERO);
        Some(Able {
            ability: Ability::from_name(kind)?,
            pulse: service.pulses.0.get(probe).cloned().unwrap_or_default(),
            recent: recent(money.map_or(Duration::ZERO, |m| m.interval), thinned),
            cost,
        })
    };
    Candidate {
        name: plan.name.clone(),
        title: plan.title.clone(),
        incidents: service.state.incidents().collect(),
        probes: plan.kinds.iter().filter_map(able).collect(),
        missing: Vec::new(),
    }
}
