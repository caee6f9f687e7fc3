//! The table as a page for users: what was seen, what it is called, whose fault it is, what to do.

use std::fmt::Write as _;

use super::{GROUPS, Row, When};
use crate::model::Outcome;

const HEAD: &str = "\
# Whose fault it is

When a probe does not get the answer that it wants, watchfire says what came, and whose fault it is. This page is the
table by which it decides, read from the top: the first row that fits wins. It is made from the table in
`src/probe/faults/` by `WATCHFIRE_WRITE=1 cargo test --test suite whose_fault`; the same test, without the variable,
fails when page and table differ.

| fault | |
|---|---|
| `provider` | the service, or the edge in front of it. Counts towards an outage |
| `network` | between here and the service, whose side is not known. Counts towards an outage |
| `ours` | our key, money, rate, or request. Told by a mail of its own, and never an outage |
| `blocked` | a bot check stands before the service. Never an outage |
| none | the run says nothing (`inconclusive`): neither up nor down, shown as a gap |

`429` and the like is the HTTP status. A word in `code` is the error's code or type, in any case; words in quotes
are part of the message or of the reply's text. An error inside a 200, or in a stream that began with 200, keeps its name
`error_body` or `error_event`; its words decide by the same rows whose fault it is, and so does a status that it names.
What is seen is always shown as well, as it came and without secrets.
";

/// `docs/whose-fault.md`.
pub fn whose_fault_page() -> String {
    let mut page = HEAD.to_owned();
    for group in GROUPS {
        let _ = write!(
            page,
            "\n## {}\n\n{}\n\n| seen | called | fault | what it means, and what to do |\n|---|---|---|---|\n",
            group.title, group.about
        );
        for row in group.rows {
            line(&mut page, row);
        }
    }
    page
}

fn line(page: &mut String, row: &Row) {
    let (called, fault) = match row.outcome {
        Outcome::Failure(kind, fault) => (kind.name(), fault.name()),
        Outcome::Inconclusive(cause) => (cause.name(), "none"),
        Outcome::Degraded(kind) => (kind.name(), "none"),
        Outcome::Success => ("success", "none"),
    };
    let _ = writeln!(
        page,
        "| {} | `{called}` | {fault} | {} **{}** {} |",
        seen(&row.when),
        cell(row.means),
        cell(row.act),
        sources(row.sources)
    );
}

/// What must be seen, in words.
fn seen(when: &When) -> String {
    let mut parts = Vec::new();
    if !when.status.is_empty() {
        let ranges = when
            .status
            .iter()
            .map(|range| match range.end() - range.start() {
                0 => range.start().to_string(),
                _ if (range.start(), range.end()) == (&200, &299) => {
                    "an error inside a 2xx".to_owned()
                }
                _ => format!("{} to {}", range.start(), range.end()),
            });
        parts.push(ranges.collect::<Vec<_>>().join(", "));
    }
    let words = when.words.iter().map(|word| format!("`{word}`"));
    let says = when.says.iter().map(|phrase| format!("\"{phrase}\""));
    parts.extend(any_of(words.chain(says)));
    parts.extend(any_of(
        when.besides.iter().map(|phrase| format!("\"{phrase}\"")),
    ));
    let headers = when.headers.iter().map(|(name, value)| match *value {
        "" => format!("header `{name}`"),
        value => format!("header `{name}: {value}`"),
    });
    let pages = when
        .page
        .iter()
        .map(|phrase| format!("page with \"{phrase}\""));
    parts.extend(any_of(headers.chain(pages)));
    parts.extend(any_of(
        when.breaks.iter().map(|what| what.seen().to_owned()),
    ));
    if !when.phases.is_empty() {
        let phases = when
            .phases
            .iter()
            .map(|phase| format!("`{}`", phase.name()));
        parts.push(format!(
            "in phase {}",
            phases.collect::<Vec<_>>().join(", ")
        ));
    }
    match parts.is_empty() {
        true => "anything else".to_owned(),
        false => cell(&parts.join("; and ")),
    }
}

fn any_of(parts: impl Iterator<Item = String>) -> Option<String> {
    let parts: Vec<String> = parts.collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn sources(sources: &[&str]) -> String {
    let shown = sources
        .iter()
        .map(|source| match source.strip_prefix("https://") {
            Some(address) => {
                let host = address.split('/').next().unwrap_or(address);
                format!("[{}]({source})", host.strip_prefix("www.").unwrap_or(host))
            }
            None => (*source).to_owned(),
        });
    format!("({})", shown.collect::<Vec<_>>().join(", "))
}

/// A bar would end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}
