//! Chains of certificates that are not to be trusted, and TLS that ends without a farewell.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
};
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::CertificateDer;
use watchfire::model::{FailureKind as Kind, Fault, Outcome, Phase};
use watchfire::probe::Run;

use crate::probe::certificates::{Authority, authority, certificate, config, https, showing};
use crate::probe::server::{Server, reply};
use crate::probe::{LONG, client, failure, plan, roots};

async fn get(authority: &Authority, server: &Server) -> Run {
    let keys = format!("url = \"https://127.0.0.1:{}/\"", server.port);
    let roots = roots().with_file(authority.pem.path()).unwrap();
    client(&roots).run(&plan("http", &keys, None, LONG)).await
}

fn good() -> CertificateParams {
    certificate(&["127.0.0.1"], (2020, 2100))
}

fn self_signed() -> ServerConfig {
    let key = KeyPair::generate().unwrap();
    let leaf = good().self_signed(&key).unwrap();
    showing(vec![leaf.der().clone()], &key)
}

/// How the intermediates of a chain are called.
#[derive(Clone, Copy, PartialEq)]
enum Names {
    /// Each has its own.
    Own,
    /// All have the same: each may have been signed by each.
    Same,
}

/// What a chain of `length` intermediates below the authority is made of.
struct Chain {
    length: usize,
    names: Names,
    /// Whether the intermediates may sign.
    may_sign: IsCa,
    /// Bytes of name in each, to make it large.
    padding: usize,
    /// Whether the intermediates are shown.
    shown: bool,
}

impl Chain {
    const SHORT: Chain = Chain {
        length: 1,
        names: Names::Own,
        may_sign: IsCa::Ca(BasicConstraints::Unconstrained),
        padding: 0,
        shown: true,
    };

    fn config(&self, authority: &Authority) -> ServerConfig {
        let mut chain: Vec<CertificateDer<'static>> = Vec::new();
        let mut above: Option<Issuer<'static, KeyPair>> = None;
        for n in 0..self.length {
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.is_ca = self.may_sign;
            let own = if self.names == Names::Own { n } else { 0 };
            let name = format!("intermediate {own} {}", "x".repeat(self.padding));
            params.distinguished_name.push(DnType::CommonName, name);
            let key = KeyPair::generate().unwrap();
            let issuer = above.as_ref().unwrap_or(&authority.issuer);
            let signed = params.signed_by(&key, issuer).unwrap();
            chain.insert(0, signed.der().clone());
            above = Some(Issuer::new(params, key));
        }
        let key = KeyPair::generate().unwrap();
        let issuer = above.as_ref().unwrap_or(&authority.issuer);
        let leaf = good().signed_by(&key, issuer).unwrap();
        if !self.shown {
            chain.clear();
        }
        chain.insert(0, leaf.der().clone());
        showing(chain, &key)
    }
}

#[tokio::test]
async fn a_chain_with_an_intermediate_is_trusted() {
    let authority = authority();
    let server = https(
        Chain::SHORT.config(&authority),
        reply("200 OK", "text/plain", "fine"),
    )
    .await;
    assert_eq!(get(&authority, &server).await.outcome, Outcome::Success);
}

#[tokio::test]
async fn chains_that_are_not_to_be_trusted_are_refused_in_the_handshake_and_in_time() {
    let authority = authority();
    let mut for_clients = good();
    for_clients.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let mut nameless = CertificateParams::new(Vec::new()).unwrap();
    nameless
        .distinguished_name
        .push(DnType::CommonName, "127.0.0.1");
    let cases = [
        ("signed by itself", self_signed(), Kind::TlsUntrusted),
        (
            "for clients only",
            config(&authority, for_clients),
            Kind::TlsUntrusted,
        ),
        (
            "named in the subject only",
            config(&authority, nameless),
            Kind::TlsWrongName,
        ),
        (
            "an intermediate that is not shown",
            Chain {
                shown: false,
                ..Chain::SHORT
            }
            .config(&authority),
            Kind::TlsUntrusted,
        ),
        (
            "an intermediate that may not sign",
            Chain {
                may_sign: IsCa::ExplicitNoCa,
                ..Chain::SHORT
            }
            .config(&authority),
            Kind::TlsUntrusted,
        ),
        (
            "100 intermediates",
            Chain {
                length: 100,
                ..Chain::SHORT
            }
            .config(&authority),
            Kind::TlsUntrusted,
        ),
        (
            "100 intermediates of one name",
            Chain {
                length: 100,
                names: Names::Same,
                ..Chain::SHORT
            }
            .config(&authority),
            Kind::TlsUntrusted,
        ),
        (
            "a chain of 200 KB",
            Chain {
                length: 20,
                padding: 5_000,
                ..Chain::SHORT
            }
            .config(&authority),
            Kind::TlsHandshake,
        ),
    ];
    for (what, config, kind) in cases {
        let server = https(config, reply("200 OK", "text/plain", "fine")).await;
        let run = get(&authority, &server).await;
        assert_eq!(
            failure(&run),
            (kind, Fault::Provider),
            "{what}: {:?}",
            run.evidence
        );
        assert_eq!(run.failed_in, Some(Phase::Tls), "{what}");
        let took = Duration::from_micros(run.total_us.into());
        assert!(took < Duration::from_secs(5), "{what}: {took:?}");
        let told = run.cert_expires.is_some();
        assert_eq!(
            told,
            kind != Kind::TlsHandshake,
            "{what}: the certificate's end"
        );
    }
}

/// Answers with `bytes`, then breaks the connection off without the farewell of TLS.
async fn breaking_off(authority: &Authority, bytes: &'static str) -> Server {
    let acceptor = TlsAcceptor::from(Arc::new(config(authority, good())));
    Server::start(move |stream, requests| {
        let acceptor = acceptor.clone();
        async move {
            let mut stream = acceptor.accept(stream).await.unwrap();
            requests.read(&mut stream).await;
            stream.write_all(bytes.as_bytes()).await.unwrap();
            stream.flush().await.unwrap();
        }
    })
    .await
}

#[tokio::test]
async fn without_a_farewell_of_tls_only_an_answer_with_a_length_is_whole() {
    let authority = authority();
    let long = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine";
    let server = breaking_off(&authority, long).await;
    assert_eq!(get(&authority, &server).await.outcome, Outcome::Success);
    let server = breaking_off(&authority, "HTTP/1.1 200 OK\r\n\r\nfine").await;
    let run = get(&authority, &server).await;
    assert_eq!(
        failure(&run),
        (Kind::Truncated, Fault::Provider),
        "{:?}",
        run.evidence
    );
    assert_eq!(run.failed_in, Some(Phase::Body));
}
