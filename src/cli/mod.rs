//! The command line: one file a command.
//!
//! Answers go to stdout, messages to stderr. Exit codes: 0 ok, 1 the answer is no, 64 usage, 74 I/O, 75 another daemon
//! holds the lock, 78 bad configuration.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

mod check;
mod claim;
mod demo;
mod host;
mod incidents;
mod lines;
mod mail;
mod probe;
mod replay;
mod report;
mod rule;
mod run;
mod said;
mod simulate;
mod status;
mod test_mail;

use crate::config::Config;
use crate::report::{pages, words};

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// As asked.
    Ok = 0,
    /// The answer is no: a probe failed, something is down.
    No = 1,
    /// The command line makes no sense.
    Usage = 64,
    /// A file or the network refused.
    Io = 74,
    /// Another daemon holds the lock.
    Locked = 75,
    /// The configuration is not usable.
    Config = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

#[derive(Debug, Parser)]
#[command(
    name = "watchfire",
    version,
    about = "Watches AI services from the outside and mails when their error rate has really risen",
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon
    Run(run::RunArgs),
    /// Play an outage against the real daemon: no keys, no network
    Demo(demo::DemoArgs),
    /// Run only the fake provider, for fire drills against one's own daemon
    Simulate(simulate::SimulateCommand),
    /// Check the configuration, and forecast what it costs and how fast it notices
    Check(check::CheckArgs),
    /// Run probes now and draw the phases of each
    Probe(probe::ProbeArgs),
    /// Show what is up
    Status(status::StatusArgs),
    /// List incidents, or show one
    Incidents(incidents::IncidentsArgs),
    /// Say that somebody works on an incident
    Ack(said::ack::AckArgs),
    /// Keep the mails of a service back for a while, or show what is silent
    Silence(said::silence::SilenceArgs),
    /// Leave the runs of a service unjudged for a while, or show when they are
    Maintenance(said::maintenance::MaintenanceArgs),
    /// Show the mails that wait or were refused, and have them sent or dropped
    Outbox(said::outbox::OutboxArgs),
    /// Fold recorded samples through the detector and print what would have been mailed
    Replay(replay::ReplayArgs),
    /// Show what a time was like: uptime, error budget, incidents, latency, money, and the providers' pages
    Report(report::ReportArgs),
    /// Send a test alert through the real path
    TestMail(test_mail::TestMailArgs),
    /// Show how the mails look
    Mail(mail::MailArgs),
}

/// Which files configure a command.
#[derive(Debug, Clone, Args)]
pub struct Files {
    /// What is probed [default: ./probes.toml, else /etc/watchfire/probes.toml]
    #[arg(long, value_name = "FILE")]
    pub probes: Option<PathBuf>,
    /// The daemon's settings [default: ./config/watchfire.toml, else /etc/watchfire/watchfire.toml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl Files {
    /// The probes file: the one named, or the first default that exists.
    pub fn probes(&self) -> PathBuf {
        first(
            self.probes.as_deref(),
            &["probes.toml", "/etc/watchfire/probes.toml"],
        )
    }

    /// The settings file; `None` when none is named and no default exists: then all settings have their defaults.
    pub fn config(&self) -> Option<PathBuf> {
        let file = first(
            self.config.as_deref(),
            &["config/watchfire.toml", "/etc/watchfire/watchfire.toml"],
        );
        (self.config.is_some() || file.exists()).then_some(file)
    }

    /// Reads and checks both files; faults and warnings go to stderr.
    ///
    /// # Errors
    /// The exit code of a configuration that cannot be used.
    pub fn load(&self) -> Result<Config, Exit> {
        host::load(self)
    }
}

fn first(named: Option<&Path>, defaults: &[&str]) -> PathBuf {
    if let Some(named) = named {
        return named.to_owned();
    }
    let exists = defaults.iter().find(|d| Path::new(d).exists());
    PathBuf::from(exists.or(defaults.first()).copied().unwrap_or_default())
}

/// Runs the command of this process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            let exit = if e.use_stderr() {
                Exit::Usage
            } else {
                Exit::Ok
            };
            // Nobody is left to be told when even this cannot be printed.
            let _ = e.print();
            return exit.into();
        }
    };
    let exit = match cli.command {
        Command::Run(args) => run::run(args),
        Command::Demo(args) => demo::run(args),
        Command::Simulate(args) => simulate::run(args),
        Command::Check(args) => check::run(&args),
        Command::Probe(args) => probe::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Incidents(args) => incidents::run(&args),
        Command::Ack(args) => said::ack::run(&args),
        Command::Silence(args) => said::silence::run(&args),
        Command::Maintenance(args) => said::maintenance::run(&args),
        Command::Outbox(args) => said::outbox::run(&args),
        Command::Replay(args) => return replay::run(&args),
        Command::Report(args) => report::run(&args),
        Command::TestMail(args) => test_mail::run(&args),
        Command::Mail(args) => mail::run(&args),
    };
    lines::drain();
    exit.into()
}

/// Sends the log to stderr: `filter` in the form of `info,watchfire=debug`; `WATCHFIRE_LOG` overrules it. Nobody waits for
/// its reader.
pub fn log(filter: &str) {
    let wanted = std::env::var("WATCHFIRE_LOG").unwrap_or_else(|_| filter.to_owned());
    // What the cron library says of itself at the start is of no use to anybody.
    let filter = EnvFilter::try_new(format!("tokio_cron_scheduler=warn,usvg=error,{wanted}"))
        .unwrap_or_else(|_| EnvFilter::new("tokio_cron_scheduler=warn,usvg=error,info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(lines::Lines::to_stderr())
        .with_target(false);
    let colour = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    let builder = builder.with_ansi(colour);
    // The journal stamps lines itself.
    let started = if std::env::var_os("JOURNAL_STREAM").is_some() {
        builder.without_time().try_init()
    } else {
        builder.try_init()
    };
    // Fails only when a log is already there, which is as good.
    let _ = started;
}

/// A message to the person at the terminal.
pub fn complain(what: impl std::fmt::Display) {
    anstream::eprintln!("watchfire: {what}");
}
