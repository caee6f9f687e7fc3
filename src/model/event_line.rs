//! One incident event as a line of JSON: what `replay` prints and `run --events` appends.

use serde::Serialize;

use super::concerned::Role;
use super::detect::is_default;
use super::fold::Part;
use super::trace::TimeColumn;
use super::{EventKind, FailureKind, IncidentEvent, IncidentId, IncidentKind, Severity, Timestamp};

/// The line. Field order is the order in the text.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EventLine<'a> {
    t: f64,
    at: Option<String>,
    service: &'a str,
    incident: IncidentId,
    event: EventKind,
    kind: IncidentKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<FailureKind>,
    #[serde(skip_serializing_if = "is_default")]
    retired: bool,
    severity: Severity,
    since: f64,
    evidence: EvidenceOfLine,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    probes: Vec<PartOfLine<'a>>,
}

/// A probe that the incident is about.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct PartOfLine<'a> {
    probe: &'a str,
    severity: Severity,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    runs: Option<Part>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct EvidenceOfLine {
    failed: u32,
    of: u32,
    rate: f64,
    usual: f64,
    window_s: f64,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    slow: Option<SlowOfLine>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct SlowOfLine {
    quantity: &'static str,
    usual_ms: f64,
    now_ms: f64,
}

impl<'a> EventLine<'a> {
    /// The line of an event; `at` is null unless its times are of the calendar.
    pub fn new(service: &'a str, event: &IncidentEvent, time: TimeColumn) -> Self {
        let verdict = &event.verdict;
        Self {
            t: seconds(event.at),
            at: (time == TimeColumn::Calendar).then(|| event.at.to_string()),
            service,
            incident: event.incident,
            event: event.event,
            kind: event.kind,
            cause: event.cause,
            retired: event.retired,
            severity: event.severity,
            since: seconds(event.since),
            evidence: EvidenceOfLine {
                failed: verdict.failed,
                of: verdict.of,
                rate: rounded(verdict.rate(), 1e4),
                usual: rounded(verdict.usual, 1e5),
                window_s: rounded(verdict.window_s, 10.0),
                slow: event.slow.map(|slow| SlowOfLine {
                    quantity: slow.quantity.name(),
                    usual_ms: f64::from(slow.usual_us) / 1e3,
                    now_ms: f64::from(slow.now_us) / 1e3,
                }),
            },
            probes: Vec::new(),
        }
    }

    /// Names the probes that the incident is about, each with how bad it is for it; those that work nearly as usual are
    /// left out.
    #[must_use]
    pub fn with_probes(mut self, roles: impl IntoIterator<Item = Role<'a>>) -> Self {
        let of_line = |(probe, part): Role<'a>| {
            let severity = match part {
                Some(part) => part.severity()?,
                None => self.severity,
            };
            Some(PartOfLine {
                probe,
                severity,
                runs: part,
            })
        };
        self.probes = roles.into_iter().filter_map(of_line).collect();
        self
    }

    /// The text, without a line break.
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

fn seconds(at: Timestamp) -> f64 {
    rounded(at.as_seconds(), 1e3)
}

fn rounded(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}

/// The line of a mail: which event it tells of, and when it is sent.
pub fn mail_line(service: &str, event: &IncidentEvent, at: Timestamp, time: TimeColumn) -> String {
    #[derive(Serialize)]
    struct Line<'a> {
        t: f64,
        at: Option<String>,
        service: &'a str,
        incident: IncidentId,
        mail: EventKind,
        severity: Severity,
    }
    let line = Line {
        t: seconds(at),
        at: (time == TimeColumn::Calendar).then(|| at.to_string()),
        service,
        incident: event.incident,
        mail: event.event,
        severity: event.severity,
    };
    serde_json::to_string(&line).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Verdict;

    #[test]
    fn a_line_has_the_agreed_fields_in_the_agreed_order() {
        let event = IncidentEvent {
            incident: IncidentId(1),
            sequence: 0,
            event: EventKind::Open,
            kind: IncidentKind::Errors,
            cause: None,
            slow: None,
            retired: false,
            severity: Severity::Partial,
            at: Timestamp::from_seconds(86_402.1),
            since: Timestamp::from_seconds(86_042.1),
            verdict: Verdict {
                failed: 8,
                of: 19,
                usual: 0.003,
                window_s: 360.0,
                score: 14.2,
                bound: 12.4,
            },
        };
        assert_eq!(
            EventLine::new("openai", &event, TimeColumn::Counted).text(),
            r#"{"t":86402.1,"at":null,"service":"openai","incident":1,"event":"open","kind":"errors","severity":"partial","since":86042.1,"evidence":{"failed":8,"of":19,"rate":0.4211,"usual":0.003,"window_s":360.0}}"#
        );
        let parts = [(1, 60), (40, 60)].map(|(failed, of)| Part { failed, of });
        let roles = [
            ("web", Some(parts[0])),
            ("chat", Some(parts[1])),
            ("image", None),
        ];
        let named = EventLine::new("openai", &event, TimeColumn::Counted)
            .with_probes(roles)
            .text();
        let tail = r#","probes":[{"probe":"chat","severity":"major","failed":40,"of":60},{"probe":"image","severity":"partial"}]}"#;
        assert!(named.ends_with(tail), "{named}");
        let calendar = EventLine::new("openai", &event, TimeColumn::Calendar).text();
        assert!(
            calendar.contains(r#""at":"1970-01-02T00:00:02.100Z""#),
            "{calendar}"
        );
    }
}
