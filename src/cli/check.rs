//! `watchfire check`: every fault of the configuration, or what it will do: how often, how fast it notices.

mod learned;
mod money;
mod people;
mod rule;

use std::time::Duration;

use clap::Args;
use comfy_table::{Table, presets};
use serde_json::json;

use super::{Exit, Files, host};
use crate::clock::Clock;
use crate::config::{Config, Probe, Service};
use crate::model::forecast::Watch;
use learned::{Learned, Usual};
use money::Forecast;
use rule::Compared;

/// Error rates that the forecast is for.
const RATES: [f64; 4] = [0.1, 0.3, 0.5, 1.0];

/// What `check` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  watchfire check --probes probes.toml")]
pub struct CheckArgs {
    #[command(flatten)]
    files: Files,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

/// Checks it. Exit 78 when it cannot be used.
pub fn run(args: &CheckArgs) -> Exit {
    let config = match host::diagnose(&args.files) {
        Ok(config) => config,
        Err(faults) if args.json => {
            anstream::println!(
                "{}",
                json!({ "faults": faults, "warnings": [], "services": [] })
            );
            return Exit::Config;
        }
        Err(faults) => {
            for fault in &faults {
                anstream::eprintln!("{}", fault.render(true));
            }
            super::complain(format!("the configuration has {} faults", faults.len()));
            return Exit::Config;
        }
    };
    let learned = Learned::read(&config);
    if args.json {
        let services: Vec<_> = config
            .services
            .iter()
            .map(|s| to_json(s, learned.of(s)))
            .collect();
        anstream::println!(
            "{}",
            json!({ "faults": [], "warnings": config.warnings, "services": services })
        );
    } else {
        for warning in &config.warnings {
            anstream::eprintln!("{}", warning.render(true));
        }
        anstream::print!("{}", draw(&config, &learned));
    }
    Exit::Ok
}

fn watch(service: &Service, usual: Usual) -> Watch {
    Watch {
        probes: service
            .probes
            .iter()
            .filter(|p| p.plan.check.judged().counts())
            .map(|p| (p.cadence.interval(), p.confirm))
            .collect(),
        false_pages_per_year: service.alert.false_pages_per_year,
        min_error_rate: service.alert.min_error_rate,
        usual: usual.rate(),
    }
}

/// Runs of all its probes, those included that are not judged.
fn runs_an_hour(service: &Service) -> f64 {
    let runs = |p: &Probe| 3600.0 / p.cadence.interval().as_secs_f64();
    service.probes.iter().map(runs).fold(0.0, |a, b| a + b)
}

fn to_json(service: &Service, usual: Usual) -> serde_json::Value {
    let watch = watch(service, usual);
    let times = rule::times(service, &watch);
    json!({
        "service": service.name,
        "probes": service.probes.iter().map(|p| json!({ "name": p.name, "kind": p.kind, "asks": p.plan.check.describe(), "cost": money::of_probe(p) })).collect::<Vec<_>>(),
        "not_configured": service.not_configured.iter().map(|n| json!({ "probe": n.probe, "missing": n.missing })).collect::<Vec<_>>(),
        "runs_per_hour": runs_an_hour(service).round(),
        "usually_fails": { "rate": usual.rate(), "learned": usual.is_learned() },
        "time_to_detect_s": rule::seconds(times),
        "compared": Compared::of(service, watch).map(|c| c.to_json()),
        "email": service.alert.email,
        "told": people::to_json(service),
        "money": Forecast::of(service).to_json(),
    })
}

fn draw(config: &Config, learned: &Learned) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "service",
        "probes",
        "runs an hour",
        "costs a day",
        "usually fails",
        "noticed: 10 % fail",
        "30 %",
        "50 %",
        "all",
        "told",
    ]);
    for service in &config.services {
        let usual = learned.of(service);
        let watch = watch(service, usual);
        let probes: Vec<&str> = service.probes.iter().map(|p| p.name.as_str()).collect();
        let mut row = vec![
            service.name.clone(),
            probes.join(", "),
            format!("{:.0}", runs_an_hour(service)),
            Forecast::of(service).cell(),
            usual.words(),
        ];
        let times = rule::times(service, &watch);
        row.extend(times.map(|time| time.map_or("never".to_owned(), rough)));
        row.push(people::cell(service));
        table.add_row(row);
    }
    let mut text = format!("{table}\n");
    for service in &config.services {
        let compared = Compared::of(service, watch(service, learned.of(service)));
        for line in compared.iter().flat_map(Compared::lines) {
            text.push_str(&format!("\n{line}"));
        }
    }
    for service in &config.services {
        for missing in &service.not_configured {
            text.push_str(&format!(
                "\n{}/{} is not configured: {} is not set",
                service.name, missing.probe, missing.missing
            ));
        }
    }
    let notes = config.services.iter().flat_map(|s| Forecast::of(s).notes());
    for note in notes.chain(money::sources(&config.services)) {
        text.push_str(&format!("\n{note}"));
    }
    let now = Clock::system().now();
    for note in config.services.iter().flat_map(|s| people::notes(s, now)) {
        text.push_str(&format!("\n{note}"));
    }
    if config.smtp.is_none() {
        text.push_str(&format!(
            "\nno [smtp]: mails are written to {}",
            config.data_dir.join("mail").display()
        ));
    }
    text.push_str("\n\nthe configuration is valid; times are forecasts, from how often each service usually fails\n");
    text
}

/// `45 s`, `3 min`: as exact as a forecast is.
fn rough(span: Duration) -> String {
    match span.as_secs() {
        s if s < 100 => format!("{s} s"),
        s => format!("{} min", s.div_ceil(60)),
    }
}
