//! The digest: read and composed on a thread of its own, and laid into the outbox by the engine.

use std::sync::Arc;

use tokio::sync::watch;
use tracing::{error, info};

use super::plan;
use crate::clock::Clock;
use crate::config::{Config, Digest};
use crate::engine::{Inbox, Input};
use crate::report::digest;
use crate::store::Reader;

/// The configuration in force, while a digest is wanted: it takes a kilobyte or two a probe.
pub(super) type Kept = Option<Arc<Config>>;

/// What is to be kept of a configuration.
pub(super) fn keep(config: &Arc<Config>) -> Kept {
    config.digest.is_some().then(|| Arc::clone(config))
}

/// All that it takes to write one.
#[derive(Clone)]
pub(super) struct Digests {
    pub config: watch::Receiver<Kept>,
    pub instance: String,
    pub clock: Clock,
    pub inbox: Inbox,
}

impl Digests {
    /// When one is due, if any is wanted.
    pub fn cron(&self) -> Option<String> {
        let config = self.config.borrow();
        Some(config.as_ref()?.digest.as_ref()?.cron.clone())
    }

    /// Writes the one that is due now. May take seconds: it reads the sums of the whole time.
    pub fn write(&self) {
        let Some(config) = self.config.borrow().clone() else {
            return;
        };
        let Some(wanted) = &config.digest else { return };
        match self.letters(&config, wanted) {
            Ok(letters) => {
                info!("a digest was written to {} people", letters.len());
                self.inbox.tell(Input::Letters(letters));
            }
            Err(e) => error!("no digest this time: {e}"),
        }
    }

    fn letters(
        &self,
        config: &Config,
        wanted: &Digest,
    ) -> Result<Vec<crate::model::notification::Letter>, String> {
        let reader = Reader::open(&config.data_dir).map_err(|e| e.to_string())?;
        let now = self.clock.now();
        let told = digest::of(&reader, config, wanted.every, now).map_err(|e| e.to_string())?;
        let composer = plan::composer(config, &self.instance)?;
        let told = told.iter();
        let letters = told.flat_map(|told| {
            let people = wanted.email.iter();
            people.map(|to| composer.digest(told, to))
        });
        Ok(letters.collect())
    }
}
