//! What a mail says, before it is text or HTML: every word of it, cleaned and cut to size.
//!
//! The first line tells the state, because the subject must stay the same for a whole thread. Every moment is UTC,
//! every "ago" is counted from the event, so that the mail is the same whenever it is rendered.

use std::time::Duration;

use super::words::{line, paragraph};
use crate::model::notification::{LastFailure, Notification, ProbeTally, Reason};
use crate::model::{EventKind, Evidence, Fault, IncidentKind, Severity, Timestamp};

/// Longest name that is shown, in characters.
pub const NAME_LIMIT: usize = 60;
/// Most reasons that are shown; the rest is counted.
const REASONS: usize = 10;
/// Most probes that are shown, failing ones first; the rest is counted.
const PROBES: usize = 20;

/// The content of one mail.
#[derive(Debug)]
pub struct View {
    /// The state and the service: the first thing anybody reads.
    pub headline: String,
    /// Colour of the state, for HTML.
    pub color: &'static str,
    /// What is to be known first, a sentence each.
    pub sentences: Vec<String>,
    /// Failures by reason.
    pub reasons: Vec<Row>,
    /// Failures by probe.
    pub probes: Vec<Row>,
    /// The evidence.
    pub failure: Option<Failure>,
    /// Where it was seen, and where to look further.
    pub footer: Vec<String>,
}

/// A number, right-aligned, and what it counts.
#[derive(Debug)]
pub struct Row {
    /// The number.
    pub count: String,
    /// What it counts.
    pub what: String,
}

/// The latest failing reply.
#[derive(Debug)]
pub struct Failure {
    /// Which probe, when, what.
    pub what: String,
    /// The excerpt.
    pub text: String,
    /// The provider's id of the request.
    pub request_id: Option<String>,
}

impl Failure {
    /// The excerpt's lines.
    pub fn lines(&self) -> std::str::Lines<'_> {
        self.text.lines()
    }
}

impl View {
    /// The content for a notification. `watch` is how long a recovered incident may be reopened.
    pub fn new(n: &Notification, watch: Duration) -> Self {
        let event = &n.event;
        let title = title(n);
        let state = outage(event.severity, event.kind);
        let headline = match event.event {
            EventKind::Open => format!("{}: {title}", state.to_uppercase()),
            EventKind::Escalate => format!("WORSE, NOW A {}: {title}", state.to_uppercase()),
            EventKind::Deescalate => format!("BETTER, NOW A {}: {title}", state.to_uppercase()),
            EventKind::Close => format!("RECOVERED: {title}"),
            EventKind::Reopen => format!("BROKEN AGAIN, {}: {title}", state.to_uppercase()),
        };
        let color = match (event.event, event.severity) {
            (EventKind::Close, _) => "#2e9e5b",
            (_, Severity::Major) => "#d03a2f",
            (_, Severity::Partial) => "#e08a1e",
            (_, Severity::Degraded) => "#c9b021",
        };
        Self {
            headline,
            color,
            sentences: sentences(n, state, watch),
            reasons: reasons(&n.reasons),
            probes: probes(&n.probes),
            failure: n.last_failure.as_ref().map(failure),
            footer: vec![
                format!(
                    "Seen from {}. Decided at {}.",
                    line(&n.location, NAME_LIMIT),
                    moment(event.at)
                ),
                format!("All of it: watchfire incidents {}", event.incident),
            ],
        }
    }
}

/// The service's title, or its name when it has none.
pub fn title(n: &Notification) -> String {
    match line(&n.title, NAME_LIMIT) {
        title if title.is_empty() => line(&n.service, NAME_LIMIT),
        title => title,
    }
}

/// What an incident is about, in a subject: it must not change while the incident lasts.
pub const fn subject_of(kind: IncidentKind) -> &'static str {
    match kind {
        IncidentKind::Errors => "errors",
        IncidentKind::Latency => "slow answers",
        IncidentKind::Blind => "watchfire cannot see",
    }
}

