//! The table of an incident's life is whole, and `Life` keeps to it.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

#[test]
fn every_state_has_a_way_out_and_every_one_can_be_reached() {
    let mut reached: HashSet<Option<IncidentState>> = HashSet::from([None]);
    while TABLE
        .iter()
        .any(|way| reached.contains(&way.from) && reached.insert(Some(way.to)))
    {}
    for state in [Open, Recovered, Final] {
        assert!(reached.contains(&Some(state)), "{state} is never reached");
    }
    for state in [None, Some(Open), Some(Recovered)] {
        assert!(
            TABLE
                .iter()
                .any(|way| way.from == state && Some(way.to) != state),
            "{state:?} is never left"
        );
    }
    assert!(!TABLE.iter().any(|way| way.from == Some(Final)));
}

#[test]
fn no_state_and_turn_stand_twice() {
    let mut seen = HashSet::new();
    for way in TABLE {
        assert!(seen.insert((way.from, way.turn)), "{way:?}");
    }
}

#[test]
fn only_the_end_of_a_watch_is_quiet() {
    for way in TABLE {
        let end_of_watch = (way.from, way.to) == (Some(Recovered), Final);
        assert_eq!(way.event.is_none(), end_of_watch, "{way:?}");
    }
}

fn verdict() -> Verdict {
    Verdict {
        failed: 3,
        of: 3,
        usual: 0.005,
        window_s: 60.0,
        score: 13.0,
        bound: 12.4,
    }
}

fn change(code: u8, at: Timestamp) -> Change {
    let episode = Episode {
        severity: Severity::Partial,
        failed: 2,
        of: 5,
    };
    let (since, verdict, usual) = (at, verdict(), 0.005);
    match code {
        0 | 1 => Change::Risen {
            again: code == 1,
            severity: Severity::Partial,
            since,
            verdict,
        },
        2 => Change::Worse { since, verdict },
        3 => Change::Better { since, verdict },
        4 => Change::Recovered {
            since,
            episode,
            usual,
        },
        _ => Change::Retired {
            since,
            episode,
            usual,
        },
    }
}

proptest! {
    #[test]
    fn whatever_happens_an_incident_opens_before_it_closes_and_is_final_once(
        turns in prop::collection::vec((0u8..8, 0u32..3600), 0..200),
    ) {
        let (mut life, mut next) = (Life::default(), IncidentId(1));
        let mut now = 1.7e9;
        let mut open: Option<IncidentId> = None;
        let mut finals: Vec<IncidentId> = Vec::new();
        let mut last: Option<(IncidentId, u32)> = None;
        for (code, wait) in turns {
            now += f64::from(wait);
            let at = Timestamp::from_seconds(now);
            if code == 6 {
                life.retire();
                continue;
            }
            if code == 7 {
                while let Some(id) = life.settle(Duration::from_secs(1800), at) {
                    prop_assert!(!finals.contains(&id));
                    finals.push(id);
                }
                continue;
            }
            let before = life.clone();
            let Some(event) = life.enter(Theme::ERRORS, change(code, at), at, &mut next) else {
                // A turn that cannot happen changes nothing but the list of those that are to be settled.
                let retired = code == 5 && before.state() == Some(Recovered);
                let stays = before.incident.filter(|_| !retired);
                prop_assert_eq!(&life.incident, &stays);
                continue;
            };
            match last {
                Some((id, sequence)) if id == event.incident => prop_assert_eq!(event.sequence, sequence + 1),
                _ => prop_assert_eq!((event.event, event.sequence), (EventKind::Open, 0)),
            }
            last = Some((event.incident, event.sequence));
            match event.event {
                EventKind::Open => {
                    prop_assert_eq!(open, None, "two opens without a close");
                    open = Some(event.incident);
                }
                EventKind::Reopen => {
                    prop_assert_eq!(open, None);
                    prop_assert!(!finals.contains(&event.incident));
                    open = Some(event.incident);
                }
                EventKind::Escalate | EventKind::Deescalate => prop_assert_eq!(open, Some(event.incident)),
                EventKind::Close => {
                    prop_assert_eq!(open, Some(event.incident));
                    open = None;
                }
            }
            let again: Life = serde_json::from_str(&serde_json::to_string(&life).unwrap()).unwrap();
            prop_assert_eq!(&again, &life);
        }
    }
}

