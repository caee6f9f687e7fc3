//! The table as a page for users: what was seen, what it is called, whose fault it is, what to do.

use std::fmt::Write as _;

use super::answers::ANSWERS;
use super::{GROUPS, Row, When};
use crate::model::{FailureKind, Fault, Outcome};

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

const ANSWERS_HEAD: &str = "
## Answers that are not what was wanted

The reply came, its status was the wanted one, and what it says is judged by the probe's kind. These have no row above:
what was expected stands in probes.toml.

| seen | called | fault | what to do |
|---|---|---|---|
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
    page.push_str(ANSWERS_HEAD);
    for (outcome, seen, act) in ANSWERS {
        let (called, fault) = named(*outcome);
        let _ = writeln!(page, "| {seen} | `{called}` | {fault} | **{act}** |");
    }
    page
}

fn line(page: &mut String, row: &Row) {
    let (called, fault) = named(row.outcome);
    let _ = writeln!(
        page,
        "| {} | `{called}` | {fault} | {} **{}** {} |",
        seen(&row.when),
        cell(row.means),
        cell(row.act),
        sources(row.sources)
    );
}

/// As it is called, and whose fault it is.
fn named(outcome: Outcome) -> (&'static str, &'static str) {
    let called = match outcome {
        Outcome::Inconclusive(cause) => cause.name(),
        other => other.kind().map_or(other.name(), FailureKind::name),
    };
    (called, outcome.fault().map_or("none", Fault::name))
}

/// What must be seen, in words.
fn seen(when: &When) -> String {
    let mut parts = Vec::new();
    parts.extend(one_of(when.status.iter().map(|range| {
        match (*range.start(), *range.end()) {
            (200, 299) => "2xx".to_owned(),
            (first, last) if first == last => first.to_string(),
            (first, last) => format!("{first} to {last}"),
        }
    })));
    let quoted = |phrase: &&str| format!("\"{phrase}\"");
    let words = when.words.iter().map(|word| format!("`{word}`"));
    parts.extend(one_of(words.chain(when.says.iter().map(quoted))));
    parts.extend(one_of(when.besides.iter().map(quoted)));
    let headers = when.headers.iter().map(|(name, value)| match *value {
        "" => format!("header `{name}`"),
        value => format!("header `{name}: {value}`"),
    });
    let pages = one_of(when.page.iter().map(quoted)).map(|any| format!("a page with {any}"));
    parts.extend(one_of(headers.chain(pages)));
    parts.extend(one_of(
        when.breaks.iter().map(|what| what.seen().to_owned()),
    ));
    parts.extend(
        one_of(
            when.phases
                .iter()
                .map(|phase| format!("`{}`", phase.name())),
        )
        .map(|any| format!("in phase {any}")),
    );
    match parts.is_empty() {
        true => "anything else".to_owned(),
        false => cell(&parts.join("; and ")),
    }
}

/// `a`, `a or b`, `a, b or c`; `None` of nothing.
fn one_of(parts: impl Iterator<Item = String>) -> Option<String> {
    let mut parts: Vec<String> = parts.collect();
    let last = parts.pop()?;
    Some(match parts.is_empty() {
        true => last,
        false => format!("{} or {last}", parts.join(", ")),
    })
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
