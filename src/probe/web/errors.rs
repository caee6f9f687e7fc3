//! Knows error pages: those of `config/error-pages.toml`, which says how they are told from ordinary ones.

use std::sync::LazyLock;

use regex::bytes::RegexSet;
use serde::Deserialize;

use super::page::{Page, normal};
use crate::model::{Cause, FailureKind, Fault, Outcome};

/// Longer pages are no error pages with a title of their own.
const LONG: usize = 5_000;
/// Longer pages are searched for no words.
const SHORT: usize = 1_500;
/// Pages that say nothing but one thing.
const TINY: usize = 400;
/// A line that says a phrase and not more than this many other letters says the phrase.
const LITTLE_MORE: usize = 25;
/// What parts a title from the name of its site.
const PARTS: [&str; 6] = [" | ", " - ", " – ", " — ", " · ", " :: "];

/// What an error page means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Class {
    Edge,
    ServerError,
    Overloaded,
    Maintenance,
    WrongPage,
    Blocked,
    Portal,
    Proxy,
}

impl Class {
    /// What a run that got such a page came to; `status` is the page's.
    pub(super) fn outcome(self, status: u16) -> Outcome {
        let theirs = |kind| Outcome::Failure(kind, Fault::Provider);
        match self {
            Class::Edge => theirs(FailureKind::Edge),
            // A status that says that all is well makes it an error inside.
            Class::ServerError if status < 400 => theirs(FailureKind::ErrorBody),
            Class::ServerError => theirs(FailureKind::ServerError),
            Class::Overloaded => theirs(FailureKind::Overloaded),
            Class::Maintenance => theirs(FailureKind::Maintenance),
            Class::WrongPage => theirs(FailureKind::WrongContent),
            Class::Blocked => Outcome::Failure(FailureKind::Blocked, Fault::Blocked),
            // The prober's own network answered in the service's place: nothing was learned of the service.
            Class::Portal => Outcome::Inconclusive(Cause::Blind),
            Class::Proxy => Outcome::Failure(FailureKind::Proxy, Fault::Network),
        }
    }

    /// Pages of somebody between us and the service, which may ask for something too.
    const fn is_of_others(self) -> bool {
        matches!(self, Class::Blocked | Class::Portal | Class::Proxy)
    }

    /// In words that stand before whose page it is.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Class::Edge => "an error page of the edge",
            Class::ServerError => "an error page",
            Class::Overloaded => "a page that says that the service is overloaded or not available",
            Class::Maintenance => "a page that says that the service is being worked on",
            Class::WrongPage => "a page that is not the service's",
            Class::Blocked => "a bot check",
            Class::Portal => {
                "a page of the network that watchfire is in, which answers in the service's place"
            }
            Class::Proxy => "an error page of our own proxy",
        }
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub class: Class,
    /// Whose page it is, or the language that it speaks.
    pub of: &'static str,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    page: Vec<Row>,
    phrases: Vec<Phrases>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    of: String,
    class: Class,
    #[serde(default)]
    title: Vec<String>,
    #[serde(default)]
    heading: Vec<String>,
    #[serde(default)]
    text: Vec<String>,
    #[serde(default)]
    source: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Phrases {
    language: String,
    server_error: Vec<String>,
    overloaded: Vec<String>,
    maintenance: Vec<String>,
}

/// The file, made for searching: each set finds the rows whose pattern matches in one pass.
struct Known {
    file: File,
    titles: Set,
    headings: Set,
    sources: Set,
}

/// Patterns of rows, and which row each is of.
struct Set {
    patterns: RegexSet,
    rows: Vec<usize>,
}

impl Set {
    fn new(
        file: &File,
        of: impl Fn(&Row) -> &[String],
        form: impl Fn(&str) -> String,
    ) -> Option<Self> {
        let (mut patterns, mut rows) = (Vec::new(), Vec::new());
        for (n, row) in file.page.iter().enumerate() {
            for pattern in of(row) {
                patterns.push(form(pattern));
                rows.push(n);
            }
        }
        let patterns = RegexSet::new(patterns).ok()?;
        Some(Self { patterns, rows })
    }

    /// The first row of which a pattern matches.
    fn first(&self, text: &[u8]) -> Option<usize> {
        let hits = self.patterns.matches(text);
        hits.iter()
            .filter_map(|hit| self.rows.get(hit))
            .min()
            .copied()
    }
}

