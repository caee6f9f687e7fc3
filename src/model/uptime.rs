//! Uptime from scheduled runs: up, down, and what nobody knows, which is neither.
//!
//! Re-checks are left out: they come when something is wrong, and would make it look worse than it was. A slot in which
//! nothing ran is unknown, not up.

use std::collections::BTreeMap;
use std::time::Duration;

use super::budget::Ration;
use super::tallies::Tallies;
use super::{Cause, FailureKind, Fault, Origin, Outcome, Timestamp};

/// Why nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unknown {
    /// The run says nothing of the service.
    Cause(Cause),
    /// The run failed for a reason of ours: key, quota, request.
    Ours,
    /// A bot check stood in the way.
    Blocked,
    /// The run came to something that a newer version has written.
    Newer,
    /// No run was recorded: watchfire did not run, or left the slot out.
    NoData,
}

impl Unknown {
    /// One word in snake case.
    pub const fn name(self) -> &'static str {
        match self {
            Unknown::Cause(cause) => cause.name(),
            Unknown::Ours => "ours",
            Unknown::Blocked => "blocked",
            Unknown::Newer => "newer",
            Unknown::NoData => "no_data",
        }
    }
}

/// Slots of a probe in a time.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Slots {
    /// In which it was to run, but for those of `thinned`.
    pub due: f64,
    /// Those that its budget left out.
    pub thinned: f64,
}

impl Slots {
    /// From since when it was to run how often (0: not at all), and since when it had which ration; both in order.
    pub fn of(
        paces: &[(Timestamp, Duration)],
        rations: &[(Timestamp, Ration)],
        from: Timestamp,
        to: Timestamp,
    ) -> Self {
        let mut slots = Self::default();
        for (index, (since, every)) in paces.iter().enumerate() {
            let until = paces.get(index + 1).map_or(to, |(next, _)| *next);
            let (begin, end) = ((*since).max(from), until.min(to));
            if every.is_zero() || end <= begin {
                continue;
            }
            let all = seconds(begin, end) / every.as_secs_f64();
            let thinned = thinned(rations, begin, end) / every.as_secs_f64();
            slots.due += all - thinned;
            slots.thinned += thinned;
        }
        slots
    }
}

impl Slots {
    /// What is missing beside so many recorded runs. One is forgiven: at the edges of a time a run belongs to the next.
    pub fn gaps(self, recorded: u64) -> Gaps {
        let due = (self.due - 1.0).floor() as u64;
        Gaps {
            thinned: self.thinned.round() as u64,
            missing: due.saturating_sub(recorded),
        }
    }
}

/// Slots in which nothing ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gaps {
    /// Because a budget did not let it.
    pub thinned: u64,
    /// For another reason, which nobody has recorded.
    pub missing: u64,
}

impl Gaps {
    /// Adds those of another probe or time.
    pub fn add(&mut self, other: Gaps) {
        self.thinned += other.thinned;
        self.missing += other.missing;
    }
}

/// Seconds of a time in which a budget did not let the probe run, in full equivalents.
fn thinned(rations: &[(Timestamp, Ration)], from: Timestamp, to: Timestamp) -> f64 {
    let mut sum = 0.0;
    for (index, (since, ration)) in rations.iter().enumerate() {
        let until = rations.get(index + 1).map_or(to, |(next, _)| *next);
        let left_out = match ration {
            Ration::OneIn(n) => 1.0 - 1.0 / f64::from((*n).max(1)),
            Ration::Nothing => 1.0,
        };
        sum += left_out * seconds((*since).max(from), until.min(to)).max(0.0);
    }
    sum
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.micros_since(from) as f64 / 1e6
}

/// Scheduled runs by what they say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Uptime {
    /// It answered.
    pub up: u64,
    /// Of these: later than it should.
    pub slow: u64,
    /// It failed, by how.
    pub failures: BTreeMap<FailureKind, u64>,
    /// Nobody knows, by why.
    pub unknown: BTreeMap<Unknown, u64>,
}

impl Uptime {
    /// From what the runs of a probe came to. What is only noted is not counted.
    pub fn of(results: &Tallies) -> Self {
        let mut uptime = Self::default();
        for (outcome, origin, n) in results.iter() {
            if origin == Origin::Recheck {
                continue;
            }
            let unknown = match outcome {
                Some(Outcome::Noted) => continue,
                Some(Outcome::Success) => {
                    uptime.up += n;
                    continue;
                }
                Some(Outcome::Degraded(_)) => {
                    uptime.up += n;
                    uptime.slow += n;
                    continue;
                }
                Some(Outcome::Failure(kind, Fault::Provider | Fault::Network)) => {
                    *uptime.failures.entry(kind).or_default() += n;
                    continue;
                }
                Some(Outcome::Failure(_, Fault::Ours)) => Unknown::Ours,
                Some(Outcome::Failure(_, Fault::Blocked)) => Unknown::Blocked,
                Some(Outcome::Inconclusive(cause)) => Unknown::Cause(cause),
                None => Unknown::Newer,
            };
            uptime.blame(unknown, n);
        }
        uptime
    }

    /// Counts the slots in which nothing ran.
    pub fn with_gaps(mut self, gaps: Gaps) -> Self {
        self.blame(Unknown::Cause(Cause::Budget), gaps.thinned);
        self.blame(Unknown::NoData, gaps.missing);
        self
    }

    /// Adds the runs of another probe or time.
    pub fn add(&mut self, other: &Uptime) {
        self.up += other.up;
        self.slow += other.slow;
        for (kind, n) in &other.failures {
            *self.failures.entry(*kind).or_default() += n;
        }
        for (why, n) in &other.unknown {
            *self.unknown.entry(*why).or_default() += n;
        }
    }

