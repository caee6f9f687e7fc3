//! The digest: read and composed on a thread of its own, and laid into the outbox by the engine.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use tracing::{error, info};

use super::plan;
use crate::clock::Clock;
use crate::config::{Config, Digest};
use crate::engine::{Inbox, Input};
use crate::model::Timestamp;
use crate::model::digest::Watch;
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
    watch: Arc<Mutex<Watch>>,
}

impl Digests {
    /// None is written of what is over already.
    pub fn new(
        config: watch::Receiver<Kept>,
        instance: String,
        clock: Clock,
        inbox: Inbox,
    ) -> Self {
        let watch = Arc::new(Mutex::new(Watch::from(clock.now())));
        Self {
            config,
            instance,
            clock,
            inbox,
            watch,
        }
    }

    /// The time of the one that is due now, if any is.
    pub fn due(&self) -> Option<(Timestamp, Timestamp)> {
        let config = self.config.borrow();
        let wanted = config.as_ref()?.digest.as_ref()?;
        // A panic elsewhere cannot leave it half changed: it is one moment.
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        watch.due(&wanted.cron, self.clock.now())
    }

    /// Writes the one of this time. May take seconds: it reads all its sums.
    pub fn write(&self, time: (Timestamp, Timestamp)) {
        let Some(config) = self.config.borrow().clone() else {
            return;
        };
        let Some(wanted) = &config.digest else { return };
        match self.letters(&config, wanted, time) {
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
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<crate::model::notification::Letter>, String> {
        let reader = Reader::open(&config.data_dir).map_err(|e| e.to_string())?;
        let told = digest::of(&reader, config, from, to, wanted.cron.zone());
        let told = told.map_err(|e| e.to_string())?;
        let composer = plan::composer(config, &self.instance)?;
        let told = told.iter();
        let letters = told.flat_map(|told| {
            let people = wanted.email.iter();
            people.map(|to| composer.digest(told, to))
        });
        Ok(letters.collect())
    }
}
