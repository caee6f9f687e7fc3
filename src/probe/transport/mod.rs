//! How a probe reaches its service: HTTP version, IP family, roots, client certificate, proxy, private addresses.
//!
//! A [`Transport`] is a value: probes whose options are the same share one, and with it one pair of HTTP clients.

mod address;
mod clients;
mod names;
mod proxy;
mod read;
mod route;

use std::fmt;
use std::sync::{Arc, LazyLock};

use rustls::pki_types::CertificateDer;

use crate::model::Secret;

pub(super) use clients::Clients;
pub use proxy::Proxy;
pub use read::Sources;
pub(super) use route::{Guard, Route, led_within};

/// The options of a probe's connections.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Transport {
    /// Which HTTP is spoken.
    pub http: HttpVersion,
    /// Which addresses are connected to.
    pub ip: IpFamily,
    /// Roots that are trusted besides the usual ones.
    pub ca: Vec<CertificateDer<'static>>,
    /// Who we are, for servers that want to know.
    pub client_cert: Option<ClientCertificate>,
    /// What all connections go through. Those of the environment are never used.
    pub proxy: Option<Proxy>,
    /// The oldest TLS that is accepted.
    pub tls_min: TlsVersion,
    /// Whether loopback, private, link-local and metadata addresses may be connected to.
    pub allow_private: bool,
}

impl Default for Transport {
    fn default() -> Self {
        Self {
            http: HttpVersion::Auto,
            ip: IpFamily::Any,
            ca: Vec::new(),
            client_cert: None,
            proxy: None,
            tls_min: TlsVersion::V1_2,
            allow_private: true,
        }
    }
}

impl Transport {
    /// The keys that set it, of a probe and of a service.
    pub const KEYS: &'static [&'static str] = &[
        "http",
        "ip",
        "ca",
        "client_cert",
        "proxy",
        "tls_min",
        "allow_private",
    ];

    /// The one that all probes without options share.
    pub fn shared() -> Arc<Self> {
        static USUAL: LazyLock<Arc<Transport>> = LazyLock::new(Arc::default);
        Arc::clone(&USUAL)
    }
}

/// Which HTTP is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum HttpVersion {
    /// HTTP/2 where TLS agrees on it, else HTTP/1.1.
    #[default]
    Auto,
    /// HTTP/1.1 only.
    One,
    /// HTTP/2 only; on plain http without asking first (prior knowledge).
    Two,
}

/// Which addresses of a name are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum IpFamily {
    /// Both, whichever answers first.
    #[default]
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsVersion {
    /// TLS 1.2.
    V1_2,
    /// TLS 1.3.
    V1_3,
}

impl TlsVersion {
    /// `1.2` or `1.3`.
    pub const fn name(self) -> &'static str {
        match self {
            TlsVersion::V1_2 => "1.2",
            TlsVersion::V1_3 => "1.3",
        }
    }

    /// The version of a name.
    pub fn parse(text: &str) -> Option<Self> {
        [TlsVersion::V1_2, TlsVersion::V1_3]
            .into_iter()
            .find(|version| version.name() == text)
    }
}

/// A certificate of ours with its chain, and its key in PEM.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ClientCertificate {
    /// Our own first.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its private key.
    pub key: Secret,
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientCertificate({} certificates)", self.chain.len())
    }
}
