//! Faults of a configuration file, shown where they stand: `file:line:col`, the line, a caret and help.
//!
//! What is shown goes to terminals and logs, so it is made harmless first: control characters are escaped, long lines
//! are cut around the caret, and values that may be secrets are masked (see `mask`).

mod excerpt;
mod mask;
pub mod syntax;

use std::fmt::{self, Write as _};
use std::ops::Range;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use excerpt::Excerpt;

/// One thing that is wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Bytes of the file that it is about.
    pub span: Range<usize>,
    /// What was wanted and what was found, in one lower-case line without a full stop.
    pub message: String,
    /// A few words beside the caret.
    pub label: Option<String>,
    /// What to do.
    pub help: Option<String>,
    /// Whether the values on its line may be secrets: they are masked then, whatever their keys are called.
    pub secret: bool,
}

impl Problem {
    /// A problem without label and help.
    pub fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
            label: None,
            help: None,
            secret: false,
        }
    }

    /// With a few words beside the caret.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// With what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// On a line whose values must not be shown.
    pub fn secret(mut self) -> Self {
        self.secret = true;
        self
    }
}

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The configuration is not used.
    Fault,
    /// It is used, but is probably not what was meant.
    Warning,
}

/// A problem with its place and its line, free of the text it came from. `Display` is the plain rendering.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnosed {
    /// Fault or warning.
    pub level: Level,
    /// As the user named the file.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    /// What was wanted and what was found.
    pub message: String,
    /// A few words beside the caret.
    pub label: Option<String>,
    /// What to do.
    pub help: Option<String>,
    #[serde(skip)]
    excerpt: Option<Excerpt>,
}

impl Diagnosed {
    /// Of a file as a whole, such as one that is too large: shown without a line, at 1:1.
    pub fn of_file(file: &str, message: impl Into<String>) -> Self {
        Self {
            level: Level::Fault,
            file: plain(file),
            line: 1,
            column: 1,
            message: plain(&message.into()),
            label: None,
            help: None,
            excerpt: None,
        }
    }

    /// Without its line, for a line that may hold a secret in a place that cannot be told.
    pub fn without_line(mut self) -> Self {
        self.excerpt = None;
        self
    }

    /// As lines of text, each ended by `\n`; with ANSI styles when `colour`.
    pub fn render(&self, colour: bool) -> String {
        let (strong, hue, gutter) = if colour {
            let hue = match self.level {
                Level::Fault => AnsiColor::Red,
                Level::Warning => AnsiColor::Yellow,
            };
            (
                Style::new().bold(),
                hue.on_default().bold(),
                AnsiColor::Blue.on_default().bold(),
            )
        } else {
            (Style::new(), Style::new(), Style::new())
        };
        let mut out = String::new();
        let word = match self.level {
            Level::Fault => String::new(),
            Level::Warning => format!("{hue}warning:{hue:#} "),
        };
        let pad = " ".repeat(self.line.to_string().len());
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "{}:{}:{}: {word}{strong}{}{strong:#}",
            self.file, self.line, self.column, self.message
        );
        if let Some(excerpt) = &self.excerpt {
            let _ = writeln!(out, "{gutter}{pad} |{gutter:#}");
            let line = self.line;
            let _ = writeln!(out, "{gutter}{line} |{gutter:#} {}", excerpt.text);
            let label = self.label.as_deref().unwrap_or_default();
            let caret = format!(
                "{}{hue}{}{}{label}{hue:#}",
                " ".repeat(excerpt.before),
                "^".repeat(excerpt.under),
                if label.is_empty() { "" } else { " " }
            );
            let _ = writeln!(out, "{gutter}{pad} |{gutter:#} {caret}");
        }
        for (i, help) in self.help.iter().flat_map(|h| h.lines()).enumerate() {
            let lead = if i == 0 { "= help:" } else { "       " };
            let _ = writeln!(out, "{gutter}{pad} {lead}{gutter:#} {help}");
        }
        out
    }
}

impl fmt::Display for Diagnosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

/// A longer line is not shown, only its place: nobody wrote it by hand, and to find the secrets in it anew for each of
/// its faults would take the square of its length.
const LONGEST_LINE: usize = 4 * 1024;

