//! Connections that were not opened, and TLS.

use super::Example::Broken;
use super::broken::broke;
use super::source::{ERRNO, RFC_5280, RFC_8446, RFC_9110, RFC_9293};
use super::{Break, Group, between, ours, theirs};
use crate::model::{Cause, FailureKind as Kind, Outcome, Phase};

pub(super) const GROUP: Group = Group {
    title: "Connecting, and TLS",
    about: "A certificate is the service's own business, a way that ends somewhere is nobody's in particular.",
    rows: &[
        broke(
            &[Break::Refused],
            &[],
            theirs(Kind::Connect),
            (
                "The host is there, and nothing listens on the port (or its firewall says so).",
                "If the service is yours: look whether it runs, and on this port.",
            ),
            &[RFC_9293],
            &[Broken(Break::Refused, Phase::Connect)],
        ),
        broke(
            &[Break::Unreachable],
            &[],
            between(Kind::Unreachable),
            (
                "There is no way to the host.",
                "See whether this machine reaches others, over the same of IPv4 and IPv6.",
            ),
            &[ERRNO],
            &[Broken(Break::Unreachable, Phase::Connect)],
        ),
        broke(
            &[Break::NotConnected],
            &[],
            between(Kind::Connect),
            (
                "The connection could not be opened.",
                "The words of the error say why.",
            ),
            &[ERRNO],
            &[Broken(Break::NotConnected, Phase::Connect)],
        ),
        broke(
            &[Break::SystemTimedOut, Break::OutOfTime],
            &[Phase::Dns, Phase::Connect],
            between(Kind::ConnectTimeout),
            (
                "The connection was not opened in time: packets are lost, or dropped by a firewall.",
                "Try from elsewhere: if it works there, it is the way from here.",
            ),
            &[RFC_9293],
            &[
                Broken(Break::SystemTimedOut, Phase::Connect),
                Broken(Break::OutOfTime, Phase::Connect),
            ],
        ),
        broke(
            &[Break::Proxy],
            &[],
            between(Kind::Proxy),
            (
                "The proxy that the probe goes through gives no connection to the service.",
                "Look at the proxy, and whether the service answers without it.",
            ),
            &[RFC_9110],
            &[Broken(Break::Proxy, Phase::Connect)],
        ),
        broke(
            &[Break::OwnClock],
            &[],
            Outcome::Inconclusive(Cause::Prober),
            (
                "This machine's clock is years behind, so that every certificate seems to be from the future.",
                "Set the clock right (NTP). Nothing is held against the service meanwhile.",
            ),
            &[RFC_5280],
            &[Broken(Break::OwnClock, Phase::Tls)],
        ),
        broke(
            &[Break::CertExpired],
            &[],
            theirs(Kind::TlsExpired),
            (
                "The certificate's validity is over.",
                "The service must renew it. If many services show this at once, this machine's clock is ahead.",
            ),
            &[RFC_5280],
            &[Broken(Break::CertExpired, Phase::Tls)],
        ),
        broke(
            &[Break::CertNotYetValid],
            &[],
            theirs(Kind::TlsNotYetValid),
            (
                "The certificate's validity has not begun.",
                "If many services show this at once, this machine's clock is behind; else the service installed it too soon.",
            ),
            &[RFC_5280],
            &[Broken(Break::CertNotYetValid, Phase::Tls)],
        ),
        broke(
            &[Break::CertWrongName],
            &[],
            theirs(Kind::TlsWrongName),
            (
                "The server shows a certificate for another name.",
                "Check the host in the address; else the service's edge is set up wrongly.",
            ),
            &[RFC_5280, RFC_8446],
            &[Broken(Break::CertWrongName, Phase::Tls)],
        ),
        broke(
            &[Break::CertUntrusted],
            &[],
            theirs(Kind::TlsUntrusted),
            (
                "Nobody whom this machine trusts has signed the certificate, or the server leaves out an intermediate one.",
                "For a CA of your own: name its file with `ca`. Else the service must send the whole chain; a proxy that opens TLS on the way shows the same.",
            ),
            &[RFC_5280],
            &[Broken(Break::CertUntrusted, Phase::Tls)],
        ),
        broke(
            &[Break::CertOfAuthority],
            &[],
            theirs(Kind::TlsUntrusted),
            (
                "The server shows a self-signed certificate that is a CA's.",
                "Have it signed by a CA, and name that CA's file with `ca`.",
            ),
            &[RFC_5280],
            &[Broken(Break::CertOfAuthority, Phase::Tls)],
        ),
        broke(
            &[Break::CertRevoked, Break::CertWeak, Break::CertUnusable],
            &[],
            theirs(Kind::TlsUntrusted),
            (
                "The certificate is revoked, wrongly signed, signed in a way that is not accepted any more, or not for servers.",
                "The service must replace it.",
            ),
            &[RFC_5280],
            &[
                Broken(Break::CertRevoked, Phase::Tls),
                Broken(Break::CertWeak, Phase::Tls),
                Broken(Break::CertUnusable, Phase::Tls),
            ],
        ),
        broke(
            &[Break::ClientCertNeeded, Break::ClientCertRefused],
            &[],
            ours(Kind::TlsHandshake),
            (
                "The server wants a client certificate of ours, and got none or one that it does not take.",
                "Give the probe a `client_cert` that the service knows and that has not expired.",
            ),
            &[RFC_8446],
            &[
                Broken(Break::ClientCertNeeded, Phase::FirstByte),
                Broken(Break::ClientCertRefused, Phase::Tls),
            ],
        ),
        broke(
            &[Break::TlsVersion],
            &[],
            theirs(Kind::TlsHandshake),
            (
                "The server offers no TLS 1.2 or 1.3.",
                "The service must be brought up to date.",
            ),
            &[RFC_8446],
            &[Broken(Break::TlsVersion, Phase::Tls)],
        ),
        broke(
            &[Break::NotTls],
            &[],
            theirs(Kind::TlsHandshake),
            (
                "The port answers, and not with TLS.",
                "Check scheme and port: plain HTTP wants `http://`.",
            ),
            &[RFC_8446],
            &[Broken(Break::NotTls, Phase::Tls)],
        ),
        broke(
            &[Break::TlsCipher, Break::TlsOther],
            &[],
            theirs(Kind::TlsHandshake),
            (
                "The server broke the handshake off, or shares no cipher with us.",
                "If it stays, the service's edge is set up wrongly; some block unknown clients like this.",
            ),
            &[RFC_8446],
            &[
                Broken(Break::TlsCipher, Phase::Tls),
                Broken(Break::TlsOther, Phase::Tls),
            ],
        ),
        broke(
            &[Break::Closed],
            &[Phase::Tls],
            theirs(Kind::TlsHandshake),
            (
                "The server closed the connection in the handshake.",
                "If it stays, nothing that speaks TLS is behind the port.",
            ),
            &[RFC_8446],
            &[Broken(Break::Closed, Phase::Tls)],
        ),
    ],
};
