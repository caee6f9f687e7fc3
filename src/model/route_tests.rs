//! The order of services in every state they can be in.

use super::*;
use crate::model::life::Theme;
use crate::model::{IncidentId, Origin, Phases, ProbeId};

const NOW: f64 = 1.7e9;
const FAILED: Outcome = Outcome::Failure(FailureKind::Timeout, Fault::Provider);

fn at(seconds: f64) -> Timestamp {
    Timestamp::from_seconds(NOW + seconds)
}

fn sample(seconds: f64, outcome: Outcome, ms: u32) -> Sample {
    Sample {
        probe: ProbeId(1),
        at: at(seconds),
        outcome,
        origin: Origin::Scheduled,
        status: None,
        failed_in: None,
        phases: Phases::default(),
        total_us: ms * 1000,
        bytes: 0,
        evidence: None,
        found: None,
    }
}

fn able(ability: Ability, runs: &[Sample], cost: u64) -> Able {
    let mut pulse = Pulse::default();
    runs.iter().for_each(|run| pulse.take(run));
    Able {
        ability,
        pulse,
        recent: recent(Duration::from_secs(30), false),
        cost: Some(MicroUsd(cost)),
    }
}

/// A service with one chat probe whose latest run was 10 s ago and took `ms`.
fn service(name: &str, outcome: Outcome, ms: u32) -> Candidate {
    let runs = [
        sample(-40.0, Outcome::Success, ms),
        sample(-10.0, outcome, ms),
    ];
    Candidate {
        name: name.to_owned(),
        title: name.to_uppercase(),
        probes: vec![able(Ability::Chat, &runs, 0)],
        ..Candidate::default()
    }
}

fn with(
    mut service: Candidate,
    theme: Theme,
    state: IncidentState,
    severity: Severity,
) -> Candidate {
    service.incidents.push(OpenIncident {
        id: IncidentId(7),
        theme,
        state,
        severity,
        opened_at: at(-600.0),
        since: at(-660.0),
        closed_at: (state == IncidentState::Recovered).then(|| at(-300.0)),
        sequence: 1,
        reopened: 0,
        relapses: 0,
    });
    service
}

fn order(services: &[Candidate]) -> Vec<(String, Rank)> {
    let ranked = best(Ability::Chat, services, at(0.0));
    ranked.into_iter().map(|r| (r.name, r.rank)).collect()
}

#[test]
fn healthy_comes_before_watched_before_slow_before_doubtful_before_partial_and_the_rest_is_not_to_be_used()
 {
    use IncidentState::{Open, Recovered};
    let well = |name| service(name, Outcome::Success, 100);
    let key = Outcome::Failure(FailureKind::Auth, Fault::Ours);
    let mut services = vec![
        with(well("watched"), Theme::ERRORS, Recovered, Severity::Major),
        with(well("slow"), Theme::LATENCY, Open, Severity::Degraded),
        service("late", Outcome::Degraded(FailureKind::TooSlow), 100),
        with(well("partial"), Theme::ERRORS, Open, Severity::Partial),
        with(well("major"), Theme::ERRORS, Open, Severity::Major),
        service("doubtful", FAILED, 100),
        service("refused", key, 100),
        well("healthy"),
    ];
    let mut stale = well("stale");
    stale.probes[0].recent = Duration::from_secs(5);
    services.push(stale);
    services.push(Candidate {
        name: "keyless".to_owned(),
        missing: vec![(Ability::Chat, "THE_KEY".to_owned())],
        ..Candidate::default()
    });
    services.push(Candidate {
        name: "painter".to_owned(),
        probes: vec![able(Ability::Image, &[], 0)],
        ..Candidate::default()
    });
    let wanted = [
        ("healthy", Rank::Healthy),
        ("watched", Rank::Watched),
        ("slow", Rank::Degraded),
        ("late", Rank::Degraded),
        ("doubtful", Rank::Doubtful),
        ("partial", Rank::Partial),
        ("major", Rank::Down),
        ("refused", Rank::Down),
        ("stale", Rank::Unknown),
        ("keyless", Rank::Unknown),
    ];
    let wanted = wanted.map(|(name, rank)| (name.to_owned(), rank));
    assert_eq!(order(&services), wanted);
    let usable = best(Ability::Chat, &services, at(0.0));
    assert_eq!(usable.iter().filter(|r| r.rank.is_usable()).count(), 6);
    let reasons: Vec<&str> = usable.iter().map(|r| r.reason.as_str()).collect();
    assert_eq!(reasons[0], "it works");
    assert_eq!(reasons[1], "it recovered at 2023-11-14T22:08:20Z");
    assert_eq!(reasons[4], "its latest run failed: timeout");
    assert_eq!(reasons[5], "incident 7: partial since 2023-11-14T22:02:20Z");
    assert_eq!(reasons[7], "it refuses us: auth");
    assert_eq!(reasons[8], "its latest run was at 2023-11-14T22:13:10Z");
    assert_eq!(reasons[9], "THE_KEY is not set");
}

