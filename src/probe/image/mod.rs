//! The kind `image`: asks for a picture, fetches it when only its address came, and decodes it.
//!
//! One file a form of asking; what they read is judged alike. Nothing of ours goes to a picture's address: such
//! addresses carry their own right of access.

mod answer;
mod chat;
mod gemini;
mod openai;
mod picture;
mod request;
mod stream;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::Value;
use toml::Spanned;
use toml::de::DeValue;
use url::Url;

use self::answer::{Answer, Held, bad};
use self::picture::Wanted;
use super::evidence::{excerpt, with_excerpt};
use super::expect::Expect;
use super::fields::Fields;
use super::headers::shared;
use super::reply::{Reply, Reported, StreamReader};
use super::target;
use super::verdict::{page_instead, refusal, unfinished, wrong};
use super::{
    Check, Judgement, Keep, Kind, Memory, Next, Pace, Prepared, Request, Step, Surroundings,
    classify,
};
use crate::diagnostic::Problem;
use crate::model::{Confirm, FailureKind, Fault, Findings};

/// The kind `image`.
pub const KIND: Kind = Kind {
    name: "image",
    keys: &[
        "api",
        "model",
        "prompt",
        "size",
        "quality",
        "output_format",
        "response_format",
        "stream",
        "partial_images",
        "extra",
        "url",
        "path",
        "headers",
        "auth",
        "expect",
    ],
    sends_key: true,
    confirm: Confirm::COSTLY,
    pace: Pace::PICTURE,
    build,
};

/// Storage services send a picture's reader on to where it lies.
const PICTURE_REDIRECTS: u8 = 3;

/// How pictures are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Api {
    OpenAi,
    Gemini,
    Chat,
}

#[derive(Debug)]
struct Picture {
    api: Api,
    request: Request,
    model: String,
    stream: bool,
    wanted: Wanted,
    expect: Arc<Expect>,
    host: String,
}

fn build(
    table: &Spanned<DeValue<'_>>,
    around: &Surroundings<'_>,
) -> Result<Box<dyn Check>, Vec<Problem>> {
    let mut fields = Fields::of(table);
    let api = request::api(&mut fields);
    let model = fields.required_text("model");
    let path = api.path(model.unwrap_or_default());
    let url = target::url(&mut fields, around, Some(&path));
    let mut headers = target::headers(&mut fields, around, api.auth(around.key));
    let (body, stream) = request::body(&mut fields, api, model.unwrap_or_default());
    let expect = Expect::read(&mut fields, &[picture::KEYS, Expect::COMMON].concat());
    let wanted = Wanted::read(&mut fields, &expect);
    let problems = fields.problems();
    let (Some(model), Some(url), true) = (model, url, problems.is_empty()) else {
        return Err(problems);
    };
    headers.all.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    Ok(Box::new(Picture {
        api,
        host: target::host(&url),
        request: Request {
            prepared: Arc::new(Prepared {
                method: Method::POST,
                url,
                headers: shared(headers.all),
                secret: headers.secret,
                redirects: 0,
                max_bytes: expect.max_bytes.unwrap_or(Prepared::MAX_IMAGE_BYTES),
                keep: Keep::Whole,
            }),
            body: Bytes::from(body.to_string()),
        },
        model: model.to_owned(),
        stream,
        wanted,
        expect,
    }))
}

impl Picture {
    fn judge_generation(&self, reply: &Reply) -> Step {
        match self.read(reply) {
            Ok(Answer { picture, usage }) => {
                let found = Findings {
                    usage: Some(usage),
                    ..Findings::default()
                };
                match picture {
                    Held::Here(bytes, said) => {
                        let fault = self.fault_of_picture(&bytes, said.as_deref());
                        let judgement = fault.unwrap_or_else(|| self.expect.judge_rest(reply));
                        with_findings(judgement, found).into()
                    }
                    // The picture may come from another host: what is expected of the connection is of this one.
                    Held::At(address) => match self.expect.fault_of_wire(reply) {
                        Some(judgement) => with_findings(judgement, found).into(),
                        None => self.fetch(&address, found),
                    },
                }
            }
            Err(judgement) => judgement.into(),
        }
    }

