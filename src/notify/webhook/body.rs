//! What a receiver is sent, in each of the forms. The form of our own is described in docs/webhooks.md; it grows, and what
//! is in it keeps its meaning as long as `version` stays.

use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_64;

use super::Form;
use crate::model::notification::{Note, NoteAbout, Notification, Reminder};
use crate::model::{EventKind, IncidentKind, Severity, Timestamp};
use crate::notify::view::View;
use crate::notify::words::{line, paragraph};

/// Longest summary that PagerDuty takes.
const SUMMARY_LIMIT: usize = 1_024;
/// Longest text: Slack cuts at 4,000 characters.
const TEXT_LIMIT: usize = 3_500;
/// Of a failing reply.
const EXCERPT_LIMIT: usize = 2_048;

/// What everything that is told has.
struct Told<'a> {
    id: &'a str,
    /// `incident`, `reminder` or `note`.
    kind: &'static str,
    view: &'a View,
    at: Timestamp,
    location: &'a str,
    service: Option<(&'a str, &'a str)>,
    /// How PagerDuty is to take it.
    action: Action,
    more: Value,
}

/// For PagerDuty: what happens to which alert, and how bad it is.
struct Action {
    event: &'static str,
    dedup: String,
    severity: &'static str,
    class: String,
}

/// An event of an incident.
pub(super) fn of_incident(form: Form, n: &Notification, id: &str, link: Option<String>) -> Value {
    let event = &n.event;
    let instance = id.rsplit_once('@').map_or(id, |(_, instance)| instance);
    // One alert for all services of a story, as they share a thread: it resolves with the last of them.
    let closes = event.event == EventKind::Close && !n.fellows.iter().any(|f| f.open);
    let severity = match (event.kind, event.severity) {
        (IncidentKind::Notice | IncidentKind::Latency, _) => "warning",
        (_, Severity::Major) => "critical",
        (_, Severity::Partial) => "error",
        (_, Severity::Degraded) => "warning",
    };
    told(
        form,
        &Told {
            id,
            kind: "incident",
            view: &View::new(n).linked(link),
            at: event.at,
            location: &n.location,
            service: Some((&n.service, &n.title)),
            action: Action {
                event: if closes { "resolve" } else { "trigger" },
                dedup: format!("watchfire-{instance}-{}", n.thread.incident),
                severity,
                class: event.kind.name().to_owned(),
            },
            more: json!({
                "incident": event.incident,
                "thread": n.thread.incident,
                "sequence": event.sequence,
                "event": event.event.name(),
                "kind": event.kind.name(),
                "cause": event.cause.map(|c| c.name()),
                "severity": event.severity.name(),
                "since": event.since.to_string(),
                "opened_at": n.opened_at.to_string(),
                "reopened": n.reopened,
                "reminder": n.remarks.reminder,
                "failed": event.verdict.failed,
                "of": event.verdict.of,
                "usual": event.verdict.usual,
                "window_s": event.verdict.window_s,
                "reasons": n.reasons.iter().map(|r| json!({
                    "kind": r.kind.name(), "fault": r.fault.name(), "status": r.status, "count": r.count,
                })).collect::<Vec<_>>(),
                "probes": n.probes.iter().map(|p| json!({
                    "name": p.name, "failed": p.failed, "of": p.of,
                })).collect::<Vec<_>>(),
                "with": n.fellows.iter().map(|f| json!({
                    "title": f.title, "incident": f.incident, "open": f.open, "severity": f.severity.name(),
                    "since": f.since.to_string(),
                })).collect::<Vec<_>>(),
                "works": n.works,
                "last_failure": n.last_failure.as_ref().map(|f| json!({
                    "probe": f.probe, "at": f.at.to_string(), "kind": f.kind.name(), "status": f.status,
                    "text": paragraph(&f.text, EXCERPT_LIMIT), "request_id": f.request_id,
                })),
                "acknowledged_by": n.remarks.ack.as_ref().filter(|a| !a.ends).map(|a| a.who.as_str()),
            }),
        },
    )
}

