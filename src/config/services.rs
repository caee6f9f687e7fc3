//! `probes.toml`: what is watched, when it alerts, who is told.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;
use toml::de::{DeTable, DeValue};

use super::fields::{Faults, Fields, Value, listed, nearest, quoted};
use super::presets;
use super::secrets::Vault;
use super::values::{
    DAY, HOUR, MINUTE, SECOND, Wrong, address, budget, duration, http_url, model, name, percent,
    shown, title,
};
use super::{Alert, NotConfigured, Probe, Service};
use crate::diagnostic::Problem;
use crate::model::{Cadence, Confirm, Cron, Secret, Severity};
use crate::probe::{Connection, KINDS, Kind, Surroundings};

/// Probes of one file; more than this is a mistake of whoever generates it.
const MOST_PROBES: usize = 100_000;
/// With so many services a name is compared for a slip: a file with more is generated, not typed.
const MOST_COMPARED: usize = 200;
const ROOT_KEYS: &[&str] = &["alert", "service", "probe", "confirm", "control"];
const ALERT_KEYS: &[&str] = &[
    "email",
    "page_at",
    "false_pages_per_year",
    "min_error_rate",
    "remind_every",
    "reopen_within",
];
const SERVICE_KEYS: &[&str] = &[
    "title", "preset", "base_url", "model", "key", "probes", "alert", "confirm", "budget", "slo",
];
/// Keys that every probe has, whatever its kind.
const PROBE_KEYS: &[&str] = &[
    "name",
    "service",
    "kind",
    "every",
    "cron",
    "timezone",
    "timeout",
    "confirm",
    "connection",
];
/// A key that only presets use: whether the probe is chosen when the service does not choose.
const PRESET_KEYS: &[&str] = &["default"];
/// A probe that does not say how often runs this often.
const EVERY: Duration = MINUTE;
/// Longest time that a run may take when the probe does not say.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What the file says.
pub(super) struct Watched {
    pub services: Vec<Service>,
    pub control: Vec<String>,
}

/// Reads all of it; faults go where `root` collects them.
pub(super) fn read(root: Fields<'_>, vault: &Vault<'_>) -> Watched {
    root.only("probes.toml", &[ROOT_KEYS]);
    let alert = root
        .table("alert")
        .map_or_else(Alert::default, |t| alert(t, &Alert::default(), "[alert]"));
    let reader = Reader {
        vault,
        root,
        alert,
        confirm: confirm(root),
    };
    let probes = reader.probe_tables();
    let mut services = reader.services(&probes);
    services.retain(|s| !s.probes.is_empty() || !s.not_configured.is_empty());
    if services.is_empty() && root.faults.count() == 0 {
        let problem = Problem::new(0..0, "nothing is watched")
            .help("add [service.openai] with preset = \"openai\", or a [[probe]]");
        root.faults.push(problem);
    }
    let control = root.table("control").and_then(|control| {
        control.only("[control]", &[&["urls"]]);
        control.texts("urls", http_url)
    });
    Watched {
        services,
        control: control
            .unwrap_or_default()
            .into_iter()
            .map(|(url, _)| url)
            .collect(),
    }
}

/// Services that differ in their digits only are numbered, not misspelt.
fn letter(c: &char) -> bool {
    !c.is_ascii_digit()
}

struct Reader<'r, 't> {
    vault: &'r Vault<'r>,
    root: Fields<'t>,
    alert: Alert,
    confirm: Option<Confirm>,
}

/// A `[[probe]]` of the file with its name and service.
struct Table<'t> {
    name: String,
    service: String,
    fields: Fields<'t>,
    value: &'t Value<'t>,
}

/// What a service gives its probes.
struct Around {
    name: String,
    base_url: Option<String>,
    key: Option<Secret>,
    /// Names of what is missing for the key.
    absent: Vec<String>,
    confirm: Option<Confirm>,
}

