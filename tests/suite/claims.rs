//! Claims and notices over a real database: only changes are kept, and nothing is said twice.

use std::path::Path;
use std::time::Duration;

use watchfire::model::claim::{OpenPost, PageComponent};
use watchfire::model::{
    Claim, Deadline, FailureKind, Fault, Findings, Origin, Outcome, Phase, Phases, ProbeId, Sample,
    Standing, Timestamp, Topic,
};
use watchfire::store::{Hush, Reader, Retention, Store};

const DAY: Duration = Duration::from_secs(86_400);

fn at(text: &str) -> Timestamp {
    Timestamp::parse(&format!("2026-11-08T{text}:00Z")).unwrap()
}

fn day(text: &str) -> Timestamp {
    Timestamp::parse(&format!("{text}T00:00:00Z")).unwrap()
}

fn sample(probe: ProbeId, at: Timestamp, found: Findings) -> Sample {
    Sample {
        probe,
        at,
        outcome: Outcome::Success,
        origin: Origin::Scheduled,
        status: Some(200),
        failed_in: None,
        phases: Phases {
            tls_us: Some(1),
            ..Phases::default()
        },
        total_us: 1_000,
        bytes: 1,
        evidence: None,
        found: (!found.is_empty()).then(|| Box::new(found)),
    }
}

fn claim(overall: Standing) -> Claim {
    Claim {
        overall,
        components: vec![PageComponent {
            name: "Chat".to_owned(),
            standing: overall,
            probes: vec!["chat".to_owned()],
        }],
        posts: vec![OpenPost {
            id: "i1".to_owned(),
            name: "Elevated errors".to_owned(),
            impact: Standing::Partial,
            status: "investigating".to_owned(),
            started_at: Some(at("13:54")),
            updated_at: Some(at("13:54")),
            url: Some("https://status.example.com/i1".to_owned()),
            components: vec!["Chat".to_owned()],
        }],
    }
}

fn claims(probe: ProbeId, at: Timestamp, claim: Claim) -> Sample {
    let found = Findings {
        claim: Some(claim),
        ..Findings::default()
    };
    sample(probe, at, found)
}

fn ends(topic: Topic, subject: &str, on: &str) -> Deadline {
    Deadline {
        topic,
        subject: subject.to_owned(),
        at: day(on),
    }
}

fn sees(probe: ProbeId, at: Timestamp, deadlines: &[Deadline]) -> Sample {
    let found = Findings {
        deadlines: deadlines.to_vec(),
        ..Findings::default()
    };
    sample(probe, at, found)
}

/// Commits samples; returns what is to be said, as `topic subject days`.
fn write(store: &mut Store, samples: &[Sample]) -> Vec<String> {
    let mut tx = store.begin().unwrap();
    let said = tx.samples(samples).unwrap();
    tx.commit().unwrap();
    said.iter()
        .map(|s| {
            format!(
                "{} {} {}",
                s.deadline.topic.name(),
                s.deadline.subject,
                s.days
            )
        })
        .collect()
}

/// The same, while these probes are silent.
fn write_silently(store: &mut Store, silent: &[ProbeId], samples: &[Sample]) -> usize {
    let hush = Hush {
        clock: false,
        probes: silent.iter().copied().collect(),
    };
    let mut tx = store.begin().unwrap();
    let said = tx.samples_but(samples, &hush).unwrap();
    tx.commit().unwrap();
    said.len()
}

fn open(dir: &Path) -> (Store, ProbeId, ProbeId) {
    let mut store = Store::open(dir).unwrap();
    let ids = store
        .register("here", &[("openai", "page"), ("openai", "models")])
        .unwrap();
    (store, ids[0].1, ids[1].1)
}

fn standing(dir: &Path) -> Vec<String> {
    let rows = Reader::open(dir).unwrap().notices().unwrap();
    rows.iter().map(|r| r.deadline.subject.clone()).collect()
}

