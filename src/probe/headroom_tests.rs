//! Headers as providers send them, and what they come to.

use http::{HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;

/// A provider, headers as it sends them, and what they say.
type Case<'c> = (&'c str, &'c [(&'c str, &'c str)], &'c [&'c str]);

fn now() -> Timestamp {
    Timestamp::parse("2026-11-08T12:00:00Z").unwrap()
}

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    lines
        .iter()
        .map(|(name, value)| {
            let name: HeaderName = name.parse().unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        })
        .collect()
}

/// `resource remaining/limit in seconds`, sorted.
fn told(lines: &[(&str, &str)], status: StatusCode) -> Vec<String> {
    let mut told: Vec<String> = read(&headers(lines), status, now())
        .into_iter()
        .map(|h| {
            let limit = h.limit.map_or("?".to_owned(), |l| l.to_string());
            let reset = h
                .resets_in
                .map_or("?".to_owned(), |r| r.as_secs_f64().to_string());
            format!("{} {}/{limit} in {reset}", h.resource, h.remaining)
        })
        .collect();
    told.sort();
    told
}

#[test]
fn the_headers_of_each_provider_are_understood() {
    let cases: &[Case] = &[
        (
            "openai",
            &[
                ("x-ratelimit-limit-requests", "60"),
                ("x-ratelimit-limit-tokens", "150000"),
                ("x-ratelimit-remaining-requests", "59"),
                ("x-ratelimit-remaining-tokens", "149984"),
                ("x-ratelimit-reset-requests", "1s"),
                ("x-ratelimit-reset-tokens", "6m0s"),
                ("x-request-id", "req_1"),
            ],
            &["requests 59/60 in 1", "tokens 149984/150000 in 360"],
        ),
        (
            "openai, of a project",
            &[
                ("x-ratelimit-limit-project-tokens", "1000000"),
                ("x-ratelimit-remaining-project-tokens", "999000"),
                ("x-ratelimit-reset-project-tokens", "6ms"),
            ],
            &["project-tokens 999000/1000000 in 0.006"],
        ),
        (
            "anthropic",
            &[
                ("anthropic-ratelimit-requests-limit", "50"),
                ("anthropic-ratelimit-requests-remaining", "49"),
                ("anthropic-ratelimit-requests-reset", "2026-11-08T12:00:01Z"),
                ("anthropic-ratelimit-input-tokens-limit", "50000"),
                ("anthropic-ratelimit-input-tokens-remaining", "50000"),
                (
                    "anthropic-ratelimit-input-tokens-reset",
                    "2026-11-08T11:59:59Z",
                ),
                ("anthropic-ratelimit-output-tokens-limit", "10000"),
                ("anthropic-ratelimit-output-tokens-remaining", "9000"),
                (
                    "anthropic-ratelimit-output-tokens-reset",
                    "2026-11-08T12:00:06Z",
                ),
            ],
            &[
                "input-tokens 50000/50000 in 0",
                "output-tokens 9000/10000 in 6",
                "requests 49/50 in 1",
            ],
        ),
        (
            "groq",
            &[
                ("x-ratelimit-limit-requests", "14400"),
                ("x-ratelimit-remaining-requests", "14370"),
                ("x-ratelimit-reset-requests", "2m59.56s"),
                ("x-ratelimit-limit-tokens", "18000"),
                ("x-ratelimit-remaining-tokens", "17997"),
                ("x-ratelimit-reset-tokens", "7.66s"),
            ],
            &[
                "requests 14370/14400 in 179.56",
                "tokens 17997/18000 in 7.66",
            ],
        ),
        (
            "mistral",
            &[
                ("x-ratelimit-limit-tokens-minute", "5000000"),
                ("x-ratelimit-remaining-tokens-minute", "4999911"),
                ("x-ratelimit-tokens-query-cost", "52"),
                ("x-ratelimit-limit-req-minute", "720"),
                ("x-ratelimit-remaining-req-minute", "717"),
            ],
            &[
                "req-minute 717/720 in ?",
                "tokens-minute 4999911/5000000 in ?",
            ],
        ),
        (
            "azure",
            &[
                ("x-ratelimit-remaining-requests", "119"),
                ("x-ratelimit-remaining-tokens", "119984"),
                ("x-ratelimit-limit-tokens", "120000"),
            ],
            &["requests 119/? in ?", "tokens 119984/120000 in ?"],
        ),
        (
            "openrouter",
            &[
                ("X-RateLimit-Limit", "20"),
                ("X-RateLimit-Remaining", "0"),
                ("X-RateLimit-Reset", "1794139260000"),
            ],
            &["requests 0/20 in 60"],
        ),
        (
            "github",
            &[
                ("x-ratelimit-limit", "60"),
                ("x-ratelimit-remaining", "59"),
                ("x-ratelimit-reset", "1794142800"),
                ("x-ratelimit-resource", "core"),
                ("x-ratelimit-used", "1"),
            ],
            &["requests 59/60 in 3600"],
        ),
        (
            "together",
            &[
                ("x-ratelimit-limit", "10"),
                ("x-ratelimit-remaining", "9"),
                ("x-ratelimit-reset", "1"),
                ("x-tokenlimit-limit", "5000"),
                ("x-tokenlimit-remaining", "4990.5"),
            ],
            &["requests 9/10 in 1", "tokens 4990/5000 in ?"],
        ),
        (
            "the draft of a standard",
            &[
                ("ratelimit-limit", "100, 100;w=60"),
                ("ratelimit-remaining", "50"),
                ("ratelimit-reset", "30"),
            ],
            &["requests 50/100 in 30"],
        ),
        (
            "litellm, of itself and of the provider behind it",
            &[
                ("llm_provider-x-ratelimit-limit-tokens", "1000"),
                ("llm_provider-x-ratelimit-remaining-tokens", "900"),
                ("x-litellm-version", "1.80.5"),
            ],
            &["tokens 900/1000 in ?"],
        ),
        (
            "nothing",
            &[("content-type", "application/json"), ("retry-after", "5")],
            &[],
        ),
        (
            "a limit without what remains",
            &[("x-ratelimit-limit-tokens", "10")],
            &[],
        ),
        (
            "nonsense",
            &[
                ("x-ratelimit-remaining-tokens", "many"),
                ("x-ratelimit-remaining-", "1"),
                ("x-ratelimit-", "1"),
                ("anthropic-ratelimit-remaining", "-3"),
                ("anthropic-ratelimit-reset", "tomorrow"),
                (
                    "x-ratelimit-remaining-of_a_name_that_has_no_place_in_a_table",
                    "1",
                ),
            ],
            &["requests 0/? in ?"],
        ),
    ];
    for (what, lines, want) in cases {
        assert_eq!(told(lines, StatusCode::OK), *want, "{what}");
    }
}

#[test]
fn a_limit_that_is_used_up_is_full_again_when_the_reply_says_to_come_back() {
    let lines = [
        ("x-ratelimit-limit-tokens", "10"),
        ("x-ratelimit-remaining-tokens", "0"),
        ("x-ratelimit-remaining-requests", "5"),
        ("retry-after", "20"),
    ];
    let want = ["requests 5/? in ?", "tokens 0/10 in 20"];
    assert_eq!(told(&lines, StatusCode::TOO_MANY_REQUESTS), want);
}

#[test]
fn every_form_of_a_reset_is_read_and_none_is_guessed() {
    let cases: &[(&str, Option<f64>)] = &[
        ("6m0s", Some(360.0)),
        ("1s", Some(1.0)),
        ("120ms", Some(0.12)),
        ("1h2m3.5s", Some(3_723.5)),
        ("1d", Some(86_400.0)),
        ("0", Some(0.0)),
        ("59.7", Some(59.7)),
        ("-5", Some(0.0)),
        ("1794139260", Some(60.0)),
        ("1794139260500", Some(60.5)),
        ("1000000001", Some(0.0)),
        ("2026-11-08T12:01:00Z", Some(60.0)),
        ("2026-11-08T13:01:00+01:00", Some(60.0)),
        ("Sun, 08 Nov 2026 12:01:00 GMT", Some(60.0)),
        ("2020-01-01T00:00:00Z", Some(0.0)),
        ("9999-01-01T00:00:00Z", None),
        ("", None),
        ("soon", None),
        ("5 minutes", None),
        ("1x", None),
        ("s", None),
        ("1.2.3s", None),
        ("inf", None),
        ("NaN", None),
        ("1e300", None),
        ("99999999999999999999h", None),
    ];
    for (text, want) in cases {
        let found = reset(text, now()).map(|r| r.as_secs_f64());
        assert_eq!(found, *want, "{text}");
    }
}

#[test]
fn a_reply_with_many_limits_is_cut() {
    let lines: Vec<(String, &str)> = (0..100)
        .map(|n| (format!("x-ratelimit-remaining-r{n}"), "1"))
        .collect();
    let lines: Vec<(&str, &str)> = lines.iter().map(|(n, v)| (n.as_str(), *v)).collect();
    assert_eq!(told(&lines, StatusCode::OK).len(), MOST);
}

proptest! {
    #[test]
    fn no_header_makes_it_panic(name in "(x-ratelimit-|anthropic-ratelimit-|ratelimit-)[a-z0-9-]{0,40}", value in "[ -~]{0,60}") {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(&value)) {
            let headers = HeaderMap::from_iter([(name, value)]);
            for found in read(&headers, StatusCode::OK, now()) {
                prop_assert!(found.resource.len() <= LONGEST_NAME);
            }
        }
    }

    #[test]
    fn no_reset_makes_it_panic(text in "[0-9a-zµ.:+ -]{0,40}") {
        let _ = reset(&text, now());
        let _ = number(&text);
    }
}
