//! A certificate authority for one run of the bench, and a server's certificate from it.

use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

/// Files in a folder that is removed with it.
pub struct Certificates {
    folder: tempfile::TempDir,
}

impl Certificates {
    /// Makes them anew: P-256, one authority, one leaf for 127.0.0.1.
    pub fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let authority = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let leaf = leaf.signed_by(&key, &issuer).unwrap();
        let made = Self { folder };
        std::fs::write(made.authority(), authority.pem()).unwrap();
        std::fs::write(made.leaf(), leaf.pem()).unwrap();
        std::fs::write(made.key(), key.serialize_pem()).unwrap();
        made
    }

    /// The authority's certificate.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The server's certificate.
    pub fn leaf(&self) -> PathBuf {
        self.folder.path().join("leaf.pem")
    }

    /// The server's key.
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }
}
