//! The sender against an outbox and a channel of paper, on paused time.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use watchfire::clock::Clock;
use watchfire::model::notification::{DeliveryReport, DeliveryResult, Letter, Pending};
use watchfire::model::{EventKind, IncidentId, Timestamp};
use watchfire::notify::worker::{self, Outbox};
use watchfire::notify::{Acceptance, Answer, Channel, Delivering, Step};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// A letter of the outbox, as the database keeps it.
struct Row {
    pending: Pending,
    next_at: Timestamp,
    results: Vec<DeliveryResult>,
}

impl Row {
    fn unfinished(&self) -> bool {
        !matches!(
            self.results.last(),
            Some(DeliveryResult::Sent | DeliveryResult::Dead)
        )
    }
}

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Pages>>);

#[derive(Default)]
struct Pages {
    rows: Vec<Row>,
    /// The next so many looks fail.
    unreadable: u32,
}

impl Paper {
    fn add(&self, clock: &Clock, incident: u64, event: EventKind, recipient: &str) -> i64 {
        let rows = &mut self.0.lock().unwrap().rows;
        let id = i64::try_from(rows.len()).unwrap() + 1;
        rows.push(Row {
            pending: Pending {
                id,
                incident: Some(IncidentId(incident)),
                event: Some(event),
                letter: Letter {
                    recipient: recipient.to_owned(),
                    message_id: format!("<{id}@test>"),
                    bytes: format!("letter {id}\r\n").into_bytes(),
                },
                attempts: 0,
                created_at: clock.now(),
            },
            next_at: clock.now(),
            results: Vec::new(),
        });
        id
    }

    fn record(&self, report: &DeliveryReport) {
        let mut pages = self.0.lock().unwrap();
        let row = &mut pages.rows[usize::try_from(report.id - 1).unwrap()];
        row.pending.attempts += 1;
        if let DeliveryResult::Deferred(at) | DeliveryResult::Ambiguous(at) = report.result {
            row.next_at = at;
        }
        row.results.push(report.result);
    }

    fn results(&self, id: i64) -> Vec<DeliveryResult> {
        let pages = self.0.lock().unwrap();
        pages.rows[usize::try_from(id - 1).unwrap()].results.clone()
    }

    /// Of each incident and recipient the first unfinished letter.
    fn offered<T>(&self, answer: impl FnOnce(&[&Row]) -> T) -> T {
        let pages = self.0.lock().unwrap();
        let mut begun = HashSet::new();
        let mut first = Vec::new();
        for row in pages.rows.iter().filter(|r| r.unfinished()) {
            let letter = &row.pending;
            if begun.insert((letter.incident, letter.letter.recipient.as_str())) {
                first.push(row);
            }
        }
        answer(&first)
    }
}

impl Outbox for Paper {
    fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Pending>, String> {
        {
            let mut pages = self.0.lock().unwrap();
            if pages.unreadable > 0 {
                pages.unreadable -= 1;
                return Err("disk I/O error".to_owned());
            }
        }
        Ok(self.offered(|rows| {
            let due = rows.iter().filter(|row| row.next_at <= now).take(limit);
            due.map(|row| row.pending.clone()).collect()
        }))
    }

    fn next_due(&self) -> Result<Option<Timestamp>, String> {
        Ok(self.offered(|rows| rows.iter().map(|row| row.next_at).min()))
    }
}

/// One attempt, as the other side saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    at: Timestamp,
    id: i64,
    bytes: Vec<u8>,
}

type Script = Box<dyn Fn(&Pending, Timestamp) -> (Duration, Acceptance) + Send + Sync>;

struct Scripted {
    script: Script,
    clock: Clock,
    seen: Arc<Mutex<Vec<Seen>>>,
    /// Attempts under way now, and the most there ever were.
    load: Arc<Mutex<(usize, usize)>>,
}

impl Channel for Scripted {
    fn deliver<'a>(&'a self, pending: &'a Pending) -> Delivering<'a> {
        Box::pin(async move {
            let at = self.clock.now();
            self.seen.lock().unwrap().push(Seen {
                at,
                id: pending.id,
                bytes: pending.letter.bytes.clone(),
            });
            {
                let mut load = self.load.lock().unwrap();
                load.0 += 1;
                load.1 = load.1.max(load.0);
            }
            let (takes, acceptance) = (self.script)(pending, at);
            tokio::time::sleep(takes).await;
            self.load.lock().unwrap().0 -= 1;
            Answer::new(acceptance, Step::Message, None, "so says the test")
        })
    }

