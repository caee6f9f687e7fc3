//! The daemon's own cron jobs: summing up and pruning each hour, a backup each day, a digest when one is wanted.
//!
//! They run in UTC on a scheduler of their own and only drop a note into the engine's inbox: a job cannot overlap
//! itself, and a burst of them does no harm.

use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};
use tracing::warn;

use super::digest::Digests;
use crate::engine::{Chore, Inbox, Input};

/// Room for notices of the scheduler: it drops them, and with them jobs, when there are more than this at once.
const CHANNEL: usize = 1_024;
/// A quarter past each hour: the hour before is complete by then.
const HOURLY: &str = "0 15 * * * *";

/// Whether a digest is due is asked so often: its hours are those of a place, which the scheduler does not know.
const EACH_MINUTE: &str = "0 * * * * *";

/// Starts the jobs. They stop when the scheduler that is returned is dropped with the runtime.
pub(super) async fn start(
    inbox: &Inbox,
    backup: &str,
    digests: &Digests,
) -> Result<JobScheduler, JobSchedulerError> {
    let scheduler = JobScheduler::new_with_channel_size(CHANNEL).await?;
    for (cron, chore) in [(HOURLY, Chore::Tidy), (backup, Chore::Backup)] {
        let inbox = inbox.clone();
        let job = Job::new(cron, move |_, _| inbox.tell(Input::Chore(chore)))?;
        scheduler.add(job).await?;
    }
    let digests = digests.clone();
    let job = Job::new(EACH_MINUTE, move |_, _| {
        if let Some(time) = digests.due() {
            let digests = digests.clone();
            // Reading the sums of a week takes longer than a probe may wait.
            tokio::task::spawn_blocking(move || digests.write(time));
        }
    })?;
    scheduler.add(job).await?;
    scheduler.start().await?;
    Ok(scheduler)
}

/// Stops the jobs.
pub(super) async fn stop(mut scheduler: JobScheduler) {
    if let Err(e) = scheduler.shutdown().await {
        warn!("the housekeeping did not stop cleanly: {e}");
    }
}
