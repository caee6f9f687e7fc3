//! The thread that delivers: mail, and what webhooks are sent.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::join_all;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::runtime;
use crate::clock::Clock;
use crate::config::Config;
use crate::engine::{Inbox, Input};
use crate::model::Timestamp;
use crate::model::notification::{DeliveryReport, Pending};
use crate::model::post::Lane;
use crate::notify::webhook::Nowhere;
use crate::notify::worker::{self, Outbox};
use crate::notify::{Channel, Direct, Transport, Webhook};
use crate::store::{Reader, StoreError};

/// Reports of the sender that may wait for the engine.
const REPORTS: usize = 64;

/// One way out, with what goes by it.
pub(super) struct Way {
    lane: Lane,
    channel: Arc<dyn Channel>,
    pub wake: Arc<Notify>,
    reader: Reader,
}

/// All ways out of a configuration. Errs in words for the operator.
pub(super) fn ways(config: &Config, clock: &Clock) -> Result<Vec<Way>, String> {
    let mail = match &config.smtp {
        Some(smtp) => Transport::Smtp(smtp.clone()),
        None => Transport::Files(config.data_dir.join("mail")),
    };
    let mut lanes: Vec<(Lane, Arc<dyn Channel>)> = vec![(Lane::Mail, mail.open()?)];
    for webhook in &config.webhooks {
        let lane = Lane::Webhook(webhook.recipient());
        let channel = Webhook::new(webhook, clock.clone(), &config.roots)?;
        lanes.push((lane, Arc::new(channel)));
    }
    let known = config.webhooks.iter().map(|w| w.recipient());
    lanes.push((Lane::Others(known.collect()), Arc::new(Nowhere)));
    let way = |(lane, channel)| {
        let reader = Reader::open(&config.data_dir).map_err(|e| e.to_string())?;
        Ok(Way {
            lane,
            channel,
            wake: Arc::new(Notify::new()),
            reader,
        })
    };
    lanes.into_iter().map(way).collect()
}

impl Way {
    /// Where it leads, for the log; `None` for what is no way that was configured.
    pub fn describe(&self) -> Option<String> {
        match &self.lane {
            Lane::Mail => Some(format!("mails go to {}", self.channel.describe())),
            Lane::Webhook(who) => Some(format!("{who} is {}", self.channel.describe())),
            Lane::Others(_) => None,
        }
    }
}

/// Delivers what is in the outbox until `stop`, and what stands in none; each way by itself, so that none waits for another.
pub(super) fn run(
    ways: Vec<Way>,
    data_dir: &Path,
    direct: &Direct,
    inbox: &Inbox,
    clock: &Clock,
    stop: &CancellationToken,
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
        let (direct_reports, mut direct_receiver) = mpsc::channel::<DeliveryReport>(REPORTS);
        let record = async {
            while let Some(report) = direct_receiver.recv().await {
                direct.record(&report);
            }
        };
        let work = |way: Way| {
            let (unrecorded, channel) = (direct.lane(way.lane.clone()), way.channel.clone());
            let letters = Letters {
                data_dir: data_dir.to_owned(),
                outbox: RefCell::new(way.reader),
                lane: way.lane,
                inbox: inbox.clone(),
                told: Cell::new(false),
            };
            let to = (reports.clone(), direct_reports.clone());
            let (clock, stop) = (clock.clone(), stop.clone());
            async move {
                // A letter in memory is looked for each second; a wake-up is meant for the outbox.
                let never = Arc::new(Notify::new());
                tokio::join!(
                    worker::run(
                        letters,
                        way.channel,
                        to.0,
                        way.wake,
                        clock.clone(),
                        stop.clone()
                    ),
                    worker::run(unrecorded, channel, to.1, never, clock, stop),
                );
            }
        };
        let work = join_all(ways.into_iter().map(work));
        let all = async {
            work.await;
            drop((reports, direct_reports));
        };
        tokio::join!(all, pass_on, record);
        if direct.waiting() > 0 {
            warn!(
                "{} mails that stand in no outbox were not sent",
                direct.waiting()
            );
        }
    });
}

/// What of the outbox goes one way, as the sender sees it.
struct Letters {
    data_dir: PathBuf,
    outbox: RefCell<Reader>,
    lane: Lane,
    inbox: Inbox,
    /// The engine knows that the database is damaged.
    told: Cell<bool>,
}

impl Letters {
    /// Reads the outbox: that of the data directory, also after a damaged one was moved aside.
    fn read<T>(&self, of: impl FnOnce(&Reader) -> Result<T, StoreError>) -> Result<T, String> {
        let mut outbox = self.outbox.borrow_mut();
        if !outbox.is_of(&self.data_dir) {
            *outbox = Reader::open(&self.data_dir).map_err(|e| e.to_string())?;
        }
        let found = of(&outbox);
        match &found {
            // Who writes may not meet the damage for long: what it needs is in its memory.
            Err(StoreError::Corrupt(_)) if !self.told.replace(true) => {
                self.inbox.tell(Input::Damaged);
            }
            Err(_) => {}
            Ok(_) => self.told.set(false),
        }
        found.map_err(|e| e.to_string())
    }
}

impl Outbox for Letters {
    fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Pending>, String> {
        self.read(|outbox| outbox.due_in(&self.lane, now, limit))
    }

    fn next_due(&self) -> Result<Option<Timestamp>, String> {
        self.read(|outbox| outbox.next_due_in(&self.lane))
    }
}
