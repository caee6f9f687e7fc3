//! What came back, as a check sees it.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use url::Url;

use super::{Judgement, TlsVersion};
use crate::model::{Cause, FailureKind, Fault, Findings, Secret, Timestamp, Usage};

/// A reply of which at least status and headers have come.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Which request of the run it answers, from 0.
    pub step: u8,
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Decoded body, as far as it was read and wanted (see [`super::Keep`]); empty when a reader took it.
    pub body: Vec<u8>,
    /// Decoded bytes that were read, kept or not.
    pub read_bytes: usize,
    /// How the body ended.
    pub end: End,
    /// What the reader found, when there was one.
    pub trace: Option<Trace>,
    /// From the start of the run to the end of this reply, in the clock's time.
    pub elapsed: Duration,
    /// When the reply ended.
    pub now: Timestamp,
    /// End of the server certificate's validity; `None` on plain http and on a reused connection.
    pub cert_expires: Option<Timestamp>,
    /// How many redirects led here.
    pub hops: u8,
    /// What it came over.
    pub wire: Wire,
    /// The number that [`super::Check::first`] got for this run.
    pub nonce: u64,
    /// What the check wanted to know now.
    pub memory: Memory,
}

/// What a reply came over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wire {
    /// The version of HTTP; `None` before headers have come.
    pub http: Option<http::Version>,
    /// The version of TLS; `None` on plain http and on a reused connection.
    pub tls: Option<TlsVersion>,
    /// The address at the other end; a proxy's, when there is one.
    pub peer: Option<SocketAddr>,
    /// From the ready connection to the headers, of the last hop, in the clock's time.
    pub first_byte: Option<Duration>,
    /// The redirects that were followed, in order.
    pub hops: Vec<Hop>,
    /// Where they led; `None` without any.
    pub landed: Option<Url>,
}

/// A redirect that was followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// Its status.
    pub status: u16,
    /// `host:port` of who sent it.
    pub host: String,
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.host)
    }
}

/// What a check remembers from one request of a run to the next.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    /// Which part of the check the request belongs to; 0 is the first.
    pub stage: u8,
    /// Values taken from replies, by name.
    pub values: BTreeMap<String, String>,
    /// What must not be seen outside, such as cookies: the client removes it from what it hands on. At most
    /// [`Memory::MOST_SECRETS`] count.
    pub secrets: Vec<Secret>,
    /// What was learned so far; added to the findings of the verdict, whichever request that comes from.
    pub found: Findings,
    /// The verdict that stands already, while the check clears up after itself. Requests with it get the time that was
    /// kept back (see [`super::Check::kept_back`]), and are not part of what is measured.
    pub verdict: Option<Box<Judgement>>,
    /// What only the check itself understands. Its `Debug` shows nothing.
    pub own: Option<Arc<dyn Any + Send + Sync>>,
}

impl Memory {
    /// More values than a login has.
    pub const MOST_SECRETS: usize = 64;
}

/// How the body of a reply ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// As HTTP says that it should.
    Complete,
    /// The reader had seen enough.
    Enough,
    /// The reader's own deadline passed.
    Stalled,
    /// The time limit of the run passed.
    TimedOut,
    /// More than the limit was sent.
    TooLarge,
    /// The connection or the encoding broke.
    Broken(Failed),
    /// The prober ran out of something, in these words.
    Prober(Cause, String),
}

/// A failure below the check: what the transport has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// What.
    pub kind: FailureKind,
    /// Whose.
    pub fault: Fault,
    /// In the transport's words, without address or secret.
    pub words: String,
}

/// Takes the body of a streamed reply as it arrives. All times are in the clock's time, from the start of the run.
pub trait StreamReader: Send {
    /// Takes the next bytes, which may begin and end anywhere.
    fn feed(&mut self, bytes: &[u8], at: Duration) -> Turn;

    /// When the stream counts as stalled if nothing of interest arrives before; `None` for never.
    fn deadline(&self) -> Option<Duration>;

    /// What it found. `at` is when the body ended.
    fn finish(self: Box<Self>, at: Duration) -> Trace;
}

/// Whether a reader wants more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Yes.
    More,
    /// No: the answer is complete, or beyond saving.
    Enough,
}

