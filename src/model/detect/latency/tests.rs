use super::*;
use crate::model::Confirm;

const EVERY: Duration = Duration::from_secs(30);
const DAY: u32 = 2880;

fn rules(probes: u32) -> ServiceRules {
    let probe = |id| ProbeRules {
        id: ProbeId(id),
        interval: EVERY,
        confirm: Confirm::CHEAP,
    };
    ServiceRules {
        probes: (0..probes).map(probe).collect(),
        judge: Default::default(),
        false_pages_per_year: 1.0,
        min_error_rate: 0.1,
        reopen_within: Duration::from_secs(3600),
    }
}

/// A service with one probe that runs each 30 s; latencies vary as those of real ones do.
struct Service {
    latency: Latency,
    rules: ServiceRules,
    chance: fastrand::Rng,
    z: f64,
    at: Timestamp,
    /// Is an incident of errors open?
    in_trouble: bool,
}

impl Service {
    fn new() -> Self {
        Self {
            latency: Latency::default(),
            rules: rules(1),
            chance: fastrand::Rng::with_seed(11),
            z: 0.0,
            at: Timestamp::from_seconds(1.7e9),
            in_trouble: false,
        }
    }

    /// 250 ms, spread 0.35, each run a little like the last.
    fn varied(&mut self) -> f64 {
        let (a, b) = (self.chance.f64().max(1e-12), self.chance.f64());
        let normal = (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos();
        self.z = 0.4 * self.z + (1.0f64 - 0.16).sqrt() * normal;
        250_000.0 * (0.35 * self.z).exp()
    }

    fn answer(&mut self, total_us: u32) -> Answer {
        self.at = self.at + EVERY;
        Answer {
            start: self.at,
            known: self.at + Duration::from_micros(u64::from(total_us)),
            total_us: Some(total_us),
            first_token_us: None,
            longest_gap_us: None,
            too_slow: false,
        }
    }

    fn take(&mut self, answer: Answer) -> Option<Found> {
        let around = Around {
            in_trouble: self.in_trouble,
            watch: self.rules.reopen_within,
        };
        self.latency.take(&self.rules, ProbeId(0), &answer, around)
    }

    /// So many runs that take `factor` times as long as usual; what was found, with the number of the run.
    fn runs(&mut self, number: u32, factor: f64) -> Vec<(u32, Found)> {
        let mut found = Vec::new();
        for run in 0..number {
            let us = self.varied() * factor;
            let answer = self.answer(us as u32);
            found.extend(self.take(answer).map(|f| (run, f)));
        }
        found
    }

    fn constant(&mut self, number: u32, us: u32) -> Vec<(u32, Found)> {
        let take = |run| {
            let answer = self.answer(us);
            Some((run, self.take(answer)?))
        };
        (0..number).filter_map(take).collect()
    }
}

fn opens(found: &[(u32, Found)]) -> bool {
    matches!(found, [(_, (Change::Risen { .. }, _))])
}

fn closes(found: &[(u32, Found)]) -> bool {
    matches!(found, [(_, (Change::Recovered { .. }, _))])
}

#[test]
fn answers_three_times_as_slow_open_within_ten_minutes_and_say_how_slow() {
    let mut service = Service::new();
    assert_eq!(service.runs(7 * DAY, 1.0), []);
    let begun = service.at;
    let found = service.runs(20, 3.0);
    assert!(opens(&found), "{found:?}");
    let (_, (change, slow)) = found[0];
    let Change::Risen {
        again,
        severity,
        since,
        verdict,
    } = change
    else {
        panic!("{change:?}")
    };
    assert!(!again);
    assert_eq!(severity, Severity::Degraded);
    assert!(seconds_between(begun, since).abs() < 300.0);
    assert!(verdict.failed >= 4 && verdict.failed <= verdict.of);
    assert!(verdict.usual < 0.2 && verdict.score >= verdict.bound);
    let slow = slow.unwrap();
    assert_eq!((slow.probe, slow.quantity), (ProbeId(0), Quantity::Total));
    assert!((235_000..265_000).contains(&slow.usual_us), "{slow:?}");
    assert!((500_000..1_000_000).contains(&slow.now_us), "{slow:?}");
}

#[test]
fn it_closes_by_evidence_when_they_are_back() {
    let mut service = Service::new();
    service.runs(DAY, 1.0);
    service.runs(100, 3.0);
    assert!(service.latency.is_open());
    let ended = service.at;
    let found = service.runs(60, 1.0);
    assert!(closes(&found), "{found:?}");
    let (run, (change, slow)) = found[0];
    assert!(run >= 4, "after {run} runs");
    let Change::Recovered { since, .. } = change else {
        panic!("{change:?}")
    };
    assert!(seconds_between(ended, since).abs() < 300.0);
    assert!(slow.unwrap().now_us < 400_000);
}

#[test]
fn answers_a_fifth_slower_than_usual_open_nothing() {
    let mut service = Service::new();
    service.runs(DAY, 1.0);
    assert_eq!(service.runs(DAY, 1.2), []);
}

#[test]
fn answers_less_than_half_slower_open_nothing_however_sure_it_is() {
    let mut service = Service::new();
    service.constant(DAY, 800_000);
    assert_eq!(service.constant(400, 1_160_000), []);
    let mut slower = Service::new();
    slower.constant(DAY, 800_000);
    assert!(opens(&slower.constant(400, 1_240_000)));
}

#[test]
fn within_the_watch_less_is_enough() {
    let mut service = Service::new();
    service.constant(DAY, 250_000);
    let first = service.constant(40, 500_000);
    assert!(opens(&first));
    assert!(closes(&service.constant(30, 250_000)));
    let again = service.constant(40, 500_000);
    assert!(
        opens(&again) && again[0].0 < first[0].0,
        "{again:?} after {first:?}"
    );
}

#[test]
fn a_single_answer_that_takes_a_minute_opens_nothing() {
    let mut service = Service::new();
    for _ in 0..200 {
        assert_eq!(service.constant(60, 250_000), []);
        assert_eq!(service.constant(1, 60_000_000), []);
    }
}

#[test]
fn nothing_is_said_before_thirty_runs_are_known() {
    let mut service = Service::new();
    service.constant(15, 250_000);
    assert_eq!(service.constant(14, 10_000_000), []);
    let mut known = Service::new();
    known.constant(30, 250_000);
    assert!(opens(&known.constant(14, 10_000_000)));
}

#[test]
fn what_is_slow_in_an_open_incident_does_not_become_usual() {
    let mut service = Service::new();
    service.constant(DAY, 250_000);
    assert!(opens(&service.constant(3 * DAY, 1_000_000)));
    let found = service.constant(DAY, 250_000);
    assert!(closes(&found), "{found:?}");
    assert_eq!(service.constant(DAY, 250_000), []);
    assert!(opens(&service.constant(20, 1_000_000)));
}

#[test]
fn what_has_been_slow_for_two_weeks_is_usual() {
    let mut service = Service::new();
    service.constant(DAY, 250_000);
    let found = service.constant(20 * DAY, 1_000_000);
    let kinds: Vec<bool> = found
        .iter()
        .map(|(_, (change, _))| matches!(change, Change::Risen { .. }))
        .collect();
    assert_eq!(kinds, [true, false]);
    assert!(opens(&service.constant(20, 4_000_000)));
}

#[test]
fn trouble_of_another_kind_teaches_nothing_and_keeps_it_from_opening_until_it_is_over() {
    let mut service = Service::new();
    service.constant(DAY, 250_000);
    service.in_trouble = true;
    assert_eq!(service.constant(DAY, 1_000_000), []);
    service.in_trouble = false;
    let found = service.constant(1, 1_000_000);
    assert!(opens(&found), "still slow");
    let usual_us = found[0].1.1.unwrap().usual_us;
    assert!((245_000..255_000).contains(&usual_us), "{usual_us}");

    let mut service = Service::new();
    service.constant(DAY, 250_000);
    service.in_trouble = true;
    service.constant(DAY, 1_000_000);
    service.in_trouble = false;
    assert_eq!(service.constant(DAY, 250_000), [], "no longer slow");
}

#[test]
fn an_open_incident_goes_on_through_trouble_of_another_kind() {
    let mut service = Service::new();
    service.constant(DAY, 250_000);
    service.constant(20, 1_000_000);
    service.in_trouble = true;
    assert_eq!(service.constant(20, 1_000_000), []);
    assert!(closes(&service.constant(60, 250_000)));
}

#[test]
fn within_the_watch_less_evidence_is_enough_and_it_is_told_as_the_same() {
    let mut service = Service::new();
    service.runs(DAY, 1.0);
    service.runs(30, 3.0);
    service.runs(60, 1.0);
    let found = service.runs(20, 3.0);
    let again = |found: &[(u32, Found)]| match found {
        [(run, (Change::Risen { again, .. }, _))] => Some((*again, *run)),
        _ => None,
    };
    let (is_again, sooner) = again(&found).unwrap();
    assert!(is_again);
    let mut later = Service::new();
    later.runs(DAY, 1.0);
    later.runs(30, 3.0);
    later.runs(400, 1.0);
    let (is_again, run) = again(&later.runs(20, 3.0)).unwrap();
    assert!(!is_again);
    assert!(sooner < run, "{sooner} {run}");
}

#[test]
fn a_late_first_token_alone_is_enough() {
    let mut service = Service::new();
    let mut stream = |number: u32, first_token_us: u32| {
        let mut found = Vec::new();
        for run in 0..number {
            let mut answer = service.answer(4_000_000);
            answer.first_token_us = Some(first_token_us);
            answer.longest_gap_us = Some(80_000);
            found.extend(service.take(answer).map(|f| (run, f)));
        }
        found
    };
    assert_eq!(stream(DAY, 300_000), []);
    let found = stream(20, 1_500_000);
    assert!(opens(&found), "{found:?}");
    let slow = found[0].1.1.unwrap();
    assert_eq!(
        (slow.quantity, slow.usual_us / 1000, slow.now_us / 1000),
        (Quantity::FirstToken, 300, 1500)
    );
}

#[test]
fn more_runs_over_the_users_limit_than_usual_open_and_fewer_close() {
    let mut service = Service::new();
    let mut limited = |number: u32, late: fn(u32) -> bool| {
        let mut found = Vec::new();
        for run in 0..number {
            let mut answer = service.answer(250_000);
            answer.too_slow = late(run);
            found.extend(service.take(answer).map(|f| (run, f)));
        }
        found
    };
    assert_eq!(
        limited(DAY, |run| run % 200 == 0),
        [],
        "one in 200 is usual"
    );
    let found = limited(40, |_| true);
    assert!(opens(&found), "{found:?}");
    let (run, (change, slow)) = found[0];
    let Change::Risen { verdict, .. } = change else {
        panic!("{change:?}")
    };
    assert!(run >= 4, "after {run} runs");
    assert_eq!((verdict.failed, verdict.of), (run + 1, run + 1));
    assert_eq!(slow, None, "a limit says nothing of what is usual");
    let found = limited(100, |_| false);
    assert!(closes(&found), "{found:?}");
}

#[test]
fn nights_apart_a_slow_run_and_another_are_no_series() {
    let mut service = Service::new();
    service.constant(DAY, 250_000);
    for _ in 0..10 {
        assert_eq!(service.constant(3, 2_000_000), []);
        service.at = service.at + Duration::from_secs(40_000);
    }
}

#[test]
fn when_the_slow_probe_is_removed_the_incident_closes() {
    let mut service = Service::new();
    service.constant(DAY, 250_000);
    service.constant(20, 2_000_000);
    let now = service.at;
    assert_eq!(service.latency.reconcile(&rules(1), now), None);
    let found = service.latency.reconcile(&rules(0), now);
    assert!(matches!(found, Some((Change::Retired { .. }, _))));
    assert!(!service.latency.is_open());
}

#[test]
fn a_stranger_is_ignored() {
    let mut service = Service::new();
    let answer = service.answer(1);
    service.rules.probes.clear();
    let found = service.take(answer);
    assert_eq!((found, service.latency), (None, Latency::default()));
}

#[test]
fn the_state_comes_back_from_json_exactly() {
    let mut service = Service::new();
    for (number, factor) in [
        (29, 1.0),
        (1, 1.0),
        (400, 1.0),
        (9, 3.0),
        (9, 3.0),
        (9, 1.0),
    ] {
        service.runs(number, factor);
        let json = serde_json::to_string(&service.latency).unwrap();
        let back: Latency = serde_json::from_str(&json).unwrap();
        assert_eq!(back, service.latency);
    }
}

#[test]
fn the_state_of_a_quiet_probe_is_small() {
    let mut service = Service::new();
    service.constant(DAY, 250_000);
    assert!(size_of::<Track>() <= 176, "{}", size_of::<Track>());
    let json = serde_json::to_string(&service.latency).unwrap();
    assert!(json.len() < 400, "{json}");
}
