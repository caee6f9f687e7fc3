//! The store over a real file system.

use std::path::Path;
use std::time::Duration;

use watchfire::model::budget::Ration;
use watchfire::model::notification::{DeliveryReport, DeliveryResult, Letter};
use watchfire::model::{
    Cause, Cost, EventKind, Evidence, FailureKind, Fault, Findings, Headroom, IncidentEvent,
    IncidentId, IncidentKind, MicroUsd, Origin, Outcome, Phase, Phases, ProbeId, Sample, Severity,
    Timestamp, Usage, Verdict,
};
use watchfire::store::{
    About, Days, DeliveryState, IncidentFilter, OpenError, Past, RationRow, Reader, Retention,
    Spending, Store,
};

fn start() -> Timestamp {
    Timestamp::parse("2026-11-08T13:42:00Z").unwrap()
}

fn sample(probe: ProbeId, at: Timestamp, outcome: Outcome) -> Sample {
    Sample {
        probe,
        at,
        outcome,
        origin: Origin::Scheduled,
        status: Some(200),
        failed_in: None,
        phases: Phases {
            dns_us: Some(412),
            connect_us: Some(1_100),
            tls_us: Some(20_300),
            first_byte_us: Some(150_200),
            body_us: Some(12_000),
            first_token_us: None,
            longest_gap_us: None,
        },
        total_us: 184_100,
        bytes: 812,
        evidence: None,
        found: None,
    }
}

fn probe(store: &mut Store) -> ProbeId {
    store.register("here", &[("openai", "chat")]).unwrap()[0].1
}

fn write(store: &mut Store, samples: &[Sample]) {
    let mut tx = store.begin().unwrap();
    tx.samples(samples).unwrap();
    tx.commit().unwrap();
}

#[test]
fn every_kind_of_run_comes_back_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let probe = probe(&mut store);
    let mut outcomes = vec![Outcome::Success];
    for kind in FailureKind::ALL {
        outcomes.push(Outcome::Degraded(*kind));
        outcomes.extend(Fault::ALL.iter().map(|f| Outcome::Failure(*kind, *f)));
    }
    outcomes.extend(Cause::ALL.iter().map(|c| Outcome::Inconclusive(*c)));
    let mut samples = Vec::new();
    for (n, outcome) in outcomes.iter().enumerate() {
        let mut run = sample(
            probe,
            start() + Duration::from_micros(n as u64 * 7),
            *outcome,
        );
        run.origin = if n % 2 == 0 {
            Origin::Scheduled
        } else {
            Origin::Recheck
        };
        run.failed_in = Phase::ALL.get(n % 6).copied();
        run.status = (n % 3 > 0).then_some(500 + n as u16);
        run.phases.tls_us = (n % 4 > 0).then_some(n as u32);
        run.phases.first_token_us = (n % 5 > 0).then_some(n as u32);
        run.total_us = u32::try_from(n).unwrap() * 100_000;
        run.evidence = (n % 2 > 0).then(|| {
            Box::new(Evidence {
                text: format!("text {}", n % 9),
                request_id: (n % 4 > 1).then(|| n.to_string()),
            })
        });
        samples.push(run);
    }
    write(&mut store, &samples);
    assert_eq!(store.samples_after(probe, None, 10_000).unwrap(), samples);
    let later = store.samples_after(probe, Some(samples[3].at), 2).unwrap();
    assert_eq!(later, samples[4..6]);
}

#[test]
fn the_same_names_get_the_same_numbers_and_those_not_named_are_no_longer_shown() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let mut register = |names: &[(&str, &str)]| store.register("here", names).unwrap();
    let both = register(&[("a", "chat"), ("b", "chat")]);
    assert_eq!(register(&[("b", "chat")]), both[1..]);
    let reader = Reader::open(dir.path()).unwrap();
    let shown = |reader: &Reader| {
        let services = reader.services().unwrap();
        services.into_iter().map(|s| s.name).collect::<Vec<_>>()
    };
    assert_eq!(shown(&reader), ["b"]);
    let more = register(&[("b", "chat"), ("a", "web"), ("a", "chat")]);
    assert_eq!([more[0], more[2]], [both[1], both[0]]);
    assert_eq!(more[1].0, both[0].0);
    assert_eq!(shown(&reader), ["a", "b"]);
    let elsewhere = store.register("there", &[("a", "chat")]).unwrap();
    assert_eq!(elsewhere[0].0, both[0].0);
    assert_ne!(elsewhere[0].1, both[0].1);
    assert_eq!(shown(&reader), ["a", "b"]);
}

