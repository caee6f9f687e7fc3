//! `config/watchfire.toml`: the daemon's own settings, all with defaults.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::fields::{Fields, quoted};
use super::secrets::Vault;
use super::values::{DAY, HOUR, MINUTE, SECOND, Wrong, address, duration, title};
use super::{Backup, OnChange, webhooks};
use crate::diagnostic::Problem;
use crate::model::Cron;
use crate::notify::{DkimConfig, Login, Page, Signer, SmtpConfig, WebhookConfig};
use crate::schedule::InFlight;
use crate::store::Retention;

pub(super) const KEYS: &[&str] = &[
    "data_dir",
    "location",
    "public_url",
    "listen",
    "smtp",
    "webhook",
    "retention",
    "backup",
    "on_change",
    "limits",
    "heartbeat",
    "log",
];
pub(super) const DKIM_KEYS: &[&str] = &["domain", "selector", "key"];
/// Where the data goes when systemd names no place and the file neither.
const DATA_DIR: &str = "watchfire-data";
/// Largest CA file.
const CA_BYTES: usize = 1 << 20;

/// What the file says, or the defaults.
pub(super) struct Settings {
    pub data_dir: PathBuf,
    pub location: String,
    pub page: Option<Page>,
    pub smtp: Option<SmtpConfig>,
    pub dkim: Option<DkimConfig>,
    pub webhooks: Vec<WebhookConfig>,
    pub retention: Retention,
    pub backup: Backup,
    pub on_change: Option<OnChange>,
    pub limits: InFlight,
    pub log: String,
}

pub(super) fn read(root: Fields<'_>, vault: &Vault<'_>) -> Settings {
    root.only("the settings", &[KEYS]);
    root.without_effect(&["listen", "heartbeat"]);
    let path = |text: &str| {
        if text.is_empty() {
            Err(Wrong::new("is empty"))
        } else {
            Ok(PathBuf::from(text))
        }
    };
    let data_dir = root.text("data_dir", path).unwrap_or_else(|| {
        PathBuf::from(
            vault
                .env
                .var("STATE_DIRECTORY")
                .unwrap_or_else(|| DATA_DIR.to_owned()),
        )
    });
    let location = root.text("location", title).unwrap_or_else(|| {
        let host = vault.env.host_name();
        if host.is_empty() {
            "here".to_owned()
        } else {
            host
        }
    });
    root.text("listen", |text| match text {
        "off" => Ok(()),
        _ => text
            .parse::<std::net::SocketAddr>()
            .map(|_| ())
            .map_err(|_| {
                Wrong::new("is not an address").help("for instance \"127.0.0.1:8300\", or \"off\"")
            }),
    });
    if let Some(heartbeat) = root.table("heartbeat") {
        heartbeat.only("[heartbeat]", &[&["url"]]);
        heartbeat.text("url", super::values::http_url);
    }
    Settings {
        data_dir,
        location,
        page: root.text("public_url", page),
        smtp: root
            .table("smtp")
            .and_then(|table| smtp(table, root.span("smtp"), vault)),
        dkim: root
            .table("smtp")
            .and_then(|smtp| dkim(smtp, smtp.table("dkim")?, vault)),
        webhooks: root
            .table("webhook")
            .map(|table| webhooks::read(table, vault))
            .unwrap_or_default(),
        retention: root.table("retention").map(retention).unwrap_or_default(),
        backup: backup(root.table("backup")),
        on_change: root
            .table("on_change")
            .and_then(|table| on_change(table, root.span("on_change"))),
        limits: limits(root.table("limits")),
        log: root
            .text("log", |text| Ok(text.to_owned()))
            .unwrap_or_else(|| "info".to_owned()),
    }
}

/// `public_url`.
fn page(text: &str) -> Result<Page, Wrong> {
    const HELP: &str =
        "for instance \"https://status.example.com/ai\"; {incident} and {service} are filled in";
    Page::parse(text).map_err(|why| Wrong::new(why).help(HELP))
}

fn smtp(table: Fields<'_>, whole: Range<usize>, vault: &Vault<'_>) -> Option<SmtpConfig> {
    table.only(
        "[smtp]",
        &[&["url", "user", "password", "from", "ca", "dkim"]],
    );
    for key in ["url", "from"] {
        if table.get(key).is_none() {
            table
                .faults
                .push(Problem::new(whole.clone(), format!("[smtp] needs `{key}`")));
        }
    }
    let server = table.text("url", |text| {
        SmtpConfig::parse_url(text).map_err(Wrong::new)
    });
    let from = table.text("from", address);
    let user = table.text("user", title);
    let password = table
        .get("password")
        .and_then(|value| match vault.read(value) {
            Ok(None) => {
                let missing = vault.take_absent().join(", ");
                table.faults.push(Problem::new(
                    value.span(),
                    format!("the password of [smtp] is absent: {missing} is not set"),
                ));
                None
            }
            Ok(secret) => secret,
            Err(problem) => {
                table.faults.push(problem);
                None
            }
        });
    let login = match (user, password) {
        (Some(user), Some(password)) => Some(Login { user, password }),
        (None, None) => None,
        _ => {
            if table.get("user").is_none() || table.get("password").is_none() {
                let span = if table.get("user").is_some() {
                    table.span("user")
                } else {
                    table.span("password")
                };
                table.faults.push(Problem::new(
                    span,
                    "`user` and `password` of [smtp] go together",
                ));
            }
            None
        }
    };
    let ca = table.text("ca", |path| {
        let file = vault.env.read(Path::new(path), CA_BYTES);
        file.map(|f| f.bytes)
            .map_err(|e| Wrong::new(format!("cannot be read: {e}")))
    });
    Some(SmtpConfig {
        server: server?,
        login,
        from: from?,
        ca,
    })
}

