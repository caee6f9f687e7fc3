//! What orders come to, and what stands when.

use super::*;

fn at(minute: u64) -> Timestamp {
    Timestamp::parse("2026-11-25T14:00:00Z").unwrap() + Duration::from_secs(60 * minute)
}

fn wish(kind: SpellKind, selector: &str, from: u64, until: u64) -> Wish {
    Wish {
        kind,
        selector: Selector::parse(selector).unwrap(),
        from: at(from),
        until: at(until),
        anchor: Anchor::Span,
        why: "why".to_owned(),
    }
}

fn order(minute: u64, ask: Ask) -> Order {
    Order {
        at: at(minute),
        who: "ann".to_owned(),
        ask,
    }
}

/// Says it, and applies what comes of it; the answer.
fn say(spells: &mut Spells, id: u64, minute: u64, ask: Ask) -> (String, bool) {
    let order = order(minute, ask);
    let decision = spells.decide(&order, SaidId(id), at(minute), |_| Known::Never);
    let granted = decision.effect.is_some();
    match decision.effect {
        Some(Effect::Begin(spell)) => spells.add(spell),
        Some(Effect::End(ids)) => {
            spells.end_now(&ids, &order.who, at(minute));
        }
        _ => {}
    }
    (decision.answer, granted)
}

fn silence(selector: &str, from: u64, until: u64) -> Ask {
    Ask::Begin(wish(SpellKind::Silence, selector, from, until))
}

fn maintenance(selector: &str, from: u64, until: u64) -> Ask {
    Ask::Begin(wish(SpellKind::Maintenance, selector, from, until))
}

fn end(kind: SpellKind, selector: &str) -> Ask {
    Ask::End {
        kind,
        target: Target::Selector(Selector::parse(selector).unwrap()),
    }
}

fn end_id(kind: SpellKind, id: u64) -> Ask {
    Ask::End {
        kind,
        target: Target::Id(SaidId(id)),
    }
}

#[test]
fn an_incident_is_silent_when_its_service_or_every_failing_probe_of_it_is() {
    for (selector, failing, silent) in [
        ("openai", &["chat", "image"][..], true),
        ("openai", &[][..], true),
        ("open*", &["chat"][..], true),
        ("anthropic", &["chat"][..], false),
        ("openai/chat", &["chat"][..], true),
        ("openai/chat", &["chat", "image"][..], false),
        ("openai/chat", &[][..], false),
        ("*/chat*", &["chat", "chat-stream"][..], true),
        ("openai/*", &[][..], true),
    ] {
        let mut spells = Spells::default();
        say(&mut spells, 1, 0, silence(selector, 0, 60));
        let found = spells.silence("openai", failing, at(30)).is_some();
        assert_eq!(found, silent, "{selector} {failing:?}");
    }
}

#[test]
fn a_silence_holds_from_its_begin_to_its_end_and_ends_once() {
    let mut spells = Spells::default();
    let (answer, granted) = say(&mut spells, 3, 0, silence("openai", 0, 120));
    assert!(granted);
    assert_eq!(
        answer,
        "silence 3: nothing of openai is mailed until 2026-11-25 16:00 UTC; all of it is recorded"
    );
    let holds = |spells: &Spells, minute| spells.silence("openai", &[], at(minute)).is_some();
    assert!(holds(&spells, 0) && holds(&spells, 119) && !holds(&spells, 120));
    assert!(spells.expire(at(119)).is_empty());
    let ended = spells.expire(at(121));
    assert_eq!(
        (ended[0].at, ended[0].by.clone(), ended.len()),
        (at(120), None, 1)
    );
    assert!(spells.expire(at(122)).is_empty());
    assert!(!say(&mut spells, 4, 122, end(SpellKind::Silence, "openai")).1);
}

#[test]
fn two_silences_of_one_service_hold_until_the_later_ends() {
    let mut spells = Spells::default();
    say(&mut spells, 1, 0, silence("openai", 0, 10));
    say(&mut spells, 2, 5, silence("open*", 5, 20));
    assert_eq!(spells.expire(at(10)).len(), 1);
    assert!(spells.silence("openai", &[], at(15)).is_some());
    assert_eq!(spells.expire(at(20)).len(), 1);
    assert!(spells.silence("openai", &[], at(20)).is_none());
}

