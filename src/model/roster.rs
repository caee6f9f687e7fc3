//! Whom a service's trouble is told, and when: by its severity, the hour, and how long nobody has taken it up.
//!
//! Pure: the caller gives the time. Who was told once that something is broken is told all that follows, whatever the
//! hour: see [`super::crowd`].

use std::collections::BTreeSet;
use std::time::Duration;

use super::hours::Hours;
use super::post::WEBHOOK;
use super::{EventKind, IncidentEvent, IncidentKind, Severity, Timestamp};

/// Mails an hour to one recipient, where nothing else is said: more than anybody reads, fewer than a mailbox minds.
pub const MOST_PER_HOUR: u32 = 40;

/// Everybody who is told of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    /// In the order of the file.
    pub seats: Vec<Seat>,
    /// What can wait is not mailed in these hours.
    pub quiet: Option<Hours>,
    /// Mails an hour to one recipient; what is more is folded.
    pub most_per_hour: u32,
    /// When it is first mailed again that an outage goes on; `None`: never.
    pub remind_every: Option<Duration>,
}

/// One recipient, and when he is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// An address, or `webhook:NAME`.
    pub who: String,
    /// From which severity on; `None`: all that is mailed.
    pub from: Option<Severity>,
    /// In which hours; `None`: always.
    pub hours: Option<Hours>,
    /// Only of what nobody has acknowledged for so long. Zero: at once.
    pub after: Duration,
}

/// What is to be told, as far as it matters to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matter {
    /// What it is about.
    pub kind: IncidentKind,
    /// How bad it is.
    pub severity: Severity,
    /// How long it has been told.
    pub told_for: Duration,
    /// Somebody works on it.
    pub acked: bool,
}

impl Default for Roster {
    fn default() -> Self {
        Self {
            seats: Vec::new(),
            quiet: None,
            most_per_hour: MOST_PER_HOUR,
            remind_every: None,
        }
    }
}

/// Told of everything, always and at once.
impl From<Vec<String>> for Roster {
    fn from(recipients: Vec<String>) -> Self {
        Self {
            seats: recipients.into_iter().map(Seat::always).collect(),
            ..Self::default()
        }
    }
}

impl Seat {
    /// Told of everything, always and at once.
    pub fn always(who: String) -> Self {
        Self {
            who,
            from: None,
            hours: None,
            after: Duration::ZERO,
        }
    }

    /// Whether he is told of a matter at a moment.
    pub fn is_told(&self, matter: &Matter, at: Timestamp) -> bool {
        let bad_enough = match (matter.kind, self.from) {
            (_, None) => true,
            // Trouble on our side is for those who see to everything.
            (IncidentKind::Notice | IncidentKind::Blind, Some(_)) => false,
            (_, Some(from)) => matter.severity >= from,
        };
        let called = self.after.is_zero() || (!matter.acked && matter.told_for >= self.after);
        bad_enough && called && self.hours.as_ref().is_none_or(|h| h.holds(at))
    }
}

impl Roster {
    /// Everybody in it, once.
    pub fn everybody(&self) -> BTreeSet<&str> {
        self.seats.iter().map(|s| s.who.as_str()).collect()
    }

    /// Whether somebody is in it.
    pub fn has(&self, who: &str) -> bool {
        self.seats.iter().any(|s| s.who == who)
    }

    /// Who is told of a matter at a moment. Trouble on our side of which nobody would be told is told to all who are told of
    /// anything at once: nobody else will see to it.
    pub fn told(&self, matter: &Matter, at: Timestamp) -> BTreeSet<&str> {
        let told = self.seats.iter().filter(|s| s.is_told(matter, at));
        let told: BTreeSet<&str> = told.map(|s| s.who.as_str()).collect();
        let ours = matter.kind == IncidentKind::Notice;
        if told.is_empty() && ours && self.seats.iter().all(|s| s.from.is_some()) {
            let at_once = self.seats.iter().filter(|s| s.after.is_zero());
            return at_once.map(|s| s.who.as_str()).collect();
        }
        told
    }

    /// Who is told of what concerns everybody: that something ends on a day, that the prober could not see. The order of
    /// the hours does not matter to it.
    pub fn first_called(&self) -> BTreeSet<&str> {
        let at_once = self.seats.iter().filter(|s| s.after.is_zero());
        at_once.map(|s| s.who.as_str()).collect()
    }

