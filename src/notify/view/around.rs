//! What stands around an alert: the provider's own word, the course of it, ids for their support, and what can be done.

use super::figures::{clock, grouped, span};
use super::{NAME_LIMIT, Row, line, name};
use crate::model::notification::{LastFailure, Notification};
use crate::model::scene::{PageWord, Scene};
use crate::model::{EventKind, Fault, IncidentKind, Severity, Standing, Timestamp};

/// Longest id of a request that is shown, in characters.
const ID_LIMIT: usize = 200;
/// Longest title of a post that is shown, in characters.
const POST_LIMIT: usize = 160;

/// Longest description of a picture, in characters.
const ALT_LIMIT: usize = 1200;

/// Whether it is really them: on which side of the line the failures lie.
pub fn whose(n: &Notification) -> Option<String> {
    let begins = matches!(
        n.event.event,
        EventKind::Open | EventKind::Escalate | EventKind::Reopen
    );
    if n.event.kind != IncidentKind::Errors || !begins {
        return None;
    }
    let of = |fault: Fault| {
        let reasons = n.reasons.iter().filter(|r| r.fault == fault);
        reasons.fold(0u32, |sum, r| sum.saturating_add(r.count))
    };
    match (of(Fault::Provider), of(Fault::Network)) {
        (0, 0) => None,
        (_, 0) => Some("It is them: all that failed did so on their side.".to_owned()),
        (0, _) => Some(
            "It may be the network between: all that failed did so on the way to them.".to_owned(),
        ),
        (theirs, between) => Some(format!(
            "{} failures lie on their side, {} on the way to them.",
            grouped(theirs),
            grouped(between)
        )),
    }
}

/// The picture in words.
pub fn alt(scene: &Scene) -> String {
    let picture = scene.picture.as_ref();
    picture.map_or_else(String::new, |picture| line(&picture.alt, ALT_LIMIT))
}

/// What the provider's pages say, a sentence each.
pub fn pages(n: &Notification) -> Vec<String> {
    n.scene.pages.iter().map(|page| says(n, page)).collect()
}

fn says(n: &Notification, page: &PageWord) -> String {
    let whose = format!(
        "Their status page (probe {})",
        name(&page.probe, NAME_LIMIT)
    );
    let state = match page.standing {
        Standing::Unknown => {
            return format!(
                "{whose} could not be read since {}.",
                clock(page.since, n.event.at)
            );
        }
        Standing::Operational => {
            return format!(
                "{whose} admits no trouble, as of {}.",
                clock(page.read_at, n.event.at)
            );
        }
        Standing::Maintenance => "planned work",
        Standing::Degraded => "degraded performance",
        Standing::Partial => "a partial outage",
        Standing::Major => "a major outage",
    };
    let lag = match (page.standing.admits(), page.since.since(n.event.since)) {
        (true, lag) if page.since > n.event.since && n.event.event == EventKind::Open => {
            format!(" ({} after it began)", span(lag))
        }
        _ => String::new(),
    };
    let post = page.post.as_deref().map(|post| line(post, POST_LIMIT));
    let post = post
        .filter(|post| !post.is_empty())
        .map_or_else(String::new, |post| format!(": \"{post}\""));
    let since = clock(page.since, n.event.at);
    match post.is_empty() {
        true => format!("{whose} says {state}, since {since}{lag}."),
        false => format!("{whose} says {state}, since {since}{lag}{post}"),
    }
}

/// What happened when: nothing while there is no more to tell than the sentences do.
pub fn steps(n: &Notification) -> Vec<Row> {
    let mut steps: Vec<(Timestamp, String)> = Vec::new();
    if n.scene.steps.len() < 2 {
        return Vec::new();
    }
    if let Some(first) = &n.scene.first {
        let status = first
            .status
            .map_or_else(String::new, |s| format!(", HTTP {s}"));
        let probe = name(&first.probe, NAME_LIMIT);
        steps.push((
            first.at,
            format!("first failure: {probe}, {}{status}", first.kind),
        ));
    }
    steps.extend(n.scene.steps.iter().map(|step| {
        let how_bad = how_bad(n.event.kind, step.severity);
        let what = match step.event {
            EventKind::Open => format!("noticed: {how_bad}"),
            EventKind::Escalate => format!("worse: {how_bad}"),
            EventKind::Deescalate => format!("better: {how_bad}"),
            EventKind::Reopen => format!("broke again: {how_bad}"),
            EventKind::Close => "recovered".to_owned(),
        };
        (step.at, what)
    }));
    let admitting = n.scene.pages.iter().filter(|p| p.standing.admits());
    steps.extend(admitting.map(|page| {
        let probe = name(&page.probe, NAME_LIMIT);
        (page.since, format!("their status page admits it ({probe})"))
    }));
    steps.sort_by_key(|(at, _)| *at);
    let row = |(at, what): (Timestamp, String)| Row {
        count: clock(at, n.event.at).trim_end_matches(" UTC").to_owned(),
        what,
    };
    super::aligned(steps.into_iter().map(row).collect())
}

const fn how_bad(kind: IncidentKind, severity: Severity) -> &'static str {
    match (kind, severity) {
        (IncidentKind::Latency, _) => "slow answers",
        (_, Severity::Degraded) => "a degradation",
        (_, Severity::Partial) => "a partial outage",
        (_, Severity::Major) => "a major outage",
    }
}

/// The provider's ids of the latest requests that failed: what their support asks for.
pub fn request_ids(last: &LastFailure, scene: &Scene) -> String {
    let mut ids: Vec<String> = Vec::new();
    for id in last.request_id.iter().chain(&scene.request_ids) {
        let id = line(id, ID_LIMIT);
        if !id.is_empty() && !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids.join(", ")
}

/// What a reader can do about it; nothing when it is over.
pub fn commands(n: &Notification) -> Vec<Row> {
    let goes_on = n.event.event != EventKind::Close || n.fellows.iter().any(|f| f.open);
    let outage = matches!(n.event.kind, IncidentKind::Errors | IncidentKind::Latency);
    if !goes_on || !outage {
        return Vec::new();
    }
    let row = |what: &str, command: String| Row {
        count: what.to_owned(),
        what: command,
    };
    vec![
        row(
            "you are on it",
            format!("watchfire ack {}", n.event.incident),
        ),
        row(
            "no mail for a while",
            format!("watchfire silence {} --for 2h", word(&n.service)),
        ),
        row(
            "all that is known",
            format!("watchfire incidents {}", n.event.incident),
        ),
    ]
}

/// A name as one word of a shell.
fn word(name: &str) -> String {
    let name = line(name, NAME_LIMIT);
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    match !name.is_empty() && name.chars().all(plain) {
        true => name,
        false => format!("'{}'", name.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_one_word_of_a_shell() {
        assert_eq!(word("open-ai"), "open-ai");
        assert_eq!(word("a; rm -rf '~'"), "'a; rm -rf '\\''~'\\'''");
        assert_eq!(word(""), "''");
    }
}
