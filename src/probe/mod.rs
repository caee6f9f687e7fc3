//! What watchfire asks of a service, and how it asks: one file a kind, one client for all of them.
//!
//! A [`Check`] is pure: it makes requests and judges replies. The [`Client`] does all the I/O: it sends, times the
//! phases, bounds what it reads, and names what went wrong on the way. A new kind is one file and one line in [`KINDS`].

mod auth;
mod call;
mod chat;
mod classify;
mod client;
mod control;
mod cookies;
mod count;
mod dns;
mod evidence;
mod exchange;
mod expect;
pub mod faults;
mod fields;
mod flow;
mod headers;
mod headroom;
mod html;
mod http;
mod image;
mod job;
mod learned;
mod models;
mod pattern;
mod phases;
mod pool;
mod post;
mod record;
mod redirect;
mod reply;
mod reported;
mod request;
mod run;
mod spans;
mod sse;
mod status_page;
mod streamed;
mod target;
mod template;
mod tls;
mod transport;
mod transport_error;
mod verdict;
mod web;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use crate::diagnostic::Problem;
use crate::model::{Confirm, Findings, Judged, Outcome, Phase, Secret, Tariff, Usage};

pub use chat::APIS;
pub use client::{Client, ClientError};
pub use control::Controls;
pub use evidence::fit;
pub use post::{Posted, Poster};
pub use record::Recorder;
pub use reply::{End, Failed, Hop, Memory, Reply, Reported, StreamReader, Trace, Turn, Wire};
pub use request::{Keep, Prepared, Request};
pub use run::Run;
pub use streamed::Streamed;
pub use tls::{Roots, RootsError};
pub use transport::{
    ClientCertificate, HttpVersion, IpFamily, Proxy, Sources, TlsVersion, Transport,
};

/// The kinds of probes, by the name that `kind = ".."` gives.
pub const KINDS: &[Kind] = &[
    http::KIND,
    chat::KIND,
    image::KIND,
    job::KIND,
    flow::KIND,
    web::KIND,
    count::KIND,
    models::KIND,
    status_page::KIND,
];

/// One kind of probe.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// As written in `kind = ".."`.
    pub name: &'static str,
    /// Keys of its own in `[[probe]]`, beside those that every probe has. Keys further inside are checked by `build`.
    pub keys: &'static [&'static str],
    /// Whether it sends the service's key unless `auth` says otherwise.
    pub sends_key: bool,
    /// How a suspicion is confirmed when the probe does not say.
    pub confirm: Confirm,
    /// How often, and for how long at most, it runs when the probe does not say.
    pub pace: Pace,
    /// Reads its keys.
    pub build: Build,
}

/// How often a probe runs, and how long a run may take, when the file does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// From start to start.
    pub every: Duration,
    /// The time limit of a run; at most `every`.
    pub timeout: Duration,
}

impl Pace {
    /// For what is cheap and answers within seconds.
    pub const USUAL: Pace = Pace {
        every: Duration::from_secs(60),
        timeout: Duration::from_secs(30),
    };
    /// For pictures: each costs money, and takes up to a minute or two.
    pub const PICTURE: Pace = Pace {
        every: Duration::from_secs(3600),
        timeout: Duration::from_secs(120),
    };
    /// For jobs: a film takes minutes.
    pub const JOB: Pace = Pace {
        every: Duration::from_secs(3600),
        timeout: Duration::from_secs(900),
    };
}

/// Reads a `[[probe]]` table into a check; all faults at once. Keys that are not in [`Kind::keys`] are passed over.
pub type Build =
    for<'a> fn(&Spanned<DeValue<'a>>, &Surroundings<'_>) -> Result<Box<dyn Check>, Vec<Problem>>;

/// How the configuration reads a secret: the value stands where the fault would be shown.
pub type ReadSecret<'a> = dyn Fn(&Spanned<DeValue<'_>>) -> Result<Option<Secret>, Problem> + 'a;

/// What a probe takes from its service and from the configuration around it.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Name of the service, for messages.
    pub service: &'a str,
    /// Where its API begins, as `https://api.openai.com/v1`.
    pub base_url: Option<&'a str>,
    /// The shape of its API, one of [`APIS`]; `None` for the usual one.
    pub api: Option<&'a str>,
    /// Its key; `None` for a service without one, or whose key is absent (the caller then does not run the probe).
    pub key: Option<&'a Secret>,
    /// Names of its probes, this one included.
    pub probes: &'a [String],
    /// Models that its probes ask for.
    pub models: &'a [String],
    /// Reads `{ env = ".." }`, `{ file = ".." }` or `{ credential = ".." }`. `Ok(None)` is a well-formed secret that is
    /// absent: the check is built without it, and the caller does not run it.
    pub secret: &'a ReadSecret<'a>,
}