#[test]
fn two_runs_with_the_same_start_are_both_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let probe = probe(&mut store);
    let run = sample(probe, start(), Outcome::Success);
    write(&mut store, &[run.clone(), run.clone()]);
    assert_eq!(store.samples_after(probe, None, 10).unwrap().len(), 2);
}

#[test]
fn probes_that_are_known_are_registered_without_a_write_and_one_that_goes_is_seen_to_go() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let both = [("openai", "chat"), ("openai", "web")];
    let ids = store.register("here", &both).unwrap();
    let log = || std::fs::read(dir.path().join("watchfire.db-wal")).unwrap();
    let before = log();
    assert_eq!(store.register("here", &both).unwrap(), ids);
    assert!(log() == before, "something was written");
    assert_eq!(store.register("here", &both[..1]).unwrap(), ids[..1]);
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(reader.services().unwrap()[0].probes.len(), 1);
    assert_eq!(store.register("here", &both).unwrap(), ids);
    assert_eq!(reader.services().unwrap()[0].probes.len(), 2);
}

#[test]
fn a_second_store_on_a_directory_is_told_whose_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let first = Store::open(dir.path()).unwrap();
    let refused = Store::open(dir.path()).unwrap_err();
    assert!(
        matches!(refused, OpenError::Locked { pid: Some(pid), .. } if pid == std::process::id())
    );
    drop(first);
    Store::open(dir.path()).unwrap();
}

#[test]
fn a_database_of_a_newer_version_is_refused_and_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    drop(Store::open(dir.path()).unwrap());
    let file = dir.path().join("watchfire.db");
    let mut bytes = std::fs::read(&file).unwrap();
    // Offset 60 of the header is user_version, big-endian.
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    std::fs::write(&file, &bytes).unwrap();
    assert!(matches!(
        Store::open(dir.path()),
        Err(OpenError::Newer { found: 99, .. })
    ));
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
}

#[test]
fn a_damaged_database_is_moved_aside_and_a_usable_one_begun() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let id = probe(&mut store);
    let runs: Vec<Sample> = (0..500)
        .map(|n| sample(id, start() + Duration::from_secs(n), Outcome::Success))
        .collect();
    write(&mut store, &runs);
    drop(store);
    let file = dir.path().join("watchfire.db");
    let whole = std::fs::read(&file).unwrap();
    for seed in 0..100 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut bytes = whole.clone();
        for _ in 0..20 {
            let at = random.usize(..bytes.len());
            bytes[at] = random.u8(..);
        }
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("watchfire.db"), bytes).unwrap();
        let Ok(mut store) = Store::open(dir.path()) else {
            // Where the version's own bytes were hit, it is a newer one as far as anybody can tell.
            continue;
        };
        let id = probe(&mut store);
        let mut tx = store.begin().unwrap();
        if tx
            .samples(&[sample(
                id,
                start() + Duration::from_secs(9_999),
                Outcome::Success,
            )])
            .is_ok()
        {
            tx.commit().unwrap();
        }
    }
}

fn event(incident: u64, sequence: u32, event: EventKind, at: Timestamp) -> IncidentEvent {
    IncidentEvent {
        incident: IncidentId(incident),
        sequence,
        event,
        kind: IncidentKind::Errors,
        cause: None,
        slow: None,
        retired: false,
        severity: if sequence == 1 {
            Severity::Major
        } else {
            Severity::Partial
        },
        at,
        since: at,
        verdict: Verdict {
            failed: 8,
            of: 19,
            usual: 0.003,
            window_s: 360.0,
            score: 14.2,
            bound: 12.4,
        },
    }
}

fn letter(message_id: &str, recipient: &str) -> Letter {
    Letter {
        recipient: recipient.to_owned(),
        message_id: message_id.to_owned(),
        bytes: b"Subject: x\r\n\r\n".to_vec(),
    }
}

