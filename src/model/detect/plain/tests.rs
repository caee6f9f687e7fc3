//! Plain rules over whole courses of events.

use super::*;
use crate::model::detect::rules::ProbeRules;
use crate::model::detect::state::{Change, Recheck};
use crate::model::{Confirm, ProbeId, Severity, Verdict};

const RATE: PlainRule = PlainRule::Rate {
    over: 0.2,
    window: PlainRule::WINDOW,
    min_runs: PlainRule::MIN_RUNS,
};
const THREE: PlainRule = PlainRule::Consecutive {
    failures: 3,
    recover_after: 2,
};

fn at(seconds: f64) -> Timestamp {
    Timestamp::from_seconds(1.7e9 + seconds)
}

fn rules(probes: u32, judge: Judge, confirm: Confirm) -> ServiceRules {
    let probes = (1..=probes).map(|id| ProbeRules {
        id: ProbeId(id),
        interval: Duration::from_secs(30),
        confirm,
    });
    ServiceRules {
        probes: probes.collect(),
        false_pages_per_year: 1.0,
        min_error_rate: 0.1,
        reopen_within: Duration::from_secs(3600),
        judge,
    }
}

/// A service, what was found of it and when, and the re-checks that were asked for.
struct Story {
    rules: ServiceRules,
    detector: Detector,
    found: Vec<(f64, Change)>,
    asked: Vec<Recheck>,
}

impl Story {
    fn new(probes: u32, rule: PlainRule) -> Self {
        Self::with(rules(probes, Judge::Plain(rule), Confirm::Off))
    }

    fn with(rules: ServiceRules) -> Self {
        let mut detector = Detector::default();
        detector.reconcile(&rules, at(0.0));
        Self {
            rules,
            detector,
            found: Vec::new(),
            asked: Vec::new(),
        }
    }

    fn run(&mut self, probe: u32, seconds: f64, failed: bool) {
        let run = Run {
            start: at(seconds),
            start_s: 1.7e9 + seconds,
            known: at(seconds),
            failed,
            recheck: false,
            watch: Duration::from_secs(3600),
        };
        let take = |detector: &mut Detector, asked: &mut Vec<Recheck>| {
            detector.take(&self.rules, ProbeId(probe), run, asked)
        };
        let change = take(&mut self.detector, &mut self.asked);
        self.found.extend(change.map(|c| (seconds, c)));
        // Between any two runs the state can be stored and taken up again.
        let text = serde_json::to_string(&self.detector).unwrap();
        self.detector = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&self.detector).unwrap(), text);
    }

    /// Runs of probe 1 each 30 s from `from` on: `x` fails, `.` succeeds.
    fn course(&mut self, from: f64, course: &str) {
        for (run, what) in (0..).zip(course.chars()) {
            self.run(1, from + f64::from(run) * 30.0, what == 'x');
        }
    }

    /// `risen 60`, `risen again 60`, `worse 90`, `recovered 120`.
    fn told(&self) -> Vec<String> {
        let word = |change: &Change| match change {
            Change::Risen { again: true, .. } => "risen again",
            Change::Risen { .. } => "risen",
            Change::Worse { .. } => "worse",
            Change::Recovered { .. } => "recovered",
            other => panic!("{other:?}"),
        };
        let told = self.found.iter();
        told.map(|(when, change)| format!("{} {when}", word(change)))
            .collect()
    }
}

fn verdict(change: &Change) -> (u32, u32, Severity) {
    let of = |v: &Verdict, s| (v.failed, v.of, s);
    match change {
        Change::Risen {
            verdict, severity, ..
        } => of(verdict, *severity),
        Change::Worse { verdict, .. } => of(verdict, Severity::Major),
        Change::Recovered { episode, .. } => (episode.failed, episode.of, episode.severity),
        other => panic!("{other:?}"),
    }
}

#[test]
fn three_failures_in_a_row_open_and_two_successes_in_a_row_close() {
    let mut story = Story::new(1, THREE);
    story.course(0.0, ".xx.xxxx.x..");
    assert_eq!(story.told(), ["risen 180", "recovered 330"]);
    let Change::Risen { since, .. } = story.found[0].1 else {
        panic!()
    };
    assert_eq!(since, at(120.0));
    let Change::Recovered { since, .. } = story.found[1].1 else {
        panic!()
    };
    assert_eq!(since, at(300.0));
    assert_eq!(verdict(&story.found[0].1), (3, 3, Severity::Major));
    assert_eq!(verdict(&story.found[1].1), (5, 8, Severity::Major));
}

