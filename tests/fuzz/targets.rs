//! What must hold for any bytes.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use fastrand::Rng;
use http::{HeaderMap, HeaderValue, header};
use watchfire::config::{self, Env, HostFile, ReadError, Source};
use watchfire::diagnostic::Diagnosed;
use watchfire::model::{Claim, Evidence, Outcome};
use watchfire::probe::{Check, End, Judgement, Next, Reply, Roots, Step, Trace, Turn, fit};

use super::bench::{CHECKS, STREAMED};
use super::replies::{end, read, reply};

/// More requests than this are not played; a check that asks on is left then.
const MOST_STEPS: u8 = 6;
/// A value that no message may show.
const CANARY: &str = "sk-canary-7f3a9c51d2e84b06";

/// An event stream: the same however it is cut, and judged.
pub fn stream(bytes: &[u8]) {
    // How it is cut depends on the bytes alone.
    let mut rng = Rng::with_seed(sum(bytes));
    for (_, check) in STREAMED.iter() {
        let whole = fed(&**check, std::iter::once(bytes));
        let mut pieces = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let most = if rng.bool() { 8 } else { 4096 };
            let (piece, after) = rest.split_at(rng.usize(1..=most).min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        let cut = fed(&**check, pieces.into_iter());
        assert_eq!(whole, cut, "{}", check.describe());
        assert!(whole.text.len() <= bytes.len().max(64 * 1024));
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/event-stream"),
        );
        let reply = reply(200, headers, bytes, end(rng.u8(..)), Some(whole));
        judged(&**check, reply);
    }
}

fn fed<'b>(check: &dyn Check, pieces: impl Iterator<Item = &'b [u8]>) -> Trace {
    let at = Duration::from_millis(5);
    let mut reader = check.reader(0).expect("the check streams");
    for piece in pieces {
        if reader.feed(piece, at) == Turn::Enough {
            break;
        }
    }
    let _ = reader.deadline();
    reader.finish(at)
}

/// The body of a 2xx, whatever it says that it is: each kind has a verdict.
pub fn answer(bytes: &[u8]) {
    let mut rng = Rng::with_seed(sum(bytes));
    let kind = match rng.u8(0..8) {
        0 => None,
        1 => Some("text/html; charset=utf-8"),
        2 => Some("text/event-stream"),
        3 => Some("image/png"),
        _ => Some("application/json"),
    };
    let end = end(rng.u8(..));
    for (_, check) in CHECKS.iter() {
        let mut headers = HeaderMap::new();
        if let Some(kind) = kind {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        judged(&**check, reply(200, headers, bytes, end.clone(), None));
    }
}

/// What a status page may send: a claim, or the reason why there is none.
pub fn status_page(bytes: &[u8]) {
    for (_, check) in CHECKS.iter().filter(|(kind, _)| *kind == "status_page") {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        let reply = reply(200, headers, bytes, End::Complete, None);
        let Some(judgement) = judged(&**check, reply) else {
            continue;
        };
        let claim = judgement.found.as_ref().and_then(|f| f.claim.as_ref());
        match judgement.outcome {
            Outcome::Noted => {
                let claim = claim.expect("what is noted is a claim");
                assert!(claim.components.len() <= Claim::MOST_COMPONENTS);
                assert!(claim.posts.len() <= Claim::MOST_POSTS);
            }
            Outcome::Failure(..) => assert!(claim.is_none()),
            other => panic!("{other:?}"),
        }
    }
}

/// A whole reply, mostly a refusal: never a success where the status is not a wanted one.
pub fn refusal(bytes: &[u8]) {
    let (status, headers, body) = read(bytes);
    let sum = sum(bytes);
    let end = end(sum as u8);
    // What they make of a refusal is mostly the same: three of them a case, in turn.
    let first = (sum >> 8) as usize % CHECKS.len();
    for (_, check) in CHECKS.iter().cycle().skip(first).take(3) {
        let judgement = judged(
            &**check,
            reply(status, headers.clone(), body, end.clone(), None),
        );
        if !(200..300).contains(&status)
            && let Some(judgement) = judgement
        {
            assert!(
                matches!(
                    judgement.outcome,
                    Outcome::Failure(..) | Outcome::Inconclusive(_)
                ),
                "{status} is {:?} to {}",
                judgement.outcome,
                check.describe()
            );
        }
    }
}

/// Judges, and what follows from the verdict with the same bytes again. `None` when it asks on for too long.
fn judged(check: &dyn Check, mut reply: Reply) -> Option<Judgement> {
    for _ in 0..MOST_STEPS {
        match check.judge(&reply) {
            Step::Done(judgement) => {
                well_formed(&judgement);
                return Some(judgement);
            }
            Step::Then(next) => {
                let Next { memory, .. } = *next;
                reply.step += 1;
                reply.memory = memory;
            }
        }
    }
    None
}

fn well_formed(judgement: &Judgement) {
    let Judgement {
        outcome,
        failed_in,
        why,
        ..
    } = judgement;
    assert_eq!(Outcome::from_code(outcome.code()), Some(*outcome));
    match outcome {
        Outcome::Success => assert_eq!((*failed_in, why.as_str()), (None, "")),
        Outcome::Failure(..) | Outcome::Degraded(_) => assert!(!why.is_empty(), "{outcome:?}"),
        Outcome::Inconclusive(_) | Outcome::Noted => {}
    }
    let shown = fit(why, Evidence::LIMIT_BYTES);
    assert!(shown.len() <= Evidence::LIMIT_BYTES);
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
}

/// `probes.toml`.
pub fn config(bytes: &[u8]) {
    load(bytes, None);
}

/// `config/watchfire.toml`.
pub fn settings(bytes: &[u8]) {
    load(b"", Some(bytes));
}

/// A host with a few variables and files.
struct Host;

impl Env for Host {
    fn var(&self, name: &str) -> Option<String> {
        (name == "SET").then(|| CANARY.to_owned())
    }

    fn read(&self, path: &Path, _: usize) -> Result<HostFile, ReadError> {
        match path.to_str() {
            Some("/secret") => Ok(HostFile {
                bytes: format!("{CANARY}\n").into_bytes(),
                mode: 0o600,
            }),
            _ => Err(ReadError::Absent),
        }
    }

    fn host_name(&self) -> String {
        "host".to_owned()
    }
}

fn load(probes: &[u8], settings: Option<&[u8]>) {
    static ROOTS: OnceLock<Roots> = OnceLock::new();
    let source = |name: &str, bytes: &[u8]| Source {
        name: name.to_owned(),
        bytes: bytes.to_vec(),
    };
    let settings = settings.map(|bytes| source("watchfire.toml", bytes));
    let loaded = config::load(
        &source("probes.toml", probes),
        settings.as_ref(),
        &Host,
        ROOTS.get_or_init(Roots::system).clone(),
    );
    match loaded {
        Ok(config) => config.warnings.iter().for_each(placed),
        Err(faults) => {
            assert!(!faults.is_empty(), "refused without a fault");
            faults.iter().for_each(placed);
        }
    }
}

/// A message has a place, no secret, and nothing that plays tricks on a terminal.
fn placed(diagnosed: &Diagnosed) {
    assert!(
        diagnosed.line >= 1 && diagnosed.column >= 1,
        "{diagnosed:?}"
    );
    let shown = diagnosed.render(false);
    assert!(!shown.contains(CANARY), "{shown}");
    let odd = |c: char| c.is_control() && c != '\n';
    assert!(!shown.contains(odd), "{shown:?}");
}

fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum: u64, b| {
        (sum ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3)
    })
}