    fn describe(&self) -> String {
        "paper".to_owned()
    }
}

/// A sender at work, and an engine that writes down what it reports.
struct Desk {
    clock: Clock,
    paper: Paper,
    seen: Arc<Mutex<Vec<Seen>>>,
    load: Arc<Mutex<(usize, usize)>>,
    wake: Arc<Notify>,
    stop: CancellationToken,
    sender: JoinHandle<()>,
}

impl Desk {
    /// `disk` is how long the engine takes to record a report.
    fn set(
        disk: Duration,
        fill: impl FnOnce(&Paper, &Clock),
        script: impl Fn(&Pending, Timestamp) -> (Duration, Acceptance) + Send + Sync + 'static,
    ) -> Self {
        let start = Timestamp::parse("2026-11-08T03:00:00Z").unwrap();
        let clock = Clock::sped(start, 1.0);
        let paper = Paper::default();
        fill(&paper, &clock);
        let (seen, load) = (Arc::default(), Arc::default());
        let channel = Scripted {
            script: Box::new(script),
            clock: clock.clone(),
            seen: Arc::clone(&seen),
            load: Arc::clone(&load),
        };
        let (reports, mut reported) = mpsc::channel::<DeliveryReport>(64);
        let (wake, stop) = (Arc::new(Notify::new()), CancellationToken::new());
        let work = worker::run(
            paper.clone(),
            Arc::new(channel),
            reports,
            Arc::clone(&wake),
            clock.clone(),
            stop.clone(),
        );
        let sender = tokio::spawn(work);
        let (engine, woken) = (paper.clone(), Arc::clone(&wake));
        tokio::spawn(async move {
            while let Some(report) = reported.recv().await {
                tokio::time::sleep(disk).await;
                engine.record(&report);
                woken.notify_one();
            }
        });
        Self {
            clock,
            paper,
            seen,
            load,
            wake,
            stop,
            sender,
        }
    }

    /// Lets so much time pass.
    async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    fn ids(&self) -> Vec<i64> {
        self.seen.lock().unwrap().iter().map(|s| s.id).collect()
    }

    /// When each attempt of a letter began.
    fn times(&self, id: i64) -> Vec<Timestamp> {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|s| s.id == id).map(|s| s.at).collect()
    }

    fn is_sent(&self, id: i64) -> bool {
        self.paper.results(id).last() == Some(&DeliveryResult::Sent)
    }
}

const AT_ONCE: Duration = Duration::from_millis(20);

#[tokio::test(start_paused = true)]
async fn a_recovery_waits_until_its_alarm_is_out_and_holds_up_nobody_else() {
    let fill = |paper: &Paper, clock: &Clock| {
        paper.add(clock, 1, EventKind::Open, "slow@example.com");
        paper.add(clock, 1, EventKind::Open, "quick@example.com");
        paper.add(clock, 1, EventKind::Close, "slow@example.com");
        paper.add(clock, 1, EventKind::Close, "quick@example.com");
        paper.add(clock, 2, EventKind::Open, "slow@example.com");
    };
    let desk = Desk::set(AT_ONCE, fill, |letter, _| {
        let greylisted = letter.id == 1 && letter.attempts < 3;
        let answer = if greylisted {
            Acceptance::Later
        } else {
            Acceptance::Accepted
        };
        (AT_ONCE, answer)
    });
    desk.pass(Duration::from_secs(3)).await;
    assert_eq!(
        [1, 2, 3, 4, 5].map(|id| desk.is_sent(id)),
        [false, true, false, true, true]
    );
    assert!(
        desk.times(3).is_empty(),
        "the recovery was tried before its alarm was out"
    );
    desk.pass(MINUTE).await;
    assert!(desk.is_sent(1) && desk.is_sent(3));
    assert!(desk.times(3)[0] > *desk.times(1).last().unwrap());
}

#[tokio::test(start_paused = true)]
async fn one_dead_recipient_of_three_does_not_hold_the_others() {
    let fill = |paper: &Paper, clock: &Clock| {
        for event in [EventKind::Open, EventKind::Close] {
            for to in ["a@example.com", "gone@example.com", "c@example.com"] {
                paper.add(clock, 1, event, to);
            }
        }
    };
    let desk = Desk::set(AT_ONCE, fill, |letter, _| {
        let gone = letter.letter.recipient == "gone@example.com";
        let answer = if gone {
            Acceptance::Refused
        } else {
            Acceptance::Accepted
        };
        (AT_ONCE, answer)
    });
    desk.pass(Duration::from_secs(2)).await;
    assert_eq!(
        [1, 3, 4, 6].map(|id| desk.is_sent(id)),
        [true; 4],
        "{:?}",
        desk.ids()
    );
    assert_eq!(desk.paper.results(2), [DeliveryResult::Dead]);
    desk.pass(HOUR).await;
    assert_eq!(
        desk.times(2).len(),
        1,
        "a refused letter is not tried again"
    );
}