#[test]
fn only_changes_of_a_claim_are_kept_each_with_the_time_for_which_it_stood() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, page, _) = open(dir.path());
    let mut touched = claim(Standing::Partial);
    touched.posts[0].updated_at = Some(at("13:57"));
    let mut watched = touched.clone();
    watched.posts[0].status = "monitoring".to_owned();
    for (minute, claim) in [
        ("13:50", claim(Standing::Operational)),
        ("13:51", claim(Standing::Operational)),
        ("13:55", claim(Standing::Partial)),
        ("13:57", touched.clone()),
        ("14:10", watched.clone()),
        ("14:11", Claim::UNKNOWN),
        ("14:12", watched.clone()),
    ] {
        write(&mut store, &[claims(page, at(minute), claim)]);
    }
    let reader = Reader::open(dir.path()).unwrap();
    let rows = reader.claims_after(page, Timestamp::EPOCH, 100).unwrap();
    let kept: Vec<_> = rows.iter().map(|r| (r.first_at, r.last_at)).collect();
    let span = |from, to| (at(from), at(to));
    assert_eq!(
        kept,
        [
            span("13:50", "13:51"),
            span("13:55", "13:57"),
            span("14:10", "14:10"),
            span("14:11", "14:11"),
            span("14:12", "14:12"),
        ]
    );
    assert_eq!(rows[1].claim, touched, "the last word of a post is kept");
    let claimed = |minute| {
        let row = reader.claim_at(page, at(minute)).unwrap();
        row.map(|row| row.claim.overall)
    };
    assert_eq!(claimed("13:49"), None);
    assert_eq!(claimed("13:54"), Some(Standing::Operational));
    assert_eq!(claimed("13:55"), Some(Standing::Partial));
    assert_eq!(claimed("14:11"), Some(Standing::Unknown));
    assert_eq!(claimed("23:00"), Some(Standing::Partial));
    assert_eq!(reader.standing_since(page).unwrap(), Some(at("14:12")));
    assert_eq!(reader.claims_after(page, at("14:10"), 1).unwrap().len(), 1);
}

#[test]
fn the_standing_is_as_old_as_its_first_claim_whatever_else_changes() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, page, other) = open(dir.path());
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(reader.standing_since(page).unwrap(), None);
    write(
        &mut store,
        &[claims(page, at("13:00"), claim(Standing::Partial))],
    );
    let mut changed = claim(Standing::Partial);
    changed.posts.clear();
    write(
        &mut store,
        &[claims(other, at("13:10"), claim(Standing::Major))],
    );
    write(&mut store, &[claims(page, at("13:20"), changed)]);
    assert_eq!(reader.standing_since(page).unwrap(), Some(at("13:00")));
    // The clock was set back: the order in which claims came is what counts.
    write(
        &mut store,
        &[claims(page, at("12:00"), claim(Standing::Operational))],
    );
    assert_eq!(reader.standing_since(page).unwrap(), Some(at("12:00")));
}

#[test]
fn a_page_that_says_something_else_each_time_does_not_fill_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, page, _) = open(dir.path());
    let other = |n: u64| {
        let mut claim = Claim::UNKNOWN;
        claim.overall = Standing::Degraded;
        claim.posts = vec![OpenPost {
            name: n.to_string(),
            ..self::claim(Standing::Partial).posts[0].clone()
        }];
        claims(page, at("13:00") + Duration::from_secs(n), claim)
    };
    let samples: Vec<Sample> = (0..5_100).map(other).collect();
    write(&mut store, &samples);
    let reader = Reader::open(dir.path()).unwrap();
    let rows = reader.claims_after(page, Timestamp::EPOCH, 10_000).unwrap();
    assert!((5_000..5_050).contains(&rows.len()), "{}", rows.len());
    assert_eq!(rows.last().unwrap().claim.posts[0].name, "5099");
    let later = at("13:00") + DAY * 800;
    while store
        .prune(later, &Retention::default(), 10_000)
        .unwrap()
        .more
    {}
    assert!(reader.claim_at(page, later).unwrap().is_none());
}

