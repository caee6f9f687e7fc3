//! Reads what a report tells: sums, incidents, claims and money of each service.

use std::collections::HashMap;
use std::time::Duration;

use super::pages::{Pages, Said, horizons};
use super::period::Period;
use crate::config::{Config, Service};
use crate::model::admission::{Admission, Seen};
use crate::model::budget::Ration;
use crate::model::histogram::Histogram;
use crate::model::response::{Moments, PageLag, Response};
use crate::model::slo::{ErrorBudget, burn};
use crate::model::span::Span;
use crate::model::tallies::Tallies;
use crate::model::uptime::{Gaps, Slots, Uptime};
use crate::model::{IncidentKind, MicroUsd, ProbeId, Timestamp, budget};
use crate::store::{Course, Days, Past, Reader, ServiceRow, StoreError};

const DAY: Duration = Duration::from_secs(86_400);
/// What a page said so long before the time is looked at as well.
const BEFORE: Duration = DAY;

/// All that is told.
pub struct Report {
    pub period: Period,
    pub services: Vec<ServiceReport>,
}

/// Of one service.
pub struct ServiceReport {
    pub name: String,
    pub title: String,
    /// Of all its probes together, run by run.
    pub uptime: Uptime,
    pub budget: Option<ErrorBudget>,
    /// How fast the budget is spent since yesterday.
    pub burns: Option<f64>,
    /// By day (UTC).
    pub days: Vec<(Timestamp, Uptime)>,
    pub probes: Vec<ProbeReport>,
    pub incidents: Vec<IncidentReport>,
    /// Of its incidents of the kind `errors`.
    pub response: Response,
    /// How long one of these went on, within the time.
    pub in_trouble: Duration,
    /// How each of its pages kept up, by the probe that reads it.
    pub pages: Vec<(String, PageLag)>,
    pub money: Spent,
}

/// Of one probe.
pub struct ProbeReport {
    pub name: String,
    pub kind: &'static str,
    /// Why it has no figures.
    pub missing: Option<String>,
    pub uptime: Uptime,
    pub durations: Histogram,
    pub first_tokens: Histogram,
    pub money: Spent,
}

/// Of one incident.
pub struct IncidentReport {
    pub course: Course,
    pub said: Vec<Said>,
}

/// What was spent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spent {
    /// Runs that may have cost something.
    pub runs: u64,
    /// Those whose cost nobody knows.
    pub unpriced: u64,
    pub cost: MicroUsd,
}

/// Reads it; `wanted` says of which services, by name.
pub fn gather(
    reader: &Reader,
    config: &Config,
    period: Period,
    now: Timestamp,
    wanted: impl Fn(&str) -> bool,
) -> Result<Report, StoreError> {
    let services: Vec<&Service> = config.services.iter().filter(|s| wanted(&s.name)).collect();
    let rows: HashMap<String, ServiceRow> = reader
        .services()?
        .into_iter()
        .map(|row| (row.name.clone(), row))
        .collect();
    let sources = Sources::read(reader, config, period, now, &services, &rows)?;
    let mut told = Vec::with_capacity(services.len());
    for service in services {
        told.push(sources.service(service, rows.get(&service.name)));
    }
    Ok(Report {
        period,
        services: told,
    })
}

/// What was read for all services together.
struct Sources {
    period: Period,
    now: Timestamp,
    pasts: HashMap<ProbeId, Past>,
    paces: HashMap<ProbeId, Vec<(Timestamp, Duration)>>,
    rations: HashMap<ProbeId, Vec<(Timestamp, Ration)>>,
    spent: HashMap<ProbeId, Spent>,
    courses: Vec<(Course, Timestamp)>,
    pages: Pages,
}