    /// Until when a mail about an event is kept back; `None`: it goes at once. A webhook sleeps never.
    pub fn waits(&self, event: &IncidentEvent, who: &str, at: Timestamp) -> Option<Timestamp> {
        if can_wait(event) {
            self.rests(who, at)
        } else {
            None
        }
    }

    /// Until when somebody is not to be reminded of what he knows: the end of quiet hours, or the begin of his own.
    pub fn is_off(&self, who: &str, at: Timestamp) -> Option<Timestamp> {
        let seats = || self.seats.iter().filter(|s| s.who == who);
        let on = |s: &Seat| s.hours.as_ref().is_none_or(|h| h.holds(at));
        if seats().any(on) {
            return self.rests(who, at);
        }
        let hours = seats().filter_map(|s| s.hours.as_ref());
        hours.filter_map(|h| h.begin(at)).min()
    }

    /// Until when what can wait is kept back.
    pub fn rests(&self, who: &str, at: Timestamp) -> Option<Timestamp> {
        let quiet = self.quiet.as_ref().filter(|q| q.holds(at))?;
        if who.starts_with(WEBHOOK) {
            return None;
        }
        quiet.end(at)
    }
}

/// Whether nobody need be woken for an event: what is merely slow or eases, and trouble on our side.
pub fn can_wait(event: &IncidentEvent) -> bool {
    let mild = event.severity == Severity::Degraded;
    let quiet = matches!(event.kind, IncidentKind::Notice | IncidentKind::Latency);
    mild || quiet || event.event == EventKind::Deescalate
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;

    const NONE: &[&str] = &[];

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(&format!("2026-11-27T{text}:00Z")).unwrap()
    }

    fn roster() -> Roster {
        let hours = |span| Some(Hours::parse(span, None, Tz::UTC).unwrap());
        let seat = |who: &str| Seat::always(who.to_owned());
        Roster {
            seats: vec![
                seat("all"),
                Seat {
                    hours: hours("08:00-20:00"),
                    ..seat("day")
                },
                Seat {
                    hours: hours("20:00-08:00"),
                    from: Some(Severity::Major),
                    ..seat("night")
                },
                Seat {
                    after: Duration::from_secs(900),
                    ..seat("boss")
                },
            ],
            quiet: hours("22:00-07:00"),
            ..Roster::default()
        }
    }

    #[test]
    fn who_is_told_follows_from_severity_hour_and_silence_of_the_others() {
        use IncidentKind::{Errors, Notice};
        use Severity::{Major, Partial};
        for (kind, severity, minutes, acked, hour, told) in [
            (Errors, Partial, 0, false, "12:00", &["all", "day"][..]),
            (Errors, Major, 0, false, "12:00", &["all", "day"]),
            (Errors, Partial, 0, false, "03:00", &["all"]),
            (Errors, Major, 0, false, "03:00", &["all", "night"]),
            (Errors, Major, 14, false, "03:00", &["all", "night"]),
            (Errors, Major, 15, false, "03:00", &["all", "boss", "night"]),
            (Errors, Major, 15, true, "03:00", &["all", "night"]),
            (Notice, Major, 0, false, "03:00", &["all"]),
        ] {
            let matter = Matter {
                kind,
                severity,
                told_for: Duration::from_secs(minutes * 60),
                acked,
            };
            let roster = roster();
            let who: Vec<&str> = roster.told(&matter, at(hour)).into_iter().collect();
            assert_eq!(who, told, "{kind} {severity} {minutes} {acked} {hour}");
        }
    }

    #[test]
    fn trouble_on_our_side_reaches_somebody_even_where_all_want_outages_only() {
        let mut roster = roster();
        roster.seats.retain(|s| s.who == "night");
        let matter = |kind| Matter {
            kind,
            severity: Severity::Degraded,
            told_for: Duration::ZERO,
            acked: false,
        };
        let told = roster.told(&matter(IncidentKind::Notice), at("12:00"));
        assert_eq!(told.into_iter().collect::<Vec<_>>(), ["night"]);
        let told = roster.told(&matter(IncidentKind::Errors), at("12:00"));
        assert_eq!(told.into_iter().collect::<Vec<_>>(), NONE);
    }

    #[test]
    fn in_quiet_hours_only_what_can_wait_waits_and_no_webhook_does() {
        let roster = roster();
        assert_eq!(
            roster.rests("a@b.c", at("23:30")),
            Some(at("23:30") + Duration::from_secs(27_000))
        );
        assert_eq!(roster.rests("webhook:ops", at("23:30")), None);
        assert_eq!(roster.rests("a@b.c", at("12:00")), None);
    }
}
