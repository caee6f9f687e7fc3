//! Proxies: what goes through them, and that their failures are told as theirs.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;
use watchfire::model::{FailureKind as Kind, Fault, Outcome, Phase};

use super::options::{Authority, How, authority, get, https};
use super::server::{Server, reply};
use super::{KEY, failure, why};

/// A proxy that notes what it is asked and does it: CONNECT, and absolute addresses on plain http.
async fn honest() -> Server {
    Server::start(|mut stream, requests| async move {
        let request = requests.read(&mut stream).await;
        let target = request.split(' ').nth(1).unwrap_or_default().to_owned();
        if request.starts_with("CONNECT") {
            let mut upstream = TcpStream::connect(target).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            let _ = copy_bidirectional(&mut stream, &mut upstream).await;
            return;
        }
        let host = target.trim_start_matches("http://");
        let host = host.split('/').next().unwrap_or_default();
        let mut upstream = TcpStream::connect(host).await.unwrap();
        upstream.write_all(request.as_bytes()).await.unwrap();
        let _ = copy_bidirectional(&mut stream, &mut upstream).await;
    })
    .await
}

/// The same over TLS.
async fn honest_over_tls(authority: &Authority) -> Server {
    let acceptor = authority.acceptor(How::default());
    Server::start(move |stream, requests| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                return;
            };
            let request = requests.read(&mut stream).await;
            let target = request.split(' ').nth(1).unwrap_or_default();
            let host = target.trim_start_matches("http://");
            let host = host.split('/').next().unwrap_or_default();
            let mut upstream = TcpStream::connect(host).await.unwrap();
            match request.starts_with("CONNECT") {
                true => stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap(),
                false => upstream.write_all(request.as_bytes()).await.unwrap(),
            }
            let _ = copy_bidirectional(&mut stream, &mut upstream).await;
        }
    })
    .await
}

/// A SOCKS5 proxy; with `login`, one that wants a user and a password.
async fn socks(login: bool) -> Server {
    Server::start(move |mut stream, requests| async move {
        let mut head = [0; 2];
        stream.read_exact(&mut head).await.unwrap();
        let mut methods = vec![0; head[1].into()];
        stream.read_exact(&mut methods).await.unwrap();
        if login {
            if !methods.contains(&2) {
                let _ = stream.write_all(&[5, 0xff]).await;
                return;
            }
            stream.write_all(&[5, 2]).await.unwrap();
            let user = text(&mut stream, true).await;
            let password = text(&mut stream, false).await;
            requests.note(&format!("{user} {password}"));
            let wrong = u8::from(user != "us");
            stream.write_all(&[1, wrong]).await.unwrap();
            if wrong == 1 {
                return;
            }
        } else {
            stream.write_all(&[5, 0]).await.unwrap();
        }
        let mut ask = [0; 4];
        stream.read_exact(&mut ask).await.unwrap();
        let host = match ask[3] {
            1 => {
                let mut ip = [0; 4];
                stream.read_exact(&mut ip).await.unwrap();
                std::net::Ipv4Addr::from(ip).to_string()
            }
            _ => text(&mut stream, false).await,
        };
        let port = stream.read_u16().await.unwrap();
        requests.note(&format!("{host}:{port}"));
        let mut upstream = TcpStream::connect((host.as_str(), port)).await.unwrap();
        stream
            .write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])
            .await
            .unwrap();
        let _ = copy_bidirectional(&mut stream, &mut upstream).await;
    })
    .await
}

