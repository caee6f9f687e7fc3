//! The report as one file for a browser: no scripts, nothing to load, all that came from elsewhere escaped.

use askama::Template;

use super::figures::{bounds, failures, length, measured, percent, quantiles, unknown};
use super::gather::{IncidentReport, ProbeReport, Report, ServiceReport};
use super::text::{Day, lines};
use crate::model::Timestamp;
use crate::model::uptime::Uptime;
use crate::report::words::moment;

/// Width of all days together, in the picture's own units.
const WIDTH: f64 = 720.0;

#[derive(Template)]
#[template(path = "report.html", config = "src/cli/report/askama.toml")]
struct Page {
    from: String,
    to: String,
    span: String,
    location: String,
    services: Vec<Service>,
}

struct Service {
    anchor: String,
    name: String,
    title: String,
    up: String,
    bounds: String,
    /// How it was over all, as a class.
    tone: &'static str,
    lines: Vec<(&'static str, String)>,
    /// Of the error budget: in words, how much of a bar is left, 0 to 100, and its colour.
    budget: Option<(String, f64, &'static str)>,
    days: Vec<Bar>,
    first_day: String,
    last_day: String,
    tokens: bool,
    probes: Vec<Probe>,
    incidents: Vec<[String; 7]>,
}

/// A day of the strip.
struct Bar {
    x: String,
    width: String,
    class: &'static str,
    tip: String,
}

struct Probe {
    name: String,
    kind: &'static str,
    missing: Option<String>,
    up: String,
    tone: &'static str,
    bounds: String,
    runs: u64,
    /// Why runs failed, and why nobody knows of others.
    why: String,
    latency: [String; 3],
    first_token: [String; 3],
}

/// Renders it.
pub fn draw(report: &Report, location: &str) -> Result<String, String> {
    let page = Page {
        from: minute(report.period.from),
        to: minute(report.period.to),
        span: length(&report.period),
        location: location.to_owned(),
        services: report.services.iter().map(service).collect(),
    };
    page.render().map_err(|e| e.to_string())
}

/// `2026-11-25 10:42`.
fn minute(at: Timestamp) -> String {
    moment(at).chars().take(16).collect()
}

fn day(at: Timestamp) -> String {
    moment(at).chars().take(10).collect()
}

fn service(service: &ServiceReport) -> Service {
    let first = service.days.first().map(|(at, _)| day(*at));
    let last = service.days.last().map(|(at, _)| day(*at));
    let budget = service.budget.map(|budget| {
        let words = super::figures::left(budget.left);
        match budget.left {
            // A bar of nothing would look as if nothing was meant.
            left if left <= 0.0 => (words, 100.0, "bad"),
            left if left < 0.25 => (words, left * 100.0, "poor"),
            left => (words, left.min(1.0) * 100.0, "good"),
        }
    });
    Service {
        anchor: format!("service-{}", service.name),
        name: service.name.clone(),
        title: service.title.clone(),
        up: measured(&service.uptime),
        bounds: bounds(&service.uptime),
        tone: tone(&service.uptime),
        // What the heading and the table below say is not said again.
        lines: lines(service)
            .into_iter()
            .filter(|(what, _)| *what != "up")
            .collect(),
        budget,
        days: bars(service),
        first_day: first.unwrap_or_default(),
        last_day: last.unwrap_or_default(),
        tokens: service.probes.iter().any(|p| p.first_tokens.count() > 0),
        probes: service.probes.iter().map(probe).collect(),
        incidents: service
            .incidents
            .iter()
            .rev()
            .map(IncidentReport::cells)
            .collect(),
    }
}

fn bars(service: &ServiceReport) -> Vec<Bar> {
    let step = WIDTH / service.days.len().max(1) as f64;
    let bar = |(n, (at, uptime)): (usize, &(Timestamp, Uptime))| Bar {
        x: format!("{:.1}", n as f64 * step),
        // Parted by a fifth, but never so that nothing is left of a bar.
        width: format!("{:.1}", (step * 0.8).min(24.0)),
        class: class(Day::of(uptime)),
        tip: tip(*at, uptime),
    };
    service.days.iter().enumerate().map(bar).collect()
}

/// `2026-11-08: 97.21 % up; server_error 12; unknown 3.1 %`.
fn tip(at: Timestamp, uptime: &Uptime) -> String {
    let mut tip = format!("{}: ", day(at));
    match uptime.measured() {
        Some(up) => tip.push_str(&format!("{} up", percent(up))),
        None => tip.push_str("nothing is known"),
    }
    if uptime.down() > 0 {
        tip.push_str(&format!("; {}", failures(uptime)));
    }
    if uptime.unknown() > 0 {
        tip.push_str(&format!("; unknown: {}", unknown(uptime)));
    }
    tip
}

const fn class(day: Day) -> &'static str {
    match day {
        Day::Unknown => "unknown",
        Day::Good => "good",
        Day::Fair => "fair",
        Day::Poor => "poor",
        Day::Bad => "bad",
    }
}

fn tone(uptime: &Uptime) -> &'static str {
    class(Day::of(uptime))
}

/// `failed: server_error 12; unknown: no data 30`.
fn why(uptime: &Uptime) -> String {
    let parts = [("failed", failures(uptime)), ("unknown", unknown(uptime))];
    let told = parts.iter().filter(|(_, counts)| !counts.is_empty());
    let words: Vec<String> = told
        .map(|(what, counts)| format!("{what}: {counts}"))
        .collect();
    words.join("; ")
}

fn probe(probe: &ProbeReport) -> Probe {
    Probe {
        name: probe.name.clone(),
        kind: probe.kind,
        missing: probe.missing.clone(),
        up: measured(&probe.uptime),
        tone: tone(&probe.uptime),
        bounds: bounds(&probe.uptime),
        runs: probe.uptime.known(),
        why: why(&probe.uptime),
        latency: quantiles(&probe.durations),
        first_token: quantiles(&probe.first_tokens),
    }
}
