//! TLS as a probe wants it: a full handshake each time, the certificate's end known even when it is refused.
//!
//! Trusted are the system's roots (or those of `SSL_CERT_FILE` and `SSL_CERT_DIR` in their place), the roots of Mozilla
//! as a base for containers without any, and files that the configuration names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{
    ClientSessionStore, Resumption, Tls12ClientSessionValue, Tls13ClientSessionValue,
    WebPkiServerVerifier,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, NamedGroup, RootCertStore, SignatureScheme};
use tokio::time::Instant;

use super::phases::note;
use super::transport::{HttpVersion, TlsVersion, Transport};
use crate::model::Timestamp;

/// Why no TLS client could be made.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// A file of certificates could not be read.
    #[error("cannot read certificates from {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: rustls::pki_types::pem::Error,
    },
    /// A file holds no usable certificate.
    #[error("no usable certificate in {}", .0.display())]
    Empty(PathBuf),
    /// rustls refused the set.
    #[error("cannot use the trusted roots: {0}")]
    Refused(String),
}

/// The certificates that are trusted; clones are cheap.
#[derive(Debug, Clone)]
pub struct Roots(Arc<RootCertStore>);

impl Roots {
    /// The system's (or those of `SSL_CERT_FILE`) and Mozilla's. Takes some milliseconds: call it once.
    pub fn system() -> Self {
        let mut store = RootCertStore::empty();
        // What cannot be read is left out: the daemon then still works with Mozilla's.
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        Self(Arc::new(store))
    }

    /// With the certificates of a PEM file besides.
    pub fn with_file(self, path: &Path) -> Result<Self, RootsError> {
        let file = |source| RootsError::File {
            path: path.to_owned(),
            source,
        };
        let mut store = Arc::unwrap_or_clone(self.0);
        let mut added = 0;
        for certificate in CertificateDer::pem_file_iter(path).map_err(file)? {
            if store.add(certificate.map_err(file)?).is_ok() {
                added += 1;
            }
        }
        if added == 0 {
            return Err(RootsError::Empty(path.to_owned()));
        }
        Ok(Self(Arc::new(store)))
    }

    /// With these certificates besides.
    fn with(
        &self,
        certificates: &[CertificateDer<'static>],
    ) -> Result<Arc<RootCertStore>, RootsError> {
        if certificates.is_empty() {
            return Ok(Arc::clone(&self.0));
        }
        let mut store = RootCertStore::clone(&self.0);
        for certificate in certificates {
            store.add(certificate.clone()).map_err(refused)?;
        }
        Ok(Arc::new(store))
    }

    /// The configuration that all probes with these options share.
    pub(super) fn client_config(&self, transport: &Transport) -> Result<ClientConfig, RootsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots = self.with(&transport.ca)?;
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
            .build()
            .map_err(refused)?;
        let proxy = transport
            .proxy
            .as_ref()
            .filter(|p| p.url.scheme() == "https");
        let proxy = proxy.and_then(|p| ServerName::try_from(p.host().to_owned()).ok());
        let versions = match transport.tls_min {
            TlsVersion::V1_2 => rustls::DEFAULT_VERSIONS,
            TlsVersion::V1_3 => &[&rustls::version::TLS13],
        };
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .map_err(refused)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(NotingVerifier(verifier)));
        let mut config = match &transport.client_cert {
            None => config.with_no_client_auth(),
            Some(ours) => {
                let key = PrivateKeyDer::from_pem_slice(ours.key.expose().as_bytes());
                config
                    .with_client_auth_cert(ours.chain.clone(), key.map_err(refused)?)
                    .map_err(refused)?
            }
        };
        // A preconfigured backend does not get these from reqwest, and without them h2 is never offered.
        config.alpn_protocols = match transport.http {
            HttpVersion::Auto => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            HttpVersion::One => vec![b"http/1.1".to_vec()],
            HttpVersion::Two => vec![b"h2".to_vec()],
        };
        config.resumption = Resumption::store(Arc::new(NoSessions { proxy }));
        Ok(config)
    }
}

fn refused(fault: impl std::fmt::Display) -> RootsError {
    RootsError::Refused(fault.to_string())
}

/// Verifies as webpki does, and notes when the leaf certificate ends, whatever the verdict.
#[derive(Debug)]
struct NotingVerifier(Arc<WebPkiServerVerifier>);

impl NotingVerifier {
    /// A handshake is over, as far as the server has a part in it.
    fn agreed(&self, version: TlsVersion) {
        note(|notes| {
            if notes.tls_begun.is_none() {
                notes.proxy_secured = true;
            } else {
                notes.tls = Some(version);
            }
        });
    }
}

impl ServerCertVerifier for NotingVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        note(|notes| {
            if notes.tls_begun.is_some() {
                notes.cert_expires = expiry(leaf);
            }
        });
        self.0
            .verify_server_cert(leaf, intermediates, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.agreed(TlsVersion::V1_2);
        self.0.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.agreed(TlsVersion::V1_3);
        self.0.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

fn expiry(leaf: &CertificateDer<'_>) -> Option<Timestamp> {
    let (_, certificate) = x509_parser::parse_x509_certificate(leaf).ok()?;
    let seconds = certificate.validity().not_after.timestamp();
    Some(Timestamp::from_micros(seconds.saturating_mul(1_000_000)))
}

/// Keeps no session: a resumed handshake would skip the certificate. Being asked for one marks the handshake's begin.
#[derive(Debug)]
struct NoSessions {
    /// A proxy that is reached over TLS: the handshake with it belongs to connecting.
    proxy: Option<ServerName<'static>>,
}

impl NoSessions {
    fn handshake_begins(&self, with: &ServerName<'_>) {
        note(|notes| {
            if self.proxy.as_ref() == Some(with) && !notes.proxy_secured {
                return;
            }
            notes.tls_begun.get_or_insert_with(Instant::now);
        });
    }
}

impl ClientSessionStore for NoSessions {
    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}

    fn kx_hint(&self, name: &ServerName<'_>) -> Option<NamedGroup> {
        self.handshake_begins(name);
        None
    }

    fn set_tls12_session(&self, _: ServerName<'static>, _: Tls12ClientSessionValue) {}

    fn tls12_session(&self, name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.handshake_begins(name);
        None
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _: ServerName<'static>, _: Tls13ClientSessionValue) {}

    fn take_tls13_ticket(&self, name: &ServerName<'_>) -> Option<Tls13ClientSessionValue> {
        self.handshake_begins(name);
        None
    }
}
