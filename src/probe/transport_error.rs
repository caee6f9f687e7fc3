//! Names what broke: from the error's chain of causes and the phase that it happened in.
//!
//! What a break means, and whose fault it is, stands in the table (`faults::broken`); here it is only told apart.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::time::Duration;

use rustls::{AlertDescription, CertificateError, InvalidMessage, PeerIncompatible};

use super::dns::LookupError;
use super::faults::{Break, of_break};
use super::reply::Failed;
use super::transport::led_within;
use crate::model::{Cause, FailureKind, Fault, Outcome, Phase};

/// What a transport error comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Broken {
    /// The service, or the way to it.
    Service(Failed),
    /// The prober itself.
    Prober(Cause, String),
}

/// Errors of the operating system that say that we, not the service, ran out of something (Linux numbers).
const OURS: &[(i32, Break, &str)] = &[
    (
        1,
        Break::OwnRules,
        "this machine does not allow the connection (EPERM)",
    ),
    (12, Break::OwnMemory, "out of memory"),
    (
        13,
        Break::OwnRules,
        "this machine does not allow the connection (EACCES)",
    ),
    (
        23,
        Break::OwnFiles,
        "the system has no file descriptor left",
    ),
    (
        24,
        Break::OwnFiles,
        "the process has no file descriptor left (raise LimitNOFILE)",
    ),
    (99, Break::OwnPorts, "no local port is left"),
    (
        100,
        Break::OwnNetwork,
        "the network of this machine is down",
    ),
    (105, Break::OwnBuffers, "no buffer space is left"),
];

/// The beginning of 2026. watchfire is younger: a clock that says less is wrong.
const WRITTEN_SECONDS: u64 = 1_767_225_600;

