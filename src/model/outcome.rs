//! What a run of a probe came to, and whose fault it was when it failed.
//!
//! The names are a contract with users (`probe --json`, `export`, the mails); the codes are a contract with the
//! database. Neither is ever reused for another meaning.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The result of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The answer came, and was right.
    Success,
    /// The answer was right, but later than the probe's own limit allows.
    Degraded(FailureKind),
    /// The answer was wrong or did not come.
    Failure(FailureKind, Fault),
    /// The run says nothing about the service: it counts neither as up nor as down.
    Inconclusive(Cause),
    /// What was asked for was read and recorded: a claim or a number of others about the service, which is no run
    /// of the service itself and counts neither as up nor as down.
    Noted,
}

impl Outcome {
    /// `success`, `degraded`, `failure`, `inconclusive` or `noted`.
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Success => "success",
            Outcome::Degraded(_) => "degraded",
            Outcome::Failure(..) => "failure",
            Outcome::Inconclusive(_) => "inconclusive",
            Outcome::Noted => "noted",
        }
    }

    /// What went wrong, when something did.
    pub const fn kind(self) -> Option<FailureKind> {
        match self {
            Outcome::Failure(kind, _) | Outcome::Degraded(kind) => Some(kind),
            Outcome::Success | Outcome::Inconclusive(_) | Outcome::Noted => None,
        }
    }

    /// Whose fault a failure is.
    pub const fn fault(self) -> Option<Fault> {
        match self {
            Outcome::Failure(_, fault) => Some(fault),
            _ => None,
        }
    }

    /// What the error-rate detector is told: `Some(true)` for a failure of the provider or of the network between,
    /// `Some(false)` for an answer, `None` for what says nothing about the service (ours, blocked, inconclusive, noted).
    pub const fn counts(self) -> Option<bool> {
        match self {
            Outcome::Success | Outcome::Degraded(_) => Some(false),
            Outcome::Failure(_, Fault::Provider | Fault::Network) => Some(true),
            Outcome::Failure(_, Fault::Ours | Fault::Blocked)
            | Outcome::Inconclusive(_)
            | Outcome::Noted => None,
        }
    }

    /// The integer the database keeps: 0 success, `100 * fault + kind`, `500 + kind` degraded, `600 + cause`
    /// inconclusive, 700 noted.
    pub const fn code(self) -> u16 {
        match self {
            Outcome::Success => 0,
            Outcome::Failure(kind, fault) => 100 * fault as u16 + kind as u16,
            Outcome::Degraded(kind) => 500 + kind as u16,
            Outcome::Inconclusive(cause) => 600 + cause as u16,
            Outcome::Noted => 700,
        }
    }

    /// The outcome of a code; `None` for a code that this version does not know.
    pub fn from_code(code: u16) -> Option<Self> {
        if code == 0 {
            return Some(Outcome::Success);
        }
        let low = code % 100;
        match code / 100 {
            7 if low == 0 => Some(Outcome::Noted),
            5 => FailureKind::from_code(low).map(Outcome::Degraded),
            6 => Cause::ALL
                .iter()
                .copied()
                .find(|c| *c as u16 == low)
                .map(Outcome::Inconclusive),
            high => {
                let fault = Fault::ALL.iter().copied().find(|f| *f as u16 == high)?;
                Some(Outcome::Failure(FailureKind::from_code(low)?, fault))
            }
        }
    }
}

/// Whose fault a failure is. Only `Provider` and `Network` count towards an outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Fault {
    /// The service, or the edge in front of it.
    Provider = 1,
    /// Something between us and the service; which side is not known.
    Network = 2,
    /// Our key, quota, rate or request.
    Ours = 3,
    /// A bot check stands in the way.
    Blocked = 4,
}

impl Fault {
    /// All, in code order.
    pub const ALL: &'static [Fault] =
        &[Fault::Provider, Fault::Network, Fault::Ours, Fault::Blocked];

