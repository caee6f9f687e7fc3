//! Scenarios: what happens to whom and when, and all that comes of it.
//!
//! `3.0 a dns 0.5`: at 3.0 s a run of service `a` ended with `dns`, half a second after it began. `controls 2 1`: from
//! now on two controls answer and one does not, within a quarter of a second; before, all three do. What comes of it is
//! `blind since`, `sees`, `forgave`, or the fate of a run that failed. Time passes in quarters of a second.

use super::*;
use crate::model::{FailureKind, Fault, Outcome};

const START: i64 = 1_800_000_000_000_000;

fn at(seconds: f64) -> Timestamp {
    Timestamp::from_micros(START + (seconds * 1e6).round() as i64)
}

fn seconds(moment: Timestamp) -> f64 {
    moment.micros_since(at(0.0)) as f64 / 1e6
}

struct Player {
    sight: Sight,
    rules: Rules,
    held: Vec<(char, Glimpse, Timestamp)>,
    log: Vec<String>,
    /// What the controls say; `None`: nothing at all.
    controls: Option<Tally>,
    /// When an asking is answered, and how.
    answer: Option<(f64, Tally)>,
    /// The count of askings, in place of a line for each.
    asked: usize,
}

const ALL_WELL: Tally = Tally {
    answered: 3,
    network: 0,
    clock: 0,
    of: 3,
};

impl Player {
    fn tick(&mut self, now: f64) {
        if let Some((_, tally)) = self.answer.take_if(|(due, _)| *due <= now) {
            let input = Input::Controls(tally);
            let actions = self.sight.step(self.rules, input, at(now));
            self.note(&actions, now);
        }
        let actions = self.sight.step(self.rules, Input::Tick, at(now));
        self.note(&actions, now);
        let (sight, rules) = (&self.sight, self.rules);
        let log = &mut self.log;
        self.held.retain(|(name, run, arrived)| {
            let fate = match sight.fate(rules, run, *arrived, at(now)) {
                Fate::Wait => return true,
                Fate::Count => "counts".to_owned(),
                Fate::Unknown(lack) => format!("unknown ({})", lack.name()),
            };
            log.push(format!("{now} {name} {fate}"));
            false
        });
    }

    fn note(&mut self, actions: &[Action], now: f64) {
        for action in actions {
            self.log.push(match action {
                Action::Ask => {
                    self.asked += 1;
                    self.answer = self.controls.map(|tally| (now + 0.25, tally));
                    continue;
                }
                Action::Began(lack, since) => {
                    format!("{now} blind ({}) since {}", lack.name(), seconds(*since))
                }
                Action::Ended(b) => format!("{now} sees, was blind from {}", seconds(b.from)),
                Action::Forgave(b) => format!("{now} forgave from {}", seconds(b.from)),
            });
        }
    }

    fn line(&mut self, now: f64, words: &[&str]) {
        match *words {
            ["controls", "clock"] => self.controls = tally(0, 0, 3),
            ["controls", "silent"] => self.controls = None,
            ["controls", answered, dead] => {
                self.controls = tally(answered.parse().unwrap(), dead.parse().unwrap(), 0);
            }
            ["end"] => {}
            [service, how, took] => {
                let name = service.chars().next().unwrap();
                let failed = |kind| Outcome::Failure(kind, Fault::Network);
                let outcome = match how {
                    "ok" => Outcome::Success,
                    how => failed(*FailureKind::ALL.iter().find(|k| k.name() == how).unwrap()),
                };
                let run = Glimpse {
                    service: ServiceId(name as u32),
                    at: at(now - took.parse::<f64>().unwrap()),
                    known: at(now),
                    sign: Sign::of(outcome),
                };
                self.sight.step(self.rules, Input::Run(run), at(now));
                if !matches!(run.sign, Sign::Answered) {
                    self.held.push((name, run, at(now)));
                }
            }
            _ => panic!("{words:?}"),
        }
    }
}

