//! What services have spent today, and at which ration their probes run for it.
//!
//! Kept in memory as samples are folded, begun from the database. The decision is [`crate::model::budget`]'s; here is
//! only what it needs to know. An incident or a suspicion comes before the budget: its service runs at full pace.

use std::collections::HashMap;
use std::time::Duration;

use tracing::{info, warn};

use super::limits::Alarms;
use crate::model::budget::{self, Bill, Purse, REVIEW, Ration};
use crate::model::{Cost, MicroUsd, ProbeId, Sample, ServiceId, Timestamp};
use crate::store::{RationRow, Spending};

/// Runs of which the mean cost is kept: older ones fade.
const REMEMBERED: f64 = 200.0;

/// What a service may cost, and what its probes are expected to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Money {
    /// For a day.
    pub budget: Option<MicroUsd>,
    /// All its probes.
    pub probes: Vec<ProbeMoney>,
}

/// A probe, as far as money goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeMoney {
    /// Which one.
    pub probe: ProbeId,
    /// Its name within the service.
    pub name: String,
    /// As configured.
    pub interval: Duration,
    /// Of a run; nothing for a free probe, `None` when it cannot be told.
    pub forecast: Option<MicroUsd>,
}

/// The books of all services.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    accounts: HashMap<ServiceId, Account>,
    alarms: Alarms,
    /// The schedule knows no ration yet: all are to be told.
    resend: bool,
}

#[derive(Debug)]
struct Account {
    service: String,
    budget: Option<MicroUsd>,
    /// By id.
    probes: Vec<Entry>,
    /// Whose costs are counted: begins at midnight UTC.
    day: Timestamp,
    reviewed: Option<Timestamp>,
    /// An incident is open or suspected.
    suspended: bool,
    overdrawn: bool,
}

#[derive(Debug)]
struct Entry {
    plan: ProbeMoney,
    /// Today, with what runs of unknown cost were probably worth.
    spent: MicroUsd,
    mean: Mean,
    /// What the budget allows.
    allowed: Ration,
    /// What is in force.
    ration: Ration,
}

/// The mean cost of recent runs.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Mean {
    sum: f64,
    runs: f64,
}

impl Mean {
    fn add(&mut self, cost: MicroUsd) {
        if self.runs >= REMEMBERED {
            self.sum *= 1.0 - 1.0 / self.runs;
            self.runs -= 1.0;
        }
        self.sum += cost.0 as f64;
        self.runs += 1.0;
    }

    fn of(spending: &Spending) -> Self {
        let mut mean = Self {
            sum: spending.cost.0 as f64,
            runs: spending.priced as f64,
        };
        if mean.runs > REMEMBERED {
            mean.sum *= REMEMBERED / mean.runs;
            mean.runs = REMEMBERED;
        }
        mean
    }

    fn get(self) -> Option<MicroUsd> {
        (self.runs >= 1.0).then(|| MicroUsd((self.sum / self.runs).ceil() as u64))
    }
}

impl Entry {
    /// What a run costs: as recent ones did, else as forecast.
    fn cost(&self) -> Option<MicroUsd> {
        self.mean.get().or(self.plan.forecast)
    }

    fn bill(&self) -> Option<Bill> {
        let cost = self.cost().filter(|cost| *cost > MicroUsd::ZERO)?;
        Some(Bill {
            probe: self.plan.probe,
            interval: self.plan.interval,
            cost,
            before: self.allowed,
        })
    }
}

/// What the schedule and the database are to be told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// For the schedule.
    pub rations: Vec<(ProbeId, Ration)>,
    /// For the database.
    pub rows: Vec<RationRow>,
}

