//! The server that daemon and competitor ask: a few bytes of JSON to GET, a short stream of tokens to POST.
//!
//! A process of its own. Says its address, then, for each line that it is sent, how many requests under `/w/` and under
//! `/b/` it has answered; ends when its input ends.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const JSON: &[u8] = br#"{"status":"ok","region":"local"}"#;
/// Tokens of a streamed answer, before the last.
const TOKENS: usize = 100;

/// Requests answered for watchfire and for the bare loop.
static ANSWERED: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];

/// Serves https with `[certificate, key]`, http without.
pub fn run(files: &[&str]) {
    let acceptor = match files {
        [leaf, key] => Some(TlsAcceptor::from(Arc::new(tls(leaf, key)))),
        _ => None,
    };
    std::thread::spawn(|| {
        for line in std::io::stdin().lines() {
            if line.is_err() {
                break;
            }
            let [watchfire, bare] = ANSWERED.each_ref().map(|n| n.load(Ordering::Relaxed));
            println!("{watchfire} {bare}");
        }
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, accept(acceptor));
}

async fn accept(acceptor: Option<TlsAcceptor>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    let stream = Bytes::from(events());
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            continue;
        };
        let _ = socket.set_nodelay(true);
        let (acceptor, stream) = (acceptor.clone(), stream.clone());
        tokio::task::spawn_local(async move {
            let answer = service_fn(|request| answer(request, stream.clone()));
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new());
            // A client that goes away is none of the bench's business.
            let _ = match acceptor {
                None => http.serve_connection(TokioIo::new(socket), answer).await,
                Some(acceptor) => {
                    let Ok(socket) = acceptor.accept(socket).await else {
                        return;
                    };
                    http.serve_connection(TokioIo::new(socket), answer).await
                }
            };
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    stream: Bytes,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let whose = usize::from(request.uri().path().starts_with("/b/"));
    ANSWERED[whose].fetch_add(1, Ordering::Relaxed);
    let (kind, body) = match *request.method() {
        Method::POST => ("text/event-stream", stream),
        _ => ("application/json", Bytes::from_static(JSON)),
    };
    let response = Response::builder().header("content-type", kind);
    Ok(response.body(Full::new(body)).unwrap())
}

/// A streamed chat completion as OpenAI sends it, all of it at once.
fn events() -> String {
    let chunk = |delta: &str, finish: &str| {
        format!(
            "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"m\",\
             \"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n"
        )
    };
    let mut text = chunk(r#"{"role":"assistant","content":""}"#, "null");
    for _ in 0..TOKENS {
        text.push_str(&chunk(r#"{"content":"pong "}"#, "null"));
    }
    text + &chunk("{}", "\"stop\"") + "data: [DONE]\n\n"
}

fn tls(leaf: &str, key: &str) -> rustls::ServerConfig {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(leaf).unwrap().collect();
    let key = PrivateKeyDer::from_pem_file(key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.unwrap(), key)
        .unwrap()
}
