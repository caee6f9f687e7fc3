//! A mail server that misbehaves as a test says, and keeps every byte that it was told.

use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// Where in a conversation a server may misbehave: each the server's turn to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    Greeting,
    /// The capabilities in clear, or the only ones with TLS from the start.
    Hello,
    Starttls,
    /// The capabilities inside TLS.
    SecondHello,
    Auth,
    Sender,
    Recipient,
    Data,
    /// After the first bytes of the message.
    MidMessage,
    /// After the dot that ends it.
    Dot,
}

/// What it does there in place of the proper answer.
#[derive(Debug, Clone, Copy)]
pub enum Do {
    Say(&'static [u8]),
    /// Nothing, with the connection open.
    Mute,
    Drop,
    /// The same again and again, without end.
    Repeat(&'static [u8]),
    /// A line whose end comes after so many bytes.
    LongLine(usize),
}

/// The certificate that it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificate {
    Good,
    WrongName,
    Untrusted,
    Expired,
}

/// How a server behaves.
#[derive(Debug, Clone, Copy)]
pub struct Mode {
    pub faults: &'static [(At, Do)],
    pub certificate: Certificate,
    pub tls_at_once: bool,
    /// Capabilities in clear, and inside TLS.
    pub clear: &'static [u8],
    pub inside: &'static [u8],
}

/// A server without fault: STARTTLS, and AUTH inside it only.
pub const WELL: Mode = Mode {
    faults: &[],
    certificate: Certificate::Good,
    tls_at_once: false,
    clear: b"250-mail.test\r\n250-SIZE 10485760\r\n250 STARTTLS\r\n",
    inside: b"250-mail.test\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN\r\n",
};

/// What a server was told.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    /// Every byte outside TLS, in clear or not.
    pub raw: Vec<u8>,
    /// The commands, whether in clear or inside TLS.
    pub commands: Vec<String>,
    /// Messages that came whole, the stuffed dots taken out.
    pub whole: Vec<Vec<u8>>,
    /// Connections.
    pub connections: usize,
}

/// A server on a free port of the loopback; ends with the test.
pub struct Server {
    pub port: u16,
    journal: Arc<Mutex<Journal>>,
    task: JoinHandle<()>,
}

impl Server {
    pub async fn start(mode: Mode, authority: &Authority) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let journal = Arc::new(Mutex::new(Journal::default()));
        let kept = Arc::clone(&journal);
        let acceptor = authority.acceptor(mode.certificate);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let journal = Arc::clone(&kept);
                journal.lock().unwrap().connections += 1;
                let session = Session { mode, journal };
                tokio::spawn(session.serve(stream, acceptor.clone()));
            }
        });
        Self {
            port,
            journal,
            task,
        }
    }

    pub fn journal(&self) -> Journal {
        self.journal.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// How a conversation goes on.
enum Next {
    Upgrade,
    Leave,
}

struct Session {
    mode: Mode,
    journal: Arc<Mutex<Journal>>,
}

impl Session {
    async fn serve(self, stream: TcpStream, acceptor: TlsAcceptor) {
        let mut clear = BufStream::new(Tapped {
            stream,
            journal: Arc::clone(&self.journal),
        });
        if !self.mode.tls_at_once {
            if !self
                .does(&mut clear, At::Greeting, b"220 mail.test ESMTP\r\n")
                .await
            {
                return;
            }
            match self.talk(&mut clear, At::Hello, self.mode.clear).await {
                Next::Upgrade => {}
                Next::Leave => return,
            }
        }
        let Ok(tls) = acceptor.accept(clear.into_inner()).await else {
            return;
        };
        let mut tls = BufStream::new(tls);
        let hello = if self.mode.tls_at_once {
            if !self
                .does(&mut tls, At::Greeting, b"220 mail.test ESMTP\r\n")
                .await
            {
                return;
            }
            At::Hello
        } else {
            At::SecondHello
        };
        self.talk(&mut tls, hello, self.mode.inside).await;
    }

    /// Answers until the client leaves, or asks for TLS.
    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut BufStream<S>,
        hello: At,
        capabilities: &'static [u8],
    ) -> Next {
        while let Some(line) = self.line(stream).await {
            let word = line.split([' ', ':']).next().unwrap_or_default();
            let goes_on = match word.to_ascii_uppercase().as_str() {
                "EHLO" => self.does(stream, hello, capabilities).await,
                "STARTTLS" => {
                    return if self.does(stream, At::Starttls, b"220 go ahead\r\n").await {
                        Next::Upgrade
                    } else {
                        Next::Leave
                    };
                }
                "AUTH" if line.ends_with("LOGIN") => self.ask_login(stream).await,
                "AUTH" => self.does(stream, At::Auth, b"235 2.7.0 welcome\r\n").await,
                "MAIL" => self.does(stream, At::Sender, b"250 2.1.0 ok\r\n").await,
                "RCPT" => self.does(stream, At::Recipient, b"250 2.1.5 ok\r\n").await,
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
        &self,
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
    async fn message<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: &mut BufStream<S>) -> bool {
        let mut message = Vec::new();
        if self.fault(At::MidMessage).is_some() {
            let mut first = [0; 100];
            let _ = stream.read_exact(&mut first).await;
            return self.does(stream, At::MidMessage, b"").await;
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
        }
        self.journal.lock().unwrap().whole.push(message);
        self.does(stream, At::Dot, b"250 2.0.0 queued as 7\r\n")
            .await
    }

    fn fault(&self, at: At) -> Option<Do> {
        let mut faults = self.mode.faults.iter();
        faults
            .find(|(where_, _)| *where_ == at)
            .map(|(_, what)| *what)
    }

    /// Answers properly, unless this is where it misbehaves. False when the conversation is over.
    async fn does<S: AsyncWrite + Unpin>(&self, stream: &mut S, at: At, proper: &[u8]) -> bool {
        match self.fault(at) {
            None => self.say(stream, proper).await,
            Some(Do::Say(other)) => self.say(stream, other).await,
            Some(Do::Drop) => false,
            Some(Do::Mute) => std::future::pending().await,
            Some(Do::Repeat(piece)) => {
                let many = piece.repeat(100);
                while self.say(stream, &many).await {}
                false
            }
            Some(Do::LongLine(bytes)) => {
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
        match stream.read_until(b'\n', &mut line).await {
            Ok(n) if n > 0 => {}
            _ => return None,
        }
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        self.journal.lock().unwrap().commands.push(line.clone());
        Some(line)
    }
}

/// Notes what is read, outside of TLS.
struct Tapped {
    stream: TcpStream,
    journal: Arc<Mutex<Journal>>,
}

impl AsyncRead for Tapped {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buf: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        let polled = std::pin::Pin::new(&mut self.stream).poll_read(cx, buf);
        let fresh = &buf.filled()[before..];
        self.journal.lock().unwrap().raw.extend_from_slice(fresh);
        polled
    }
}

impl AsyncWrite for Tapped {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buf: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        std::pin::Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Who signs the certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub pem: String,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    fn acceptor(&self, certificate: Certificate) -> TlsAcceptor {
        let (name, until) = match certificate {
            Certificate::Good | Certificate::Untrusted => ("127.0.0.1", 2100),
            Certificate::WrongName => ("other.example", 2100),
            Certificate::Expired => ("127.0.0.1", 2021),
        };
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let leaf = if certificate == Certificate::Untrusted {
            params.signed_by(&key, &Self::new("a stranger").issuer)
        } else {
            params.signed_by(&key, &self.issuer)
        };
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.unwrap().der().clone()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}
