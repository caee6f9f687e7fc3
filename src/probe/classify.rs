//! What a refusal means and whose fault it is: one table, read from the top, first match wins.
//!
//! A row matches on the status, on what kind of page came, and on the provider's own words (`error.code`, then
//! `error.type`). Words say more than the status where they are specific: 429 is our rate, our unpaid bill or their
//! overload. General words (`invalid_request_error` comes with 401 and 404 too) stand below the status.

use std::ops::RangeInclusive;

use http::{HeaderMap, header};

use super::reply::{Reply, Reported};
use crate::model::FailureKind as Kind;
use crate::model::Fault;

/// What kind of body a refusal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    /// A bot check that wants a browser.
    Challenge,
    /// An HTML page of the edge network, not of the service.
    Edge,
    /// Anything else.
    Other,
}

struct Row {
    status: RangeInclusive<u16>,
    page: Option<Page>,
    words: &'static [&'static str],
    kind: Kind,
    fault: Fault,
}

const ANY: RangeInclusive<u16> = 0..=u16::MAX;

const fn row(
    status: RangeInclusive<u16>,
    words: &'static [&'static str],
    kind: Kind,
    fault: Fault,
) -> Row {
    Row {
        status,
        page: None,
        words,
        kind,
        fault,
    }
}

const fn page(status: RangeInclusive<u16>, page: Page, kind: Kind, fault: Fault) -> Row {
    Row {
        status,
        page: Some(page),
        words: &[],
        kind,
        fault,
    }
}

const QUOTA: &[&str] = &[
    "insufficient_quota",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "billing_hard_limit_reached",
    "billing_not_active",
    "billing_error",
    "insufficient_balance",
    "insufficient_credits",
    "payment_required",
    "quota_exceeded",
    "budget_exceeded",
];
const OVERLOAD: &[&str] = &[
    "overloaded_error",
    "server_is_overloaded",
    "server_overloaded",
    "overloaded",
    "model_overloaded",
    "engine_overloaded",
    "engine_overloaded_error",
    "capacity_exceeded",
];
const RATE: &[&str] = &[
    "rate_limit_exceeded",
    "rate_limit_error",
    "rate_limited",
    "slow_down",
    "too_many_requests",
    "throttling_error",
    "resource_exhausted",
];
const MODEL: &[&str] = &[
    "model_not_found",
    "model_deprecated",
    "model_retired",
    "deprecated_model",
    "model_decommissioned",
];
const AUTH: &[&str] = &[
    "invalid_api_key",
    "incorrect_api_key",
    "invalid_authentication",
    "authentication_error",
    "unauthenticated",
    "no_api_key",
    "token_expired",
    "account_deactivated",
];
const FORBIDDEN: &[&str] = &[
    "unsupported_country_region_territory",
    "permission_error",
    "permission_denied",
    "insufficient_permissions",
    "access_denied",
    "ip_not_authorized",
];
const FILTER: &[&str] = &[
    "content_filter",
    "content_policy_violation",
    "moderation_blocked",
    "responsible_ai_policy_violation",
];
const REQUEST: &[&str] = &[
    "invalid_request_error",
    "invalid_prompt",
    "context_length_exceeded",
    "exceed_context_size_error",
    "invalid_argument",
    "failed_precondition",
    "invalid_value",
    "unsupported_parameter",
    "unsupported_value",
    "request_too_large",
    "badrequesterror",
];
const SERVER: &[&str] = &[
    "server_error",
    "internal_error",
    "internal_server_error",
    "api_error",
    "timeout_error",
];

