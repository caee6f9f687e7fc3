//! One `[[probe]]`, of the file or of a preset.

use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;
use toml::de::DeValue;
use url::{Host, Url};

use super::cost::{self, Asked};
use super::{Around, Reader};
use crate::config::fields::{Fields, Value, listed, nearest, quoted};
use crate::config::prices;
use crate::config::values::{DAY, HOUR, SECOND, Wrong, duration, shown};
use crate::config::{NotConfigured, Probe, Service};
use crate::diagnostic::Problem;
use crate::model::{Cadence, Confirm, Cron};
use crate::probe::{Connection, KINDS, Kind, Pace, Plan, Sources, Surroundings, Transport};

/// Keys that every probe has, whatever its kind.
pub(super) const PROBE_KEYS: &[&str] = &[
    "name",
    "service",
    "kind",
    "every",
    "cron",
    "timezone",
    "timeout",
    "confirm",
    "connection",
    "price",
];

impl Reader<'_, '_> {
    /// Adds the probe to `made`, or what it lacks, or leaves its faults.
    pub(super) fn probe(
        &self,
        probe: &str,
        fields: Fields<'_>,
        value: &Value<'_>,
        around: &Around,
        made: &mut Service,
        common: &[&str],
    ) {
        let Some(kind) = kind(fields, value) else {
            return;
        };
        fields.only(
            &format!("the {} probe `{probe}`", kind.name),
            &[common, Transport::KEYS, kind.keys],
        );
        let before = fields.faults.count();
        let cadence = cadence(fields, kind.pace);
        let timeout = timeout(fields, cadence.as_ref(), kind.pace);
        let confirm = confirm(fields).or(around.confirm);
        let price = prices::of(fields);
        let connection = fields.text("connection", |text| match text {
            "fresh" => Ok(Connection::Fresh),
            "reuse" => Ok(Connection::Reuse),
            _ => Err(Wrong::new("is \"fresh\" or \"reuse\"")),
        });
        let (transport, mut lacks) = self.transport(fields, &around.transport);
        lacks.extend(around.transport_lacks.iter().cloned());
        self.vault.take_absent();
        let secret = |value: &Value<'_>| self.vault.read(value);
        let surroundings = Surroundings {
            service: &around.name,
            base_url: around.base_url.as_deref(),
            api: around.api.as_deref(),
            key: around.key.as_ref(),
            probes: &around.siblings.names,
            models: &around.siblings.models,
            secret: &secret,
        };
        let built = (kind.build)(value, &surroundings);
        let mut missing = self.vault.take_absent();
        let check = match built {
            Ok(check) => check,
            Err(problems) => return fields.faults.extend(problems),
        };
        if uses_key(kind, fields) {
            missing.extend(around.absent.iter().cloned());
            if fields.get("auth").is_some() && around.key.is_none() && around.absent.is_empty() {
                let what = format!("the service `{}` has no `key` to send", around.name);
                let problem = Problem::new(fields.span("auth"), what)
                    .help("give the service a `key`, or `auth` a secret of its own");
                fields.faults.warn(problem);
            }
        }
        missing.extend(lacks);
        if let Some(missing) = missing.first() {
            made.not_configured.push(NotConfigured {
                probe: probe.to_owned(),
                kind: kind.name,
                missing: missing.clone(),
            });
            return;
        }
        let own = fields.get("auth").is_some_and(|v| v.get_ref().is_table());
        if own || (uses_key(kind, fields) && around.key.is_some()) {
            in_clear(fields, "url");
        }
        let (Some(cadence), Some(timeout)) = (cadence, timeout) else {
            return;
        };
        let own = price.as_ref().or(around.price.as_ref());
        let asked = Asked {
            kind,
            fields,
            check: check.as_ref(),
        };
        let (tariff, listed) = asked.tariff(own, &self.prices);
        if fields.faults.count() == before {
            made.probes.push(Probe {
                name: probe.to_owned(),
                kind: kind.name,
                plan: Arc::new(Plan {
                    connection: connection.unwrap_or_default(),
                    transport,
                    tariff,
                    ..Plan::new(Arc::from(check), timeout)
                }),
                cadence,
                confirm: confirm.unwrap_or_else(|| cost::confirm(kind, &tariff)),
                confirm_is_chosen: confirm.is_some(),
                listed,
            });
        }
    }
}

impl Reader<'_, '_> {
    /// How a probe or the probes of a service connect, and the names of what is missing for it.
    pub(super) fn transport(
        &self,
        fields: Fields<'_>,
        base: &Arc<Transport>,
    ) -> (Arc<Transport>, Vec<String>) {
        self.vault.take_absent();
        let sources = Sources {
            secret: &|value| self.vault.read(value),
            pem: &|value| self.vault.read_lines(value),
            file: &|value| self.vault.read_file(value),
        };
        let read = Transport::read(fields.table, base, sources);
        let transport = read.unwrap_or_else(|problems| {
            fields.faults.extend(problems);
            Arc::clone(base)
        });
        (transport, self.vault.take_absent())
    }
}

