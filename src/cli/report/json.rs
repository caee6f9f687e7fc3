//! The report as one JSON object (docs/reports.md names its keys).

use serde_json::{Map, Value, json};

use super::figures::QUANTILES;
use super::gather::{IncidentReport, ProbeReport, Report, ServiceReport, Spent};
use crate::model::histogram::Histogram;
use crate::model::response::{PageLag, Spread};
use crate::model::slo::ErrorBudget;
use crate::model::uptime::Uptime;
use crate::report::pages::Said;

pub fn of(report: &Report) -> Value {
    let services: Vec<Value> = report.services.iter().map(service).collect();
    json!({
        "from": report.period.from.to_string(),
        "to": report.period.to.to_string(),
        "services": services,
    })
}

fn service(service: &ServiceReport) -> Value {
    let days: Vec<Value> = service
        .days
        .iter()
        .map(|(day, uptime)| {
            json!({
                "day": day.to_string().chars().take(10).collect::<String>(),
                "up": uptime.up, "down": uptime.down(), "unknown": uptime.unknown(),
            })
        })
        .collect();
    json!({
        "service": service.name,
        "title": service.title,
        "uptime": uptime(&service.uptime),
        "error_budget": service.budget.map(|b| budget(&b, service.burns)),
        "days": days,
        "probes": service.probes.iter().map(probe).collect::<Vec<_>>(),
        "incidents": service.incidents.iter().map(incident).collect::<Vec<_>>(),
        "in_incident_s": service.in_trouble.as_secs(),
        "mttd_s": spread(service.response.detect),
        "mttm_s": spread(service.response.tell),
        "mttr_s": spread(service.response.recover),
        "status_pages": service.pages.iter().map(|(probe, lag)| page(probe, lag)).collect::<Vec<_>>(),
        "money": money(&service.money),
    })
}

fn uptime(uptime: &Uptime) -> Value {
    let failures: Map<String, Value> = uptime
        .failures
        .iter()
        .map(|(kind, n)| (kind.name().to_owned(), json!(n)))
        .collect();
    let unknown: Map<String, Value> = uptime
        .unknown
        .iter()
        .map(|(why, n)| (why.name().to_owned(), json!(n)))
        .collect();
    let bounds = uptime.bounds();
    json!({
        "up": uptime.up,
        "slow": uptime.slow,
        "down": uptime.down(),
        "unknown": uptime.unknown(),
        "share": uptime.measured(),
        "share_if_unknown_was_down": bounds.map(|b| b.0),
        "share_if_unknown_was_up": bounds.map(|b| b.1),
        "failures": failures,
        "unknown_because": unknown,
    })
}

fn budget(budget: &ErrorBudget, lately: Option<f64>) -> Value {
    json!({
        "slo": budget.slo,
        "left": budget.left,
        "left_if_unknown_was_down": budget.left_at_worst,
        "burn_rate": budget.burn,
        "burn_rate_since_yesterday": lately,
    })
}

fn probe(probe: &ProbeReport) -> Value {
    json!({
        "probe": probe.name,
        "kind": probe.kind,
        "note": probe.missing,
        "uptime": uptime(&probe.uptime),
        "latency_ms": quantiles(&probe.durations),
        "first_token_ms": quantiles(&probe.first_tokens),
        "money": money(&probe.money),
    })
}

/// Milliseconds; null without any.
fn quantiles(histogram: &Histogram) -> Value {
    if histogram.count() == 0 {
        return Value::Null;
    }
    let mut object = Map::new();
    for (q, name) in QUANTILES {
        let ms = histogram.quantile(q).map(|us| (us / 10.0).round() / 100.0);
        object.insert(name.to_owned(), json!(ms));
    }
    Value::Object(object)
}

fn incident(incident: &IncidentReport) -> Value {
    let row = &incident.course.row;
    json!({
        "incident": row.id,
        "kind": row.kind.name(),
        "cause": row.cause.map(|cause| cause.name()),
        "state": row.state.name(),
        "severity": row.severity.name(),
        "since": row.since.to_string(),
        "noticed_at": row.opened_at.to_string(),
        "mailed_at": incident.course.mailed.map(|at| at.to_string()),
        "recovered_at": incident.course.recovered.map(|at| at.to_string()),
        "reopened": row.reopened,
        "status_pages": incident.said.iter().map(Said::to_json).collect::<Vec<_>>(),
    })
}

fn spread(spread: Option<Spread>) -> Value {
    spread.map_or(
        Value::Null,
        |s| json!({ "n": s.n, "mean": s.mean_s, "median": s.median_s, "max": s.most_s }),
    )
}

fn page(probe: &str, lag: &PageLag) -> Value {
    json!({
        "probe": probe,
        "incidents": lag.incidents,
        "admitted": lag.admitted,
        "admitted_before": lag.before,
        "never_admitted": lag.never,
        "lag_s": spread(lag.lag),
        "lag_after_us_s": spread(lag.after_us),
        "over_lag_s": spread(lag.over),
    })
}

fn money(spent: &Spent) -> Value {
    // Of runs of unknown cost alone, nobody knows what they cost: that is not nothing.
    let known = spent.unpriced == 0 || spent.unpriced < spent.runs;
    json!({
        "spent_usd": known.then(|| spent.cost.usd()),
        "runs": spent.runs,
        "runs_of_unknown_cost": spent.unpriced,
    })
}