/// A probe's questions and how it judges the answers. Pure: no I/O, no clock, no state between runs.
pub trait Check: fmt::Debug + Send + Sync {
    /// The first request of a run. `nonce` differs from run to run, for checks that must not be answered from a cache.
    fn first(&self, nonce: u64) -> Request;

    /// What a reply means. Called once headers have come, however the body ended (see [`Reply::end`]).
    fn judge(&self, reply: &Reply) -> Step;

    /// What follows when a request came to no reply that could be judged: the connection failed, or time ran out before
    /// the headers or between two requests. `failed` is the transport's verdict; of `reply` only `step`, `memory`,
    /// `elapsed` and `nonce` mean something.
    fn halted(&self, failed: Judgement, reply: &Reply) -> Step {
        let _ = reply;
        failed.into()
    }

    /// How much of `timeout` is kept back for what is asked after the verdict (see [`Memory::verdict`]); none unless the
    /// check has such requests.
    fn kept_back(&self, timeout: Duration) -> Duration {
        let _ = timeout;
        Duration::ZERO
    }

    /// Reads the body of a successful reply of step `step` while it arrives; `None` to have it read whole.
    fn reader(&self, step: u8) -> Option<Box<dyn StreamReader>> {
        let _ = step;
        None
    }

    /// How its runs are judged.
    fn judged(&self) -> Judged {
        Judged::Runs
    }

    /// Whether an address of a later request stands in the configuration, rather than in a reply: one that a reply named
    /// may not lead into a private network. The origin of the first request needs no mention.
    fn is_ours(&self, url: &url::Url) -> bool {
        let _ = url;
        false
    }

    /// `host:port` of the first request, for limits per host.
    fn host(&self) -> &str;

    /// What a run will use at the most, about: for the forecast of its cost. Nothing for a check that asks no model, or
    /// that cannot tell.
    fn expected(&self) -> Usage {
        Usage::default()
    }

    /// What is asked, in one line without secrets: `POST https://api.openai.com/v1/chat/completions, gpt-4o-mini`.
    fn describe(&self) -> String;
}

/// What follows a reply.
#[derive(Debug)]
pub enum Step {
    /// The run is over.
    Done(Judgement),
    /// One more request, within the same time limit. After [`Step::LIMIT`] requests the run ends as `internal`.
    Then(Box<Next>),
}

/// One more request of a run.
#[derive(Debug)]
pub struct Next {
    /// What is sent.
    pub request: Request,
    /// How long to wait before that, in the clock's time.
    pub after: Duration,
    /// What the check wants to know when the reply comes.
    pub memory: Memory,
    /// What is being waited for, for the reason when time runs out meanwhile: `the job is still in progress`.
    pub doing: &'static str,
}

impl Step {
    /// Most requests of one run.
    pub const LIMIT: u8 = 200;

    /// One more request, at once, with nothing to remember.
    pub fn then(request: Request) -> Self {
        Step::Then(Box::new(Next {
            request,
            after: Duration::ZERO,
            memory: Memory::default(),
            doing: "",
        }))
    }
}

/// The verdict on a run, with its reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// What it came to.
    pub outcome: Outcome,
    /// Where it failed; `None` when it did not.
    pub failed_in: Option<Phase>,
    /// The reason in one line, and then the words of the reply that show it. Empty on success. The client redacts it.
    pub why: String,
    /// What was learned besides.
    pub found: Option<Box<Findings>>,
}

impl Judgement {
    /// All is well.
    pub const SUCCESS: Judgement = Judgement {
        outcome: Outcome::Success,
        failed_in: None,
        why: String::new(),
        found: None,
    };
}

/// How a run connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Connection {
    /// A connection of its own: name look-up, TCP and TLS are part of what is measured.
    #[default]
    Fresh,
    /// One that an earlier run left open, when there is one.
    Reuse,
}

/// A probe, ready to run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What is asked.
    pub check: Arc<dyn Check>,
    /// The whole run ends by then, in the clock's time.
    pub timeout: Duration,
    /// On which connection.
    pub connection: Connection,
    /// How it is reached.
    pub transport: Arc<Transport>,
    /// What a run costs.
    pub tariff: Tariff,
}

impl Plan {
    /// A plan with everything else at its default.
    pub fn new(check: Arc<dyn Check>, timeout: Duration) -> Self {
        Self {
            check,
            timeout,
            connection: Connection::default(),
            transport: Transport::shared(),
            tariff: Tariff::default(),
        }
    }
}