    /// `provider`, `network`, `ours` or `blocked`.
    pub const fn name(self) -> &'static str {
        match self {
            Fault::Provider => "provider",
            Fault::Network => "network",
            Fault::Ours => "ours",
            Fault::Blocked => "blocked",
        }
    }
}

/// Why a run says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum Cause {
    /// The prober had no network of its own.
    Blind = 1,
    /// The daemon was still starting, or was stopping.
    Starting = 2,
    /// The machine slept or the process was stopped during the run.
    Suspended = 3,
    /// The budget was used up.
    Budget = 4,
    /// Planned maintenance.
    Maintenance = 5,
    /// The prober itself ran out of something: file descriptors, memory.
    Prober = 6,
    /// What others say about the service could not be read.
    Unreadable = 7,
}

impl Cause {
    /// All, in code order.
    pub const ALL: &'static [Cause] = &[
        Cause::Blind,
        Cause::Starting,
        Cause::Suspended,
        Cause::Budget,
        Cause::Maintenance,
        Cause::Prober,
        Cause::Unreadable,
    ];

    /// One word in snake case.
    pub const fn name(self) -> &'static str {
        match self {
            Cause::Blind => "blind",
            Cause::Starting => "starting",
            Cause::Suspended => "suspended",
            Cause::Budget => "budget",
            Cause::Maintenance => "maintenance",
            Cause::Prober => "prober",
            Cause::Unreadable => "unreadable",
        }
    }
}

/// The part of a run in which it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Phase {
    /// Looking up the name.
    Dns = 1,
    /// Opening the TCP connection (and a proxy's tunnel).
    Connect = 2,
    /// The TLS handshake.
    Tls = 3,
    /// Sending, and waiting for the status line and headers.
    FirstByte = 4,
    /// Reading the body or the stream.
    Body = 5,
}

impl Phase {
    /// All, in the order in which a run meets them.
    pub const ALL: &'static [Phase] = &[
        Phase::Dns,
        Phase::Connect,
        Phase::Tls,
        Phase::FirstByte,
        Phase::Body,
    ];

    /// One word in snake case.
    pub const fn name(self) -> &'static str {
        match self {
            Phase::Dns => "dns",
            Phase::Connect => "connect",
            Phase::Tls => "tls",
            Phase::FirstByte => "first_byte",
            Phase::Body => "body",
        }
    }

    /// The phase of a code; `None` for an unknown one.
    pub fn from_code(code: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|p| *p as u16 == code)
    }
}

macro_rules! failure_kinds {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $name:literal;)*) => {
        /// What went wrong, in one word. The names stay; finer ones may join.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum FailureKind { $($(#[$doc])* $variant = $code,)* }

        impl FailureKind {
            /// All, in code order.
            pub const ALL: &'static [FailureKind] = &[$(FailureKind::$variant,)*];

            /// The word users see, in snake case.
            pub const fn name(self) -> &'static str {
                match self { $(FailureKind::$variant => $name,)* }
            }
        }
    };
}

