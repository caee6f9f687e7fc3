//! The sole sender: takes what is due out of the outbox, tries it, and says what came of it.
//!
//! It writes nothing itself. A report goes to the engine, and a letter is not touched again before the outbox shows
//! that its report was recorded: otherwise a slow disk would turn one alert into many. Within one incident and
//! recipient the outbox offers only the first unfinished letter, so a recovery never overtakes its alarm. A server that
//! cannot be reached is knocked at by one letter at a time: see [`super::gate`].

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::gate::Gate;
use super::{Acceptance, Answer, Channel, backoff};
use crate::clock::Clock;
use crate::model::notification::{DeliveryReport, DeliveryResult, Pending};
use crate::model::{IncidentId, Timestamp};

/// Attempts at the same time: enough that one mute server does not hold up the others, few enough for any server.
const AT_ONCE: usize = 4;
/// Rows looked at in one go; more than [`AT_ONCE`] and [`UNRECORDED`] together, so that fresh rows are always seen.
const LOOK: usize = 64;
/// Reports that may wait to be recorded before no new attempt begins: each may become a duplicate after a crash.
const UNRECORDED: usize = 32;
/// Longest pause between two looks (real time): a lost wake-up costs no more.
const POLL: Duration = Duration::from_secs(1);
/// Pause (real time) while something is due but under way or not yet recorded.
const BUSY: Duration = Duration::from_millis(100);
/// How long attempts may go on after the stop (real time): a server that answers does so by then, and systemd's and
/// Docker's patience with a daemon (30 s, 10 s) is longer. What is cut off is sent again after the next start.
const GRACE: Duration = Duration::from_secs(4);

/// The letters that wait, as the worker sees them.
pub trait Outbox: Send {
    /// Unfinished letters due at `now`, in order of `id`, at most `limit`; of each incident and recipient only the first.
    /// A recorded report must show in `attempts`.
    fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Pending>, String>;

    /// When the next letter is due, past or future; `None` when nothing waits.
    fn next_due(&self) -> Result<Option<Timestamp>, String>;
}

