//! The kind `models`: the provider's list of models. It must come, and hold the models that the service's probes name.
//!
//! A model that is gone, or whose last day is over, is "retired": a fault of one's own, since somebody has to name
//! another, and never an outage. One that will be switched off is told of ahead. What else comes and goes in the list is
//! nobody's concern.

mod list;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use serde_json::Value;
use toml::Spanned;
use toml::de::DeValue;
use url::Url;

use self::list::{Listed, More};
use super::evidence::{fit, with_excerpt};
use super::expect::Expect;
use super::fields::{Fields, wanted};
use super::headers::shared;
use super::reply::{Reply, Reported};
use super::target::{self, Auth};
use super::verdict::{page_instead, refusal, unfinished, wrong};
use super::{
    Check, Judgement, Keep, Kind, Memory, Next, Pace, Prepared, Request, Step, Surroundings,
    classify,
};
use crate::diagnostic::Problem;
use crate::model::{Confirm, Deadline, FailureKind, Fault, Findings, Topic};

/// The kind `models`.
pub const KIND: Kind = Kind {
    name: "models",
    keys: &["url", "path", "api", "models", "headers", "auth", "expect"],
    sends_key: true,
    confirm: Confirm::CHEAP,
    pace: Pace::USUAL,
    build,
};

const EXPECT_KEYS: &[&str] = &["latency_under", "cert_valid_for", "max_bytes"];
/// The longest lists, with a description of each model, have about 1 MB.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Pages of a list that are read: with [`PAGE_SIZE`] on each, more models than any provider has.
const MOST_PAGES: u8 = 10;
/// Models on a page: the most that Anthropic and Google give.
const PAGE_SIZE: &str = "1000";
/// Names that are looked for.
const MOST_NAMES: usize = 200;

/// What differs from one provider's list to another's.
struct Api {
    name: &'static str,
    /// Below `base_url`.
    path: &'static str,
    /// Header that carries the key; `None` for a bearer token.
    key: Option<&'static str>,
    /// Header that has to be there.
    version: Option<(&'static str, &'static str)>,
    /// Name of the query's value that sets the size of a page.
    page_size: Option<&'static str>,
}

const APIS: &[Api] = &[
    Api {
        name: "openai",
        path: "/models",
        key: None,
        version: None,
        page_size: None,
    },
    Api {
        name: "anthropic",
        path: "/models",
        key: Some("x-api-key"),
        version: Some(("anthropic-version", "2023-06-01")),
        page_size: Some("limit"),
    },
    Api {
        name: "gemini",
        path: "/models",
        key: Some("x-goog-api-key"),
        version: None,
        page_size: Some("pageSize"),
    },
    Api {
        name: "ollama",
        path: "/api/tags",
        key: None,
        version: None,
        page_size: None,
    },
];

#[derive(Debug)]
struct Models {
    request: Request,
    /// The models that have to be there.
    names: Vec<String>,
    expect: Arc<Expect>,
    host: String,
}