#[test]
fn an_incident_keeps_its_worst_severity_and_counts_its_returns() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let service = store.register("here", &[("openai", "chat")]).unwrap()[0].0;
    let life = [
        EventKind::Open,
        EventKind::Escalate,
        EventKind::Close,
        EventKind::Reopen,
        EventKind::Close,
    ];
    for (n, kind) in life.iter().enumerate() {
        let step = event(
            1,
            n as u32,
            *kind,
            start() + Duration::from_secs(60 * n as u64),
        );
        let mut tx = store.begin().unwrap();
        tx.event(service, &step).unwrap();
        tx.event(service, &step).unwrap();
        tx.commit().unwrap();
    }
    assert_eq!(store.next_incident().unwrap(), IncidentId(2));
    let reader = Reader::open(dir.path()).unwrap();
    let rows = reader.incidents(IncidentFilter::default()).unwrap();
    assert_eq!(
        (rows.len(), rows[0].severity, rows[0].reopened),
        (1, Severity::Major, 1)
    );
    assert_eq!(rows[0].closed_at, Some(start() + Duration::from_secs(240)));
    assert_eq!(reader.incident(IncidentId(1)).unwrap().unwrap().1.len(), 5);
}

#[test]
fn a_recovery_waits_for_its_alarm_and_other_recipients_do_not() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let mut tx = store.begin().unwrap();
    for (sequence, kind) in [(0, EventKind::Open), (1, EventKind::Close)] {
        let about = About {
            incident: IncidentId(1),
            sequence,
            event: kind,
        };
        for who in ["a@x.org", "b@x.org"] {
            tx.letter(
                Some(about),
                &letter(&format!("<{sequence}.{who}>"), who),
                start(),
            )
            .unwrap();
        }
    }
    tx.commit().unwrap();
    let reader = Reader::open(dir.path()).unwrap();
    let now = start() + Duration::from_secs(1);
    let due = |now| -> Vec<String> {
        reader
            .due(now, 10)
            .unwrap()
            .into_iter()
            .map(|p| p.letter.message_id)
            .collect()
    };
    assert_eq!(due(now), ["<0.a@x.org>", "<0.b@x.org>"]);
    let ids: Vec<i64> = reader.due(now, 10).unwrap().iter().map(|p| p.id).collect();
    let later = now + Duration::from_secs(60);
    let mut tx = store.begin().unwrap();
    for (id, result) in [
        (ids[0], DeliveryResult::Deferred(later)),
        (ids[1], DeliveryResult::Sent),
    ] {
        tx.report(&DeliveryReport {
            id,
            at: now,
            result,
            reached: true,
            reply: "said".to_owned(),
        })
        .unwrap();
    }
    tx.commit().unwrap();
    assert_eq!(due(now), ["<1.b@x.org>"]);
    assert_eq!(due(later), ["<0.a@x.org>", "<1.b@x.org>"]);
    let deliveries = reader.deliveries(IncidentId(1)).unwrap();
    assert_eq!(deliveries[0].attempts, 1);
    assert_eq!(deliveries[1].state, DeliveryState::Sent);
}

fn many_probes(store: &mut Store, n: usize) -> Vec<ProbeId> {
    let names: Vec<String> = (0..n).map(|n| format!("probe-{n}")).collect();
    let pairs: Vec<(&str, &str)> = names.iter().map(|n| ("service", n.as_str())).collect();
    let numbers = store.register("here", &pairs).unwrap();
    numbers.into_iter().map(|p| p.1).collect()
}

