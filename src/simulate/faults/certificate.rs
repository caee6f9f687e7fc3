//! The certificate for the modes that need one, from files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

/// Why a certificate cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file is not to be read, or no PEM.
    #[error("cannot read {}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: PemError,
    },
    /// Certificate and key do not fit, or are not usable.
    #[error("cannot show the certificate: {0}")]
    Refused(#[from] rustls::Error),
}

/// TLS with this chain and key, offering HTTP/2 alone.
pub fn acceptor(chain: &Path, key: &Path) -> Result<TlsAcceptor, CertificateError> {
    let mut config = config(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// TLS with this chain and key, for what has no protocols to choose from.
pub fn plain_acceptor(chain: &Path, key: &Path) -> Result<TlsAcceptor, CertificateError> {
    Ok(TlsAcceptor::from(Arc::new(config(chain, key)?)))
}

fn config(chain: &Path, key: &Path) -> Result<ServerConfig, CertificateError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| CertificateError::File { path, error }
    };
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_file_iter(chain)
        .map_err(failed(chain))?
        .collect();
    let certificates = certificates.map_err(failed(chain))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(failed(key))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates, key)?)
}
