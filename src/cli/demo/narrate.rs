//! The demo's narrator: one line for each thing that happens, in the story's time.
//!
//! Lines carry colours; printed through `anstream`, these are left out where they are not wanted.

use std::time::Duration;

use anstyle::{AnsiColor, Color, Style};

use crate::cli::words;
use crate::model::scenario::{Scenario, Turn};
use crate::model::{EventKind, IncidentEvent, IncidentKind, Timestamp};

/// Something that happened, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Happening {
    /// In the story's time.
    pub at: Timestamp,
    /// What it was.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// These parts of the provider begin to fail: what nobody outside can know yet.
    Onset(String),
    /// These parts work again.
    Recovery(String),
    /// The provider's own status page says something.
    Post {
        /// Headline of its incident.
        name: String,
        /// How it stands: `investigating` and so on.
        status: &'static str,
        /// Its words.
        text: String,
    },
    /// watchfire has decided something.
    Event {
        /// The service it is about.
        service: String,
        /// What it decided.
        event: IncidentEvent,
    },
    /// A mail has gone out.
    Mail {
        /// What it tells.
        event: EventKind,
        /// To whom.
        to: String,
        /// Its subject.
        subject: String,
    },
}

/// What the scenario itself brings, in order of time: onsets, recoveries and posts up to its end. Weak outages are left out.
pub fn told_by(scenario: &Scenario) -> Vec<Happening> {
    let names = |parts: &[crate::model::scenario::Component]| {
        let names: Vec<_> = parts.iter().map(|c| c.name()).collect();
        names.join(", ")
    };
    let turns = scenario.turns().into_iter();
    turns
        .filter(|(at, _)| *at <= scenario.end)
        .filter_map(|(at, turn)| {
            let what = match turn {
                Turn::Onset(t) | Turn::Recovery(t) if t.optional => return None,
                Turn::Onset(truth) => What::Onset(names(&truth.components)),
                Turn::Recovery(truth) => What::Recovery(names(&truth.components)),
                Turn::Post(told, post) => What::Post {
                    name: told.name.clone(),
                    status: post.status.name(),
                    text: post.text.clone(),
                },
            };
            Some(Happening { at, what })
        })
        .collect()
}

/// `03:41:35  ! incident 1 opened ...`, with colours.
pub fn line(happening: &Happening) -> String {
    let (glyph, colour, words) = match &happening.what {
        What::Onset(parts) => ('▼', AnsiColor::Magenta, format!("starts to fail: {parts}")),
        What::Recovery(parts) => ('▲', AnsiColor::Magenta, format!("works again: {parts}")),
        What::Post { name, status, text } => (
            '¶',
            AnsiColor::Cyan,
            format!("status page, {status}: {name}. {text}"),
        ),
        What::Event { service, event } => {
            let (glyph, colour) = match event.event {
                EventKind::Open | EventKind::Escalate | EventKind::Reopen => ('●', AnsiColor::Red),
                EventKind::Deescalate => ('●', AnsiColor::Yellow),
                EventKind::Close => ('○', AnsiColor::Green),
            };
            (glyph, colour, decided(service, event))
        }
        What::Mail { to, subject, .. } => {
            ('✉', AnsiColor::Blue, format!("mailed to {to}: {subject}"))
        }
    };
    let bold = matches!(&happening.what, What::Event { .. });
    let mut style = Style::new().fg_color(Some(Color::Ansi(colour)));
    if bold {
        style = style.bold();
    }
    format!("{}  {style}{glyph} {words}{style:#}", hour(happening.at))
}

fn decided(service: &str, event: &IncidentEvent) -> String {
    let did = match event.event {
        EventKind::Open => "opened",
        EventKind::Escalate => "is worse",
        EventKind::Deescalate => "is milder",
        EventKind::Close => "closed",
        EventKind::Reopen => "reopened",
    };
    let verdict = &event.verdict;
    let ended = match event.kind {
        IncidentKind::Latency => "were slow",
        _ => "failed",
    };
    let runs = format!("{} of {} runs {ended}", verdict.failed, verdict.of);
    let usual = format!("usually {}", percent(verdict.usual));
    let since = hour(event.since);
    let (id, severity) = (event.incident, event.severity);
    match event.event {
        EventKind::Close => {
            format!("incident {id} {did}: {service} well since {since}; {runs} in all")
        }
        _ => format!("incident {id} {did}, {severity}: {service}, {runs} ({usual}) since {since}"),
    }
}