#[tokio::test(start_paused = true)]
async fn a_letter_that_nobody_takes_is_tried_ever_more_slowly_until_it_is_five_days_old() {
    let fill = |paper: &Paper, clock: &Clock| {
        paper.add(clock, 1, EventKind::Open, "a@example.com");
        let row = &mut paper.0.lock().unwrap().rows[0].pending;
        row.created_at = clock.now() - (5 * DAY - 3 * HOUR);
    };
    let desk = Desk::set(AT_ONCE, fill, |_, _| (AT_ONCE, Acceptance::Later));
    desk.pass(3 * HOUR - MINUTE).await;
    let results = desk.paper.results(1);
    let waits = |r: &DeliveryResult| matches!(r, DeliveryResult::Deferred(_));
    assert!(results.iter().all(waits), "given up before five days");
    let times = desk.times(1);
    let gaps: Vec<Duration> = times.windows(2).map(|w| w[1].since(w[0])).collect();
    for (n, full) in [5, 10, 20, 40, 80, 160].into_iter().enumerate() {
        // The attempt, the disk and the sender's own rounds take their part.
        let least = Duration::from_secs(full).mul_f64(0.75);
        let most = Duration::from_secs(full + 2);
        assert!((least..most).contains(&gaps[n]), "{n}: {:?}", gaps[n]);
    }
    let later = &gaps[6..];
    let range = Duration::from_secs(225)..Duration::from_secs(302);
    assert!(later.iter().all(|gap| range.contains(gap)));
    let distinct: BTreeSet<u64> = later.iter().map(Duration::as_secs).collect();
    assert!(distinct.len() > 10, "no jitter: {distinct:?}");
    desk.pass(10 * MINUTE).await;
    assert_eq!(desk.paper.results(1).last(), Some(&DeliveryResult::Dead));
    let attempts = desk.ids().len();
    desk.pass(HOUR).await;
    assert_eq!(desk.ids().len(), attempts);
}