#[test]
fn each_threshold_is_said_once_over_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, _, models) = open(dir.path());
    let gpt = [ends(Topic::Model, "gpt-4", "2027-03-02")];
    let mut said = Vec::new();
    let start = day("2026-12-20");
    for n in 0..240 {
        said.extend(write(
            &mut store,
            &[sees(models, start + DAY / 3 * n, &gpt)],
        ));
        if n % 20 != 0 {
            continue;
        }
        // As with kill -9: what was committed is there.
        drop(store);
        (store, ..) = open(dir.path());
    }
    let wanted = [
        "model gpt-4 60",
        "model gpt-4 30",
        "model gpt-4 7",
        "model gpt-4 0",
    ];
    assert_eq!(said, wanted);
}

#[test]
fn what_was_not_committed_was_not_said() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, _, models) = open(dir.path());
    let run = [sees(
        models,
        day("2027-02-25"),
        &[ends(Topic::Model, "m", "2027-03-02")],
    )];
    let mut tx = store.begin().unwrap();
    assert_eq!(tx.samples(&run).unwrap().len(), 1);
    drop(tx);
    assert_eq!(write(&mut store, &run), ["model m 7"]);
    assert!(write(&mut store, &run).is_empty());
}

#[test]
fn a_date_that_moves_is_said_anew_but_not_on_the_same_day() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, _, models) = open(dir.path());
    let mut see = |at: Timestamp, on: &str| {
        write(
            &mut store,
            &[sees(models, at, &[ends(Topic::Model, "m", on)])],
        )
    };
    let now = day("2027-02-01");
    assert_eq!(see(now, "2027-03-02"), ["model m 30"]);
    let hour = Duration::from_secs(3600);
    assert!(
        see(now + hour, "2027-03-03").is_empty(),
        "two dates in turn"
    );
    assert!(see(now + hour * 2, "2027-03-02").is_empty());
    assert!(see(now + hour * 3, "2027-03-03").is_empty());
    // Postponed: nothing to say, and then the thresholds of the new date.
    assert!(see(now + DAY * 2, "2027-06-01").is_empty());
    assert_eq!(see(day("2027-04-05"), "2027-06-01"), ["model m 60"]);
    // Brought forward.
    assert_eq!(see(day("2027-04-07"), "2027-04-10"), ["model m 7"]);
}

#[test]
fn several_probes_that_see_the_same_say_it_once() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, page, models) = open(dir.path());
    let end = [ends(Topic::Certificate, "x.org:443", "2027-03-02")];
    let now = day("2027-02-25");
    let both = [sees(page, now, &end), sees(models, now, &end)];
    assert_eq!(write(&mut store, &both), ["certificate x.org:443 7"]);
    let later = now + DAY * 3;
    let both = [sees(models, later, &end), sees(page, later, &end)];
    assert_eq!(write(&mut store, &both), ["certificate x.org:443 3"]);
}

#[test]
fn what_a_later_run_does_not_see_any_more_no_longer_stands() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, page, models) = open(dir.path());
    let now = day("2027-02-25");
    let model = ends(Topic::Model, "m", "2027-03-02");
    let certificate = ends(Topic::Certificate, "x.org:443", "2027-03-02");
    let both = [model.clone(), certificate.clone()];
    write(
        &mut store,
        &[sees(models, now, &both), sees(page, now, &[])],
    );
    assert_eq!(standing(dir.path()), ["m", "x.org:443"]);
    // No list came, and no certificate: nothing is known anew.
    let mut failed = sees(models, now, &[]);
    failed.outcome = Outcome::Failure(FailureKind::TlsHandshake, Fault::Provider);
    failed.failed_in = Some(Phase::Tls);
    write(&mut store, &[failed]);
    let mut failed = sees(models, now, std::slice::from_ref(&certificate));
    failed.outcome = Outcome::Failure(FailureKind::ServerError, Fault::Provider);
    write(&mut store, &[failed]);
    // A connection that was open already shows no certificate.
    let mut reused = sees(models, now, std::slice::from_ref(&model));
    reused.phases.tls_us = None;
    write(&mut store, &[reused]);
    assert_eq!(standing(dir.path()), ["m", "x.org:443"]);
    write(
        &mut store,
        &[sees(models, now, std::slice::from_ref(&model))],
    );
    assert_eq!(standing(dir.path()), ["m"]);
    let mut retired = sees(models, now, &[]);
    retired.outcome = Outcome::Failure(FailureKind::ModelRetired, Fault::Ours);
    write(&mut store, &[retired]);
    assert!(standing(dir.path()).is_empty());
    // It is back, and was said.
    assert!(write(&mut store, &[sees(models, now, &both)]).is_empty());
    assert_eq!(standing(dir.path()), ["m", "x.org:443"]);
    store.register("here", &[("openai", "page")]).unwrap();
    assert!(standing(dir.path()).is_empty(), "its probe is gone");
}

