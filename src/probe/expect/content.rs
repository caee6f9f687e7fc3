//! Texts that an answer must, and must not, hold.

use super::{compile, each};
use crate::probe::fields::{Fields, wanted};
use crate::probe::pattern::Pattern;

/// All of the one must be found, none of the other.
#[derive(Debug, Clone, Default)]
pub(in crate::probe) struct Content {
    pub wanted: Vec<Pattern>,
    pub unwanted: Vec<Pattern>,
}

/// The regular expression of a key, and the rest when it holds a list.
pub(super) fn patterns(fields: &mut Fields<'_, '_>, key: &str) -> (Option<Pattern>, Vec<Pattern>) {
    let Some(value) = fields.get(key) else {
        return (None, Vec::new());
    };
    let mut patterns = Vec::new();
    for item in each(value) {
        let read = match item.get_ref().as_str() {
            Some(text) => compile(text, item.span()),
            None => Err(wanted("a text", item)),
        };
        match read {
            Ok(pattern) => patterns.push(pattern),
            Err(problem) => fields.fault(problem),
        }
    }
    let mut patterns = patterns.into_iter();
    (patterns.next(), patterns.collect())
}

/// Why the content is not the wanted one.
pub(super) fn fault<'p>(
    mut wanted: impl Iterator<Item = &'p Pattern>,
    mut unwanted: impl Iterator<Item = &'p Pattern>,
    content: &[u8],
) -> Option<String> {
    if let Some(text) = wanted.find(|text| !text.is_match(content)) {
        return Some(format!(
            "nothing in the answer matches {text} (expect.text)"
        ));
    }
    let text = unwanted.find(|text| text.is_match(content))?;
    Some(format!(
        "the answer matches {text}, which it must not (expect.not_text)"
    ))
}