const fn outage(severity: Severity, kind: IncidentKind) -> &'static str {
    match (kind, severity) {
        (IncidentKind::Latency, _) => "slowdown",
        (IncidentKind::Blind, _) => "blind spot",
        (IncidentKind::Errors, Severity::Degraded) => "degradation",
        (IncidentKind::Errors, Severity::Partial) => "partial outage",
        (IncidentKind::Errors, Severity::Major) => "major outage",
    }
}

fn sentences(n: &Notification, state: &str, watch: Duration) -> Vec<String> {
    let (event, v) = (&n.event, &n.event.verdict);
    let did = match event.kind {
        IncidentKind::Errors => "failed",
        IncidentKind::Latency => "were slow",
        IncidentKind::Blind => "saw nothing",
    };
    let share = format!(
        "{} of {} probe runs {did}",
        grouped(v.failed),
        grouped(v.of)
    );
    let window = span(Duration::try_from_secs_f64(v.window_s).unwrap_or_default());
    let rate = percent(v.rate());
    if event.event == EventKind::Close {
        let lasted = span(event.since.since(n.opened_at));
        return vec![
            format!(
                "It recovered at about {}; the {state} was reported at {}, {lasted} earlier.",
                moment(event.since),
                moment(n.opened_at)
            ),
            format!("In all, {share} in {window} ({rate})."),
            format!(
                "If it breaks again within {}, this incident goes on, in this thread.",
                span(watch)
            ),
        ];
    }
    let ago = span(event.at.since(event.since));
    let mut said = vec![
        format!("{share} in the last {window} ({rate}); {}.", usual(v.usual)),
        format!(
            "It began at about {}, {ago} before this mail was decided.",
            moment(event.since)
        ),
    ];
    if event.event == EventKind::Reopen {
        said.push(match n.reopened {
            0 | 1 => "It had recovered; this is the same incident.".into(),
            times => {
                format!("It had recovered; this is the same incident, reopened {times} times.")
            }
        });
    }
    said
}

fn reasons(all: &[Reason]) -> Vec<Row> {
    let mut rows: Vec<Row> = all
        .iter()
        .take(REASONS)
        .map(|r| {
            let status = r.status.map(|s| format!(", HTTP {s}")).unwrap_or_default();
            let whose = match r.fault {
                Fault::Provider => "the service",
                Fault::Network => "the network between",
                Fault::Ours => "ours: key, quota or request",
                Fault::Blocked => "a bot check",
            };
            Row {
                count: grouped(r.count),
                what: format!("{}{status} ({whose})", r.kind),
            }
        })
        .collect();
    if let Some(rest) = all.get(REASONS..).filter(|r| !r.is_empty()) {
        let runs = rest
            .iter()
            .fold(0, |sum: u32, r| sum.saturating_add(r.count));
        rows.push(Row {
            count: grouped(runs),
            what: format!("{} other reasons", rest.len()),
        });
    }
    aligned(rows)
}

fn probes(all: &[ProbeTally]) -> Vec<Row> {
    let mut sorted: Vec<&ProbeTally> = all.iter().collect();
    sorted.sort_by(|a, b| b.failed.cmp(&a.failed).then_with(|| a.name.cmp(&b.name)));
    let row = |p: &&ProbeTally| Row {
        count: format!("{} of {} failed", grouped(p.failed), grouped(p.of)),
        what: line(&p.name, NAME_LIMIT),
    };
    let mut rows: Vec<Row> = sorted.iter().take(PROBES).map(row).collect();
    if let Some(rest) = sorted.get(PROBES..).filter(|r| !r.is_empty()) {
        let (failed, of) = rest.iter().fold((0u32, 0u32), |(f, o), p| {
            (f.saturating_add(p.failed), o.saturating_add(p.of))
        });
        rows.push(Row {
            count: format!("{} of {} failed", grouped(failed), grouped(of)),
            what: format!("{} other probes", rest.len()),
        });
    }
    aligned(rows)
}

