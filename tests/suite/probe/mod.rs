//! The client and the kinds, against servers that misbehave on real sockets.

pub mod certificates;
mod chat;
mod count;
mod expectations;
mod flow;
mod http;
mod image;
mod image_forms;
mod job;
mod keys;
mod models;
mod options;
mod proxy;
mod record;
mod redirect;
mod sending;
pub mod server;
mod status_page;
mod tls;
mod transport;
mod web;
mod whose;

use std::sync::OnceLock;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use watchfire::clock::Clock;
use watchfire::diagnostic::Problem;
use watchfire::model::{FailureKind, Fault, Outcome, Redactor, Secret};
use watchfire::probe::{Check, Client, KINDS, Plan, Roots, Run, Surroundings};

/// The service's key in all tests; it must not be seen anywhere but in the header that carries it.
pub const KEY: &str = "sk-canary-0123456789";
/// Ample for loopback.
pub const LONG: Duration = Duration::from_secs(10);
/// For what can only end by the clock.
pub const SHORT: Duration = Duration::from_millis(300);
/// How late a run may end on a busy machine.
pub const OVERRUN: Duration = Duration::from_millis(400);

/// Builds a check from the keys of a `[[probe]]`.
pub fn build(
    kind: &str,
    keys: &str,
    base_url: Option<&str>,
) -> Result<Box<dyn Check>, Vec<Problem>> {
    let key = Secret::new(KEY.to_owned());
    let table = DeTable::parse(keys).expect("the test's TOML is right");
    let table = Spanned::new(table.span(), DeValue::Table(table.into_inner()));
    let kind = KINDS
        .iter()
        .find(|k| k.name == kind)
        .expect("the kind exists");
    (kind.build)(
        &table,
        &Surroundings {
            service: "test",
            base_url,
            api: None,
            key: Some(&key),
            probes: &["chat".to_owned(), "image".to_owned()],
            models: &["gpt-4o-mini".to_owned()],
            secret: &|_| Ok(Some(Secret::new(KEY.to_owned()))),
        },
    )
}

pub fn roots() -> Roots {
    static ROOTS: OnceLock<Roots> = OnceLock::new();
    ROOTS.get_or_init(Roots::system).clone()
}

pub fn client(roots: &Roots) -> Client {
    let redactor = Redactor::new([&Secret::new(KEY.to_owned())]);
    Client::new(Clock::system(), roots, redactor).unwrap()
}

pub fn plan(kind: &str, keys: &str, base_url: Option<&str>, timeout: Duration) -> Plan {
    let check = build(kind, keys, base_url).unwrap_or_else(|problems| panic!("{problems:?}"));
    Plan::new(check.into(), timeout)
}

/// Runs a probe once.
pub async fn run(kind: &str, keys: &str, base_url: &str, timeout: Duration) -> Run {
    let run = client(&roots())
        .run(&plan(kind, keys, Some(base_url), timeout))
        .await;
    assert!(
        Duration::from_micros(run.total_us.into()) < timeout + OVERRUN,
        "ran {} us with a limit of {timeout:?}",
        run.total_us
    );
    let shown = format!("{:?} {}", run.evidence, run.to_json("test/test"));
    assert!(!shown.contains("canary"), "the key is in {shown}");
    run
}

pub fn failure(run: &Run) -> (FailureKind, Fault) {
    match run.outcome {
        Outcome::Failure(kind, fault) => (kind, fault),
        other => panic!("{other:?}: {:?}", run.evidence),
    }
}

pub fn why(run: &Run) -> &str {
    run.evidence.as_ref().map_or("", |e| e.text.as_str())
}