impl Ledger {
    /// Begins from what the database knows.
    pub fn new<'p>(
        plans: impl Iterator<Item = (ServiceId, &'p str, &'p Money)>,
        spent: &[Spending],
        rations: &[RationRow],
        now: Timestamp,
    ) -> Self {
        let today = budget::day(now);
        let mut days: HashMap<ProbeId, Vec<&Spending>> = HashMap::new();
        for day in spent {
            days.entry(day.probe).or_default().push(day);
        }
        let rations: HashMap<ProbeId, Ration> =
            rations.iter().map(|p| (p.probe, p.ration)).collect();
        let entry = |plan: &ProbeMoney| {
            let days = days.get(&plan.probe).map_or(&[][..], |d| d);
            let latest = days.iter().rev().find(|d| d.priced > 0);
            let mean = latest.map_or(Mean::default(), |d| Mean::of(d));
            let ration = rations.get(&plan.probe).copied().unwrap_or(Ration::FULL);
            let mut entry = Entry {
                plan: plan.clone(),
                spent: MicroUsd::ZERO,
                mean,
                allowed: ration,
                ration,
            };
            if let Some(day) = days.iter().find(|d| d.day == today) {
                let assumed = entry.cost().unwrap_or_default().times(day.unpriced());
                entry.spent = day.cost + assumed;
            }
            entry
        };
        let account = |(id, service, money): (ServiceId, &str, &Money)| {
            let mut probes: Vec<Entry> = money.probes.iter().map(entry).collect();
            probes.sort_by_key(|e| e.plan.probe);
            let account = Account {
                service: service.to_owned(),
                budget: money.budget,
                probes,
                day: today,
                reviewed: None,
                suspended: false,
                overdrawn: false,
            };
            (id, account)
        };
        Self {
            accounts: plans.map(account).collect(),
            alarms: Alarms::default(),
            resend: true,
        }
    }

    /// Takes over what `old`, which this replaces, knows better than the database.
    pub fn inherit(&mut self, old: Ledger) {
        self.alarms = old.alarms;
        let mut known: HashMap<ProbeId, Entry> = HashMap::new();
        for account in old.accounts.into_values() {
            known.extend(account.probes.into_iter().map(|e| (e.plan.probe, e)));
        }
        let entries = self.accounts.values_mut().flat_map(|a| &mut a.probes);
        for entry in entries {
            if let Some(before) = known.remove(&entry.plan.probe) {
                *entry = Entry {
                    plan: entry.plan.clone(),
                    ..before
                };
            }
        }
    }

    /// Takes a sample in.
    pub fn take(&mut self, service: ServiceId, sample: &Sample) {
        let Some(found) = &sample.found else { return };
        let Some(account) = self.accounts.get_mut(&service) else {
            return;
        };
        let probes = &mut account.probes;
        let index = probes.binary_search_by_key(&sample.probe, |e| e.plan.probe);
        let Some(entry) = index.ok().and_then(|i| probes.get_mut(i)) else {
            return;
        };
        let name = || format!("{}/{}", account.service, entry.plan.name);
        self.alarms.take(sample, &found.headroom, name);
        let today = budget::day(sample.at) == account.day;
        let cost = match found.cost {
            None => return,
            Some(Cost::Known(cost)) => {
                if entry.mean == Mean::default() {
                    // What was only forecast until now may be far from it.
                    account.reviewed = None;
                }
                entry.mean.add(cost);
                cost
            }
            Some(Cost::Unknown) => entry.cost().unwrap_or_default(),
        };
        if today {
            entry.spent = entry.spent + cost;
        }
    }

    /// The wall clock was stepped: what was reckoned with the old one is reckoned anew.
    pub fn clock_stepped(&mut self) {
        self.accounts.values_mut().for_each(|a| a.reviewed = None);
    }

    /// Looks at every budget, where it is time. `suspects` says of which services an incident is open or suspected.
    pub fn review(&mut self, now: Timestamp, suspects: impl Fn(ServiceId) -> bool) -> Changes {
        let mut changes = Changes::default();
        let resend = std::mem::take(&mut self.resend);
        for (id, account) in &mut self.accounts {
            // Without a budget nothing is thinned, whatever is suspected.
            let suspended = account.budget.is_some() && suspects(*id);
            if account.is_due(now, suspended) {
                account.review(now, &mut changes.rows);
            }
            if resend {
                let others = account.probes.iter().filter(|e| e.ration != Ration::FULL);
                changes
                    .rations
                    .extend(others.map(|e| (e.plan.probe, e.ration)));
            }
        }
        if !resend {
            let changed = changes.rows.iter().map(|row| (row.probe, row.ration));
            changes.rations.extend(changed);
        }
        changes
    }
}

