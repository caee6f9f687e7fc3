//! The kind `status_page`: what the provider's status page claims.
//!
//! A claim is recorded and shown; it says nothing about whether the service works, and neither does a page that cannot
//! be read. The failures that stand here are those of reading: the client makes `unreadable` of them, and an unknown
//! claim.

mod forms;
mod map;
mod words;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method};
use serde_json::Value;
use toml::Spanned;
use toml::de::DeValue;
use url::Url;

use self::map::Map;
use super::fields::Fields;
use super::headers::shared;
use super::reply::{End, Reply};
use super::target::{self, Auth};
use super::verdict::{page_instead, refusal, unfinished, wrong};
use super::{
    Check, Judgement, Keep, Kind, Memory, Next, Pace, Prepared, Request, Step, Surroundings,
};
use crate::diagnostic::Problem;
use crate::model::{Claim, Confirm, FailureKind, Fault, Findings, Judged, Outcome};

/// The kind `status_page`.
pub const KIND: Kind = Kind {
    name: "status_page",
    keys: &["url", "components", "headers"],
    sends_key: false,
    confirm: Confirm::Off,
    pace: Pace::USUAL,
    build,
};

/// Where Statuspage's form lies below a page's address; other vendors serve it too.
const SUMMARY: &str = "api/v2/summary.json";
/// Where incident.io's own form lies.
const WIDGET: &str = "api/v1/summary";
/// Status pages move: to another name of the company, to another vendor.
const REDIRECTS: u8 = Prepared::MOST_REDIRECTS;
/// Under which a [`Memory`] keeps why the earlier addresses were not readable.
const TRIED: &str = "tried";

#[derive(Debug)]
struct StatusPage {
    /// For the place where the page most likely lies.
    first: Request,
    /// For the others, in order.
    others: Vec<Request>,
    map: Map,
    host: String,
}

fn build(
    table: &Spanned<DeValue<'_>>,
    around: &Surroundings<'_>,
) -> Result<Box<dyn Check>, Vec<Problem>> {
    let mut fields = Fields::of(table);
    if fields.get("url").is_none() {
        let fault = Problem::new(fields.span("url"), "`url` is missing")
            .help("the address of the status page, as url = \"https://status.openai.com\"");
        fields.fault(fault);
    }
    let url = match fields.get("url") {
        Some(_) => target::url(&mut fields, around, None),
        None => None,
    };
    let headers = target::headers(&mut fields, around, Auth::None);
    let map = Map::read(&mut fields, around.service, around.probes);
    let problems = fields.problems();
    let Some(url) = url.filter(|_| problems.is_empty()) else {
        return Err(problems);
    };
    let (first, others) = places(&url);
    let request = |url| request(url, &headers.all, &headers.secret);
    Ok(Box::new(StatusPage {
        host: target::host(&url),
        first: request(first),
        others: others.into_iter().map(request).collect(),
        map,
    }))
}

/// Where the JSON of a page may lie: below its address, unless that leads to the JSON itself.
fn places(url: &Url) -> (Url, Vec<Url>) {
    let path = url.path().trim_end_matches('/');
    if path.ends_with(".json") || path.ends_with(WIDGET) {
        return (url.clone(), Vec::new());
    }
    let below = |known: &str| {
        let mut place = url.clone();
        place.set_path(&format!("{path}/{known}"));
        place
    };
    (below(SUMMARY), vec![below(WIDGET)])
}

fn request(url: Url, headers: &HeaderMap, secret: &[HeaderName]) -> Request {
    Request {
        prepared: Arc::new(Prepared {
            method: Method::GET,
            url,
            headers: shared(headers.clone()),
            secret: secret.to_vec(),
            redirects: REDIRECTS,
            max_bytes: Prepared::MAX_BYTES,
            keep: Keep::Whole,
        }),
        body: Bytes::new(),
    }
}

impl StatusPage {
    /// The claim in a reply, or why there is none.
    fn read(&self, reply: &Reply) -> Result<Claim, Judgement> {
        if !(200..300).contains(&reply.status) {
            return Err(refusal(reply, "a status page"));
        }
        if let Some(judgement) = page_instead(reply).or_else(|| unfinished(reply)) {
            return Err(judgement);
        }
        let page: Value = serde_json::from_slice(&reply.body)
            .map_err(|fault| unreadable(format!("HTTP 200 and no JSON ({fault})")))?;
        let said = forms::read(&page, reply.now)
            .ok_or_else(|| unreadable("JSON, but of no status page that is known".to_owned()))?;
        self.map.claim(said).map_err(unreadable)
    }

    /// The path that a step asked for.
    fn asked(&self, step: u8) -> &str {
        let request = match usize::from(step).checked_sub(1) {
            Some(other) => self.others.get(other).unwrap_or(&self.first),
            None => &self.first,
        };
        request.prepared.url.path()
    }

    /// What follows on a reply without a claim: the next place, or the end.
    fn next(&self, reply: &Reply, why: Judgement) -> Step {
        let request = self.others.get(usize::from(reply.step));
        let tried = reply.memory.values.get(TRIED);
        let here = self.asked(reply.step);
        let why = Judgement {
            why: match tried {
                Some(tried) => format!("{tried}; {here}: {}", why.why),
                None => format!("{here}: {}", why.why),
            },
            ..why
        };
        match request {
            Some(request) if reply.end != End::TimedOut => Step::Then(Box::new(Next {
                request: request.clone(),
                after: std::time::Duration::ZERO,
                memory: Memory {
                    values: [(TRIED.to_owned(), why.why)].into(),
                    ..reply.memory.clone()
                },
                doing: "the status page was not found",
            })),
            _ => why.into(),
        }
    }
}

/// The page says nothing that can be used.
fn unreadable(why: String) -> Judgement {
    wrong(FailureKind::WrongContent, Fault::Provider, why)
}

impl Check for StatusPage {
    fn first(&self, _: u64) -> Request {
        self.first.clone()
    }

    fn judge(&self, reply: &Reply) -> Step {
        match self.read(reply) {
            Ok(claim) => Judgement {
                outcome: Outcome::Noted,
                failed_in: None,
                why: String::new(),
                found: Some(Box::new(Findings {
                    claim: Some(claim),
                    ..Findings::default()
                })),
            }
            .into(),
            Err(why) => self.next(reply, why),
        }
    }

    fn judged(&self) -> Judged {
        Judged::Never
    }

    fn host(&self) -> &str {
        &self.host
    }

    fn describe(&self) -> String {
        format!("GET {}, what it claims", self.first.prepared.url)
    }
}

#[cfg(test)]
mod tests;
