//! Who was told of which trouble, and who joins them: whose hours begin, or who is called because nobody has taken it up.
//!
//! Nobody is left with a "down" and without the "recovered": who was told once is told all that follows.
//! Pure, and kept with what was told.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::roster::{Matter, Roster};
use super::{EventKind, IncidentEvent, IncidentId, ServiceId, Timestamp};

/// Those who were told, by incident.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Crowds(BTreeMap<IncidentId, Crowd>);

/// Those who were told of one incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Crowd {
    service: ServiceId,
    /// Since when it is told as open; `None` once it has recovered.
    open: Option<Timestamp>,
    /// What was told last, unless that it recovered.
    latest: IncidentEvent,
    people: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    acked: bool,
}

/// Somebody who is told of what others know already.
#[derive(Debug, Clone, PartialEq)]
pub struct Joining {
    /// Of which service.
    pub service: ServiceId,
    /// What he is told.
    pub event: IncidentEvent,
    /// Who.
    pub people: Vec<String>,
}

impl Crowds {
    /// Takes an event that is told, and gives those who are told of it.
    pub fn tell(
        &mut self,
        roster: &Roster,
        service: ServiceId,
        event: &IncidentEvent,
        now: Timestamp,
    ) -> Vec<String> {
        let crowd = self.0.entry(event.incident).or_insert_with(|| Crowd {
            service,
            open: None,
            latest: *event,
            people: BTreeSet::new(),
            acked: false,
        });
        match event.event {
            EventKind::Close => {
                crowd.open = None;
                // Of whom nothing is known: whoever would have been told.
                if crowd.latest == *event {
                    let told = roster.told(&crowd.matter(now), now);
                    crowd.people.extend(told.into_iter().map(str::to_owned));
                }
            }
            _ => {
                crowd.open.get_or_insert(now);
                crowd.latest = *event;
                // It got worse or came back: new trouble, for somebody to take up.
                if matches!(event.event, EventKind::Escalate | EventKind::Reopen) {
                    crowd.acked = false;
                }
                let told = roster.told(&crowd.matter(now), now);
                crowd.people.extend(told.into_iter().map(str::to_owned));
            }
        }
        // Who was taken out of the list meanwhile is not bothered any more.
        let people = crowd.people.iter().filter(|p| roster.has(p));
        people.cloned().collect()
    }

    /// Takes an event in that is not told; those whose later mails it changes.
    pub fn note(&mut self, event: &IncidentEvent, now: Timestamp) -> Vec<String> {
        if let Some(crowd) = self.0.get_mut(&event.incident) {
            match event.event {
                EventKind::Close => crowd.open = None,
                EventKind::Open | EventKind::Reopen => {
                    crowd.open = Some(now);
                    crowd.acked = false;
                    crowd.latest = *event;
                }
                EventKind::Escalate | EventKind::Deescalate => crowd.latest = *event,
            }
        }
        self.people(event.incident)
    }

    /// Those who were told of an incident: what is not mailed changes what later mails say to them.
    pub fn people(&self, incident: IncidentId) -> Vec<String> {
        let crowd = self.0.get(&incident);
        crowd.map_or_else(Vec::new, |c| c.people.iter().cloned().collect())
    }

    /// Whether somebody works on an incident.
    pub fn is_acked(&self, incident: IncidentId) -> bool {
        self.0.get(&incident).is_some_and(|crowd| crowd.acked)
    }

    /// Somebody works on an incident.
    pub fn ack(&mut self, incident: IncidentId) {
        if let Some(crowd) = self.0.get_mut(&incident) {
            crowd.acked = true;
        }
    }

    /// Whether [`Crowds::join`] would give anything.
    pub fn joins<'r>(
        &self,
        roster: impl Fn(&IncidentEvent, ServiceId) -> Option<&'r Roster>,
        now: Timestamp,
    ) -> bool {
        let mut all = self.0.values();
        all.any(|c| roster(&c.latest, c.service).is_some_and(|r| !c.newcomers(r, now).is_empty()))
    }

    /// Those who are to be told now of what others know already. `roster` gives none for what is to be told to nobody.
    pub fn join<'r>(
        &mut self,
        roster: impl Fn(&IncidentEvent, ServiceId) -> Option<&'r Roster>,
        now: Timestamp,
    ) -> Vec<Joining> {
        let mut joining = Vec::new();
        for crowd in self.0.values_mut() {
            let Some(roster) = roster(&crowd.latest, crowd.service) else {
                continue;
            };
            let people = crowd.newcomers(roster, now);
            if !people.is_empty() {
                crowd.people.extend(people.iter().cloned());
                joining.push(Joining {
                    service: crowd.service,
                    event: crowd.latest,
                    people,
                });
            }
        }
        joining
    }

    /// The incident is final.
    pub fn forget(&mut self, incident: IncidentId) {
        self.0.remove(&incident);
    }

    /// The wall clock was stepped by so much: all kept moments move along.
    pub fn shift(&mut self, micros: i64) {
        for crowd in self.0.values_mut() {
            crowd.open = crowd.open.map(|at| at.shifted(micros));
        }
    }
}

