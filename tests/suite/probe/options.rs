//! How a probe connects: HTTP version, IP family, roots, client certificate, oldest TLS, private addresses.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig};
use toml::de::DeTable;
use watchfire::diagnostic::Problem;
use watchfire::model::{FailureKind as Kind, Fault, Outcome, Phase, Secret};
use watchfire::probe::{Plan, Run, Sources, Transport};

use super::server::{Server, reply};
use super::{KEY, LONG, client, failure, plan, roots, why};

/// The transport of some keys; its files are real ones.
pub fn transport(keys: &str) -> Arc<Transport> {
    let table = DeTable::parse(keys).expect("the test's TOML is right");
    let file = |value: &toml::Spanned<toml::de::DeValue<'_>>| {
        let name = value.get_ref().as_str().expect("the test names a file");
        std::fs::read(name).map_err(|e| Problem::new(value.span(), e.to_string()))
    };
    let sources = Sources {
        secret: &|_| Ok(Some(Secret::new(KEY.to_owned()))),
        pem: &|value| {
            let table = value.get_ref().as_table().expect("a secret");
            let pem = file(table.get("file").expect("in a file"))?;
            Ok(Some(Secret::new(String::from_utf8(pem).unwrap())))
        },
        file: &file,
    };
    Transport::read(table.get_ref(), &Transport::shared(), sources)
        .unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// Runs an http probe with a transport.
pub async fn get(url: &str, more: &str, keys: &str) -> Run {
    let plan = Plan {
        transport: transport(keys),
        ..plan("http", &format!("url = \"{url}\"\n{more}"), None, LONG)
    };
    let run = client(&roots()).run(&plan).await;
    let shown = format!("{:?} {}", run.evidence, run.to_json("test/test"));
    assert!(!shown.contains("canary"), "the key is in {shown}");
    run
}

/// A server that speaks HTTP/2 without being asked for it.
async fn h2c() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(two(stream));
        }
    });
    port
}

async fn two<S>(stream: S)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let answer = service_fn(|_| async {
        Ok::<_, Infallible>(hyper::Response::new(Full::new(Bytes::from("fine"))))
    });
    let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), answer)
        .await;
}

#[tokio::test]
async fn http2_is_spoken_to_a_plain_server_without_asking() {
    let port = h2c().await;
    let url = format!("http://127.0.0.1:{port}/");
    let run = get(&url, "", "http = \"2\"").await;
    assert_eq!(run.outcome, Outcome::Success, "{:?}", run.evidence);
    assert_eq!(run.http(), Some("2"));
    assert_eq!(run.to_json("a/b")["http"], "2");
    let run = get(&url, "", "http = \"1.1\"").await;
    assert!(matches!(run.outcome, Outcome::Failure(..)));
}

#[tokio::test]
async fn a_plain_server_without_http2_is_told_of() {
    for answer in [
        "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        "",
    ] {
        let server = Server::saying(answer).await;
        let run = get(&server.url("/"), "", "http = \"2\"").await;
        assert!(
            matches!(failure(&run).0, Kind::Protocol | Kind::Reset),
            "{run:?}"
        );
        assert!(why(&run).starts_with("no HTTP/2 was spoken"), "{run:?}");
        assert_eq!(run.failed_in, Some(Phase::FirstByte));
    }
}

#[tokio::test]
async fn the_family_that_is_asked_for_is_used_and_shown() {
    let server = Server::saying(reply("200 OK", "text/plain", "fine")).await;
    let name = format!("http://localhost:{}/", server.port);
    let run = get(&name, "", "ip = \"4\"").await;
    assert_eq!(run.outcome, Outcome::Success, "{:?}", run.evidence);
    assert_eq!(run.to_json("a/b")["ip"], 4);
    let run = get(&server.url("/"), "", "ip = \"6\"").await;
    assert_eq!(failure(&run), (Kind::Dns, Fault::Ours));
    assert!(why(&run).contains("127.0.0.1 is an IPv4 address"));
    let six = TcpListener::bind("[::1]:0").await.unwrap();
    let port = six.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = six.accept().await.unwrap();
        let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 4096]).await;
        let _ = stream
            .write_all(&reply("200 OK", "text/plain", "fine"))
            .await;
    });
    let run = get(&format!("http://[::1]:{port}/"), "", "ip = \"6\"").await;
    assert_eq!(run.outcome, Outcome::Success, "{:?}", run.evidence);
    assert_eq!(run.to_json("a/b")["ip"], 6);
}

#[tokio::test]
async fn a_private_address_is_not_connected_to_when_it_may_not_be() {
    let server = Server::start(|stream, requests| async move {
        drop(stream);
        requests.note("connected");
    })
    .await;
    let literal = get(&server.url("/"), "", "allow_private = false").await;
    assert_eq!(failure(&literal), (Kind::BadRequest, Fault::Ours));
    let url = format!("http://localhost:{}/", server.port);
    let named = get(&url, "", "allow_private = false").await;
    assert_eq!(failure(&named), (Kind::Dns, Fault::Network));
    assert!(why(&named).contains("leads to the private address"));
    assert_eq!(named.failed_in, Some(Phase::Dns));
    assert!(server.requests().is_empty(), "{:?}", server.requests());
}

/// An authority with its file, and what it has signed.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: rustls::pki_types::CertificateDer<'static>,
    dir: tempfile::TempDir,
}

pub fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("ca.pem"), certificate.pem()).unwrap();
    Authority {
        issuer: Issuer::new(params, key),
        root: certificate.der().clone(),
        dir,
    }
}

