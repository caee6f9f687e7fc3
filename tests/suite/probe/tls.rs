//! Certificates and handshakes, good and bad.

use rcgen::CertificateParams;
use tokio::io::AsyncWriteExt;
use watchfire::model::{FailureKind as Kind, Fault, Outcome, Phase, Topic};
use watchfire::probe::Run;

use super::certificates::{Authority, authority, certificate, config, https};
use super::server::{Server, reply};
use super::{LONG, SHORT, client, failure, plan, roots, why};

async fn serve(authority: &Authority, params: CertificateParams) -> Server {
    https(
        config(authority, params),
        reply("200 OK", "text/plain", "fine"),
    )
    .await
}

async fn get(
    authority: &Authority,
    server: &Server,
    expect: &str,
    timeout: std::time::Duration,
) -> Run {
    let keys = format!("url = \"https://127.0.0.1:{}/\"\n{expect}", server.port);
    let roots = roots().with_file(authority.pem.path()).unwrap();
    client(&roots)
        .run(&plan("http", &keys, None, timeout))
        .await
}

#[tokio::test]
async fn a_good_certificate_is_accepted_timed_and_its_end_is_known() {
    let authority = authority();
    let server = serve(&authority, certificate(&["127.0.0.1"], (2020, 2100))).await;
    let run = get(&authority, &server, "", LONG).await;
    assert_eq!(run.outcome, Outcome::Success, "{:?}", run.evidence);
    assert!(run.phases.tls_us.unwrap() > 0);
    assert_eq!(
        run.cert_expires.map(|t| t.to_string()).as_deref(),
        Some("2100-01-01T00:00:00Z")
    );
}

#[tokio::test]
async fn each_bad_certificate_has_its_own_name_and_its_end_is_known() {
    let authority = authority();
    let stranger = self::authority();
    for (issuer, names, years, kind) in [
        (&authority, "127.0.0.1", (2020, 2021), Kind::TlsExpired),
        (&authority, "127.0.0.1", (2098, 2100), Kind::TlsNotYetValid),
        (
            &authority,
            "other.example",
            (2020, 2100),
            Kind::TlsWrongName,
        ),
        (&stranger, "127.0.0.1", (2020, 2100), Kind::TlsUntrusted),
    ] {
        let server = serve(issuer, certificate(&[names], years)).await;
        let run = get(&authority, &server, "", LONG).await;
        assert_eq!(failure(&run), (kind, Fault::Provider), "{:?}", run.evidence);
        assert_eq!((run.failed_in, run.status), (Some(Phase::Tls), None));
        assert!(
            run.cert_expires.is_some() && run.phases.tls_us.is_some(),
            "{kind}"
        );
        assert!(!why(&run).is_empty());
    }
}

#[tokio::test]
async fn a_certificate_near_its_end_is_our_own_business() {
    let authority = authority();
    let server = serve(&authority, certificate(&["127.0.0.1"], (2020, 2100))).await;
    let long = get(
        &authority,
        &server,
        "expect = { cert_valid_for = \"200 years\" }",
        LONG,
    )
    .await;
    assert_eq!(failure(&long), (Kind::CertExpiring, Fault::Ours));
    assert_eq!(long.outcome.counts(), None);
    let short = get(
        &authority,
        &server,
        "expect = { cert_valid_for = \"14d\" }",
        LONG,
    )
    .await;
    assert_eq!(short.outcome, Outcome::Success);
}

#[tokio::test]
async fn what_is_no_handshake_is_named_so() {
    let authority = authority();
    for bytes in ["HTTP/1.1 400 Bad Request\r\n\r\n", ""] {
        let server = Server::start(move |mut stream, _| async move {
            let mut hello = [0; 64];
            let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut hello).await;
            let _ = stream.write_all(bytes.as_bytes()).await;
            let _ = stream.shutdown().await;
            // The rest of the greeting is taken, so that closing is no reset.
            while matches!(tokio::io::AsyncReadExt::read(&mut stream, &mut hello).await, Ok(n) if n > 0) {}
        })
        .await;
        let run = get(&authority, &server, "", LONG).await;
        assert_eq!(
            failure(&run),
            (Kind::TlsHandshake, Fault::Provider),
            "{bytes:?} {:?}",
            run.evidence
        );
        assert_eq!(run.failed_in, Some(Phase::Tls));
    }
}

#[tokio::test]
async fn a_handshake_that_stands_still_is_a_timeout_there() {
    let authority = authority();
    let server = Server::start(|stream, _| async move {
        let _open = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let run = get(&authority, &server, "", SHORT).await;
    assert_eq!(failure(&run), (Kind::Timeout, Fault::Provider));
    assert_eq!(run.failed_in, Some(Phase::Tls));
    assert!(run.phases.tls_us.unwrap() > 200_000 && run.phases.first_byte_us.is_none());
}

#[tokio::test]
async fn a_certificate_that_ends_soon_is_told_of_and_fails_nothing() {
    let authority = authority();
    for (days, told) in [(5, true), (20, false)] {
        let mut params = certificate(&["127.0.0.1"], (2020, 2030));
        let now = watchfire::clock::Clock::system().now();
        let end = now + std::time::Duration::from_secs(days * 86_400);
        params.not_after = end.to_system().into();
        let server = serve(&authority, params).await;
        let run = get(&authority, &server, "", LONG).await;
        assert_eq!(run.outcome, Outcome::Success, "{}", why(&run));
        let ends = run.found.map_or(Vec::new(), |found| found.deadlines);
        assert_eq!(ends.len(), usize::from(told), "{days}");
        if let Some(end) = ends.first() {
            assert_eq!(end.topic, Topic::Certificate);
            assert_eq!(end.subject, format!("127.0.0.1:{}", server.port));
            assert_eq!(Some(end.at), run.cert_expires);
        }
    }
}
