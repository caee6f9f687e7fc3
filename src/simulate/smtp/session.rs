//! One conversation of the mail server that misbehaves.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufStream, ReadBuf,
};
use tokio::net::TcpStream;

use super::journal::Taken;
use super::server::Host;
use super::{At, Conduct, Do, Shield};

/// Longest line that is read: four times what RFC 5321 section 4.5.3.1 asks for.
const LINE_BYTES: u64 = 4_096;
/// Longest message: more than any alert.
const MESSAGE_BYTES: usize = 16 << 20;
/// Copies of what is said without end that go out in one piece.
const COPIES: usize = 100;

/// How a conversation goes on.
enum Next {
    Upgrade,
    Leave,
}

pub(super) struct Session {
    host: Host,
    conduct: Conduct,
    /// The recipient of the present letter; empty before it is named.
    to: String,
}

impl Session {
    pub fn new(host: Host) -> Self {
        let conduct = host.conduct();
        Self {
            host,
            conduct,
            to: String::new(),
        }
    }

    pub async fn serve(mut self, stream: TcpStream) {
        // Pieces are small and shall arrive when they are sent.
        let _ = stream.set_nodelay(true);
        let mut clear = BufStream::new(Tapped {
            stream,
            host: self.host.clone(),
        });
        let at_once = self.conduct.shield == Shield::AtOnce;
        if !at_once {
            let capabilities = self.conduct.clear;
            match self.greet(&mut clear, At::Hello, capabilities).await {
                Next::Upgrade => {}
                Next::Leave => return,
            }
        }
        let Some(acceptor) = self.host.tls().cloned() else {
            return;
        };
        let Ok(tls) = acceptor.accept(clear.into_inner()).await else {
            return;
        };
        let mut tls = BufStream::new(tls);
        let capabilities = self.conduct.inside;
        if at_once {
            self.greet(&mut tls, At::Hello, capabilities).await;
        } else {
            self.talk(&mut tls, At::SecondHello, capabilities).await;
        }
    }