impl Sources {
    fn read(
        reader: &Reader,
        config: &Config,
        period: Period,
        now: Timestamp,
        services: &[&Service],
        rows: &HashMap<String, ServiceRow>,
    ) -> Result<Self, StoreError> {
        let known = services.iter().filter_map(|s| rows.get(&s.name));
        let probes: Vec<ProbeId> = known
            .flat_map(|row| row.probes.iter().map(|p| p.id))
            .collect();
        let pasts = reader.past(&probes, period.from, period.end(), Days::Apart)?;
        let mut rations: HashMap<ProbeId, Vec<(Timestamp, Ration)>> = HashMap::new();
        for row in reader.all_rations()? {
            rations
                .entry(row.probe)
                .or_default()
                .push((row.at, row.ration));
        }
        let mut spent: HashMap<ProbeId, Spent> = HashMap::new();
        let days = reader.spending(period.from)?;
        for day in days.iter().filter(|day| day.day < period.to) {
            spent.entry(day.probe).or_default().add(Spent {
                runs: day.runs,
                unpriced: day.unpriced(),
                cost: day.cost,
            });
        }
        // All later ones too: they bound what a page can have meant.
        let courses = reader.courses(period.from, now)?;
        let horizons = horizons(&courses, now);
        let courses = courses.into_iter().zip(horizons);
        Ok(Self {
            period,
            now,
            pasts: probes.into_iter().zip(pasts).collect(),
            paces: reader.paces()?,
            rations,
            spent,
            courses: courses.filter(|(c, _)| c.row.since < period.to).collect(),
            pages: Pages::read(reader, config, period.from - BEFORE)?,
        })
    }

    fn service(&self, service: &Service, row: Option<&ServiceRow>) -> ServiceReport {
        let mut told = ServiceReport {
            name: service.name.clone(),
            title: service.title.clone(),
            uptime: Uptime::default(),
            budget: None,
            burns: None,
            days: self
                .period
                .days()
                .map(|day| (day, Uptime::default()))
                .collect(),
            probes: Vec::new(),
            incidents: self.incidents(&service.name),
            response: Response::default(),
            in_trouble: Duration::ZERO,
            pages: Vec::new(),
            money: Spent::default(),
        };
        let mut days: Vec<DaySum> = self.period.days().map(DaySum::of).collect();
        for probe in &service.probes {
            // From whatever place it was probed: a machine may have been renamed.
            let known = row.into_iter().flat_map(|row| &row.probes);
            let ids: Vec<ProbeId> = known
                .filter(|p| p.name == probe.name)
                .map(|p| p.id)
                .collect();
            let judged = probe.plan.check.judged().counts();
            let line = self.probe(&probe.name, probe.kind, &ids, judged, &mut days);
            told.uptime.add(&line.uptime);
            told.money.add(line.money);
            told.probes.push(line);
        }
        told.days = days.iter().map(DaySum::uptime).collect();
        for absent in &service.not_configured {
            told.probes
                .push(ProbeReport::missing(&absent.probe, &absent.missing));
        }
        if let Some(slo) = service.slo {
            told.budget = ErrorBudget::of(slo, &told.uptime);
            let mut lately = Uptime::default();
            let yesterday = budget::day(self.period.to) - DAY;
            for (_, uptime) in told.days.iter().filter(|(day, _)| *day >= yesterday) {
                lately.add(uptime);
            }
            told.burns = burn(slo, &lately);
        }
        self.respond(&mut told);
        told
    }

    fn probe(
        &self,
        name: &str,
        kind: &'static str,
        ids: &[ProbeId],
        judged: bool,
        days: &mut [DaySum],
    ) -> ProbeReport {
        let mut line = ProbeReport {
            name: name.to_owned(),
            kind,
            missing: (!judged).then(|| "only noted, not judged".to_owned()),
            uptime: Uptime::default(),
            durations: Histogram::default(),
            first_tokens: Histogram::default(),
            money: Spent::default(),
        };
        if ids.is_empty() {
            line.missing.get_or_insert_with(|| "not run yet".to_owned());
        }
        let Period { from, to, .. } = self.period;
        for id in ids {
            line.money
                .add(self.spent.get(id).copied().unwrap_or_default());
            let Some(past) = self.pasts.get(id) else {
                continue;
            };
            line.durations.merge(&past.durations);
            line.first_tokens.merge(&past.first_tokens);
            if !judged {
                continue;
            }
            let gaps = self.slots(*id, from, to).gaps(past.results.scheduled());
            line.uptime.add(&Uptime::of(&past.results).with_gaps(gaps));
            for sum in &mut *days {
                let known = past.days.binary_search_by_key(&sum.number, |(n, _)| *n);
                let results = known.ok().and_then(|i| past.days.get(i)).map(|(_, r)| r);
                let slots = self.slots(*id, sum.begin.max(from), (sum.begin + DAY).min(to));
                sum.gaps
                    .add(slots.gaps(results.map_or(0, Tallies::scheduled)));
                results.into_iter().for_each(|r| sum.results.merge(r));
            }
        }
        line
    }

