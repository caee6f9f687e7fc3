//! Servers that say exactly what a test wants, byte by byte.

use std::future::Future;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A server on a free port of the loopback; ends with the test.
pub struct Server {
    pub port: u16,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Each connection is given to `handle`.
    pub async fn start<F, H>(handle: H) -> Self
    where
        H: Fn(TcpStream, Requests) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Requests(Arc::clone(&requests));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(handle(stream, seen.clone()));
            }
        });
        Self {
            port,
            requests,
            task,
        }
    }

    /// Reads a request, answers with `bytes`, closes.
    pub async fn saying(bytes: impl AsRef<[u8]>) -> Self {
        let bytes: Arc<[u8]> = bytes.as_ref().into();
        Self::start(move |mut stream, requests| {
            let bytes = Arc::clone(&bytes);
            async move {
                requests.read(&mut stream).await;
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
            }
        })
        .await
    }

    /// Reads a request, answers with `bytes`, then holds the connection open.
    pub async fn saying_then_silent(bytes: impl AsRef<[u8]>) -> Self {
        let bytes: Arc<[u8]> = bytes.as_ref().into();
        Self::start(move |mut stream, requests| {
            let bytes = Arc::clone(&bytes);
            async move {
                requests.read(&mut stream).await;
                let _ = stream.write_all(&bytes).await;
                std::future::pending::<()>().await;
            }
        })
        .await
    }

    /// Reads a request, answers with `head`, then says `piece` again and again.
    pub async fn repeating(head: &'static [u8], piece: Vec<u8>) -> Self {
        Self::start(move |mut stream, requests| {
            let piece = piece.clone();
            async move {
                requests.read(&mut stream).await;
                let _ = stream.write_all(head).await;
                while stream.write_all(&piece).await.is_ok() {}
            }
        })
        .await
    }

    /// Reads a request, says `bytes`, then resets the connection.
    pub async fn resetting_after(bytes: &'static [u8]) -> Self {
        Self::start(move |mut stream, requests| async move {
            requests.read(&mut stream).await;
            stream.write_all(bytes).await.unwrap();
            stream.flush().await.unwrap();
            stream.set_zero_linger().unwrap();
        })
        .await
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The requests so far, head and body as text.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Where requests are noted.
#[derive(Clone)]
pub struct Requests(Arc<Mutex<Vec<String>>>);

impl Requests {
    /// Notes something else than a request.
    pub fn note(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }

    /// Reads one request with its body and notes it.
    pub async fn read(&self, stream: &mut (impl AsyncRead + Unpin)) -> String {
        let mut text = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            if let Some(end) = text.windows(4).position(|w| w == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&text[..end]).to_ascii_lowercase();
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "))
                    .map_or(0, |n| n.parse().unwrap());
                if text.len() >= end + 4 + length {
                    break;
                }
            }
            match stream.read(&mut buffer).await {
                Ok(n) if n > 0 => text.extend_from_slice(&buffer[..n]),
                _ => break,
            }
        }
        let text = String::from_utf8_lossy(&text).into_owned();
        self.0.lock().unwrap().push(text.clone());
        text
    }
}

/// A whole reply with a length.
pub fn reply(status: &str, kind: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut out = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\nx-request-id: req-7\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    out.extend_from_slice(body);
    out
}

pub fn json(body: &str) -> Vec<u8> {
    reply("200 OK", "application/json", body)
}

/// Head of an event stream that ends with the connection.
pub const STREAM: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\r\n";

pub fn stream(events: &str) -> Vec<u8> {
    format!("{STREAM}{events}").into_bytes()
}
