//! The daemon: wires the rooms together, listens to signals, and ends in good order.
//!
//! Three threads: probes run here, on one runtime; the engine and the sender of mails each have a thread of their
//! own, so that neither the disk nor a mail server can delay a probe. The command of `[on_change]` has a fourth.

mod control;
mod digest;
mod hook;
mod housekeeping;
mod once;
mod plan;
mod relay;
mod reload;
mod sender;
mod stage;
mod systemd;

use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::Config;
use crate::probe::ClientError;
use crate::store::{OpenError, StoreError};

pub use once::OnceSummary;
pub use relay::Witness;
use stage::{Signals, Stage};

/// Why the daemon could not start, or could not go on.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The database is not to be had.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database could not be read.
    #[error("failed to read the database: {0}")]
    Store(#[from] StoreError),
    /// No HTTP client could be made.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Mail cannot be set up as configured.
    #[error("failed to set up mail: {0}")]
    Mail(String),
    /// The operating system refused something.
    #[error("failed to {0}: {1}")]
    System(&'static str, #[source] std::io::Error),
}

/// Reads the configuration again; the text is for the log when it cannot be used.
pub type Reread = Box<dyn Fn() -> Result<Config, String> + Send>;

/// What a daemon is started with.
pub struct Setup {
    /// The configuration.
    pub config: Config,
    /// Its clock.
    pub clock: Clock,
    /// File to which every event of an incident is appended.
    pub events: Option<PathBuf>,
    /// Looks on.
    pub witness: Option<Box<dyn Witness>>,
    /// For SIGHUP.
    pub reread: Reread,
}

/// Runs until SIGTERM or SIGINT, or until `stop`.
///
/// # Errors
/// When it cannot start. Once it runs, it goes on through whatever happens to its disk, network and mail server.
pub fn run(setup: Setup, stop: CancellationToken) -> Result<(), DaemonError> {
    let runtime = runtime()?;
    runtime.block_on(async {
        // Before anything is opened: a stop that comes during the start is obeyed in good order after it.
        let signals = Signals::listen()?;
        let stage = Stage::set(setup, stop)?;
        stage.play(signals).await
    })
}

/// Runs every probe once, commits and delivers, and returns what came of it.
///
/// # Errors
/// When it cannot start.
pub fn run_once(setup: Setup) -> Result<OnceSummary, DaemonError> {
    let runtime = runtime()?;
    runtime.block_on(async {
        let stage = Stage::set(setup, CancellationToken::new())?;
        stage.play_once().await
    })
}

fn runtime() -> Result<tokio::runtime::Runtime, DaemonError> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder
        .enable_all()
        .build()
        .map_err(|e| DaemonError::System("start the runtime", e))
}
