//! Whether this process itself stood still: its loop beats ten times a second, and a beat that comes late says so.
//!
//! A run that was under way meanwhile, and failed, may have failed for want of us: stopped (SIGSTOP, a debugger), asleep
//! with the machine, or without a processor to run on. Measured in the machine's time, its sleep included. Pure: the
//! caller brings the time.

use std::time::Duration;

use crate::model::blind::Sign;
use crate::model::{Cause, FailureKind, Outcome};

/// The loop comes round at least this often.
pub(super) const BEAT: Duration = Duration::from_millis(100);
/// A pause of this length is none of a loop that works.
const STOPPED: Duration = Duration::from_secs(1);

/// What the loop has missed so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pulse {
    last: Duration,
    /// Time in pauses of [`STOPPED`] or more.
    stopped: Duration,
    /// Time by which all beats came late.
    late: Duration,
}

impl Pulse {
    /// Begins at `uptime`.
    pub fn new(uptime: Duration) -> Self {
        Self {
            last: uptime,
            stopped: Duration::ZERO,
            late: Duration::ZERO,
        }
    }

    /// The loop came round at `uptime`. How long it stood still, when it did.
    pub fn beat(&mut self, uptime: Duration) -> Option<Duration> {
        let pause = uptime.saturating_sub(self.last);
        self.last = self.last.max(uptime);
        self.late += pause.saturating_sub(BEAT);
        let stood = pause >= STOPPED;
        if stood {
            self.stopped += pause;
        }
        stood.then_some(pause)
    }

    /// Why a run that began at `begun`, and failed so, says nothing about its service; `None` when it does.
    pub fn excuse(&self, begun: Pulse, outcome: Outcome) -> Option<Cause> {
        let stopped = self.stopped > begun.stopped;
        let took = self.last.saturating_sub(begun.last);
        let starved = (self.late - begun.late) * 2 >= took && !took.is_zero();
        match outcome {
            Outcome::Failure(..) if stopped && breaks_off(outcome) => Some(Cause::Suspended),
            Outcome::Degraded(FailureKind::TooSlow) if stopped => Some(Cause::Suspended),
            Outcome::Failure(..) if starved && is_silence(outcome) => Some(Cause::Prober),
            Outcome::Degraded(FailureKind::TooSlow) if starved => Some(Cause::Prober),
            _ => None,
        }
    }
}

/// No answer in time.
fn is_silence(outcome: Outcome) -> bool {
    matches!(Sign::of(outcome), Sign::Unanswered | Sign::Lacks(_))
}

/// That, or the other side has lost patience with us.
fn breaks_off(outcome: Outcome) -> bool {
    let broken = matches!(
        outcome.kind(),
        Some(
            FailureKind::Reset
                | FailureKind::Truncated
                | FailureKind::TlsHandshake
                | FailureKind::Protocol
        )
    );
    broken || is_silence(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Fault;

    const TIMEOUT: Outcome = Outcome::Failure(FailureKind::Timeout, Fault::Provider);
    const RESET: Outcome = Outcome::Failure(FailureKind::Reset, Fault::Network);
    const ANSWER: Outcome = Outcome::Failure(FailureKind::ServerError, Fault::Provider);
    const SLOW: Outcome = Outcome::Degraded(FailureKind::TooSlow);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// Beats that come after these pauses; before the run, and in it.
    fn excuse(before: &[u64], within: &[u64], outcome: Outcome) -> Option<Cause> {
        let mut now = ms(1_000_000);
        let mut pulse = Pulse::new(now);
        let mut play = |pulse: &mut Pulse, pauses: &[u64]| {
            for pause in pauses {
                now += ms(*pause);
                pulse.beat(now);
            }
        };
        play(&mut pulse, before);
        let begun = pulse;
        play(&mut pulse, within);
        pulse.excuse(begun, outcome)
    }

    #[test]
    fn a_run_that_failed_while_the_process_stood_still_is_suspended() {
        let stopped = [100, 20_000, 3, 100];
        for outcome in [TIMEOUT, RESET, SLOW] {
            assert_eq!(excuse(&[], &stopped, outcome), Some(Cause::Suspended));
            assert_eq!(excuse(&stopped, &[100, 100], outcome), None);
        }
        assert_eq!(excuse(&[], &stopped, ANSWER), None, "somebody answered");
        assert_eq!(excuse(&[], &stopped, Outcome::Success), None);
    }

    #[test]
    fn a_run_that_timed_out_while_half_its_time_was_not_ours_is_the_probers() {
        let starved = [300; 10];
        assert_eq!(excuse(&[], &starved, TIMEOUT), Some(Cause::Prober));
        assert_eq!(excuse(&[], &starved, SLOW), Some(Cause::Prober));
        assert_eq!(excuse(&[], &starved, RESET), None);
        assert_eq!(excuse(&[], &starved, ANSWER), None);
        assert_eq!(excuse(&starved, &[100; 10], TIMEOUT), None);
    }

    #[test]
    fn a_loop_that_keeps_time_excuses_nothing() {
        for pauses in [&[][..], &[1; 100], &[101; 100], &[150; 100]] {
            assert_eq!(excuse(&[], pauses, TIMEOUT), None);
        }
    }
}
