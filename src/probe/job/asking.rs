//! Asking after a job: how often, and what a question that fails is worth.

use std::time::Duration;

use http::HeaderMap;

use super::judge::{Course, named, then};
use super::{Job, stage};
use crate::model::{FailureKind, Fault, Outcome};
use crate::probe::reply::Reply;
use crate::probe::verdict::wrong;
use crate::probe::{Judgement, Step};

/// What passes: a question that fails so may be answered the next time.
const PASSING: &[FailureKind] = &[
    FailureKind::Dns,
    FailureKind::Connect,
    FailureKind::Unreachable,
    FailureKind::Reset,
    FailureKind::Truncated,
    FailureKind::ServerError,
    FailureKind::Overloaded,
    FailureKind::Edge,
    FailureKind::RateLimited,
];
/// So many questions are asked at the pace of the file; then the pauses grow, so that none runs out of requests.
const AT_PACE: i32 = 40;
const GROWTH: f64 = 1.05;
/// A service that asks for a longer pause gets no longer one, unless `every` is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Requests that are left for the result and for clearing away.
const SPARE: u8 = 10;

impl Job {
    /// Asks after the job once more.
    pub(super) fn ask(&self, course: Course, pause: Duration, step: u8) -> Step {
        let request = course.poll.clone();
        match request.filter(|_| step < Step::LIMIT - SPARE) {
            Some(request) => then(request, stage::POLL, course, pause, "the job is not done"),
            None => {
                let why = format!("the job is not done after {} questions", course.polls);
                let verdict = wrong(FailureKind::Timeout, Fault::Provider, why);
                self.clear(verdict, course, 0)
            }
        }
    }

    /// A question that failed: passed over when it is the first in a row and may pass.
    pub(super) fn lapsed(&self, failed: Judgement, mut course: Course, reply: &Reply) -> Step {
        let kind = failed.outcome.kind();
        let passing = kind.is_some_and(|kind| PASSING.contains(&kind));
        course.lapses += 1;
        course.in_a_row += 1;
        if passing && course.in_a_row == 1 {
            let pause = self.pause(&course, &reply.headers);
            course.lapse.get_or_insert(Box::new(failed));
            return self.ask(course, pause, reply.step);
        }
        let state = match &course.state {
            Some(state) => format!("its last state is {state:?}"),
            None => "it has told no state".to_owned(),
        };
        let verdict = match kind {
            Some(FailureKind::Timeout) => {
                let why = format!("{}; {state}", failed.why);
                Judgement { why, ..failed }
            }
            _ if course.in_a_row > 1 => named("asking after the job, twice in a row", failed),
            _ => named("asking after the job", failed),
        };
        self.clear(verdict, course, 0)
    }

    /// Until the next question: the file's pace, or longer when the service asks for it.
    pub(super) fn pause(&self, course: &Course, headers: &HeaderMap) -> Duration {
        let polls = i32::try_from(course.polls).unwrap_or(i32::MAX);
        let grown = GROWTH.powi((polls - AT_PACE).clamp(0, 400));
        let pace = self.every.mul_f64(grown);
        match asked_for(headers) {
            Some(asked) => pace.max(asked.min(LONGEST_PAUSE)),
            None => pace,
        }
    }
}

/// A success on the way to which a question failed is a degraded one.
pub(super) fn smooth(verdict: Judgement, course: &Course) -> Judgement {
    let (Outcome::Success, Some(lapse)) = (verdict.outcome, &course.lapse) else {
        return verdict;
    };
    let (failed, all) = (course.lapses, course.polls.max(course.lapses));
    Judgement {
        outcome: Outcome::Degraded(lapse.outcome.kind().unwrap_or(FailureKind::ServerError)),
        failed_in: None,
        why: format!(
            "the job went well, but {failed} of {all} questions after it failed: {}",
            lapse.why
        ),
        found: verdict.found,
    }
}

/// The pause that a reply asks for: in milliseconds, or in seconds.
fn asked_for(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| -> Option<f64> {
        let number: f64 = headers.get(name)?.to_str().ok()?.trim().parse().ok()?;
        (number.is_finite() && number >= 0.0).then_some(number)
    };
    let seconds = number("openai-poll-after-ms")
        .or_else(|| number("retry-after-ms"))
        .map(|ms| ms / 1000.0)
        .or_else(|| number("retry-after"))?;
    Some(Duration::from_secs_f64(seconds.min(86_400.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_that_a_service_asks_for_is_read_and_bounded() {
        for (name, value, wanted) in [
            ("openai-poll-after-ms", "1500", Some(1500)),
            ("retry-after-ms", "20", Some(20)),
            ("retry-after", "2.5", Some(2500)),
            ("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT", None),
            ("retry-after", "-1", None),
            ("retry-after", "NaN", None),
            ("retry-after", "1e300", Some(86_400_000)),
        ] {
            let headers = HeaderMap::from_iter([(
                http::HeaderName::from_static(name),
                value.parse().unwrap(),
            )]);
            let found = asked_for(&headers).map(|span| span.as_millis());
            assert_eq!(found, wanted, "{name}: {value}");
        }
    }
}
