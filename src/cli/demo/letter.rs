//! A mail in the terminal, as a mail program shows it: the headers a person looks at, and the plain text.

use std::ops::RangeInclusive;

use anstyle::Style;
use mail_parser::{Address, HeaderValue, Message, MessageParser};

/// Narrower is no text, wider is hard to read.
const COLUMNS: RangeInclusive<usize> = 40..=100;

/// Columns to show a mail in, on a terminal that has so many.
pub fn columns(terminal: usize) -> usize {
    terminal.clamp(*COLUMNS.start(), *COLUMNS.end())
}

/// The mail with a bar at its left, wrapped to so many columns. Never fails: what is no mail shows little.
pub fn show(message: &[u8], columns: usize) -> String {
    let bold = Style::new().bold();
    let dim = Style::new().dimmed();
    let mut lines = Vec::new();
    let mail = MessageParser::default().parse(message);
    for (name, value) in mail.as_ref().map(headers).unwrap_or_default() {
        let rest = " ".repeat(name.len() + 2);
        let wrapped = wrap(&value, columns - 2 - rest.len());
        for (number, part) in wrapped.iter().enumerate() {
            lines.push(match number {
                0 => format!("{bold}{name}:{bold:#} {part}"),
                _ => format!("{rest}{part}"),
            });
        }
    }
    lines.push(String::new());
    let text = mail.as_ref().and_then(|m| m.body_text(0));
    for line in text.unwrap_or_default().trim_end().lines() {
        lines.extend(indented(line, columns - 2));
    }
    let framed = lines
        .iter()
        .map(|l| format!("{dim}│{dim:#} {l}").trim_end().to_owned());
    framed.collect::<Vec<_>>().join("\n")
}

/// The subject of a mail, decoded; empty when it has none.
pub fn subject(message: &[u8]) -> String {
    header(message, "Subject").unwrap_or_default()
}

/// A header of a mail, decoded and on one line; `None` when it has none of that name.
pub fn header(message: &[u8], name: &str) -> Option<String> {
    let mail = MessageParser::default().parse(message)?;
    let value = mail.header(name.to_owned())?;
    Some(match value {
        HeaderValue::Address(address) => addresses(address),
        other => clean(other.as_text()?),
    })
}

/// What a mail program shows above the text.
fn headers(mail: &Message<'_>) -> Vec<(&'static str, String)> {
    let all = [
        ("From", mail.from().map(addresses)),
        ("To", mail.to().map(addresses)),
        ("Subject", mail.subject().map(clean)),
        ("Date", mail.date().map(|d| d.to_rfc822())),
    ];
    let some = |(name, value): (_, Option<String>)| Some((name, value?));
    all.into_iter().filter_map(some).collect()
}

fn addresses(address: &Address<'_>) -> String {
    let one = |a: &mail_parser::Addr<'_>| match (a.name(), a.address()) {
        (Some(name), Some(address)) => format!("{name} <{address}>"),
        (name, address) => address.or(name).unwrap_or_default().to_owned(),
    };
    clean(&address.iter().map(one).collect::<Vec<_>>().join(", "))
}

/// A line of text in lines of so many columns; what was indented stays so, also where it goes on.
fn indented(line: &str, columns: usize) -> Vec<String> {
    let line = clean(line);
    let text = line.trim_start_matches([' ', '|']);
    let mark = &line[..line.len() - text.len()];
    // A mark that leaves no room for words is no mark.
    let mark = if mark.len() * 2 > columns { "" } else { mark };
    wrap(text, columns - mark.len())
        .iter()
        .map(|part| format!("{mark}{part}"))
        .collect()
}

fn wrap(text: &str, columns: usize) -> Vec<String> {
    let wrapped = textwrap::wrap(text, columns);
    wrapped.into_iter().map(|part| part.into_owned()).collect()
}

/// Without control characters: a mail does not steer the terminal.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use lettre::message::{Message, MultiPart};
    use proptest::prelude::*;

    use super::*;

    fn mail(subject: &str, text: &str) -> Vec<u8> {
        let parts = MultiPart::alternative_plain_html(text.to_owned(), "<p>html</p>".to_owned());
        Message::builder()
            .from("watchfire <watchfire@example.com>".parse().unwrap())
            .to("oncall@example.com".parse().unwrap())
            .date(std::time::UNIX_EPOCH)
            .message_id(Some("<1.0.abc@4f1c.watchfire>".into()))
            .subject(subject)
            .multipart(parts)
            .unwrap()
            .formatted()
    }

    fn plain(shown: &str) -> String {
        anstream::adapter::strip_str(shown).to_string()
    }

    #[test]
    fn a_mail_is_shown_with_its_headers_and_its_whole_text_wrapped() {
        let message = mail(
            "[watchfire] #1 OpenAI – a title that is so long that its subject is folded on its way, and wrapped here: errors",
            "PARTIAL OUTAGE: OpenAI\n\n6 of 11 runs failed in the last 67 s – usually at most 1 in 100, which is a line that is wrapped between words.\n\n  | HTTP 503 with an error inside: the server had an error while processing your request, sorry about that\n",
        );
        insta::assert_snapshot!(plain(&show(&message, 72)));
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let text = "word ".repeat(60) + &"x".repeat(300) + "\n" + &" ".repeat(90) + "far in\n";
        let message = mail(&"火の番 ".repeat(30), &text);
        for terminal in [1, 60, 10_000] {
            let columns = columns(terminal);
            assert!(COLUMNS.contains(&columns));
            for line in plain(&show(&message, columns)).lines() {
                let width = textwrap::core::display_width(line);
                assert!(width <= columns, "{width} of {columns}: {line}");
            }
        }
    }

    #[test]
    fn a_mail_cannot_steer_the_terminal() {
        let message = b"Subject: a\x1b[2Jb\r\n\r\nt\x1b]0;x\x07ext\r\n";
        let shown = plain(&show(message, 80));
        assert_eq!(shown, "│ Subject: a[2Jb\n│\n│ t]0;xext");
    }

    #[test]
    fn text_of_any_script_comes_back_as_it_was_written() {
        for text in [
            "plain",
            "grün – 火の番",
            "a = b; =C3",
            "x".repeat(90).as_str(),
        ] {
            let message = mail(text, text);
            assert_eq!(subject(&message), text);
            assert_eq!(header(&message, "x-absent"), None);
            assert!(
                plain(&show(&message, 100)).ends_with(&format!("│ {text}")),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            show(&bytes, 40);
        }

        #[test]
        fn no_near_mail_makes_it_panic(text in "(Subject: |Content-Type: multipart/x; boundary=|=\\?utf-8\\?b\\?|--|\"|\\n|=|a){0,40}") {
            show(text.as_bytes(), 40);
        }
    }
}