#[test]
fn failures_of_two_probes_are_not_in_a_row_and_one_probe_of_four_is_a_partial_outage() {
    let mut story = Story::new(4, THREE);
    for turn in 0..8 {
        let start = f64::from(turn) * 30.0;
        story.run(1, start, turn >= 4);
        story.run(2, start + 7.5, turn % 2 == 0);
        story.run(3, start + 15.0, turn % 2 == 1);
        story.run(4, start + 22.5, false);
    }
    assert_eq!(story.told(), ["risen 180"]);
    assert_eq!(verdict(&story.found[0].1), (5, 9, Severity::Major));
    let mut one = Story::new(4, THREE);
    for turn in 0..12 {
        for probe in 1..=4 {
            let start = f64::from(turn) * 30.0 + f64::from(probe) * 7.5;
            one.run(probe, start, probe == 1 || (probe > 1 && turn >= 6));
        }
    }
    // The second probe's third failure makes it major.
    assert_eq!(one.told(), ["risen 67.5", "worse 255"]);
    assert_eq!(verdict(&one.found[0].1), (3, 9, Severity::Partial));
}

#[test]
fn it_is_over_when_every_probe_that_was_down_is_back() {
    let mut story = Story::new(2, THREE);
    for turn in 0..12 {
        let start = f64::from(turn) * 30.0;
        story.run(1, start, turn < 4);
        story.run(2, start + 15.0, turn < 8);
    }
    assert_eq!(story.told(), ["risen 60", "recovered 285"]);
}

#[test]
fn a_share_is_over_only_above_it_and_with_enough_runs() {
    // Two of ten are 20 %, not more.
    let mut story = Story::new(1, RATE);
    story.course(0.0, "..........x....x....x....x....");
    assert_eq!(story.told(), Vec::<String>::new());
    // The third failure of ten opens; half makes it major; it closes when at most two of ten have failed for five
    // runs on end.
    let mut story = Story::new(1, RATE);
    story.course(0.0, "..........xxxxxx.................");
    assert_eq!(story.told(), ["risen 360", "worse 420", "recovered 810"]);
    assert_eq!(verdict(&story.found[0].1), (3, 10, Severity::Partial));
    assert_eq!(verdict(&story.found[1].1), (5, 10, Severity::Major));
    let Change::Recovered { since, .. } = story.found[2].1 else {
        panic!()
    };
    assert_eq!(since, at(480.0), "the first success after the last failure");
    // Four failures of four are too few runs; the fifth run judges.
    let mut young = Story::new(1, RATE);
    young.course(0.0, "xxxx.");
    assert_eq!(young.told(), ["risen 120"]);
    assert_eq!(verdict(&young.found[0].1), (4, 5, Severity::Major));
}

#[test]
fn a_share_that_comes_back_before_the_end_begins_the_count_anew() {
    let mut story = Story::new(1, RATE);
    story.course(0.0, "..........xxx......x.x.x............");
    assert_eq!(story.told().first().unwrap(), "risen 360");
    assert_eq!(story.told().len(), 2, "{:?}", story.told());
    // At 570 only two of ten have failed; at 690 it is three again, and from 840 on two.
    assert_eq!(story.told()[1], "recovered 990");
}

#[test]
fn a_prober_that_was_away_comes_back_to_an_empty_window_and_to_an_open_incident() {
    let mut story = Story::new(1, RATE);
    story.course(0.0, "..........xxx");
    story.course(86_400.0, "....");
    assert_eq!(story.told(), ["risen 360"], "four runs say nothing");
    story.course(86_520.0, ".....");
    assert_eq!(story.told(), ["risen 360", "recovered 86640"]);
}

#[test]
fn trouble_within_the_watch_is_the_same_incident_and_later_a_new_one() {
    let mut story = Story::new(1, THREE);
    story.course(0.0, "xxx..xxx..");
    story.course(10_000.0, "xxx");
    let told = [
        "risen 60",
        "recovered 120",
        "risen again 210",
        "recovered 270",
        "risen 10060",
    ];
    assert_eq!(story.told(), told);
}

#[test]
fn nothing_is_re_checked_unless_the_user_says_so() {
    let mut story = Story::new(1, THREE);
    story.course(0.0, "xx.xxx..");
    assert_eq!(story.asked, []);
    let judge = Judge::Plain(THREE);
    let mut story = Story::with(rules(1, judge, Confirm::CHEAP));
    story.run(1, 0.0, true);
    let at = at(5.0);
    let probe = ProbeId(1);
    assert_eq!(story.asked, [Recheck { probe, at }]);
}

