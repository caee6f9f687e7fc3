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
                while let Some(id) = life.settle(1800.0, at) {
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