#[test]
fn dates_without_end_are_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, _, models) = open(dir.path());
    let now = day("2027-02-25");
    for n in 0..300 {
        let mut end = ends(Topic::Model, "m", "2027-03-02");
        end.at = end.at + Duration::from_secs(n);
        write(
            &mut store,
            &[sees(models, now + Duration::from_secs(n), &[end])],
        );
    }
    assert_eq!(standing(dir.path()).len(), 1);
    let raw = rusqlite_count(dir.path());
    assert!(raw <= 101, "{raw} rows");
}

fn rusqlite_count(dir: &Path) -> i64 {
    let conn = rusqlite::Connection::open(dir.join("watchfire.db")).unwrap();
    conn.query_row("SELECT count(*) FROM notice", [], |row| row.get(0))
        .unwrap()
}

#[test]
fn what_ends_soon_is_said_after_a_silence_once_and_stands_meanwhile_over_a_restart_too() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, page, models) = open(dir.path());
    let ends = [ends(
        Topic::Certificate,
        "llm.example.com:443",
        "2026-11-12",
    )];
    for hour in ["01:00", "02:00"] {
        let seen = sees(page, at(hour), &ends);
        assert_eq!(write_silently(&mut store, &[page], &[seen]), 0);
        assert_eq!(standing(dir.path()), ["llm.example.com:443"]);
    }
    drop(store);
    let (mut store, ..) = open(dir.path());
    let seen = sees(page, at("03:00"), &ends);
    assert_eq!(write_silently(&mut store, &[page], &[seen]), 0);
    let wanted = ["certificate llm.example.com:443 7"];
    assert_eq!(write(&mut store, &[sees(page, at("04:00"), &ends)]), wanted);
    let again = [
        sees(page, at("05:00"), &ends),
        sees(models, at("05:01"), &ends),
    ];
    assert_eq!(write(&mut store, &again), Vec::<String>::new());
}

#[test]
fn a_silence_of_one_probe_is_none_of_another_that_sees_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, page, models) = open(dir.path());
    let ends = [ends(
        Topic::Certificate,
        "llm.example.com:443",
        "2026-11-12",
    )];
    let both = [
        sees(page, at("01:00"), &ends),
        sees(models, at("01:01"), &ends),
    ];
    assert_eq!(write_silently(&mut store, &[page], &both), 1);
    assert_eq!(
        write(&mut store, &[sees(page, at("02:00"), &ends)]),
        Vec::<String>::new()
    );
}

#[test]
fn by_a_clock_that_may_be_wrong_nothing_is_said_and_nothing_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, page, _) = open(dir.path());
    let ends = [ends(
        Topic::Certificate,
        "llm.example.com:443",
        "2026-11-12",
    )];
    assert_eq!(
        write(&mut store, &[sees(page, at("01:00"), &ends)]).len(),
        1
    );
    let hush = Hush {
        clock: true,
        ..Hush::default()
    };
    let mut tx = store.begin().unwrap();
    let far = sees(page, day("2036-11-08"), &ends);
    let without = sees(page, day("2036-11-09"), &[]);
    assert_eq!(tx.samples_but(&[far, without], &hush).unwrap(), []);
    tx.commit().unwrap();
    assert_eq!(standing(dir.path()), ["llm.example.com:443"]);
}