fn failure(last: &LastFailure) -> Failure {
    let status = last
        .status
        .map(|s| format!(", HTTP {s}"))
        .unwrap_or_default();
    Failure {
        what: format!(
            "{} at {}: {}{status}",
            line(&last.probe, NAME_LIMIT),
            moment(last.at),
            last.kind
        ),
        // Evidence is at most so many bytes already; counted in characters here, which are never more.
        text: paragraph(&last.text, Evidence::LIMIT_BYTES),
        request_id: last
            .request_id
            .as_deref()
            .map(|id| line(id, 200))
            .filter(|id| !id.is_empty()),
    }
}

/// Counts of one column end below each other.
fn aligned(mut rows: Vec<Row>) -> Vec<Row> {
    let width = rows.iter().map(|r| r.count.len()).max().unwrap_or(0);
    for row in &mut rows {
        row.count = format!("{:>width$}", row.count);
    }
    rows
}

/// `2023-11-08 13:44:02 UTC`.
fn moment(at: Timestamp) -> String {
    match at.to_utc() {
        Some(utc) => utc.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
        None => at.to_string(),
    }
}

/// `45 s`, `6 min`, `1 h 42 min`, `2 d 3 h`; seconds are left out from two minutes on.
fn span(length: Duration) -> String {
    let s = length.as_secs() + u64::from(length.subsec_millis() >= 500);
    let two = |a: u64, unit: &str, b: u64, small: &str| match b {
        0 => format!("{a} {unit}"),
        b => format!("{a} {unit} {b} {small}"),
    };
    match s {
        0..120 => format!("{s} s"),
        120..3600 => format!("{} min", s / 60),
        3600..86_400 => two(s / 3600, "h", s % 3600 / 60, "min"),
        _ => two(s / 86_400, "d", s % 86_400 / 3600, "h"),
    }
}

fn percent(rate: f64) -> String {
    let percent = rate.clamp(0.0, 1.0) * 100.0;
    if percent > 0.0 && percent < 1.0 {
        "under 1%".into()
    } else {
        format!("{percent:.0}%")
    }
}

/// `usually 1 in 300`: rare rates as one in so many (two digits that matter), common ones in percent.
fn usual(rate: f64) -> String {
    if rate.is_nan() || rate <= 1e-9 {
        return "usually none".into();
    }
    if rate >= 0.1 {
        return format!("usually {}", percent(rate));
    }
    let every = 1.0 / rate;
    let step = 10f64.powf((every.log10().floor() - 1.0).max(0.0));
    format!(
        "usually at most 1 in {}",
        grouped((every / step).round() * step)
    )
}

/// Thousands apart: `1,204`.
fn grouped(number: impl Into<f64>) -> String {
    let digits = format!("{:.0}", number.into());
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_two_units_at_most() {
        let told =
            [0, 45, 119, 120, 3599, 3600, 6120, 183_600].map(|s| span(Duration::from_secs(s)));
        assert_eq!(
            told,
            [
                "0 s",
                "45 s",
                "119 s",
                "2 min",
                "59 min",
                "1 h",
                "1 h 42 min",
                "2 d 3 h"
            ]
        );
    }

    #[test]
    fn usual_rates_are_told_as_one_in_so_many() {
        let told = [0.0, f64::NAN, 0.003, 0.00081, 0.05, 0.125, 1.0, 1e-6].map(usual);
        let wanted = [
            "usually none",
            "usually none",
            "usually at most 1 in 330",
            "usually at most 1 in 1,200",
            "usually at most 1 in 20",
            "usually 12%",
            "usually 100%",
            "usually at most 1 in 1,000,000",
        ];
        assert_eq!(told, wanted);
    }

    #[test]
    fn large_numbers_are_grouped() {
        assert_eq!(
            [1u32, 1204, 4_294_967_295].map(grouped),
            ["1", "1,204", "4,294,967,295"]
        );
    }
}