/// Something that ends on a day.
pub(super) fn of_reminder(form: Form, r: &Reminder, id: &str, link: Option<String>) -> Value {
    told(
        form,
        &Told {
            id,
            kind: "reminder",
            view: &View::of_reminder(r).linked(link),
            at: r.at,
            location: &r.location,
            service: Some((&r.service, &r.title)),
            action: Action {
                event: "trigger",
                dedup: format!("watchfire-{id}"),
                severity: "info",
                class: r.deadline.topic.name().to_owned(),
            },
            more: json!({
                "topic": r.deadline.topic.name(),
                "subject": r.deadline.subject,
                "ends_at": r.deadline.at.to_string(),
                "days": r.days,
            }),
        },
    )
}

/// Something about the mails themselves.
pub(super) fn of_note(form: Form, note: &Note, id: &str, link: Option<String>) -> Value {
    let instance = id.rsplit_once('@').map_or(id, |(_, instance)| instance);
    let alert = |name: String| format!("watchfire-{instance}-{name}");
    // What is over by itself resolves; of the rest there is one alert, however often it is told.
    let (topic, event, severity, dedup) = match &note.about {
        NoteAbout::Late { .. } => ("late", "trigger", "info", alert("late".to_owned())),
        NoteAbout::Folded { .. } => ("folded", "trigger", "info", alert("folded".to_owned())),
        NoteAbout::Refused { recipient, .. } => {
            let name = format!("refused-{:016x}", xxh3_64(recipient.as_bytes()));
            ("refused", "trigger", "warning", alert(name))
        }
        NoteAbout::Storage { .. } => ("storage", "trigger", "error", alert("storage".to_owned())),
        NoteAbout::Unrecorded { .. } => (
            "unrecorded",
            "trigger",
            "error",
            alert("storage".to_owned()),
        ),
        NoteAbout::Stored { .. } => ("stored", "resolve", "info", alert("storage".to_owned())),
        NoteAbout::Damaged { .. } => ("damaged", "trigger", "warning", alert("damaged".to_owned())),
    };
    told(
        form,
        &Told {
            id,
            kind: "note",
            view: &View::of_note(note).linked(link),
            at: note.at,
            location: &note.location,
            service: None,
            action: Action {
                event,
                dedup,
                severity,
                class: topic.to_owned(),
            },
            more: json!({ "topic": topic }),
        },
    )
}

fn told(form: Form, told: &Told<'_>) -> Value {
    match form {
        Form::Watchfire => ours(told),
        Form::Slack => slack(told),
        Form::PagerDuty => pagerduty(told),
    }
}

fn text(view: &View) -> String {
    paragraph(&view.sentences.join("\n"), TEXT_LIMIT)
}

fn ours(told: &Told<'_>) -> Value {
    let (service, title) = told.service.unzip();
    let mut body = json!({
        "version": 1,
        "id": told.id,
        "type": told.kind,
        "at": told.at.to_string(),
        "location": told.location,
        "service": service,
        "title": title,
        "headline": told.view.headline,
        "text": text(told.view),
        "command": told.view.command,
        "url": told.view.link,
    });
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), &told.more) {
        body.extend(more.clone());
    }
    body
}

/// Slack's markup has three characters of its own.
fn slack(told: &Told<'_>) -> Value {
    let plain = |text: &str| {
        let text = text.replace('&', "&amp;");
        text.replace('<', "&lt;").replace('>', "&gt;")
    };
    let headline = plain(&told.view.headline);
    let (text, command) = (plain(&text(told.view)), plain(&told.view.command));
    let link = told.view.link.as_ref();
    let link = link.map_or(String::new(), |link| format!("\n<{}>", plain(link)));
    json!({ "text": format!("*{headline}*\n{text}\n`{command}`{link}") })
}

fn pagerduty(told: &Told<'_>) -> Value {
    let Action {
        event,
        dedup,
        severity,
        class,
    } = &told.action;
    let mut details = told.more.clone();
    if let Some(details) = details.as_object_mut() {
        details.insert("text".to_owned(), json!(text(told.view)));
        details.insert("command".to_owned(), json!(told.view.command));
    }
    let mut told_of = json!({
        "event_action": event,
        "dedup_key": dedup,
        "client": "watchfire",
        "payload": {
            "summary": line(&told.view.headline, SUMMARY_LIMIT),
            "source": told.location,
            "severity": severity,
            "timestamp": told.at.to_string(),
            "component": told.service.map(|(name, _)| name),
            "class": class,
            "custom_details": details,
        },
    });
    if let Some(href) = &told.view.link {
        told_of["links"] = json!([{ "href": href, "text": "On the web" }]);
    }
    told_of
}
