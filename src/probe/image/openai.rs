//! OpenAI's images API: `data[]` with `b64_json` or `url`.

use serde_json::Value;

use super::answer::{Answer, Held, count, none, text};
use crate::model::Usage;
use crate::probe::Judgement;

/// Reads a whole answer; `body` is what it was read from.
pub(super) fn read(value: &Value, body: &[u8]) -> Result<Answer, Judgement> {
    let all = value["data"].as_array().map_or(&[][..], |data| &data[..]);
    let found = all.iter().find_map(|item| one(item, value));
    let picture = found.unwrap_or_else(|| Err(none(body)))?;
    Ok(Answer {
        picture,
        usage: usage(value, all.len()),
    })
}

/// The picture of an item of `data` or of a `completed` event; `around` says the format when the item does not.
pub(super) fn one(item: &Value, around: &Value) -> Option<Result<Held, Judgement>> {
    let said = text(&item["output_format"]).or(text(&around["output_format"]));
    if let Some(base64) = text(&item["b64_json"]) {
        // Gateways put whole data: URLs there, too.
        return Some(match base64.starts_with("data:") {
            true => Held::address(base64),
            false => Held::base64(base64, said),
        });
    }
    text(&item["url"]).map(Held::address)
}

/// The counts of an answer with so many pictures.
pub(super) fn usage(value: &Value, pictures: usize) -> Usage {
    let usage = &value["usage"];
    Usage {
        input_tokens: count(usage, &["/input_tokens", "/prompt_tokens"]),
        cached_tokens: count(usage, &["/input_tokens_details/cached_tokens"]),
        output_tokens: count(usage, &["/output_tokens", "/completion_tokens"]),
        images: u32::try_from(pictures).unwrap_or(u32::MAX),
    }
}