/// A file with its lines, to place problems in it.
#[derive(Debug)]
pub struct Lines<'a> {
    file: &'a str,
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    /// Of the text of `file`. Lines end at `\n`; a `\r` before it belongs to the end.
    pub fn new(file: &'a str, text: &'a str) -> Self {
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            file,
            text,
            starts: std::iter::once(0).chain(ends).collect(),
        }
    }

    /// Line and column of a byte, in characters, counted from 1. Past the end is the end.
    pub fn place(&self, at: usize) -> (usize, usize) {
        let (line, start) = self.line_of(at);
        let before = self.text.get(start..self.clamp(at)).unwrap_or_default();
        (line, before.chars().count() + 1)
    }

    /// The problem where it stands.
    pub fn diagnose(&self, problem: &Problem, level: Level) -> Diagnosed {
        let at = self.clamp(problem.span.start);
        let (line, column) = self.place(at);
        let start = self.line_of(at).1;
        let rest = self.text.get(start..).unwrap_or_default();
        let text = rest.split('\n').next().unwrap_or_default();
        let text = text.strip_suffix('\r').unwrap_or(text);
        let within = at - start..self.clamp(problem.span.end).max(at) - start;
        Diagnosed {
            level,
            file: plain(self.file),
            line,
            column,
            message: plain(&problem.message),
            label: problem.label.as_deref().map(plain),
            help: problem.help.as_deref().map(plain_lines),
            excerpt: (text.len() <= LONGEST_LINE)
                .then(|| Excerpt::new(text, within, &mask::hidden(text, problem.secret))),
        }
    }

    /// The number of the line (from 1) and where it begins.
    fn line_of(&self, at: usize) -> (usize, usize) {
        let after = self.starts.partition_point(|start| *start <= at).max(1);
        (after, self.starts.get(after - 1).copied().unwrap_or(0))
    }

    fn clamp(&self, at: usize) -> usize {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }
}

/// Whether a character could move the cursor, ring, or reorder what is read: it is never printed as it is.
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn plain(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        if is_unprintable(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
        out
    })
}

fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[[probe]]\ntimeout = \"45s\"\n\tname = \"日本\" # x\r\n";

    fn shown(needle: &str, problem: fn(Problem) -> Problem) -> String {
        let at = TEXT.find(needle).unwrap();
        let problem = problem(Problem::new(at..at + needle.len(), "it is wrong"));
        Lines::new("probes.toml", TEXT)
            .diagnose(&problem, Level::Fault)
            .to_string()
    }

    #[test]
    fn an_enormous_line_is_told_by_its_place_alone() {
        let of = |len: usize| {
            let text = format!("a = 1\nb = \"{}\"\n", "x".repeat(len));
            let problem = Problem::new(10..11, "bad");
            Lines::new("f", &text)
                .diagnose(&problem, Level::Fault)
                .render(false)
        };
        assert!(of(100).contains("xxx"));
        assert_eq!(of(LONGEST_LINE), "f:2:5: bad\n");
    }

    #[test]
    fn a_fault_is_shown_with_its_line_a_caret_and_help() {
        let text = shown("\"45s\"", |p| p.label("too long").help("lower it"));
        assert_eq!(
            text,
            "probes.toml:2:11: it is wrong\n  |\n2 | timeout = \"45s\"\n  |           ^^^^^ too long\n  = help: lower it\n"
        );
    }

    #[test]
    fn columns_count_characters_and_carets_count_cells() {
        let text = shown("本", |p| p);
        assert_eq!(
            text,
            "probes.toml:3:11: it is wrong\n  |\n3 |     name = \"日本\" # x\n  |               ^^\n"
        );
    }

    #[test]
    fn a_span_outside_the_file_or_inside_a_character_does_not_panic() {
        let lines = Lines::new("f", TEXT);
        for span in [
            0..usize::MAX,
            TEXT.len()..TEXT.len(),
            36..37,
            usize::MAX..usize::MAX,
        ] {
            lines.diagnose(&Problem::new(span, "x"), Level::Fault);
        }
        Lines::new("f", "").diagnose(&Problem::new(0..0, "x"), Level::Warning);
    }

    #[test]
    fn control_characters_of_a_file_do_not_reach_the_terminal() {
        let text = "a = \"\u{1b}[31m\u{202e}\"";
        let problem = Problem::new(0..text.len(), "bad \u{1b}[2J name");
        let shown = Lines::new("f", text)
            .diagnose(&problem, Level::Fault)
            .to_string();
        assert!(!shown.chars().any(|c| c != '\n' && is_unprintable(c)));
        assert!(shown.contains("bad \\u{1b}[2J name"));
    }
}
