//! `run --once`: every probe once, committed and delivered.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::{info, warn};

use super::DaemonError;
use super::stage::{Stage, close};
use crate::model::{Origin, Outcome};
use crate::schedule::Job;
use crate::store::Reader;

/// Mails that were committed get this long to be delivered.
const DELIVER: Duration = Duration::from_secs(30);
/// How often the outbox is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(100);

/// What a single round came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OnceSummary {
    /// Probes that ran.
    pub probes: usize,
    /// Those that failed.
    pub failed: usize,
    /// Mails that could not be delivered yet.
    pub undelivered: usize,
}

impl fmt::Display for OnceSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} probes, {} failed", self.probes, self.failed)?;
        if self.undelivered > 0 {
            write!(f, ", {} mails wait in the outbox", self.undelivered)?;
        }
        Ok(())
    }
}

impl Stage {
    pub(super) async fn play_once(self) -> Result<OnceSummary, DaemonError> {
        let places = Arc::new(Semaphore::new(self.limits.total.max(1)));
        let failed = Arc::new(AtomicUsize::new(0));
        let probes = self.slots.len();
        let mut runs = JoinSet::new();
        for slot in self.slots {
            let (places, failed, inbox) = (places.clone(), failed.clone(), self.inbox.clone());
            runs.spawn(async move {
                let _place = places.acquire_owned().await;
                let run = slot.job.run().await;
                info!("{}: {}", slot.name, run.outcome.name());
                if matches!(run.outcome, Outcome::Failure(..)) {
                    failed.fetch_add(1, Ordering::Relaxed);
                }
                inbox.sample(run.into_sample(slot.probe, Origin::Scheduled));
            });
        }
        while let Some(done) = runs.join_next().await {
            if let Err(e) = done {
                warn!("a probe's task ended without a result: {e}");
            }
        }
        // Letters are written with the samples that led to them, so these come first.
        let until = tokio::time::Instant::now() + DELIVER;
        let committed = || self.engine_counters.committed.load(Ordering::Relaxed);
        while committed() < probes as u64 && tokio::time::Instant::now() < until {
            tokio::time::sleep(LOOK).await;
        }
        let undelivered = drain(&Reader::open(&self.data_dir)?).await;
        close(
            &self.inbox,
            self.engine,
            &self.stop_sender,
            self.sender,
            self.runner,
        );
        Ok(OnceSummary {
            probes,
            failed: failed.load(Ordering::Relaxed),
            undelivered,
        })
    }
}

/// Waits for the outbox to become empty; returns what is left in it.
async fn drain(reader: &Reader) -> usize {
    let until = tokio::time::Instant::now() + DELIVER;
    loop {
        tokio::time::sleep(LOOK).await;
        let pending = reader.outbox_summary().map_or(0, |s| s.pending);
        if pending == 0 || tokio::time::Instant::now() > until {
            return pending;
        }
    }
}
