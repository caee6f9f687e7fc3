//! The sentences of a mail, for somebody whom it woke: what is broken, how badly, since when, and what comes next.

use std::time::Duration;

use super::figures::{clock, grouped, percent, span, usual};
use super::together::{self, and_others};
use super::{LISTED, around, notice, slow, title};
use crate::model::concerned::{Concerned, Tense};
use crate::model::fold::Part;
use crate::model::mailing::LASTING;
use crate::model::notification::{Notification, Pace, ProbeTally};
use crate::model::{EventKind, IncidentKind, Severity};
use crate::notify::words::line;

/// The state and the service.
pub fn headline(n: &Notification) -> String {
    let event = &n.event;
    if let Some(cause) = event.cause {
        return notice::headline(n, cause);
    }
    let (title, state) = (title(n), outage(event.severity, event.kind));
    let title = match event.event {
        EventKind::Open | EventKind::Reopen => title + &and_others(n),
        _ => title,
    };
    match event.event {
        EventKind::Close if event.retired => format!("NOT WATCHED ANY MORE: {title}"),
        EventKind::Close if n.fellows.iter().any(|f| f.open) => {
            format!(
                "PARTLY RECOVERED: {title}; still failing:{}",
                and_others(n).replacen(" and", "", 1)
            )
        }
        EventKind::Close if !n.fellows.is_empty() => {
            format!("RECOVERED: {title} and all others")
        }
        EventKind::Open if n.remarks.reminder > 0 => format!("STILL OPEN: {title}, {state}"),
        EventKind::Open => format!("{}: {title}", state.to_uppercase()),
        EventKind::Escalate => format!("WORSE: {title}, now a {state}"),
        EventKind::Deescalate => format!("BETTER: {title}, now a {state}"),
        EventKind::Close => format!("RECOVERED: {title}"),
        EventKind::Reopen if event.kind == IncidentKind::Latency => format!("SLOW AGAIN: {title}"),
        EventKind::Reopen => format!("BROKEN AGAIN: {title}, {state}"),
    }
}

/// What it is called.
pub const fn outage(severity: Severity, kind: IncidentKind) -> &'static str {
    match (kind, severity) {
        (IncidentKind::Latency, _) => "slowdown",
        (IncidentKind::Blind, _) => "blind spot",
        (IncidentKind::Notice, _) => "notice",
        (IncidentKind::Errors, Severity::Degraded) => "degradation",
        (IncidentKind::Errors, Severity::Partial) => "partial outage",
        (IncidentKind::Errors, Severity::Major) => "major outage",
    }
}

/// What is to be known first.
pub fn sentences(n: &Notification) -> Vec<String> {
    let mut sentences = match n.event.cause {
        Some(cause) => notice::sentences(n, cause),
        None => of_service(n),
    };
    sentences.extend(around::whose(n));
    sentences.extend(together::sentences(n));
    sentences
}

fn of_service(n: &Notification) -> Vec<String> {
    let event = &n.event;
    let since = clock(event.since, n.event.at);
    let open_for = span(event.at.since(n.opened_at));
    let began = match event.event {
        EventKind::Close => return recovery(n),
        EventKind::Open => format!("It began at about {since}."),
        EventKind::Escalate => {
            format!("It got worse at about {since}; the incident was opened {open_for} before.")
        }
        EventKind::Deescalate => {
            format!("It got better at about {since}; the incident was opened {open_for} before.")
        }
        EventKind::Reopen => {
            let times = match n.reopened {
                0 | 1 => String::new(),
                times => format!(", for the {} time", ordinal(times)),
            };
            format!("It had recovered, and broke again at about {since}{times}.")
        }
    };
    let window = span(Duration::try_from_secs_f64(event.verdict.window_s).unwrap_or_default());
    let against = match n.rule {
        Some(rule) => format!("the rule in probes.toml is: {rule}"),
        None => usual(event.verdict.usual),
    };
    let counted = format!(
        "{} in the last {window} ({}); {against}.",
        share(n),
        percent(event.verdict.rate()),
    );
    let whose = concerned(n, Tense::Present).or_else(|| slow::figures(n));
    whose.into_iter().chain([counted, began]).collect()
}