fn tally(answered: u32, network: u32, clock: u32) -> Option<Tally> {
    let of = answered + network + clock;
    Some(Tally {
        answered,
        network,
        clock,
        of,
    })
}

fn played(controls: bool, services: usize, script: &str) -> Player {
    let mut player = Player {
        sight: Sight::default(),
        rules: Rules { controls, services },
        held: Vec::new(),
        log: Vec::new(),
        controls: Some(ALL_WELL),
        answer: None,
        asked: 0,
    };
    let mut ticked = 0.0;
    for line in script.lines().map(str::trim).filter(|l| !l.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let now: f64 = words[0].parse().unwrap();
        while ticked < now {
            player.tick(ticked);
            ticked += 0.25;
        }
        player.line(now, &words[1..]);
    }
    player.tick(ticked);
    player
}

fn play(controls: bool, services: usize, script: &str) -> Vec<String> {
    played(controls, services, script).log
}

#[test]
fn a_failure_counts_when_the_controls_answer_and_waits_only_until_then() {
    let script = "
        10.0 a dns 0.5
        11.0 end";
    assert_eq!(play(true, 1, script), ["10.25 a counts"]);
}

#[test]
fn a_failure_counts_after_the_longest_wait_when_the_controls_say_nothing() {
    let script = "
        1.0 controls silent
        10.0 a timeout 10
        15.0 end";
    assert_eq!(play(true, 1, script), ["12.5 a counts"]);
}

#[test]
fn two_dead_controls_of_three_make_what_failed_so_unknown_from_its_start_on() {
    let script = "
        1.0 controls 1 2
        10.0 a dns 0.5
        10.0 b timeout 30
        13.0 a unreachable 0.0
        16.0 end";
    assert_eq!(
        play(true, 3, script),
        [
            "10.25 blind (network) since 9.5",
            "10.25 a unknown (network)",
            "10.25 b unknown (network)",
            "13 a unknown (network)",
        ]
    );
}

#[test]
fn one_dead_control_of_three_and_two_that_hang_are_no_blindness() {
    let script = "1.0 controls 2 1\n 10.0 a dns 0.5\n 11.0 end";
    assert_eq!(play(true, 1, script), ["10.25 a counts"]);
    let tally = Tally {
        network: 1,
        of: 3,
        ..Tally::default()
    };
    assert_eq!(tally.lack(), None);
}

#[test]
fn half_of_the_controls_without_a_network_are_no_blindness() {
    let script = "1.0 controls 2 2\n 10.0 a dns 0.5\n 11.0 end";
    assert_eq!(play(true, 1, script), ["10.25 a counts"]);
}

#[test]
fn when_the_controls_have_answered_since_a_run_began_the_network_was_there_by_then() {
    let script = "
        9.0 b dns 0.1
        9.5 controls 0 3
        10.5 a connect_timeout 5
        12.0 end";
    assert_eq!(
        play(true, 1, script),
        [
            "9.25 b counts",
            "10.75 blind (network) since 9",
            "10.75 a unknown (network)",
        ]
    );
}

#[test]
fn a_run_that_had_ended_before_the_blindness_is_not_explained_by_it() {
    let rules = Rules {
        controls: true,
        services: 1,
    };
    let sight = Sight::resumed(Lack::Network, at(100.0), at(100.0));
    let fate = |known: f64| {
        let run = Glimpse {
            service: ServiceId(1),
            at: at(known - 10.0),
            known: at(known),
            sign: Sign::Lacks(Lack::Network),
        };
        sight.fate(rules, &run, at(known), at(known + 3.0))
    };
    assert_eq!(fate(99.0), Fate::Count);
    assert_eq!(fate(101.0), Fate::Unknown(Lack::Network));
}

