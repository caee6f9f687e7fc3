//! The thread that delivers mail.

use std::sync::Arc;

use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::runtime;
use crate::clock::Clock;
use crate::config::Config;
use crate::engine::{Inbox, Input};
use crate::model::Timestamp;
use crate::model::notification::{DeliveryReport, Pending};
use crate::notify::worker::{self, Outbox};
use crate::notify::{Channel, Transport};
use crate::store::Reader;

/// Reports of the sender that may wait for the engine.
const REPORTS: usize = 64;

/// How letters leave.
pub(super) fn transport(config: &Config) -> Transport {
    match &config.smtp {
        Some(smtp) => Transport::Smtp(smtp.clone()),
        None => Transport::Files(config.data_dir.join("mail")),
    }
}

/// Delivers what is in the outbox until `stop`.
pub(super) fn run(
    reader: Reader,
    channel: Arc<dyn Channel>,
    inbox: &Inbox,
    wake: Arc<Notify>,
    clock: Clock,
    stop: CancellationToken,
) {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(e) => return error!("no mail can be sent: {e}"),
    };
    runtime.block_on(async {
        let (reports, mut receiver) = mpsc::channel::<DeliveryReport>(REPORTS);
        let pass_on = async {
            while let Some(report) = receiver.recv().await {
                inbox.tell(Input::Report(report));
            }
        };
        let work = worker::run(Letters(reader), channel, reports, wake, clock, stop);
        tokio::join!(work, pass_on);
    });
}

/// The outbox, as the sender sees it.
struct Letters(Reader);

impl Outbox for Letters {
    fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Pending>, String> {
        self.0.due(now, limit).map_err(|e| e.to_string())
    }

    fn next_due(&self) -> Result<Option<Timestamp>, String> {
        self.0.next_due().map_err(|e| e.to_string())
    }
}