#[test]
fn a_sample_takes_at_most_48_bytes_evidence_of_failures_included() {
    const ROUNDS: u64 = 600;
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let probes = many_probes(&mut store, 200);
    let mut random = fastrand::Rng::with_seed(1);
    let failed = Outcome::Failure(FailureKind::ServerError, Fault::Provider);
    for round in 0..ROUNDS {
        let runs: Vec<Sample> = probes
            .iter()
            .map(|probe| {
                let at = start() + Duration::from_secs(round * 30);
                let mut run = sample(*probe, at, Outcome::Success);
                run.at = run.at + Duration::from_micros(random.u64(..30_000_000));
                // A resolver with a cache, a provider at 1 to 30 ms, a full handshake, an answer of a second at most.
                let phases = &mut run.phases;
                let parts = [
                    (&mut phases.dns_us, 200..5_000),
                    (&mut phases.connect_us, 800..30_000),
                    (&mut phases.tls_us, 9_000..120_000),
                    (&mut phases.first_byte_us, 100_000..900_000),
                    (&mut phases.body_us, 200..30_000),
                ];
                run.total_us = random.u32(50..400);
                for (part, range) in parts {
                    let took = random.u32(range);
                    *part = Some(took);
                    run.total_us += took;
                }
                run.bytes = random.u32(200..40_000);
                if random.f64() < 0.005 {
                    run.outcome = failed;
                    run.status = Some(503);
                    let text = format!("HTTP 503: overloaded, ray {:016x}", random.u64(..));
                    let request_id = Some(format!("req_{:016x}", random.u64(..)));
                    run.evidence = Some(Box::new(Evidence { text, request_id }));
                }
                run
            })
            .collect();
        write(&mut store, &runs);
    }
    drop(store);
    let file = std::fs::metadata(dir.path().join("watchfire.db")).unwrap();
    let bytes = file.len() as f64 / (200.0 * ROUNDS as f64);
    assert!(bytes <= 48.0, "{bytes} bytes a sample");
}

/// A number that the database's header holds.
fn header(dir: &Path, at: usize) -> u32 {
    let bytes = std::fs::read(dir.join("watchfire.db")).unwrap();
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

#[test]
fn what_is_pruned_is_given_back_to_the_file_system_in_bounded_pieces() {
    /// Offsets in the header: pages of the file, and those of them that are free.
    const PAGES: usize = 28;
    const FREE: usize = 36;
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let probes = many_probes(&mut store, 20);
    for round in 0..1_000 {
        let at = start() + Duration::from_secs(round * 30);
        let runs: Vec<Sample> = probes
            .iter()
            .map(|probe| sample(*probe, at, Outcome::Success))
            .collect();
        write(&mut store, &runs);
    }
    drop(store);
    let full = header(dir.path(), PAGES);
    let mut store = Store::open(dir.path()).unwrap();
    let later = start() + Duration::from_secs(86_400 * 30);
    let (mut rows, mut pieces) = (0, 0);
    loop {
        let piece = store.prune(later, &Retention::default(), 1_000).unwrap();
        assert!(piece.rows <= 1_000);
        (rows, pieces) = (rows + piece.rows, pieces + 1);
        if !piece.more {
            break;
        }
    }
    drop(store);
    assert_eq!(rows, 20_000);
    assert!(pieces >= 20);
    assert_eq!(header(dir.path(), FREE), 0);
    assert!(header(dir.path(), PAGES) < full / 4, "of {full} pages");
}

#[test]
fn a_piece_of_pruning_visits_a_bounded_number_of_probes_and_all_are_visited_in_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let probes = many_probes(&mut store, 2_000);
    let last = *probes.last().unwrap();
    write(&mut store, &[sample(last, start(), Outcome::Success)]);
    let later = start() + Duration::from_secs(86_400 * 30);
    let mut rows = Vec::new();
    loop {
        let piece = store.prune(later, &Retention::default(), 1_000).unwrap();
        rows.push(piece.rows);
        if !piece.more {
            break;
        }
    }
    assert!(rows.len() >= 8, "2,000 probes in {} pieces", rows.len());
    assert_eq!(rows.iter().sum::<u64>(), 1);
    assert_eq!(store.samples_after(last, None, 1).unwrap(), []);
}