fn build(
    table: &Spanned<DeValue<'_>>,
    around: &Surroundings<'_>,
) -> Result<Box<dyn Check>, Vec<Problem>> {
    let mut fields = Fields::of(table);
    let api = api(&mut fields, around);
    // Ollama's own list does not lie where its copy of OpenAI's API does.
    let base = around.base_url.map(|base| match api.name {
        "ollama" => base.trim_end_matches('/').trim_end_matches("/v1"),
        _ => base,
    });
    let around = &Surroundings {
        base_url: base,
        ..*around
    };
    let mut url = target::url(&mut fields, around, Some(api.path));
    if let (Some(url), Some(key)) = (&mut url, api.page_size)
        && !url.query_pairs().any(|(name, _)| name == key)
    {
        url.query_pairs_mut().append_pair(key, PAGE_SIZE);
    }
    let auth = match api.key {
        Some(name) if around.key.is_some() => Auth::Header(HeaderName::from_static(name)),
        _ => target::default_auth(around.key),
    };
    let mut headers = target::headers(&mut fields, around, auth);
    if let Some((name, value)) = api.version {
        let name = HeaderName::from_static(name);
        headers
            .all
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    let names = names(&mut fields, around);
    let expect = Expect::read(&mut fields, EXPECT_KEYS);
    let problems = fields.problems();
    let Some(url) = url.filter(|_| problems.is_empty()) else {
        return Err(problems);
    };
    Ok(Box::new(Models {
        host: target::host(&url),
        request: Request {
            prepared: Arc::new(Prepared {
                method: Method::GET,
                url,
                headers: shared(headers.all),
                secret: headers.secret,
                redirects: 0,
                max_bytes: expect.max_bytes.unwrap_or(MAX_BYTES),
                keep: Keep::Whole,
            }),
            body: Bytes::new(),
        },
        names,
        expect,
    }))
}

/// The provider's way: `api` of the probe, of the service, or OpenAI's.
fn api(fields: &mut Fields<'_, '_>, around: &Surroundings<'_>) -> &'static Api {
    let known = |name: &str| APIS.iter().find(|api| api.name == name);
    let default = around.api.and_then(known).unwrap_or(&APIS[0]);
    let Some(text) = fields.text("api") else {
        return default;
    };
    known(text).unwrap_or_else(|| {
        let names: Vec<&str> = APIS.iter().map(|api| api.name).collect();
        let fault = Problem::new(fields.span("api"), "no API whose list of models is known")
            .help(format!("one of {}", names.join(", ")));
        fields.fault(fault);
        default
    })
}

/// The models of `models`, or those that the service's probes ask.
fn names(fields: &mut Fields<'_, '_>, around: &Surroundings<'_>) -> Vec<String> {
    let Some(value) = fields.get("models") else {
        return around.models.to_vec();
    };
    let Some(list) = value.get_ref().as_array() else {
        fields.fault(
            wanted("a list of names", value).help("as [\"gpt-4o-mini\"]; [] looks for none"),
        );
        return Vec::new();
    };
    if list.len() > MOST_NAMES {
        let message = format!("{} models; at most {MOST_NAMES} are looked for", list.len());
        fields.fault(Problem::new(value.span(), message));
        return Vec::new();
    }
    let mut names = Vec::new();
    for value in list.iter() {
        match value.get_ref().as_str().map(str::trim) {
            Some(name) if !name.is_empty() => names.push(name.to_owned()),
            Some(_) => fields.fault(Problem::new(value.span(), "this name is empty")),
            None => fields.fault(wanted("a name", value)),
        }
    }
    names
}

impl Models {
    fn step(&self, reply: &Reply) -> Step {
        if !(200..300).contains(&reply.status) {
            return refusal(reply, "2xx").into();
        }
        if let Some(judgement) = page_instead(reply).or_else(|| unfinished(reply)) {
            return judgement.into();
        }
        let document: Value = match serde_json::from_slice(&reply.body) {
            Ok(document) => document,
            Err(fault) => {
                let why = with_excerpt(format!("HTTP 200 and no JSON ({fault})"), &reply.body);
                return wrong(FailureKind::WrongContent, Fault::Provider, why).into();
            }
        };
        if let Some(reported) = Reported::in_value(&document) {
            let why = format!("HTTP 200 with an error inside: {}", reported.line());
            return wrong(FailureKind::ErrorBody, classify::fault_of(&reported), why).into();
        }
        let Some(entries) = list::entries(&document) else {
            let why = with_excerpt("no list of models in the answer".to_owned(), &reply.body);
            return wrong(FailureKind::WrongContent, Fault::Provider, why).into();
        };
        let page = reply.memory.stage;
        if page == 0 && !entries.iter().any(list::is_model) {
            let why = with_excerpt("the list names no model".to_owned(), &reply.body);
            return wrong(FailureKind::Empty, Fault::Provider, why).into();
        }
        let mut memory = Memory {
            stage: page.saturating_add(1),
            ..reply.memory.clone()
        };
        for name in &self.names {
            let before = memory.values.get(name).and_then(|text| Listed::read(text));
            if let Some(listed) = list::look_up(name, entries, before) {
                memory.values.insert(name.clone(), listed.write());
            }
        }
        // What is there in another form may be there exactly on a later page.
        let all = self.names.iter().all(|name| {
            let listed = memory.values.get(name).and_then(|text| Listed::read(text));
            listed.is_some_and(|listed| listed.exactly)
        });
        let more = if all { More::No } else { list::more(&document) };
        let next = match &more {
            More::No => return self.verdict(reply, &memory, true).into(),
            _ if memory.stage >= MOST_PAGES => None,
            more => self.next(more),
        };
        match next {
            Some(request) => Step::Then(Box::new(Next {
                request,
                after: std::time::Duration::ZERO,
                memory,
                doing: "the list of models was not read to its end",
            })),
            None => self.verdict(reply, &memory, false).into(),
        }
    }

    /// The request for the next page; `None` when it would leave the server.
    fn next(&self, more: &More) -> Option<Request> {
        let prepared = &*self.request.prepared;
        let url = match more {
            More::No | More::Lost => return None,
            More::Query(key, value) => {
                let mut url = prepared.url.clone();
                let kept: Vec<(String, String)> = url
                    .query_pairs()
                    .filter(|(name, _)| name != key)
                    .map(|(name, value)| (name.into_owned(), value.into_owned()))
                    .collect();
                url.query_pairs_mut()
                    .clear()
                    .extend_pairs(kept)
                    .append_pair(key, value);
                url
            }
            More::Address(address) => {
                let url: Url = prepared.url.join(address).ok()?;
                // The key goes along, and is for this server only.
                (url.origin() == prepared.url.origin()).then_some(url)?
            }
        };
        Some(Request {
            prepared: Arc::new(Prepared {
                url,
                ..prepared.clone()
            }),
            body: Bytes::new(),
        })
    }

    /// What the list means; `whole` when it was read to its end.
    fn verdict(&self, reply: &Reply, memory: &Memory, whole: bool) -> Judgement {
        let mut deadlines = Vec::new();
        let mut retired = Vec::new();
        for name in &self.names {
            match memory.values.get(name).and_then(|text| Listed::read(text)) {
                Some(listed) => {
                    let deadline = listed.ends.map(|at| Deadline {
                        topic: Topic::Model,
                        subject: fit(name, Deadline::SUBJECT_BYTES),
                        at,
                    });
                    let deadline = deadline.filter(|d| d.reached(reply.now).is_some());
                    if let Some(deadline) = &deadline
                        && listed.is_over(reply.now)
                    {
                        retired.push(deadline.tell(reply.now));
                    }
                    deadlines.extend(deadline);
                }
                // In a list that goes on it may yet come.
                None if whole => retired.push(format!(
                    "the model {name} is not in the list: retired, or not open to this key"
                )),
                None => {}
            }
        }
        let mut judgement = if retired.is_empty() {
            self.expect.judge_rest(reply)
        } else {
            let why = format!(
                "{}; name another where probes and users ask for it",
                retired.join("; ")
            );
            wrong(FailureKind::ModelRetired, Fault::Ours, why)
        };
        judgement.found.get_or_insert_default().merge(Findings {
            deadlines,
            ..Findings::default()
        });
        judgement
    }
}

impl Check for Models {
    fn first(&self, _: u64) -> Request {
        self.request.clone()
    }

    fn judge(&self, reply: &Reply) -> Step {
        self.step(reply)
    }

    fn host(&self) -> &str {
        &self.host
    }

    fn describe(&self) -> String {
        let url = &self.request.prepared.url;
        match self.names.as_slice() {
            [] => format!("GET {url}"),
            names => format!("GET {url}, with {}", names.join(", ")),
        }
    }
}
