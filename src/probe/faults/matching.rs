//! Finds the row of a reply or of a break. The phrases of all rows are looked for in one pass over the text, and nothing
//! is allocated.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use http::HeaderMap;

use super::{Break, GROUPS, Row, When, status};
use crate::model::Phase;

/// Of a message or a body no more is searched: error objects are short, and pages say what they are in their head.
const SEARCHED_BYTES: usize = 16 * 1024;
/// Words of [`Mask`]: room for 512 phrases.
const MASK_WORDS: usize = 8;

/// A set of phrases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Mask([u64; MASK_WORDS]);

impl Mask {
    fn set(&mut self, phrase: usize) {
        if let Some(word) = self.0.get_mut(phrase / 64) {
            *word |= 1 << (phrase % 64);
        }
    }

    fn meets(&self, other: &Mask) -> bool {
        self.0.iter().zip(other.0).any(|(a, b)| a & b != 0)
    }
}

struct Compiled {
    row: &'static Row,
    says: Mask,
    besides: Mask,
    page: Mask,
}

struct Table {
    rows: Vec<Compiled>,
    /// `None` never is: a test builds it. Without it no phrase would be found, and statuses and words still would.
    phrases: Option<AhoCorasick>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut phrases: Vec<&'static str> = Vec::new();
    let mut mask = |wanted: &'static [&'static str]| {
        let mut mask = Mask::default();
        for phrase in wanted {
            let known = phrases.iter().position(|p| p == phrase);
            mask.set(known.unwrap_or_else(|| {
                phrases.push(phrase);
                phrases.len() - 1
            }));
        }
        mask
    };
    let rows = GROUPS
        .iter()
        .flat_map(|group| group.rows)
        .map(|row| Compiled {
            row,
            says: mask(row.when.says),
            besides: mask(row.when.besides),
            page: mask(row.when.page),
        })
        .collect();
    let phrases = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(&phrases)
        .ok();
    Table { rows, phrases }
});

/// What is known of a reply that is not the wanted one.
#[derive(Debug, Default)]
pub(in crate::probe) struct Facts<'a> {
    /// HTTP status; of an error inside a 2xx the one that it names.
    pub status: u16,
    /// In lower case; empty for none.
    pub code: &'a str,
    /// In lower case; empty for none.
    pub kind: &'a str,
    /// The error's message.
    pub message: &'a str,
    /// The body, as far as it was read.
    pub body: &'a [u8],
    /// Whether the body is a web page.
    pub is_page: bool,
    /// `None` for an error inside an answer.
    pub headers: Option<&'a HeaderMap>,
}

impl Facts<'_> {
    /// The first row that matches.
    pub(in crate::probe) fn row(&self) -> &'static Row {
        let body = found_in(self.body);
        let mut text = found_in(self.message.as_bytes());
        if !self.is_page {
            for (word, more) in text.0.iter_mut().zip(body.0) {
                *word |= more;
            }
        }
        TABLE
            .rows
            .iter()
            .find(|compiled| self.fits(compiled, &text, &body))
            .map_or(&status::UNKNOWN, |compiled| compiled.row)
    }

    fn fits(&self, compiled: &Compiled, text: &Mask, body: &Mask) -> bool {
        let When {
            status,
            words,
            says,
            besides,
            headers,
            page,
            breaks,
            phases: _,
        } = &compiled.row.when;
        let said = (words.is_empty() && says.is_empty())
            || (!self.code.is_empty() && words.contains(&self.code))
            || (!self.kind.is_empty() && words.contains(&self.kind))
            || compiled.says.meets(text);
        let marked = (headers.is_empty() && page.is_empty())
            || headers.iter().any(|(name, value)| self.has(name, value))
            || (self.is_page && compiled.page.meets(body));
        breaks.is_empty()
            && (status.is_empty() || status.iter().any(|range| range.contains(&self.status)))
            && said
            && marked
            && (besides.is_empty() || compiled.besides.meets(text))
    }

    fn has(&self, name: &str, value: &str) -> bool {
        self.headers
            .and_then(|headers| headers.get(name))
            .is_some_and(|found| contains_ignoring_case(found.as_bytes(), value.as_bytes()))
    }
}

/// The row of a connection that broke.
pub(in crate::probe) fn of_break(what: Break, phase: Phase) -> &'static Row {
    TABLE
        .rows
        .iter()
        .map(|compiled| compiled.row)
        .find(|row| {
            row.when.breaks.contains(&what)
                && (row.when.phases.is_empty() || row.when.phases.contains(&phase))
        })
        .unwrap_or(&status::UNKNOWN)
}

fn found_in(text: &[u8]) -> Mask {
    let mut mask = Mask::default();
    let text = text.get(..SEARCHED_BYTES).unwrap_or(text);
    if let Some(phrases) = &TABLE.phrases {
        for found in phrases.find_overlapping_iter(text) {
            mask.set(found.pattern().as_usize());
        }
    }
    mask
}

/// Header values are short, so that no more than this is needed.
fn contains_ignoring_case(text: &[u8], what: &[u8]) -> bool {
    what.is_empty()
        || text
            .windows(what.len())
            .any(|window| window.eq_ignore_ascii_case(what))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
