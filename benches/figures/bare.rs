//! The competitor: reqwest in a loop, on one thread, that sends the same requests at the same pace and keeps nothing.
//!
//! A process of its own, so that its processor time is told apart. Ends when its input ends.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// What `watchfire`'s chat probe asks, nearly.
const QUESTION: &str = r#"{"max_tokens":16,"messages":[{"content":"ping 00c0ffee: answer with the one word pong","role":"user"}],"model":"m","stream":true,"stream_options":{"include_usage":true}}"#;

/// Sends `rate` requests a second below `url`, at moments spread by chance over the second, as hashed offsets are.
///
/// `how`: `fresh` or `reuse` connections, `chat` for posts; or the file of an authority, for fresh ones on https.
pub fn run(how: &str, url: &str, rate: u32) {
    std::thread::spawn(|| {
        for _ in std::io::stdin().lines() {}
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let client = client(how);
        let chat = how == "chat";
        let mut moments: Vec<Duration> = (0..rate)
            .map(|_| Duration::from_micros(fastrand::u64(..1_000_000)))
            .collect();
        moments.sort_unstable();
        let mut second = tokio::time::Instant::now();
        loop {
            for (n, moment) in moments.iter().enumerate() {
                tokio::time::sleep_until(second + *moment).await;
                let url = format!("{url}/{n}");
                let request = match chat {
                    true => client.post(url).body(QUESTION),
                    false => client.get(url),
                };
                tokio::spawn(async move {
                    let response = request.send().await.unwrap();
                    response.bytes().await.unwrap();
                });
            }
            second += Duration::from_secs(1);
        }
    });
}

fn client(how: &str) -> Client {
    let idle = if how == "reuse" { 8 } else { 0 };
    let mut roots = rustls::RootCertStore::empty();
    if !["fresh", "reuse", "chat"].contains(&how) {
        for certificate in CertificateDer::pem_file_iter(how).unwrap() {
            roots.add(certificate.unwrap()).unwrap();
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    // A full handshake each time, as a probe makes it.
    tls.resumption = Resumption::disabled();
    let builder = Client::builder()
        .tls_backend_preconfigured(tls)
        .pool_max_idle_per_host(idle)
        .no_proxy();
    builder.build().unwrap()
}
