//! What a broken connection means: from the error's chain of causes and the phase that it happened in.
//!
//! Whose fault: a name that is not found, a host that is not reached, a connection that is reset may lie between us and
//! the service (`network`); refusing a connection, a bad certificate and bad HTTP are the service's own (`provider`).
//! Timeouts: in the look-up `dns`, while connecting `connect_timeout`, later `timeout`. When the machine has run out of
//! descriptors, ports or memory, the run says nothing about the service.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::time::Duration;

use rustls::{AlertDescription, CertificateError};

use super::dns::LookupError;
use super::reply::Failed;
use super::transport::led_within;
use crate::model::{Cause, FailureKind, Fault, Phase};

/// What a transport error comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Broken {
    /// The service, or the way to it.
    Service(Failed),
    /// The prober itself.
    Prober(Cause, String),
}

/// Errors of the operating system that say that we, not the service, ran out of something (Linux numbers).
const OURS: &[(i32, &str)] = &[
    (12, "out of memory"),
    (23, "the system has no file descriptor left"),
    (
        24,
        "the process has no file descriptor left (raise LimitNOFILE)",
    ),
    (99, "no local port is left"),
    (105, "no buffer space is left"),
];

/// Names the failure. `phase` is where the exchange was.
pub(super) fn name(error: &(dyn Error + 'static), phase: Phase) -> Broken {
    let mut http = None;
    let mut broken = None;
    let mut deepest = String::new();
    let mut cause = Some(error);
    while let Some(fault) = cause {
        if let Some(own) = fault.downcast_ref::<LookupError>() {
            if let LookupError::Io(io) = own
                && let Some(ours) = own_trouble(io)
            {
                return ours;
            }
            if let LookupError::Private {
                address,
                by_reply: true,
            } = own
            {
                return Broken::Service(led_within(*address));
            }
            return service(FailureKind::Dns, Fault::Network, own.to_string());
        }
        if let Some(tls) = fault.downcast_ref::<rustls::Error>() {
            return of_tls(tls);
        }
        if let Some(hyper) = fault.downcast_ref::<hyper::Error>() {
            http = Some(of_http(hyper, phase));
        }
        if let Some(io) = fault.downcast_ref::<io::Error>() {
            if let Some(ours) = own_trouble(io) {
                return ours;
            }
            broken = Some((io.kind(), io.to_string()));
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
        (Some(Some(kind)), _) => Some(kind),
        (http, Some((kind, _))) => of_io(kind, phase, http.is_some()),
        (_, None) => None,
    };
    let (kind, fault) = named.unwrap_or(match phase {
        Phase::Dns => (FailureKind::Dns, Fault::Network),
        Phase::Connect => (FailureKind::Connect, Fault::Network),
        Phase::Tls => (FailureKind::TlsHandshake, Fault::Provider),
        Phase::FirstByte | Phase::Body => (FailureKind::Protocol, Fault::Provider),
    });
    service(kind, fault, deepest)
}

/// Names a run that was cut off by its time limit before headers had come.
pub(super) fn timed_out(phase: Phase, limit: Duration) -> Failed {
    let (kind, fault, doing) = match phase {
        Phase::Dns => (FailureKind::Dns, Fault::Network, "looking up the name"),
        Phase::Connect => (FailureKind::ConnectTimeout, Fault::Network, "connecting"),
        Phase::Tls => (
            FailureKind::Timeout,
            Fault::Provider,
            "in the TLS handshake",
        ),
        Phase::FirstByte => (FailureKind::Timeout, Fault::Provider, "waiting for headers"),
        Phase::Body => (FailureKind::Timeout, Fault::Provider, "reading the body"),
    };
    Failed {
        kind,
        fault,
        words: format!("still {doing} after {}", humantime::format_duration(limit)),
    }
}

fn service(kind: FailureKind, fault: Fault, words: String) -> Broken {
    Broken::Service(Failed { kind, fault, words })
}

fn own_trouble(error: &io::Error) -> Option<Broken> {
    let number = error.raw_os_error()?;
    let (_, words) = OURS.iter().find(|(ours, _)| *ours == number)?;
    Some(Broken::Prober(Cause::Prober, (*words).to_owned()))
}

fn of_tls(error: &rustls::Error) -> Broken {
    use CertificateError as C;
    if let rustls::Error::AlertReceived(alert) = error
        && let Some(words) = of_alert(*alert)
    {
        let words = format!("{words} ({alert:?})");
        return service(FailureKind::TlsHandshake, Fault::Ours, words);
    }
    let kind = match error {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            C::Expired | C::ExpiredContext { .. } => FailureKind::TlsExpired,
            C::NotValidYet | C::NotValidYetContext { .. } => FailureKind::TlsNotYetValid,
            C::NotValidForName | C::NotValidForNameContext { .. } => FailureKind::TlsWrongName,
            _ => FailureKind::TlsUntrusted,
        },
        _ => FailureKind::TlsHandshake,
    };
    service(kind, Fault::Provider, error.to_string())
}

/// What a server has against our certificate; `None` when its alert is about something else.
fn of_alert(alert: AlertDescription) -> Option<&'static str> {
    use AlertDescription as A;
    match alert {
        A::CertificateRequired => {
            Some("the server wants a client certificate: client_cert = { .. }")
        }
        A::BadCertificate
        | A::UnsupportedCertificate
        | A::CertificateRevoked
        | A::CertificateExpired
        | A::CertificateUnknown
        | A::UnknownCA
        | A::AccessDenied => Some("the server refused our client certificate"),
        _ => None,
    }
}

/// `None`: hyper passes on what its connection said.
fn of_http(error: &hyper::Error, phase: Phase) -> Option<(FailureKind, Fault)> {
    if error.is_parse() {
        Some((FailureKind::Protocol, Fault::Provider))
    } else if error.is_incomplete_message() {
        Some(closed(phase))
    } else {
        None
    }
}

fn of_io(kind: ErrorKind, phase: Phase, through_http: bool) -> Option<(FailureKind, Fault)> {
    Some(match kind {
        ErrorKind::ConnectionRefused => (FailureKind::Connect, Fault::Provider),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
            (FailureKind::Connect, Fault::Network)
        }
        ErrorKind::TimedOut if matches!(phase, Phase::Dns | Phase::Connect) => {
            (FailureKind::ConnectTimeout, Fault::Network)
        }
        ErrorKind::TimedOut => (FailureKind::Timeout, Fault::Network),
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::NotConnected => (FailureKind::Reset, Fault::Network),
        ErrorKind::UnexpectedEof if phase == Phase::Tls => {
            (FailureKind::TlsHandshake, Fault::Provider)
        }
        ErrorKind::UnexpectedEof if phase == Phase::Body && !through_http => {
            (FailureKind::Encoding, Fault::Provider)
        }
        ErrorKind::UnexpectedEof => closed(phase),
        // Below HTTP only the decompressor finds data invalid.
        ErrorKind::InvalidData | ErrorKind::InvalidInput
            if phase == Phase::Body && !through_http =>
        {
            (FailureKind::Encoding, Fault::Provider)
        }
        _ => return None,
    })
}

/// The connection ended where HTTP does not allow it to.
fn closed(phase: Phase) -> (FailureKind, Fault) {
    match phase {
        Phase::Body => (FailureKind::Truncated, Fault::Provider),
        _ => (FailureKind::Reset, Fault::Network),
    }
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
        for number in [12, 23, 24, 99, 105] {
            let error = io::Error::other(io::Error::from_raw_os_error(number));
            assert!(matches!(
                name(&error, Phase::Connect),
                Broken::Prober(Cause::Prober, _)
            ));
        }
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