#[test]
fn an_hour_is_summed_once_it_is_over_and_old_runs_are_pruned_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let id = probe(&mut store);
    let hour = start().hour();
    let failed = Outcome::Failure(FailureKind::ServerError, Fault::Provider);
    let runs: Vec<Sample> = (0..120)
        .map(|n| {
            sample(
                id,
                hour + Duration::from_secs(n * 30),
                if n < 7 { failed } else { Outcome::Success },
            )
        })
        .collect();
    write(&mut store, &runs);
    assert_eq!(
        store.roll_up(hour + Duration::from_secs(3600), 10).unwrap(),
        0
    );
    assert_eq!(
        store.roll_up(hour + Duration::from_secs(4000), 10).unwrap(),
        1
    );
    let month = hour + Duration::from_secs(86_400 * 30);
    while store.prune(month, &Retention::default(), 50).unwrap().more {}
    assert!(store.samples_after(id, None, 10).unwrap().is_empty());
    let reader = Reader::open(dir.path()).unwrap();
    let rollup = reader.rollup(id, hour).unwrap().unwrap();
    assert_eq!(
        (rollup.n, rollup.failed, rollup.durations.count()),
        (120, 7, 113)
    );
}

#[test]
fn days_and_weeks_hold_each_hour_once_however_often_it_is_summed_up() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let id = probe(&mut store);
    let origin = Timestamp::parse("2026-11-06T00:00:00Z").unwrap();
    let hour = |n: u32| origin + Duration::from_secs(3600) * n;
    let failed = Outcome::Failure(FailureKind::ServerError, Fault::Provider);
    let run = |at, outcome| {
        let mut run = sample(id, at, outcome);
        run.phases.first_token_us = Some(90_000);
        run
    };
    // Three days; one run in each hour fails.
    let runs: Vec<Sample> = (0..72 * 60)
        .map(|n| {
            let outcome = if n % 60 == 0 {
                failed
            } else {
                Outcome::Success
            };
            run(origin + Duration::from_secs(60) * n, outcome)
        })
        .collect();
    write(&mut store, &runs);
    let reader = Reader::open(dir.path()).unwrap();
    let past = |from, to, days| reader.past(&[id], from, to, days).unwrap().remove(0);
    let failures = |past: &Past| -> u64 {
        let failed = past.results.iter().filter(|(o, ..)| *o == Some(failed));
        failed.map(|(.., n)| n).sum()
    };
    let all = past(origin, None, Days::Apart);
    assert_eq!(
        (
            failures(&all),
            all.durations.count(),
            all.first_tokens.count()
        ),
        (72, 72 * 59, 72 * 59)
    );
    // The same from the sums; the last two hours are not over.
    let now = hour(71);
    while store.roll_up(now, 7).unwrap() > 0 {}
    assert_eq!(past(origin, None, Days::Apart), all);
    assert_eq!(all.days.len(), 3);
    // A late one has its hour summed up again, and nothing else counts twice.
    write(
        &mut store,
        &[run(hour(30) + Duration::from_secs(7), failed)],
    );
    while store.roll_up(now, 7).unwrap() > 0 {}
    let later = past(origin, None, Days::Apart);
    assert_eq!((failures(&later), later.durations.count()), (73, 72 * 59));
    let of_days: u64 = later
        .days
        .iter()
        .flat_map(|(_, d)| d.iter())
        .map(|(.., n)| n)
        .sum();
    assert_eq!(of_days, 72 * 60 + 1);
    // Some hours only, from sums and from samples.
    assert_eq!(failures(&past(hour(5), Some(hour(29)), Days::Together)), 24);
    assert_eq!(failures(&past(hour(30), Some(hour(31)), Days::Together)), 2);
    assert_eq!(failures(&past(hour(70), None, Days::Together)), 2);
    // Without samples the sums are still there, and in the end they go too.
    let keep = Retention::default();
    let month = origin + Duration::from_secs(86_400 * 30);
    while store.prune(month, &keep, 500).unwrap().more {}
    assert_eq!(failures(&past(origin, Some(hour(48)), Days::Together)), 49);
    let years = origin + Duration::from_secs(86_400 * 800);
    while store.roll_up(years, 7).unwrap() > 0 {}
    while store.prune(years, &keep, 500).unwrap().more {}
    assert_eq!(past(origin, None, Days::Apart), Past::default());
}

