//! The report as CSV: a row for each probe, and one for each service whose probe is empty.

use super::figures::QUANTILES;
use super::gather::{ProbeReport, Report, ServiceReport, Spent};
use crate::model::Cause;
use crate::model::histogram::Histogram;
use crate::model::uptime::{Unknown, Uptime};

/// What is unknown, in the order of its columns.
const UNKNOWN: [Unknown; 10] = [
    Unknown::NoData,
    Unknown::Cause(Cause::Blind),
    Unknown::Cause(Cause::Maintenance),
    Unknown::Cause(Cause::Suspended),
    Unknown::Cause(Cause::Budget),
    Unknown::Cause(Cause::Starting),
    Unknown::Cause(Cause::Prober),
    Unknown::Cause(Cause::Unreadable),
    Unknown::Ours,
    Unknown::Blocked,
];

pub fn of(report: &Report) -> Result<String, String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut write = |cells: Vec<String>| writer.write_record(cells).map_err(|e| e.to_string());
    write(header())?;
    for service in &report.services {
        write(row(report, service, None))?;
        for probe in &service.probes {
            write(row(report, service, Some(probe)))?;
        }
    }
    let bytes = writer.into_inner().map_err(|e| e.to_string())?;
    String::from_utf8(bytes).map_err(|e| e.to_string())
}

fn header() -> Vec<String> {
    let mut names: Vec<String> = [
        "service",
        "probe",
        "kind",
        "from",
        "to",
        "up",
        "slow",
        "down",
        "unknown",
        "share",
        "share_if_unknown_was_down",
        "share_if_unknown_was_up",
    ]
    .map(str::to_owned)
    .into();
    names.extend(UNKNOWN.map(|why| format!("unknown_{}", why.name())));
    for what in ["latency", "first_token"] {
        names.extend(QUANTILES.map(|(_, q)| format!("{what}_{q}_ms")));
    }
    names.extend(["runs_that_may_cost", "runs_of_unknown_cost", "spent_usd"].map(str::to_owned));
    names
}

fn row(report: &Report, service: &ServiceReport, probe: Option<&ProbeReport>) -> Vec<String> {
    let uptime = probe.map_or(&service.uptime, |p| &p.uptime);
    let mut cells = vec![
        service.name.clone(),
        probe.map_or(String::new(), |p| p.name.clone()),
        probe.map_or(String::new(), |p| p.kind.to_owned()),
        report.period.from.to_string(),
        report.period.to.to_string(),
    ];
    cells.extend(counts(uptime));
    let none = Histogram::default();
    for histogram in [
        probe.map_or(&none, |p| &p.durations),
        probe.map_or(&none, |p| &p.first_tokens),
    ] {
        let ms = |q| {
            histogram
                .quantile(q)
                .map_or(String::new(), |us| format!("{:.2}", us / 1e3))
        };
        cells.extend(QUANTILES.map(|(q, _)| ms(q)));
    }
    let money: &Spent = probe.map_or(&service.money, |p| &p.money);
    cells.extend([
        money.runs.to_string(),
        money.unpriced.to_string(),
        cost(money),
    ]);
    cells
}

/// In dollars; nothing when all of it is of unknown cost.
fn cost(money: &Spent) -> String {
    if money.unpriced == 0 || money.unpriced < money.runs {
        money.cost.usd().to_string()
    } else {
        String::new()
    }
}

fn counts(uptime: &Uptime) -> Vec<String> {
    let share = |share: Option<f64>| share.map_or(String::new(), |s| format!("{s:.6}"));
    let bounds = uptime.bounds();
    let mut cells = vec![
        uptime.up.to_string(),
        uptime.slow.to_string(),
        uptime.down().to_string(),
        uptime.unknown().to_string(),
        share(uptime.measured()),
        share(bounds.map(|b| b.0)),
        share(bounds.map(|b| b.1)),
    ];
    let count = |why: &Unknown| uptime.unknown.get(why).copied().unwrap_or(0).to_string();
    cells.extend(UNKNOWN.iter().map(count));
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_of_unknown_cost_alone_have_cost_is_not_nothing() {
        let spent = |runs, unpriced| {
            cost(&Spent {
                runs,
                unpriced,
                ..Spent::default()
            })
        };
        assert_eq!(spent(0, 0), "0");
        assert_eq!(spent(5, 0), "0");
        assert_eq!(spent(5, 2), "0");
        assert_eq!(spent(5, 5), "");
    }

    #[test]
    fn every_cause_has_a_column() {
        for cause in Cause::ALL {
            assert!(
                UNKNOWN.contains(&Unknown::Cause(*cause)),
                "{}",
                cause.name()
            );
        }
    }
}