/// Which probes it is about, and which work.
fn concerned(n: &Notification, tense: Tense) -> Option<String> {
    if n.event.kind != IncidentKind::Errors {
        return slow::probes(n);
    }
    let part = |p: &ProbeTally| Part {
        failed: p.failed,
        of: p.of,
    };
    let probes = n.probes.iter().map(|p| (p.name.as_str(), part(p)));
    let sentence = Concerned::of(probes).sentence(tense)?;
    Some(line(&sentence, 2 * LISTED))
}

fn recovery(n: &Notification) -> Vec<String> {
    let (event, v) = (&n.event, &n.event.verdict);
    // The window of a recovery begins with the incident and ends with the event.
    let window = Duration::try_from_secs_f64(v.window_s).unwrap_or_default();
    let onset = event.at - window;
    let breaks = match n.reopened {
        0 => String::new(),
        1 => ", with one lull".to_owned(),
        lulls => format!(", with {} lulls", grouped(lulls)),
    };
    let noticed = match n.opened_at.since(onset) {
        Duration::ZERO => String::new(),
        late => format!("; it was noticed after {}", span(late)),
    };
    let what = outage(event.severity, event.kind);
    if event.retired {
        let gone = "Its probes were removed from probes.toml: nobody can tell whether it goes on.";
        let seen = span(window);
        let told = [
            gone.to_owned(),
            format!(
                "The {what} was seen for {seen}{breaks}, from {} on.",
                clock(onset, n.event.at)
            ),
            format!("In all, {} ({}).", share(n), percent(v.rate())),
        ];
        return told.into();
    }
    let (is_back, again) = match event.kind {
        IncidentKind::Latency => slow::over(event),
        _ => (
            format!(
                "It has worked again since about {}.",
                clock(event.since, n.event.at)
            ),
            "break again",
        ),
    };
    let mut told = vec![
        is_back,
        format!(
            "The {what} lasted about {}{breaks}, from {} on{noticed}.",
            span(event.since.since(onset)),
            clock(onset, n.event.at)
        ),
        format!("In all, {} ({}).", share(n), percent(v.rate())),
        match n.pace {
            Pace::StaysWell => format!(
                "It has stayed well for {} since, and is not watched any more.",
                span(n.reopen_within)
            ),
            Pace::Steps | Pace::ComesBack => format!(
                "Should it {again} within {}, a mail in this thread says so.",
                span(n.reopen_within)
            ),
        },
    ];
    let whose = concerned(n, Tense::Past).or_else(|| slow::figures(n));
    told.splice(1..1, whose);
    told
}

/// What is still mailed of an incident that keeps coming back.
pub fn seldom(n: &Notification) -> String {
    let worse = match n.event.severity {
        Severity::Major => "",
        _ => "it is worse than ever, when ",
    };
    format!(
        "It keeps coming back, and not each time is worth a mail. The next one in this thread comes when {worse}it stays broken for {}, or when it has stayed well for at least {}.",
        span(LASTING),
        span(n.reopen_within)
    )
}

/// `7 of 16 runs failed`, or `7 of 16 runs of web failed` when one probe alone showed it.
fn share(n: &Notification) -> String {
    let did = match n.event.kind {
        IncidentKind::Errors => "failed",
        IncidentKind::Latency if n.event.slow.is_none() => "were slower than allowed",
        IncidentKind::Latency => "were slow",
        IncidentKind::Blind => "saw nothing",
        IncidentKind::Notice => "failed on our side",
    };
    let v = &n.event.verdict;
    let whose = alone(n).map_or(String::new(), |name| format!(" of {name}"));
    format!(
        "{} of {} runs{whose} {did}",
        grouped(v.failed),
        grouped(v.of)
    )
}

/// The probe that the verdict counts, when it counts only one of several.
fn alone(n: &Notification) -> Option<&str> {
    let counted = (n.event.verdict.failed, n.event.verdict.of);
    let all = n
        .probes
        .iter()
        .fold((0, 0), |(failed, of), p| (failed + p.failed, of + p.of));
    let mut same = n.probes.iter().filter(|p| (p.failed, p.of) == counted);
    match (same.next(), same.next()) {
        (Some(probe), None) if all != counted => Some(&probe.name),
        _ => None,
    }
}

fn ordinal(number: u32) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{}{ending}", grouped(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals_end_as_they_are_spoken() {
        assert_eq!(
            [2, 3, 11, 21, 112].map(ordinal),
            ["2nd", "3rd", "11th", "21st", "112th"]
        );
    }
}
