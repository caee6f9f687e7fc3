//! Whether the other side can be reached at all. While it cannot, one letter knocks and the others wait behind it: five
//! hundred letters would knock five hundred times otherwise, and a wrong password would lock the account.
//!
//! Pure: time and chance are handed in. Time is that since some start, so that no step of the wall clock matters.

use std::time::Duration;

use super::backoff;

/// Longest pause between two knocks: an alert leaves within a minute of the server's return.
pub const LONGEST: Duration = Duration::from_secs(60);

/// The gate to one server. Open at first.
#[derive(Debug, Default)]
pub struct Gate {
    /// Knocks that nobody answered; 0 while it is open.
    knocks: u32,
    /// When it is knocked next.
    next: Duration,
}

impl Gate {
    /// Whether an attempt may begin at `now`, when so many are under way.
    pub fn lets_in(&self, now: Duration, under_way: usize) -> bool {
        self.knocks == 0 || (under_way == 0 && now >= self.next)
    }

    /// How long nothing can begin; `None` while the gate is open.
    pub fn pause(&self, now: Duration) -> Option<Duration> {
        (self.knocks > 0).then(|| self.next.saturating_sub(now))
    }

    /// An attempt has ended: the server spoke about the letter, or it did not come to that.
    pub fn learn(&mut self, reached: bool, now: Duration, chance: f64) {
        if reached {
            self.knocks = 0;
            return;
        }
        // What was under way together with a knock that failed tells nothing more.
        if self.knocks > 0 && now < self.next {
            return;
        }
        self.knocks = self.knocks.saturating_add(1);
        self.next = now + backoff::wait(self.knocks, chance).min(LONGEST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_knocks_at_a_time_and_never_more_than_a_minute_passes_between_two() {
        let second = Duration::from_secs;
        let mut gate = Gate::default();
        assert!(gate.lets_in(second(0), 3));
        let (mut now, mut waits) = (second(0), Vec::new());
        for _ in 0..8 {
            gate.learn(false, now, 0.0);
            let pause = gate.pause(now).unwrap();
            assert!(!gate.lets_in(now, 0));
            now += pause;
            assert!(gate.lets_in(now, 0) && !gate.lets_in(now, 1));
            waits.push(pause.as_secs());
        }
        assert_eq!(waits, [5, 10, 20, 40, 60, 60, 60, 60]);
        gate.learn(false, now, 0.0);
        gate.learn(false, now, 0.0);
        assert_eq!(gate.pause(now), Some(LONGEST));
        gate.learn(true, now, 0.0);
        assert!(gate.lets_in(now, 3));
        assert_eq!(gate.pause(now), None);
    }
}
