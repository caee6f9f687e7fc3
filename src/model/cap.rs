//! No more mails an hour to one recipient than anybody reads: what is more is folded into one mail each ten minutes.
//!
//! Pure, and kept with what was told.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::detect::is_default;
use super::{IncidentEvent, ServiceId, Timestamp};

const HOUR: Duration = Duration::from_secs(3600);
/// What was put aside is told at the latest after so long.
pub const FOLDED_FOR: Duration = Duration::from_secs(600);
/// Events that are named in such a mail; the rest is counted.
const NAMED: usize = 50;

/// The mails of the last hour, by recipient.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Caps(BTreeMap<String, Cap>);

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Cap {
    /// When each of them was written.
    sent: VecDeque<Timestamp>,
    #[serde(default, skip_serializing_if = "is_default")]
    aside: Option<Aside>,
}

/// What was not mailed by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Aside {
    /// When the first of it was put aside.
    pub since: Timestamp,
    /// What, in order.
    pub events: Vec<(ServiceId, IncidentEvent)>,
    /// So many more, which are not named.
    pub more: u32,
    /// Mails an hour at most.
    pub most: u32,
}

impl Caps {
    /// Whether one more mail may be written; if so, it is counted. If not, the event is put aside.
    pub fn admit(
        &mut self,
        who: &str,
        most: u32,
        service: ServiceId,
        event: &IncidentEvent,
        now: Timestamp,
    ) -> bool {
        let cap = self.0.entry(who.to_owned()).or_default();
        cap.sent.retain(|at| now.since(*at) < HOUR);
        let full = cap.sent.len() >= usize::try_from(most).unwrap_or(usize::MAX);
        if !full && cap.aside.is_none() {
            cap.sent.push_back(now);
            return true;
        }
        let aside = cap.aside.get_or_insert_with(|| Aside {
            since: now,
            events: Vec::new(),
            more: 0,
            most,
        });
        if aside.events.len() < NAMED {
            aside.events.push((service, *event));
        } else {
            aside.more = aside.more.saturating_add(1);
        }
        false
    }

    /// Whether [`Caps::due`] would give anything.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.0.values().any(|cap| cap.is_due(now))
    }

    /// What was put aside for whom, and is told now.
    pub fn due(&mut self, now: Timestamp) -> Vec<(String, Aside)> {
        let mut due = Vec::new();
        for (who, cap) in &mut self.0 {
            if cap.is_due(now)
                && let Some(aside) = cap.aside.take()
            {
                cap.sent.push_back(now);
                due.push((who.clone(), aside));
            }
        }
        self.0.retain(|_, cap| !cap.is_idle(now));
        due
    }

    /// The wall clock was stepped by so much: all kept moments move along.
    pub fn shift(&mut self, micros: i64) {
        for cap in self.0.values_mut() {
            let aside = cap.aside.as_mut().map(|aside| &mut aside.since);
            for at in cap.sent.iter_mut().chain(aside) {
                *at = at.shifted(micros);
            }
        }
    }
}

impl Cap {
    fn is_due(&self, now: Timestamp) -> bool {
        let old = |aside: &Aside| now.since(aside.since) >= FOLDED_FOR;
        self.aside.as_ref().is_some_and(old)
    }

    fn is_idle(&self, now: Timestamp) -> bool {
        self.aside.is_none() && self.sent.back().is_none_or(|at| now.since(*at) >= HOUR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EventKind, IncidentId, IncidentKind, Severity, Verdict};

    fn event(number: u64) -> IncidentEvent {
        IncidentEvent {
            incident: IncidentId(number),
            sequence: 0,
            event: EventKind::Open,
            kind: IncidentKind::Errors,
            cause: None,
            slow: None,
            retired: false,
            severity: Severity::Major,
            at: Timestamp::EPOCH,
            since: Timestamp::EPOCH,
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

    #[test]
    fn beyond_the_most_an_hour_all_goes_into_one_mail_each_ten_minutes_and_nothing_is_lost() {
        let start = Timestamp::parse("2026-11-27T03:00:00Z").unwrap();
        let mut caps = Caps::default();
        let (mut mails, mut folded, mut digests) = (0, 0, 0);
        for minute in 0..180_u64 {
            let now = start + Duration::from_secs(60 * minute);
            for _ in 0..3 {
                mails += usize::from(caps.admit("a@b.c", 10, ServiceId(1), &event(minute), now));
            }
            assert!(caps.admit(
                "d@e.f",
                10,
                ServiceId(1),
                &event(1),
                start + HOUR * minute as u32
            ));
            for (who, aside) in caps.due(now) {
                assert_eq!((who.as_str(), aside.most), ("a@b.c", 10));
                digests += 1;
                folded += aside.events.len() + aside.more as usize;
            }
        }
        for (_, aside) in caps.due(start + HOUR * 5) {
            folded += aside.events.len() + aside.more as usize;
        }
        assert_eq!(mails + folded, 540);
        assert!((15..=20).contains(&digests), "{digests}");
        assert!((10..=40).contains(&mails), "{mails}");
    }
}
