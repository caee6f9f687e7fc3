//! Pictures, in OpenAI's shape: a real PNG of the size that was asked for.

use std::io::Cursor;
use std::sync::PoisonError;

use base64::Engine as _;
use bytes::Bytes;
use image::{GrayImage, ImageFormat, Luma};
use serde_json::{Value, json};

use super::answer::{Answer, Form, Offer};
use super::chat::wrong;
use super::provider::{Fate, Provider};

/// Width and height when the request names none.
const USUAL: (u32, u32) = (256, 256);
/// Longest side of a picture.
const LONGEST: u32 = 2_048;
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
    let picture = if request["response_format"] == "url" {
        json!({ "url": format!("http://{host}/files/{}x{}.png", size.0, size.1) })
    } else {
        let png = base64::engine::general_purpose::STANDARD.encode(picture(provider, size));
        json!({ "b64_json": png })
    };
    let created = fate.at.as_micros().div_euclid(1_000_000);
    let usage = json!({ "input_tokens": 12, "output_tokens": 272, "total_tokens": 284 });
    let with = |data: Value| {
        Answer::json(
            200,
            &json!({ "created": created, "data": data, "usage": usage }),
        )
    };
    Ok(Offer {
        form: Form::Json,
        whole: with(json!([picture])),
        empty: with(json!([])),
    })
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
