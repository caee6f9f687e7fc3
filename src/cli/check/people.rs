//! Who would be told of a service's trouble, and when: each recipient with what lets him be called, and where nobody is.

use std::time::Duration;

use crate::config::Service;
use crate::model::roster::{Matter, Roster, Seat};
use crate::model::{IncidentKind, Severity, Timestamp};

/// A week, looked at each quarter of an hour.
const STEPS: u32 = 7 * 24 * 4;
const STEP: Duration = Duration::from_secs(900);

/// `oncall@example.com, night@example.com (from major on, 20:00-08:00 UTC)`; a line each where there are conditions.
pub(super) fn cell(service: &Service) -> String {
    let roster = service.alert.roster();
    if roster.seats.is_empty() {
        return "nobody".to_owned();
    }
    let plain = roster
        .seats
        .iter()
        .all(|s| *s == Seat::always(s.who.clone()));
    let seats: Vec<String> = roster.seats.iter().map(seat).collect();
    seats.join(if plain { ", " } else { "\n" })
}

fn seat(seat: &Seat) -> String {
    let mut when: Vec<String> = Vec::new();
    when.extend(seat.from.map(|from| format!("from {from} on")));
    when.extend(seat.hours.as_ref().map(ToString::to_string));
    if !seat.after.is_zero() {
        let after = humantime::format_duration(seat.after);
        when.push(format!("after {after} without `ack`"));
    }
    if when.is_empty() {
        seat.who.clone()
    } else {
        format!("{} ({})", seat.who, when.join(", "))
    }
}

/// What else is to be known of it: quiet hours, and when nobody is told at once of a major outage.
pub(super) fn notes(service: &Service, now: Timestamp) -> Vec<String> {
    let roster = service.alert.roster();
    let mut notes = Vec::new();
    if let Some(quiet) = &roster.quiet {
        notes.push(format!(
            "{}: what can wait (slow answers, degradations, notices, reminders) is not mailed in {quiet}",
            service.name
        ));
    }
    if let Some(at) = unwatched(&roster, now) {
        notes.push(format!(
            "{}: nobody is told at once of a major outage at {at}, for one; it is told when somebody's hours begin",
            service.name
        ));
    }
    notes
}

/// A moment of the coming week at which nobody would be told at once of a major outage.
fn unwatched(roster: &Roster, now: Timestamp) -> Option<Timestamp> {
    if roster.seats.is_empty() {
        return None;
    }
    let matter = Matter {
        kind: IncidentKind::Errors,
        severity: Severity::Major,
        told_for: Duration::ZERO,
        acked: false,
    };
    let quarter = STEP.as_micros() as i64;
    let start = Timestamp::from_micros((now.as_micros() / quarter) * quarter);
    let mut moments = (1..=STEPS).map(|n| start + STEP * n);
    moments.find(|at| roster.told(&matter, *at).is_empty())
}

/// One object a recipient.
pub(super) fn to_json(service: &Service) -> serde_json::Value {
    let seat = |s: &Seat| {
        serde_json::json!({
            "who": s.who,
            "from": s.from.map(|f| f.name()),
            "hours": s.hours.as_ref().map(ToString::to_string),
            "after_s": s.after.as_secs(),
        })
    };
    let roster = service.alert.roster();
    serde_json::json!({
        "people": roster.seats.iter().map(seat).collect::<Vec<_>>(),
        "quiet": roster.quiet.as_ref().map(ToString::to_string),
        "most_per_hour": roster.most_per_hour,
    })
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;
    use crate::model::hours::Hours;

    #[test]
    fn a_week_in_which_nobody_is_on_duty_at_some_hour_is_found() {
        let hours = |span, days| Some(Hours::parse(span, days, Tz::UTC).unwrap());
        let seat = |hours| Seat {
            hours,
            ..Seat::always("a@b.c".to_owned())
        };
        let roster = |seats| Roster {
            seats,
            ..Roster::default()
        };
        // A Thursday.
        let now = Timestamp::parse("2026-11-26T12:07:00Z").unwrap();
        let day = seat(hours("08:00-20:00", None));
        let night = seat(hours("20:00-08:00", None));
        let weekdays = seat(hours("00:00-24:00", Some("mon-fri")));
        let at = |text: &str| Timestamp::parse(text);
        assert_eq!(unwatched(&roster(vec![day.clone(), night]), now), None);
        assert_eq!(
            unwatched(&roster(vec![day]), now),
            at("2026-11-26T20:00:00Z")
        );
        assert_eq!(
            unwatched(&roster(vec![weekdays]), now),
            at("2026-11-28T00:00:00Z")
        );
        assert_eq!(unwatched(&roster(vec![]), now), None);
    }
}