#[tokio::test(start_paused = true)]
async fn what_was_perhaps_accepted_is_sent_again_with_the_same_bytes() {
    let fill = |paper: &Paper, clock: &Clock| {
        paper.add(clock, 1, EventKind::Open, "a@example.com");
    };
    let desk = Desk::set(AT_ONCE, fill, |letter, _| {
        let answer = if letter.attempts < 2 {
            Acceptance::Unsure
        } else {
            Acceptance::Accepted
        };
        (AT_ONCE, answer)
    });
    desk.pass(MINUTE).await;
    let results = desk.paper.results(1);
    assert!(
        matches!(
            results[..],
            [
                DeliveryResult::Ambiguous(_),
                DeliveryResult::Ambiguous(_),
                DeliveryResult::Sent
            ]
        ),
        "{results:?}"
    );
    let seen = desk.seen.lock().unwrap().clone();
    assert!(seen.iter().all(|s| s.bytes == b"letter 1\r\n"), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn a_backlog_longer_than_one_look_drains_whole_and_never_all_at_once() {
    let fill = |paper: &Paper, clock: &Clock| {
        for incident in 1..=500 {
            paper.add(clock, incident, EventKind::Open, "a@example.com");
        }
    };
    let desk = Desk::set(AT_ONCE, fill, |_, _| (AT_ONCE, Acceptance::Accepted));
    desk.pass(5 * MINUTE).await;
    let unsent: Vec<i64> = (1..=500).filter(|id| !desk.is_sent(*id)).collect();
    assert!(
        unsent.is_empty(),
        "{} letters are stuck, the first is {}",
        unsent.len(),
        unsent[0]
    );
    assert_eq!(desk.ids().len(), 500, "a letter was sent twice");
    assert_eq!(desk.load.lock().unwrap().1, 4);
}

#[tokio::test(start_paused = true)]
async fn after_hours_without_a_server_all_is_out_within_minutes_and_in_order() {
    let fill = |paper: &Paper, clock: &Clock| {
        for event in [EventKind::Open, EventKind::Close] {
            for incident in 1..=40 {
                paper.add(clock, incident, event, "a@example.com");
            }
        }
    };
    let desk = Desk::set(AT_ONCE, fill, |_, at| {
        let back = Timestamp::parse("2026-11-08T05:00:00Z").unwrap();
        let answer = if at < back {
            Acceptance::Later
        } else {
            Acceptance::Accepted
        };
        (AT_ONCE, answer)
    });
    desk.pass(2 * HOUR).await;
    assert!((1..=80).all(|id| !desk.is_sent(id)));
    desk.pass(6 * MINUTE).await;
    assert!((1..=80).all(|id| desk.is_sent(id)), "not all is out");
    let mut last: BTreeMap<i64, Timestamp> = BTreeMap::new();
    for seen in desk.seen.lock().unwrap().iter() {
        last.insert(seen.id, seen.at);
    }
    assert!((1..=40).all(|id| last[&id] < last[&(id + 40)]));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_again_before_its_report_is_written_down() {
    let fill = |paper: &Paper, clock: &Clock| {
        for incident in 1..=100 {
            paper.add(clock, incident, EventKind::Open, "a@example.com");
        }
    };
    let desk = Desk::set(HOUR, fill, |_, _| (AT_ONCE, Acceptance::Accepted));
    desk.pass(50 * MINUTE).await;
    let mut ids = desk.ids();
    let attempts = ids.len();
    assert!(
        (32..=36).contains(&attempts),
        "{attempts} letters are out of which nobody has a record"
    );
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), attempts, "a letter was sent twice");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_mute_to_one_does_not_hold_up_the_others() {
    let fill = |paper: &Paper, clock: &Clock| {
        for incident in 1..=20 {
            paper.add(clock, incident, EventKind::Open, "a@example.com");
        }
    };
    let desk = Desk::set(AT_ONCE, fill, |letter, _| match letter.id {
        1..=3 => (11 * MINUTE, Acceptance::Unsure),
        _ => (AT_ONCE, Acceptance::Accepted),
    });
    desk.pass(MINUTE).await;
    assert!((4..=20).all(|id| desk.is_sent(id)), "{:?}", desk.ids());
}

#[tokio::test(start_paused = true)]
async fn a_letter_that_comes_while_the_sender_sleeps_leaves_at_once() {
    let desk = Desk::set(AT_ONCE, |_, _| {}, |_, _| (AT_ONCE, Acceptance::Accepted));
    desk.pass(Duration::from_millis(10_300)).await;
    let id = desk
        .paper
        .add(&desk.clock, 1, EventKind::Open, "a@example.com");
    let written = desk.clock.now();
    desk.wake.notify_one();
    desk.pass(Duration::from_secs(2)).await;
    assert!(desk.times(id)[0].since(written) < Duration::from_millis(50));
}

#[tokio::test(start_paused = true)]
async fn an_outbox_that_cannot_be_read_for_a_while_loses_nothing() {
    let fill = |paper: &Paper, clock: &Clock| {
        paper.add(clock, 1, EventKind::Open, "a@example.com");
        paper.0.lock().unwrap().unreadable = 30;
    };
    let desk = Desk::set(AT_ONCE, fill, |_, _| (AT_ONCE, Acceptance::Accepted));
    desk.pass(20 * Duration::from_secs(1)).await;
    assert!(desk.ids().is_empty());
    desk.pass(MINUTE).await;
    assert!(desk.is_sent(1));
}

#[tokio::test(start_paused = true)]
async fn a_stop_lets_what_is_under_way_end_and_begins_nothing_else() {
    let fill = |paper: &Paper, clock: &Clock| {
        for incident in 1..=10 {
            paper.add(clock, incident, EventKind::Open, "a@example.com");
        }
    };
    let takes = Duration::from_secs(3);
    let desk = Desk::set(AT_ONCE, fill, move |_, _| (takes, Acceptance::Accepted));
    desk.pass(Duration::from_secs(1)).await;
    desk.stop.cancel();
    desk.pass(Duration::from_secs(4)).await;
    assert!(desk.sender.is_finished());
    assert_eq!(desk.ids(), [1, 2, 3, 4]);
    assert!((1..=4).all(|id| desk.is_sent(id)));
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_a_mute_server_for_ever() {
    let fill = |paper: &Paper, clock: &Clock| {
        paper.add(clock, 1, EventKind::Open, "a@example.com");
    };
    let desk = Desk::set(AT_ONCE, fill, |_, _| (HOUR, Acceptance::Accepted));
    desk.pass(Duration::from_secs(1)).await;
    desk.stop.cancel();
    desk.pass(MINUTE).await;
    assert!(desk.sender.is_finished());
}
