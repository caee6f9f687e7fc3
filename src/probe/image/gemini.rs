//! Gemini's generateContent: a candidate's parts, one of them with `inlineData`.
//!
//! A prompt that was blocked is answered with 200 and without a candidate: a content filter, not an outage.

use serde_json::Value;

use super::answer::{Answer, Held, count, none, text, withheld};
use crate::model::Usage;
use crate::probe::Judgement;

/// Why a candidate ended when a filter held the picture back.
const FILTERED: &[&str] = &[
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
];

/// Reads a whole answer; `body` is what it was read from.
pub(super) fn read(value: &Value, body: &[u8]) -> Result<Answer, Judgement> {
    if let Some(reason) = text(&value["promptFeedback"]["blockReason"]) {
        return Err(withheld(reason));
    }
    let all = value["candidates"]
        .as_array()
        .map_or(&[][..], |all| &all[..]);
    let parts = |candidate: &Value| candidate["content"]["parts"].as_array().cloned();
    let pictures: Vec<_> = all
        .iter()
        .filter_map(parts)
        .flatten()
        .filter_map(|p| part(&p))
        .collect();
    let drawn = pictures.len();
    match pictures.into_iter().next() {
        Some(picture) => Ok(Answer {
            picture: picture?,
            usage: usage(value, drawn),
        }),
        None => {
            let finish = all.iter().find_map(|c| text(&c["finishReason"]));
            Err(match finish.filter(|reason| FILTERED.contains(reason)) {
                Some(reason) => withheld(reason),
                None => none(body),
            })
        }
    }
}

/// REST writes camel case, some gateways snake case.
fn part(part: &Value) -> Option<Result<Held, Judgement>> {
    let either = |object: &Value, camel: &str, snake: &str| match object.get(camel) {
        Some(value) => value.clone(),
        None => object[snake].clone(),
    };
    let inline = either(part, "inlineData", "inline_data");
    if let Some(data) = text(&inline["data"]) {
        let said = either(&inline, "mimeType", "mime_type");
        return Some(Held::base64(data, said.as_str()));
    }
    let file = either(part, "fileData", "file_data");
    text(&either(&file, "fileUri", "file_uri")).map(Held::address)
}

fn usage(value: &Value, pictures: usize) -> Usage {
    let usage = &value["usageMetadata"];
    Usage {
        input_tokens: count(usage, &["/promptTokenCount"]),
        cached_tokens: count(usage, &["/cachedContentTokenCount"]),
        output_tokens: count(usage, &["/candidatesTokenCount"])
            + count(usage, &["/thoughtsTokenCount"]),
        images: u32::try_from(pictures).unwrap_or(u32::MAX),
    }
}