    async fn greet<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        stream: &mut BufStream<S>,
        hello: At,
        capabilities: &'static [u8],
    ) -> Next {
        let greeting = b"220 mail.test ESMTP\r\n";
        if !self.does(stream, At::Greeting, greeting).await {
            return Next::Leave;
        }
        self.talk(stream, hello, capabilities).await
    }

    /// Answers until the client leaves, or asks for TLS.
    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        stream: &mut BufStream<S>,
        hello: At,
        capabilities: &'static [u8],
    ) -> Next {
        while let Some(line) = self.line(stream).await {
            let word = line.split([' ', ':']).next().unwrap_or_default();
            let goes_on = match word.to_ascii_uppercase().as_str() {
                "EHLO" | "HELO" => self.does(stream, hello, capabilities).await,
                "STARTTLS" => {
                    return if self.does(stream, At::Starttls, b"220 go ahead\r\n").await {
                        Next::Upgrade
                    } else {
                        Next::Leave
                    };
                }
                "AUTH" if line.ends_with("LOGIN") => self.ask_login(stream).await,
                "AUTH" => self.does(stream, At::Auth, b"235 2.7.0 welcome\r\n").await,
                "MAIL" => {
                    self.to.clear();
                    self.does(stream, At::Sender, b"250 2.1.0 ok\r\n").await
                }
                "RCPT" => {
                    let address = line.split(['<', '>']).nth(1);
                    self.to = address.unwrap_or_default().to_owned();
                    self.does(stream, At::Recipient, b"250 2.1.5 ok\r\n").await
                }
                "DATA" => {
                    self.does(stream, At::Data, b"354 go ahead\r\n").await
                        && self.message(stream).await
                }
                "QUIT" => {
                    self.say(stream, b"221 bye\r\n").await;
                    false
                }
                _ => self.say(stream, b"500 5.5.2 what?\r\n").await,
            };
            if !goes_on {
                return Next::Leave;
            }
        }
        Next::Leave
    }

    async fn ask_login<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        stream: &mut BufStream<S>,
    ) -> bool {
        for question in [b"334 VXNlcm5hbWU6\r\n", b"334 UGFzc3dvcmQ6\r\n"] {
            if !self.say(stream, question).await || self.line(stream).await.is_none() {
                return false;
            }
        }
        self.does(stream, At::Auth, b"235 2.7.0 welcome\r\n").await
    }

    /// Reads a message; it counts as whole when its dot has come.
    async fn message<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        stream: &mut BufStream<S>,
    ) -> bool {
        let mut message = Vec::new();
        if let Some(fault) = self.fault(At::MidMessage) {
            let mut first = [0; 100];
            let _ = stream.read_exact(&mut first).await;
            return self.act(stream, fault, b"").await;
        }
        loop {
            let mut line = Vec::new();
            match stream.read_until(b'\n', &mut line).await {
                Ok(n) if n > 0 && line.ends_with(b"\n") => {}
                _ => return false,
            }
            if line == b".\r\n" {
                break;
            }
            message.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            if message.len() > MESSAGE_BYTES {
                return false;
            }
        }
        let fault = self.fault(At::Dot);
        let refused = |fault: &Do| matches!(fault, Do::Say([b'4' | b'5', ..]));
        self.host.take(Taken {
            to: self.to.clone(),
            message,
            kept: !fault.as_ref().is_some_and(refused),
        });
        let proper = b"250 2.0.0 queued as 7\r\n";
        match fault {
            Some(fault) => self.act(stream, fault, proper).await,
            None => self.say(stream, proper).await,
        }
    }

    /// What is to be done at this place instead of the proper thing; counts that it is done.
    fn fault(&self, at: At) -> Option<Do> {
        let fault = self.conduct.fault(at)?;
        let Conduct { only, times, .. } = self.conduct;
        if !self.to.starts_with(only) {
            return None;
        }
        if times > 0 {
            let mut journal = self.host.journal();
            let done = journal.done.entry((at, self.to.clone())).or_default();
            if *done >= times {
                return None;
            }
            *done += 1;
        }
        Some(fault)
    }

    /// Answers properly, unless this is where it misbehaves. False when the conversation is over.
    async fn does<S: AsyncWrite + Unpin>(&self, stream: &mut S, at: At, proper: &[u8]) -> bool {
        match self.fault(at) {
            None => self.say(stream, proper).await,
            Some(fault) => self.act(stream, fault, proper).await,
        }
    }

    async fn act<S: AsyncWrite + Unpin>(&self, stream: &mut S, fault: Do, proper: &[u8]) -> bool {
        match fault {
            Do::Say(other) => self.say(stream, other).await,
            Do::Drop => false,
            Do::Mute => std::future::pending().await,
            Do::Repeat(piece) => {
                let many = piece.repeat(COPIES);
                while self.say(stream, &many).await {}
                false
            }
            Do::Drip(piece, pause) => {
                for byte in piece.iter().cycle() {
                    tokio::time::sleep(pause).await;
                    if !self.say(stream, &[*byte]).await {
                        break;
                    }
                }
                false
            }
            Do::Late(pause) => {
                tokio::time::sleep(pause).await;
                self.say(stream, proper).await
            }
            Do::LongLine(bytes) => {
                let line = [b"250 ".as_slice(), &vec![b'x'; bytes], b"\r\n"].concat();
                self.say(stream, &line).await
            }
        }
    }

    async fn say<S: AsyncWrite + Unpin>(&self, stream: &mut S, words: &[u8]) -> bool {
        stream.write_all(words).await.is_ok() && stream.flush().await.is_ok()
    }

    async fn line<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut BufStream<S>,
    ) -> Option<String> {
        let mut line = Vec::new();
        let mut bounded = (&mut *stream).take(LINE_BYTES);
        match bounded.read_until(b'\n', &mut line).await {
            Ok(n) if n > 0 => {}
            _ => return None,
        }
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        self.host.journal().command(line.clone());
        Some(line)
    }
}

/// Notes what is read, outside of TLS.
struct Tapped {
    stream: TcpStream,
    host: Host,
}

impl AsyncRead for Tapped {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if let Some(fresh) = buf.filled().get(before..) {
            self.host.journal().hear(fresh);
        }
        polled
    }
}

impl AsyncWrite for Tapped {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
