//! What an answer holds, whichever form it came in: the picture or where it lies, and what was counted for it.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use crate::model::{FailureKind, Fault, Usage};
use crate::probe::Judgement;
use crate::probe::evidence::{excerpt, with_excerpt};
use crate::probe::verdict::wrong;

/// Some services leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// An answer with a picture.
#[derive(Debug, PartialEq)]
pub(super) struct Answer {
    pub picture: Held,
    /// What the provider counted; all zero but the pictures when it says nothing.
    pub usage: Usage,
}

/// A picture, or where it is.
#[derive(Debug, PartialEq)]
pub(super) enum Held {
    /// Its bytes, and the format that they are said to have.
    Here(Vec<u8>, Option<String>),
    /// Its address as it came.
    At(String),
}

impl Held {
    /// From base64, with the format that was said.
    pub(super) fn base64(text: &str, said: Option<&str>) -> Result<Self, Judgement> {
        match BASE64.decode(text) {
            Ok(bytes) => Ok(Held::Here(bytes, said.map(str::to_owned))),
            Err(fault) => Err(bad(format!("the picture is no base64: {fault}"))),
        }
    }

    /// From an address, which may carry the picture in itself.
    pub(super) fn address(text: &str) -> Result<Self, Judgement> {
        let scheme = text.get(..5).unwrap_or_default();
        if !scheme.eq_ignore_ascii_case("data:") {
            return Ok(Held::At(text.to_owned()));
        }
        let (head, body) = text[5..].split_once(',').unwrap_or((&text[5..], ""));
        match head.strip_suffix(";base64") {
            Some(said) => Self::base64(body, Some(said)),
            None => {
                let said = excerpt(&head.as_bytes()[..head.len().min(60)]);
                Err(bad(format!(
                    "the picture is a data: URL without base64: {said}"
                )))
            }
        }
    }
}

/// A picture that is none.
pub(super) fn bad(why: String) -> Judgement {
    wrong(FailureKind::BadImage, Fault::Provider, why)
}

/// An answer without a picture.
pub(super) fn none(body: &[u8]) -> Judgement {
    let why = with_excerpt("no picture in the answer".to_owned(), body);
    wrong(FailureKind::Empty, Fault::Provider, why)
}

/// A picture that the provider did not want to draw.
pub(super) fn withheld(reason: &str) -> Judgement {
    let why = format!("the picture was withheld by a content filter: {reason}");
    wrong(FailureKind::ContentFilter, Fault::Ours, why)
}

/// A text that is there and not empty.
pub(super) fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.is_empty())
}

/// The first of these counts that is there.
pub(super) fn count(object: &Value, keys: &[&str]) -> u64 {
    keys.iter()
        .find_map(|key| object.pointer(key)?.as_u64())
        .unwrap_or(0)
}
