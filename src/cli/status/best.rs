//! `status --best chat`: which services can do this now, the best first.

use std::io::IsTerminal;
use std::time::Duration;

use comfy_table::{Table, presets};
use serde_json::{Value, json};

use super::{Known, Trouble};
use crate::cli::Exit;
use crate::config::{Config, Service};
use crate::engine::incidents;
use crate::model::route::{Ability, Able, Candidate, Pulse, Ranked, best, recent};
use crate::model::{MicroUsd, ProbeId, Timestamp};
use crate::store::{Reader, ServiceRow, StoreError};

/// So many runs of each probe are read; what is usual shows in fewer.
const RUNS_READ: usize = 256;
/// The usual latency is that of the runs of this time, or of three intervals where that is longer.
const LATELY: Duration = Duration::from_secs(900);

/// An ability by its name.
///
/// # Errors
/// The names that there are.
pub(super) fn ability(text: &str) -> Result<Ability, String> {
    Ability::from_name(text).ok_or_else(|| {
        let names: Vec<&str> = Ability::ALL.iter().map(|a| a.name()).collect();
        format!("wanted one of {}", names.join(", "))
    })
}

/// Reads what is known of every service, and puts them in order.
pub(super) fn read(
    config: &Config,
    ability: Ability,
    now: Timestamp,
) -> Result<Vec<Ranked>, Trouble> {
    let reader = Reader::open(&config.data_dir)?;
    let Known { rows, states } = Known::read(&reader)?;
    let mut candidates = Vec::with_capacity(config.services.len());
    for service in &config.services {
        let row = rows.get(&service.name);
        let state = row.and_then(|row| states.get(&row.id));
        let mut candidate = candidate(&reader, service, row, ability, now)?;
        candidate.incidents = state.map_or_else(Vec::new, |state| incidents(state));
        candidates.push(candidate);
    }
    Ok(best(ability, &candidates, now))
}

fn candidate(
    reader: &Reader,
    service: &Service,
    row: Option<&ServiceRow>,
    ability: Ability,
    now: Timestamp,
) -> Result<Candidate, StoreError> {
    let mut probes = Vec::new();
    for probe in service.probes.iter().filter(|p| p.kind == ability.name()) {
        let known = row.and_then(|row| row.probes.iter().find(|p| p.name == probe.name));
        let cost = probe.plan.tariff.forecast();
        let thinned = service.budget.is_some() && cost != Some(MicroUsd::ZERO);
        let recent = recent(probe.cadence.interval(), thinned);
        probes.push(Able {
            ability,
            pulse: pulse(reader, known.map(|p| p.id), now - recent.max(LATELY))?,
            recent,
            cost,
        });
    }
    let missing = service.not_configured.iter();
    let missing = missing.filter(|n| n.kind == ability.name());
    Ok(Candidate {
        name: service.name.clone(),
        title: service.title.clone(),
        incidents: Vec::new(),
        probes,
        missing: missing.map(|n| (ability, n.missing.clone())).collect(),
    })
}

fn pulse(reader: &Reader, probe: Option<ProbeId>, since: Timestamp) -> Result<Pulse, StoreError> {
    let mut pulse = Pulse::default();
    let Some(probe) = probe else {
        return Ok(pulse);
    };
    for sample in reader.samples_after(probe, Some(since), RUNS_READ)? {
        pulse.take(&sample);
    }
    if pulse == Pulse::default()
        && let Some(last) = reader.last_sample(probe)?
    {
        pulse.take(&last);
    }
    Ok(pulse)
}

/// Prints them: names alone for a script, with the reasons for a person. Exit 1 when none works.
pub(super) fn show(ranked: &[Ranked], as_json: bool) -> Exit {
    if as_json {
        anstream::println!("{}", Value::from_iter(ranked.iter().map(to_json)));
    } else if std::io::stdout().is_terminal() {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(["service", "", "usually", "why"]);
        for ranked in ranked {
            let usual = ranked
                .usual
                .map_or(String::new(), |u| format!("{:.1} s", u.as_secs_f64()));
            table.add_row([&ranked.name, ranked.rank.name(), &usual, &ranked.reason]);
        }
        anstream::println!("{table}");
    } else {
        for ranked in ranked.iter().filter(|r| r.rank.is_usable()) {
            anstream::println!("{}", ranked.name);
        }
    }
    if ranked.iter().any(|r| r.rank.works()) {
        Exit::Ok
    } else {
        Exit::No
    }
}

fn to_json(ranked: &Ranked) -> Value {
    json!({
        "service": ranked.name,
        "state": ranked.rank.name(),
        "usable": ranked.rank.is_usable(),
        "usual_ms": ranked.usual.map(|u| (u.as_secs_f64() * 1e3).round()),
        "cost_usd": ranked.cost.map(MicroUsd::usd),
        "reason": ranked.reason,
    })
}
