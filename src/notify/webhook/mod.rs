//! The second channel: an HTTP POST with a JSON body, to a receiver of one's own, to Slack and what speaks like it, or to
//! PagerDuty.
//!
//! The body is rendered once and waits in the outbox like a mail; whatever is secret is added when it is sent. A receiver
//! can tell copies by `webhook-id`, and verify by `webhook-signature` (Standard Webhooks 1.0).

mod body;
mod sign;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use url::{Host, Url};

use super::{Acceptance, Answer, Channel, Delivering, DkimConfig, MailComposer, Signer, Step};
use crate::clock::Clock;
use crate::model::digest::Digest;
use crate::model::notification::{Compose, Letter, Note, Notification, Pending, Reminder};
use crate::model::post::WEBHOOK;
use crate::model::{Phase, Redactor, Secret, Timestamp};
use crate::probe::{ClientError, Posted, Poster, Roots};

/// A receiver that has not answered by then has not taken it.
const LIMIT: Duration = Duration::from_secs(30);
/// Where PagerDuty takes events.
const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";

/// What a receiver understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// All there is, in a form of our own: docs/webhooks.md.
    Watchfire,
    /// `{"text": ".."}`: Slack, Mattermost, Rocket.Chat, Zulip's and Discord's Slack endpoints.
    Slack,
    /// Events API v2: an incident is an alert that resolves.
    PagerDuty,
}

impl Form {
    /// All, in the order in which they are listed.
    pub const ALL: [Form; 3] = [Form::Watchfire, Form::Slack, Form::PagerDuty];

    /// As it is configured.
    pub const fn name(self) -> &'static str {
        match self {
            Form::Watchfire => "watchfire",
            Form::Slack => "slack",
            Form::PagerDuty => "pagerduty",
        }
    }

    /// Where events go when nothing is said.
    pub const fn usual_url(self) -> Option<&'static str> {
        match self {
            Form::PagerDuty => Some(PAGERDUTY),
            Form::Watchfire | Form::Slack => None,
        }
    }
}

/// A receiver, as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookConfig {
    /// Its name in the files.
    pub name: String,
    /// Where it is; may hold a secret.
    pub url: Secret,
    /// What it understands.
    pub form: Form,
    /// What signs the body; for PagerDuty the routing key.
    pub secret: Option<Secret>,
}

impl WebhookConfig {
    /// The recipient of its letters in the outbox.
    pub fn recipient(&self) -> String {
        format!("{WEBHOOK}{}", self.name)
    }

    /// Checks an address; errs in words that follow "the url of .. ".
    pub fn check_url(text: &str) -> Result<(), String> {
        let url = Url::parse(text).map_err(|e| format!("is not a URL: {e}"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("holds a user; sign with `secret` instead".to_owned());
        }
        let local = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        };
        match url.scheme() {
            "https" => Ok(()),
            "http" if local => Ok(()),
            "http" => Err(
                "sends in clear, which is for receivers on this host only; use https".to_owned(),
            ),
            _ => Err("is neither https nor http".to_owned()),
        }
    }
}

/// A receiver, ready to be sent to.
pub struct Webhook {
    poster: Poster,
    url: Url,
    form: Form,
    secret: Option<Secret>,
    redactor: Redactor,
    clock: Clock,
}

impl Webhook {
    /// Connects to nothing yet. Errs in words for the operator.
    pub fn new(config: &WebhookConfig, clock: Clock, roots: &Roots) -> Result<Self, String> {
        let url = config.url.expose();
        WebhookConfig::check_url(url)
            .map_err(|why| format!("the url of [webhook.{}] {why}", config.name))?;
        let url = Url::parse(url).map_err(|_| "the url of a webhook is none".to_owned())?;
        // The path may be what nobody else may know.
        let mut secrets = vec![config.url.clone(), Secret::new(url.path().to_owned())];
        secrets.extend(config.secret.clone());
        secrets.retain(|s| s.expose().len() > 1);
        let redactor = Redactor::new(&secrets);
        let poster = Poster::new(clock.clone(), roots, redactor.clone(), LIMIT);
        Ok(Self {
            poster: poster.map_err(|e: ClientError| e.to_string())?,
            url,
            form: config.form,
            secret: config.secret.clone(),
            redactor,
            clock,
        })
    }

