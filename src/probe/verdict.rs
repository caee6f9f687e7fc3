//! The parts of a verdict that all kinds share: refusals, and bodies that did not end as they should.

use super::classify;
use super::evidence::with_excerpt;
use super::reply::{End, Failed, Reply};
use super::{Judgement, Step};
use crate::model::{FailureKind, Fault, Outcome, Phase};

/// The run failed.
pub(super) fn failure(kind: FailureKind, fault: Fault, phase: Phase, why: String) -> Judgement {
    Judgement {
        outcome: Outcome::Failure(kind, fault),
        failed_in: Some(phase),
        why,
        found: None,
    }
}

/// The answer is there and wrong.
pub(super) fn wrong(kind: FailureKind, fault: Fault, why: String) -> Judgement {
    failure(kind, fault, Phase::Body, why)
}

/// A status that was not wanted. A reply that says nothing itself is told by what the table says of it.
pub(super) fn refusal(reply: &Reply, wanted: &str) -> Judgement {
    let row = classify::meaning(reply);
    let why = format!("HTTP {}, wanted {wanted}", reply.status);
    let why = match classify::is_html(&reply.headers) {
        _ if reply.body.trim_ascii().is_empty() => format!("{why}: {}", row.means),
        true => format!("{why}: {}", page_title(&reply.body)),
        false => with_excerpt(why, &reply.body),
    };
    Judgement {
        outcome: row.outcome,
        failed_in: Some(Phase::FirstByte),
        why,
        found: None,
    }
}

/// What is wrong with how the body ended; `None` when it is whole, or as whole as was wanted.
pub(super) fn unfinished(reply: &Reply) -> Option<Judgement> {
    let (kind, fault, why) = match &reply.end {
        End::Complete | End::Enough => return None,
        End::Stalled => (
            FailureKind::Stalled,
            Fault::Provider,
            "the stream went silent".to_owned(),
        ),
        End::TimedOut => (
            FailureKind::Timeout,
            Fault::Provider,
            format!(
                "the body was not complete after {:.1} s ({} bytes)",
                reply.elapsed.as_secs_f64(),
                reply.read_bytes
            ),
        ),
        End::TooLarge => (
            FailureKind::TooLarge,
            Fault::Provider,
            format!(
                "the body is larger than the limit: {} bytes and more",
                reply.read_bytes
            ),
        ),
        End::Broken(Failed { kind, fault, words }) => (
            *kind,
            *fault,
            format!(
                "the body broke off after {} bytes: {words}",
                reply.read_bytes
            ),
        ),
        End::Prober(cause, words) => {
            return Some(Judgement {
                outcome: Outcome::Inconclusive(*cause),
                failed_in: Some(Phase::Body),
                why: words.clone(),
                found: None,
            });
        }
    };
    Some(failure(kind, fault, Phase::Body, why))
}

/// A bot check that answered in the service's place with a 2xx, as AWS WAF does.
pub(super) fn walled(reply: &Reply) -> Option<Judgement> {
    let row = classify::wall(reply)?;
    Some(Judgement {
        outcome: row.outcome,
        failed_in: Some(Phase::FirstByte),
        why: format!("HTTP {}, and no answer: {}", reply.status, row.means),
        found: None,
    })
}

/// A web page, or a bot check, where an API's answer was wanted.
pub(super) fn page_instead(reply: &Reply) -> Option<Judgement> {
    if let Some(walled) = walled(reply) {
        return Some(walled);
    }
    if !classify::is_html(&reply.headers) {
        return None;
    }
    let why = format!(
        "a web page came instead of JSON: {}",
        page_title(&reply.body)
    );
    Some(Judgement {
        outcome: classify::page_in_place(reply)
            .unwrap_or(Outcome::Failure(FailureKind::WrongContent, Fault::Provider)),
        failed_in: Some(Phase::Body),
        why,
        found: None,
    })
}

/// The title of a page, or its beginning when it has none.
fn page_title(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let lower = text.to_ascii_lowercase();
    let title = lower.find("<title").and_then(|at| {
        let from = at + lower[at..].find('>')? + 1;
        let to = from + lower[from..].find("</title")?;
        text.get(from..to)
    });
    match title.map(str::trim).filter(|title| !title.is_empty()) {
        Some(title) => format!("page \"{title}\""),
        None => super::evidence::excerpt(body),
    }
}

impl From<Judgement> for Step {
    fn from(judgement: Judgement) -> Self {
        Step::Done(judgement)
    }
}
