//! SMTP: one letter, one recipient, one connection, one honest answer (RFC 5321, 3207, 4954).
//!
//! lettre's own `send` cannot tell a connection that broke before the final dot from one that broke after it, and only
//! limits the time to connect. So its connection is driven command by command here: whatever fails before the dot is
//! certainly not delivered, and whatever fails after it is [`Acceptance::Unsure`].

use std::io;
use std::str::FromStr as _;
use std::time::Duration;

use futures_util::FutureExt as _;
use lettre::Address;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Auth, Data, Ehlo, Mail, Rcpt, Starttls};
use lettre::transport::smtp::extension::{
    ClientId, Extension, MailBodyParameter, MailParameter, ServerInfo,
};
use lettre::transport::smtp::response::{Response, Severity};
use rustls::pki_types::ServerName;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use super::stream::Stream;
use super::{
    Acceptance, Answer, Channel, Delivering, Login, Security, Server, SmtpConfig, Step, tls,
};
use crate::model::notification::{Letter, Pending};
use crate::model::{Redactor, Secret};

/// Preferred first; both are plain text and only ever sent inside TLS.
const MECHANISMS: &[Mechanism] = &[Mechanism::Plain, Mechanism::Login];
/// Questions a server may ask during AUTH; LOGIN asks two.
const CHALLENGES: usize = 4;

/// How long the parts of a delivery may take (real time).
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Opening the connection to one address.
    pub connect: Duration,
    /// Everything up to the final dot.
    pub dialog: Duration,
    /// From the final dot to the server's word: giving up early makes duplicates.
    pub confirmation: Duration,
}

impl Default for Limits {
    /// 10 s, 60 s, and the 10 min that RFC 5321 section 4.5.3.2.6 asks for.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            dialog: Duration::from_secs(60),
            confirmation: Duration::from_secs(600),
        }
    }
}

/// A mail server, ready to be connected to.
pub struct Smtp {
    server: Server,
    name: ServerName<'static>,
    tls: TlsConnector,
    login: Option<Login>,
    from: Address,
    redactor: Redactor,
    limits: Limits,
}

impl Smtp {
    /// Errs, in words for the operator, when the sender is no address, the CA holds no certificate, the host can have
    /// none, or a password would have to travel in clear.
    pub fn new(config: &SmtpConfig) -> Result<Self, String> {
        if config.server.security == Security::Loopback && config.login.is_some() {
            return Err("smtp-plain:// never sends a password: remove `user` and `password`, or use smtp:// or smtps://".into());
        }
        let from = parse_address(&config.from)?;
        let login = config.login.as_ref();
        let secrets: Vec<Secret> = login
            .into_iter()
            .flat_map(|l| {
                let plain = format!("\0{}\0{}", l.user, l.password.expose());
                [l.password.clone(), Secret::new(plain)]
            })
            .collect();
        Ok(Self {
            name: ServerName::try_from(config.server.host.clone())
                .map_err(|_| format!("`{}` is no host name", config.server.host))?,
            tls: TlsConnector::from(tls::client_config(config.ca.as_deref())?),
            server: config.server.clone(),
            login: config.login.clone(),
            from: Address::from_str(&from).map_err(|error| error.to_string())?,
            redactor: Redactor::new(&secrets),
            limits: Limits::default(),
        })
    }