    async fn post(&self, letter: &Letter) -> Answer {
        let secret = self.secret.as_ref();
        let id = letter.message_id.trim_matches(['<', '>']);
        let (body, headers) = match (self.form, secret) {
            (Form::PagerDuty, Some(key)) => (keyed(&letter.bytes, key), Vec::new()),
            (_, Some(secret)) => {
                let at = self.clock.now().as_micros() / 1_000_000;
                let signed = sign::headers(secret, id, at, &letter.bytes);
                (letter.bytes.clone(), signed)
            }
            (_, None) => {
                let id = ("webhook-id", id.to_owned());
                (letter.bytes.clone(), vec![id])
            }
        };
        let posted = self.poster.post(&self.url, &headers, body).await;
        let (acceptance, step) = meaning(&posted);
        let words = match (posted.status, posted.text.as_str()) {
            (Some(status), "") => status.to_string(),
            (Some(status), text) => format!("{status} {text}"),
            (None, text) => text.to_owned(),
        };
        Answer::new(
            acceptance,
            step,
            posted.status,
            &self.redactor.redact(&words),
        )
    }
}

impl Channel for Webhook {
    fn deliver<'a>(&'a self, pending: &'a Pending) -> Delivering<'a> {
        Box::pin(self.post(&pending.letter))
    }

    fn describe(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        format!("{} at {host}", self.form.name())
    }
}

/// What a reply means for the letter, and how far it got.
fn meaning(posted: &Posted) -> (Acceptance, Step) {
    match posted.status {
        Some(200..=299) => (Acceptance::Accepted, Step::Message),
        // This body is not understood, and never will be.
        Some(400 | 413 | 415 | 422) => (Acceptance::Refused, Step::Message),
        // Somebody can mend it: an address, a key.
        Some(300..=499) if posted.status != Some(429) => (Acceptance::Later, Step::Auth),
        Some(_) => (Acceptance::Later, Step::Service),
        None => match posted.failed_in {
            Some(Phase::Dns) => (Acceptance::Later, Step::Resolve),
            Some(Phase::Connect) | None => (Acceptance::Later, Step::Connect),
            Some(Phase::Tls) => (Acceptance::Later, Step::Tls),
            // It went out, and nobody said that it came.
            Some(_) => (Acceptance::Unsure, Step::Message),
        },
    }
}

/// The body with PagerDuty's key, which stands in no database.
fn keyed(body: &[u8], key: &Secret) -> Vec<u8> {
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(mut event)) => {
            event.insert("routing_key".to_owned(), json!(key.expose()));
            Value::Object(event).to_string().into_bytes()
        }
        _ => body.to_vec(),
    }
}

/// A webhook that is not configured, or not since the start: its letters wait for somebody to mend that.
#[derive(Debug)]
pub struct Nowhere;

impl Channel for Nowhere {
    fn deliver<'a>(&'a self, pending: &'a Pending) -> Delivering<'a> {
        let name = pending.letter.recipient.trim_start_matches(WEBHOOK);
        let words = format!("no [webhook.{name}] was configured when the daemon started");
        Box::pin(async move { Answer::new(Acceptance::Later, Step::Recipient, None, &words) })
    }

    fn describe(&self) -> String {
        "nowhere".to_owned()
    }
}

/// Renders for every channel: mails, signed if that is configured, and what webhooks understand.
#[derive(Debug, Clone)]
pub struct Composers {
    mail: MailComposer,
    signer: Option<Arc<Signer>>,
    forms: BTreeMap<String, Form>,
}

impl Composers {
    /// Mails by `mail`; for these webhooks what each understands.
    pub fn new(mail: MailComposer, webhooks: &[WebhookConfig]) -> Self {
        let form = |w: &WebhookConfig| (w.recipient(), w.form);
        Self {
            mail,
            signer: None,
            forms: webhooks.iter().map(form).collect(),
        }
    }