#[test]
fn equals_are_told_apart_by_latency_in_steps_then_by_cost_then_by_their_order() {
    let priced = |name, ms, cost| {
        let mut service = service(name, Outcome::Success, ms);
        service.probes[0].cost = Some(MicroUsd(cost));
        service
    };
    let services = [
        priced("slower", 900, 0),
        priced("dear", 101, 9),
        priced("cheap", 103, 1),
        priced("cheap-too", 100, 1),
    ];
    let names: Vec<String> = order(&services).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["cheap", "cheap-too", "dear", "slower"]);
}

#[test]
fn a_notice_of_ours_is_no_incident_of_the_service() {
    let well = service("a", Outcome::Success, 100);
    let noticed = with(
        well,
        Theme::notice(FailureKind::RateLimited),
        IncidentState::Open,
        Severity::Degraded,
    );
    assert_eq!(order(&[noticed])[0].1, Rank::Healthy);
}

#[test]
fn the_worst_of_two_chat_probes_decides_and_of_two_partial_services_the_one_that_answers_comes_first()
 {
    let mut torn = service("torn", Outcome::Success, 50);
    torn.probes
        .push(able(Ability::Chat, &[sample(-5.0, FAILED, 50)], 0));
    assert_eq!(order(&[torn.clone()])[0].1, Rank::Doubtful);
    let open = |s| with(s, Theme::ERRORS, IncidentState::Open, Severity::Partial);
    let services = [open(torn), open(service("half", Outcome::Success, 500))];
    assert_eq!(order(&services)[0].0, "half");
}

#[test]
fn a_run_that_says_nothing_does_not_undo_one_that_did_until_that_is_old() {
    let runs = [
        sample(-100.0, Outcome::Success, 50),
        sample(-10.0, Outcome::Inconclusive(Cause::Blind), 50),
    ];
    let mut service = service("a", Outcome::Success, 50);
    service.probes = vec![able(Ability::Chat, &runs, 0)];
    let ranked = |now: f64| best(Ability::Chat, &[service.clone()], at(now)).remove(0);
    assert_eq!(ranked(0.0).rank, Rank::Healthy);
    let later = ranked(60.0);
    assert_eq!(later.rank, Rank::Unknown);
    assert_eq!(later.reason, "its runs say nothing: blind");
}

#[test]
fn planned_maintenance_counts_at_once_and_so_does_its_end() {
    let quiet = Outcome::Inconclusive(Cause::Maintenance);
    let mut runs = vec![
        sample(-40.0, Outcome::Success, 50),
        sample(-20.0, quiet, 50),
    ];
    let ranked = |runs: &[Sample]| {
        let mut service = service("a", Outcome::Success, 50);
        service.probes = vec![able(Ability::Chat, runs, 0)];
        best(Ability::Chat, &[service], at(0.0)).remove(0)
    };
    let during = ranked(&runs);
    assert_eq!(during.rank, Rank::Unknown);
    assert_eq!(during.reason, "its runs say nothing: maintenance");
    runs.push(sample(-5.0, Outcome::Success, 50));
    assert_eq!(ranked(&runs).rank, Rank::Healthy);
}

#[test]
fn the_usual_latency_follows_the_latest_runs_and_not_one_of_them() {
    let mut pulse = Pulse::default();
    let run = |ms| sample(0.0, Outcome::Success, ms);
    (0..100).for_each(|_| pulse.take(&run(200)));
    pulse.take(&run(20_000));
    let usual = pulse.usual().unwrap().as_secs_f64();
    assert!((0.2..0.26).contains(&usual), "{usual}");
    (0..100).for_each(|_| pulse.take(&run(800)));
    let usual = pulse.usual().unwrap().as_secs_f64();
    assert!((0.75..0.85).contains(&usual), "{usual}");
}

#[test]
fn a_mail_names_it_by_its_title() {
    let services = [service("anthropic", Outcome::Success, 812)];
    let ranked = best(Ability::Chat, &services, at(0.0));
    assert_eq!(ranked[0].to_string(), "ANTHROPIC (chat, 0.8 s)");
}
