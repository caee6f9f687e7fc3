//! Whom a mail server's certificate must come from: the usual public roots, the system's (or `SSL_CERT_FILE`'s), and
//! the operator's own.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// TLS 1.2 and 1.3, server certificates always verified. `ca` is PEM.
///
/// Errs, in words for the operator, when `ca` holds no usable certificate.
pub fn client_config(ca: Option<&[u8]>) -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    // An unreadable or odd certificate of the system is not ours to judge; a server that needed it will say so.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(pem) = ca {
        let mut found = 0;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let added = certificate
                .map_err(|error| error.to_string())
                .and_then(|c| roots.add(c).map_err(|error| error.to_string()));
            added.map_err(|error| format!("the `ca` of [smtp] cannot be read: {error}"))?;
            found += 1;
        }
        if found == 0 {
            return Err("the `ca` of [smtp] holds no PEM certificate".into());
        }
    }
    let config =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ca_file_without_a_certificate_is_refused() {
        let empty = client_config(Some(b"hello")).unwrap_err();
        assert!(empty.contains("holds no PEM certificate"), "{empty}");
        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(client_config(Some(broken)).is_err());
        assert!(client_config(None).is_ok());
    }
}
