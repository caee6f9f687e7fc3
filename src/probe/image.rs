//! The kind `image`: asks for a picture, fetches it when only its address came, and decodes it.

use std::io::Cursor;
use std::sync::Arc;

use base64::Engine as _;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use image::{ImageReader, Limits};
use serde_json::{Value, json};
use toml::Spanned;
use toml::de::DeValue;
use url::Url;

use super::evidence::with_excerpt;
use super::expect::Expect;
use super::fields::Fields;
use super::reply::{Reply, Reported};
use super::target;
use super::verdict::{page_instead, refusal, unfinished, wrong};
use super::{Check, Judgement, Keep, Kind, Pace, Prepared, Request, Step, Surroundings, classify};
use crate::diagnostic::Problem;
use crate::model::{Confirm, FailureKind, Fault};

/// The kind `image`.
pub const KIND: Kind = Kind {
    name: "image",
    keys: &[
        "model",
        "prompt",
        "size",
        "quality",
        "response_format",
        "url",
        "headers",
        "auth",
        "expect",
    ],
    sends_key: true,
    confirm: Confirm::COSTLY,
    pace: Pace::PICTURE,
    build,
};

const EXPECT_KEYS: &[&str] = &["latency_under", "cert_valid_for", "max_bytes"];
const PROMPT: &str = "a red square on a white ground";
/// Wider or higher than any service draws.
const LARGEST_SIDE: u32 = 8192;
/// What decoding may take: 4096x4096 in RGBA, and half as much again for the decoder.
const DECODER_BYTES: u64 = 96 * 1024 * 1024;
/// Storage services send a picture's reader on to where it lies.
const PICTURE_REDIRECTS: u8 = 3;

#[derive(Debug)]
struct Picture {
    request: Request,
    model: String,
    expect: Expect,
    host: String,
}

fn build(
    table: &Spanned<DeValue<'_>>,
    around: &Surroundings<'_>,
) -> Result<Box<dyn Check>, Vec<Problem>> {
    let mut fields = Fields::of(table);
    let model = fields.required_text("model");
    let url = target::url(&mut fields, around, Some("/images/generations"));
    let mut headers = target::headers(&mut fields, around, target::default_auth(around.key));
    let prompt = match fields.get("prompt") {
        Some(_) => fields.required_text("prompt"),
        None => Some(PROMPT),
    };
    let mut body = json!({ "n": 1 });
    for key in ["size", "quality", "response_format"] {
        if let Some(text) = fields.text(key) {
            body[key] = text.into();
        }
    }
    let expect = Expect::read(&mut fields, EXPECT_KEYS);
    let problems = fields.problems();
    let (Some(model), Some(url), Some(prompt), true) = (model, url, prompt, problems.is_empty())
    else {
        return Err(problems);
    };
    body["model"] = model.into();
    body["prompt"] = prompt.into();
    headers.all.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    Ok(Box::new(Picture {
        host: target::host(&url),
        request: Request {
            prepared: Arc::new(Prepared {
                method: Method::POST,
                url,
                headers: headers.all,
                secret: headers.secret,
                redirects: 0,
                max_bytes: expect.max_bytes.unwrap_or(Prepared::MAX_IMAGE_BYTES),
                keep: Keep::Whole,
            }),
            body: Bytes::from(body.to_string()),
        },
        model: model.to_owned(),
        expect,
    }))
}

impl Picture {
    fn judge_generation(&self, reply: &Reply) -> Step {
        if !(200..300).contains(&reply.status) {
            return refusal(reply, "2xx").into();
        }
        if let Some(judgement) = page_instead(reply).or_else(|| unfinished(reply)) {
            return judgement.into();
        }
        let value: Value = match serde_json::from_slice(&reply.body) {
            Ok(value) => value,
            Err(fault) => {
                let why = with_excerpt(format!("HTTP 200 and no JSON ({fault})"), &reply.body);
                return wrong(FailureKind::WrongContent, Fault::Provider, why).into();
            }
        };
        if let Some(reported) = Reported::in_value(&value) {
            let why = format!("HTTP 200 with an error inside: {}", reported.line());
            return wrong(FailureKind::ErrorBody, classify::fault_of(&reported), why).into();
        }
        let first = &value["data"][0];
        if let Some(text) = first["b64_json"].as_str().filter(|text| !text.is_empty()) {
            return match base64::engine::general_purpose::STANDARD.decode(text) {
                Ok(bytes) => self.judge_picture(reply, &bytes).into(),
                Err(fault) => bad(format!("the picture is no base64: {fault}")).into(),
            };
        }
        match first["url"].as_str().filter(|text| !text.is_empty()) {
            Some(address) => self.fetch(address),
            None => wrong(
                FailureKind::Empty,
                Fault::Provider,
                with_excerpt("no picture in the answer".to_owned(), &reply.body),
            )
            .into(),
        }
    }

    /// The picture lies elsewhere. Nothing of ours goes there: such addresses carry their own right of access.
    fn fetch(&self, address: &str) -> Step {
        let url = Url::parse(address)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"));
        let Some(mut url) = url else {
            return bad(format!(
                "the picture's address is none: {}",
                super::evidence::excerpt(address.as_bytes())
            ))
            .into();
        };
        let _ = url.set_username("");
        let _ = url.set_password(None);
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("image/*"));
        Step::then(Request {
            prepared: Arc::new(Prepared {
                method: Method::GET,
                url,
                headers,
                secret: Vec::new(),
                redirects: PICTURE_REDIRECTS,
                max_bytes: self.request.prepared.max_bytes,
                keep: Keep::Whole,
            }),
            body: Bytes::new(),
        })
    }

    fn judge_fetched(&self, reply: &Reply) -> Judgement {
        if !(200..300).contains(&reply.status) {
            // Whatever the status says: the address is the service's own, so is the fault.
            return bad(refusal(reply, "the picture").why);
        }
        unfinished(reply).unwrap_or_else(|| self.judge_picture(reply, &reply.body))
    }

    fn judge_picture(&self, reply: &Reply, bytes: &[u8]) -> Judgement {
        match decode(bytes) {
            Ok(()) => self.expect.judge_rest(reply),
            Err(why) => bad(why),
        }
    }
}

fn bad(why: String) -> Judgement {
    wrong(FailureKind::BadImage, Fault::Provider, why)
}

/// Decodes the whole picture: a header alone is there in a broken one too.
fn decode(bytes: &[u8]) -> Result<(), String> {
    if bytes.is_empty() {
        return Err("the picture has no bytes".to_owned());
    }
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|fault| fault.to_string())?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(LARGEST_SIDE);
    limits.max_image_height = Some(LARGEST_SIDE);
    limits.max_alloc = Some(DECODER_BYTES);
    reader.limits(limits);
    reader
        .decode()
        .map(drop)
        .map_err(|fault| format!("{} bytes are no picture: {fault}", bytes.len()))
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

    fn host(&self) -> &str {
        &self.host
    }

    fn describe(&self) -> String {
        format!("POST {}, {}", self.request.prepared.url, self.model)
    }
}