impl Crowd {
    fn matter(&self, now: Timestamp) -> Matter {
        Matter {
            kind: self.latest.kind,
            severity: self.latest.severity,
            told_for: self.open.map_or_else(Default::default, |at| now.since(at)),
            acked: self.acked,
        }
    }

    fn newcomers(&self, roster: &Roster, now: Timestamp) -> Vec<String> {
        if self.open.is_none() {
            return Vec::new();
        }
        let told = roster.told(&self.matter(now), now).into_iter();
        let new = told.filter(|who| !self.people.contains(*who));
        new.map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono_tz::Tz;

    use super::*;
    use crate::model::hours::Hours;
    use crate::model::roster::Seat;
    use crate::model::{IncidentKind, Severity, Verdict};

    const SERVICE: ServiceId = ServiceId(1);

    fn at(minutes: u64) -> Timestamp {
        Timestamp::parse("2026-11-27T07:00:00Z").unwrap() + Duration::from_secs(60 * minutes)
    }

    fn roster() -> Roster {
        let seat = |who: &str| Seat::always(who.to_owned());
        let seats = vec![
            seat("all"),
            Seat {
                hours: Some(Hours::parse("08:00-20:00", None, Tz::UTC).unwrap()),
                ..seat("day")
            },
            Seat {
                after: Duration::from_secs(900),
                ..seat("boss")
            },
        ];
        Roster {
            seats,
            ..Roster::default()
        }
    }

    fn event(event: EventKind, minutes: u64) -> IncidentEvent {
        IncidentEvent {
            incident: IncidentId(7),
            sequence: 0,
            event,
            kind: IncidentKind::Errors,
            cause: None,
            slow: None,
            retired: false,
            severity: Severity::Major,
            at: at(minutes),
            since: at(minutes),
            verdict: Verdict {
                failed: 1,
                of: 1,
                usual: 0.0,
                window_s: 1.0,
                score: 1.0,
                bound: 1.0,
            },
        }
    }

    /// What happens to an incident, in minutes after 07:00, and who is told of it: `open 0`, `ack 5`, `wait 20`.
    fn play(steps: &[&str]) -> Vec<String> {
        let (roster, mut crowds) = (roster(), Crowds::default());
        let mut told = Vec::new();
        for step in steps {
            let (what, minutes) = step.split_once(' ').unwrap();
            let minutes: u64 = minutes.parse().unwrap();
            let people = match what {
                "ack" => {
                    crowds.ack(IncidentId(7));
                    continue;
                }
                "wait" => {
                    let joins = crowds.joins(|_, _| Some(&roster), at(minutes));
                    let joining = crowds.join(|_, _| Some(&roster), at(minutes));
                    assert_eq!(joins, !joining.is_empty());
                    joining.into_iter().flat_map(|j| j.people).collect()
                }
                name => {
                    let kind = EventKind::from_name(name).unwrap();
                    crowds.tell(&roster, SERVICE, &event(kind, minutes), at(minutes))
                }
            };
            told.push(people.join(" "));
        }
        told
    }

    #[test]
    fn whoever_is_called_later_is_told_what_is_open_and_then_all_that_follows() {
        for (steps, told) in [
            (&["open 0", "close 10"][..], &["all", "all"][..]),
            (
                &["open 0", "wait 14", "wait 15", "wait 16", "close 40"],
                &["all", "", "boss", "", "all boss"],
            ),
            (
                &["open 0", "ack 5", "wait 20", "close 40"],
                &["all", "", "all"],
            ),
            (&["open 0", "ack 5", "wait 61"], &["all", "day"]),
            (
                &["open 0", "ack 5", "escalate 10", "wait 20"],
                &["all", "all", "boss"],
            ),
            (&["open 0", "close 5", "wait 70"], &["all", "all", ""]),
            (
                &["open 0", "close 5", "reopen 10", "wait 20", "wait 25"],
                &["all", "all", "all", "", "boss"],
            ),
            (&["open 70"], &["all day"]),
        ] {
            assert_eq!(play(steps), told, "{steps:?}");
        }
    }

    #[test]
    fn who_was_taken_out_of_the_list_is_told_no_more() {
        let (mut list, mut crowds) = (roster(), Crowds::default());
        crowds.tell(&list, SERVICE, &event(EventKind::Open, 70), at(70));
        list.seats.retain(|s| s.who != "day");
        let told = crowds.tell(&list, SERVICE, &event(EventKind::Close, 80), at(80));
        assert_eq!(told, ["all"]);
    }
}