#[test]
fn what_was_said_is_ended_by_number_or_by_selector_and_only_what_is_of_its_kind() {
    let mut spells = Spells::default();
    say(&mut spells, 1, 0, silence("openai", 0, 60));
    say(&mut spells, 2, 0, silence("openai", 0, 90));
    say(&mut spells, 3, 0, silence("anthropic", 0, 60));
    say(&mut spells, 4, 0, maintenance("openai", 0, 60));
    for (ask, answer) in [
        (
            end_id(SpellKind::Silence, 4),
            "there is no silence 4 that is not over",
        ),
        (
            end_id(SpellKind::Silence, 9),
            "there is no silence 9 that is not over",
        ),
        (
            end(SpellKind::Silence, "gemini"),
            "there is no silence of gemini that is not over",
        ),
        (end(SpellKind::Silence, "openai"), "silence 1, 2 is over"),
        (
            end(SpellKind::Silence, "openai"),
            "there is no silence of openai that is not over",
        ),
        (end_id(SpellKind::Silence, 3), "silence 3 is over"),
        (end_id(SpellKind::Maintenance, 4), "maintenance 4 is over"),
    ] {
        assert_eq!(say(&mut spells, 5, 1, ask).0, answer);
    }
}

#[test]
fn a_maintenance_is_remembered_for_runs_that_began_in_it() {
    let mut spells = Spells::default();
    say(&mut spells, 1, 0, maintenance("openai/chat", 10, 60));
    say(&mut spells, 2, 30, end_id(SpellKind::Maintenance, 1));
    let inside = |spells: &Spells, minute| {
        spells
            .maintenances("openai", "chat")
            .any(|s| s.holds(at(minute)))
    };
    assert!(
        !inside(&spells, 9) && inside(&spells, 10) && inside(&spells, 29) && !inside(&spells, 30)
    );
    assert!(spells.maintenances("openai", "image").next().is_none());
    spells.expire(at(100));
    assert!(inside(&spells, 29));
    spells.expire(at(200));
    assert!(!spells.any_maintenance());
}

#[test]
fn a_maintenance_that_is_ended_before_it_begins_never_was() {
    let mut spells = Spells::default();
    say(&mut spells, 1, 0, maintenance("openai", 60, 120));
    say(&mut spells, 2, 30, end_id(SpellKind::Maintenance, 1));
    let mut windows = spells.maintenances("openai", "chat");
    assert!(!windows.any(|s| s.holds(at(60)) || s.holds(at(30))));
}

#[test]
fn what_was_to_begin_before_now_begins_now() {
    let mut spells = Spells::default();
    say(&mut spells, 1, 30, maintenance("openai", 0, 60));
    let stretch = spells.maintenances("openai", "chat").next().unwrap();
    assert_eq!(
        stretch,
        Stretch {
            from: at(30),
            until: at(60)
        }
    );
}

#[test]
fn a_step_of_the_clock_moves_what_was_said_for_a_time_and_not_what_was_said_by_the_clock() {
    let mut spells = Spells::default();
    say(&mut spells, 1, 0, silence("a", 0, 60));
    let mut by_clock = wish(SpellKind::Silence, "b", 0, 60);
    by_clock.anchor = Anchor::Calendar;
    say(&mut spells, 2, 0, Ask::Begin(by_clock));
    spells.shift(2 * 3_600_000_000);
    assert!(spells.silence("a", &[], at(150)).is_some());
    assert!(spells.silence("b", &[], at(150)).is_none());
    let ended = spells.expire(at(150));
    assert_eq!(
        ended.iter().map(|e| e.spell.id).collect::<Vec<_>>(),
        [SaidId(2)]
    );
}

#[test]
fn only_an_open_incident_is_acknowledged() {
    let spells = Spells::default();
    let ask = order(
        0,
        Ask::Ack {
            incident: IncidentId(7),
            note: String::new(),
        },
    );
    let decide = |known| spells.decide(&ask, SaidId(1), at(0), |_| known);
    assert_eq!(decide(Known::Open).effect, Some(Effect::Ack(IncidentId(7))));
    for (known, answer) in [
        (
            Known::Over,
            "incident 7 is over: there is nothing to acknowledge",
        ),
        (Known::Never, "there is no incident 7"),
    ] {
        let answer = answer.to_owned();
        assert_eq!(
            decide(known),
            Decision {
                answer,
                effect: None
            }
        );
    }
}

#[test]
fn there_is_an_end_to_what_can_stand_at_a_time() {
    let mut spells = Spells::default();
    for id in 0..MOST as u64 {
        assert!(say(&mut spells, id, 0, silence("openai", 0, 60)).1);
    }
    let (answer, granted) = say(&mut spells, 1_000, 0, silence("openai", 0, 60));
    assert!(!granted && answer.contains("end some of them first"));
    spells.expire(at(60));
    assert!(say(&mut spells, 1_001, 60, silence("openai", 60, 61)).1);
}