impl<'t> Reader<'_, 't> {
    /// The `[[probe]]`s that have a name and a service of their own.
    fn probe_tables(&self) -> Vec<Table<'t>> {
        let Some(value) = self.root.get("probe") else {
            return Vec::new();
        };
        let Some(list) = value.get_ref().as_array() else {
            self.root
                .wrong_type(value, "probe", "a list of tables ([[probe]])");
            return Vec::new();
        };
        if list.len() > MOST_PROBES {
            let problem = Problem::new(
                value.span(),
                format!("{} probes; at most {MOST_PROBES} are watched", list.len()),
            );
            self.root.faults.push(problem);
            return Vec::new();
        }
        let mut seen: BTreeMap<(String, String), Range<usize>> = BTreeMap::new();
        let mut tables = Vec::new();
        for value in list.iter() {
            let Some(table) = value.get_ref().as_table() else {
                self.root.wrong_type(value, "probe", "a table");
                continue;
            };
            let fields = Fields {
                table,
                faults: self.root.faults,
            };
            for key in ["name", "service"] {
                if fields.get(key).is_none() {
                    self.root.faults.push(Problem::new(
                        value.span(),
                        format!("this probe needs `{key}`"),
                    ));
                }
            }
            let names = (fields.text("name", name), fields.text("service", name));
            let (Some(name), Some(service)) = names else {
                // Its other faults are to be found in the same go.
                kind(fields, value);
                timeout(fields, cadence(fields).as_ref());
                continue;
            };
            if let Some(first) = seen.insert((service.clone(), name.clone()), fields.span("name")) {
                let problem = Problem::new(
                    fields.span("name"),
                    format!("the probe {service}/{name} is there twice"),
                )
                .label("the second")
                .help("give one of them another name");
                self.root.faults.push(problem);
                self.root.faults.push(Problem::new(
                    first,
                    format!("{service}/{name} is named here first"),
                ));
                continue;
            }
            tables.push(Table {
                name,
                service,
                fields,
                value,
            });
        }
        tables
    }

    fn services(&self, probes: &[Table<'t>]) -> Vec<Service> {
        let mut own: BTreeMap<&str, Vec<&Table<'t>>> = BTreeMap::new();
        for table in probes {
            own.entry(&table.service).or_default().push(table);
        }
        let of = |service: &str| own.get(service).map_or(&[][..], |tables| tables);
        let mut services = Vec::new();
        let mut named = BTreeSet::new();
        if let Some(tables) = self.root.table("service") {
            for (key, value) in tables.table {
                let word: &str = key.get_ref();
                if let Err(wrong) = name(word) {
                    self.root.faults.push(wrong.at(key.span(), "service"));
                    continue;
                }
                let Some(table) = value.get_ref().as_table() else {
                    self.root.wrong_type(value, word, "a table");
                    continue;
                };
                named.insert(word.to_owned());
                let fields = Fields {
                    table,
                    faults: self.root.faults,
                };
                services.push(self.service(word, Some(fields), of(word)));
            }
        }
        for table in probes {
            if named.insert(table.service.clone()) {
                let others = named
                    .iter()
                    .map(String::as_str)
                    .filter(|n| {
                        !n.chars()
                            .filter(letter)
                            .eq(table.service.chars().filter(letter))
                    })
                    .take(MOST_COMPARED);
                if let Some(near) = nearest(&table.service, others) {
                    let what = format!(
                        "the service {} has no section of its own",
                        quoted(&table.service)
                    );
                    self.root.faults.warn(
                        Problem::new(table.fields.span("service"), what)
                            .help(format!("did you mean `{near}`?")),
                    );
                }
                services.push(self.service(&table.service, None, of(&table.service)));
            }
        }
        services
    }

    fn service(&self, service: &str, fields: Option<Fields<'t>>, probes: &[&Table<'t>]) -> Service {
        let faults = self.root.faults;
        let mut around = Around {
            name: service.to_owned(),
            base_url: None,
            key: None,
            absent: Vec::new(),
            confirm: self.confirm,
        };
        let mut made = Service {
            name: service.to_owned(),
            title: service.to_owned(),
            alert: self.alert.clone(),
            probes: Vec::new(),
            not_configured: Vec::new(),
            budget: None,
            slo: None,
        };
        let mut preset = None;
        if let Some(fields) = fields {
            fields.only(&format!("[service.{service}]"), &[SERVICE_KEYS]);
            around.base_url = fields.text("base_url", http_url);
            around.confirm = confirm(fields).or(self.confirm);
            if let Some(value) = fields.get("key") {
                self.vault.take_absent();
                match self.vault.read(value) {
                    Ok(key) => around.key = key,
                    Err(problem) => faults.push(problem),
                }
                around.absent = self.vault.take_absent();
            }
            if let Some(table) = fields.table("alert") {
                made.alert = alert(table, &self.alert, &format!("[service.{service}.alert]"));
            }
            made.budget = fields.text("budget", budget);
            made.slo = fields.text("slo", |text| {
                percent(text)
                    .filter(|p| *p <= 1.0)
                    .ok_or_else(|| Wrong::new("is not a share").help("for instance \"99.5%\""))
            });
            preset = self.preset(fields);
            made.title = fields.text("title", title).unwrap_or(made.title);
        }
        let own: BTreeSet<&str> = probes.iter().map(|p| p.name.as_str()).collect();
        if let (Some(text), Some(fields)) = (&preset, fields) {
            self.of_preset(text, fields, &own, &mut around, &mut made);
        }
        for table in probes {
            self.probe(
                &table.name,
                table.fields,
                table.value,
                &around,
                &mut made,
                PROBE_KEYS,
            );
        }
        made
    }

    /// The text of the service's preset, its model filled in.
    fn preset(&self, fields: Fields<'t>) -> Option<String> {
        let chosen = fields.text("preset", |text| {
            if presets::preset_names().any(|known| known == text) {
                return Ok(text.to_owned());
            }
            let wrong = Wrong::new(format!("{} is not known", quoted(text)));
            Err(match nearest(text, presets::preset_names()) {
                Some(near) => wrong.help(format!("did you mean \"{near}\"?")),
                None => wrong.help(format!(
                    "known presets: {}",
                    listed(presets::preset_names())
                )),
            })
        })?;
        let model = fields.text("model", model);
        let text = presets::text(&chosen, model.as_deref())?;
        if presets::wants_model(&text) {
            let problem = Problem::new(
                fields.span("preset"),
                format!("the preset {} needs `model`", quoted(&chosen)),
            )
            .help("add model = \"NAME\" to the service");
            self.root.faults.push(problem);
            return None;
        }
        Some(text)
    }

    /// Adds a preset's probes, but those that the file has under the same name or does not choose.
    fn of_preset(
        &self,
        text: &str,
        service: Fields<'t>,
        own: &BTreeSet<&str>,
        around: &mut Around,
        made: &mut Service,
    ) {
        let Ok(parsed) = DeTable::parse(text) else {
            let problem = Problem::new(
                service.span("preset"),
                "this preset cannot be read: a defect of watchfire",
            );
            return self.root.faults.push(problem);
        };
        let faults = Faults::default();
        let preset = Fields {
            table: parsed.get_ref(),
            faults: &faults,
        };
        if service.get("title").is_none() {
            made.title = preset
                .text("title", title)
                .unwrap_or_else(|| made.title.clone());
        }
        if around.base_url.is_none() {
            around.base_url = preset.text("base_url", http_url);
        }
        if around.base_url.is_none() {
            let problem = Problem::new(service.span("preset"), "this preset needs `base_url`")
                .help("add base_url = \"https://llm.example.com/v1\" to the service");
            return self.root.faults.push(problem);
        }
        let chosen = service.texts("probes", name);
        let empty = Vec::new();
        let list = preset
            .get("probe")
            .and_then(|v| v.get_ref().as_array())
            .map_or(&empty[..], |a| &a[..]);
        let mut names = Vec::new();
        for value in list {
            let Some(table) = value.get_ref().as_table() else {
                continue;
            };
            let fields = Fields {
                table,
                faults: &faults,
            };
            let Some(probe) = fields.text("name", name) else {
                continue;
            };
            let wanted = match &chosen {
                Some(chosen) => chosen.iter().any(|(c, _)| *c == probe),
                None => fields.boolean("default") != Some(false),
            };
            if wanted && !own.contains(probe.as_str()) {
                let keys = [PROBE_KEYS, PRESET_KEYS].concat();
                self.probe(&probe, fields, value, around, made, &keys);
            }
            names.push(probe);
        }
        for (choice, span) in chosen.unwrap_or_default() {
            if !names.contains(&choice) && !own.contains(choice.as_str()) {
                let problem =
                    Problem::new(span, format!("the preset has no probe {}", quoted(&choice)))
                        .help(format!(
                            "it has {}",
                            listed(names.iter().map(String::as_str))
                        ));
                self.root.faults.push(problem);
            }
        }
        let (found, _) = faults.into_parts();
        for problem in found {
            // A preset is checked by a test; what is left comes from the service's own words, such as its model.
            let problem = Problem::new(
                service.span("preset"),
                format!("with this preset: {}", problem.message),
            );
            self.root.faults.push(problem);
        }
    }

    fn probe(
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
            &[common, kind.keys],
        );
        let before = fields.faults.count();
        let cadence = cadence(fields);
        let timeout = timeout(fields, cadence.as_ref());
        let confirm = confirm(fields).or(around.confirm).unwrap_or(kind.confirm);
        let connection = fields.text("connection", |text| match text {
            "fresh" => Ok(Connection::Fresh),
            "reuse" => Ok(Connection::Reuse),
            _ => Err(Wrong::new("is \"fresh\" or \"reuse\"")),
        });
        self.vault.take_absent();
        let secret = |value: &Value<'_>| self.vault.read(value);
        let surroundings = Surroundings {
            service: &around.name,
            base_url: around.base_url.as_deref(),
            key: around.key.as_ref(),
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
        }
        if let Some(missing) = missing.first() {
            made.not_configured.push(NotConfigured {
                probe: probe.to_owned(),
                missing: missing.clone(),
            });
            return;
        }
        let (Some(cadence), Some(timeout)) = (cadence, timeout) else {
            return;
        };
        if fields.faults.count() == before {
            made.probes.push(Probe {
                name: probe.to_owned(),
                kind: kind.name,
                check: Arc::from(check),
                cadence,
                timeout,
                confirm,
                connection: connection.unwrap_or_default(),
            });
        }
    }
}

