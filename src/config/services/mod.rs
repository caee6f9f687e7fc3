//! `probes.toml`: what is watched, when it alerts, who is told.

mod alert;
mod cost;
mod digest;
mod maintenance;
mod people;
mod preset;
mod probe;
mod rule;
mod siblings;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::fields::{Fields, Value, nearest, quoted};
use super::prices;
use super::secrets::Vault;
use super::values::{Wrong, api, budget, http_url, name, percent, title};
use super::{Alert, Digest, Maintenance, Service};
use crate::diagnostic::Problem;
use crate::model::price::Entry;
use crate::model::{Confirm, Secret};
use crate::probe::{Pace, Transport};
use alert::alert;
use probe::{PROBE_KEYS, cadence, confirm, in_clear, kind, timeout};
use siblings::Siblings;

/// Probes of one file; more than this is a mistake of whoever generates it.
const MOST_PROBES: usize = 100_000;
/// With so many services a name is compared for a slip: a file with more is generated, not typed.
const MOST_COMPARED: usize = 200;
const ROOT_KEYS: &[&str] = &[
    "alert",
    "service",
    "probe",
    "confirm",
    "control",
    "digest",
    "price",
    "maintenance",
];
const SERVICE_KEYS: &[&str] = &[
    "title", "provider", "preset", "api", "base_url", "model", "key", "probes", "alert", "confirm",
    "budget", "slo", "price",
];

/// What the file says.
pub(super) struct Watched {
    pub services: Vec<Service>,
    pub control: Vec<String>,
    pub maintenance: Vec<Maintenance>,
    pub digest: Option<Digest>,
}

/// Reads all of it; faults go where `root` collects them. `presets` is the folder of the user's own presets.
pub(super) fn read(
    root: Fields<'_>,
    vault: &Vault<'_>,
    presets: PathBuf,
    webhooks: Option<&[String]>,
) -> Watched {
    root.only("probes.toml", &[ROOT_KEYS]);
    let alert = root.table("alert").map_or_else(Alert::default, |t| {
        alert(t, &Alert::default(), "[alert]", webhooks)
    });
    let reader = Reader {
        vault,
        root,
        presets,
        webhooks,
        alert,
        confirm: confirm(root),
        prices: prices::own(root),
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
    let maintenance = maintenance::all(root, &services);
    let digest = root
        .table("digest")
        .and_then(|table| digest::read(table, root.span("digest")));
    Watched {
        digest,
        services,
        maintenance,
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
    /// The folder of the user's own presets.
    presets: PathBuf,
    /// Names of the webhooks that are configured; `None`: that is not known.
    webhooks: Option<&'r [String]>,
    alert: Alert,
    confirm: Option<Confirm>,
    /// Of `[price."model"]`.
    prices: Vec<Entry>,
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
    /// The shape of its API, as its chat probes have it unless they say otherwise.
    api: Option<String>,
    key: Option<Secret>,
    /// Names of what is missing for the key.
    absent: Vec<String>,
    confirm: Option<Confirm>,
    /// How its probes connect, unless they say otherwise.
    transport: Arc<Transport>,
    /// Names of what is missing for that.
    transport_lacks: Vec<String>,
    price: Option<Entry>,
    siblings: Siblings,
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
                let pace = kind(fields, value).map_or(Pace::USUAL, |k| k.pace);
                timeout(fields, cadence(fields, pace).as_ref(), pace);
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
            api: None,
            key: None,
            absent: Vec::new(),
            confirm: self.confirm,
            transport: Transport::shared(),
            transport_lacks: Vec::new(),
            price: None,
            siblings: Siblings::default(),
        };
        let mut made = Service {
            name: service.to_owned(),
            title: service.to_owned(),
            provider: None,
            alert: self.alert.clone(),
            probes: Vec::new(),
            not_configured: Vec::new(),
            budget: None,
            slo: None,
        };
        let mut preset = None;
        if let Some(fields) = fields {
            let known = &[SERVICE_KEYS, Transport::KEYS];
            fields.only(&format!("[service.{service}]"), known);
            (around.transport, around.transport_lacks) = self.transport(fields, &around.transport);
            around.base_url = fields.text("base_url", http_url);
            around.api = fields.text("api", api);
            around.confirm = confirm(fields).or(self.confirm);
            around.price = prices::of(fields);
            if let Some(value) = fields.get("key") {
                self.vault.take_absent();
                match self.vault.read(value) {
                    Ok(key) => around.key = key,
                    Err(problem) => faults.push(problem),
                }
                around.absent = self.vault.take_absent();
                in_clear(fields, "base_url");
            }
            if let Some(table) = fields.table("alert") {
                made.alert = alert(
                    table,
                    &self.alert,
                    &format!("[service.{service}.alert]"),
                    self.webhooks,
                );
            }
            made.budget = fields.text("budget", budget);
            made.slo = fields.text("slo", |text| {
                percent(text)
                    .filter(|p| *p <= 1.0)
                    .ok_or_else(|| Wrong::new("is not a share").help("for instance \"99.5%\""))
            });
            preset = self.preset(fields);
            made.title = fields.text("title", title).unwrap_or(made.title);
            made.provider = fields.text("provider", title);
        }
        let own: BTreeSet<&str> = probes.iter().map(|p| p.name.as_str()).collect();
        for table in probes {
            around.siblings.add(&table.name, table.fields);
        }
        if let (Some(preset), Some(fields)) = (&preset, fields) {
            self.of_preset(preset, fields, &own, &mut around, &mut made);
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
        if let Some(problem) = rule::too_few_runs(&made, self.rule_span(fields)) {
            faults.warn(problem);
        }
        made
    }

    /// Where the rule of a service stands: in its own alert section, else in the one for all.
    fn rule_span(&self, service: Option<Fields<'t>>) -> Range<usize> {
        let tables = service.iter().chain([&self.root]);
        let mut rules = tables.filter_map(|t| t.get("alert")?.get_ref().as_table()?.get("rule"));
        rules.next().map_or(0..0, |rule| rule.span())
    }
}

#[cfg(test)]
pub(in crate::config) fn keys() -> Vec<&'static str> {
    let transport = Transport::KEYS;
    [
        ROOT_KEYS,
        alert::ALERT_KEYS,
        people::TO_KEYS,
        people::QUIET_KEYS,
        &rule::keys(),
        SERVICE_KEYS,
        PROBE_KEYS,
        transport,
        prices::PRICE_KEYS,
        maintenance::MAINTENANCE_KEYS,
    ]
    .concat()
}
