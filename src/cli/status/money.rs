//! What services have spent today, and how their budgets thin them.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::config::{Config, Service};
use crate::model::budget::{self, Ration};
use crate::model::{MicroUsd, ProbeId, Timestamp};
use crate::store::{RationRow, Reader, ServiceRow, Spending, StoreError};

/// The money of all services.
pub(super) struct Books(Vec<Book>);

struct Book {
    service: String,
    budget: Option<MicroUsd>,
    spent: MicroUsd,
    /// Runs today that may have cost something.
    runs: u64,
    /// Those whose cost nobody knows.
    unpriced: u64,
    thinned: Vec<Thinned>,
}

struct Thinned {
    probe: String,
    interval: Duration,
    ration: Ration,
    since: Timestamp,
}

impl Books {
    pub fn read(
        reader: &Reader,
        config: &Config,
        rows: &HashMap<String, ServiceRow>,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let spent: HashMap<ProbeId, Spending> = reader
            .spending(budget::day(now))?
            .into_iter()
            .map(|s| (s.probe, s))
            .collect();
        let rations: HashMap<ProbeId, RationRow> = reader
            .rations()?
            .into_iter()
            .map(|r| (r.probe, r))
            .collect();
        let book = |service: &Service| {
            let mut book = Book {
                service: service.name.clone(),
                budget: service.budget.map(|b| b.a_day()),
                spent: MicroUsd::ZERO,
                runs: 0,
                unpriced: 0,
                thinned: Vec::new(),
            };
            let known = rows.get(&service.name).map_or(&[][..], |r| &r.probes);
            for row in known {
                if let Some(day) = spent.get(&row.id) {
                    book.spent = book.spent + day.cost;
                    book.runs += day.runs;
                    book.unpriced += day.unpriced();
                }
                let probe = service.probes.iter().find(|p| p.name == row.name);
                let ration = rations.get(&row.id).filter(|r| r.ration != Ration::FULL);
                if let (Some(probe), Some(row)) = (probe, ration) {
                    book.thinned.push(Thinned {
                        probe: probe.name.clone(),
                        interval: probe.cadence.interval(),
                        ration: row.ration,
                        since: row.at,
                    });
                }
            }
            book
        };
        Ok(Self(config.services.iter().map(book).collect()))
    }

    /// A line for each service that has spent something or has a budget.
    pub fn lines(&self) -> Vec<String> {
        let worth = |b: &&Book| b.runs > 0 || b.budget.is_some();
        self.0.iter().filter(worth).map(Book::line).collect()
    }

    pub fn to_json(&self, service: &str) -> Value {
        let book = self.0.iter().find(|b| b.service == service);
        book.map_or(Value::Null, Book::to_json)
    }
}

impl Book {
    fn line(&self) -> String {
        let mut line = format!("{}: ", self.service);
        match self.budget {
            Some(budget) => line.push_str(&format!("{} of {budget} spent", self.spent)),
            None if self.unpriced == self.runs => line.push_str("cost not known"),
            None => line.push_str(&format!("{} spent", self.spent)),
        }
        if self.unpriced > 0 {
            let of = if self.unpriced == 1 { "run" } else { "runs" };
            line.push_str(&format!(", and {} {of} of unknown cost", self.unpriced));
        }
        if self.budget.is_some_and(|budget| self.spent > budget) && self.thinned.is_empty() {
            line.push_str("; over the budget, because an incident is open or suspected");
        }
        for thinned in &self.thinned {
            line.push_str(&format!("; {}", thinned.words()));
        }
        line
    }

    fn to_json(&self) -> Value {
        let thinned: Vec<Value> = self.thinned.iter().map(Thinned::to_json).collect();
        // Of runs of unknown cost alone, nobody knows what they cost: that is not nothing.
        let known = self.unpriced == 0 || self.unpriced < self.runs;
        json!({
            "budget_usd": self.budget.map(MicroUsd::usd),
            "spent_today_usd": known.then(|| self.spent.usd()),
            "runs_today": self.runs,
            "runs_of_unknown_cost": self.unpriced,
            "thinned": thinned,
        })
    }
}

impl Thinned {
    fn words(&self) -> String {
        match self.ration {
            Ration::OneIn(n) => {
                let every = humantime::format_duration(self.interval.saturating_mul(n));
                format!("{} is thinned to every {every}", self.probe)
            }
            Ration::Nothing => format!(
                "{} does not run until 00:00 UTC: the budget is used up",
                self.probe
            ),
        }
    }

    fn to_json(&self) -> Value {
        let every = match self.ration {
            Ration::OneIn(n) => Some(self.interval.as_secs_f64() * f64::from(n)),
            Ration::Nothing => None,
        };
        json!({
            "probe": self.probe,
            "one_in": self.ration.code(),
            "every_s": every,
            "since": self.since.to_string(),
        })
    }
}