/// A text with its length before it, and before that a version.
async fn text(stream: &mut TcpStream, version: bool) -> String {
    if version {
        stream.read_u8().await.unwrap();
    }
    let length = stream.read_u8().await.unwrap();
    let mut bytes = vec![0; length.into()];
    stream.read_exact(&mut bytes).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

fn at(scheme: &str, proxy: &Server) -> String {
    format!("proxy = \"{scheme}://127.0.0.1:{}\"", proxy.port)
}

fn with_login(scheme: &str, proxy: &Server, user: &str) -> String {
    format!(
        "proxy = {{ url = \"{scheme}://127.0.0.1:{}\", user = \"{user}\", password = {{ env = \"P\" }} }}",
        proxy.port
    )
}

#[tokio::test]
async fn what_is_asked_goes_through_the_proxy_that_the_file_names() {
    let server = Server::saying(reply("200 OK", "text/plain", "fine")).await;
    let proxy = honest().await;
    let run = get(&server.url("/x"), "", &at("http", &proxy)).await;
    assert_eq!(run.outcome, Outcome::Success, "{:?}", run.evidence);
    assert!(proxy.requests()[0].starts_with(&format!("GET {} HTTP/1.1", server.url("/x"))));
    assert_eq!(server.requests().len(), 1);
    for scheme in ["socks5", "socks5h"] {
        let proxy = socks(false).await;
        let run = get(&server.url("/x"), "", &at(scheme, &proxy)).await;
        assert_eq!(run.outcome, Outcome::Success, "{:?}", run.evidence);
        assert_eq!(proxy.requests(), [format!("127.0.0.1:{}", server.port)]);
    }
    let proxy = socks(false).await;
    let url = format!("http://localhost:{}/x", server.port);
    let run = get(&url, "", &at("socks5h", &proxy)).await;
    assert_eq!(run.outcome, Outcome::Success, "{:?}", run.evidence);
    assert_eq!(proxy.requests(), [format!("localhost:{}", server.port)]);
}

#[tokio::test]
async fn a_login_is_for_the_proxy_only() {
    let server = Server::saying(reply("200 OK", "text/plain", "fine")).await;
    let proxy = honest().await;
    let run = get(&server.url("/x"), "", &with_login("http", &proxy, "us")).await;
    assert_eq!(run.outcome, Outcome::Success, "{:?}", run.evidence);
    let asked = proxy.requests()[0].to_ascii_lowercase();
    assert!(asked.contains("proxy-authorization: basic "), "{asked}");
    let proxy = socks(true).await;
    let run = get(&server.url("/x"), "", &with_login("socks5", &proxy, "us")).await;
    assert_eq!(run.outcome, Outcome::Success, "{:?}", run.evidence);
    assert_eq!(proxy.requests()[0], format!("us {KEY}"));
    let seen = server.requests()[1].to_ascii_lowercase();
    assert!(!seen.contains("authorization"), "{seen}");
}

#[tokio::test]
async fn a_proxy_that_does_not_let_us_in_is_our_own_business() {
    let server = Server::saying(reply("200 OK", "text/plain", "fine")).await;
    let denied =
        Server::saying("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
            .await;
    let strict = socks(true).await;
    for (url, proxy) in [
        (server.url("/"), at("http", &denied)),
        ("https://127.0.0.1:1/".to_owned(), at("http", &denied)),
        (server.url("/"), with_login("http", &denied, "us")),
        (server.url("/"), at("socks5", &strict)),
        (server.url("/"), with_login("socks5", &strict, "other")),
    ] {
        let run = get(&url, "", &proxy).await;
        assert_eq!(failure(&run), (Kind::Proxy, Fault::Ours), "{proxy} {run:?}");
        assert!(why(&run).contains("the proxy ") && why(&run).contains("password"));
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_proxy_that_fails_is_not_the_provider_that_fails() {
    let dead = "proxy = \"http://127.0.0.1:1\"".to_owned();
    let refusing = Server::saying("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await;
    let bad = Server::saying("what?\r\n\r\n").await;
    let mute = Server::saying("").await;
    let hasty = Server::start(|mut stream, _| async move {
        let _ = stream.read(&mut [0; 64]).await;
        let _ = stream.shutdown().await;
    })
    .await;
    let target = "https://127.0.0.1:1/";
    for (proxy, said) in [
        (dead.clone(), "refused"),
        (dead.replace("http:", "socks5:"), "proxy"),
        (at("http", &refusing), "CONNECT refused"),
        (at("http", &bad), "CONNECT"),
        (at("http", &mute), "closed the connection"),
        (at("socks5", &hasty), "SOCKS"),
        ("proxy = \"http://proxy.invalid:3128\"".to_owned(), "name"),
    ] {
        let run = get(target, "", &proxy).await;
        assert_eq!(
            failure(&run),
            (Kind::Proxy, Fault::Network),
            "{proxy} {run:?}"
        );
        assert!(why(&run).starts_with("the proxy "), "{proxy} {run:?}");
        assert!(why(&run).contains(said), "{proxy} {run:?}");
    }
    let run = get("http://127.0.0.1:1/", "", &dead).await;
    assert_eq!(failure(&run), (Kind::Proxy, Fault::Network));
    assert_eq!(run.failed_in, Some(Phase::Connect));
}

#[tokio::test]
async fn a_proxy_that_says_nothing_until_the_time_is_up_is_told_as_such() {
    let silent = Server::start(|stream, _| async move {
        let _open = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let plan = watchfire::probe::Plan {
        transport: super::options::transport(&at("http", &silent)),
        ..super::plan(
            "http",
            "url = \"https://127.0.0.1:1/\"",
            None,
            Duration::from_millis(300),
        )
    };
    let run = super::client(&super::roots()).run(&plan).await;
    assert_eq!(failure(&run), (Kind::Proxy, Fault::Network), "{run:?}");
}

#[tokio::test]
async fn a_reply_through_a_proxy_leads_to_no_address_within() {
    let within = Server::saying(reply("200 OK", "text/plain", "metadata")).await;
    for to in [
        within.url("/latest"),
        format!("http://localhost:{}/latest", within.port),
        "http://169.254.169.254/latest".to_owned(),
    ] {
        let redirect = format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
        let proxy = Server::saying(redirect).await;
        let run = get(
            "http://public.example/",
            "redirects = 3",
            &at("http", &proxy),
        )
        .await;
        assert_eq!(failure(&run), (Kind::Redirect, Fault::Provider), "{run:?}");
        assert!(why(&run).contains("(redirected by 302 public.example:80)"));
        assert!(why(&run).contains("private address"), "{run:?}");
        assert_eq!(proxy.requests().len(), 1);
    }
    assert!(within.requests().is_empty());
}

#[tokio::test]
async fn the_handshake_with_a_proxy_belongs_to_connecting_and_that_with_the_service_is_its_own() {
    let authority = authority();
    let proxy = honest_over_tls(&authority).await;
    let plain = Server::saying(reply("200 OK", "text/plain", "fine")).await;
    let secure = authority.serve(How::default()).await;
    let keys = format!("{}\n{}", authority.ca(), at("https", &proxy));
    let run = get(&plain.url("/"), "", &keys).await;
    assert_eq!(run.outcome, Outcome::Success, "{:?}", run.evidence);
    assert_eq!((run.phases.tls_us, run.cert_expires), (None, None));
    assert_eq!(run.to_json("a/b")["tls"], serde_json::Value::Null);
    let run = get(&https(&secure), "", &keys).await;
    assert_eq!(run.outcome, Outcome::Success, "{:?}", run.evidence);
    assert!(run.phases.tls_us.is_some() && run.cert_expires.is_some());
    let asked = proxy.requests()[1].clone();
    assert!(asked.starts_with(&format!("CONNECT 127.0.0.1:{}", secure.port)));
}

#[tokio::test]
async fn a_certificate_is_told_as_the_fault_of_whose_it_is() {
    let (known, stranger) = (authority(), authority());
    let keys = |proxy: &Server| format!("{}\n{}", known.ca(), at("https", proxy));
    let strange = honest_over_tls(&stranger).await;
    let run = get("https://127.0.0.1:1/", "", &keys(&strange)).await;
    assert_eq!(failure(&run), (Kind::Proxy, Fault::Network), "{run:?}");
    assert!(strange.requests().is_empty());
    let proxy = honest_over_tls(&known).await;
    let server = stranger.serve(How::default()).await;
    let run = get(&https(&server), "", &keys(&proxy)).await;
    assert_eq!(
        failure(&run),
        (Kind::TlsUntrusted, Fault::Provider),
        "{run:?}"
    );
    assert!(why(&run).contains("(through the proxy https://127.0.0.1:"));
}
