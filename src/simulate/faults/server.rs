//! The doors of the server that misbehaves: a port that chooses the mode by the path, and ports of one mode each.

use std::fmt::Write as _;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::play::{Asking, Ending, LINGER, play};
use super::{Mode, Protocol};

/// Connections at a time; more wait in the kernel's queue.
const MOST_CONNECTIONS: usize = 8_192;
/// Bytes of a request that are read to find its end.
const MOST_REQUEST_BYTES: usize = 64 * 1024;
/// Pause after a failed accept: out of file descriptors, it fails again at once.
const ACCEPT_PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

/// What is behind a port.
#[derive(Clone)]
pub enum Door {
    /// Plain HTTP/1.1; the path chooses the mode: `/h1/MODE`, `/sse/MODE`.
    Paths,
    /// One mode, from the first byte on.
    Mode(&'static Mode),
    /// One mode of HTTP/2, over TLS as it should be. The acceptor offers `h2`.
    Secure(&'static Mode, TlsAcceptor),
}

/// Serves until `stop`; then every connection is dropped as it stands.
pub async fn serve(listener: TcpListener, door: Door, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < MOST_CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, door.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "the fault server could not accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
}

async fn connection(mut stream: TcpStream, door: Door) {
    // Pieces are small and shall arrive when they are sent.
    let _ = stream.set_nodelay(true);
    let ending = match door {
        Door::Paths => {
            let Some(path) = request(&mut stream).await else {
                return;
            };
            match chosen(&path) {
                Some(mode) => play(&mut stream, mode.acts, Asking::Bytes).await,
                None => list(&mut stream).await,
            }
        }
        Door::Mode(mode) => play(&mut stream, mode.acts, Asking::Bytes).await,
        Door::Secure(mode, acceptor) => match acceptor.accept(&mut stream).await {
            Ok(secure) => play(secure, mode.acts, Asking::Http2).await,
            Err(_) => Ending::Left,
        },
    };
    match ending {
        // With this, closing says RST instead of FIN.
        Ending::Reset => {
            let _ = stream.set_zero_linger();
        }
        Ending::HungUp => hang_up(stream).await,
        Ending::Closed | Ending::Left => {}
    }
}

/// Says FIN, and goes on reading until the client leaves: bytes that nobody reads would turn the FIN into a RST.
async fn hang_up(mut stream: TcpStream) {
    // Fails when the client was faster.
    if stream.shutdown().await.is_ok() {
        let mut nowhere = tokio::io::sink();
        let rest = tokio::io::copy(&mut stream, &mut nowhere);
        let _ = tokio::time::timeout(LINGER, rest).await;
    }
}

/// Reads one request to its end and gives its path; `None` when none comes.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some(end) = text.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&text[..end]).to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"))
                .and_then(|length| length.trim().parse::<usize>().ok());
            if text.len() >= end + 4 + length.unwrap_or(0) {
                return Some(head.split(' ').nth(1)?.to_owned());
            }
        }
        match stream.read(&mut buffer).await {
            Ok(count) if count > 0 && text.len() < MOST_REQUEST_BYTES => {
                text.extend_from_slice(&buffer[..count]);
            }
            _ => return None,
        }
    }
}

fn chosen(path: &str) -> Option<&'static Mode> {
    let mut parts = path.split(['/', '?']).skip(1);
    let protocol = match parts.next()? {
        "h1" => Protocol::Http1,
        "sse" => Protocol::Sse,
        _ => return None,
    };
    protocol.mode(parts.next()?)
}

/// Where no mode is: which there are.
async fn list(stream: &mut TcpStream) -> Ending {
    let mut text = String::new();
    for protocol in [Protocol::Http1, Protocol::Sse] {
        for mode in protocol.modes() {
            let _ = writeln!(text, "/{}/{:24} {}", protocol.name(), mode.name, mode.does);
        }
    }
    let answer = format!(
        "HTTP/1.1 404 Not Found\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n{text}",
        text.len()
    );
    // A client that leaves has seen enough.
    let _ = stream.write_all(answer.as_bytes()).await;
    Ending::Closed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::faults::Seen;
    use crate::simulate::faults::play::Act;

    #[tokio::test]
    async fn a_hang_up_is_no_reset_whatever_the_client_goes_on_saying() {
        static MODE: Mode = super::super::mode(
            "m",
            "says a word and hangs up",
            Seen::Success,
            &[Act::Say(b"word"), Act::HangUp],
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let serving = tokio::spawn(serve(listener, Door::Mode(&MODE), stop.clone()));
        let mut client = TcpStream::connect(address).await.unwrap();
        let mut heard = Vec::new();
        client.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, b"word");
        // The first word to a socket that is gone is answered with RST, the second then fails.
        client.write_all(b"one").await.unwrap();
        client.write_all(b"two").await.unwrap();
        drop(client);
        stop.cancel();
        serving.await.unwrap();
    }
}
