//! Claims about the loop, in tokio's paused time: minutes pass in no time, and no socket is involved.

use std::sync::Mutex;

use tokio::sync::mpsc;

use super::crash::crashed;
use super::*;
use crate::model::budget::Ration;
use crate::model::{Cron, FailureKind, Fault, Origin, Outcome, Timestamp};

const SECOND: Duration = Duration::from_secs(1);

/// A probe that takes a while, notes when it started, and may panic.
#[derive(Clone)]
struct Fake {
    takes: Duration,
    clock: Clock,
    panics: bool,
}

impl Job for Fake {
    async fn run(self) -> Run {
        let started = self.clock.now();
        tokio::time::sleep(self.takes).await;
        assert!(!self.panics, "as asked");
        Run {
            outcome: Outcome::Success,
            evidence: None,
            found: None,
            ..crashed(started)
        }
    }
}

struct Stage {
    clock: Clock,
    commands: mpsc::UnboundedSender<Command<Fake>>,
    counters: Arc<Counters>,
    samples: Arc<Mutex<Vec<Sample>>>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Stage {
    fn start(plan: impl Fn(&Clock) -> Vec<Slot<Fake>>, in_flight: InFlight) -> Self {
        let clock = Clock::sped(Timestamp::from_seconds(1_700_000_000.0), 1.0);
        let (commands, receiver) = mpsc::unbounded_channel();
        let samples = Arc::new(Mutex::new(Vec::new()));
        let (counters, stop) = (Arc::new(Counters::default()), CancellationToken::new());
        let sink = {
            let samples = samples.clone();
            move |sample| samples.lock().unwrap().push(sample)
        };
        let loop_ = run(
            plan(&clock),
            in_flight,
            clock.clone(),
            receiver,
            counters.clone(),
            sink,
            stop.clone(),
        );
        let task = tokio::spawn(loop_);
        Self {
            clock,
            commands,
            counters,
            samples,
            stop,
            task,
        }
    }

    async fn after(&self, seconds: u64) -> Vec<Sample> {
        tokio::time::sleep(SECOND * u32::try_from(seconds).unwrap()).await;
        self.samples.lock().unwrap().clone()
    }

    fn missed(&self) -> u64 {
        self.counters.missed.load(Ordering::Relaxed)
    }
}

fn slot(clock: &Clock, id: u32, every: u64, takes: Duration) -> Slot<Fake> {
    Slot {
        probe: ProbeId(id),
        name: format!("service/probe-{id}"),
        host: "host:443".to_owned(),
        cadence: Cadence::Every(SECOND * u32::try_from(every).unwrap()),
        job: Fake {
            takes,
            clock: clock.clone(),
            panics: false,
        },
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_runs_once_an_interval_at_its_own_offset() {
    let stage = Stage::start(|c| vec![slot(c, 1, 30, SECOND)], InFlight::default());
    let samples = stage.after(3600).await;
    assert!((119..=122).contains(&samples.len()), "{}", samples.len());
    let gaps: Vec<i64> = samples
        .windows(2)
        .skip(1)
        .map(|w| w[1].at.micros_since(w[0].at))
        .collect();
    assert!(
        gaps.iter().all(|gap| (gap - 30_000_000).abs() < 5_000),
        "{gaps:?}"
    );
    assert_eq!(stage.missed(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_run_longer_than_its_interval_never_overlaps_itself_and_its_missed_slots_are_counted() {
    let stage = Stage::start(|c| vec![slot(c, 1, 10, SECOND * 25)], InFlight::default());
    let samples = stage.after(600).await;
    for pair in samples.windows(2) {
        assert!(pair[1].at.since(pair[0].at) >= SECOND * 25);
    }
    assert!(stage.missed() >= 30, "{}", stage.missed());
}

#[tokio::test(start_paused = true)]
async fn a_recheck_comes_when_asked_and_is_marked_as_one() {
    let stage = Stage::start(|c| vec![slot(c, 1, 3600, SECOND)], InFlight::default());
    let before = stage.after(60).await.len();
    let wanted = stage.clock.now() + SECOND * 5;
    stage
        .commands
        .send(Command::Recheck(ProbeId(1), wanted))
        .unwrap();
    let samples = stage.after(10).await;
    assert_eq!(samples.len(), before + 1);
    let recheck = samples.last().unwrap();
    assert_eq!(recheck.origin, Origin::Recheck);
    assert!(recheck.at.since(wanted) < Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn a_recheck_of_a_running_probe_waits_for_that_run() {
    let stage = Stage::start(|c| vec![slot(c, 1, 3600, SECOND * 20)], InFlight::default());
    stage.after(11).await;
    stage
        .commands
        .send(Command::Recheck(ProbeId(1), stage.clock.now()))
        .unwrap();
    let samples = stage.after(60).await;
    assert_eq!(samples.len(), 2);
    assert_eq!(samples[1].origin, Origin::Recheck);
    assert!(samples[1].at >= samples[0].at + SECOND * 20);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_panics_gives_an_internal_result_and_runs_again() {
    let plan = |clock: &Clock| {
        let mut slot = slot(clock, 1, 30, SECOND);
        slot.job.panics = true;
        vec![slot]
    };
    let stage = Stage::start(plan, InFlight::default());
    let samples = stage.after(120).await;
    assert!(samples.len() >= 3);
    let internal = Outcome::Failure(FailureKind::Internal, Fault::Ours);
    assert!(samples.iter().all(|s| s.outcome == internal));
}

#[tokio::test(start_paused = true)]
async fn a_slow_host_delays_no_probe_of_another() {
    let plan = |clock: &Clock| {
        let slow = (0..50).map(|id| slot(clock, id, 30, SECOND * 20));
        let mut quick = slot(clock, 99, 30, Duration::from_millis(50));
        quick.host = "quick:443".to_owned();
        slow.chain([quick]).collect()
    };
    let stage = Stage::start(
        plan,
        InFlight {
            total: 100,
            per_host: 4,
        },
    );
    let samples = stage.after(1200).await;
    let quick: Vec<_> = samples.iter().filter(|s| s.probe == ProbeId(99)).collect();
    assert!((39..=42).contains(&quick.len()), "{}", quick.len());
    assert!(stage.missed() > 100);
    let slow = samples.len() - quick.len();
    assert!(
        (220..=245).contains(&slow),
        "4 at once, 20 s each, 1200 s: {slow}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_replaced_plan_keeps_the_offsets_of_probes_that_stay() {
    let stage = Stage::start(|c| vec![slot(c, 1, 30, SECOND)], InFlight::default());
    let before = stage.after(300).await;
    let plan = vec![
        slot(&stage.clock, 1, 30, SECOND),
        slot(&stage.clock, 2, 30, SECOND),
    ];
    stage.commands.send(Command::Replace(plan)).unwrap();
    let after = stage.after(300).await;
    let last = before.last().unwrap().at;
    let kept: Vec<_> = after[before.len()..]
        .iter()
        .filter(|s| s.probe == ProbeId(1))
        .collect();
    assert!(kept.len() >= 9);
    for sample in kept {
        let off = sample.at.micros_since(last).rem_euclid(30_000_000);
        assert!(!(5_000..=29_995_000).contains(&off), "{off}");
    }
    assert!(after.iter().any(|s| s.probe == ProbeId(2)));
}

#[tokio::test(start_paused = true)]
async fn a_stop_lets_quick_runs_end_and_drops_the_others() {
    let plan = |c: &Clock| vec![slot(c, 1, 30, SECOND), slot(c, 2, 30, SECOND * 25)];
    let stage = Stage::start(plan, InFlight::default());
    while stage.counters.started.load(Ordering::Relaxed) < 2 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stage.stop.cancel();
    stage.task.await.unwrap();
    assert!(
        stage
            .samples
            .lock()
            .unwrap()
            .iter()
            .all(|s| s.probe == ProbeId(1))
    );
}

#[tokio::test(start_paused = true)]
async fn a_cron_probe_runs_at_its_times() {
    let plan = |clock: &Clock| {
        let mut slot = slot(clock, 1, 30, SECOND);
        slot.cadence = Cadence::Cron(Box::new(
            Cron::parse("0 */5 * * * *", chrono_tz::UTC).unwrap(),
        ));
        vec![slot]
    };
    let stage = Stage::start(plan, InFlight::default());
    let samples = stage.after(3600).await;
    assert_eq!(samples.len(), 12);
    for sample in samples {
        assert!(sample.at.as_micros().rem_euclid(300_000_000) < 5_000);
    }
}

#[tokio::test(start_paused = true)]
async fn a_thinned_probe_keeps_to_every_nth_of_its_slots_and_comes_back_at_the_next_one() {
    let stage = Stage::start(|c| vec![slot(c, 1, 30, SECOND)], InFlight::default());
    let at_full = stage.after(600).await;
    let ration = |ration| {
        let command = Command::Ration(vec![(ProbeId(1), ration), (ProbeId(99), ration)]);
        stage.commands.send(command).unwrap();
    };
    ration(Ration::OneIn(4));
    let thinned = stage.after(3600).await;
    let runs = &thinned[at_full.len()..];
    assert!((29..=31).contains(&runs.len()), "{}", runs.len());
    let first = at_full.last().unwrap().at;
    for run in runs {
        let off = run.at.micros_since(first).rem_euclid(30_000_000);
        assert!(!(5_000..=29_995_000).contains(&off), "{off}");
    }
    ration(Ration::Nothing);
    // A run that has begun goes on.
    let rested = stage.after(2).await;
    let resting = stage.after(3600).await;
    assert_eq!(resting.len(), rested.len());
    ration(Ration::FULL);
    let again = stage.after(31).await;
    assert_eq!(again.len(), resting.len() + 1);
    assert_eq!(stage.missed(), 0);
    assert!(stage.counters.thinned.load(Ordering::Relaxed) >= 205);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_rests_is_re_checked_all_the_same() {
    let stage = Stage::start(|c| vec![slot(c, 1, 30, SECOND)], InFlight::default());
    let rest = Command::Ration(vec![(ProbeId(1), Ration::Nothing)]);
    stage.commands.send(rest).unwrap();
    let before = stage.after(120).await.len();
    let wanted = Command::Recheck(ProbeId(1), stage.clock.now());
    stage.commands.send(wanted).unwrap();
    assert_eq!(stage.after(10).await.len(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn a_thinned_cron_probe_runs_at_every_nth_of_its_times() {
    let plan = |clock: &Clock| {
        let mut slot = slot(clock, 1, 30, SECOND);
        slot.cadence = Cadence::Cron(Box::new(
            Cron::parse("0 */5 * * * *", chrono_tz::UTC).unwrap(),
        ));
        vec![slot]
    };
    let stage = Stage::start(plan, InFlight::default());
    let ration = Command::Ration(vec![(ProbeId(1), Ration::OneIn(4))]);
    stage.commands.send(ration).unwrap();
    let samples = stage.after(7200).await;
    assert_eq!(samples.len(), 6);
    for pair in samples.windows(2) {
        assert!(pair[1].at.since(pair[0].at) >= SECOND * 1199);
    }
}

#[tokio::test(start_paused = true)]
async fn a_thinned_rare_probe_runs_soon_after_the_start_and_one_without_money_does_not() {
    for (ration, runs) in [(Ration::OneIn(16), 1), (Ration::Nothing, 0)] {
        let stage = Stage::start(|c| vec![slot(c, 1, 3600, SECOND)], InFlight::default());
        let command = Command::Ration(vec![(ProbeId(1), ration)]);
        stage.commands.send(command).unwrap();
        assert_eq!(stage.after(20).await.len(), runs);
    }
}

#[tokio::test(start_paused = true)]
async fn any_number_of_runs_that_became_stale_in_the_queue_are_left_out_without_a_word() {
    const PROBES: u32 = 20_000;
    let one = InFlight {
        total: 1,
        per_host: 1,
    };
    // The first run keeps the only place until all others have waited too long.
    let plan = |clock: &Clock| {
        (1..=PROBES)
            .map(|id| slot(clock, id, 30, SECOND * 29))
            .collect()
    };
    let stage = Stage::start(plan, one);
    let samples = stage.after(120).await;
    assert!(!samples.is_empty());
    assert!(stage.missed() >= u64::from(PROBES), "{}", stage.missed());
}
