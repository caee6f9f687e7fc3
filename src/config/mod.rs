//! What the files say, made into what the program knows. Reads no file itself: it is given texts and a host to ask.
//!
//! Every fault of both files is found in one go, each with its place. Secrets are never written in a file; a service
//! whose key is absent is set aside as "not configured", not refused.

mod env;
mod fields;
mod presets;
mod prices;
mod secrets;
mod services;
mod settings;
mod values;
mod webhooks;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;
pub use env::{Env, HostFile, ReadError};
use fields::{Faults, Fields};
pub use presets::preset_names;
pub use prices::PriceTable;

use crate::diagnostic::{Diagnosed, Level, Lines, syntax};
use crate::model::fold::{Judge, ProbeRules, ServiceRules};
use crate::model::hours::Hours;
use crate::model::post::WEBHOOK;
use crate::model::roster::{MOST_PER_HOUR, Roster, Seat};
use crate::model::said::{Schedule, Selector};
use crate::model::{Cadence, Confirm, Cron, MicroUsd, ProbeId, Redactor, Severity};
use crate::notify::{DkimConfig, Page, SmtpConfig, WebhookConfig};
use crate::probe::{Plan, Roots};
use crate::schedule::InFlight;
use crate::store::Retention;

/// A file larger than this is no configuration.
pub const LARGEST_BYTES: usize = 4 << 20;

/// A file and what stands in it.
#[derive(Debug, Clone)]
pub struct Source {
    /// As the user named it.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// All that is configured.
#[derive(Debug)]
pub struct Config {
    /// Where the database and the mails without a server go.
    pub data_dir: PathBuf,
    /// Name of the place that probes.
    pub location: String,
    /// The page that mails link to.
    pub page: Option<Page>,
    /// How mail leaves; `None` writes `.eml` files.
    pub smtp: Option<SmtpConfig>,
    /// How mails are signed.
    pub dkim: Option<DkimConfig>,
    /// Receivers beside mail.
    pub webhooks: Vec<WebhookConfig>,
    /// How long what is kept.
    pub retention: Retention,
    /// Copies of the database.
    pub backup: Backup,
    /// The command that is run when an incident changes.
    pub on_change: Option<OnChange>,
    /// Requests in flight.
    pub limits: InFlight,
    /// What is logged: `info`, or a filter in the form of `info,watchfire::notify=debug`.
    pub log: String,
    /// Certificates that are trusted.
    pub roots: Roots,
    /// What is watched.
    pub services: Vec<Service>,
    /// When what runs without being judged.
    pub maintenance: Vec<Maintenance>,
    /// A mail about each day or week, if it is wanted.
    pub digest: Option<Digest>,
    /// Asked when something fails, to tell the provider's trouble from ours.
    pub control: Vec<String>,
    /// Removes every secret of this configuration from a text.
    pub redactor: Redactor,
    /// What is probably not meant.
    pub warnings: Vec<Diagnosed>,
}

/// A mail about each day or week.
#[derive(Debug, Clone)]
pub struct Digest {
    /// When; it is about the time from one to the next. Its zone is that in which times are said.
    pub cron: Cron,
    /// Who gets it.
    pub email: Vec<String>,
}

/// Copies of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// When, in UTC: six fields, seconds first.
    pub cron: String,
    /// How many are kept.
    pub keep: usize,
}

/// A command that is run when an incident changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnChange {
    /// The program, by its absolute path, and its arguments; never empty.
    pub run: Vec<String>,
    /// It is killed when it takes longer.
    pub timeout: Duration,
}

/// What is judged, alerted and shown as one.
#[derive(Debug)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Its title for people.
    pub title: String,
    /// Whose service it is, if that is said.
    pub provider: Option<String>,
    /// When it alerts, and whom.
    pub alert: Alert,
    /// Its probes that can run.
    pub probes: Vec<Probe>,
    /// Its probes that cannot, for want of a secret.
    pub not_configured: Vec<NotConfigured>,
    /// What its probes may cost.
    pub budget: Option<Budget>,
    /// The share of runs that should succeed, 0 to 1.
    pub slo: Option<f64>,
}

impl Service {
    /// How a suspicion about one of its probes is confirmed by whoever judges it: a plain rule has re-checks only where
    /// the file says so.
    pub fn confirm(&self, probe: &Probe) -> Confirm {
        match self.alert.judge {
            Judge::Plain(_) if !probe.confirm_is_chosen => Confirm::Off,
            Judge::Plain(_) | Judge::Detector => probe.confirm,
        }
    }

    /// How it is judged, with the numbers that the database has for its probes by name. One without a number is left out.
    pub fn rules(&self, number: impl Fn(&str) -> Option<ProbeId>) -> ServiceRules {
        let judged = self
            .probes
            .iter()
            .filter(|p| p.plan.check.judged().counts());
        let probe = |p: &Probe| {
            Some(ProbeRules {
                id: number(&p.name)?,
                interval: p.cadence.interval(),
                confirm: self.confirm(p),
            })
        };
        ServiceRules {
            probes: judged.filter_map(probe).collect(),
            false_pages_per_year: self.alert.false_pages_per_year,
            min_error_rate: self.alert.min_error_rate,
            reopen_within: self.alert.reopen_within,
            judge: self.alert.judge,
        }
    }

