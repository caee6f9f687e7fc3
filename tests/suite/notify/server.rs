//! The mail server that misbehaves as a test says, with certificates of the tests' own.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_util::sync::CancellationToken;
pub use watchfire::simulate::smtp::{At, Do};
use watchfire::simulate::smtp::{Conduct, Host, Journal, Shield, serve};

/// The certificate that it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificate {
    Good,
    WrongName,
    Untrusted,
    Expired,
}

/// How a server behaves.
#[derive(Debug, Clone, Copy)]
pub struct Mode {
    pub faults: &'static [(At, Do)],
    pub certificate: Certificate,
    pub tls_at_once: bool,
    /// Capabilities in clear, and inside TLS.
    pub clear: &'static [u8],
    pub inside: &'static [u8],
}

/// A server without fault: STARTTLS, and AUTH inside it only.
pub const WELL: Mode = Mode {
    faults: &[],
    certificate: Certificate::Good,
    tls_at_once: false,
    clear: Conduct::SUBMISSION.clear,
    inside: Conduct::SUBMISSION.inside,
};

impl Mode {
    fn conduct(&self) -> Conduct {
        Conduct {
            faults: self.faults,
            shield: if self.tls_at_once {
                Shield::AtOnce
            } else {
                Shield::Starttls
            },
            clear: self.clear,
            inside: self.inside,
            ..Conduct::SUBMISSION
        }
    }
}

/// A server on a free port of the loopback; ends with the test.
pub struct Server {
    pub port: u16,
    pub host: Host,
    task: JoinHandle<()>,
}

impl Server {
    pub async fn start(mode: Mode, authority: &Authority) -> Self {
        let tls = authority.acceptor(mode.certificate);
        Self::open(Host::new(mode.conduct(), Some(tls))).await
    }

    pub async fn open(host: Host) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(serve(listener, host.clone(), CancellationToken::new()));
        Self { port, host, task }
    }

    pub fn journal(&self) -> Journal {
        self.host.journal().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Who signs the certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub pem: String,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    pub fn acceptor(&self, certificate: Certificate) -> TlsAcceptor {
        let (name, until) = match certificate {
            Certificate::Good | Certificate::Untrusted => ("127.0.0.1", 2100),
            Certificate::WrongName => ("other.example", 2100),
            Certificate::Expired => ("127.0.0.1", 2021),
        };
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let leaf = if certificate == Certificate::Untrusted {
            params.signed_by(&key, &Self::new("a stranger").issuer)
        } else {
            params.signed_by(&key, &self.issuer)
        };
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.unwrap().der().clone()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}
