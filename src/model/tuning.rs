//! What other rules would have changed: which incidents would have been mailed, and when.
//!
//! Takes the events of the same history under two sets of rules, and sets beside each other what is the same trouble.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{EventKind, FailureKind, IncidentEvent, IncidentId, IncidentKind, Severity, Timestamp};

/// Two incidents are the same trouble when they are not further apart than this.
const NEAR: Duration = Duration::from_secs(15 * 60);

/// An incident under some rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// What it is about.
    pub kind: IncidentKind,
    /// Of a notice: what goes wrong on our side.
    pub cause: Option<FailureKind>,
    /// How bad it was at worst.
    pub severity: Severity,
    /// Estimated onset.
    pub since: Timestamp,
    /// When it was opened.
    pub opened: Timestamp,
    /// When the first mail of it would have been written; `None`: never.
    pub mailed: Option<Timestamp>,
    /// When it was last closed; `None` while it is open.
    pub closed: Option<Timestamp>,
    /// How often it came back.
    pub reopened: u32,
}

/// Collects the incidents of a service from its events.
#[derive(Debug, Clone)]
pub struct Telling {
    page_at: Severity,
    told: Vec<Told>,
    places: BTreeMap<IncidentId, usize>,
}

impl Telling {
    /// Of a service that mails from this severity on.
    pub fn new(page_at: Severity) -> Self {
        Self {
            page_at,
            told: Vec::new(),
            places: BTreeMap::new(),
        }
    }

    /// Takes the next event.
    pub fn take(&mut self, event: &IncidentEvent) {
        let place = *self.places.entry(event.incident).or_insert_with(|| {
            self.told.push(Told {
                kind: event.kind,
                cause: event.cause,
                severity: event.severity,
                since: event.since,
                opened: event.at,
                mailed: None,
                closed: None,
                reopened: 0,
            });
            self.told.len() - 1
        });
        let Some(told) = self.told.get_mut(place) else {
            return;
        };
        told.severity = told.severity.max(event.severity);
        match event.event {
            EventKind::Close => told.closed = Some(event.at),
            EventKind::Reopen => {
                told.closed = None;
                told.reopened = told.reopened.saturating_add(1);
            }
            EventKind::Open | EventKind::Escalate | EventKind::Deescalate => {}
        }
        let begins = matches!(
            event.event,
            EventKind::Open | EventKind::Escalate | EventKind::Reopen
        );
        let notice = event.kind == IncidentKind::Notice;
        if begins && (notice || event.severity >= self.page_at) {
            told.mailed.get_or_insert(event.at);
        }
    }

    /// Those that were opened at a moment or later, in order.
    pub fn since(self, from: Timestamp) -> Vec<Told> {
        let mut told = self.told;
        told.retain(|t| t.opened >= from);
        told
    }
}

/// The same trouble under both rules; one of them may know nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// Under the rules as they are.
    pub before: Option<Told>,
    /// Under the changed ones.
    pub after: Option<Told>,
}

/// What becomes of the first mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// Mailed under the changed rules only.
    More,
    /// Mailed under the rules as they are only.
    Less,
    /// Mailed so much earlier.
    Earlier(Duration),
    /// Mailed so much later.
    Later(Duration),
    /// Mailed at the same moment.
    Same,
    /// Mailed under neither.
    Unmailed,
}

impl Pair {
    /// What becomes of the first mail.
    pub fn difference(&self) -> Difference {
        let mailed = |told: Option<Told>| told.and_then(|t| t.mailed);
        match (mailed(self.before), mailed(self.after)) {
            (None, None) => Difference::Unmailed,
            (None, Some(_)) => Difference::More,
            (Some(_), None) => Difference::Less,
            (Some(before), Some(after)) if after < before => {
                Difference::Earlier(before.since(after))
            }
            (Some(before), Some(after)) if after > before => Difference::Later(after.since(before)),
            (Some(_), Some(_)) => Difference::Same,
        }
    }

    /// Either of both, that of the present rules first.
    pub fn either(&self) -> Option<&Told> {
        self.before.as_ref().or(self.after.as_ref())
    }
}

/// Sets the incidents of a service under two rules beside each other, in the order of their onset.
pub fn compare(before: &[Told], after: &[Told]) -> Vec<Pair> {
    let mut left: Vec<Told> = after.to_vec();
    let mut pairs: Vec<Pair> = before
        .iter()
        .map(|told| {
            let twin = left.iter().position(|other| same(told, other));
            Pair {
                before: Some(*told),
                after: twin.map(|i| left.remove(i)),
            }
        })
        .collect();
    pairs.extend(left.into_iter().map(|told| Pair {
        before: None,
        after: Some(told),
    }));
    pairs.sort_by_key(|pair| pair.either().map(|told| told.since));
    pairs
}