#[rustfmt::skip]
const TABLE: &[Row] = &[
    page(403..=403, Page::Challenge, Kind::Blocked, Fault::Blocked),
    page(429..=429, Page::Challenge, Kind::Blocked, Fault::Blocked),
    page(503..=503, Page::Challenge, Kind::Blocked, Fault::Blocked),
    row(ANY, QUOTA, Kind::Quota, Fault::Ours),
    row(ANY, OVERLOAD, Kind::Overloaded, Fault::Provider),
    row(503..=503, &["unavailable", "slow_down"], Kind::Overloaded, Fault::Provider),
    row(200..=499, RATE, Kind::RateLimited, Fault::Ours),
    row(ANY, MODEL, Kind::ModelRetired, Fault::Ours),
    row(200..=499, AUTH, Kind::Auth, Fault::Ours),
    row(200..=499, FORBIDDEN, Kind::Forbidden, Fault::Ours),
    row(200..=499, FILTER, Kind::ContentFilter, Fault::Ours),
    // 200: an error inside a body or a stream that began well.
    row(200..=299, REQUEST, Kind::BadRequest, Fault::Ours),
    row(200..=299, SERVER, Kind::ServerError, Fault::Provider),
    page(500..=599, Page::Edge, Kind::Edge, Fault::Provider),
    row(300..=399, &[], Kind::Redirect, Fault::Provider),
    row(400..=400, SERVER, Kind::ServerError, Fault::Provider),
    row(400..=400, &[], Kind::BadRequest, Fault::Ours),
    row(401..=401, &[], Kind::Auth, Fault::Ours),
    row(402..=402, &[], Kind::Quota, Fault::Ours),
    row(403..=403, &[], Kind::Forbidden, Fault::Ours),
    row(404..=404, &[], Kind::NotFound, Fault::Ours),
    row(405..=406, &[], Kind::BadRequest, Fault::Ours),
    row(407..=407, &[], Kind::Auth, Fault::Ours),
    // The service, or a proxy before it, gave up waiting for its own upstream.
    row(408..=408, &[], Kind::ServerError, Fault::Provider),
    row(410..=410, &[], Kind::NotFound, Fault::Ours),
    row(411..=417, &[], Kind::BadRequest, Fault::Ours),
    row(421..=421, &[], Kind::Edge, Fault::Provider),
    row(422..=422, &[], Kind::BadRequest, Fault::Ours),
    row(429..=429, &[], Kind::RateLimited, Fault::Ours),
    row(431..=431, &[], Kind::BadRequest, Fault::Ours),
    row(451..=451, &[], Kind::Forbidden, Fault::Ours),
    row(500..=599, &["cf_bad_gateway", "cf_service_unavailable", "cf_gateway_timeout"], Kind::Edge, Fault::Provider),
    row(520..=528, &[], Kind::Edge, Fault::Provider),
    row(529..=529, &[], Kind::Overloaded, Fault::Provider),
    row(530..=530, &[], Kind::Edge, Fault::Provider),
    row(500..=599, &[], Kind::ServerError, Fault::Provider),
    row(ANY, &[], Kind::UnexpectedStatus, Fault::Provider),
];

/// What a status that was not wanted means.
pub(super) fn status(status: u16, reported: Option<&Reported>, page: Page) -> (Kind, Fault) {
    let said = |words: &[&str]| {
        words.is_empty()
            || reported.is_some_and(|r| {
                words.contains(&r.code.as_str()) || words.contains(&r.kind.as_str())
            })
    };
    TABLE
        .iter()
        .find(|row| {
            row.status.contains(&status) && row.page.is_none_or(|p| p == page) && said(row.words)
        })
        .map_or((Kind::UnexpectedStatus, Fault::Provider), |row| {
            (row.kind, row.fault)
        })
}

/// What a refused reply means.
pub(super) fn refusal(reply: &Reply) -> (Kind, Fault) {
    let reported = Reported::in_body(&reply.body);
    status(
        reply.status,
        reported.as_ref(),
        page_of(&reply.headers, &reply.body),
    )
}

/// Whose fault an error inside a 200 is. What has no word for it is the provider's: it answered 200.
pub(super) fn fault_of(reported: &Reported) -> Fault {
    // Inside a 200 a numeric code is the status that was meant.
    let meant = reported
        .code
        .parse()
        .ok()
        .filter(|code| (400..600).contains(code))
        .unwrap_or(200);
    status(meant, Some(reported), Page::Other).1
}

/// What kind of page came instead of an answer.
pub(super) fn page_of(headers: &HeaderMap, body: &[u8]) -> Page {
    if headers.contains_key("cf-mitigated") {
        return Page::Challenge;
    }
    if !is_html(headers) {
        return Page::Other;
    }
    if contains(body, b"Just a moment...")
        || contains(body, b"cf-challenge")
        || contains(body, b"challenge-platform")
    {
        return Page::Challenge;
    }
    let edge_server = headers
        .get(header::SERVER)
        .is_some_and(|server| server.as_bytes().eq_ignore_ascii_case(b"cloudflare"));
    if edge_server || headers.contains_key("cf-ray") || contains(body, b"cf-error-details") {
        return Page::Edge;
    }
    Page::Other
}

/// Whether the reply says that it is a web page.
pub(super) fn is_html(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| contains(&kind.as_bytes().to_ascii_lowercase(), b"html"))
}

fn contains(text: &[u8], what: &[u8]) -> bool {
    text.windows(what.len()).any(|window| window == what)
}

#[cfg(test)]
#[path = "classify_tests.rs"]
mod tests;