const HOUR: Duration = Duration::from_secs(3600);

/// A life in which trouble of ten minutes begins at each of these moments, in hours; and how long the end of the last
/// was watched, with the number of its incident.
fn troubles(hours: &[f64]) -> (Duration, IncidentId) {
    let (mut life, mut next) = (Life::default(), IncidentId(1));
    let mut incident = IncidentId(0);
    for begin in hours {
        let from = Timestamp::from_seconds(begin * 3600.0);
        let to = from + Duration::from_secs(600);
        while life.settle(HOUR, from).is_some() {}
        let again = life.state() == Some(Recovered);
        let rise = change(u8::from(again), from);
        let opened = life.enter(Theme::ERRORS, rise, from, &mut next).unwrap();
        incident = opened.incident;
        assert!(
            life.enter(Theme::ERRORS, change(4, to), to, &mut next)
                .is_some()
        );
    }
    (life.watch(HOUR), incident)
}

#[test]
fn each_relapse_doubles_the_watch_up_to_eight_hours() {
    let watched = |hours: &[f64]| troubles(hours).0;
    assert_eq!(watched(&[0.0]), HOUR);
    assert_eq!(watched(&[0.0, 0.5]), HOUR * 2);
    assert_eq!(watched(&[0.0, 0.5, 2.5]), HOUR * 4);
    assert_eq!(watched(&[0.0, 0.5, 2.5, 6.0]), HOUR * 8);
    assert_eq!(watched(&[0.0, 0.5, 2.5, 6.0, 14.0]), HOUR * 8);
    assert_eq!(watch(HOUR * 24, 5), HOUR * 24, "a longer wish stays");
    assert_eq!(watch(HOUR, u32::MAX), HOUR * 8);
}

#[test]
fn a_new_incident_soon_after_the_last_is_a_relapse_too_and_one_much_later_is_not() {
    assert_eq!(troubles(&[0.0, 3.0]), (HOUR * 2, IncidentId(2)));
    assert_eq!(troubles(&[0.0, 3.0, 5.0]), (HOUR * 4, IncidentId(2)));
    assert_eq!(troubles(&[0.0, 8.5]), (HOUR, IncidentId(2)));
    assert_eq!(troubles(&[0.0, 0.5, 2.5, 11.0]), (HOUR, IncidentId(2)));
}

#[test]
fn what_came_back_long_ago_is_forgotten() {
    let (mut life, mut next) = (Life::default(), IncidentId(1));
    let from = Timestamp::from_seconds(0.0);
    life.enter(Theme::ERRORS, change(0, from), from, &mut next);
    life.enter(Theme::ERRORS, change(4, from), from, &mut next);
    assert_eq!(life.settle(HOUR, from + HOUR), Some(IncidentId(1)));
    assert_eq!(life.settle(HOUR, from + LONGEST_WATCH), None);
    assert_eq!(life, Life::default());
}

#[test]
fn the_documentation_shows_the_table() {
    let shown = include_str!("../../docs/incidents.md");
    for line in table().lines() {
        assert!(
            shown.contains(line),
            "docs/incidents.md lacks this line:\n{line}"
        );
    }
}

/// The table as the documentation has it.
fn table() -> String {
    let name = |state: Option<IncidentState>| state.map_or("none", IncidentState::name);
    let row = |way: &Way| {
        format!(
            "| {} | {} | {} | {} |",
            name(way.from),
            way.turn.words(),
            way.to.name(),
            way.event.map_or("nothing", EventKind::name)
        )
    };
    TABLE.iter().map(row).collect::<Vec<_>>().join("\n")
}