/// Whether a probe sends the service's key: chat and image do unless told otherwise, http only when told to.
fn uses_key(kind: &Kind, fields: Fields<'_>) -> bool {
    match fields.get("auth").map(|v| v.get_ref()) {
        Some(DeValue::String(auth)) => auth.as_ref() != "none",
        Some(_) => true,
        None => kind.name != "http",
    }
}

fn kind<'k>(fields: Fields<'_>, value: &Value<'_>) -> Option<&'k Kind> {
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

fn cadence(fields: Fields<'_>) -> Option<Cadence> {
    if fields.get("every").is_some() && fields.get("cron").is_some() {
        fields.faults.push(Problem::new(
            fields.span("cron"),
            "`every` and `cron` exclude each other",
        ));
        return None;
    }
    let zone = match fields.get("timezone") {
        None => chrono_tz::UTC,
        Some(_) => fields.text("timezone", |text| {
            text.parse::<Tz>().map_err(|_| {
                Wrong::new("is not a time zone").help("for instance \"Europe/Berlin\"")
            })
        })?,
    };
    if fields.get("cron").is_some() {
        let cron = fields.text("cron", |text| {
            Cron::parse(text, zone).map_err(|why| Wrong::new(format!("cannot be used: {why}")))
        })?;
        return Some(Cadence::Cron(Box::new(cron)));
    }
    match fields.get("every") {
        None => Some(Cadence::Every(EVERY)),
        Some(_) => fields
            .text("every", duration(SECOND..=DAY))
            .map(Cadence::Every),
    }
}

/// The time limit of a run: at most the shortest time to the next one.
fn timeout(fields: Fields<'_>, cadence: Option<&Cadence>) -> Option<Duration> {
    let shortest = cadence.map(Cadence::shortest);
    if fields.get("timeout").is_none() {
        return Some(shortest.map_or(TIMEOUT, |s| s.min(TIMEOUT)));
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
fn confirm(fields: Fields<'_>) -> Option<Confirm> {
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

fn alert(fields: Fields<'_>, usual: &Alert, whose: &str) -> Alert {
    fields.only(whose, &[ALERT_KEYS]);
    let email = fields.texts("email", address).map(|list| {
        let mut seen = BTreeSet::new();
        for (address, span) in &list {
            if !seen.insert(address.to_lowercase()) {
                fields.faults.push(Problem::new(
                    span.clone(),
                    format!("{} is there twice", quoted(address)),
                ));
            }
        }
        list.into_iter().map(|(address, _)| address).collect()
    });
    let page_at = fields.text("page_at", |text| {
        Severity::from_name(text)
            .ok_or_else(|| Wrong::new("is \"degraded\", \"partial\" or \"major\""))
    });
    let rate = match fields.get("min_error_rate").map(|v| v.get_ref()) {
        Some(DeValue::String(_)) => fields.text("min_error_rate", |text| {
            let rate = percent(text).filter(|r| (0.01..=0.9).contains(r));
            rate.ok_or_else(|| Wrong::new("is not between 1% and 90%").help("for instance \"10%\""))
        }),
        Some(_) => fields.number("min_error_rate", 0.01..=0.9),
        None => None,
    };
    Alert {
        email: email.unwrap_or_else(|| usual.email.clone()),
        page_at: page_at.unwrap_or(usual.page_at),
        false_pages_per_year: fields
            .number("false_pages_per_year", 0.01..=1000.0)
            .unwrap_or(usual.false_pages_per_year),
        min_error_rate: rate.unwrap_or(usual.min_error_rate),
        remind_every: fields
            .text("remind_every", duration(MINUTE..=DAY * 30))
            .unwrap_or(usual.remind_every),
        reopen_within: fields
            .text("reopen_within", duration(MINUTE..=DAY))
            .unwrap_or(usual.reopen_within),
    }
}
