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
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, NamedGroup, RootCertStore, SignatureScheme};
use tokio::time::Instant;

use super::phases::note;
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

    /// The configuration that all clients share.
    pub(super) fn client_config(&self) -> Result<ClientConfig, RootsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::clone(&self.0), Arc::clone(&provider))
                .build()
                .map_err(|fault| RootsError::Refused(fault.to_string()))?;
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|fault| RootsError::Refused(fault.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(NotingVerifier(verifier)))
            .with_no_client_auth();
        // A preconfigured backend does not get these from reqwest, and without them h2 is never offered.
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.resumption = Resumption::store(Arc::new(NoSessions));
        Ok(config)
    }
}

/// Verifies as webpki does, and notes when the leaf certificate ends, whatever the verdict.
#[derive(Debug)]
struct NotingVerifier(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for NotingVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        note(|notes| notes.cert_expires = expiry(leaf));
        self.0
            .verify_server_cert(leaf, intermediates, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
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
struct NoSessions;

fn handshake_begins() {
    note(|notes| {
        notes.tls_begun.get_or_insert_with(Instant::now);
    });
}

impl ClientSessionStore for NoSessions {
    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        handshake_begins();
        None
    }

    fn set_tls12_session(&self, _: ServerName<'static>, _: Tls12ClientSessionValue) {}

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        handshake_begins();
        None
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _: ServerName<'static>, _: Tls13ClientSessionValue) {}

    fn take_tls13_ticket(&self, _: &ServerName<'_>) -> Option<Tls13ClientSessionValue> {
        handshake_begins();
        None
    }
}
