//! What can change while the daemon runs: its files, and the wall clock.

use std::path::PathBuf;
use std::sync::Arc;

use sd_notify::NotifyState;
use tokio::sync::{mpsc, watch};
use tracing::{error, info, warn};

use super::plan::{self, Numbered, ProbeJob};
use super::{Reread, control, digest, systemd};
use crate::clock::Clock;
use crate::config::{Backup, Config, OnChange};
use crate::engine::{Inbox, Input};
use crate::notify::{DkimConfig, SmtpConfig, WebhookConfig};
use crate::probe::Client;
use crate::schedule::{Command, InFlight};
use crate::store::Retention;

/// Tells everybody how far the wall clock has been stepped, if it has.
pub(super) fn resync(
    clock: &Clock,
    inbox: &Inbox,
    commands: &mpsc::UnboundedSender<Command<ProbeJob>>,
) {
    if let Some(micros) = clock.resync() {
        inbox.tell(Input::ClockStep(micros));
        // Fails only when the schedule has stopped.
        let _ = commands.send(Command::ClockStepped);
    }
}

/// Settings that a running daemon keeps until it is started again.
#[derive(Debug)]
pub(super) struct Lasting {
    data_dir: PathBuf,
    location: String,
    log: String,
    retention: Retention,
    backup: Backup,
    limits: InFlight,
    smtp: Option<SmtpConfig>,
    dkim: Option<DkimConfig>,
    webhooks: Vec<WebhookConfig>,
    on_change: Option<OnChange>,
}

impl Lasting {
    pub fn of(config: &Config) -> Self {
        Self {
            data_dir: config.data_dir.clone(),
            location: config.location.clone(),
            log: config.log.clone(),
            retention: config.retention,
            backup: config.backup.clone(),
            limits: config.limits,
            smtp: config.smtp.clone(),
            dkim: config.dkim.clone(),
            webhooks: config.webhooks.clone(),
            on_change: config.on_change.clone(),
        }
    }

    /// Those that the changed configuration wants otherwise.
    fn changed(&self, config: &Config) -> Vec<&'static str> {
        [
            ("data_dir", self.data_dir != config.data_dir),
            ("location", self.location != config.location),
            ("log", self.log != config.log),
            ("[retention]", self.retention != config.retention),
            ("[backup]", self.backup != config.backup),
            ("[limits]", self.limits != config.limits),
            ("[smtp]", self.smtp != config.smtp),
            ("[smtp.dkim]", self.dkim != config.dkim),
            ("[webhook]", self.webhooks != config.webhooks),
            ("[on_change]", self.on_change != config.on_change),
        ]
        .into_iter()
        .filter_map(|(key, changed)| changed.then_some(key))
        .collect()
    }
}

/// What it takes to adopt changed files.
pub(super) struct Reload {
    /// For the digest.
    pub kept: watch::Sender<digest::Kept>,
    pub reread: Reread,
    pub lasting: Lasting,
    pub clock: Clock,
    pub inbox: Inbox,
    pub commands: mpsc::UnboundedSender<Command<ProbeJob>>,
    pub controls: control::Replace,
}

impl Reload {
    /// Adopts the files as they are now; when they are not usable, says so and stays with the old ones.
    pub fn run(&self) {
        if let Ok(at) = NotifyState::monotonic_usec_now() {
            systemd::tell(&[NotifyState::Reloading, at]);
        }
        match (self.reread)() {
            Ok(config) => self.adopt(config),
            Err(faults) => error!(
                "the changed configuration is not usable; the old one stays in force:\n{faults}"
            ),
        }
        systemd::tell(&[NotifyState::Ready]);
    }

    fn adopt(&self, mut config: Config) {
        let later = self.lasting.changed(&config);
        if !later.is_empty() {
            warn!(
                "changed, but in force only after a restart: {}",
                later.join(", ")
            );
        }
        // The numbers of probes are those of this place.
        config.location.clone_from(&self.lasting.location);
        // A client of its own: what it redacts are the secrets of this configuration.
        let made = Client::new(self.clock.clone(), &config.roots, config.redactor.clone());
        let made = made.and_then(|client| Ok((client, control::of(&config, &self.clock)?)));
        let (client, controls) = match made {
            Ok(made) => made,
            Err(e) => {
                return error!(
                    "the changed configuration is not usable; the old one stays in force: {e}"
                );
            }
        };
        self.controls.send_replace(controls);
        let config = Arc::new(config);
        self.kept.send_replace(digest::keep(&config));
        let (commands, clock) = (self.commands.clone(), self.clock.clone());
        self.inbox.tell(Input::Reload(Box::new(move |store| {
            let Numbered { services, slots } = plan::number(store, &config, &client, clock.now())?;
            // Fails only when the schedule has stopped.
            let _ = commands.send(Command::Replace(slots));
            info!("the configuration was read again");
            Ok(services)
        })));
    }
}
