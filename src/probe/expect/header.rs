//! Headers that a reply must, and must not, have.

use http::{HeaderMap, HeaderName};
use toml::Spanned;
use toml::de::DeValue;

use super::compile;
use crate::diagnostic::Problem;
use crate::probe::evidence::fit;
use crate::probe::fields::{Fields, wanted};
use crate::probe::pattern::Pattern;

/// More of a value is not shown in a reason.
const SHOWN_BYTES: usize = 200;

/// The claims, in the order of the file.
#[derive(Debug, Clone, Default)]
pub(super) struct HeaderClaims(Vec<(HeaderName, Claim)>);

/// What a header must be.
#[derive(Debug, Clone)]
enum Claim {
    Exists(bool),
    Equals(String),
    Not(String),
    Matches(Pattern),
    NotMatches(Pattern),
}

impl HeaderClaims {
    pub(super) fn read(fields: &mut Fields<'_, '_>, key: &str) -> Self {
        let Some(value) = fields.get(key) else {
            return Self::default();
        };
        let mut headers = Fields::of(value);
        let mut claims = Vec::new();
        for (name, value) in headers.entries() {
            let Ok(header) = HeaderName::from_bytes(name.as_bytes()) else {
                headers.fault(Problem::new(
                    value.span(),
                    format!("`{}` is no header name", name.escape_debug()),
                ));
                continue;
            };
            match claims_of(value) {
                Ok(all) => claims.extend(all.into_iter().map(|claim| (header.clone(), claim))),
                Err(problems) => {
                    headers.take::<()>(Err(problems));
                }
            }
        }
        fields.take::<()>(Err(headers.problems()));
        Self(claims)
    }

    /// The first claim that does not hold.
    pub(super) fn fault(&self, headers: &HeaderMap) -> Option<String> {
        self.0.iter().find_map(|(name, claim)| {
            let found: Vec<&[u8]> = headers.get_all(name).iter().map(|v| v.as_bytes()).collect();
            let wanted = claim.unmet(&found)?;
            let found = match found.first() {
                None => "is missing".to_owned(),
                Some(value) => format!(
                    "is \"{}\"",
                    fit(&String::from_utf8_lossy(value), SHOWN_BYTES)
                ),
            };
            Some(format!(
                "the header {name} {found}, wanted {wanted} (expect.headers)"
            ))
        })
    }
}

impl Claim {
    /// What was wanted, when it is not so. A header that is there several times needs to be right once.
    fn unmet(&self, found: &[&[u8]]) -> Option<String> {
        let any = |right: &dyn Fn(&[u8]) -> bool| found.iter().any(|value| right(value));
        let (met, wanted) = match self {
            Claim::Exists(true) => (!found.is_empty(), "it to be there".to_owned()),
            Claim::Exists(false) => (found.is_empty(), "none".to_owned()),
            Claim::Equals(text) => (any(&|v| v == text.as_bytes()), format!("\"{text}\"")),
            Claim::Not(text) => (!any(&|v| v == text.as_bytes()), "another value".to_owned()),
            Claim::Matches(text) => (any(&|v| text.is_match(v)), format!("a match of {text}")),
            Claim::NotMatches(text) => (!any(&|v| text.is_match(v)), format!("no match of {text}")),
        };
        (!met).then_some(wanted)
    }
}

/// A text is to be equalled, `true` and `false` ask for being there at all; a table holds the comparisons.
fn claims_of(value: &Spanned<DeValue<'_>>) -> Result<Vec<Claim>, Vec<Problem>> {
    match value.get_ref() {
        DeValue::String(text) => return Ok(vec![Claim::Equals(text.to_string())]),
        DeValue::Boolean(there) => return Ok(vec![Claim::Exists(*there)]),
        DeValue::Table(_) => {}
        _ => return Err(vec![wanted("a text, true, false or a table", value)]),
    }
    let mut fields = Fields::of(value);
    fields.only(&["equals", "not", "matches", "not_matches", "exists"]);
    let mut claims = Vec::new();
    for key in ["equals", "not"] {
        let text = fields.text(key).map(str::to_owned);
        claims.extend(text.map(|text| match key {
            "equals" => Claim::Equals(text),
            _ => Claim::Not(text),
        }));
    }
    for key in ["matches", "not_matches"] {
        let Some(text) = fields.text(key) else {
            continue;
        };
        match compile(text, fields.span(key)) {
            Ok(text) if key == "matches" => claims.push(Claim::Matches(text)),
            Ok(text) => claims.push(Claim::NotMatches(text)),
            Err(problem) => fields.fault(problem),
        }
    }
    claims.extend(fields.truth("exists").map(Claim::Exists));
    let problems = fields.problems();
    match problems.is_empty() {
        true => Ok(claims),
        false => Err(problems),
    }
}
