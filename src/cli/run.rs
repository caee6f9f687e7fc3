//! `watchfire run`: the daemon.

use std::path::PathBuf;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::{Exit, Files, complain};
use crate::clock::Clock;
use crate::daemon::{self, DaemonError, Setup};
use crate::store::OpenError;

/// What `run` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  watchfire run --probes probes.toml --config config/watchfire.toml"
)]
pub struct RunArgs {
    #[command(flatten)]
    files: Files,
    /// Run every probe once, commit, deliver, and exit (1 when one failed)
    #[arg(long)]
    once: bool,
    /// Append every event of an incident to this file, a JSON object a line
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
}

/// Runs it.
pub fn run(args: RunArgs) -> Exit {
    let config = match args.files.load() {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    super::log(&config.log);
    for missing in config
        .services
        .iter()
        .flat_map(|s| s.not_configured.iter().map(move |n| (s, n)))
    {
        let (service, probe) = missing;
        tracing::warn!(
            "{}/{} is not configured: {} is not set",
            service.name,
            probe.probe,
            probe.missing
        );
    }
    let files = args.files.clone();
    let setup = Setup {
        config,
        clock: Clock::system(),
        events: args.events,
        witness: None,
        reread: Box::new(move || super::host::reread(&files)),
    };
    if args.once {
        return match daemon::run_once(setup) {
            Ok(summary) => {
                anstream::println!("{summary}");
                if summary.failed > 0 {
                    Exit::No
                } else {
                    Exit::Ok
                }
            }
            Err(e) => refuse(&e),
        };
    }
    match daemon::run(setup, CancellationToken::new()) {
        Ok(()) => Exit::Ok,
        Err(e) => refuse(&e),
    }
}

/// Says why the daemon could not start.
pub fn refuse(error: &DaemonError) -> Exit {
    complain(error);
    match error {
        DaemonError::Open(e) => open_exit(e),
        DaemonError::Mail(_) => Exit::Config,
        DaemonError::Store(_) | DaemonError::Client(_) | DaemonError::System(..) => Exit::Io,
    }
}

/// The exit code of a database that cannot be opened.
pub fn open_exit(error: &OpenError) -> Exit {
    match error {
        OpenError::Locked { .. } => Exit::Locked,
        OpenError::Newer { .. } => Exit::Config,
        _ => Exit::Io,
    }
}