    /// Runs that failed.
    pub fn down(&self) -> u64 {
        self.failures.values().sum()
    }

    /// Runs of which it is known whether they answered.
    pub fn known(&self) -> u64 {
        self.up + self.down()
    }

    /// Runs and slots of which nothing is known.
    pub fn unknown(&self) -> u64 {
        self.unknown.values().sum()
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.known() + self.unknown()
    }

    /// Share of what is known that was up, 0 to 1; `None` when nothing is.
    pub fn measured(&self) -> Option<f64> {
        share(self.up, self.known())
    }

    /// Between what the share of all lies: when all that is unknown was down, and when it was up.
    pub fn bounds(&self) -> Option<(f64, f64)> {
        let total = self.total();
        Some((
            share(self.up, total)?,
            share(self.up + self.unknown(), total)?,
        ))
    }

    fn blame(&mut self, why: Unknown, n: u64) {
        if n > 0 {
            *self.unknown.entry(why).or_default() += n;
        }
    }
}

fn share(part: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| part as f64 / of as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUCCESS: Outcome = Outcome::Success;
    const DOWN: Outcome = Outcome::Failure(FailureKind::ServerError, Fault::Provider);
    const CUT: Outcome = Outcome::Failure(FailureKind::Reset, Fault::Network);
    const KEY: Outcome = Outcome::Failure(FailureKind::Auth, Fault::Ours);
    const WALL: Outcome = Outcome::Failure(FailureKind::Blocked, Fault::Blocked);
    const BLIND: Outcome = Outcome::Inconclusive(Cause::Blind);
    const SLOW: Outcome = Outcome::Degraded(FailureKind::TooSlow);

    fn tallies(runs: &[(Outcome, usize)]) -> Tallies {
        let mut tallies = Tallies::default();
        for (outcome, n) in runs {
            (0..*n).for_each(|_| tallies.add(*outcome, Origin::Scheduled));
        }
        tallies
    }

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_micros(minute * 60_000_000)
    }

    #[test]
    fn what_is_not_known_is_neither_up_nor_down_and_bounds_the_share() {
        for (runs, measured, bounds) in [
            (&[(SUCCESS, 99), (DOWN, 1)][..], 0.99, (0.99, 0.99)),
            (
                &[(SUCCESS, 90), (CUT, 5), (KEY, 3), (WALL, 2)],
                90.0 / 95.0,
                (0.9, 0.95),
            ),
            (&[(SUCCESS, 50), (BLIND, 50)], 1.0, (0.5, 1.0)),
            (&[(SLOW, 8), (DOWN, 2)], 0.8, (0.8, 0.8)),
            (&[(SUCCESS, 4), (Outcome::Noted, 96)], 1.0, (1.0, 1.0)),
        ] {
            let uptime = Uptime::of(&tallies(runs));
            assert_eq!(uptime.measured(), Some(measured), "{runs:?}");
            assert_eq!(uptime.bounds(), Some(bounds), "{runs:?}");
        }
        let nothing = Uptime::of(&Tallies::default());
        assert_eq!((nothing.measured(), nothing.bounds()), (None, None));
    }

    #[test]
    fn rechecks_do_not_count() {
        let mut results = tallies(&[(SUCCESS, 9), (DOWN, 1)]);
        (0..50).for_each(|_| results.add(DOWN, Origin::Recheck));
        assert_eq!(Uptime::of(&results).measured(), Some(0.9));
    }

    #[test]
    fn a_slot_without_a_run_is_unknown_and_one_at_the_edge_is_forgiven() {
        let half = tallies(&[(SUCCESS, 60), (Outcome::Noted, 9)]);
        let slots = |due, thinned| Slots { due, thinned };
        for (slots, unknown) in [
            (slots(60.0, 0.0), &[][..]),
            (slots(61.0, 0.0), &[]),
            (slots(50.0, 0.0), &[]),
            (slots(121.0, 0.0), &[(Unknown::NoData, 60)]),
            (slots(60.0, 60.4), &[(Unknown::Cause(Cause::Budget), 60)]),
            (
                slots(91.0, 30.0),
                &[(Unknown::Cause(Cause::Budget), 30), (Unknown::NoData, 30)],
            ),
        ] {
            let uptime = Uptime::of(&half).with_gaps(slots.gaps(half.scheduled()));
            let want: BTreeMap<Unknown, u64> = unknown.iter().copied().collect();
            assert_eq!(uptime.unknown, want, "{slots:?}");
        }
    }

    #[test]
    fn slots_follow_the_pace_and_the_budget_of_their_time() {
        let (minute, ten) = (Duration::from_secs(60), Duration::from_secs(600));
        let full = &[(at(0), minute)][..];
        let half = &[(at(30), Ration::OneIn(2)), (at(90), Ration::FULL)][..];
        for (paces, rations, due, thinned) in [
            (full, &[][..], 120.0, 0.0),
            (&[(at(60), minute)], &[], 60.0, 0.0),
            (&[(at(-90), minute), (at(60), ten)], &[], 66.0, 0.0),
            (&[(at(0), minute), (at(60), Duration::ZERO)], &[], 60.0, 0.0),
            (&[(at(500), minute)], &[], 0.0, 0.0),
            (full, half, 90.0, 30.0),
            (full, &[(at(-9), Ration::Nothing)], 0.0, 120.0),
            (&[(at(0), ten)], &[(at(-9), Ration::OneIn(4))], 3.0, 9.0),
        ] {
            let slots = Slots::of(paces, rations, at(0), at(120));
            let near = |a: f64, b: f64| (a - b).abs() < 1e-6;
            assert!(
                near(slots.due, due) && near(slots.thinned, thinned),
                "{slots:?} for {paces:?} {rations:?}"
            );
        }
    }
}
