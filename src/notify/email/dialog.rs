//! The commands between the greeting and the message: logging in, and saying from whom and to whom.

use std::str::FromStr as _;

use lettre::Address;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Auth, Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{Extension, MailBodyParameter, MailParameter, ServerInfo};
use lettre::transport::smtp::response::Severity;

use super::failure::Failure;
use crate::model::notification::Letter;
use crate::notify::{Login, Step};

/// Preferred first; both are plain text and only ever sent inside TLS.
const MECHANISMS: &[Mechanism] = &[Mechanism::Plain, Mechanism::Login];
/// Questions a server may ask during AUTH; LOGIN asks two.
const CHALLENGES: usize = 4;

/// AUTH, by the first of our mechanisms that the server offers.
pub(super) async fn log_in(
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

/// MAIL, RCPT, DATA. `step` is always the one under way.
pub(super) async fn envelope(
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
