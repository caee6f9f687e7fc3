//! The daemon's clock: monotonic in its steps, the wall clock in its stamps, and faster than both in a demo.
//!
//! `now` never runs backwards by itself. When the machine's wall clock is stepped (NTP after boot, an
//! administrator), [`Clock::resync`] adopts it and says by how much, so that the owner of kept moments can carry
//! them along: a step is neither a gap nor a burst.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use rustix::time::{ClockId, clock_gettime};
use tokio::time::Instant;

use crate::model::Timestamp;

/// A wall clock that differs from the expected time by less than this is being slewed, not stepped.
const STEP: Duration = Duration::from_secs(2);

/// A shared clock; clones tell the same time.
#[derive(Debug, Clone)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    origin: Instant,
    /// Microseconds since the epoch at `origin`.
    anchor: AtomicI64,
    /// Seconds of this clock in a second of the machine's; 1 for the real clock.
    speed: f64,
    follows_system: bool,
    /// How long the machine had slept since its start when the wall clock was last looked at, in microseconds.
    slept: AtomicI64,
}

impl Clock {
    /// The machine's time.
    pub fn system() -> Self {
        Self::starting(wall(), 1.0, true)
    }

    /// A clock that starts at `start` and runs `speed` times as fast as the machine's. `speed` below 0.001 counts as 0.001.
    pub fn sped(start: Timestamp, speed: f64) -> Self {
        Self::starting(start, speed.max(0.001), false)
    }

    fn starting(start: Timestamp, speed: f64, follows_system: bool) -> Self {
        Self(Arc::new(Inner {
            origin: Instant::now(),
            anchor: AtomicI64::new(start.as_micros()),
            speed,
            follows_system,
            slept: AtomicI64::new(slept()),
        }))
    }

    /// This moment.
    pub fn now(&self) -> Timestamp {
        self.at(Instant::now())
    }

    /// The moment of a monotonic instant.
    pub fn at(&self, instant: Instant) -> Timestamp {
        let anchor = Timestamp::from_micros(self.0.anchor.load(Ordering::Relaxed));
        anchor + self.told(instant.saturating_duration_since(self.0.origin))
    }

    /// Time of this clock since it was made: monotonic, whatever happens to the wall clock.
    pub fn elapsed(&self) -> Duration {
        self.told(self.0.origin.elapsed())
    }

    /// The monotonic instant at which [`Clock::elapsed`] reaches `elapsed`.
    pub fn instant_at(&self, elapsed: Duration) -> Instant {
        self.0.origin + self.real(elapsed)
    }

    /// The wall-clock moment at which [`Clock::elapsed`] was `elapsed`, as the wall clock stands now.
    pub fn stamp(&self, elapsed: Duration) -> Timestamp {
        Timestamp::from_micros(self.0.anchor.load(Ordering::Relaxed)) + elapsed
    }

    /// How long `span` of this clock lasts on the machine's clock.
    pub fn real(&self, span: Duration) -> Duration {
        if self.0.speed == 1.0 {
            span
        } else {
            span.div_f64(self.0.speed)
        }
    }

    /// How long a span measured on the machine's clock is on this one.
    pub fn told(&self, real: Duration) -> Duration {
        if self.0.speed == 1.0 {
            real
        } else {
            real.mul_f64(self.0.speed)
        }
    }

    /// The monotonic instant at which this clock will show `at`; now, when that has passed.
    pub fn instant_of(&self, at: Timestamp) -> Instant {
        Instant::now() + self.real(at.since(self.now()))
    }

    /// Waits for `span` of this clock.
    pub async fn sleep(&self, span: Duration) {
        tokio::time::sleep(self.real(span)).await;
    }

    /// Adopts the machine's wall clock. Returns the step in microseconds when it is one, `None` when it only drifted.
    ///
    /// Time that the machine has slept is no step: it has passed for everybody. A sped clock has no machine to follow and
    /// returns `None`.
    pub fn resync(&self) -> Option<i64> {
        if !self.0.follows_system {
            return None;
        }
        let slept = slept();
        let lately = slept.saturating_sub(self.0.slept.swap(slept, Ordering::Relaxed));
        self.adopt(wall(), lately)
    }

    fn adopt(&self, wall: Timestamp, slept: i64) -> Option<i64> {
        let by = wall.micros_since(self.now());
        self.0.anchor.fetch_add(by, Ordering::Relaxed);
        let step = by.saturating_sub(slept);
        (step.unsigned_abs() >= STEP.as_micros() as u64).then_some(step)
    }
}

/// Time since the machine was started, its sleep included: it goes on while this process, or all of them, stand still.
pub fn uptime() -> Duration {
    Duration::from_micros(u64::try_from(micros(ClockId::Boottime)).unwrap_or(0))
}

/// How much of that the machine has slept, in microseconds.
fn slept() -> i64 {
    micros(ClockId::Boottime).saturating_sub(micros(ClockId::Monotonic))
}

fn micros(clock: ClockId) -> i64 {
    let read = clock_gettime(clock);
    read.tv_sec * 1_000_000 + read.tv_nsec / 1_000
}

/// The machine's wall clock.
#[expect(
    clippy::disallowed_methods,
    reason = "everybody else takes the time from here"
)]
fn wall() -> Timestamp {
    Timestamp::from_system(SystemTime::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_sped_clock_tells_a_minute_in_a_second() {
        let start = Timestamp::parse("2023-11-08T13:42:00Z").unwrap();
        let clock = Clock::sped(start, 60.0);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(clock.now().since(start), Duration::from_secs(60));
        assert_eq!(
            clock.real(Duration::from_secs(30)),
            Duration::from_millis(500)
        );
        assert_eq!(clock.resync(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_step_of_the_wall_clock_is_adopted_and_reported_and_a_drift_is_not_reported() {
        let start = Timestamp::from_micros(1_700_000_000_000_000);
        let clock = Clock::sped(start, 1.0);
        assert_eq!(clock.adopt(start + Duration::from_millis(300), 0), None);
        let two_hours = Duration::from_secs(7200);
        assert_eq!(
            clock.adopt(start + two_hours, 0),
            Some(7_200_000_000 - 300_000)
        );
        assert_eq!(clock.adopt(start, 0), Some(-7_200_000_000));
        assert_eq!(clock.now(), start);
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleep_of_the_machine_has_passed_and_is_no_step() {
        let start = Timestamp::from_micros(1_700_000_000_000_000);
        let clock = Clock::sped(start, 1.0);
        let night = Duration::from_secs(28_800);
        assert_eq!(clock.adopt(start + night, 28_800_000_000), None);
        assert_eq!(clock.now(), start + night);
        // The clock was set right when it woke, too.
        let late = night + night + Duration::from_secs(60);
        assert_eq!(clock.adopt(start + late, 28_800_000_000), Some(60_000_000));
    }
}