/// About the same, at the same time or nearly.
fn same(a: &Told, b: &Told) -> bool {
    let reaches = |a: &Told, b: &Told| a.closed.is_none_or(|closed| closed + NEAR >= b.since);
    (a.kind, a.cause) == (b.kind, b.cause) && reaches(a, b) && reaches(b, a)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Verdict;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_micros(minute * 60_000_000)
    }

    fn told(since: i64, mailed: Option<i64>, closed: Option<i64>) -> Told {
        Told {
            kind: IncidentKind::Errors,
            cause: None,
            severity: Severity::Partial,
            since: at(since),
            opened: at(mailed.unwrap_or(since)),
            mailed: mailed.map(at),
            closed: closed.map(at),
            reopened: 0,
        }
    }

    #[test]
    fn the_same_trouble_is_set_beside_itself_and_its_mail_compared() {
        use Difference::{Earlier, Later, Less, More, Same, Unmailed};
        let minutes = |n: u64| Duration::from_secs(60 * n);
        let before = [
            told(0, Some(2), Some(60)),
            told(200, Some(203), Some(220)),
            told(500, Some(510), Some(520)),
            told(700, None, Some(720)),
            told(900, Some(901), None),
        ];
        let after = [
            told(1, Some(5), Some(50)),
            told(300, Some(303), Some(320)),
            told(490, Some(495), Some(530)),
            told(700, None, Some(720)),
            told(905, Some(901), None),
        ];
        let got: Vec<(i64, Difference)> = compare(&before, &after)
            .iter()
            .map(|p| {
                (
                    p.either().unwrap().since.as_micros() / 60_000_000,
                    p.difference(),
                )
            })
            .collect();
        let want = [
            (0, Later(minutes(3))),
            (200, Less),
            (300, More),
            (500, Earlier(minutes(15))),
            (700, Unmailed),
            (900, Same),
        ];
        assert_eq!(got, want);
    }

    #[test]
    fn what_is_about_something_else_is_not_the_same_trouble() {
        let errors = told(0, Some(1), Some(60));
        let mut slow = errors;
        slow.kind = IncidentKind::Latency;
        assert_eq!(compare(&[errors], &[slow]).len(), 2);
        assert_eq!(compare(&[errors], &[errors]).len(), 1);
    }

    fn event(incident: u64, event: EventKind, severity: Severity, minute: i64) -> IncidentEvent {
        IncidentEvent {
            incident: IncidentId(incident),
            sequence: 0,
            event,
            kind: IncidentKind::Errors,
            cause: None,
            slow: None,
            retired: false,
            severity,
            at: at(minute),
            since: at(minute - 1),
            verdict: Verdict {
                failed: 1,
                of: 1,
                usual: 0.0,
                window_s: 0.0,
                score: 0.0,
                bound: 0.0,
            },
        }
    }

    #[test]
    fn an_incident_is_mailed_once_it_is_bad_enough() {
        use EventKind::{Close, Deescalate, Escalate, Open, Reopen};
        use Severity::{Major, Partial};
        for (page_at, events, mailed) in [
            (
                Partial,
                &[(Open, Partial, 5), (Close, Partial, 9)][..],
                Some(5),
            ),
            (
                Major,
                &[(Open, Partial, 5), (Escalate, Major, 7), (Close, Major, 9)],
                Some(7),
            ),
            (Major, &[(Open, Partial, 5), (Close, Partial, 9)], None),
            (
                Major,
                &[(Open, Partial, 5), (Close, Partial, 9), (Reopen, Major, 11)],
                Some(11),
            ),
            (Major, &[(Open, Partial, 5), (Deescalate, Major, 7)], None),
        ] {
            let mut telling = Telling::new(page_at);
            for (kind, severity, minute) in events {
                telling.take(&event(7, *kind, *severity, *minute));
            }
            let told = telling.since(at(0));
            assert_eq!(told.len(), 1);
            assert_eq!(told[0].mailed, mailed.map(at), "{page_at} {events:?}");
        }
        let mut telling = Telling::new(Partial);
        telling.take(&event(7, Open, Partial, 5));
        assert_eq!(telling.since(at(6)), []);
    }
}