/// Warns when a key would go to another machine without TLS.
pub(super) fn in_clear(fields: Fields<'_>, key: &str) {
    let url = fields.get(key).and_then(|v| v.get_ref().as_str());
    let url = url.and_then(|text| Url::parse(text).ok());
    let Some(url) = url.filter(|url| url.scheme() == "http") else {
        return;
    };
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => true,
    };
    if !loopback {
        let problem = Problem::new(fields.span(key), "the key is sent in clear text")
            .help("use https:// where the server can");
        fields.faults.warn(problem);
    }
}

/// Whether a probe sends the service's key.
fn uses_key(kind: &Kind, fields: Fields<'_>) -> bool {
    match fields.get("auth").map(|v| v.get_ref()) {
        Some(DeValue::String(auth)) => auth.as_ref() != "none",
        // A secret of the probe's own stands in one of these.
        Some(DeValue::Table(auth)) => {
            let basic = auth.get("basic").and_then(|v| v.get_ref().as_table());
            !auth.contains_key("bearer")
                && !auth.contains_key("value")
                && !basic.is_some_and(|basic| basic.contains_key("password"))
        }
        Some(_) => true,
        None => kind.sends_key,
    }
}

pub(super) fn kind<'k>(fields: Fields<'_>, value: &Value<'_>) -> Option<&'k Kind> {
    let names = || KINDS.iter().map(|k| k.name);
    if fields.get("kind").is_none() {
        let problem = Problem::new(value.span(), "this probe needs `kind`")
            .help(format!("one of {}", listed(names())));
        fields.faults.push(problem);
    }
    fields.text("kind", |text| {
        KINDS.iter().find(|k| k.name == text).ok_or_else(|| {
            let wrong = Wrong::new(format!("{} is not known", quoted(text)));
            match nearest(text, names()) {
                Some(near) => wrong.help(format!("did you mean \"{near}\"?")),
                None => wrong.help(format!("known kinds: {}", listed(names()))),
            }
        })
    })
}

/// When it runs: `every`, or `cron` in a `timezone`.
pub(super) fn cadence(fields: Fields<'_>, pace: Pace) -> Option<Cadence> {
    if fields.get("every").is_some() && fields.get("cron").is_some() {
        fields.faults.push(Problem::new(
            fields.span("cron"),
            "`every` and `cron` exclude each other",
        ));
        return None;
    }
    let zone = zone(fields)?;
    if fields.get("cron").is_some() {
        let cron = fields.text("cron", |text| {
            Cron::parse(text, zone).map_err(|why| Wrong::new(format!("cannot be used: {why}")))
        })?;
        if let Some(step) = cron.odd_step() {
            let problem = Problem::new(fields.span("cron"), format!("`cron` has {step}"))
                .help("such a step is met once a round; for longer ones use `every`");
            fields.faults.warn(problem);
        }
        return Some(Cadence::Cron(Box::new(cron)));
    }
    match fields.get("every") {
        None => Some(Cadence::Every(pace.every)),
        Some(_) => fields
            .text("every", duration(SECOND..=DAY))
            .map(Cadence::Every),
    }
}

/// The `timezone`, else UTC; `None` when it is none.
pub(super) fn zone(fields: Fields<'_>) -> Option<Tz> {
    match fields.get("timezone") {
        None => Some(chrono_tz::UTC),
        Some(_) => fields.text("timezone", |text| {
            text.parse::<Tz>().map_err(|_| {
                Wrong::new("is not a time zone").help("for instance \"Europe/Berlin\"")
            })
        }),
    }
}

/// The time limit of a run: at most the shortest time to the next one.
pub(super) fn timeout(
    fields: Fields<'_>,
    cadence: Option<&Cadence>,
    pace: Pace,
) -> Option<Duration> {
    let shortest = cadence.map(Cadence::shortest);
    if fields.get("timeout").is_none() {
        return Some(shortest.map_or(pace.timeout, |s| s.min(pace.timeout)));
    }
    let timeout = fields.text("timeout", duration(Duration::from_millis(100)..=HOUR))?;
    if let Some(shortest) = shortest.filter(|s| timeout > *s) {
        let message = format!(
            "timeout {} is longer than interval {}",
            shown(timeout),
            shown(shortest)
        );
        let problem = Problem::new(fields.span("timeout"), message)
            .label("a run must end before the next one starts")
            .help(format!(
                "raise `every`, or lower `timeout` to at most {}",
                shown(shortest)
            ));
        fields.faults.push(problem);
        return None;
    }
    Some(timeout)
}

/// `confirm = { every, max }` or `"off"`.
pub(super) fn confirm(fields: Fields<'_>) -> Option<Confirm> {
    let value = fields.get("confirm")?;
    if value.get_ref().as_table().is_none() {
        return fields.read(
            value,
            "confirm",
            "{ every = \"5s\", max = 20 } or \"off\"",
            |text| match text {
                "off" => Ok(Confirm::Off),
                _ => Err(Wrong::new("is { every = \"5s\", max = 20 } or \"off\"")),
            },
        );
    }
    let table = fields.table("confirm")?;
    table.only("`confirm`", &[&["every", "max"]]);
    let every = table.text("every", duration(SECOND..=HOUR));
    let max = table.integer("max", 1..=100);
    Some(Confirm::Rechecks {
        every: every.unwrap_or(SECOND * 5),
        max: max.unwrap_or(20),
    })
}