    /// With other limits of time; for tests.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    async fn try_once(&self, letter: &Letter) -> Answer {
        let deadline = Instant::now() + self.limits.dialog;
        let mut step = Step::Resolve;
        let talked = timeout_at(deadline, self.converse(letter, &mut step)).await;
        let (mut connection, stream) = match talked.unwrap_or_else(|_| Err(Failure::silence())) {
            Ok(ready) => ready,
            Err(failure) => return self.failed(step, failure, Handed::Never),
        };
        let said = self
            .hand_over(&mut connection, &stream, &letter.bytes, deadline)
            .await;
        let handed = if stream.dot_written() {
            Handed::Whole
        } else {
            Handed::Never
        };
        if !matches!(said, Err(Failure::Broken(_))) {
            // A goodbye without waiting for the echo: the letter's fate is known, and its record must not wait.
            let _ = connection.quit().now_or_never();
        }
        match said {
            Ok((code, words)) => Answer::new(
                Acceptance::Accepted,
                Step::Message,
                Some(code),
                &self.redactor.redact(&words),
            ),
            Err(failure) => self.failed(Step::Message, failure, handed),
        }
    }

    /// From nothing to the server's "go ahead" for the message. `step` is always the one under way.
    async fn converse(
        &self,
        letter: &Letter,
        step: &mut Step,
    ) -> Result<(AsyncSmtpConnection, Stream), Failure> {
        let stream = Stream::clear(self.connect(step).await?);
        match self.introduce(&stream, letter, step).await {
            Ok(connection) => Ok((connection, stream)),
            Err(failure) => {
                // After a failed upgrade nothing more is said: neither side knows who is listening.
                if *step != Step::Tls {
                    say_goodbye(&stream);
                }
                Err(failure)
            }
        }
    }

    /// Everything between the open connection and the server's "go ahead".
    async fn introduce(
        &self,
        stream: &Stream,
        letter: &Letter,
        step: &mut Step,
    ) -> Result<AsyncSmtpConnection, Failure> {
        let hello = ClientId::default();
        if self.server.security == Security::Tls {
            *step = Step::Tls;
            stream.encrypt(&self.tls, self.name.clone()).await?;
        }
        *step = Step::Greeting;
        let mut connection =
            AsyncSmtpConnection::connect_with_transport(Box::new(stream.clone()), &hello).await?;
        let mut server = connection.server_info().clone();
        if self.server.security == Security::Starttls {
            *step = Step::Starttls;
            if !server.supports_feature(Extension::StartTls) {
                return Err(Failure::Broken(
                    "the server offers no STARTTLS, and nothing is sent without it".into(),
                ));
            }
            connection.command(Starttls).await?;
            *step = Step::Tls;
            stream.encrypt(&self.tls, self.name.clone()).await?;
            // What was promised in clear counts for nothing (RFC 3207 section 4.2).
            *step = Step::Greeting;
            server = ServerInfo::from_response(&connection.command(Ehlo::new(hello)).await?)?;
        }
        if let Some(login) = &self.login {
            *step = Step::Auth;
            log_in(&mut connection, &server, login).await?;
        }
        envelope(&mut connection, &server, &self.from, letter, step).await?;
        Ok(connection)
    }

    async fn connect(&self, step: &mut Step) -> Result<TcpStream, Failure> {
        let addresses =
            tokio::net::lookup_host((self.server.host.as_str(), self.server.port)).await?;
        *step = Step::Connect;
        let mut last = Failure::Broken("the name has no address".into());
        for address in addresses {
            match timeout(self.limits.connect, TcpStream::connect(address)).await {
                Ok(Ok(tcp)) => return Ok(tcp),
                Ok(Err(error)) => last = Failure::Broken(format!("{address}: {error}")),
                Err(_) => last = Failure::Broken(format!("{address}: {SILENCE}")),
            }
        }
        Err(last)
    }

    /// Sends the message. Up to the final dot it must keep the deadline; after it the server has all the time of the RFC.
    async fn hand_over(
        &self,
        connection: &mut AsyncSmtpConnection,
        stream: &Stream,
        message: &[u8],
        deadline: Instant,
    ) -> Result<(u16, String), Failure> {
        let mut sending = std::pin::pin!(connection.message(message));
        let mut said = timeout_at(deadline, &mut sending).await;
        if said.is_err() && stream.dot_written() {
            said = timeout(self.limits.confirmation, &mut sending).await;
        }
        let response = said.map_err(|_| Failure::silence())??;
        match response.code().severity {
            Severity::PositiveCompletion => Ok((response.code().into(), words(&response))),
            _ => Err(Failure::unexpected(&response)),
        }
    }

    fn failed(&self, step: Step, failure: Failure, handed: Handed) -> Answer {
        let acceptance = match &failure {
            Failure::Reply { code, .. } if is_final(*code) && step >= Step::Sender => {
                Acceptance::Refused
            }
            Failure::Reply { .. } => Acceptance::Later,
            Failure::Broken(_) => match handed {
                Handed::Whole => Acceptance::Unsure,
                Handed::Never => Acceptance::Later,
            },
        };
        let (code, words) = match failure {
            Failure::Reply { code, words } => (Some(code), format!("{code} {words}")),
            Failure::Broken(words) => (None, words),
        };
        Answer::new(acceptance, step, code, &self.redactor.redact(&words))
    }
}

impl Channel for Smtp {
    fn deliver<'a>(&'a self, pending: &'a Pending) -> Delivering<'a> {
        Box::pin(self.try_once(&pending.letter))
    }

    fn describe(&self) -> String {
        self.server.to_string()
    }
}

/// Ends a conversation that leads nowhere as RFC 5321 section 4.1.1.10 asks for, without waiting for the echo: servers
/// log those who just hang up, and some turn them away later.
fn say_goodbye(stream: &Stream) {
    let mut stream = stream.clone();
    let _ = async {
        stream.write_all(b"QUIT\r\n").await?;
        stream.flush().await
    }
    .now_or_never();
}

