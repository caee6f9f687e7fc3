//! The detector in a loop with a simulated prober and the worlds of `tests/detector/scenarios/*.toml`.
//!
//! A scenario says for each probe what it would meet at each moment; the prober here runs on schedule, and runs the
//! re-checks that the detector asks for. Expected events are `event severity from-to`, in seconds from the start; `-` is
//! any severity.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use watchfire::model::fold::{ProbeRules, ServiceRules, ServiceState, fold};
use watchfire::model::{
    Cause, Confirm, FailureKind, Fault, IncidentEvent, IncidentId, IncidentKind, Origin, Outcome,
    Phases, ProbeId, Sample, Timestamp,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    title: String,
    expect: Vec<String>,
    probe: Vec<ScenarioProbe>,
    #[serde(default = "ten_percent")]
    min_error_rate: f64,
    /// How many incidents the events belong to; by default one, or none without events.
    incidents: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScenarioProbe {
    world: String,
    #[serde(default)]
    every: Option<String>,
    #[serde(default)]
    confirm: Option<String>,
}

fn ten_percent() -> f64 {
    0.1
}

/// What a probe meets for a while.
#[derive(Clone, Copy)]
enum Weather {
    Ok,
    Fail,
    Timeout,
    Ours,
    Blind,
    /// The prober is not there: no run at all.
    Gone,
    Some(f64),
}

struct World {
    spells: Vec<(Timestamp, Weather)>,
    end: Timestamp,
}

impl World {
    fn parse(text: &str) -> Self {
        let (mut end, mut spells) = (Timestamp::EPOCH, Vec::new());
        for spell in text.split(',') {
            let (length, weather) = spell.trim().rsplit_once(' ').expect("`4h ok`");
            let weather = match weather {
                "ok" => Weather::Ok,
                "fail" => Weather::Fail,
                "timeout" => Weather::Timeout,
                "ours" => Weather::Ours,
                "blind" => Weather::Blind,
                "gone" => Weather::Gone,
                share => {
                    Weather::Some(share.strip_suffix('%').unwrap().parse::<f64>().unwrap() / 100.0)
                }
            };
            spells.push((end, weather));
            end = end + humantime::parse_duration(length).unwrap();
        }
        Self { spells, end }
    }

    fn at(&self, moment: Timestamp) -> Weather {
        let spell = self.spells.partition_point(|(from, _)| *from <= moment);
        self.spells[spell - 1].1
    }
}

fn run_of(
    probe: ProbeId,
    at: Timestamp,
    origin: Origin,
    world: &World,
    chance: &mut fastrand::Rng,
) -> Option<Sample> {
    let failure = |fault| Outcome::Failure(FailureKind::ServerError, fault);
    let (outcome, millis) = match world.at(at) {
        Weather::Ok => (Outcome::Success, 200),
        Weather::Fail => (failure(Fault::Provider), 150),
        Weather::Timeout => (failure(Fault::Network), 10_000),
        Weather::Ours => (failure(Fault::Ours), 100),
        Weather::Blind => (Outcome::Inconclusive(Cause::Blind), 100),
        Weather::Gone => return None,
        Weather::Some(share) if chance.f64() < share => (failure(Fault::Provider), 150),
        Weather::Some(_) => (Outcome::Success, 200),
    };
    Some(Sample {
        probe,
        at,
        outcome,
        origin,
        status: None,
        failed_in: None,
        phases: Phases::default(),
        total_us: millis * 1000,
        bytes: 0,
        evidence: None,
        found: None,
    })
}

fn play(scenario: &Scenario, seed: u64) -> Vec<IncidentEvent> {
    let every = |p: &ScenarioProbe| {
        p.every.as_deref().map_or(Duration::from_secs(30), |e| {
            humantime::parse_duration(e).unwrap()
        })
    };
    let probes = scenario.probe.iter().zip(0..).map(|(p, id)| ProbeRules {
        id: ProbeId(id),
        interval: every(p),
        confirm: match p.confirm.as_deref() {
            None => Confirm::CHEAP,
            Some("costly") => Confirm::COSTLY,
            Some("off") => Confirm::Off,
            Some(other) => panic!("confirm = {other}"),
        },
    });
    let rules = ServiceRules {
        probes: probes.collect(),
        false_pages_per_year: 1.0,
        min_error_rate: scenario.min_error_rate,
        reopen_within: Duration::from_secs(3600),
        judge: Default::default(),
    };
    let worlds: Vec<World> = scenario
        .probe
        .iter()
        .map(|p| World::parse(&p.world))
        .collect();
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut state = ServiceState::new(&rules);
    let (mut next, mut events, mut number) = (IncidentId(1), Vec::new(), 0u32);
    // Runs that begin, and runs that end with their sample; both by moment.
    let mut begins = BinaryHeap::new();
    let mut ends: BinaryHeap<Reverse<(Timestamp, u32)>> = BinaryHeap::new();
    let mut under_way = std::collections::HashMap::new();
    for (i, rule) in rules.probes.iter().enumerate() {
        let offset = rule.interval.mul_f64(i as f64 / rules.probes.len() as f64);
        begins.push(Reverse((Timestamp::EPOCH + offset, i, true)));
    }
    loop {
        let ends_first = match (ends.peek(), begins.peek()) {
            (Some(Reverse(end)), Some(Reverse(begin))) => end.0 <= begin.0,
            (end, None) if end.is_none() => return events,
            (end, _) => end.is_some(),
        };
        if ends_first {
            let Some(Reverse((known, key))) = ends.pop() else {
                continue;
            };
            let sample: Sample = under_way.remove(&key).unwrap();
            while state.settle(&rules, known).is_some() {}
            let folded = fold(&mut state, &rules, &sample, &mut next);
            events.extend(folded.events);
            for recheck in folded.rechecks {
                begins.push(Reverse((
                    recheck.at.max(known),
                    recheck.probe.0 as usize,
                    false,
                )));
            }
            continue;
        }
        let Some(Reverse((at, i, scheduled))) = begins.pop() else {
            continue;
        };
        if at >= worlds[i].end {
            continue;
        }
        let origin = if scheduled {
            Origin::Scheduled
        } else {
            Origin::Recheck
        };
        if scheduled {
            begins.push(Reverse((at + rules.probes[i].interval, i, true)));
        }
        if let Some(sample) = run_of(ProbeId(i as u32), at, origin, &worlds[i], &mut chance) {
            number += 1;
            ends.push(Reverse((sample.known_at(), number)));
            under_way.insert(number, sample);
        }
    }
}

/// Whether an event is as `event severity from-to` wants it; of another kind than errors with its name before that.
fn is_as(event: &IncidentEvent, wanted: &str) -> bool {
    let wanted = match event.kind {
        IncidentKind::Errors => Some(wanted),
        kind => wanted.strip_prefix(kind.name()).map(str::trim_start),
    };
    let Some(wanted) = wanted else { return false };
    let mut words = wanted.split(' ');
    let (name, severity) = (words.next().unwrap(), words.next().unwrap());
    let (from, to) = words.next().and_then(|w| w.split_once('-')).unwrap();
    let at = event.at.as_seconds();
    event.event.name() == name
        && (severity == "-" || event.severity.name() == severity)
        && at >= from.parse::<f64>().unwrap()
        && at <= to.parse::<f64>().unwrap()
}

#[test]
fn every_scenario_gives_its_events() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/detector/scenarios");
    let mut faults = Vec::new();
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|f| f.unwrap().path())
        .collect();
    files.sort();
    for file in &files {
        let scenario: Scenario = toml::from_str(&std::fs::read_to_string(file).unwrap())
            .unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let events = play(&scenario, 7);
        let same = events.len() == scenario.expect.len()
            && events
                .iter()
                .zip(&scenario.expect)
                .all(|(e, wanted)| is_as(e, wanted));
        let incidents = events.iter().map(|e| e.incident.0).max().unwrap_or(0);
        let wanted = scenario
            .incidents
            .unwrap_or(u64::from(!scenario.expect.is_empty()));
        if !same || incidents != wanted {
            let found: Vec<String> = events
                .iter()
                .map(|e| {
                    format!(
                        "{} {} {} {:.0} ({}/{})",
                        e.kind,
                        e.event,
                        e.severity,
                        e.at.as_seconds(),
                        e.verdict.failed,
                        e.verdict.of
                    )
                })
                .collect();
            faults.push(format!(
                "{}: {}\n  wanted {:?}\n  found  {found:?}, {incidents} incidents",
                file.display(),
                scenario.title,
                scenario.expect
            ));
        }
    }
    assert!(
        files.len() >= 15,
        "only {} scenarios were found",
        files.len()
    );
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