    /// How many of its probes a selector speaks of, whether they can run or not.
    pub fn selected_by(&self, selector: &Selector) -> usize {
        let names = self.probes.iter().map(|p| p.name.as_str());
        let missing = self.not_configured.iter().map(|p| p.probe.as_str());
        let all = names.chain(missing);
        all.filter(|probe| selector.selects(&self.name, probe))
            .count()
    }
}

/// Planned maintenance.
#[derive(Debug)]
pub struct Maintenance {
    /// Of which probes.
    pub selector: Selector,
    /// When.
    pub schedule: Schedule,
    /// Why; may be empty.
    pub why: String,
}

/// A probe that lacks a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotConfigured {
    /// Name of the probe.
    pub probe: String,
    /// Its kind, as written.
    pub kind: &'static str,
    /// What is missing: the name of a variable, a file or a credential.
    pub missing: String,
}

/// A probe that can run.
#[derive(Debug)]
pub struct Probe {
    /// Its name within the service.
    pub name: String,
    /// Its kind, as written.
    pub kind: &'static str,
    /// What it asks, and how.
    pub plan: Arc<Plan>,
    /// When it runs.
    pub cadence: Cadence,
    /// How the detector confirms a suspicion.
    pub confirm: Confirm,
    /// Whether the file says so, and not the probe's kind.
    pub confirm_is_chosen: bool,
    /// The list that its price is from; `None` when it has none or one of the user's own.
    pub listed: Option<&'static PriceTable>,
}

/// When a service alerts, and whom.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Who is mailed, of everything.
    pub email: Vec<String>,
    /// Which webhooks are told, of everything.
    pub webhook: Vec<String>,
    /// Who else is told, when.
    pub to: Vec<Seat>,
    /// Who is called when nobody has acknowledged an incident, and after how long.
    pub escalation: Option<(Duration, Vec<String>)>,
    /// When what can wait is kept back.
    pub quiet: Option<Hours>,
    /// Where all these hours are told.
    pub zone: Tz,
    /// Mails an hour to one recipient.
    pub most_per_hour: u32,
    /// Below it nothing is mailed.
    pub page_at: Severity,
    /// Accepted false pages a year.
    pub false_pages_per_year: f64,
    /// A rise that stays below this rate is never paged; 0 to 1.
    pub min_error_rate: f64,
    /// When an open incident is first mailed again; `None`: never.
    pub remind_every: Option<Duration>,
    /// How long a recovered service is watched.
    pub reopen_within: Duration,
    /// Who judges its error rate.
    pub judge: Judge,
}

impl Default for Alert {
    fn default() -> Self {
        Self {
            email: Vec::new(),
            webhook: Vec::new(),
            to: Vec::new(),
            escalation: None,
            quiet: None,
            zone: Tz::UTC,
            most_per_hour: MOST_PER_HOUR,
            page_at: Severity::Partial,
            false_pages_per_year: 1.0,
            min_error_rate: 0.1,
            remind_every: Some(Duration::from_secs(4 * 3600)),
            reopen_within: Duration::from_secs(3600),
            judge: Judge::Detector,
        }
    }
}

impl Alert {
    /// Who is told, and when.
    pub fn roster(&self) -> Roster {
        let hook = |name: &String| format!("{WEBHOOK}{name}");
        let all = self.email.iter().cloned();
        let all = all.chain(self.webhook.iter().map(hook));
        let mut seats: Vec<Seat> = all.map(Seat::always).collect();
        seats.extend(self.to.iter().cloned());
        if let Some((after, people)) = &self.escalation {
            seats.extend(people.iter().map(|who| Seat {
                after: *after,
                ..Seat::always(who.clone())
            }));
        }
        Roster {
            seats,
            quiet: self.quiet.clone(),
            most_per_hour: self.most_per_hour,
            remind_every: self.remind_every,
        }
    }

    /// Every address in it.
    pub fn addresses(&self) -> Vec<String> {
        let roster = self.roster();
        let people = roster.everybody().into_iter();
        people
            .filter(|who| !who.starts_with(WEBHOOK))
            .map(str::to_owned)
            .collect()
    }
}

/// What a service's probes may cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// US dollars a day.
    pub usd_per_day: f64,
}

impl Budget {
    /// For a day.
    pub fn a_day(&self) -> MicroUsd {
        MicroUsd::from_usd(self.usd_per_day)
    }
}