/// `[smtp.dkim]`.
fn dkim(smtp: Fields<'_>, table: Fields<'_>, vault: &Vault<'_>) -> Option<DkimConfig> {
    table.only("[smtp.dkim]", &[DKIM_KEYS]);
    for key in DKIM_KEYS {
        if table.get(key).is_none() {
            let problem = Problem::new(smtp.span("dkim"), format!("[smtp.dkim] needs `{key}`"));
            table.faults.push(problem);
        }
    }
    let domain = table.text("domain", |text| domain_name(text, 253));
    let selector = table.text("selector", |text| domain_name(text, 63));
    let value = table.get("key")?;
    vault.take_absent();
    let key = match vault.read_lines(value) {
        Ok(Some(key)) => key,
        Ok(None) => {
            let missing = vault.take_absent().join(", ");
            let what = format!("the key of [smtp.dkim] is absent: {missing} is not set");
            table.faults.push(Problem::new(value.span(), what));
            return None;
        }
        Err(problem) => {
            table.faults.push(problem);
            return None;
        }
    };
    let config = DkimConfig {
        domain: domain?,
        selector: selector?,
        key,
    };
    if let Err(why) = Signer::new(&config) {
        table.faults.push(Problem::new(value.span(), why));
        return None;
    }
    let from = smtp.get("from").and_then(|from| from.get_ref().as_str());
    let of = from.and_then(|from| from.trim_end_matches('>').rsplit_once('@'));
    if let Some((_, of)) = of
        && of != config.domain
        && !of.ends_with(&format!(".{}", config.domain))
    {
        let what = format!("the sender's domain {} is not that which signs", quoted(of));
        let help = "receivers hold a signature of another domain for nothing (DMARC)";
        table
            .faults
            .warn(Problem::new(table.span("domain"), what).help(help));
    }
    Some(config)
}

/// What can stand in the DNS.
fn domain_name(text: &str, longest: usize) -> Result<String, Wrong> {
    let label = |label: &str| {
        let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        !label.is_empty() && label.len() <= 63 && label.bytes().all(inner)
    };
    if text.len() <= longest && text.split('.').all(label) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(Wrong::new("is no name of the DNS").help("for instance \"example.com\""))
    }
}

fn retention(table: Fields<'_>) -> Retention {
    table.only("[retention]", &[&["raw", "rollups", "letters"]]);
    let usual = Retention::default();
    let span = |key, least: Duration, usual| {
        table
            .text(key, duration(least..=DAY * 3650))
            .unwrap_or(usual)
    };
    Retention {
        raw: span("raw", HOUR * 2, usual.raw),
        rollups: span("rollups", DAY, usual.rollups),
        letters: span("letters", HOUR, usual.letters),
    }
}

fn backup(table: Option<Fields<'_>>) -> Backup {
    let mut backup = Backup {
        cron: "0 30 3 * * *".to_owned(),
        keep: 7,
    };
    let Some(table) = table else { return backup };
    table.only("[backup]", &[&["cron", "keep"]]);
    let cron = table.text("cron", |text| {
        if text.split_whitespace().count() != 6 {
            return Err(
                Wrong::new("needs six fields, seconds first").help("for instance \"0 30 3 * * *\"")
            );
        }
        Cron::parse(text, chrono_tz::UTC)
            .map(|_| text.to_owned())
            .map_err(Wrong::new)
    });
    backup.cron = cron.unwrap_or(backup.cron);
    backup.keep = table
        .integer("keep", 1..=1000)
        .map_or(backup.keep, |n| n as usize);
    backup
}

fn on_change(table: Fields<'_>, whole: Range<usize>) -> Option<OnChange> {
    table.only("[on_change]", &[&["run", "timeout"]]);
    let help = "for instance run = [\"/usr/local/bin/switch\", \"--to\"]";
    let timeout = table.text("timeout", duration(SECOND..=MINUTE * 5));
    if table.get("run").is_none() {
        let problem = Problem::new(
            whole,
            "[on_change] needs `run`: a program and its arguments",
        );
        table.faults.push(problem.help(help));
        return None;
    }
    let words = table.texts("run", |text| Ok(text.to_owned()))?;
    let run: Vec<String> = words.into_iter().map(|(word, _)| word).collect();
    if !run.first().is_some_and(|program| program.starts_with('/')) {
        let message = "`run` does not begin with the absolute path of a program";
        let problem = Problem::new(table.span("run"), message);
        table.faults.push(problem.help(help));
        return None;
    }
    Some(OnChange {
        run,
        timeout: timeout.unwrap_or(SECOND * 10),
    })
}

fn limits(table: Option<Fields<'_>>) -> InFlight {
    let mut limits = InFlight::default();
    let Some(table) = table else { return limits };
    table.only("[limits]", &[&["in_flight", "per_host"]]);
    limits.total = table
        .integer("in_flight", 1..=10_000)
        .map_or(limits.total, |n| n as usize);
    limits.per_host = table
        .integer("per_host", 1..=10_000)
        .map_or(limits.per_host, |n| n as usize);
    limits
}
