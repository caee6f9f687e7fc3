//! What a reply must have come over: versions of TLS and HTTP, the IP family, a certificate with days left, and in time.

use std::time::Duration;

use super::too_slow;
use crate::diagnostic::Problem;
use crate::model::{FailureKind, Fault, Phase};
use crate::probe::fields::Fields;
use crate::probe::reply::Reply;
use crate::probe::verdict::failure;
use crate::probe::{Judgement, TlsVersion};

/// The claims; the default claims nothing.
///
/// What is not known of a reused connection (its certificate, its TLS) is not claimed of it.
#[derive(Debug, Clone, Default)]
pub(super) struct WireClaims {
    tls_least: Option<TlsVersion>,
    http: Option<(http::Version, &'static str)>,
    ip: Option<Ip>,
    cert_valid_for: Option<Duration>,
    first_byte_under: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ip {
    Four,
    Six,
}

impl WireClaims {
    pub(super) fn read(fields: &mut Fields<'_, '_>) -> Self {
        Self {
            tls_least: word(
                fields,
                "tls_version",
                "\"1.2\" or \"1.3\"",
                TlsVersion::parse,
            ),
            http: word(fields, "http", "\"1.1\" or \"2\"", |text| match text {
                "1.1" => Some((http::Version::HTTP_11, "1.1")),
                "2" => Some((http::Version::HTTP_2, "2")),
                _ => None,
            }),
            ip: word(fields, "ip", "\"4\" or \"6\"", |text| match text {
                "4" => Some(Ip::Four),
                "6" => Some(Ip::Six),
                _ => None,
            }),
            cert_valid_for: fields.duration("cert_valid_for"),
            first_byte_under: fields.duration("first_byte_under"),
        }
    }

    /// The first claim that does not hold, but for the time.
    pub(super) fn fault(&self, reply: &Reply) -> Option<Judgement> {
        let wrong = |phase, why| {
            Some(failure(
                FailureKind::WrongContent,
                Fault::Provider,
                phase,
                why,
            ))
        };
        let wire = &reply.wire;
        if let (Some(least), Some(tls)) = (self.tls_least, wire.tls)
            && tls < least
        {
            let why = format!(
                "the connection has TLS {}, wanted at least {} (expect.tls_version)",
                tls.name(),
                least.name()
            );
            return wrong(Phase::Tls, why);
        }
        if let (Some((wanted, name)), Some(http)) = (self.http, wire.http)
            && http != wanted
        {
            let why = format!("the answer came in {http:?}, wanted HTTP/{name} (expect.http)");
            return wrong(Phase::FirstByte, why);
        }
        if let (Some(ip), Some(peer)) = (self.ip, wire.peer)
            && (ip == Ip::Six) != peer.is_ipv6()
        {
            let (found, wanted) = match ip {
                Ip::Four => (6, 4),
                Ip::Six => (4, 6),
            };
            let why =
                format!("the connection went over IPv{found}, wanted IPv{wanted} (expect.ip)");
            return Some(failure(
                FailureKind::WrongContent,
                Fault::Network,
                Phase::Connect,
                why,
            ));
        }
        self.ends_soon(reply)
    }

    fn ends_soon(&self, reply: &Reply) -> Option<Judgement> {
        let (wanted, expires) = (self.cert_valid_for?, reply.cert_expires?);
        let left = expires.since(reply.now);
        if left >= wanted {
            return None;
        }
        let days = left.as_secs() / 86_400;
        // Ours: whoever set this key looks after the certificate. A notice in time, not an outage.
        Some(failure(
            FailureKind::CertExpiring,
            Fault::Ours,
            Phase::Tls,
            format!(
                "the certificate expires in {days} days, at {expires}, wanted {} left (expect.cert_valid_for)",
                humantime::format_duration(wanted)
            ),
        ))
    }

    /// Whether the headers took too long.
    pub(super) fn slow(&self, reply: &Reply) -> Option<Judgement> {
        let (limit, took) = (self.first_byte_under?, reply.wire.first_byte?);
        (took > limit).then(|| too_slow("the first byte", took, limit))
    }
}

/// One of a few words.
fn word<T>(
    fields: &mut Fields<'_, '_>,
    key: &str,
    known: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    let text = fields.text(key)?;
    let parsed = parse(text);
    if parsed.is_none() {
        let fault = Problem::new(fields.span(key), format!("`{key}` is {known}"));
        fields.fault(fault);
    }
    parsed
}