/// Reads both files.
///
/// # Errors
/// Every fault of both, in the order of files and lines.
pub fn load(
    probes: &Source,
    settings: Option<&Source>,
    env: &dyn Env,
    roots: Roots,
) -> Result<Config, Vec<Diagnosed>> {
    let mut diagnosed = Vec::new();
    let kept = secrets::Vault::new(env);
    let read_settings = |root: Fields<'_>| settings::read(root, &kept);
    let settings = match settings {
        Some(source) => read(source, &mut diagnosed, read_settings),
        None => read(
            &Source {
                name: String::new(),
                bytes: Vec::new(),
            },
            &mut diagnosed,
            read_settings,
        ),
    };
    let presets = presets::folder(&probes.name);
    // Where the settings are faulty, nothing is known of their webhooks.
    let webhooks = settings.as_ref().map(|s| s.webhooks.iter());
    let known: Option<Vec<String>> = webhooks.map(|all| all.map(|w| w.name.clone()).collect());
    let watched = read(probes, &mut diagnosed, |root| {
        services::read(root, &kept, presets, known.as_deref())
    });
    let faults: Vec<Diagnosed> = diagnosed
        .iter()
        .filter(|d| d.level == Level::Fault)
        .cloned()
        .collect();
    let (Some(settings), Some(watched), true) = (settings, watched, faults.is_empty()) else {
        return Err(faults);
    };
    Ok(Config {
        data_dir: settings.data_dir,
        location: settings.location,
        page: settings.page,
        smtp: settings.smtp,
        dkim: settings.dkim,
        webhooks: settings.webhooks,
        retention: settings.retention,
        backup: settings.backup,
        on_change: settings.on_change,
        limits: settings.limits,
        log: settings.log,
        roots,
        services: watched.services,
        maintenance: watched.maintenance,
        control: watched.control,
        digest: watched.digest,
        redactor: kept.redactor(),
        warnings: diagnosed,
    })
}

/// Parses one file and has its tables read; faults and warnings join `diagnosed`. `None` when it cannot even be parsed.
fn read<T>(
    source: &Source,
    diagnosed: &mut Vec<Diagnosed>,
    of: impl FnOnce(Fields<'_>) -> T,
) -> Option<T> {
    let text = match text(source) {
        Ok(text) => text,
        Err(fault) => {
            diagnosed.push(*fault);
            return None;
        }
    };
    let lines = Lines::new(&source.name, text);
    let table = match syntax::parse(text) {
        Ok(table) => table,
        Err(problem) => {
            // Where a line cannot be read, it cannot be told what on it is a secret.
            diagnosed.push(lines.diagnose(&problem.secret(), Level::Fault));
            return None;
        }
    };
    let faults = Faults::default();
    let read = of(Fields {
        table: table.get_ref(),
        faults: &faults,
    });
    let (mut faults, mut warnings) = faults.into_parts();
    faults.sort_by_key(|p| p.span.start);
    warnings.sort_by_key(|p| p.span.start);
    diagnosed.extend(faults.iter().map(|p| lines.diagnose(p, Level::Fault)));
    diagnosed.extend(warnings.iter().map(|p| lines.diagnose(p, Level::Warning)));
    Some(read)
}

fn text(source: &Source) -> Result<&str, Box<Diagnosed>> {
    if source.bytes.len() > LARGEST_BYTES {
        return Err(Box::new(Diagnosed::of_file(
            &source.name,
            format!("larger than {LARGEST_BYTES} bytes"),
        )));
    }
    let text = match std::str::from_utf8(&source.bytes) {
        Ok(text) => text,
        Err(e) => {
            let good = source.bytes.get(..e.valid_up_to()).unwrap_or_default();
            let good = String::from_utf8_lossy(good);
            let (line, column) = Lines::new(&source.name, &good).place(good.len());
            let message =
                format!("not UTF-8 at line {line}, column {column}; save the file as UTF-8");
            return Err(Box::new(Diagnosed::of_file(&source.name, message)));
        }
    };
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::KINDS;

    /// Read and checked, but without effect in this version: the reference is silent about them.
    const SILENT: &[&str] = &["listen", "heartbeat"];

    #[test]
    fn the_reference_names_every_key_that_has_an_effect() {
        let reference = include_str!("../../docs/configuration.md");
        let mut keys = services::keys();
        keys.extend(settings::KEYS);
        keys.extend(webhooks::WEBHOOK_KEYS);
        keys.extend(settings::DKIM_KEYS);
        keys.extend(KINDS.iter().flat_map(|kind| kind.keys));
        keys.extend(preset_names());
        let missing: Vec<&str> = keys
            .into_iter()
            .filter(|key| !SILENT.contains(key))
            .filter(|key| {
                ![
                    format!("`{key}`"),
                    format!("[{key}]"),
                    format!("[[{key}]]"),
                    format!("[{key}."),
                ]
                .iter()
                .any(|form| reference.contains(form))
            })
            .collect();
        assert!(
            missing.is_empty(),
            "not in docs/configuration.md: {missing:?}"
        );
    }
}