#[test]
fn one_control_that_answers_beside_two_that_hang_does_not_end_it() {
    let rules = Rules {
        controls: true,
        services: 1,
    };
    let mut sight = Sight::resumed(Lack::Network, at(0.0), at(1.0));
    for (now, answered, ends) in [(1.0, 1, false), (10.0, 2, true)] {
        let asked = sight.step(rules, Input::Tick, at(now));
        assert_eq!(asked, [Action::Ask]);
        let tally = Tally {
            answered,
            of: 3,
            ..Tally::default()
        };
        let ended = sight.step(rules, Input::Controls(tally), at(now + 0.5));
        assert_eq!(ended.len(), usize::from(ends), "{answered} of 3");
        assert_eq!(sight.blind().is_none(), ends);
    }
}

#[test]
fn blindness_ends_when_the_controls_answer_and_runs_that_began_in_it_are_unknown_too() {
    let script = "
        9.0 controls 0 3
        10.0 a dns 0
        38.0 controls 3 0
        43.0 a connect_timeout 10
        43.0 b timeout 30
        50.0 a connect_timeout 5
        52.0 end";
    assert_eq!(
        play(true, 2, script),
        [
            "10.25 blind (network) since 10",
            "10.25 a unknown (network)",
            "41.75 sees, was blind from 10",
            "43 a unknown (network)",
            "43 b unknown (network)",
            // It began after the end: a real outage.
            "50 a counts",
        ]
    );
}

#[test]
fn a_control_that_comes_back_alone_is_not_enough() {
    let script = "
        9.0 controls 0 3
        10.0 a dns 0
        14.0 controls 1 2
        20.0 controls 2 1
        30.0 end";
    assert_eq!(
        play(true, 1, script)[2..],
        ["20.75 sees, was blind from 10"]
    );
}

#[test]
fn a_service_that_failed_in_the_blindness_and_answers_has_the_controls_asked_at_once() {
    let script = "
        9.0 controls 0 3
        10.0 a dns 0
        11.5 controls 3 0
        11.5 b ok 0.1
        12.0 a ok 0.1
        13.0 end";
    assert_eq!(
        play(true, 2, script)[2..],
        ["12.25 sees, was blind from 10"]
    );
}

#[test]
fn one_service_that_fails_alone_counts_however_often() {
    let mut script = String::new();
    let mut wanted = Vec::new();
    for n in 1..20 {
        script += &format!("{n}0.0 a unreachable 0\n");
        for other in ["b", "c", "d"] {
            script += &format!("{n}1.0 {other} ok 0.1\n");
        }
        // With three others about, it waits a second for their company.
        wanted.push(format!("{n}1 a counts"));
    }
    script += "400.0 end";
    assert_eq!(play(true, 4, &script), wanted);
}

#[test]
fn most_services_in_one_moment_are_forgiven_once_although_the_controls_answer() {
    let script = "
        10.0 a connect_timeout 3
        10.25 b connect_timeout 3
        10.5 c unreachable 0
        10.75 d ok 0.1
        20.0 a dns 0
        20.0 b dns 0
        20.0 c dns 0
        25.0 end";
    assert_eq!(
        play(true, 4, script),
        [
            "10.5 forgave from 7",
            "10.5 a unknown (network)",
            "10.5 b unknown (network)",
            "10.5 c unknown (network)",
            // Again within half a minute: somebody else's trouble.
            "21 a counts",
            "21 b counts",
            "21 c counts",
        ]
    );
}

#[test]
fn without_controls_most_of_three_services_are_needed() {
    let both = "
        10.0 a dns 0
        10.5 b dns 0
        14.0 end";
    assert_eq!(play(false, 2, both), ["10 a counts", "10.5 b counts"]);
    assert_eq!(play(false, 3, both), ["12.5 a counts", "13 b counts"]);
    let three = "
        10.0 a dns 0
        10.5 b dns 0
        11.0 c unreachable 0
        12.0 a timeout 5
        20.0 b dns 0
        30.0 a ok 0.1
        31.0 b ok 0.1
        32.0 c unreachable 0
        36.0 end";
    assert_eq!(
        play(false, 3, three),
        [
            "11 blind (network) since 10",
            "11 a unknown (network)",
            "11 b unknown (network)",
            "11 c unknown (network)",
            "12 a unknown (network)",
            "20 b unknown (network)",
            "31 sees, was blind from 10",
            // It alone did not come back.
            "34.5 c counts",
        ]
    );
}

