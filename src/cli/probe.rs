//! `watchfire probe`: runs probes now and shows where the time went. Touches no database.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Exit, Files, complain};
use crate::clock::Clock;
use crate::config::{Config, Probe, Service};
use crate::model::Outcome;
use crate::probe::{Client, Recorder, Run};

mod learned;
mod timeline;
mod waterfall;

/// Columns of the picture: what fits into any terminal.
const WIDTH: usize = 80;

/// What `probe` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  watchfire probe\n  watchfire probe openai/chat -n 5 --json\n  watchfire probe openai/chat --save exchange.txt"
)]
pub struct ProbeArgs {
    /// `service/probe`, or a service [default: all]
    names: Vec<String>,
    #[command(flatten)]
    files: Files,
    /// How often each is run
    #[arg(short = 'n', long, default_value_t = 1, value_name = "N")]
    times: u32,
    /// Keep what was sent and received, without secrets, for a bug report
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// One JSON object a run
    #[arg(long)]
    json: bool,
}

/// Runs them one after the other. Exit 1 when one fails.
pub fn run(args: &ProbeArgs) -> Exit {
    let config = match args.files.load() {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    let chosen = match choose(&config, &args.names) {
        Ok(chosen) => chosen,
        Err(unknown) => {
            complain(format!(
                "there is no probe or service `{unknown}`; `watchfire check` lists them"
            ));
            return Exit::Usage;
        }
    };
    if chosen.is_empty() {
        complain("no probe is configured; `watchfire check` says what is missing");
        return Exit::No;
    }
    let client = match Client::new(Clock::system(), &config.roots, config.redactor.clone()) {
        Ok(client) => client,
        Err(e) => {
            complain(e);
            return Exit::Io;
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(e) => {
            complain(format!("failed to start the runtime: {e}"));
            return Exit::Io;
        }
    };
    let (mut failed, mut saved) = (false, String::new());
    for (service, probe) in chosen {
        let name = format!("{}/{}", service.name, probe.name);
        for _ in 0..args.times {
            let recorder = Recorder::default();
            let run: Run = runtime.block_on(async {
                match &args.save {
                    Some(_) => recorder.watch(client.run(&probe.plan)).await,
                    None => client.run(&probe.plan).await,
                }
            });
            if args.save.is_some() {
                saved.push_str(&recorder.text(&name, &run, &config.redactor));
            }
            failed |= matches!(run.outcome, Outcome::Failure(..));
            if args.json {
                anstream::println!("{}", run.to_json(&name));
            } else {
                anstream::print!("{}", waterfall::draw(&name, &run, WIDTH));
            }
        }
    }
    if let Some(file) = &args.save
        && let Err(e) = write_private(file, &saved)
    {
        complain(format!("{} cannot be written: {e}", file.display()));
        return Exit::Io;
    }
    if failed { Exit::No } else { Exit::Ok }
}

/// Writes a file that only its owner can read: what a service answers may be private without being a secret of ours.
fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(file)?.write_all(text.as_bytes())
}

fn choose<'a>(
    config: &'a Config,
    names: &'a [String],
) -> Result<Vec<(&'a Service, &'a Probe)>, &'a str> {
    let all = || {
        config
            .services
            .iter()
            .flat_map(|s| s.probes.iter().map(move |p| (s, p)))
    };
    if names.is_empty() {
        return Ok(all().collect());
    }
    let mut chosen = Vec::new();
    for name in names {
        let before = chosen.len();
        chosen.extend(
            all().filter(|(s, p)| s.name == *name || format!("{}/{}", s.name, p.name) == *name),
        );
        if chosen.len() == before {
            return Err(name);
        }
    }
    Ok(chosen)
}
