//! When the provider's status page admitted an incident that was seen here, and when it called it over.
//!
//! Reckoned from what the page was read to claim, after the fact: it changes nothing of the incident.

use std::time::Duration;

use super::{Standing, Timestamp};

/// An onset is an estimate: a claim that came this much before it still belongs to the incident.
const EARLY: Duration = Duration::from_secs(15 * 60);
/// Pages admit some incidents when they are over; what they say later than this is about something else.
const LATE: Duration = Duration::from_secs(2 * 3600);

/// How a page stood for a time, as far as it concerns the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stand {
    /// How.
    pub standing: Standing,
    /// When it was first read to stand so.
    pub first_at: Timestamp,
    /// When it was last read to.
    pub last_at: Timestamp,
}

/// An incident, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Estimated onset.
    pub since: Timestamp,
    /// When it was noticed.
    pub noticed: Timestamp,
    /// Estimated recovery; `None` while it goes on.
    pub recovered: Option<Timestamp>,
    /// Nothing later belongs to it: the onset of the service's next incident, or now.
    pub horizon: Timestamp,
}

/// Whether the page admitted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admitted {
    /// It was read all the time and said nothing of it.
    Never,
    /// It admitted trouble since this moment, well before the incident: whether it meant the same, nobody can tell.
    Before(Timestamp),
    /// It was first read to admit it at this moment.
    At(Timestamp),
}

/// What became of an incident on the provider's page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// Whether it was admitted.
    pub admitted: Admitted,
    /// When the page called it over: the first reading that admits nothing after the last that does.
    pub over: Option<Timestamp>,
}

impl Admission {
    /// From how the page stood, in the order of time. `None` when it was not read while the incident went on.
    pub fn of(stands: &[Stand], seen: &Seen) -> Option<Self> {
        let from = seen.since - EARLY;
        let last = seen.recovered.map_or(seen.horizon, |at| at + LATE);
        let last = last.min(seen.horizon);
        let known: Vec<&Stand> = stands
            .iter()
            .filter(|s| s.standing != Standing::Unknown)
            .collect();
        let end = seen.recovered.unwrap_or(seen.horizon);
        let read = |s: &&&Stand| s.last_at >= from && s.first_at <= end;
        known.iter().find(read)?;
        let admits = |s: &Stand| s.standing.admits() && s.last_at >= from && s.first_at <= last;
        let Some(first) = known.iter().position(|s| admits(s)) else {
            return Some(Self {
                admitted: Admitted::Never,
                over: None,
            });
        };
        let begun = begin(&known, first);
        let admitted = if begun < from {
            Admitted::Before(begun)
        } else {
            Admitted::At(begun)
        };
        let latest = known.iter().rposition(|s| admits(s)).unwrap_or(first);
        let over = known.iter().skip(latest + 1);
        Some(Self {
            admitted,
            over: over
                .filter(|s| !s.standing.admits())
                .map(|s| s.first_at)
                .next(),
        })
    }

    /// From the onset to the admission, in seconds; negative when the page came first, `None` when it cannot be told.
    pub fn lag_s(&self, seen: &Seen) -> Option<f64> {
        self.admitted_at().map(|at| seconds(seen.since, at))
    }

    /// From the recovery to the moment when the page called it over, in seconds; negative when it was too early.
    pub fn over_lag_s(&self, seen: &Seen) -> Option<f64> {
        Some(seconds(seen.recovered?, self.over?))
    }

    /// When it was admitted, if that can be told.
    pub fn admitted_at(&self) -> Option<Timestamp> {
        match self.admitted {
            Admitted::At(at) => Some(at),
            Admitted::Never | Admitted::Before(_) => None,
        }
    }
}

