//! Certificates for the tests, made as they go: an authority, and what it signs.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::server::Server;

/// Who signs; `pem` is the file to trust.
pub struct Authority {
    pub issuer: Issuer<'static, KeyPair>,
    pub pem: tempfile::NamedTempFile,
}

pub fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let pem = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(pem.path(), certificate.pem()).unwrap();
    Authority {
        issuer: Issuer::new(params, key),
        pem,
    }
}

/// For these names, valid from the first of these years to the second.
pub fn certificate(names: &[&str], years: (i32, i32)) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.not_before = date_time_ymd(years.0, 1, 1);
    params.not_after = date_time_ymd(years.1, 1, 1);
    params
}

/// A server with a certificate of these properties.
pub fn config(authority: &Authority, params: CertificateParams) -> ServerConfig {
    let key = KeyPair::generate().unwrap();
    let leaf = params.signed_by(&key, &authority.issuer).unwrap();
    showing(vec![leaf.der().clone()], &key)
}

/// A server that shows this chain.
pub fn showing(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> ServerConfig {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap()
}

/// Reads a request over TLS, answers with `bytes`, closes.
pub async fn https(config: ServerConfig, bytes: impl AsRef<[u8]>) -> Server {
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let bytes: Arc<[u8]> = bytes.as_ref().into();
    Server::start(move |stream, requests| {
        let (acceptor, bytes) = (acceptor.clone(), Arc::clone(&bytes));
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                return;
            };
            requests.read(&mut stream).await;
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
    })
    .await
}