#[test]
fn an_open_incident_goes_on_under_another_judge_until_that_one_sees_its_end() {
    for (first, then, end) in [
        (Judge::Plain(THREE), Judge::Detector, 24),
        (Judge::Plain(RATE), Judge::Detector, 24),
        (Judge::Detector, Judge::Plain(THREE), 2),
        (Judge::Plain(RATE), Judge::Plain(THREE), 2),
        (Judge::Plain(THREE), Judge::Plain(RATE), 9),
        (Judge::Detector, Judge::Plain(RATE), 9),
    ] {
        let mut story = Story::with(rules(1, first, Confirm::Off));
        story.course(0.0, "xxxxxx");
        assert_eq!(story.found.len(), 1, "{first:?}");
        story.rules = rules(1, then, Confirm::Off);
        assert_eq!(story.detector.reconcile(&story.rules, at(180.0)), None);
        for run in 0..40 {
            story.run(1, 180.0 + f64::from(run) * 30.0, false);
            if let Some((_, Change::Recovered { .. })) = story.found.get(1) {
                assert_eq!(run + 1, end, "{first:?} to {then:?}");
                break;
            }
        }
        assert_eq!(story.found.len(), 2, "{first:?} to {then:?}");
        // And the watch is the same: trouble is again of this incident.
        story.course(2000.0, "xxxxxx");
        let risen = story.found.iter().rev().find_map(|(_, c)| match c {
            Change::Risen { again, .. } => Some(*again),
            _ => None,
        });
        assert_eq!(risen, Some(true), "{first:?} to {then:?}");
    }
}

#[test]
fn trouble_that_comes_and_goes_never_becomes_usual_and_a_lone_failure_does() {
    let usual = |story: &Story| story.detector.probe(ProbeId(1)).unwrap().baseline.usual();
    for rule in [THREE, RATE] {
        // Below the rule of three and above it, with incidents that open and close all the time.
        for flapping in ["x.", "xx.", "x..", "xxx..", "xxxxx........"] {
            let mut story = Story::new(1, rule);
            story.course(0.0, &".".repeat(200));
            let before = usual(&story);
            let trouble = flapping.repeat(300);
            story.course(6_000.0, &trouble);
            let after = usual(&story);
            assert!(after <= before, "{rule}, {flapping}: {before} to {after}");
            // What was waiting for its verdict is none of what is usual either.
            story.course(6_000.0 + 30.0 * trouble.len() as f64, &".".repeat(600));
            let later = usual(&story);
            assert!(later < 0.011, "{rule}, {flapping}: {before} to {later}");
        }
        let mut story = Story::new(1, rule);
        let lone = format!("x{}", ".".repeat(49));
        story.course(0.0, &lone.repeat(40));
        let learned = usual(&story);
        assert!((0.018..0.027).contains(&learned), "{rule}: {learned}");
    }
}

#[test]
fn after_trouble_the_baseline_learns_again_within_hours() {
    let mut story = Story::new(1, THREE);
    story.course(0.0, &"x.".repeat(1_000));
    let before = story.detector.probe(ProbeId(1)).unwrap().baseline.runs();
    story.course(60_000.0, &".".repeat(400));
    let after = story.detector.probe(ProbeId(1)).unwrap().baseline.runs();
    assert!(after >= before + 200.0, "{before} to {after}");
}

#[test]
fn a_doubt_is_forgotten_with_its_judge() {
    let mut story = Story::new(1, THREE);
    story.course(0.0, "xx");
    assert!(story.detector.suspects());
    story.rules = rules(1, Judge::Plain(RATE), Confirm::Off);
    story.detector.reconcile(&story.rules, at(60.0));
    assert!(!story.detector.suspects());
    story.rules = rules(1, Judge::Plain(THREE), Confirm::Off);
    story.course(60.0, "x");
    assert_eq!(story.told(), Vec::<String>::new());
}

#[test]
fn a_step_of_the_clock_moves_all_that_is_kept() {
    let course = "..........xxx....x....";
    let mut still = Story::new(1, RATE);
    still.course(0.0, course);
    for step in 1..course.len() {
        let mut stepped = Story::new(1, RATE);
        let (before, after) = course.split_at(step);
        stepped.course(0.0, before);
        for moment in stepped.detector.moments() {
            *moment = moment.shifted(-7_200_000_000);
        }
        stepped.course(step as f64 * 30.0 - 7200.0, after);
        let moved = |(when, change): &(f64, Change)| (*when, verdict(change));
        let back = |(when, v): (f64, _)| (if when < 0.0 { when + 7200.0 } else { when }, v);
        let seen: Vec<_> = stepped.found.iter().map(moved).map(back).collect();
        assert_eq!(seen, still.found.iter().map(moved).collect::<Vec<_>>());
    }
}

#[test]
fn a_rule_says_itself_in_words() {
    assert_eq!(
        RATE.to_string(),
        "more than 20 % of the runs of 5m fail (of at least 5)"
    );
    assert_eq!(THREE.to_string(), "3 failures in a row");
}