/// Names the failure. `phase` is where the exchange was.
pub(super) fn name(error: &(dyn Error + 'static), phase: Phase) -> Broken {
    let (what, words) = told_apart(error, phase);
    broken(what, phase, words)
}

/// Names a run that was cut off by its time limit before headers had come.
pub(super) fn timed_out(phase: Phase, limit: Duration) -> Failed {
    let doing = match phase {
        Phase::Dns => "looking up the name",
        Phase::Connect => "connecting",
        Phase::Tls => "in the TLS handshake",
        Phase::FirstByte => "waiting for headers",
        Phase::Body => "reading the body",
    };
    let words = format!("still {doing} after {}", humantime::format_duration(limit));
    match broken(Break::OutOfTime, phase, words) {
        Broken::Service(failed) => failed,
        Broken::Prober(_, words) => Failed {
            kind: FailureKind::Timeout,
            fault: Fault::Provider,
            words,
        },
    }
}

fn broken(what: Break, phase: Phase, words: String) -> Broken {
    match of_break(what, phase).outcome {
        Outcome::Failure(kind, fault) => Broken::Service(Failed { kind, fault, words }),
        Outcome::Inconclusive(cause) => Broken::Prober(cause, words),
        // No row of a break is one of these; a test looks at all of them.
        Outcome::Success | Outcome::Degraded(_) | Outcome::Noted => {
            Broken::Prober(Cause::Prober, words)
        }
    }
}

fn told_apart(error: &(dyn Error + 'static), phase: Phase) -> (Break, String) {
    let mut http = None;
    let mut broken = None;
    let mut deepest = String::new();
    let mut cause = Some(error);
    while let Some(fault) = cause {
        if let Some(own) = fault.downcast_ref::<LookupError>() {
            return of_lookup(own);
        }
        if let Some(tls) = fault.downcast_ref::<rustls::Error>() {
            return of_tls(tls);
        }
        if let Some(hyper) = fault.downcast_ref::<hyper::Error>() {
            http = Some(of_http(hyper));
        }
        if let Some(h2) = fault.downcast_ref::<h2::Error>() {
            match h2.get_io() {
                // Not among its sources: it has to be asked for.
                Some(io) => {
                    if let Some(ours) = own_trouble(io) {
                        return ours;
                    }
                    broken = Some(io.kind());
                }
                None => http = Some(Some(of_h2(h2))),
            }
        }
        if let Some(io) = fault.downcast_ref::<io::Error>() {
            if let Some(ours) = own_trouble(io) {
                return ours;
            }
            broken = Some(io.kind());
        }
        deepest = fault.to_string();
        cause = match fault
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            // An io::Error's source() skips the error that it wraps.
            Some(inner) => Some(inner),
            None => fault.source(),
        };
    }
    let named = match (http, broken) {
        // Bytes came and were not HTTP: what hyper says is nearer than the wrapped io::Error.
        (Some(Some(what)), _) => Some(what),
        (http, Some(kind)) => of_io(kind, phase, http.is_some()),
        (_, None) => None,
    };
    let what = named.unwrap_or(match phase {
        Phase::Dns => Break::LookupFailed,
        Phase::Connect => Break::NotConnected,
        Phase::Tls => Break::TlsOther,
        Phase::FirstByte | Phase::Body => Break::HttpOther,
    });
    (what, deepest)
}

fn own_trouble(error: &io::Error) -> Option<(Break, String)> {
    let number = error.raw_os_error()?;
    let (_, what, words) = OURS.iter().find(|(ours, ..)| *ours == number)?;
    Some((*what, (*words).to_owned()))
}

fn of_lookup(error: &LookupError) -> (Break, String) {
    let what = match error {
        LookupError::Io(io) => match own_trouble(io) {
            Some(ours) => return ours,
            None => Break::LookupFailed,
        },
        LookupError::Silent => Break::NamesSilent,
        LookupError::NoAddress | LookupError::OtherFamily(_) => Break::NoAddress,
        LookupError::Private {
            address,
            by_reply: true,
        } => return (Break::LedWithin, led_within(*address).words),
        LookupError::Private { .. } => Break::NameWithin,
        LookupError::Refused(words) if words.contains("NXDOMAIN") => Break::NoSuchName,
        LookupError::Refused(_) => Break::LookupFailed,
    };
    (what, error.to_string())
}

fn of_tls(error: &rustls::Error) -> (Break, String) {
    use AlertDescription as A;
    use rustls::Error as E;
    let what = match error {
        E::InvalidCertificate(certificate) => of_certificate(certificate),
        E::AlertReceived(alert) => match alert {
            A::CertificateRequired => {
                let words = "the server wants a client certificate: client_cert = { .. }";
                return (Break::ClientCertNeeded, format!("{words} ({alert:?})"));
            }
            A::BadCertificate
            | A::UnsupportedCertificate
            | A::CertificateRevoked
            | A::CertificateExpired
            | A::CertificateUnknown
            | A::UnknownCA
            | A::AccessDenied => {
                let words = "the server refused our client certificate";
                return (Break::ClientCertRefused, format!("{words} ({alert:?})"));
            }
            A::UnrecognisedName => Break::CertWrongName,
            A::ProtocolVersion => Break::TlsVersion,
            A::HandshakeFailure | A::InsufficientSecurity => Break::TlsCipher,
            _ => Break::TlsOther,
        },
        E::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => Break::TlsVersion,
        E::PeerIncompatible(_) => Break::TlsCipher,
        E::InvalidMessage(InvalidMessage::InvalidContentType) => Break::NotTls,
        E::NoCertificatesPresented => Break::CertUnusable,
        _ => Break::TlsOther,
    };
    (what, error.to_string())
}

fn of_certificate(error: &CertificateError) -> Break {
    use CertificateError as C;
    match error {
        C::Expired | C::ExpiredContext { .. } => Break::CertExpired,
        C::NotValidYetContext { time, .. } if time.as_secs() < WRITTEN_SECONDS => Break::OwnClock,
        C::NotValidYet | C::NotValidYetContext { .. } => Break::CertNotYetValid,
        C::NotValidForName | C::NotValidForNameContext { .. } => Break::CertWrongName,
        C::Revoked => Break::CertRevoked,
        C::BadSignature
        | C::UnsupportedSignatureAlgorithmContext { .. }
        | C::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => Break::CertWeak,
        C::BadEncoding
        | C::UnhandledCriticalExtension
        | C::InvalidPurpose
        | C::InvalidPurposeContext { .. } => Break::CertUnusable,
        // webpki has no name of its own for it.
        C::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            Break::CertOfAuthority
        }
        _ => Break::CertUntrusted,
    }
}

/// `None`: hyper passes on what its connection said.
fn of_http(error: &hyper::Error) -> Option<Break> {
    if error.is_parse() {
        Some(Break::NotHttp)
    } else if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        // Closed before the request could leave, or before its answer was whole.
        Some(Break::Closed)
    } else {
        None
    }
}

/// The service may end a stream or a connection at any time, and says so; all else breaks the rules of HTTP/2.
fn of_h2(error: &h2::Error) -> Break {
    match error.is_remote() && (error.is_reset() || error.is_go_away()) {
        true => Break::Http2,
        false => Break::NotHttp,
    }
}

