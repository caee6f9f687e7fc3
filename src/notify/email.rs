//! SMTP: one letter, one recipient, one connection, one honest answer (RFC 5321, 3207, 4954).
//!
//! lettre's own `send` cannot tell a connection that broke before the final dot from one that broke after it, and only
//! limits the time to connect. So its connection is driven command by command here: whatever fails before the dot is
//! certainly not delivered, and whatever fails after it is [`Acceptance::Unsure`].

mod dialog;
mod failure;

use std::str::FromStr as _;
use std::time::Duration;

use futures_util::FutureExt as _;
use lettre::Address;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Ehlo, Starttls};
use lettre::transport::smtp::extension::{ClientId, Extension, ServerInfo};
use lettre::transport::smtp::response::Severity;
use rustls::pki_types::ServerName;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use super::stream::Stream;
use super::{
    Acceptance, Answer, Channel, Delivering, Login, Security, Server, SmtpConfig, Step,
    parse_address, tls,
};
use crate::model::notification::{Letter, Pending};
use crate::model::{Redactor, Secret};
use failure::{Failure, Handed, SILENCE, words};

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
                &self.redactor.redact(&format!("{code} {words}")),
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
            dialog::log_in(&mut connection, &server, login).await?;
        }
        dialog::envelope(&mut connection, &server, &self.from, letter, step).await?;
        Ok(connection)
    }

    async fn connect(&self, step: &mut Step) -> Result<TcpStream, Failure> {
        let addresses =
            tokio::net::lookup_host((self.server.host.as_str(), self.server.port)).await?;
        *step = Step::Connect;
        let mut last = Failure::Broken("the name has no address".into());
        for address in addresses {
            match timeout(self.limits.connect, TcpStream::connect(address)).await {
                Ok(Ok(tcp)) => {
                    // A message goes out in several writes; each would wait 40 ms for the echo of the one before.
                    let _ = tcp.set_nodelay(true);
                    return Ok(tcp);
                }
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
        let acceptance = failure.meaning(step, handed);
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

#[cfg(test)]
mod tests;