async fn log_in(
    connection: &mut AsyncSmtpConnection,
    server: &ServerInfo,
    login: &Login,
) -> Result<(), Failure> {
    let mechanism = server.get_auth_mechanism(MECHANISMS).ok_or_else(|| {
        Failure::Broken("the server offers neither AUTH PLAIN nor AUTH LOGIN".into())
    })?;
    let credentials = Credentials::new(login.user.clone(), login.password.expose().to_owned());
    let mut response = connection
        .command(Auth::new(mechanism, credentials.clone(), None)?)
        .await?;
    for _ in 0..CHALLENGES {
        if !response.has_code(334) {
            break;
        }
        let reply = Auth::new_from_response(mechanism, credentials.clone(), &response)?;
        response = connection.command(reply).await?;
    }
    match response.code().severity {
        Severity::PositiveCompletion => Ok(()),
        _ => Err(Failure::unexpected(&response)),
    }
}

/// MAIL, RCPT, DATA.
async fn envelope(
    connection: &mut AsyncSmtpConnection,
    server: &ServerInfo,
    from: &Address,
    letter: &Letter,
    step: &mut Step,
) -> Result<(), Failure> {
    *step = Step::Recipient;
    let to = Address::from_str(&letter.recipient).map_err(|error| Failure::Reply {
        code: 553,
        words: format!("not sent, the address is wrong: {error}"),
    })?;
    *step = Step::Sender;
    let mut parameters = Vec::new();
    if !(from.as_ref() as &str).is_ascii() || !letter.recipient.is_ascii() {
        if !server.supports_feature(Extension::SmtpUtfEight) {
            return Err(Failure::Broken(
                "the server takes ASCII addresses only (no SMTPUTF8)".into(),
            ));
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    if !letter.bytes.is_ascii() && server.supports_feature(Extension::EightBitMime) {
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    connection
        .command(Mail::new(Some(from.clone()), parameters))
        .await?;
    *step = Step::Recipient;
    connection.command(Rcpt::new(to, Vec::new())).await?;
    *step = Step::Data;
    let response = connection.command(Data).await?;
    if response.has_code(354) {
        Ok(())
    } else {
        Err(Failure::unexpected(&response))
    }
}

/// 5xx that are about this letter. Those that ask for a login or TLS are about the configuration: an operator can mend
/// that, and until then no alert may be thrown away.
const fn is_final(code: u16) -> bool {
    code >= 500 && !matches!(code, 530 | 534 | 535 | 538)
}

/// How much of a message the server has.
#[derive(Debug, Clone, Copy)]
enum Handed {
    Never,
    Whole,
}

/// What the operator reads when the server says nothing.
const SILENCE: &str = "no answer in time";

/// Why an attempt ended.
#[derive(Debug)]
enum Failure {
    /// The server said no.
    Reply { code: u16, words: String },
    /// The conversation broke down.
    Broken(String),
}

impl Failure {
    fn silence() -> Self {
        Failure::Broken(SILENCE.into())
    }

    fn unexpected(response: &Response) -> Self {
        let code: u16 = response.code().into();
        Failure::Broken(format!("unexpected answer {code} {}", words(response)))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Broken(error.to_string())
    }
}

impl From<lettre::transport::smtp::Error> for Failure {
    fn from(error: lettre::transport::smtp::Error) -> Self {
        use std::error::Error as _;
        let words = error
            .source()
            .map_or_else(|| error.to_string(), ToString::to_string);
        match error.status() {
            Some(code) => Failure::Reply {
                code: code.into(),
                words,
            },
            None if words == "incomplete response" => {
                Failure::Broken("the server closed the connection".into())
            }
            None => Failure::Broken(words),
        }
    }
}

fn words(response: &Response) -> String {
    response.message().collect::<Vec<_>>().join(" ")
}

/// A bare address out of `a@example.com` or `Ann <a@example.com>`.
///
/// Errs with what was wanted, without a full stop.
pub fn parse_address(text: &str) -> Result<String, String> {
    let text = text.trim();
    let bare = match text.rsplit_once('<') {
        Some((_, rest)) => rest
            .strip_suffix('>')
            .ok_or("the `>` after the address is missing")?,
        None => text,
    };
    // RFC 5321 section 4.5.3.1.3: a path holds at most 256 octets, two of them the brackets.
    if bare.len() > 254 {
        return Err("an address has at most 254 bytes".into());
    }
    match Address::from_str(bare) {
        Ok(address) if !bare.chars().any(char::is_control) => Ok(address.to_string()),
        _ => Err("wanted an address like oncall@example.com".into()),
    }
}

#[cfg(test)]
#[path = "email_tests.rs"]
mod tests;