/// `None` when the file is broken, which a test would tell.
static KNOWN: LazyLock<Option<Known>> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("../../../config/error-pages.toml")).ok()?;
    let whole = |pattern: &str| format!("(?i)^(?:{pattern})$");
    let literal = |text: &str| format!("(?i-u){}", regex::escape(text));
    Some(Known {
        titles: Set::new(&file, |row| &row.title, whole)?,
        headings: Set::new(&file, |row| &row.heading, whole)?,
        sources: Set::new(&file, |row| &row.source, literal)?,
        file,
    })
});

/// What error page this is, if it is one. Rows of the file are tried in its order, then the phrases.
pub(super) fn known(page: &Page, source: &[u8]) -> Option<Found> {
    let known = KNOWN.as_ref()?;
    let title = normal(&page.title);
    if page.chars > LONG {
        return None;
    }
    let mut hits = vec![known.titles.first(title.as_bytes())];
    hits.extend(
        page.headings
            .iter()
            .map(|h| known.headings.first(h.as_bytes())),
    );
    if page.chars <= SHORT {
        hits.push(known.sources.first(source));
    }
    if page.chars <= TINY {
        // Where people can write something, the service is there, whatever a banner above it says.
        let works = page_takes_words(source);
        hits.push(known.file.page.iter().position(|row| {
            let fits = row.class.is_of_others() || !works;
            let said = |words: &String| page.text.contains(words.as_str());
            fits && row.text.iter().any(said)
        }));
    }
    if let Some(row) = hits
        .into_iter()
        .flatten()
        .min()
        .and_then(|n| known.file.page.get(n))
    {
        return Some(Found {
            class: row.class,
            of: &row.of,
        });
    }
    if page.chars > SHORT {
        return None;
    }
    known.file.phrases.iter().find_map(|phrases| {
        phrases.class(&title, page, source).map(|class| Found {
            class,
            of: &phrases.language,
        })
    })
}

/// Whether a page has a field for a text of several lines, as a chat has.
fn page_takes_words(source: &[u8]) -> bool {
    const FIELD: &[u8] = b"<textarea";
    source
        .windows(FIELD.len())
        .any(|window| window.eq_ignore_ascii_case(FIELD))
}

impl Phrases {
    fn class(&self, title: &str, page: &Page, source: &[u8]) -> Option<Class> {
        let classes = [
            (&self.maintenance, Class::Maintenance),
            (&self.overloaded, Class::Overloaded),
            (&self.server_error, Class::ServerError),
        ];
        let parts = parts(title);
        let lines = || {
            parts
                .iter()
                .copied()
                .chain(page.headings.first().map(String::as_str))
        };
        let (_, class) = classes.into_iter().find(|(phrases, _)| {
            phrases.iter().any(|phrase| {
                lines().any(|line| says(line, phrase))
                    || (page.chars <= TINY
                        && !page_takes_words(source)
                        && stands_in(&page.text, phrase))
            })
        })?;
        Some(class)
    }
}

/// The parts of a title, of which one may be the name of the site.
fn parts(title: &str) -> Vec<&str> {
    let mut parts = vec![title];
    for part in PARTS {
        parts = parts
            .into_iter()
            .flat_map(|whole| whole.split(part))
            .collect();
    }
    parts
}

/// Whether a line says a phrase and little more. A question asks about the error; quotes speak of it.
fn says(line: &str, phrase: &str) -> bool {
    let Some(at) = line.find(phrase) else {
        return false;
    };
    let quoted = line.get(..at).is_some_and(|before| {
        before.ends_with(['"', '\'', '“', '„', '«', '‹', '「', '『', '(', '‘'])
    });
    let more = line.chars().count() - phrase.chars().count();
    !quoted && more <= LITTLE_MORE && !line.contains(['?', '？', '؟']) && stands_in(line, phrase)
}

/// Whether a phrase stands in a text, not within a longer word. Scripts that write words without blanks have no such ends.
fn stands_in(text: &str, phrase: &str) -> bool {
    let joins = |c: char| c.is_alphanumeric() && u32::from(c) < 0x0e00;
    text.match_indices(phrase).any(|(at, _)| {
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        !before.is_some_and(joins)
    })
}

#[cfg(test)]
#[path = "errors_tests.rs"]
mod tests;