fn of_io(kind: ErrorKind, phase: Phase, through_http: bool) -> Option<Break> {
    Some(match kind {
        ErrorKind::ConnectionRefused => Break::Refused,
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
            Break::Unreachable
        }
        ErrorKind::TimedOut => Break::SystemTimedOut,
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::NotConnected => Break::Reset,
        ErrorKind::UnexpectedEof if phase == Phase::Body && !through_http => Break::Encoding,
        ErrorKind::UnexpectedEof => Break::Closed,
        // Below HTTP only the decompressor finds data invalid.
        ErrorKind::InvalidData | ErrorKind::InvalidInput
            if phase == Phase::Body && !through_http =>
        {
            Break::Encoding
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(error: impl Error + 'static, phase: Phase) -> FailureKind {
        match name(&error, phase) {
            Broken::Service(failed) => failed.kind,
            Broken::Prober(cause, words) => panic!("{cause:?} {words}"),
        }
    }

    #[test]
    fn the_cause_is_found_however_deep_it_is_wrapped() {
        let expired = rustls::Error::InvalidCertificate(CertificateError::Expired);
        let wrapped = io::Error::other(io::Error::new(ErrorKind::InvalidData, expired));
        assert_eq!(kind(wrapped, Phase::Tls), FailureKind::TlsExpired);
        let refused = io::Error::other(io::Error::from(ErrorKind::ConnectionRefused));
        assert_eq!(kind(refused, Phase::Connect), FailureKind::Connect);
        assert_eq!(
            kind(io::Error::other(LookupError::NoAddress), Phase::Dns),
            FailureKind::Dns
        );
    }

    #[test]
    fn the_same_error_is_another_failure_in_another_phase() {
        let eof = || io::Error::from(ErrorKind::UnexpectedEof);
        assert_eq!(kind(eof(), Phase::Tls), FailureKind::TlsHandshake);
        assert_eq!(kind(eof(), Phase::FirstByte), FailureKind::Reset);
        assert_eq!(kind(eof(), Phase::Body), FailureKind::Encoding);
        let slow = || io::Error::from(ErrorKind::TimedOut);
        assert_eq!(kind(slow(), Phase::Connect), FailureKind::ConnectTimeout);
        assert_eq!(kind(slow(), Phase::Body), FailureKind::Timeout);
        assert_eq!(
            kind(io::Error::other("?"), Phase::Body),
            FailureKind::Protocol
        );
    }

    #[test]
    fn running_out_of_descriptors_is_not_the_services_fault() {
        for number in [1, 12, 13, 23, 24, 99, 105] {
            let error = io::Error::other(io::Error::from_raw_os_error(number));
            assert!(matches!(
                name(&error, Phase::Connect),
                Broken::Prober(Cause::Prober, _)
            ));
        }
    }

    #[test]
    fn what_the_other_side_says_of_our_certificate_is_our_fault() {
        let alert = |alert| name(&rustls::Error::AlertReceived(alert), Phase::Tls);
        for ours in [
            AlertDescription::CertificateRequired,
            AlertDescription::UnknownCA,
            AlertDescription::CertificateExpired,
        ] {
            assert!(
                matches!(alert(ours), Broken::Service(f) if f.fault == Fault::Ours),
                "{ours:?}"
            );
        }
        assert!(
            matches!(alert(AlertDescription::HandshakeFailure), Broken::Service(f) if f.fault == Fault::Provider)
        );
    }

    #[test]
    fn a_clock_that_is_older_than_this_program_is_not_the_services_fault() {
        let at = |time: u64| {
            let moment = |s| rustls::pki_types::UnixTime::since_unix_epoch(Duration::from_secs(s));
            of_certificate(&CertificateError::NotValidYetContext {
                time: moment(time),
                not_before: moment(4_000_000_000),
            })
        };
        assert_eq!(at(0), Break::OwnClock);
        assert_eq!(at(WRITTEN_SECONDS - 1), Break::OwnClock);
        assert_eq!(at(WRITTEN_SECONDS), Break::CertNotYetValid);
    }

    #[test]
    fn a_timeout_is_named_by_the_phase_that_it_struck() {
        let at = |phase| timed_out(phase, Duration::from_secs(30)).kind;
        assert_eq!(at(Phase::Dns), FailureKind::Dns);
        assert_eq!(at(Phase::Connect), FailureKind::ConnectTimeout);
        assert_eq!(at(Phase::Tls), FailureKind::Timeout);
        assert_eq!(
            timed_out(Phase::FirstByte, Duration::from_millis(1500)).words,
            "still waiting for headers after 1s 500ms"
        );
    }
}
