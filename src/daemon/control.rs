//! Has the control URLs asked when the engine wants to know, on the runtime that probes.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tracing::warn;

use crate::clock::Clock;
use crate::config::Config;
use crate::engine::{Inbox, Input};
use crate::probe::{ClientError, Controls};

/// The control URLs in force.
type InForce = Option<Arc<Controls>>;

/// Replaces the control URLs.
pub(super) type Replace = watch::Sender<InForce>;

/// What the engine's observer asks through.
pub(super) struct Asker {
    in_force: watch::Receiver<InForce>,
    wanted: mpsc::UnboundedSender<()>,
}

impl Asker {
    /// Whether there are any.
    pub fn has_any(&self) -> bool {
        self.in_force.borrow().is_some()
    }

    /// Has them asked; the answer comes to the engine's inbox.
    pub fn ask(&self) {
        // Fails only when the daemon ends.
        let _ = self.wanted.send(());
    }
}

/// The control URLs of a configuration.
pub(super) fn of(config: &Config, clock: &Clock) -> Result<InForce, ClientError> {
    let controls = Controls::new(clock.clone(), &config.roots, &config.control)?;
    Ok(controls.map(Arc::new))
}

/// Starts the task that asks; it ends with the asker.
pub(super) fn start(first: InForce, inbox: Inbox) -> (Asker, Replace) {
    let (replace, in_force) = watch::channel(first);
    let (wanted, mut receiver) = mpsc::unbounded_channel();
    let now_in_force = in_force.clone();
    tokio::spawn(async move {
        let mut silent = false;
        while receiver.recv().await.is_some() {
            let controls = now_in_force.borrow().clone();
            let Some(controls) = controls else { continue };
            let tally = controls.ask().await;
            // When all of them are silent it is us, and the engine says so.
            let some = tally.answered > 0 && tally.answered < tally.of;
            if some && !silent {
                warn!(
                    "{} of {} control URLs do not answer",
                    tally.of - tally.answered,
                    tally.of
                );
            }
            silent = some;
            inbox.tell(Input::Controls(tally));
        }
    });
    (Asker { in_force, wanted }, replace)
}