    fn slots(&self, probe: ProbeId, from: Timestamp, to: Timestamp) -> Slots {
        let paces = self.paces.get(&probe).map_or(&[][..], Vec::as_slice);
        let rations = self.rations.get(&probe).map_or(&[][..], Vec::as_slice);
        Slots::of(paces, rations, from, to)
    }

    fn incidents(&self, service: &str) -> Vec<IncidentReport> {
        let own = self
            .courses
            .iter()
            .filter(|(c, _)| c.row.service == service);
        own.map(|(course, next)| IncidentReport {
            said: self.pages.said(course, *next),
            course: course.clone(),
        })
        .collect()
    }

    /// How soon its outages were noticed, told, over and admitted.
    fn respond(&self, told: &mut ServiceReport) {
        let outages: Vec<&IncidentReport> = told
            .incidents
            .iter()
            .filter(|i| i.course.row.kind == IncidentKind::Errors)
            .collect();
        let moments: Vec<Moments> = outages.iter().map(|i| i.moments()).collect();
        told.response = Response::of(&moments);
        let Period { from, to, .. } = self.period;
        let within = |m: &Moments| {
            let end = m.recovered.unwrap_or(self.now).min(to);
            end.since(m.since.max(from))
        };
        told.in_trouble = moments.iter().map(within).sum();
        let mut pages: Vec<(String, Vec<(Admission, Seen)>)> = Vec::new();
        for said in outages.iter().flat_map(|i| &i.said) {
            let what = (said.admission, said.seen);
            match pages.iter_mut().find(|(probe, _)| *probe == said.probe) {
                Some((_, list)) => list.push(what),
                None => pages.push((said.probe.clone(), vec![what])),
            }
        }
        let lag = |(probe, said): (String, Vec<_>)| (probe, PageLag::of(&said));
        told.pages = pages.into_iter().map(lag).collect();
    }
}

/// A day of a service, summed over its probes.
struct DaySum {
    begin: Timestamp,
    /// Since 1970.
    number: i64,
    results: Tallies,
    gaps: Gaps,
}

impl DaySum {
    fn of(begin: Timestamp) -> Self {
        Self {
            begin,
            number: Span::Day.of_hour(begin.as_micros().div_euclid(3_600_000_000)),
            results: Tallies::default(),
            gaps: Gaps::default(),
        }
    }

    fn uptime(&self) -> (Timestamp, Uptime) {
        (self.begin, Uptime::of(&self.results).with_gaps(self.gaps))
    }
}

impl ProbeReport {
    fn missing(name: &str, missing: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind: "",
            missing: Some(format!("not configured: {missing} is not set")),
            uptime: Uptime::default(),
            durations: Histogram::default(),
            first_tokens: Histogram::default(),
            money: Spent::default(),
        }
    }
}

impl IncidentReport {
    pub fn moments(&self) -> Moments {
        Moments {
            since: self.course.row.since,
            noticed: self.course.row.opened_at,
            mailed: self.course.mailed,
            recovered: self.course.recovered,
        }
    }
}

impl Spent {
    fn add(&mut self, other: Spent) {
        self.runs += other.runs;
        self.unpriced += other.unpriced;
        self.cost = self.cost + other.cost;
    }

    /// `1.62 USD`, `1.62 USD and 12 runs of unknown cost`; `None` when nothing was or can have been spent.
    pub fn words(&self) -> Option<String> {
        let runs = if self.unpriced == 1 { "run" } else { "runs" };
        match (self.runs, self.unpriced) {
            (0, _) => None,
            (_, 0) => Some(self.cost.to_string()),
            (all, unpriced) if all == unpriced => Some(format!("{all} {runs} of unknown cost")),
            (_, unpriced) => Some(format!(
                "{} and {unpriced} {runs} of unknown cost",
                self.cost
            )),
        }
    }
}