#[test]
fn without_controls_half_of_the_services_are_no_proof() {
    let script = "
        9.0 d ok 0.1
        9.0 e ok 0.1
        9.0 f ok 0.1
        10.0 a dns 0
        10.0 b dns 0
        10.0 c dns 0
        15.0 end";
    assert_eq!(
        play(false, 6, script),
        ["12.5 a counts", "12.5 b counts", "12.5 c counts"]
    );
}

#[test]
fn without_controls_silence_alone_proves_nothing_and_does_not_wait() {
    let script = "
        10.0 a timeout 5
        10.0 b timeout 5
        10.0 c timeout 5
        12.0 end";
    assert_eq!(
        play(false, 3, script),
        ["10 a counts", "10 b counts", "10 c counts"]
    );
}

#[test]
fn a_clock_that_is_wrong_is_seen_by_the_certificates_of_the_controls() {
    let script = "
        9.0 controls clock
        10.0 a tls_expired 0.1
        11.0 b tls_expired 0.1
        11.0 c dns 0.1
        20.0 controls 3 0
        25.0 b tls_expired 0.1
        27.0 end";
    assert_eq!(
        play(true, 3, script),
        [
            "10.25 blind (clock) since 9.9",
            "10.25 a unknown (clock)",
            "11 b unknown (clock)",
            // No clock explains that; nor can anybody be asked about it.
            "13.5 c counts",
            "21.75 sees, was blind from 9.9",
            "26 b counts",
        ]
    );
}

#[test]
fn the_controls_are_asked_once_a_second_and_seldom_when_they_always_answer() {
    let mut script = String::new();
    for n in 0..600 {
        let t = 10.0 + f64::from(n) / 2.0;
        script += &format!("{t} a timeout 1\n {t} b timeout 1\n");
    }
    let asked = played(true, 2, &script).asked;
    assert!((55..75).contains(&asked), "{asked} times in 300 s");
}

#[test]
fn a_control_that_never_reports_back_is_asked_again() {
    let mut script = String::from("1.0 controls silent\n");
    for n in 10..40 {
        script += &format!("{n}.0 a dns 0\n");
    }
    assert_eq!(played(true, 1, &script).asked, 5);
}

#[test]
fn for_a_while_after_a_blindness_the_controls_are_watched_unasked() {
    let script = "
        9.0 controls 0 3
        10.0 a dns 0
        12.0 controls 3 0
        15.75 end";
    let until_then = played(true, 1, script).asked;
    let watched = played(true, 1, &script.replace("15.75", "300.0")).asked - until_then;
    assert!((20..35).contains(&watched), "{watched}");
    // It went and came again unseen by any run; the next that ends was under way.
    let again = "
        9.0 controls 0 3
        10.0 a dns 0
        12.0 controls 3 0
        17.0 controls 0 3
        20.0 controls 3 0
        25.0 a timeout 7
        25.5 end";
    assert_eq!(
        play(true, 1, again)[2..],
        [
            "15.5 sees, was blind from 10",
            "18 blind (network) since 17.75",
            "23.25 sees, was blind from 17.75",
            "25 a unknown (network)",
        ]
    );
}

#[test]
fn a_stepped_clock_moves_all_along() {
    let hour = 3_600_000_000;
    let mut player = played(true, 1, "9.0 controls 0 3\n 10.0 a dns 0\n 11.0 end");
    player.sight.shift(hour);
    assert_eq!(
        player.sight.blind(),
        Some((Lack::Network, at(10.0).shifted(hour)))
    );
    let run = Glimpse {
        service: ServiceId(1),
        at: at(12.0).shifted(hour),
        known: at(13.0).shifted(hour),
        sign: Sign::Unanswered,
    };
    let fate = player.sight.fate(player.rules, &run, run.known, run.known);
    assert_eq!(fate, Fate::Unknown(Lack::Network));
}
