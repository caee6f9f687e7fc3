//! Regular expressions, each compiled and kept once: one takes about 10 KB with the room it matches in, and the probes
//! of a large file mostly share a few.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use regex::bytes::{Regex, RegexBuilder};

/// A compiled expression may take this much memory.
const LARGEST_BYTES: usize = 1024 * 1024;

/// Those that some probe uses, by their text. A reload drops what nobody uses any more.
static KNOWN: LazyLock<Mutex<HashMap<String, Weak<Regex>>>> = LazyLock::new(Mutex::default);

/// A regular expression over bytes; clones and equal texts share it.
#[derive(Debug, Clone)]
pub(super) struct Pattern(Arc<Regex>);

impl Pattern {
    /// Compiles a text, or finds it compiled.
    pub(super) fn compile(text: &str) -> Result<Self, regex::Error> {
        // A panic elsewhere cannot leave the map half changed: each change is one call.
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(text).and_then(Weak::upgrade) {
            return Ok(Self(found));
        }
        let made = RegexBuilder::new(text)
            .size_limit(LARGEST_BYTES)
            .build()
            .map(Arc::new)?;
        if known.len() == known.capacity() {
            known.retain(|_, kept| kept.strong_count() > 0);
        }
        known.insert(text.to_owned(), Arc::downgrade(&made));
        Ok(Self(made))
    }

    /// Whether it matches somewhere.
    pub(super) fn is_match(&self, content: &[u8]) -> bool {
        self.0.is_match(content)
    }

    /// How often it matches, without overlap.
    pub(super) fn count(&self, content: &[u8]) -> usize {
        self.0.find_iter(content).count()
    }

    /// How many groups it has.
    pub(super) fn groups(&self) -> usize {
        self.0.captures_len() - 1
    }

    /// What its first group holds at the first match.
    pub(super) fn group<'c>(&self, content: &'c [u8]) -> Option<&'c [u8]> {
        Some(self.0.captures(content)?.get(1)?.as_bytes())
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_share_one_expression_as_long_as_somebody_uses_it() {
        let text = "(?i)shared by two probes";
        let (one, two) = (
            Pattern::compile(text).unwrap(),
            Pattern::compile(text).unwrap(),
        );
        assert!(Arc::ptr_eq(&one.0, &two.0));
        let gone = Arc::downgrade(&one.0);
        drop((one, two));
        assert!(gone.upgrade().is_none());
        assert!(
            Pattern::compile(text)
                .unwrap()
                .is_match(b"SHARED BY TWO PROBES")
        );
        assert!(Pattern::compile("(").is_err());
    }
}
