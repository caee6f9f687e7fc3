//! Telling people: a notification becomes a letter, a letter waits in the outbox, a channel delivers it.
//!
//! A letter is rendered once, when its event is committed, and its bytes never change: whoever receives it twice can
//! see that it is one letter. A channel says how one attempt ended; the worker decides when the next one is.
//! A new channel is one file with an `impl Channel`, a variant of [`Transport`] and its line in [`Transport::open`].

mod address;
pub mod backoff;
pub mod compose;
mod direct;
mod dkim;
pub mod email;
pub mod files;
pub mod gate;
mod page;
mod server;
mod stream;
mod tls;
mod view;
pub mod webhook;
mod words;
pub mod worker;

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

pub use address::parse_address;
pub use compose::MailComposer;
pub use direct::Direct;
pub use dkim::{DkimConfig, Signer};
pub use page::Page;
pub use server::{Login, Security, Server, SmtpConfig};
pub use webhook::{Composers, Form, Webhook, WebhookConfig};

use crate::model::notification::Pending;

/// A way to bring a letter to its reader.
///
/// One call is one attempt with one recipient. It ends by itself in bounded time, and never panics on what the other
/// side says.
pub trait Channel: Send + Sync {
    /// Tries once to deliver.
    fn deliver<'a>(&'a self, pending: &'a Pending) -> Delivering<'a>;

    /// Where letters go, for `status` and the log: `smtp://mail.example.com:587`.
    fn describe(&self) -> String;
}

/// An attempt under way.
pub type Delivering<'a> = Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

/// How letters leave, as configured.
#[derive(Debug, Clone)]
pub enum Transport {
    /// To a mail server.
    Smtp(SmtpConfig),
    /// As `.eml` files into this directory, because no mail server is configured.
    Files(PathBuf),
}

impl Transport {
    /// The channel, ready to deliver. Connects to nothing yet.
    ///
    /// Errs, in words for the operator, when the CA file holds no certificate or the directory cannot be made.
    pub fn open(&self) -> Result<Arc<dyn Channel>, String> {
        Ok(match self {
            Transport::Smtp(config) => Arc::new(email::Smtp::new(config)?),
            Transport::Files(dir) => Arc::new(files::Files::open(dir)?),
        })
    }
}

/// How one attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What it means for the letter.
    pub acceptance: Acceptance,
    /// How far it got; the step that failed, unless it was accepted.
    pub step: Step,
    /// SMTP reply code, when the server gave one.
    pub code: Option<u16>,
    /// The server's words, or the transport's: one line, no control characters, at most [`Answer::REPLY_LIMIT`] characters.
    pub reply: String,
}

impl Answer {
    /// Longest reply that is kept, in characters: a few lines of a terminal.
    pub const REPLY_LIMIT: usize = 500;

    /// Whether the other side spoke about this very letter. When it did not, no other letter would have fared better.
    pub fn reached(&self) -> bool {
        self.acceptance != Acceptance::Later
            || (self.step >= Step::Sender && self.step != Step::File)
    }

    /// An answer with its words cleaned and cut.
    pub fn new(acceptance: Acceptance, step: Step, code: Option<u16>, reply: &str) -> Self {
        Self {
            acceptance,
            step,
            code,
            reply: words::line(reply, Self::REPLY_LIMIT),
        }
    }
}

/// What an attempt means for the letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acceptance {
    /// The other side has it.
    Accepted,
    /// Not now; the same letter may pass later, or when an operator has mended something.
    Later,
    /// It was handed over whole, but the confirmation never came.
    Unsure,
    /// Never: this letter to this recipient is refused.
    Refused,
}

/// The steps of a delivery, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Looking up the server's name.
    Resolve,
    /// Opening the connection.
    Connect,
    /// The TLS handshake.
    Tls,
    /// The server's greeting and capabilities.
    Greeting,
    /// Asking for TLS on an open connection.
    Starttls,
    /// Logging in.
    Auth,
    /// The receiver of a webhook can take nothing now.
    Service,
    /// Naming the sender.
    Sender,
    /// Naming the recipient.
    Recipient,
    /// Asking to send the message.
    Data,
    /// The message itself, up to the confirmation.
    Message,
    /// Writing a file.
    File,
}
