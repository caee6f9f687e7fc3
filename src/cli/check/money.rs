//! What a service will cost a day, and how far its budget will thin it.

use serde_json::{Value, json};

use crate::config::{Probe, Service};
use crate::model::budget::{self, Bill, Purse, Ration};
use crate::model::{MicroUsd, ProbeId, Tariff};

/// The forecast for one service.
pub(super) struct Forecast<'c> {
    service: &'c Service,
    /// Of all probes whose cost is known, for a day.
    pub known: MicroUsd,
    /// Probes that cost something nobody knows.
    unknown: Vec<&'c str>,
    /// Probes that the budget will thin.
    thinned: Vec<(&'c Probe, Ration)>,
}

impl<'c> Forecast<'c> {
    pub fn of(service: &'c Service) -> Self {
        let mut known = MicroUsd::ZERO;
        let (mut unknown, mut costing, mut bills) = (Vec::new(), Vec::new(), Vec::new());
        for probe in &service.probes {
            let Some(cost) = probe.plan.tariff.forecast() else {
                unknown.push(probe.name.as_str());
                continue;
            };
            if cost == MicroUsd::ZERO {
                continue;
            }
            let interval = probe.cadence.interval();
            let day = budget::a_day(interval, service.confirm(probe), cost);
            known = known + day;
            // With its share of re-checks, which are paid from the same purse.
            let runs = 86_400.0 / interval.as_secs_f64().max(1.0);
            costing.push(probe);
            bills.push(Bill {
                probe: ProbeId(0),
                interval,
                cost: MicroUsd((day.0 as f64 / runs).ceil() as u64),
                before: Ration::FULL,
            });
        }
        let rations = match service.budget {
            Some(budget) => Purse::whole_day(budget.a_day()).rations(&bills),
            None => vec![Ration::FULL; bills.len()],
        };
        let thinned = costing.into_iter().zip(rations);
        Self {
            service,
            known,
            unknown,
            thinned: thinned.filter(|(_, r)| *r != Ration::FULL).collect(),
        }
    }

    /// For the table: `0.27 USD`, `0.27 USD + ?`, `?`, `free`.
    pub fn cell(&self) -> String {
        match (self.known, self.unknown.is_empty()) {
            (MicroUsd::ZERO, true) => "free".to_owned(),
            (MicroUsd::ZERO, false) => "?".to_owned(),
            (known, true) => known.to_string(),
            (known, false) => format!("{known} + ?"),
        }
    }

    /// What a person should know, a line each.
    pub fn notes(&self) -> Vec<String> {
        let name = &self.service.name;
        let mut notes = Vec::new();
        if !self.unknown.is_empty() {
            let probes = self.unknown.join(", ");
            notes.push(format!(
                "{name}: what {probes} costs is not known; say it with price = {{ input = .., output = .. }}, or \"free\""
            ));
        }
        if let (Some(budget), false) = (self.service.budget, self.thinned.is_empty()) {
            let thinned: Vec<String> = self.thinned.iter().map(|(p, r)| thinning(p, *r)).collect();
            notes.push(format!(
                "{name}: a day costs {}, the budget is {}: {}",
                self.known,
                budget.a_day(),
                thinned.join(", ")
            ));
        }
        notes
    }

    pub fn to_json(&self) -> Value {
        let thinned: Vec<Value> = self
            .thinned
            .iter()
            .map(|(probe, ration)| {
                let every = match ration {
                    Ration::OneIn(n) => {
                        Some(probe.cadence.interval().as_secs_f64() * f64::from(*n))
                    }
                    Ration::Nothing => None,
                };
                json!({ "probe": probe.name, "one_in": ration.code(), "every_s": every })
            })
            .collect();
        json!({
            "forecast_usd_per_day": self.known.usd(),
            "unknown": self.unknown,
            "budget_usd_per_day": self.service.budget.map(|b| b.a_day().usd()),
            "thinned": thinned,
        })
    }
}

fn thinning(probe: &Probe, ration: Ration) -> String {
    let every = probe.cadence.interval();
    let usual = humantime::format_duration(every);
    match ration {
        Ration::OneIn(n) => {
            let thinned = humantime::format_duration(every.saturating_mul(n));
            format!("{} will run every {thinned} instead of {usual}", probe.name)
        }
        Ration::Nothing => format!("{} will not run: it would cost too much", probe.name),
    }
}

/// A probe's price, for JSON: of a run, and where it is from.
pub(super) fn of_probe(probe: &Probe) -> Value {
    let from = match (probe.listed, probe.plan.tariff) {
        (Some(table), _) => json!({ "as_of": table.as_of, "source": table.source }),
        (None, Tariff::Priced { .. }) => json!("probes.toml"),
        (None, _) => Value::Null,
    };
    json!({ "forecast_usd_per_run": probe.plan.tariff.forecast().map(MicroUsd::usd), "price_from": from })
}

/// From where the listed prices are that are made use of, a line each.
pub(super) fn sources(services: &[Service]) -> Vec<String> {
    let mut lines: Vec<String> = services
        .iter()
        .flat_map(|s| &s.probes)
        .filter_map(|p| p.listed)
        .map(|table| format!("prices as of {}: {}", table.as_of, table.source))
        .collect();
    lines.sort();
    lines.dedup();
    lines
}