failure_kinds! {
    /// The name could not be looked up.
    Dns = 1, "dns";
    /// The connection was refused, or could not be opened for another reason.
    Connect = 2, "connect";
    /// The connection was not opened in time.
    ConnectTimeout = 3, "connect_timeout";
    /// The connection was closed or reset in the middle.
    Reset = 4, "reset";
    /// The certificate has expired.
    TlsExpired = 5, "tls_expired";
    /// The certificate is not valid yet.
    TlsNotYetValid = 6, "tls_not_yet_valid";
    /// The certificate is for another name.
    TlsWrongName = 7, "tls_wrong_name";
    /// The certificate's issuer is not trusted.
    TlsUntrusted = 8, "tls_untrusted";
    /// The handshake failed otherwise.
    TlsHandshake = 9, "tls_handshake";
    /// No complete answer within the probe's timeout.
    Timeout = 10, "timeout";
    /// The answer is not valid HTTP.
    Protocol = 11, "protocol";
    /// The body's encoding is unknown or broken.
    Encoding = 12, "encoding";
    /// The answer is larger than the probe reads.
    TooLarge = 13, "too_large";
    /// A redirect that is not followed, loops or leaves http(s).
    Redirect = 14, "redirect";
    /// A 5xx of the service.
    ServerError = 15, "server_error";
    /// The service says that it is overloaded.
    Overloaded = 16, "overloaded";
    /// The edge in front of the service answers for it (52x and the like).
    Edge = 17, "edge";
    /// An error inside a 200.
    ErrorBody = 18, "error_body";
    /// An error event inside a stream that began with 200.
    ErrorEvent = 19, "error_event";
    /// The stream or body ended before its end.
    Truncated = 20, "truncated";
    /// The stream went silent for longer than allowed.
    Stalled = 21, "stalled";
    /// The answer has no content.
    Empty = 22, "empty";
    /// The answer is not what was expected.
    WrongContent = 23, "wrong_content";
    /// The bytes are not an image.
    BadImage = 24, "bad_image";
    /// The job ended as failed.
    JobFailed = 25, "job_failed";
    /// A status that was not expected.
    UnexpectedStatus = 26, "unexpected_status";
    /// We asked too often.
    RateLimited = 27, "rate_limited";
    /// Our quota or balance is used up.
    Quota = 28, "quota";
    /// Our key was refused.
    Auth = 29, "auth";
    /// We may not ask this (region, plan, organisation).
    Forbidden = 30, "forbidden";
    /// The address does not exist.
    NotFound = 31, "not_found";
    /// Our request is wrong.
    BadRequest = 32, "bad_request";
    /// The model has been retired.
    ModelRetired = 33, "model_retired";
    /// The answer was withheld by a content filter.
    ContentFilter = 34, "content_filter";
    /// A bot check answered.
    Blocked = 35, "blocked";
    /// The certificate is about to expire.
    CertExpiring = 36, "cert_expiring";
    /// The answer came later than the limit for it.
    TooSlow = 37, "too_slow";
    /// A defect of watchfire.
    Internal = 38, "internal";
    /// The proxy that the probe goes through failed, before the service was reached.
    Proxy = 39, "proxy";
    /// The service says that it is being worked on.
    Maintenance = 40, "maintenance";
    /// There is no way to the host: no route, network or host unreachable.
    Unreachable = 41, "unreachable";
    /// A number of reports or errors is higher than chance allows.
    CountRaised = 60, "count_raised";
}

impl FailureKind {
    /// The kind of a code; `None` for an unknown one.
    pub fn from_code(code: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|k| *k as u16 == code)
    }
}

impl Serialize for FailureKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for FailureKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let known = Self::ALL.iter().copied().find(|k| k.name() == name);
        known.ok_or_else(|| serde::de::Error::custom("a kind of failure of a newer version"))
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_comes_back_from_its_code() {
        let mut all = vec![Outcome::Success, Outcome::Noted];
        for kind in FailureKind::ALL {
            all.push(Outcome::Degraded(*kind));
            all.extend(Fault::ALL.iter().map(|f| Outcome::Failure(*kind, *f)));
        }
        all.extend(Cause::ALL.iter().map(|c| Outcome::Inconclusive(*c)));
        let mut codes: Vec<u16> = all.iter().map(|o| o.code()).collect();
        for outcome in &all {
            assert_eq!(Outcome::from_code(outcome.code()), Some(*outcome));
        }
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all.len(), "two outcomes share a code");
        assert_eq!(Outcome::from_code(999), None);
    }

    #[test]
    fn only_faults_of_provider_and_network_count_as_failures() {
        let counts = |fault| Outcome::Failure(FailureKind::Timeout, fault).counts();
        assert_eq!(counts(Fault::Provider), Some(true));
        assert_eq!(counts(Fault::Network), Some(true));
        assert_eq!(counts(Fault::Ours), None);
        assert_eq!(counts(Fault::Blocked), None);
        assert_eq!(
            Outcome::Degraded(FailureKind::TooSlow).counts(),
            Some(false)
        );
    }
}
