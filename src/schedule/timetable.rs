//! When each probe is due: a heap of moments, with a fixed offset per probe hashed from its name.
//!
//! The offset spreads the probes over their interval, stays the same over restarts and reloads, and never drifts:
//! slot n of a probe is at `offset + n * interval` of the clock's monotonic time. Pure: the caller says what time it is.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64;

/// A first run is brought forward into this span after the start when the probe's own slot is later than it.
const FIRST_RUN_WITHIN: Duration = Duration::from_secs(10);
/// Lateness that is always tolerated: below it a run is as good as punctual.
const TOLERANCE: Duration = Duration::from_secs(1);
/// Probes at most this far apart skip a late slot; rarer ones run late, spread over [`FIRST_RUN_WITHIN`].
const SKIP_UP_TO: Duration = Duration::from_secs(300);

/// What a due moment is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The probe's slot in the timetable.
    Slot,
    /// A re-check that the detector asked for.
    Recheck,
}

/// One moment in the heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// Nanoseconds of the clock's monotonic time.
    at_ns: u64,
    /// Index of the probe in its plan.
    pub probe: u32,
    /// Why.
    pub reason: Reason,
}

impl Due {
    /// The clock's monotonic time at which it is due.
    pub fn at(&self) -> Duration {
        Duration::from_nanos(self.at_ns)
    }
}

/// The heap of what is due when. 16 bytes a moment.
#[derive(Debug, Default)]
pub struct Timetable {
    heap: BinaryHeap<Reverse<Due>>,
}

impl Timetable {
    /// Adds a moment.
    pub fn push(&mut self, at: Duration, probe: u32, reason: Reason) {
        let at_ns = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
        self.heap.push(Reverse(Due {
            at_ns,
            probe,
            reason,
        }));
    }

    /// The next moment of all.
    pub fn next_at(&self) -> Option<Duration> {
        self.heap.peek().map(|Reverse(due)| due.at())
    }

    /// Takes what is due at `now`, earliest first; `None` when nothing is.
    pub fn pop(&mut self, now: Duration) -> Option<Due> {
        if self.next_at()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(due)| due)
    }
}

/// The offset of a probe within `interval`, the same wherever and whenever it is computed.
pub fn offset(name: &str, interval: Duration) -> Duration {
    let nanos = u64::try_from(interval.as_nanos())
        .unwrap_or(u64::MAX)
        .max(1);
    Duration::from_nanos(xxh3_64(name.as_bytes()) % nanos)
}

/// The first run after `now`: the probe's own slot, or sooner when that slot is far away.
pub fn first_slot(name: &str, interval: Duration, now: Duration) -> Duration {
    let own = next_slot(name, interval, now);
    let soon = now + offset(name, FIRST_RUN_WITHIN.min(interval));
    if own > now + FIRST_RUN_WITHIN {
        soon
    } else {
        own
    }
}

/// The probe's next slot after `now`.
pub fn next_slot(name: &str, interval: Duration, now: Duration) -> Duration {
    let step = interval.as_nanos().max(1);
    let offset = offset(name, interval).as_nanos();
    let slots = (now.as_nanos() + step - offset) / step;
    let at = offset + slots * step;
    Duration::from_nanos(u64::try_from(at).unwrap_or(u64::MAX))
}

/// What to do with a slot that is popped late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Punctuality {
    /// Run it.
    OnTime,
    /// Leave it out, count it, and go on with the next slot.
    Skip,
    /// Too rare to leave out: run it this much later, away from the others.
    Postpone(Duration),
}

/// Judges a slot that is `late` at the moment of its start.
///
/// `grain` is the finest lateness that can be told from none (more than zero only for a sped-up clock).
pub fn punctuality(name: &str, interval: Duration, late: Duration, grain: Duration) -> Punctuality {
    if late <= TOLERANCE.max(interval / 10).max(grain) {
        Punctuality::OnTime
    } else if interval <= SKIP_UP_TO {
        Punctuality::Skip
    } else {
        Punctuality::Postpone(offset(name, FIRST_RUN_WITHIN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn slots_keep_their_offset_whenever_they_are_asked_for() {
        let name = "openai/chat";
        let first = next_slot(name, MINUTE, Duration::ZERO);
        assert_eq!(first, offset(name, MINUTE));
        for minutes in 1..1000 {
            let now = MINUTE * minutes + Duration::from_millis(137);
            let slot = next_slot(name, MINUTE, now);
            assert!(slot > now && slot <= now + MINUTE);
            assert_eq!((slot - first).as_nanos() % MINUTE.as_nanos(), 0);
        }
        assert_eq!(next_slot(name, MINUTE, first), first + MINUTE);
    }

    #[test]
    fn offsets_spread_a_thousand_probes_evenly_over_their_interval() {
        let mut buckets = [0u32; 10];
        for i in 0..1000 {
            let at = offset(&format!("service/probe-{i}"), MINUTE);
            buckets[(at.as_millis() / 6000) as usize] += 1;
        }
        assert!(buckets.iter().all(|n| (60..140).contains(n)), "{buckets:?}");
    }

    #[test]
    fn a_rare_probe_runs_soon_after_the_start_and_then_keeps_its_slots() {
        let hour = Duration::from_secs(3600);
        for i in 0..100 {
            let name = format!("openai/image-{i}");
            assert!(first_slot(&name, hour, Duration::ZERO) <= FIRST_RUN_WITHIN);
        }
    }

    #[test]
    fn the_heap_gives_the_earliest_first_and_nothing_before_its_time() {
        let mut table = Timetable::default();
        table.push(MINUTE, 1, Reason::Slot);
        table.push(MINUTE / 2, 2, Reason::Recheck);
        assert_eq!(table.pop(Duration::ZERO), None);
        assert_eq!(table.pop(MINUTE).map(|d| d.probe), Some(2));
        assert_eq!(table.pop(MINUTE).map(|d| d.probe), Some(1));
        assert_eq!(table.pop(MINUTE * 9), None);
    }

    #[test]
    fn a_late_slot_is_skipped_when_the_next_is_near_and_postponed_when_it_is_far() {
        let judge = |every, late| {
            punctuality(
                "a/b",
                Duration::from_secs(every),
                Duration::from_secs(late),
                Duration::ZERO,
            )
        };
        assert_eq!(judge(30, 0), Punctuality::OnTime);
        assert_eq!(judge(30, 3), Punctuality::OnTime);
        assert_eq!(judge(30, 4), Punctuality::Skip);
        assert!(matches!(judge(3600, 1000), Punctuality::Postpone(by) if by <= FIRST_RUN_WITHIN));
    }
}