/// A share with as many digits as it deserves.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 10.0 {
        format!("{percent:.1} %")
    } else {
        format!("{percent:.0} %")
    }
}

/// `03:40:00`, UTC.
pub fn hour(at: Timestamp) -> String {
    let utc = at.to_utc();
    utc.map_or_else(|| at.to_string(), |t| t.format("%H:%M:%S").to_string())
}

/// `+1 min 35 s`, `+1 h 2 min`, `-40 s`: how much later `at` is than `from`, to the second; above an hour to the minute.
pub fn offset(from: Timestamp, at: Timestamp) -> String {
    let sign = if at < from { '-' } else { '+' };
    let span = Duration::from_micros(at.micros_since(from).unsigned_abs());
    format!("{sign}{}", words::span(span))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::{IncidentId, Severity, Verdict};

    pub(in crate::cli::demo) fn at(time: &str) -> Timestamp {
        Timestamp::parse(&format!("2023-11-08T{time}Z")).unwrap()
    }

    pub(in crate::cli::demo) fn event(kind: EventKind, time: &str, since: &str) -> Happening {
        let event = IncidentEvent {
            incident: IncidentId(1),
            sequence: 0,
            event: kind,
            kind: IncidentKind::Errors,
            cause: None,
            slow: None,
            retired: false,
            severity: Severity::Partial,
            at: at(time),
            since: at(since),
            verdict: Verdict {
                failed: 6,
                of: 11,
                usual: 0.003,
                window_s: 95.0,
                score: 14.0,
                bound: 12.0,
            },
        };
        let what = What::Event {
            service: "openai".into(),
            event,
        };
        Happening { at: at(time), what }
    }

    pub(in crate::cli::demo) fn mail(kind: EventKind, time: &str) -> Happening {
        let what = What::Mail {
            event: kind,
            to: "oncall@example.com".into(),
            subject: "[partial] OpenAI: 6 of 11 runs failed".into(),
        };
        Happening { at: at(time), what }
    }

    #[test]
    fn each_thing_has_its_line() {
        let scenario = Scenario::builtin("2023-11-08").unwrap().unwrap();
        let mut all = told_by(&scenario);
        all.truncate(2);
        all.extend([
            event(EventKind::Open, "03:41:35", "03:40:10"),
            mail(EventKind::Open, "03:41:36"),
            event(EventKind::Escalate, "03:55:00", "03:54:00"),
            event(EventKind::Close, "04:47:10", "04:44:30"),
            event(EventKind::Reopen, "04:59:40", "04:58:20"),
        ]);
        all.push(told_by(&scenario).remove(5));
        let lines: Vec<_> = all.iter().map(line).collect();
        let plain = anstream::adapter::strip_str(&lines.join("\n")).to_string();
        insta::assert_snapshot!(plain);
        assert!(lines[2].contains("\u{1b}[31m"), "an opened incident is red");
    }

    #[test]
    fn the_story_is_told_in_order_and_not_beyond_its_end() {
        for name in Scenario::names() {
            let scenario = Scenario::builtin(name).unwrap().unwrap();
            let told = told_by(&scenario);
            assert!(told.is_sorted_by_key(|h| h.at), "{name}");
            assert!(told.iter().all(|h| h.at <= scenario.end), "{name}");
        }
    }

    #[test]
    fn offsets_are_signed_and_no_finer_than_they_need_be() {
        let from = at("03:40:00");
        for (to, words) in [
            ("03:40:00", "+0 s"),
            ("03:41:35", "+1 min 35 s"),
            ("03:52:00", "+12 min"),
            ("04:42:10", "+1 h 2 min"),
            ("03:39:20", "-40 s"),
        ] {
            assert_eq!(offset(from, at(to)), words);
        }
    }
}
