//! A fake provider on a port of its own, and a client that sees the bytes.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use watchfire::clock::Clock;
use watchfire::model::scenario::{Component, Scenario};
use watchfire::simulate::{Provider, serve};

/// A provider on a port of its own; it ends with the test.
pub struct Site {
    pub address: SocketAddr,
    pub provider: Arc<Provider>,
    _server: JoinSet<()>,
}

impl Site {
    pub async fn open(provider: Provider) -> Site {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let provider = Arc::new(provider);
        let mut server = JoinSet::new();
        server.spawn(serve(listener, provider.clone(), CancellationToken::new()));
        Site {
            address,
            provider,
            _server: server,
        }
    }

    /// Everything fails in this way, all the time.
    pub async fn failing(mode: &str) -> Site {
        Self::open(provider(1.0, mode)).await
    }

    pub async fn well() -> Site {
        Self::open(provider(0.0, "server_error")).await
    }

    pub async fn send(&self, method: &str, path: &str, extra: &str, body: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n{extra}\r\n",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body).await.unwrap();
        stream
    }

    pub async fn get(&self, path: &str) -> Heard {
        Heard::all(self.send("GET", path, "", b"").await).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Heard {
        let body = body.to_string();
        Heard::all(self.send("POST", path, "", body.as_bytes()).await).await
    }
}

pub fn provider(rate: f64, mode: &str) -> Provider {
    let mut text = format!(
        "title = \"t\"\nsummary = \"s\"\nstart = 2023-11-08T00:00:00Z\nend = 2023-11-09T00:00:00Z\n\
         base_error_rate = {rate}\nmodes = {{ {mode} = 1 }}\n"
    );
    for component in Component::ALL {
        text.push_str(&format!("[component.{component}]\n"));
    }
    let scenario = Scenario::parse(&text).unwrap();
    // Fast, so that a latency of the story is a few milliseconds here.
    let clock = Clock::sped(scenario.start, 100.0);
    Provider::new(scenario, clock, 1)
}

/// What a client got until the connection ended.
pub struct Heard {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
    /// The body came to the end that its framing promised.
    pub whole: bool,
}

impl Heard {
    /// All that comes until the connection ends.
    pub async fn all(mut stream: TcpStream) -> Heard {
        let mut bytes = Vec::new();
        // A reset counts as an end, like for any client.
        let _ = stream.read_to_end(&mut bytes).await;
        Self::read(&bytes)
    }

    fn read(bytes: &[u8]) -> Heard {
        let end = bytes
            .windows(4)
            .position(|w| w == b"\r\n\r\n")
            .expect("a head");
        let head = String::from_utf8(bytes[..end].to_vec())
            .unwrap()
            .to_lowercase();
        let raw = &bytes[end + 4..];
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let header = |name: &str| {
            let line = head.lines().find(|l| l.starts_with(&format!("{name}:")));
            line.map(|l| l[name.len() + 1..].trim().to_owned())
        };
        let (body, whole) = match header("content-length") {
            Some(length) => (raw.to_vec(), raw.len() == length.parse::<usize>().unwrap()),
            None => dechunk(raw),
        };
        Heard {
            status,
            head,
            body,
            whole,
        }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    /// The data of each event; `[DONE]` as a string.
    pub fn events(&self) -> Vec<Value> {
        let text = self.text();
        let data = text.split("\n\n").filter_map(|e| e.strip_prefix("data: "));
        data.map(|d| serde_json::from_str(d).unwrap_or_else(|_| json!(d)))
            .collect()
    }
}

fn dechunk(mut raw: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(line) = raw.windows(2).position(|w| w == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&raw[..line]).unwrap(), 16).unwrap();
        if size == 0 {
            return (body, true);
        }
        let data = &raw[line + 2..];
        body.extend_from_slice(&data[..size.min(data.len())]);
        raw = data.get(size + 2..).unwrap_or_default();
    }
    (body, false)
}
