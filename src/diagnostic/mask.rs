//! Which parts of a line are not shown, because a secret may have been written there.
//!
//! Secrets have no place in a configuration file. This is for the file that holds one all the same: the message that
//! says so must not carry it into a terminal, a journal or a ticket. Rather too much is hidden than too little.

use std::ops::Range;

/// Words that make every value of their line suspicious.
const WORDS: &[&str] = &[
    "key",
    "password",
    "passwd",
    "token",
    "secret",
    "auth",
    "bearer",
    "credential",
    "cookie",
    "session",
];

/// How the keys of well-known services begin.
const PREFIXES: &[&str] = &[
    "sk-",
    "sk_",
    "pk_",
    "AIza",
    "ghp_",
    "gho_",
    "github_pat_",
    "xoxb-",
    "xoxp-",
    "AKIA",
    "eyJ",
    "hf_",
    "gsk_",
];

/// A run of letters and digits this long is taken for a key: longer than the names of models.
const LONG_TOKEN: usize = 32;

/// Whether a line could hold a secret at all.
pub(super) fn suspicious(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    WORDS.iter().any(|word| lower.contains(word))
}

/// Byte ranges of `line` to mask, in order and apart. `all`: every value, whatever its key.
pub(super) fn hidden(line: &str, all: bool) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    if all || suspicious(line) {
        ranges.extend(values(line));
    }
    ranges.extend(user_information(line));
    ranges.extend(tokens(line));
    merged(ranges)
}

/// Contents of strings that are values, bare values, and the comment.
fn values(line: &str) -> Vec<Range<usize>> {
    let bytes = line.as_bytes();
    let mut ranges = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'#' => {
                ranges.push(at..line.len());
                break;
            }
            quote @ (b'"' | b'\'') => {
                let (content, after) = string(bytes, at, quote);
                let is_key = line
                    .get(after..)
                    .is_some_and(|rest| rest.trim_start().starts_with('='));
                let named = line.get(content.clone()).unwrap_or_default();
                if !is_key && !is_source(line.get(..at).unwrap_or_default(), named) {
                    ranges.push(content);
                }
                at = after;
            }
            b'=' => {
                let rest = &line[at + 1..];
                let value = at + 1 + (rest.len() - rest.trim_start().len());
                let bare = line.get(value..).unwrap_or_default();
                if !bare.starts_with(['"', '\'', '{', '[', '#']) {
                    let len = bare.find([',', '}', ']', '#']).unwrap_or(bare.len());
                    let len = bare[..len].trim_end().len();
                    ranges.push(value..value + len);
                    at = value + len;
                } else {
                    at = value;
                }
            }
            _ => at += 1,
        }
    }
    ranges
}

/// Content of the string that begins at `at`, and where it is over; an open one ends with the line.
fn string(bytes: &[u8], at: usize, quote: u8) -> (Range<usize>, usize) {
    let triple = bytes.get(at..at + 3) == Some(&[quote; 3]);
    let fence = if triple { 3 } else { 1 };
    let begin = at + fence;
    let mut end = begin;
    while end < bytes.len() {
        if bytes[end] == b'\\' && quote == b'"' {
            end += 2;
        } else if bytes.get(end..end + fence) == Some(&[quote; 3][..fence]) {
            return (begin..end, end + fence);
        } else {
            end += 1;
        }
    }
    (begin.min(bytes.len())..bytes.len(), bytes.len())
}

/// Whether this string names where a secret is kept, and looks like such a name: `env = "OPENAI_API_KEY"`.
fn is_source(before: &str, value: &str) -> bool {
    let Some(before) = before.trim_end().strip_suffix('=') else {
        return false;
    };
    let before = before.trim_end();
    if before.ends_with("env") {
        let upper = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        return value.starts_with(|c: char| c.is_ascii_uppercase()) && value.chars().all(upper);
    }
    before.ends_with("file") && value.starts_with(['/', '.']) && value.len() < 200
}