/// When the page began to admit what it admits at `index`: it may have changed its words since.
fn begin(known: &[&Stand], index: usize) -> Timestamp {
    let before = known.iter().take(index + 1).rev();
    let run = before.take_while(|s| s.standing.admits());
    run.last().map_or(Timestamp::EPOCH, |s| s.first_at)
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.micros_since(from) as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_micros((100_000 + minute) * 60_000_000)
    }

    /// `o` operational, `m` maintenance, `d` degraded, `x` major, `u` unreadable: each from a minute until the next.
    fn page(changes: &[(char, i64)]) -> Vec<Stand> {
        let until = |i: usize| changes.get(i + 1).map_or(600, |(_, next)| next - 1);
        let standing = |c| match c {
            'o' => Standing::Operational,
            'm' => Standing::Maintenance,
            'd' => Standing::Degraded,
            'x' => Standing::Major,
            _ => Standing::Unknown,
        };
        let stand = |(i, (c, minute)): (usize, &(char, i64))| Stand {
            standing: standing(*c),
            first_at: at(*minute),
            last_at: at(until(i)),
        };
        changes.iter().enumerate().map(stand).collect()
    }

    /// An incident from minute 0 to `until`, noticed in minute 1; another begins in minute 500.
    fn seen(until: Option<i64>) -> Seen {
        Seen {
            since: at(0),
            noticed: at(1),
            recovered: until.map(at),
            horizon: at(500),
        }
    }

    #[test]
    fn the_first_admission_counts_and_the_end_after_the_last() {
        use Admitted::{At, Before, Never};
        let late = 90 + 121;
        for (changes, until, admitted, over) in [
            // As it should be.
            (
                &[('o', -900), ('d', 18), ('o', 95)][..],
                Some(90),
                At(at(18)),
                Some(95),
            ),
            // It changes its words: still one admission.
            (
                &[('o', -900), ('d', 18), ('x', 30), ('o', 95)],
                Some(90),
                At(at(18)),
                Some(95),
            ),
            // Called over too early, admitted again.
            (
                &[('o', -900), ('d', 18), ('o', 40), ('d', 60), ('o', 99)],
                Some(90),
                At(at(18)),
                Some(99),
            ),
            // Called over too early, and that was it.
            (
                &[('o', -900), ('d', 18), ('o', 40)],
                Some(90),
                At(at(18)),
                Some(40),
            ),
            // Never; planned work is no admission.
            (&[('o', -900)], Some(90), Never, None),
            (&[('o', -900), ('m', 18), ('o', 95)], Some(90), Never, None),
            // Afterwards, but not much.
            (
                &[('o', -900), ('d', 100), ('o', 130)],
                Some(90),
                At(at(100)),
                Some(130),
            ),
            (
                &[('o', -900), ('d', late), ('o', late + 9)],
                Some(90),
                Never,
                None,
            ),
            // A little before the estimated onset, and long before it.
            (
                &[('o', -900), ('d', -15), ('o', 95)],
                Some(90),
                At(at(-15)),
                Some(95),
            ),
            (
                &[('o', -900), ('d', -300), ('o', 95)],
                Some(90),
                Before(at(-300)),
                Some(95),
            ),
            (
                &[('o', -900), ('d', -300), ('x', 20), ('o', 95)],
                Some(90),
                Before(at(-300)),
                Some(95),
            ),
            // It is over before: another matter.
            (
                &[('o', -900), ('d', -300), ('o', -100)],
                Some(90),
                Never,
                None,
            ),
            // It cannot be read for a while.
            (
                &[
                    ('o', -900),
                    ('u', 5),
                    ('d', 18),
                    ('u', 20),
                    ('d', 30),
                    ('o', 95),
                ],
                Some(90),
                At(at(18)),
                Some(95),
            ),
            // It goes on, and what the next incident brings is not its.
            (&[('o', -900), ('d', 18)], None, At(at(18)), None),
            (&[('o', -900), ('d', 501)], None, Never, None),
        ] {
            let got = Admission::of(&page(changes), &seen(until));
            let want = Admission {
                admitted,
                over: over.map(at),
            };
            assert_eq!(got, Some(want), "{changes:?}");
        }
    }

    #[test]
    fn of_a_page_that_was_not_read_meanwhile_nothing_is_said() {
        assert_eq!(Admission::of(&[], &seen(Some(90))), None);
        assert_eq!(Admission::of(&page(&[('u', -900)]), &seen(Some(90))), None);
        assert_eq!(Admission::of(&page(&[('o', 91)]), &seen(Some(90))), None);
        let mut gone = page(&[('o', -900)]);
        gone[0].last_at = at(-16);
        assert_eq!(Admission::of(&gone, &seen(Some(90))), None);
    }

    #[test]
    fn lags_are_counted_from_the_onset_and_from_the_recovery() {
        let seen = seen(Some(90));
        let admission = |changes| Admission::of(&page(changes), &seen).unwrap();
        let usual = admission(&[('o', -900), ('d', 18), ('o', 95)]);
        assert_eq!(usual.lag_s(&seen), Some(1080.0));
        assert_eq!(usual.over_lag_s(&seen), Some(300.0));
        let early = admission(&[('o', -900), ('d', -5), ('o', 40)]);
        assert_eq!(early.lag_s(&seen), Some(-300.0));
        assert_eq!(early.over_lag_s(&seen), Some(-3000.0));
        let before = admission(&[('d', -900)]);
        assert_eq!(
            (before.lag_s(&seen), before.over_lag_s(&seen)),
            (None, None)
        );
    }
}