/// Sends until stopped; then lets running attempts end, at most 20 s.
///
/// Looks whenever `wake` is notified (new letters, recorded reports), when a letter comes due, and once a second.
/// Returns early only when nobody receives the reports any more.
pub async fn run(
    outbox: impl Outbox,
    channel: Arc<dyn Channel>,
    reports: mpsc::Sender<DeliveryReport>,
    wake: Arc<Notify>,
    clock: Clock,
    stop: CancellationToken,
) {
    let mut claims = Claims::default();
    let mut gate = Gate::default();
    let mut running = FuturesUnordered::new();
    let mut readable = true;
    loop {
        let pause = match look(&outbox, &mut claims, &gate, &clock) {
            Ok((letters, pause)) => {
                readable = true;
                for letter in letters {
                    running.push(attempt(letter, &*channel, &reports, &clock));
                }
                pause
            }
            Err(error) => {
                if std::mem::replace(&mut readable, false) {
                    warn!(%error, "the outbox cannot be read, trying on: {error}");
                }
                POLL
            }
        };
        tokio::select! {
            () = stop.cancelled() => break,
            Some(done) = running.next(), if !running.is_empty() => match done {
                Some(Ended { id, reached }) => {
                    claims.reported(id);
                    gate.learn(reached, clock.elapsed(), fastrand::f64());
                }
                None => return,
            },
            () = wake.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    let left = tokio::time::timeout(GRACE, async { while running.next().await.is_some() {} }).await;
    if left.is_err() {
        warn!(
            "stopped with {} mails under way; they are sent again after the start",
            running.len()
        );
    }
}

/// What to try now, and how long to wait for more.
fn look(
    outbox: &impl Outbox,
    claims: &mut Claims,
    gate: &Gate,
    clock: &Clock,
) -> Result<(Vec<Pending>, Duration), String> {
    let (now, elapsed) = (clock.now(), clock.elapsed());
    let fresh = claims.take(outbox.due(now, LOOK)?, |under_way| {
        gate.lets_in(elapsed, under_way)
    });
    let pause = match outbox.next_due()? {
        None => POLL,
        Some(at) if at <= now => match gate.pause(elapsed) {
            // Nothing can begin before, whatever comes.
            Some(pause) => clock.real(pause).max(BUSY),
            None => BUSY,
        },
        Some(at) => clock.real(at.since(now)).min(POLL),
    };
    Ok((fresh, pause))
}

/// An attempt that has ended and was reported.
struct Ended {
    id: i64,
    /// See [`Answer::reached`].
    reached: bool,
}

/// One attempt and its report. `None` when nobody takes reports any more.
async fn attempt(
    letter: Pending,
    channel: &dyn Channel,
    reports: &mpsc::Sender<DeliveryReport>,
    clock: &Clock,
) -> Option<Ended> {
    let answer = channel.deliver(&letter).await;
    let reached = answer.reached();
    let report = report(&letter, answer, clock.now(), fastrand::f64());
    let (id, result) = (letter.id, report.result);
    match result {
        DeliveryResult::Sent => debug!(
            letter = id,
            "mail {} was accepted", letter.letter.message_id
        ),
        DeliveryResult::Dead => {
            warn!(letter = id, reply = %report.reply, "mail {} will not be tried again", letter.letter.message_id)
        }
        DeliveryResult::Deferred(at) | DeliveryResult::Ambiguous(at) => {
            info!(letter = id, reply = %report.reply, "mail {} is tried again at {at}", letter.letter.message_id);
        }
    }
    let sent = reports.send(report).await;
    sent.ok().map(|()| Ended { id, reached })
}

/// What an answer means for the outbox.
fn report(letter: &Pending, answer: Answer, now: Timestamp, chance: f64) -> DeliveryReport {
    let again = || {
        backoff::next(
            letter.created_at,
            now,
            letter.attempts.saturating_add(1),
            chance,
        )
    };
    let result = match answer.acceptance {
        Acceptance::Accepted => DeliveryResult::Sent,
        Acceptance::Refused => DeliveryResult::Dead,
        Acceptance::Later => again().map_or(DeliveryResult::Dead, DeliveryResult::Deferred),
        Acceptance::Unsure => again().map_or(DeliveryResult::Dead, DeliveryResult::Ambiguous),
    };
    DeliveryReport {
        id: letter.id,
        at: now,
        result,
        reached: answer.reached(),
        reply: answer.reply,
    }
}

/// Which letters are taken, and which of those are reported but perhaps not recorded yet.
#[derive(Debug, Default)]
struct Claims(HashMap<i64, Claim>);

#[derive(Debug)]
struct Claim {
    /// The row's count when it was taken: a row that shows another has been recorded since.
    attempts: u32,
    reported: bool,
    /// Letters of one incident to one recipient go one after the other.
    chain: Option<(IncidentId, String)>,
}

impl Claims {
    /// Takes those that may be tried now. `due` is all that is due, or the first [`LOOK`] of it, in order of `id`;
    /// `lets_in` says whether one more may begin when so many are under way.
    fn take(&mut self, due: Vec<Pending>, lets_in: impl Fn(usize) -> bool) -> Vec<Pending> {
        // A full list tells nothing of the letters behind its last one.
        let seen_to = match due.last() {
            Some(last) if due.len() >= LOOK => last.id,
            _ => i64::MAX,
        };
        // Reported and not due any more: recorded as finished or deferred.
        let listed: HashSet<i64> = due.iter().map(|p| p.id).collect();
        self.0
            .retain(|id, c| !c.reported || *id > seen_to || listed.contains(id));
        let mut fresh = Vec::new();
        for letter in due {
            if let Some(claim) = self.0.get(&letter.id)
                && !(claim.reported && claim.attempts != letter.attempts)
            {
                continue;
            }
            let chain = letter
                .incident
                .map(|incident| (incident, letter.letter.recipient.clone()));
            // An earlier letter of the chain may be under way although the outbox has finished with it otherwise.
            let before = |c: &Claim| !c.reported && c.chain.is_some() && c.chain == chain;
            if self.0.values().any(before) {
                continue;
            }
            self.0.remove(&letter.id);
            let under_way = self.0.values().filter(|c| !c.reported).count();
            // Those behind the list cannot be seen to be recorded, and must not hold it up.
            let unrecorded = |(id, c): &(&i64, &Claim)| c.reported && **id <= seen_to;
            let unrecorded = self.0.iter().filter(unrecorded).count();
            if under_way >= AT_ONCE || unrecorded >= UNRECORDED || !lets_in(under_way) {
                break;
            }
            let attempts = letter.attempts;
            self.0.insert(
                letter.id,
                Claim {
                    attempts,
                    reported: false,
                    chain,
                },
            );
            fresh.push(letter);
        }
        fresh
    }

    fn reported(&mut self, id: i64) {
        if let Some(claim) = self.0.get_mut(&id) {
            claim.reported = true;
        }
    }
}