/// `user:password` in `scheme://user:password@host`.
fn user_information(line: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    // Of the string that is being read: where it ends, and its last `@`. Looked for once, for a line may hold many `://`.
    let mut string_end = 0;
    let mut last_at = None;
    for (at, found) in line.match_indices("://") {
        let start = at + found.len();
        let rest = &line[start..];
        if start >= string_end {
            let len = rest.find(['"', '\'']).unwrap_or(rest.len());
            string_end = start + len;
            last_at = rest[..len].rfind('@').map(|at| start + at);
        }
        let end = rest
            .find(['"', '\'', ' ', '/', '?', '#'])
            .unwrap_or(rest.len());
        // A password may hold any of those characters unescaped: then everything up to the `@` is hidden.
        let at = rest[..end]
            .rfind('@')
            .map(|at| start + at)
            .or(last_at.filter(|at| *at >= start));
        ranges.extend(at.map(|at| start..at));
    }
    ranges
}

/// Runs of characters that look like a key.
fn tokens(line: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = None;
    let of_token = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    for (at, c) in line.char_indices().chain([(line.len(), ' ')]) {
        match (of_token(c), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                let run = &line[from..at];
                let mixed = run.contains(|c: char| c.is_ascii_digit())
                    && run.contains(|c: char| c.is_ascii_alphabetic());
                let known = run.len() >= 12 && PREFIXES.iter().any(|p| run.starts_with(p));
                if known || (mixed && run.len() >= LONG_TOKEN) {
                    ranges.push(from..at);
                }
                start = None;
            }
            _ => {}
        }
    }
    ranges
}

fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_by_key(|range| range.start);
    let mut out: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match out.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => out.push(range),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(line: &str, all: bool) -> String {
        let mut out = line.to_owned();
        for range in hidden(line, all).into_iter().rev() {
            out.replace_range(range, "***");
        }
        out
    }

    #[test]
    fn values_beside_a_suspicious_word_are_hidden_and_sources_are_not() {
        for (line, want) in [
            ("key = \"hunter2\"", "key = \"***\""),
            ("password = 'it\"s' # was x", "password = '***' ***"),
            ("api_key = hunter2", "api_key = ***"),
            ("token = \"open", "token = \"***"),
            ("key = \"\"\"open \\\"", "key = \"\"\"***"),
            (
                "key = { env = \"OPENAI_API_KEY\" }",
                "key = { env = \"OPENAI_API_KEY\" }",
            ),
            ("key = { env = \"hunter2\" }", "key = { env = \"***\" }"),
            (
                "key = { file = \"/etc/key\" }",
                "key = { file = \"/etc/key\" }",
            ),
            (
                "headers = { \"x-api-key\" = \"hunter2\" }",
                "headers = { \"x-api-key\" = \"***\" }",
            ),
            ("title = \"OpenAI\"", "title = \"OpenAI\""),
        ] {
            assert_eq!(masked(line, false), want);
        }
        assert_eq!(masked("x = \"hunter2\"", true), "x = \"***\"");
    }

    #[test]
    fn user_information_and_tokens_are_hidden_on_any_line() {
        for (line, want) in [
            (
                "url = \"https://ann:hunter2@example.com/\"",
                "url = \"https://***@example.com/\"",
            ),
            (
                "url = \"smtp://ann:a/b?c@example.com\"",
                "url = \"smtp://***@example.com\"",
            ),
            (
                "model = \"gpt-4o-mini-2024-07-18\"",
                "model = \"gpt-4o-mini-2024-07-18\"",
            ),
            ("model = \"sk-proj-abcdefgh\"", "model = \"***\""),
            ("x = \"0123456789abcdef0123456789abcdef\"", "x = \"***\""),
        ] {
            assert_eq!(masked(line, false), want);
        }
    }

    #[test]
    fn no_line_panics() {
        for line in [
            "=",
            "key =",
            "key = \"\\",
            "key='",
            "://@",
            "日 key = \"本\\",
            "token=#",
        ] {
            masked(line, true);
        }
    }
}