    /// The same, whose mails are signed. Errs, in words for the operator, when there is no such key.
    pub fn signing(mut self, dkim: Option<&DkimConfig>) -> Result<Self, String> {
        self.signer = dkim.map(Signer::new).transpose()?.map(Arc::new);
        Ok(self)
    }

    /// A mail with its signature, if mails are signed.
    pub fn sign(&self, mail: Letter, at: Timestamp) -> Letter {
        match &self.signer {
            Some(signer) => Letter {
                bytes: signer.sign(&mail.bytes, at),
                ..mail
            },
            None => mail,
        }
    }

    /// The digest for an address.
    pub fn digest(&self, digest: &Digest, recipient: &str) -> Letter {
        self.sign(self.mail.digest(digest, recipient), digest.to)
    }

    /// The form for a recipient; `None` for an address.
    fn form(&self, recipient: &str) -> Option<Form> {
        let is_hook = recipient.starts_with(WEBHOOK);
        is_hook.then(|| *self.forms.get(recipient).unwrap_or(&Form::Watchfire))
    }

    /// The body in place of the mail: with its id, so that copies can be told.
    fn letter(&self, mail: Letter, body: impl FnOnce(&str) -> Value) -> Letter {
        let id = mail.message_id.trim_matches(['<', '>']);
        Letter {
            bytes: body(id).to_string().into_bytes(),
            ..mail
        }
    }
}

impl Compose for Composers {
    fn compose(&self, n: &Notification, recipient: &str) -> Letter {
        let mail = self.mail.compose(n, recipient);
        match self.form(recipient) {
            None => self.sign(mail, n.event.at),
            Some(form) => self.letter(mail, |id| {
                body::of_incident(form, n, id, self.mail.link_of(n))
            }),
        }
    }

    fn remind(&self, reminder: &Reminder, recipient: &str) -> Letter {
        let mail = self.mail.remind(reminder, recipient);
        match self.form(recipient) {
            None => self.sign(mail, reminder.at),
            Some(form) => self.letter(mail, |id| {
                let link = self.mail.link(None, Some(&reminder.service));
                body::of_reminder(form, reminder, id, link)
            }),
        }
    }

    fn note(&self, note: &Note, recipient: &str) -> Letter {
        let mail = self.mail.note(note, recipient);
        match self.form(recipient) {
            None => self.sign(mail, note.at),
            Some(form) => self.letter(mail, |id| {
                body::of_note(form, note, id, self.mail.link(None, None))
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clear_text_leaves_no_host_and_no_user_stands_in_an_address() {
        for good in [
            "https://example.com/x?y=1",
            "http://127.0.0.1:8080/",
            "http://localhost/",
            "http://[::1]/",
        ] {
            assert_eq!(WebhookConfig::check_url(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "example.com",
            "http://example.com/",
            "http://localhost.example.com",
            "ftp://x/",
            "https://a:b@c/",
        ] {
            assert!(WebhookConfig::check_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_status_says_whether_it_is_tried_again() {
        use Acceptance::{Accepted, Later, Refused};
        for (status, acceptance, reached) in [
            (200, Accepted, true),
            (202, Accepted, true),
            (302, Later, false),
            (400, Refused, true),
            (401, Later, false),
            (404, Later, false),
            (422, Refused, true),
            (429, Later, false),
            (500, Later, false),
            (503, Later, false),
        ] {
            let posted = Posted {
                status: Some(status),
                failed_in: None,
                text: String::new(),
            };
            let (got, step) = meaning(&posted);
            let answer = Answer::new(got, step, Some(status), "");
            assert_eq!((got, answer.reached()), (acceptance, reached), "{status}");
        }
    }

    #[test]
    fn the_key_of_pagerduty_is_added_when_it_is_sent() {
        let body = keyed(
            b"{\"event_action\":\"trigger\"}",
            &Secret::new("R0".to_owned()),
        );
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            body,
            json!({ "event_action": "trigger", "routing_key": "R0" })
        );
    }
}