#[test]
fn how_often_a_probe_was_to_run_is_known_from_when_it_was_configured_until_it_was_not() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let ids = store
        .register("here", &[("a", "chat"), ("a", "web")])
        .unwrap();
    let (chat, web) = (ids[0].1, ids[1].1);
    let at = |minutes| start() + Duration::from_secs(60) * minutes;
    let every = Duration::from_secs;
    store
        .note_paces(at(0), &[(chat, every(30)), (web, every(60))])
        .unwrap();
    store
        .note_paces(at(1), &[(chat, every(30)), (web, every(60))])
        .unwrap();
    store.register("here", &[("a", "chat")]).unwrap();
    store.note_paces(at(2), &[(chat, every(10))]).unwrap();
    store.note_paces(at(3), &[(chat, every(10))]).unwrap();
    let reader = Reader::open(dir.path()).unwrap();
    let paces = reader.paces().unwrap();
    assert_eq!(paces[&chat], [(at(0), every(30)), (at(2), every(10))]);
    assert_eq!(paces[&web], [(at(0), every(60)), (at(2), every(0))]);
    // What was in force at the begin of what is kept stays known.
    let later = at(1) + Duration::from_secs(86_400 * 730);
    while store.prune(later, &Retention::default(), 10).unwrap().more {}
    assert_eq!(reader.paces().unwrap()[&chat].len(), 2);
    let later = at(3) + Duration::from_secs(86_400 * 730);
    while store.prune(later, &Retention::default(), 10).unwrap().more {}
    assert_eq!(reader.paces().unwrap()[&chat], [(at(2), every(10))]);
}

#[test]
fn a_reader_sees_what_is_there_when_the_writer_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(
        Reader::open(Path::new(dir.path())),
        Err(OpenError::Absent(_))
    ));
    let mut store = Store::open(dir.path()).unwrap();
    let id = probe(&mut store);
    write(&mut store, &[sample(id, start(), Outcome::Success)]);
    drop(store);
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(reader.last_sample(id).unwrap().map(|s| s.at), Some(start()));
    assert_eq!(reader.tally(id, start()).unwrap().up, 1);
}

#[test]
fn a_backup_is_a_database_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let id = probe(&mut store);
    write(&mut store, &[sample(id, start(), Outcome::Success)]);
    let copy = tempfile::tempdir().unwrap();
    store.backup(&copy.path().join("watchfire.db")).unwrap();
    let reader = Reader::open(copy.path()).unwrap();
    assert!(reader.last_sample(id).unwrap().is_some());
}

#[test]
fn a_backup_to_a_bare_or_relative_name_stands_in_the_working_directory() {
    /// Removes the file however the test ends.
    struct Gone(String);
    impl Drop for Gone {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let bare = Gone(format!("backup-test-{}.db", std::process::id()));
    let dotted = Gone(format!("./backup-test-{}-2.db", std::process::id()));
    for file in [&bare, &dotted] {
        store.backup(Path::new(&file.0)).unwrap();
        assert!(Path::new(&file.0).is_file());
    }
}

/// A run that cost something and was told of a limit.
fn costing(probe: ProbeId, at: Timestamp, cost: Option<Cost>, remaining: u64) -> Sample {
    let mut run = sample(probe, at, Outcome::Success);
    run.found = Some(Box::new(Findings {
        usage: Some(Usage {
            input_tokens: 40,
            output_tokens: 2,
            ..Usage::default()
        }),
        cost,
        headroom: vec![Headroom {
            resource: "tokens".to_owned(),
            limit: Some(1_000),
            remaining,
            resets_in: Some(Duration::from_secs(6)),
        }],
        ..Findings::default()
    }));
    run
}

#[test]
fn what_runs_cost_is_summed_by_day_and_unknown_costs_are_counted_as_such() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let probe = probe(&mut store);
    let day = |n: u32| start() + Duration::from_secs(86_400) * n;
    let known = Some(Cost::Known(MicroUsd(16)));
    let runs = [
        costing(probe, day(0), known, 1),
        costing(
            probe,
            day(0) + Duration::from_secs(1),
            Some(Cost::Unknown),
            1,
        ),
        costing(probe, day(0) + Duration::from_secs(2), None, 1),
        costing(probe, day(1), known, 1),
        sample(probe, day(1), Outcome::Success),
    ];
    write(&mut store, &runs);
    write(
        &mut store,
        &[costing(probe, day(1) + Duration::from_secs(9), known, 1)],
    );
    let row = |n: u32, runs, priced, cost| Spending {
        probe,
        day: Timestamp::parse("2026-11-08T00:00:00Z").unwrap() + Duration::from_secs(86_400) * n,
        runs,
        priced,
        tokens: (40 * runs, 2 * runs),
        cost: MicroUsd(cost),
    };
    let want = [row(0, 2, 1, 16), row(1, 2, 2, 32)];
    assert_eq!(store.spending(day(1)).unwrap(), want);
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(reader.spending(day(1)).unwrap(), want[1..]);
}

