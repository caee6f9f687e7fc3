//! What a reply that is not the wanted one means: gathers what is known of it, and asks the table ([`super::faults`]).

use http::{HeaderMap, header};

use super::faults::{Facts, Row};
use super::reply::{Reply, Reported};
use crate::model::{FailureKind, Fault, Outcome};

/// Headers in which clouds put the word for the error, when the body does not have it.
const WORD_HEADERS: [&str; 2] = ["x-amzn-errortype", "x-ms-error-code"];

/// Headers that are there only when a bot check answered; some do so with a 2xx.
const WALL_HEADERS: [&str; 3] = ["cf-mitigated", "x-amzn-waf-action", "x-vercel-mitigated"];

/// The row of a reply with a status that was not wanted.
pub(super) fn meaning(reply: &Reply) -> &'static Row {
    of_parts(reply.status, &reply.headers, &reply.body)
}

/// As [`meaning`], of the parts of a reply. A 2xx is taken for a page, or an empty body, in place of an answer.
pub(super) fn of_parts(status: u16, headers: &HeaderMap, body: &[u8]) -> &'static Row {
    let is_page = is_html(headers) || looks_like_a_page(body);
    let mut reported = match is_page {
        true => Reported::default(),
        false => Reported::in_body(body).unwrap_or_default(),
    };
    if reported.code.is_empty() && reported.kind.is_empty() {
        reported.kind = word_of(headers).unwrap_or_default();
    }
    Facts {
        status,
        code: &reported.code,
        kind: &reported.kind,
        message: &reported.message,
        body,
        is_page,
        headers: Some(headers),
    }
    .row()
}

/// The row of an error inside a 2xx.
pub(super) fn meaning_inside(reported: &Reported) -> &'static Row {
    // There a numeric code is the status that was meant.
    let meant = reported
        .code
        .parse()
        .ok()
        .filter(|code| (400..600).contains(code))
        .unwrap_or(200);
    Facts {
        status: meant,
        code: &reported.code,
        kind: &reported.kind,
        message: &reported.message,
        ..Facts::default()
    }
    .row()
}

/// Whose fault an error inside a 200 is. What has no word for it is the provider's: it answered 200.
pub(super) fn fault_of(reported: &Reported) -> Fault {
    meaning_inside(reported)
        .outcome
        .fault()
        .unwrap_or(Fault::Provider)
}

/// As [`meaning_inside`], as kind and fault; the provider's where the row says that it is nobody's.
#[allow(dead_code, reason = "for the kind `job`")]
pub(super) fn status(_: u16, reported: Option<&Reported>, _: Page) -> (FailureKind, Fault) {
    match reported.map(|reported| meaning_inside(reported).outcome) {
        Some(Outcome::Failure(kind, fault)) => (kind, fault),
        _ => (FailureKind::UnexpectedStatus, Fault::Provider),
    }
}

/// What kind of page an error stands on.
#[allow(dead_code, reason = "for the kind `job`")]
#[derive(Debug, Clone, Copy)]
pub(super) enum Page {
    /// None: it stands inside an answer.
    Other,
}

/// The row of a bot check that says by a header that it answered in the service's place, whatever the status.
pub(super) fn wall(reply: &Reply) -> Option<&'static Row> {
    let marked = WALL_HEADERS
        .iter()
        .any(|name| reply.headers.contains_key(*name));
    let row = marked.then(|| meaning(reply))?;
    (row.outcome.fault() == Some(Fault::Blocked)).then_some(row)
}

/// What a page in place of an answer comes to, when the page says it: a bot check, a portal, a filter.
pub(super) fn page_in_place(reply: &Reply) -> Option<Outcome> {
    let row = meaning(reply);
    (!row.when.page.is_empty() || !row.when.headers.is_empty()).then_some(row.outcome)
}

/// Whether the reply says that it is a web page.
pub(super) fn is_html(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| contains_html(kind.as_bytes()))
}

fn contains_html(text: &[u8]) -> bool {
    text.windows(4)
        .any(|word| word.eq_ignore_ascii_case(b"html"))
}

/// Whether a body that says otherwise is a web page all the same.
fn looks_like_a_page(body: &[u8]) -> bool {
    let body = body.trim_ascii_start();
    let begins = |with: &[u8]| {
        body.get(..with.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(with))
    };
    begins(b"<!doctype html") || begins(b"<html")
}

/// `ThrottlingException:http://..` is `throttlingexception`.
fn word_of(headers: &HeaderMap) -> Option<String> {
    let value = WORD_HEADERS
        .iter()
        .find_map(|name| headers.get(*name)?.to_str().ok())?;
    let word = value.split(':').next().unwrap_or(value);
    Some(word.trim().to_ascii_lowercase())
}

#[cfg(test)]
#[path = "classify_tests.rs"]
mod tests;