/// What was found in a stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trace {
    /// First event, whatever it says, from the start of the run; comments are none.
    pub first_event: Option<Duration>,
    /// First non-empty token, from the start of the run.
    pub first_token: Option<Duration>,
    /// Last one, likewise.
    pub last_token: Option<Duration>,
    /// Longest silence between two tokens, or between the last one and the end.
    pub longest_gap: Option<Duration>,
    /// Non-empty tokens (pieces of text; providers may put several in one).
    pub tokens: u32,
    /// When they came, in microseconds from the start of the run; thinned evenly beyond [`Trace::MOST_MOMENTS`].
    pub moments_us: Vec<u32>,
    /// The text, as far as it fits the reader's limit.
    pub text: String,
    /// What a stream of something else than text carries to its judge; never shown.
    pub carried: Option<Box<serde_json::Value>>,
    /// Why the model stopped, when it said so.
    pub finish: Option<String>,
    /// Whether the text is a refusal in the model's own words.
    pub refused: bool,
    /// Whether there was reasoning.
    pub thought: bool,
    /// Whether a tool was called.
    pub tool: bool,
    /// Whether the stream said that it is complete.
    pub terminal: bool,
    /// What the provider counted.
    pub counted: Counted,
    /// An error that the stream carried.
    pub error: Option<Reported>,
    /// The first piece that could not be understood; nothing was read after it.
    pub malformed: Option<Failed>,
}

impl Trace {
    /// More moments are not kept: a line of a terminal has some hundred columns.
    pub const MOST_MOMENTS: usize = 512;

    /// Tokens a second from the first to the last; `None` when there are fewer than two moments.
    ///
    /// Providers send several tokens in one piece: where they say how many there were, these are spread over the pieces.
    pub fn tokens_per_second(&self) -> Option<f64> {
        let span = self
            .last_token?
            .checked_sub(self.first_token?)?
            .as_secs_f64();
        if self.tokens < 2 || span <= 0.0 {
            return None;
        }
        let pieces = f64::from(self.tokens);
        let told = self.counted.usage.output_tokens;
        // Reasoning that did not come through the stream took its time before the first token.
        let hidden = if self.thought {
            0
        } else {
            self.counted.reasoning
        };
        let tokens = (told.saturating_sub(hidden) as f64).max(pieces);
        Some(tokens / pieces * (pieces - 1.0) / span)
    }
}

/// What a provider counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// As it goes into the findings.
    pub usage: Usage,
    /// Those of the answer's tokens that were reasoning.
    pub reasoning: u64,
}

impl Counted {
    /// Takes over what `later` says; what it does not say stays.
    pub fn update(&mut self, later: Counted) {
        let newer = |old: &mut u64, new: u64| {
            if new > 0 {
                *old = new;
            }
        };
        newer(&mut self.usage.input_tokens, later.usage.input_tokens);
        newer(&mut self.usage.cached_tokens, later.usage.cached_tokens);
        newer(&mut self.usage.output_tokens, later.usage.output_tokens);
        newer(&mut self.reasoning, later.reasoning);
    }

    /// The usage, when anything was counted.
    pub fn told(&self) -> Option<Usage> {
        (self.usage != Usage::default()).then_some(self.usage)
    }
}

/// An error object of a provider, made comparable: words in lower case, absent as empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reported {
    /// `error.code`; integers as text; empty for null, "None" and absent.
    pub code: String,
    /// `error.type` (or `error.status` of Google), likewise.
    pub kind: String,
    /// `error.message` as it came.
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_of_tokens_is_taken_between_the_first_and_the_last() {
        let mut trace = Trace {
            first_token: Some(Duration::from_secs(1)),
            last_token: Some(Duration::from_secs(3)),
            tokens: 5,
            ..Trace::default()
        };
        assert_eq!(trace.tokens_per_second(), Some(2.0));
        trace.counted.usage.output_tokens = 110;
        trace.counted.reasoning = 100;
        assert_eq!(trace.tokens_per_second(), Some(4.0));
        trace.tokens = 1;
        assert_eq!(trace.tokens_per_second(), None);
    }

    #[test]
    fn later_counts_take_the_place_of_earlier_ones_and_silence_of_none() {
        let counted = |input_tokens, output_tokens| Counted {
            usage: Usage {
                input_tokens,
                output_tokens,
                ..Usage::default()
            },
            reasoning: 0,
        };
        let mut all = Counted::default();
        assert_eq!(all.told(), None);
        all.update(counted(25, 1));
        all.update(counted(0, 9));
        assert_eq!(all, counted(25, 9));
    }
}
