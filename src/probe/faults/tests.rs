//! Every row is what its examples come to, and no row stands in another's shadow.

use http::{HeaderName, HeaderValue};

use super::super::{Example, Row};
use super::*;
use crate::model::Outcome;
use crate::probe::classify;
use crate::probe::reply::Reported;

fn row_of(example: &Example) -> &'static Row {
    match example {
        Example::Broken(what, phase) => of_break(*what, *phase),
        Example::Inside(body) => {
            let value = serde_json::from_str(body).expect(body);
            classify::meaning_inside(&Reported::in_value(&value).expect(body))
        }
        Example::Reply {
            status,
            headers,
            body,
        } => {
            let mut map = HeaderMap::new();
            for (name, value) in *headers {
                map.insert(
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                );
            }
            classify::of_parts(*status, &map, body.as_bytes())
        }
    }
}

fn rows() -> impl Iterator<Item = &'static Row> {
    GROUPS.iter().flat_map(|group| group.rows)
}

#[test]
fn every_row_is_what_its_examples_come_to() {
    let mut wrong = Vec::new();
    for row in rows() {
        for example in row.examples {
            let got = row_of(example);
            if got.means != row.means || got.outcome != row.outcome {
                wrong.push(format!(
                    "{example:?}\n    wanted {:?}: {}\n    got    {:?}: {}",
                    row.outcome, row.means, got.outcome, got.means
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_row_has_an_example_a_meaning_advice_and_a_source() {
    for row in rows() {
        assert!(!row.examples.is_empty(), "{}", row.means);
        assert!(!row.sources.is_empty(), "{}", row.means);
        assert!(row.means.ends_with(['.', ')']), "{}", row.means);
        assert!(row.act.ends_with('.'), "{}: {}", row.means, row.act);
        let same = rows().filter(|other| other.means == row.means).count();
        assert_eq!(same, 1, "two rows mean: {}", row.means);
    }
}

#[test]
fn the_table_covers_what_it_promises() {
    let cases: usize = rows().map(|row| row.examples.len()).sum();
    assert!(cases >= 120, "{cases}");
}

#[test]
fn words_and_headers_are_written_as_they_are_compared() {
    for row in rows() {
        for word in row.when.words {
            assert_eq!(*word, word.to_lowercase());
        }
        for (name, _) in row.when.headers {
            assert_eq!(*name, name.to_lowercase());
        }
        for phrase in [row.when.says, row.when.besides, row.when.page].concat() {
            assert!(phrase.len() > 3, "{phrase:?} is found everywhere");
        }
    }
}

#[test]
fn all_phrases_have_room_and_are_compiled() {
    let mut phrases: Vec<&str> = rows()
        .flat_map(|row| [row.when.says, row.when.besides, row.when.page].concat())
        .collect();
    phrases.sort_unstable();
    phrases.dedup();
    assert!(phrases.len() <= MASK_WORDS * 64, "{}", phrases.len());
    assert!(TABLE.phrases.is_some());
}

#[test]
fn every_break_in_every_phase_has_a_row_of_its_own() {
    for what in Break::ALL {
        for phase in Phase::ALL {
            let row = of_break(*what, *phase);
            assert!(!row.when.breaks.is_empty(), "{what:?} in {phase:?}");
            assert!(
                matches!(row.outcome, Outcome::Failure(..) | Outcome::Inconclusive(_)),
                "{what:?}"
            );
        }
    }
}

#[test]
fn an_error_that_nobody_knows_falls_to_a_sane_class_by_its_status() {
    use crate::model::{FailureKind as Kind, Fault};
    let body = r#"{"error":{"message":"Xyzzy.","type":"frobnication_error","code":"E_PLUGH"}}"#;
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    for status in 100..=999 {
        let wanted = match status {
            300..=399 => (Kind::Redirect, Fault::Provider),
            401 => (Kind::Auth, Fault::Ours),
            402 => (Kind::Quota, Fault::Ours),
            403 | 451 => (Kind::Forbidden, Fault::Ours),
            404 | 410 => (Kind::NotFound, Fault::Ours),
            407 => (Kind::Proxy, Fault::Ours),
            408 | 424 => (Kind::ServerError, Fault::Provider),
            421 | 520..=528 | 530 => (Kind::Edge, Fault::Provider),
            429 => (Kind::RateLimited, Fault::Ours),
            400 | 405 | 406 | 411..=417 | 422 | 426 | 428 | 431 => (Kind::BadRequest, Fault::Ours),
            529 => (Kind::Overloaded, Fault::Provider),
            511 => continue,
            500..=599 => (Kind::ServerError, Fault::Provider),
            _ => (Kind::UnexpectedStatus, Fault::Provider),
        };
        let row = classify::of_parts(status, &headers, body.as_bytes());
        assert_eq!(
            row.outcome,
            Outcome::Failure(wanted.0, wanted.1),
            "{status}"
        );
    }
}

#[test]
fn no_status_is_without_a_meaning_and_none_panics() {
    for status in 0..=u16::MAX {
        let row = classify::of_parts(status, &HeaderMap::new(), b"");
        assert!(!matches!(
            row.outcome,
            Outcome::Success | Outcome::Degraded(_)
        ));
    }
}
