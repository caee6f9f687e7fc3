//! The bytes between us and a mail server: counted, cut into lines, and turned to TLS on request.
//!
//! lettre reads a reply line however long it is, keeps what came in clear before a STARTTLS as if it had come after
//! it, and panics on a capability line of blanks. So this stream ends after [`BUDGET_BYTES`], hands over one cleaned
//! line at a time, and refuses the upgrade when anything is left over (RFC 3207 section 6; CVE-2011-0411 and its kin).

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Bytes of replies in one connection: a polite server needs 1 or 2 KiB. lettre reads a reply again from its beginning
/// with each line that comes, so what a hostile one costs grows with the square of this.
const BUDGET_BYTES: usize = 16 * 1024;
/// What ends a message.
const FINAL_DOT: &[u8; 5] = b"\r\n.\r\n";

/// A shared handle: lettre holds one, we keep another.
#[derive(Clone)]
pub struct Stream(Arc<Mutex<State>>);

struct State {
    io: Io,
    /// Read, but not handed over: the beginning of a line, or what follows the line that was.
    ahead: Vec<u8>,
    /// The rest of a cleaned line that is being handed over.
    line: VecDeque<u8>,
    budget: usize,
    /// The last bytes written, as many as the final dot has.
    tail: Vec<u8>,
}

enum Io {
    Clear(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// Lost in a failed upgrade.
    Gone,
}

impl Stream {
    /// Over an open connection, in clear.
    pub fn clear(tcp: TcpStream) -> Self {
        Self::over(Io::Clear(tcp))
    }

    fn over(io: Io) -> Self {
        Self(Arc::new(Mutex::new(State {
            io,
            ahead: Vec::new(),
            line: VecDeque::new(),
            budget: BUDGET_BYTES,
            tail: Vec::new(),
        })))
    }

    /// Does the TLS handshake on the connection, and goes on encrypted.
    pub async fn encrypt(
        &self,
        connector: &TlsConnector,
        name: ServerName<'static>,
    ) -> io::Result<()> {
        let tcp = {
            let mut state = self.state();
            if !state.ahead.is_empty() {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the server sent text in clear between STARTTLS and TLS: somebody may be tampering with the connection",
                ));
            }
            match std::mem::replace(&mut state.io, Io::Gone) {
                Io::Clear(tcp) => tcp,
                other => {
                    state.io = other;
                    return Err(io::Error::other(
                        "the connection is already encrypted or lost",
                    ));
                }
            }
        };
        let tls = connector.connect(name, tcp).await?;
        self.state().io = Io::Tls(Box::new(tls));
        Ok(())
    }

    /// True once all of a message has been written, with the dot that ends it.
    pub fn dot_written(&self) -> bool {
        self.state().tail == FINAL_DOT
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn gone() -> io::Error {
    io::ErrorKind::NotConnected.into()
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut state = self.state();
        while state.line.is_empty() {
            if let Some(end) = state.ahead.iter().position(|b| *b == b'\n') {
                let raw: Vec<u8> = state.ahead.drain(..=end).collect();
                state.line = clean(&raw).into();
                continue;
            }
            let mut chunk = [0; 4096];
            let mut chunk = ReadBuf::new(&mut chunk);
            ready!(match &mut state.io {
                Io::Clear(tcp) => Pin::new(tcp).poll_read(cx, &mut chunk),
                Io::Tls(tls) => Pin::new(tls).poll_read(cx, &mut chunk),
                Io::Gone => Poll::Ready(Err(gone())),
            })?;
            let read = chunk.filled();
            if read.is_empty() {
                return Poll::Ready(Ok(()));
            }
            state.budget = state.budget.checked_sub(read.len()).ok_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidData, "the server talks without end")
            })?;
            state.ahead.extend_from_slice(read);
        }
        let take = state.line.len().min(buf.remaining());
        for byte in state.line.drain(..take) {
            buf.put_slice(&[byte]);
        }
        Poll::Ready(Ok(()))
    }
}

/// A reply line as lettre can bear it: printable ASCII, no blanks at the end, CRLF. A reply of a code alone is proper
/// (RFC 5321 section 4.2), but lettre wants the blank after it.
fn clean(raw: &[u8]) -> Vec<u8> {
    let mut line: Vec<u8> = raw
        .trim_ascii_end()
        .iter()
        .map(|b| match b {
            b'\t' => b' ',
            b' '..=b'~' => *b,
            _ => b'?',
        })
        .collect();
    if line.len() == 3 && line.iter().all(u8::is_ascii_digit) {
        line.push(b' ');
    }
    line.extend_from_slice(b"\r\n");
    line
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.state();
        let written = ready!(match &mut state.io {
            Io::Clear(tcp) => Pin::new(tcp).poll_write(cx, buf),
            Io::Tls(tls) => Pin::new(tls).poll_write(cx, buf),
            Io::Gone => Poll::Ready(Err(gone())),
        })?;
        let recent = &buf[written.saturating_sub(FINAL_DOT.len())..written];
        state.tail.extend_from_slice(recent);
        let surplus = state.tail.len().saturating_sub(FINAL_DOT.len());
        state.tail.drain(..surplus);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.state().io {
            Io::Clear(tcp) => Pin::new(tcp).poll_flush(cx),
            Io::Tls(tls) => Pin::new(tls).poll_flush(cx),
            Io::Gone => Poll::Ready(Err(gone())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.state().io {
            Io::Clear(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Io::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
            Io::Gone => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncTokioStream for Stream {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        match &self.state().io {
            Io::Clear(tcp) => tcp.peer_addr(),
            Io::Tls(tls) => tls.get_ref().0.peer_addr(),
            Io::Gone => Err(gone()),
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state().io {
            Io::Clear(_) => "Stream(clear)",
            Io::Tls(_) => "Stream(tls)",
            Io::Gone => "Stream(gone)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_line_is_printable_and_ends_in_crlf() {
        assert_eq!(clean(b"250-\t \x0b \t\r\n"), b"250-  ?\r\n");
        assert_eq!(clean(b"250 ok\n"), b"250 ok\r\n");
        assert_eq!(clean(b"250\r\n"), b"250 \r\n");
        assert_eq!(clean(b"250 \t\r\n"), b"250 \r\n");
        assert_eq!(clean(b"550 \x1b[31m\xc3\xa9\r\n"), b"550 ?[31m??\r\n");
    }
}