impl Authority {
    pub fn ca(&self) -> String {
        format!("ca = \"{}\"", self.dir.path().join("ca.pem").display())
    }

    /// A certificate of ours, as keys of a probe.
    fn client_cert(&self) -> String {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["prober".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let (cert_file, key_file) = (
            self.dir.path().join("us.pem"),
            self.dir.path().join("us.key"),
        );
        std::fs::write(&cert_file, certificate.pem()).unwrap();
        std::fs::write(&key_file, key.serialize_pem()).unwrap();
        format!(
            "client_cert = {{ cert = \"{}\", key = {{ file = \"{}\" }} }}",
            cert_file.display(),
            key_file.display()
        )
    }

    pub fn acceptor(&self, how: How) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let leaf = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions: &[&rustls::SupportedProtocolVersion] = match how.only_tls12 {
            true => &[&rustls::version::TLS12],
            false => rustls::DEFAULT_VERSIONS,
        };
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .unwrap();
        let builder = match how.wants_to_know_us {
            false => builder.with_no_client_auth(),
            true => {
                let mut store = RootCertStore::empty();
                store.add(self.root.clone()).unwrap();
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(store), provider)
                        .build()
                        .unwrap();
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder
            .with_single_cert(vec![leaf.der().clone()], key)
            .unwrap();
        config.alpn_protocols = how.alpn.iter().map(|p| p.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }

    pub async fn serve(&self, how: How) -> Server {
        let acceptor = self.acceptor(how);
        Server::start(move |stream, requests| {
            let acceptor = acceptor.clone();
            async move {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return;
                };
                if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                    return two(stream).await;
                }
                requests.read(&mut stream).await;
                let _ = stream
                    .write_all(&reply("200 OK", "text/plain", "fine"))
                    .await;
                let _ = stream.shutdown().await;
            }
        })
        .await
    }
}

/// What a TLS server is like.
#[derive(Clone, Copy, Default)]
pub struct How {
    alpn: &'static [&'static str],
    only_tls12: bool,
    wants_to_know_us: bool,
}

pub fn https(server: &Server) -> String {
    format!("https://127.0.0.1:{}/", server.port)
}

#[tokio::test]
async fn roots_of_the_probe_are_trusted_besides_the_usual_ones() {
    let authority = authority();
    let server = authority.serve(How::default()).await;
    let run = get(&https(&server), "", &authority.ca()).await;
    assert_eq!(run.outcome, Outcome::Success, "{:?}", run.evidence);
    assert_eq!(run.to_json("a/b")["tls"], "1.3");
    assert!(run.cert_days_left().unwrap() > 1000);
    let run = get(&https(&server), "", "").await;
    assert_eq!(failure(&run), (Kind::TlsUntrusted, Fault::Provider));
}

#[tokio::test]
async fn the_version_of_http_follows_the_option_over_tls_too() {
    let authority = authority();
    let both = authority
        .serve(How {
            alpn: &["h2", "http/1.1"],
            ..How::default()
        })
        .await;
    for (keys, version) in [
        ("", "2"),
        ("http = \"auto\"", "2"),
        ("http = \"1.1\"", "1.1"),
        ("http = \"2\"", "2"),
    ] {
        let run = get(&https(&both), "", &format!("{}\n{keys}", authority.ca())).await;
        assert_eq!(run.http(), Some(version), "{keys}: {:?}", run.evidence);
    }
    for alpn in [&["http/1.1"][..], &[]] {
        let old = authority
            .serve(How {
                alpn,
                ..How::default()
            })
            .await;
        let keys = format!("{}\nhttp = \"2\"", authority.ca());
        let run = get(&https(&old), "", &keys).await;
        assert!(matches!(run.outcome, Outcome::Failure(..)));
        assert!(
            why(&run).contains("no HTTP/2 was spoken"),
            "{alpn:?} {run:?}"
        );
    }
}

#[tokio::test]
async fn a_server_that_wants_to_know_us_is_told_who_we_are() {
    let authority = authority();
    let server = authority
        .serve(How {
            wants_to_know_us: true,
            ..How::default()
        })
        .await;
    let ca = authority.ca();
    let keys = format!("{ca}\n{}", authority.client_cert());
    let run = get(&https(&server), "", &keys).await;
    assert_eq!(run.outcome, Outcome::Success, "{:?}", run.evidence);
    let run = get(&https(&server), "", &ca).await;
    assert_eq!(failure(&run), (Kind::TlsHandshake, Fault::Ours), "{run:?}");
    assert!(why(&run).contains("client_cert"), "{run:?}");
    let stranger = self::authority();
    let keys = format!("{ca}\n{}", stranger.client_cert());
    let run = get(&https(&server), "", &keys).await;
    assert!(matches!(run.outcome, Outcome::Failure(..)), "{run:?}");
}

#[tokio::test]
async fn a_tls_older_than_wanted_is_refused() {
    let authority = authority();
    let old = authority
        .serve(How {
            only_tls12: true,
            ..How::default()
        })
        .await;
    let run = get(&https(&old), "", &authority.ca()).await;
    assert_eq!(run.to_json("a/b")["tls"], "1.2", "{run:?}");
    let keys = format!("{}\ntls_min = \"1.3\"", authority.ca());
    let run = get(&https(&old), "", &keys).await;
    assert_eq!(failure(&run), (Kind::TlsHandshake, Fault::Provider));
    assert!(!why(&run).is_empty());
}