    fn read(&self, reply: &Reply) -> Result<Answer, Judgement> {
        if !(200..300).contains(&reply.status) {
            return Err(refusal(reply, "2xx"));
        }
        if let Some(trace) = &reply.trace {
            return stream::read(reply, trace);
        }
        if let Some(judgement) = page_instead(reply).or_else(|| unfinished(reply)) {
            return Err(judgement);
        }
        if reply.body.trim_ascii().is_empty() {
            let why = "HTTP 200 and an empty body".to_owned();
            return Err(wrong(FailureKind::Empty, Fault::Provider, why));
        }
        let wrong_content = |why| {
            wrong(
                FailureKind::WrongContent,
                Fault::Provider,
                with_excerpt(why, &reply.body),
            )
        };
        let value: Value = serde_json::from_slice(&reply.body)
            .map_err(|fault| wrong_content(format!("HTTP 200 and no JSON ({fault})")))?;
        if let Some(reported) = Reported::in_value(&value) {
            let why = format!("HTTP 200 with an error inside: {}", reported.line());
            return Err(wrong(
                FailureKind::ErrorBody,
                classify::fault_of(&reported),
                why,
            ));
        }
        if self.stream {
            let why = "a whole answer came where a stream was asked for".to_owned();
            return Err(wrong_content(why));
        }
        match self.api {
            Api::OpenAi => openai::read(&value, &reply.body),
            Api::Gemini => gemini::read(&value, &reply.body),
            Api::Chat => chat::read(&value, &reply.body),
        }
    }

    /// The picture lies elsewhere.
    fn fetch(&self, address: &str, found: Findings) -> Step {
        let url = Url::parse(address)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"));
        let Some(mut url) = url else {
            let address = excerpt(address.as_bytes());
            let judgement = bad(format!("the picture's address is none: {address}"));
            return with_findings(judgement, found).into();
        };
        let _ = url.set_username("");
        let _ = url.set_password(None);
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("image/*"));
        let request = Request {
            prepared: Arc::new(Prepared {
                method: Method::GET,
                url,
                headers: Arc::new(headers),
                secret: Vec::new(),
                redirects: PICTURE_REDIRECTS,
                max_bytes: self.request.prepared.max_bytes,
                keep: Keep::Whole,
            }),
            body: Bytes::new(),
        };
        Step::Then(Box::new(Next {
            request,
            after: std::time::Duration::ZERO,
            memory: Memory {
                found,
                ..Memory::default()
            },
            doing: "",
        }))
    }

    fn judge_fetched(&self, reply: &Reply) -> Judgement {
        if !(200..300).contains(&reply.status) {
            // Whatever the status says: the address is the service's own, so is the fault.
            return bad(refusal(reply, "the picture").why);
        }
        if let Some(judgement) = unfinished(reply) {
            return judgement;
        }
        let said = reply.headers.get(header::CONTENT_TYPE);
        let said = said.and_then(|kind| kind.to_str().ok());
        let fault = self.fault_of_picture(&reply.body, said);
        let slow = || self.expect.slow(reply);
        fault.or_else(slow).unwrap_or(Judgement::SUCCESS)
    }

    fn fault_of_picture(&self, bytes: &[u8], said: Option<&str>) -> Option<Judgement> {
        let (kind, why) = self.wanted.fault(bytes, said)?;
        Some(wrong(kind, Fault::Provider, why))
    }
}

/// The judgement with what was learned: what a picture cost is known also when the picture is no good.
fn with_findings(judgement: Judgement, found: Findings) -> Judgement {
    Judgement {
        found: Some(Box::new(found)),
        ..judgement
    }
}

impl Check for Picture {
    fn first(&self, _: u64) -> Request {
        self.request.clone()
    }

    fn judge(&self, reply: &Reply) -> Step {
        match reply.step {
            0 => self.judge_generation(reply),
            _ => self.judge_fetched(reply).into(),
        }
    }

    fn halted(&self, mut failed: Judgement, reply: &Reply) -> Step {
        if reply.step > 0 {
            failed.why = format!("fetching the picture: {}", failed.why);
        }
        failed.into()
    }

    fn reader(&self, step: u8) -> Option<Box<dyn StreamReader>> {
        let longest = self.request.prepared.max_bytes;
        (self.stream && step == 0).then(|| Box::new(stream::Pictures::new(longest)) as _)
    }

    fn host(&self) -> &str {
        &self.host
    }

    fn describe(&self) -> String {
        let streamed = if self.stream { ", streamed" } else { "" };
        format!(
            "POST {}, {}{streamed}",
            self.request.prepared.url, self.model
        )
    }
}
