//! Who is told, and when: `email`, `webhook`, `[[alert.to]]`, `quiet` and `escalate_to` of an alert section.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use chrono_tz::Tz;
use toml::de::DeValue;

use crate::config::fields::{Fields, Value, listed, nearest, quoted};
use crate::config::values::{DAY, MINUTE, Wrong, address, duration};
use crate::diagnostic::Problem;
use crate::model::Severity;
use crate::model::hours::Hours;
use crate::model::post::WEBHOOK;
use crate::model::roster::Seat;

pub(super) const TO_KEYS: &[&str] = &["email", "webhook", "severity", "hours", "days", "zone"];
pub(super) const QUIET_KEYS: &[&str] = &["hours", "days", "zone"];
/// `[[alert.to]]`s of one section; more than this is a mistake of whoever generates it.
const MOST: usize = 200;

/// A list in which nothing stands twice.
pub(super) fn once(
    fields: Fields<'_>,
    key: &str,
    parse: impl Fn(&str) -> Result<String, Wrong>,
) -> Option<Vec<String>> {
    let list = fields.texts(key, parse)?;
    let mut seen = BTreeSet::new();
    for (who, span) in &list {
        if !seen.insert(who.to_lowercase()) {
            let what = format!("{} is there twice", quoted(who));
            fields.faults.push(Problem::new(span.clone(), what));
        }
    }
    Some(list.into_iter().map(|(who, _)| who).collect())
}

/// The name of a webhook that is configured.
pub(super) fn known(text: &str, webhooks: Option<&[String]>) -> Result<String, Wrong> {
    let Some(all) = webhooks else {
        return Ok(text.to_owned());
    };
    if all.iter().any(|name| name == text) {
        return Ok(text.to_owned());
    }
    let names = || all.iter().map(String::as_str);
    let wrong = Wrong::new(format!(
        "names no webhook of watchfire.toml: {}",
        quoted(text)
    ));
    Err(match nearest(text, names()) {
        Some(near) => wrong.help(format!("did you mean `{near}`?")),
        None if all.is_empty() => wrong.help("add a section [webhook.NAME] there"),
        None => wrong.help(format!("its webhooks are: {}", listed(names()))),
    })
}

/// The zone of a table, or the usual one.
pub(super) fn zone(fields: Fields<'_>, usual: Tz) -> Tz {
    let parse = |text: &str| {
        let wrong = || Wrong::new("is not a time zone").help("for instance \"Europe/Berlin\"");
        text.parse::<Tz>().map_err(|_| wrong())
    };
    fields.text("zone", parse).unwrap_or(usual)
}

/// `[[alert.to]]`; `None` when there is none.
pub(super) fn seats(
    fields: Fields<'_>,
    zone: Tz,
    webhooks: Option<&[String]>,
) -> Option<Vec<Seat>> {
    let value = fields.get("to")?;
    let Some(list) = value.get_ref().as_array() else {
        fields.wrong_type(value, "to", "a list of tables ([[alert.to]])");
        return None;
    };
    if list.len() > MOST {
        let what = format!("{} lists of people; at most {MOST} are read", list.len());
        fields.faults.push(Problem::new(value.span(), what));
        return None;
    }
    let mut seats = Vec::new();
    for value in list.iter() {
        let Some(table) = value.get_ref().as_table() else {
            fields.wrong_type(value, "to", "a table");
            continue;
        };
        let fields = Fields {
            table,
            faults: fields.faults,
        };
        seats.extend(some(fields, value, zone, webhooks));
    }
    Some(seats)
}

fn some(
    fields: Fields<'_>,
    whole: &Value<'_>,
    usual: Tz,
    webhooks: Option<&[String]>,
) -> Vec<Seat> {
    fields.only("[[alert.to]]", &[TO_KEYS]);
    let email = once(fields, "email", address).unwrap_or_default();
    let hooks = once(fields, "webhook", |text| known(text, webhooks)).unwrap_or_default();
    if fields.get("email").is_none() && fields.get("webhook").is_none() {
        let problem = Problem::new(whole.span(), "this [[alert.to]] needs `email` or `webhook`");
        fields.faults.push(problem);
    }
    let from = fields.text("severity", |text| {
        Severity::from_name(text)
            .ok_or_else(|| Wrong::new("is \"degraded\", \"partial\" or \"major\""))
    });
    let hours = hours(fields, whole.span(), zone(fields, usual));
    let hooks = hooks.into_iter().map(|name| format!("{WEBHOOK}{name}"));
    let people = email.into_iter().chain(hooks);
    let seat = |who| Seat {
        who,
        from,
        hours: hours.clone(),
        after: Duration::ZERO,
    };
    people.map(seat).collect()
}

/// The hours of a table, where it names some.
fn hours(fields: Fields<'_>, whole: Range<usize>, zone: Tz) -> Option<Hours> {
    if fields.get("hours").is_none() && fields.get("days").is_none() {
        return None;
    }
    // The span is named so that a fault of it is shown where it stands.
    let days = fields.text("days", |text| {
        Hours::parse("00:00-24:00", Some(text), zone)
            .map(|_| text.to_owned())
            .map_err(|why| Wrong::new(format!("names no days: {why}")))
    });
    let span = match fields.get("hours") {
        Some(_) => fields.text("hours", |text| {
            Hours::parse(text, None, zone)
                .map(|_| text.to_owned())
                .map_err(|why| Wrong::new(format!("names no hours: {why}")))
        })?,
        None => "00:00-24:00".to_owned(),
    };
    let parsed = Hours::parse(&span, days.as_deref(), zone);
    parsed
        .map_err(|why| fields.faults.push(Problem::new(whole, why)))
        .ok()
}

/// Quiet hours: a span, or a table with days; `None` when nothing is said, `Some(None)` when it is `"off"`.
pub(super) fn quiet(fields: Fields<'_>, usual: Tz) -> Option<Option<Hours>> {
    let value = fields.get("quiet")?;
    match value.get_ref() {
        DeValue::Table(table) => {
            let inner = Fields {
                table,
                faults: fields.faults,
            };
            inner.only("`quiet`", &[QUIET_KEYS]);
            if inner.get("hours").is_none() && inner.get("days").is_none() {
                let problem = Problem::new(value.span(), "`quiet` needs `hours`, `days` or both");
                fields.faults.push(problem);
            }
            Some(hours(inner, value.span(), zone(inner, usual)))
        }
        _ => fields.text("quiet", |text| match text {
            "off" => Ok(None),
            _ => Hours::parse(text, None, usual)
                .map(Some)
                .map_err(|why| Wrong::new(format!("names no hours: {why}"))),
        }),
    }
}

/// `escalate_after` and `escalate_to`, which go together; what one of them does not say is as usual.
pub(super) fn escalation(
    fields: Fields<'_>,
    usual: Option<&(Duration, Vec<String>)>,
    whose: &str,
) -> Option<(Duration, Vec<String>)> {
    let after = fields.text("escalate_after", duration(MINUTE..=DAY));
    let people = once(fields, "escalate_to", address);
    let after = after.or_else(|| usual.map(|(after, _)| *after));
    let people = people.or_else(|| usual.map(|(_, people)| people.clone()));
    match (after, people) {
        (Some(after), Some(people)) => (!people.is_empty()).then_some((after, people)),
        (None, None) => None,
        (after, _) => {
            let there = match after {
                Some(_) => "escalate_after",
                None => "escalate_to",
            };
            let what = format!("`escalate_after` and `escalate_to` of {whose} go together");
            fields.faults.push(Problem::new(fields.span(there), what));
            None
        }
    }
}