impl Account {
    fn spent(&self) -> MicroUsd {
        self.probes.iter().map(|e| e.spent).sum()
    }

    fn is_due(&mut self, now: Timestamp, suspended: bool) -> bool {
        let day = budget::day(now);
        let new_day = day != self.day;
        if new_day {
            self.day = day;
            self.overdrawn = false;
            self.probes
                .iter_mut()
                .for_each(|e| e.spent = MicroUsd::ZERO);
        }
        let changed = suspended != self.suspended;
        self.suspended = suspended;
        let since = self.reviewed.map(|at| now.since(at));
        let due = since.is_none_or(|since| self.budget.is_some() && since >= REVIEW);
        due || changed
            || new_day
            || (!self.suspended && self.is_spent() && self.probes.iter().any(Entry::goes_on))
    }

    fn is_spent(&self) -> bool {
        self.budget.is_some_and(|budget| self.spent() >= budget)
    }

    fn review(&mut self, now: Timestamp, rows: &mut Vec<RationRow>) {
        self.reviewed = Some(now);
        let spent = self.spent();
        let mut costing: Vec<(usize, Bill)> = Vec::new();
        if self.budget.is_some() {
            let bills = self.probes.iter().enumerate();
            costing.extend(bills.filter_map(|(i, e)| Some((i, e.bill()?))));
        }
        let mut allowed = vec![Ration::FULL; self.probes.len()];
        if let Some(budget) = self.budget {
            let bills: Vec<Bill> = costing.iter().map(|(_, bill)| *bill).collect();
            let rations = Purse::new(budget, spent, now).rations(&bills);
            for ((index, _), ration) in costing.iter().zip(rations) {
                if let Some(slot) = allowed.get_mut(*index) {
                    *slot = ration;
                }
            }
        }
        let before = rows.len();
        for (entry, allowed) in self.probes.iter_mut().zip(allowed) {
            entry.allowed = allowed;
            let ration = if self.suspended {
                Ration::FULL
            } else {
                allowed
            };
            if ration != entry.ration {
                entry.ration = ration;
                rows.push(RationRow {
                    probe: entry.plan.probe,
                    at: now,
                    ration,
                });
            }
        }
        if rows.len() > before {
            self.tell(spent);
        }
        if self.suspended && self.is_spent() && !std::mem::replace(&mut self.overdrawn, true) {
            warn!(
                service.name = %self.service,
                "the budget of {} is spent ({}), but an incident is open or suspected: its probes go on",
                self.service, self.standing(spent)
            );
        }
    }

    /// `1.62 USD of 2.00 USD today`.
    fn standing(&self, spent: MicroUsd) -> String {
        let budget = self.budget.unwrap_or_default();
        format!("{spent} of {budget} today")
    }

    fn tell(&self, spent: MicroUsd) {
        let thinned: Vec<String> = self
            .probes
            .iter()
            .filter_map(|e| match e.ration {
                Ration::FULL => None,
                Ration::Nothing => Some(format!("{} rests until 00:00 UTC", e.plan.name)),
                Ration::OneIn(n) => {
                    let every = e.plan.interval.saturating_mul(n);
                    let every = humantime::format_duration(every);
                    Some(format!("{} runs every {every}", e.plan.name))
                }
            })
            .collect();
        let standing = self.standing(spent);
        let name = &self.service;
        if !thinned.is_empty() {
            let thinned = thinned.join(", ");
            info!(service.name = %name, "the budget of {name} thins its probes: {thinned} ({standing})");
        } else if self.suspended {
            info!(
                service.name = %name,
                "{name} runs at full pace, because an incident is open or suspected ({standing})"
            );
        } else {
            info!(service.name = %name, "{name} runs at full pace again ({standing})");
        }
    }
}

impl Entry {
    /// Costs money and has not been stopped.
    fn goes_on(&self) -> bool {
        self.ration != Ration::Nothing && self.bill().is_some()
    }
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