#[test]
fn the_low_water_mark_of_each_five_minutes_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let probe = probe(&mut store);
    let at = |seconds| start() + Duration::from_secs(seconds);
    let left = [(0, 900), (30, 80), (60, 700), (400, 950)];
    let mut runs: Vec<Sample> = left
        .iter()
        .map(|(seconds, left)| costing(probe, at(*seconds), None, *left))
        .collect();
    let unsaid = &mut runs[3].found.as_mut().unwrap().headroom;
    let mut requests = unsaid[0].clone();
    (requests.resource, requests.limit) = ("requests".to_owned(), None);
    unsaid.push(requests);
    write(&mut store, &runs);
    let reader = Reader::open(dir.path()).unwrap();
    let limits = reader.limits(probe, start()).unwrap();
    let shown: Vec<(&str, Vec<(u64, u64)>)> = limits
        .iter()
        .map(|l| {
            let marks = l.marks.iter().map(|m| (m.remaining, m.limit));
            (l.resource.as_str(), marks.collect())
        })
        .collect();
    // What does not say its size counts as large as the most that was seen of it.
    let want = [
        ("requests", vec![(950, 950)]),
        ("tokens", vec![(80, 1_000), (950, 1_000)]),
    ];
    assert_eq!(shown, want);
    assert_eq!(limits[1].marks[0].at, runs[1].known_at());
    assert_eq!(limits[1].marks[0].resets_in, Some(Duration::from_secs(6)));
    assert_eq!(reader.limits(probe, at(900)).unwrap(), []);
}

#[test]
fn the_latest_ration_is_known_and_old_rows_go_but_for_that() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let probe = probe(&mut store);
    let row = |seconds, ration| RationRow {
        probe,
        at: start() + Duration::from_secs(seconds),
        ration,
    };
    let mut tx = store.begin().unwrap();
    for row in [
        row(0, Ration::OneIn(2)),
        row(60, Ration::FULL),
        row(120, Ration::Nothing),
    ] {
        tx.ration(&row).unwrap();
    }
    tx.samples(&[costing(probe, start(), Some(Cost::Unknown), 5)])
        .unwrap();
    tx.commit().unwrap();
    let want = [row(120, Ration::Nothing)];
    assert_eq!(store.rations().unwrap(), want);
    let later = start() + Duration::from_secs(86_400 * 1_000);
    while store.prune(later, &Retention::default(), 1).unwrap().more {}
    assert_eq!(store.rations().unwrap(), want);
    assert_eq!(store.spending(start()).unwrap(), []);
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(reader.limits(probe, start()).unwrap(), []);
    drop(store);
    let file = dir.path().join("watchfire.db");
    let conn = rusqlite::Connection::open(file).unwrap();
    let kept: i64 = conn
        .query_row("SELECT count(*) FROM ration", [], |r| r.get(0))
        .unwrap();
    assert_eq!(kept, 1);
}

#[test]
fn a_database_that_could_not_be_opened_again_is_opened_when_it_is_there_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let known = store.register("here", &[("openai", "chat")]).unwrap();
    let (database, away) = (dir.path().join("watchfire.db"), dir.path().join("away"));
    std::fs::rename(&database, &away).unwrap();
    std::fs::create_dir(&database).unwrap();
    let other = watchfire::store::StoreError::Other("whatever it was".into());
    assert!(store.reopen(&other).is_err());
    assert!(store.is_closed());
    std::fs::remove_dir(&database).unwrap();
    std::fs::rename(&away, &database).unwrap();
    store.reopen(&other).unwrap();
    assert!(!store.is_closed());
    assert_eq!(
        store.register("here", &[("openai", "chat")]).unwrap(),
        known
    );
}
