//! What the end of a run says about the prober's own way out.

use serde::{Deserialize, Serialize};

use crate::model::{Cause, FailureKind, Outcome};

/// What the prober lacks when it cannot see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lack {
    /// Its network: no look-up, no route, no connection.
    Network,
    /// The right time: every certificate seems to have ended, or not to have begun.
    Clock,
}

impl Lack {
    /// `network` or `clock`.
    pub const fn name(self) -> &'static str {
        match self {
            Lack::Network => "network",
            Lack::Clock => "clock",
        }
    }
}

/// What the end of a run says about the prober's own way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sign {
    /// Somebody answered: with HTTP, with TLS, with a reset. Whoever hears that is not blind.
    Answered,
    /// It ended as it would if the prober itself lacked this.
    Lacks(Lack),
    /// Silence: the service's, unless the prober was blind at the time.
    Unanswered,
    /// Nothing: the prober was busy with itself, or a number of others could not be read.
    Nothing,
}

impl Sign {
    /// The sign that an outcome is.
    pub const fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Success | Outcome::Degraded(_) | Outcome::Noted => Sign::Answered,
            // The system says itself that its network is down.
            Outcome::Inconclusive(Cause::Blind) => Sign::Lacks(Lack::Network),
            Outcome::Inconclusive(_) => Sign::Nothing,
            Outcome::Failure(kind, _) => match kind {
                FailureKind::Dns | FailureKind::Unreachable | FailureKind::ConnectTimeout => {
                    Sign::Lacks(Lack::Network)
                }
                FailureKind::TlsExpired | FailureKind::TlsNotYetValid => Sign::Lacks(Lack::Clock),
                // A proxy that gives no connection has not been beyond itself.
                FailureKind::Timeout | FailureKind::Stalled | FailureKind::Proxy => {
                    Sign::Unanswered
                }
                FailureKind::Internal => Sign::Nothing,
                _ => Sign::Answered,
            },
        }
    }

    /// Whether a run that ended so, while the prober lacked this, says nothing about its service.
    pub const fn is_explained_by(self, lack: Lack) -> bool {
        matches!(
            (self, lack),
            (Sign::Lacks(Lack::Network) | Sign::Unanswered, Lack::Network)
                | (Sign::Lacks(Lack::Clock), Lack::Clock)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Fault;

    #[test]
    fn every_kind_of_failure_has_its_sign() {
        let signs = |sign| {
            let all = FailureKind::ALL.iter().copied();
            all.filter(|kind| Sign::of(Outcome::Failure(*kind, Fault::Network)) == sign)
                .map(FailureKind::name)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            signs(Sign::Lacks(Lack::Network)),
            ["dns", "connect_timeout", "unreachable"]
        );
        assert_eq!(
            signs(Sign::Lacks(Lack::Clock)),
            ["tls_expired", "tls_not_yet_valid"]
        );
        assert_eq!(signs(Sign::Unanswered), ["timeout", "stalled", "proxy"]);
        assert_eq!(signs(Sign::Nothing), ["internal"]);
        let answered = signs(Sign::Answered);
        for kind in ["connect", "reset", "truncated", "tls_handshake", "edge"] {
            assert!(answered.contains(&kind), "{kind}");
        }
    }

    #[test]
    fn what_is_no_failure_of_a_run_is_an_answer_or_nothing() {
        assert_eq!(Sign::of(Outcome::Success), Sign::Answered);
        assert_eq!(
            Sign::of(Outcome::Degraded(FailureKind::TooSlow)),
            Sign::Answered
        );
        for cause in Cause::ALL {
            let sign = match cause {
                Cause::Blind => Sign::Lacks(Lack::Network),
                _ => Sign::Nothing,
            };
            assert_eq!(Sign::of(Outcome::Inconclusive(*cause)), sign, "{cause:?}");
        }
    }
}
