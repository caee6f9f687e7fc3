//! Pictures, in OpenAI's shape: a real PNG of the size that was asked for, as a document or as a stream of events.

use std::io::Cursor;
use std::sync::PoisonError;

use base64::Engine as _;
use bytes::Bytes;
use image::{GrayImage, ImageFormat, Luma};
use serde_json::{Value, json};

use super::answer::{Answer, Form, Offer, Step};
use super::chat::wrong;
use super::provider::{Fate, Provider};
use crate::model::scenario::FailureMode;

/// Width and height when the request names none.
const USUAL: (u32, u32) = (256, 256);
/// Longest side of a picture.
const LONGEST: u32 = 2_048;
/// Partial pictures in a stream.
const MOST_PARTIAL: u64 = 3;
/// Share of the latency that passes before each picture of a stream that has partial ones.
const GAP: f64 = 0.05;
/// Different sizes kept; a client that asks for more of them pays for the drawing.
const MOST_KEPT: usize = 16;

/// `POST /v1/images/generations`; `host` is where the client found us. Errs with the refusal of a request that is wrong.
pub(super) fn generation(
    provider: &Provider,
    body: &[u8],
    host: &str,
    fate: &Fate,
) -> Result<Offer, Box<Answer>> {
    let request: Value = serde_json::from_slice(body)
        .map_err(|_| wrong("The body of the request is not valid JSON.", None))?;
    if request["prompt"].as_str().is_none_or(str::is_empty) {
        return Err(wrong(
            "Missing required parameter: 'prompt'.",
            Some("prompt"),
        ));
    }
    let size = match request["size"].as_str() {
        None | Some("auto") => USUAL,
        Some(text) => {
            size(text).ok_or_else(|| wrong("The size is not supported.", Some("size")))?
        }
    };
    if request["stream"] == true {
        return stream(provider, &request, size, fate);
    }
    let picture = if request["response_format"] == "url" {
        json!({ "url": format!("http://{host}/files/{}x{}.png", size.0, size.1) })
    } else {
        json!({ "b64_json": encoded(provider, size) })
    };
    let created = fate.at.as_micros().div_euclid(1_000_000);
    let with = |data: Value| {
        Answer::json(
            200,
            &json!({ "created": created, "data": data, "usage": usage() }),
        )
    };
    Ok(Offer {
        form: Form::Json,
        whole: with(json!([picture])),
        empty: with(json!([])),
    })
}

/// The picture as it grows; here the partial ones are already whole.
fn stream(
    provider: &Provider,
    request: &Value,
    size: (u32, u32),
    fate: &Fate,
) -> Result<Offer, Box<Answer>> {
    let partial = match &request["partial_images"] {
        Value::Null => Some(0),
        number => number.as_u64().filter(|n| *n <= MOST_PARTIAL),
    };
    let Some(partial) = partial else {
        let message = "The number of partial images is not supported.";
        return Err(wrong(message, Some("partial_images")));
    };
    let created = fate.at.as_micros().div_euclid(1_000_000);
    let event = |kind: &str, mut document: Value| {
        document["type"] = kind.into();
        Step::Send(format!("event: {kind}\ndata: {document}\n\n").into())
    };
    let drawn = |png: &str| {
        json!({
            "b64_json": png, "created_at": created, "size": format!("{}x{}", size.0, size.1), "quality": "low",
            "background": "opaque", "output_format": "png",
        })
    };
    let png = encoded(provider, size);
    let gap = Step::Wait(fate.latency.mul_f64(GAP));
    let mut begun = Vec::new();
    for index in 0..partial {
        let mut document = drawn(&png);
        document["partial_image_index"] = index.into();
        begun.push(gap.clone());
        begun.push(event("image_generation.partial_image", document));
    }
    // With no pause a cut falls into the last event, with one only after the first.
    if partial > 0 {
        begun.push(gap);
    }
    let ended = |last: Step| Answer::events([&begun[..], &[last]].concat());
    let completed = |png: &str| {
        let mut document = drawn(png);
        document["usage"] = usage();
        event("image_generation.completed", document)
    };
    let (form, whole) = match fate.failure {
        Some(FailureMode::ErrorInside) => {
            let message = "The server had an error while processing your request.";
            let error =
                json!({ "type": "server_error", "code": null, "message": message, "param": null });
            (
                Form::Settled,
                ended(event("error", json!({ "error": error }))),
            )
        }
        _ => (Form::Json, ended(completed(&png))),
    };
    Ok(Offer {
        form,
        whole,
        empty: Answer::events(vec![completed("")]),
    })
}

fn encoded(provider: &Provider, size: (u32, u32)) -> String {
    base64::engine::general_purpose::STANDARD.encode(picture(provider, size))
}

fn usage() -> Value {
    json!({ "input_tokens": 12, "output_tokens": 272, "total_tokens": 284 })
}

/// `GET /files/256x256.png`; `None` when that is not the name of a picture.
pub(super) fn file(provider: &Provider, name: &str) -> Option<Answer> {
    let size = size(name.strip_suffix(".png")?)?;
    Some(Answer::told(200, "image/png", picture(provider, size)))
}

/// `WIDTHxHEIGHT` in pixels.
fn size(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once('x')?;
    let side = |s: &str| s.parse().ok().filter(|n| (1..=LONGEST).contains(n));
    Some((side(width)?, side(height)?))
}

/// A gradient from dark to light, as PNG.
fn picture(provider: &Provider, (width, height): (u32, u32)) -> Bytes {
    let kept = || {
        provider
            .pictures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    };
    if let Some(png) = kept().get(&(width, height)) {
        return png.clone();
    }
    let shade = |_, y: u32| Luma([u8::try_from(y * 255 / height).unwrap_or(u8::MAX)]);
    let mut png = Cursor::new(Vec::new());
    GrayImage::from_fn(width, height, shade)
        .write_to(&mut png, ImageFormat::Png)
        .expect("a grey picture of a checked size is a PNG");
    let png = Bytes::from(png.into_inner());
    let mut kept = kept();
    if kept.len() < MOST_KEPT {
        kept.insert((width, height), png.clone());
    }
    png
}
