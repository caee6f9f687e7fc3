//! `[[maintenance]]`: when which probes run without being judged, once or again and again.

use std::time::Duration;

use chrono_tz::Tz;

use super::probe::zone;
use crate::config::fields::{Fields, Value, nearest, quoted};
use crate::config::values::{MINUTE, Wrong, duration, shown, title};
use crate::config::{Maintenance, Service};
use crate::diagnostic::Problem;
use crate::model::Cron;
use crate::model::said::order::LONGEST;
use crate::model::said::when::{self, Edge};
use crate::model::said::{Schedule, Selector, Stretch};

pub(super) const MAINTENANCE_KEYS: &[&str] =
    &["select", "cron", "for", "timezone", "from", "to", "why"];
/// More than this is a mistake of whoever generates the file.
const MOST: usize = 1_000;

/// All of the file. `services` are those that it may speak of.
pub(super) fn all(root: Fields<'_>, services: &[Service]) -> Vec<Maintenance> {
    let Some(value) = root.get("maintenance") else {
        return Vec::new();
    };
    let Some(list) = value.get_ref().as_array() else {
        root.wrong_type(value, "maintenance", "a list of tables ([[maintenance]])");
        return Vec::new();
    };
    if list.len() > MOST {
        let what = format!("{} maintenances; at most {MOST} are planned", list.len());
        root.faults.push(Problem::new(value.span(), what));
        return Vec::new();
    }
    let read = |value| {
        let Some(table) = Value::get_ref(value).as_table() else {
            root.wrong_type(value, "maintenance", "a table");
            return None;
        };
        let fields = Fields {
            table,
            faults: root.faults,
        };
        one(fields, value, services)
    };
    list.iter().filter_map(read).collect()
}

fn one(fields: Fields<'_>, value: &Value<'_>, services: &[Service]) -> Option<Maintenance> {
    fields.only("[[maintenance]]", &[MAINTENANCE_KEYS]);
    if fields.get("select").is_none() {
        let problem = Problem::new(value.span(), "this maintenance needs `select`")
            .help("a service or probes of it: \"openai\", \"openai/chat*\", \"*/image\"");
        fields.faults.push(problem);
    }
    let selector = fields.text("select", |text| selector(text, services));
    let why = fields.text("why", title).unwrap_or_default();
    let named = zone(fields);
    let zone = named.unwrap_or(Tz::UTC);
    let schedule = match (fields.get("cron"), fields.get("from")) {
        (Some(_), None) => each(fields, zone),
        (None, Some(_)) => once(fields, zone),
        (Some(_), Some(_)) => {
            let problem = Problem::new(fields.span("from"), "`cron` and `from` exclude each other");
            fields.faults.push(problem);
            None
        }
        (None, None) => {
            let problem = Problem::new(value.span(), "this maintenance never begins")
                .help("give it `cron` and `for`, or `from` and `to`");
            fields.faults.push(problem);
            None
        }
    };
    named?;
    Some(Maintenance {
        selector: selector?,
        schedule: schedule?,
        why,
    })
}

fn selector(text: &str, services: &[Service]) -> Result<Selector, Wrong> {
    let selector = Selector::parse(text).map_err(Wrong::new)?;
    if services.iter().any(|s| s.selected_by(&selector) > 0) {
        return Ok(selector);
    }
    let wrong = Wrong::new("fits no probe of this file");
    let service = text.split('/').next().unwrap_or_default();
    let near = nearest(service, services.iter().map(|s| s.name.as_str()));
    Err(match near {
        Some(near) if near != service => wrong.help(format!("did you mean {}?", quoted(near))),
        _ => wrong,
    })
}

/// `cron` and `for`.
fn each(fields: Fields<'_>, zone: Tz) -> Option<Schedule> {
    let cron = fields.text("cron", |text| {
        Cron::parse(text, zone).map_err(|why| Wrong::new(format!("cannot be used: {why}")))
    });
    if fields.get("to").is_some() {
        let problem = Problem::new(fields.span("to"), "`to` goes with `from`, not with `cron`")
            .help("say how long it lasts: for = \"2h\"");
        fields.faults.push(problem);
    }
    let span = span(fields, "cron")?;
    let cron = cron?;
    if span >= cron.shortest() {
        let what = format!(
            "it lasts {}, and the next one begins {} after it begins",
            shown(span),
            shown(cron.shortest())
        );
        let problem = Problem::new(fields.span("for"), what)
            .help("one must be over before the next begins, or nothing is ever judged");
        fields.faults.push(problem);
        return None;
    }
    Some(Schedule::Each {
        cron: Box::new(cron),
        span,
    })
}

/// `from` and `to`, or `from` and `for`.
fn once(fields: Fields<'_>, zone: Tz) -> Option<Schedule> {
    let from = moment(fields, "from", zone, Edge::Begin);
    let until = match (fields.get("to"), fields.get("for")) {
        (Some(_), Some(_)) => {
            let problem = Problem::new(fields.span("for"), "`to` and `for` exclude each other");
            fields.faults.push(problem);
            None
        }
        (Some(_), None) => moment(fields, "to", zone, Edge::End),
        (None, _) => span(fields, "from").and_then(|span| Some(from? + span)),
    };
    let (from, until) = (from?, until?);
    if until <= from || until.since(from) > LONGEST {
        let what = if until <= from {
            "it ends before it begins".to_owned()
        } else {
            format!("it lasts longer than {}", shown(LONGEST))
        };
        fields.faults.push(Problem::new(fields.span("to"), what));
        return None;
    }
    Some(Schedule::Once(Stretch { from, until }))
}

fn span(fields: Fields<'_>, beside: &str) -> Option<Duration> {
    if fields.get("for").is_none() {
        let problem = Problem::new(fields.span(beside), "this maintenance never ends")
            .help("say how long it lasts: for = \"2h\"");
        fields.faults.push(problem);
    }
    fields.text("for", duration(MINUTE..=LONGEST))
}

/// A moment with its date: a string, or a date of TOML's.
fn moment(fields: Fields<'_>, key: &str, zone: Tz, edge: Edge) -> Option<crate::model::Timestamp> {
    let read = |text: &str| {
        when::dated(text, &zone, edge).unwrap_or_else(|| {
            Err(
                "is not a moment; write \"2026-11-25 22:00\" or \"2026-11-25T22:00:00Z\""
                    .to_owned(),
            )
        })
    };
    let value = fields.get(key)?;
    match value.get_ref().as_datetime() {
        None => fields.text(key, |text| read(text).map_err(Wrong::new)),
        Some(date) => read(&date.to_string())
            .map_err(|why| fields.faults.push(Wrong::new(why).at(value.span(), key)))
            .ok(),
    }
}
