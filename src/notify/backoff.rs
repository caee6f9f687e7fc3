//! When a letter is tried again: soon at first, never rarely, for five days.
//!
//! Pure: attempts, age and chance are handed in.

use std::time::Duration;

use crate::model::Timestamp;

/// Wait after the first failed attempt: a greylisting server or a restart is over quickly.
pub const FIRST: Duration = Duration::from_secs(5);
/// Longest wait: an alert must leave within minutes of the server's return, however long it was away.
pub const LONGEST: Duration = Duration::from_secs(300);
/// A letter that nobody took for so long is given up; what mail servers themselves do (Postfix: 5 days).
pub const GIVE_UP: Duration = Duration::from_secs(5 * 24 * 3600);

/// The wait after the `attempts`-th failed attempt (counted from 1): 5 s, 10 s, 20 s, 40 s, ... 5 min, each
/// shortened by up to a quarter. `chance` is 0 to 1; it keeps many letters from knocking at once.
pub fn wait(attempts: u32, chance: f64) -> Duration {
    // 2^6 * 5 s is already over the longest wait.
    let doublings = attempts.saturating_sub(1).min(6);
    let full = (FIRST * (1 << doublings)).min(LONGEST);
    full.mul_f64(1.0 - 0.25 * chance.clamp(0.0, 1.0))
}

/// The moment of the next attempt; `None` when the letter is too old to try again.
pub fn next(created: Timestamp, now: Timestamp, attempts: u32, chance: f64) -> Option<Timestamp> {
    (now.since(created) < GIVE_UP).then(|| now + wait(attempts, chance))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_five_seconds_to_five_minutes() {
        let waits: Vec<u64> = (1..=9).map(|n| wait(n, 0.0).as_secs()).collect();
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
        assert_eq!(wait(0, 0.0), FIRST);
        assert_eq!(wait(u32::MAX, 0.0), LONGEST);
    }

    #[test]
    fn chance_shortens_by_at_most_a_quarter() {
        assert_eq!(wait(2, 1.0), Duration::from_millis(7500));
        assert_eq!(wait(2, 0.5), Duration::from_millis(8750));
        assert_eq!(wait(2, f64::NAN.max(7.0)), Duration::from_millis(7500));
    }

    #[test]
    fn a_letter_is_given_up_after_five_days_and_not_before() {
        let created = Timestamp::from_micros(0);
        let late = created + GIVE_UP;
        assert_eq!(next(created, late, 900, 0.0), None);
        let just = late - Duration::from_micros(1);
        assert_eq!(next(created, just, 900, 0.0), Some(just + LONGEST));
    }

    #[test]
    fn a_clock_that_was_set_back_gives_no_letter_up() {
        let created = Timestamp::from_micros(i64::MAX / 2);
        assert!(next(created, Timestamp::EPOCH, 1, 0.0).is_some());
    }
}
