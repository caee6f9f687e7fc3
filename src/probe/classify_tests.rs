//! The table of meanings, case by case, as services have really answered.

use http::{HeaderName, HeaderValue};

use super::*;
use crate::model::FailureKind as Kind;

fn meaning(code: u16, headers: &[(&'static str, &'static str)], body: &str) -> (Kind, Fault) {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    match of_parts(code, &map, body.as_bytes()).outcome {
        Outcome::Failure(kind, fault) => (kind, fault),
        other => panic!("{code} {body}: {other:?}"),
    }
}

const HTML: (&str, &str) = ("content-type", "text/html; charset=UTF-8");
const CLOUDFLARE: (&str, &str) = ("server", "cloudflare");

#[rustfmt::skip]
#[test]
fn each_refusal_has_its_kind_and_fault() {
    use Fault::{Blocked, Ours, Provider};
    let e = |code: &str, kind: &str| format!(r#"{{"error":{{"message":"m","type":{kind},"param":null,"code":{code}}}}}"#);
    let cases: Vec<(u16, String, Kind, Fault)> = vec![
        (400, e("null", "\"invalid_request_error\""), Kind::BadRequest, Ours),
        (400, e("\"context_length_exceeded\"", "\"invalid_request_error\""), Kind::BadRequest, Ours),
        (400, e("\"400\"", "\"no_db_connection\""), Kind::Auth, Ours),
        (400, e("\"400\"", "\"None\""), Kind::BadRequest, Ours),
        (400, e("\"content_policy_violation\"", "\"image_generation_user_error\""), Kind::ContentFilter, Ours),
        (400, e("\"billing_hard_limit_reached\"", "null"), Kind::Quota, Ours),
        (400, e("400", "\"exceed_context_size_error\""), Kind::BadRequest, Ours),
        (400, e("\"model_not_found\"", "null"), Kind::ModelRetired, Ours),
        (401, e("\"invalid_api_key\"", "\"invalid_request_error\""), Kind::Auth, Ours),
        (401, e("401", "\"authentication_error\""), Kind::Auth, Ours),
        (401, String::new(), Kind::Auth, Ours),
        (402, e("null", "\"billing_error\""), Kind::Quota, Ours),
        (402, String::new(), Kind::Quota, Ours),
        (403, e("\"unsupported_country_region_territory\"", "\"request_forbidden\""), Kind::Forbidden, Ours),
        (403, e("null", "\"permission_error\""), Kind::Forbidden, Ours),
        (403, r#"{"error":{"code":403,"status":"PERMISSION_DENIED"}}"#.into(), Kind::Forbidden, Ours),
        (404, e("\"model_not_found\"", "\"invalid_request_error\""), Kind::ModelRetired, Ours),
        (404, e("\"no_fixture_match\"", "\"invalid_request_error\""), Kind::NotFound, Ours),
        (404, r#"{"detail":"Not Found"}"#.into(), Kind::NotFound, Ours),
        (405, String::new(), Kind::BadRequest, Ours),
        (407, String::new(), Kind::Proxy, Ours),
        (408, e("\"408\"", "null"), Kind::ServerError, Provider),
        (409, String::new(), Kind::UnexpectedStatus, Provider),
        (410, String::new(), Kind::NotFound, Ours),
        (413, e("null", "\"request_too_large\""), Kind::BadRequest, Ours),
        (415, String::new(), Kind::BadRequest, Ours),
        (418, String::new(), Kind::UnexpectedStatus, Provider),
        (421, String::new(), Kind::Edge, Provider),
        (422, r#"{"detail":[{"loc":["body"]}]}"#.into(), Kind::BadRequest, Ours),
        (429, e("\"rate_limit_exceeded\"", "\"requests\""), Kind::RateLimited, Ours),
        (429, e("\"429\"", "\"throttling_error\""), Kind::RateLimited, Ours),
        (429, e("\"insufficient_quota\"", "\"insufficient_quota\""), Kind::Quota, Ours),
        (429, e("\"credit_balance_exhausted\"", "\"insufficient_quota\""), Kind::Quota, Ours),
        (429, e("\"slow_down\"", "null"), Kind::RateLimited, Ours),
        (429, e("null", "\"overloaded_error\""), Kind::Overloaded, Provider),
        (429, e("\"engine_overloaded\"", "null"), Kind::Overloaded, Provider),
        (429, r#"[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}]"#.into(), Kind::RateLimited, Ours),
        (429, String::new(), Kind::RateLimited, Ours),
        (431, String::new(), Kind::BadRequest, Ours),
        (451, String::new(), Kind::Forbidden, Ours),
        (500, e("\"500\"", "null"), Kind::ServerError, Provider),
        (500, e("null", "\"server_error\""), Kind::ServerError, Provider),
        (500, e("null", "\"overloaded_error\""), Kind::Overloaded, Provider),
        (500, e("\"insufficient_quota\"", "null"), Kind::Quota, Ours),
        // A provider whose key store is down says so with a 5xx: that is not our key.
        (500, e("\"invalid_api_key\"", "null"), Kind::ServerError, Provider),
        (500, "data: {\"error\":{\"message\":\"m\",\"code\":\"500\"}}\n\n".into(), Kind::ServerError, Provider),
        (500, r#"{"error":{"code":500,"status":"INTERNAL"}}"#.into(), Kind::ServerError, Provider),
        (501, String::new(), Kind::ServerError, Provider),
        (502, String::new(), Kind::ServerError, Provider),
        (502, e("null", "\"cf_bad_gateway\""), Kind::Edge, Provider),
        (503, String::new(), Kind::ServerError, Provider),
        (503, e("\"server_is_overloaded\"", "\"service_unavailable_error\""), Kind::Overloaded, Provider),
        (503, e("\"server_overloaded\"", "null"), Kind::Overloaded, Provider),
        (503, e("\"slow_down\"", "null"), Kind::Overloaded, Provider),
        (503, r#"{"error":{"code":503,"status":"UNAVAILABLE"}}"#.into(), Kind::Overloaded, Provider),
        (504, e("null", "\"timeout_error\""), Kind::ServerError, Provider),
        (520, String::new(), Kind::Edge, Provider),
        (524, String::new(), Kind::Edge, Provider),
        (529, e("null", "\"overloaded_error\""), Kind::Overloaded, Provider),
        (529, String::new(), Kind::Overloaded, Provider),
        (530, String::new(), Kind::Edge, Provider),
        (599, String::new(), Kind::ServerError, Provider),
        (204, String::new(), Kind::UnexpectedStatus, Provider),
        (301, String::new(), Kind::Redirect, Provider),
        (304, String::new(), Kind::Redirect, Provider),
        (600, String::new(), Kind::UnexpectedStatus, Provider),
        (999, String::new(), Kind::UnexpectedStatus, Provider),
    ];
    assert!(cases.len() >= 60);
    for (code, body, kind, fault) in cases {
        assert_eq!(meaning(code, &[], &body), (kind, fault), "{code} {body}");
    }
    let challenge = "<html><title>Just a moment...</title>";
    assert_eq!(meaning(403, &[HTML, CLOUDFLARE], challenge), (Kind::Blocked, Blocked));
    assert_eq!(meaning(503, &[HTML, CLOUDFLARE], challenge), (Kind::Blocked, Blocked));
    assert_eq!(meaning(403, &[("cf-mitigated", "challenge")], ""), (Kind::Blocked, Blocked));
    assert_eq!(meaning(403, &[HTML], "<h1>403 Forbidden</h1>"), (Kind::Forbidden, Ours));
    let gateway = "<title>api.openai.com | 502: Bad gateway</title>";
    assert_eq!(meaning(502, &[HTML, CLOUDFLARE], gateway), (Kind::Edge, Provider));
    assert_eq!(meaning(504, &[HTML, CLOUDFLARE], gateway), (Kind::Edge, Provider));
    assert_eq!(meaning(502, &[HTML, ("server", "nginx")], "<h1>502 Bad Gateway</h1>"), (Kind::ServerError, Provider));
}

#[test]
fn an_error_inside_a_200_is_the_providers_unless_its_words_say_otherwise() {
    let fault = |body: &str| fault_of(&Reported::in_body(body.as_bytes()).unwrap());
    assert_eq!(fault(r#"{"error":{"message":"boom"}}"#), Fault::Provider);
    assert_eq!(
        fault(r#"{"error":{"type":"server_error"}}"#),
        Fault::Provider
    );
    assert_eq!(
        fault(r#"{"type":"error","error":{"type":"overloaded_error"}}"#),
        Fault::Provider
    );
    assert_eq!(
        fault(r#"{"error":{"code":"500","type":null}}"#),
        Fault::Provider
    );
    assert_eq!(
        fault(r#"{"error":{"code":"429","type":"throttling_error"}}"#),
        Fault::Ours
    );
    assert_eq!(
        fault(r#"{"error":{"code":"insufficient_quota"}}"#),
        Fault::Ours
    );
    assert_eq!(
        fault(r#"{"error":{"code":"rate_limit_exceeded"}}"#),
        Fault::Ours
    );
    assert_eq!(fault(r#"{"error":{"code":401}}"#), Fault::Ours);
    assert_eq!(
        fault(r#"{"error":{"type":"invalid_request_error"}}"#),
        Fault::Ours
    );
}

#[test]
fn a_page_is_known_also_when_it_does_not_say_that_it_is_one() {
    let headers = HeaderMap::new();
    let row = of_parts(
        403,
        &headers,
        b"  <!DOCTYPE html><title>Just a moment...</title>",
    );
    assert_eq!(row.outcome.fault(), Some(Fault::Blocked));
    // The same words in an API's error are no bot check.
    let row = of_parts(
        403,
        &headers,
        br#"{"error":{"message":"Just a moment..."}}"#,
    );
    assert_eq!(row.outcome.fault(), Some(Fault::Ours));
}

#[test]
fn every_header_of_a_wall_leads_to_a_row_of_one() {
    for name in WALL_HEADERS {
        let mut headers = HeaderMap::new();
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static("challenge"),
        );
        for status in [200, 202, 403, 503] {
            let fault = of_parts(status, &headers, b"").outcome.fault();
            assert_eq!(fault, Some(Fault::Blocked), "{name} with {status}");
        }
    }
}
