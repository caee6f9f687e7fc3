//! A mail in the terminal: the headers a person looks at, and the plain text.
//!
//! Reads mails as watchfire writes them (RFC 5322, MIME with a plain part, RFC 2047 in headers); it is no mail reader.

use anstyle::Style;
use base64::Engine as _;

/// Headers shown, in this order.
const SHOWN: &[&str] = &["From", "To", "Subject", "Date", "Message-ID", "In-Reply-To"];
/// Columns of a line.
const MOST_COLUMNS: usize = 100;
/// Depth of parts within parts.
const DEEPEST: usize = 4;

/// The mail with a bar at its left, the text clipped after `most_lines` lines. Never fails: what is no mail shows little.
pub fn show(message: &[u8], most_lines: usize) -> String {
    let message = String::from_utf8_lossy(message).replace("\r\n", "\n");
    let part = Part::of(&message);
    let bold = Style::new().bold();
    let dim = Style::new().dimmed();
    let mut lines = Vec::new();
    for name in SHOWN {
        if let Some(value) = part.header(name) {
            let value = clipped(&decoded_words(&value));
            lines.push(format!("{bold}{name}:{bold:#} {value}"));
        }
    }
    lines.push(String::new());
    let text = part.plain(DEEPEST).unwrap_or_default();
    let body: Vec<&str> = text.trim_end().lines().collect();
    lines.extend(body.iter().take(most_lines).map(|l| clipped(l)));
    if let Some(more) = body.len().checked_sub(most_lines).filter(|n| *n > 0) {
        lines.push(format!("{dim}(and {more} more){dim:#}"));
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
    let message = String::from_utf8_lossy(message).replace("\r\n", "\n");
    Part::of(&message).header(name).map(|v| decoded_words(&v))
}

/// A message or a part of one: headers, an empty line, a body.
struct Part<'m> {
    head: &'m str,
    body: &'m str,
}

impl<'m> Part<'m> {
    fn of(text: &'m str) -> Self {
        let (head, body) = match text.strip_prefix('\n') {
            Some(body) => ("", body),
            None => text.split_once("\n\n").unwrap_or((text, "")),
        };
        Part { head, body }
    }

    /// A header's value on one line.
    fn header(&self, name: &str) -> Option<String> {
        let mut lines = self.head.lines().skip_while(|l| {
            let named = l.split_once(':').map(|(n, _)| n.eq_ignore_ascii_case(name));
            named != Some(true)
        });
        let (_, first) = lines.next()?.split_once(':')?;
        let mut value = first.trim().to_owned();
        for more in lines.take_while(|l| l.starts_with([' ', '\t'])) {
            value.push(' ');
            value.push_str(more.trim());
        }
        Some(value)
    }

    /// The first plain text within; `None` when there is none.
    fn plain(&self, depth: usize) -> Option<String> {
        let kind = self.header("Content-Type").unwrap_or("text/plain".into());
        let lower = kind.to_ascii_lowercase();
        if lower.starts_with("text/plain") {
            return Some(self.decoded());
        }
        if !lower.starts_with("multipart/") || depth == 0 {
            return None;
        }
        let boundary = &kind[lower.find("boundary=")? + "boundary=".len()..];
        let boundary = match boundary.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next()?,
            None => boundary.split([';', ' ']).next()?,
        };
        let fence = format!("--{boundary}");
        let mut parts = self.body.split(fence.as_str()).skip(1);
        parts.find_map(|p| Part::of(p.strip_prefix('\n')?).plain(depth - 1))
    }

    fn decoded(&self) -> String {
        let encoding = self.header("Content-Transfer-Encoding").unwrap_or_default();
        match encoding.to_ascii_lowercase().as_str() {
            "quoted-printable" => quoted_printable(&self.body.replace("=\n", "")),
            "base64" => from_base64(self.body),
            _ => self.body.to_owned(),
        }
    }
}

/// `=E2=9C=93` and the like, read as UTF-8; what is no such code stays.
fn quoted_printable(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let code = bytes.get(at + 1..at + 3).filter(|_| byte == b'=');
        let code = code.and_then(|c| std::str::from_utf8(c).ok());
        match code.and_then(|c| u8::from_str_radix(c, 16).ok()) {
            Some(decoded) => {
                out.push(decoded);
                at += 3;
            }
            None => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The text of base64 with any line breaks; empty when it is none.
fn from_base64(text: &str) -> String {
    let text: String = text.split_whitespace().collect();
    let bytes = base64::engine::general_purpose::STANDARD.decode(text);
    String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
}

/// A header's value with its `=?utf-8?b?..?=` words read. White space between two such words is not part of the text.
fn decoded_words(value: &str) -> String {
    let mut out = String::new();
    let mut after_word = false;
    for (number, piece) in value.split(' ').enumerate() {
        let word = decoded_word(piece);
        if number > 0 && !(after_word && word.is_some()) {
            out.push(' ');
        }
        after_word = word.is_some();
        out.push_str(word.as_deref().unwrap_or(piece));
    }
    out
}

fn decoded_word(piece: &str) -> Option<String> {
    let inner = piece.strip_prefix("=?")?.strip_suffix("?=")?;
    let mut fields = inner.splitn(3, '?');
    let (charset, form, text) = (fields.next()?, fields.next()?, fields.next()?);
    if !charset.eq_ignore_ascii_case("utf-8") {
        return None;
    }
    match form {
        "b" | "B" => Some(from_base64(text)),
        "q" | "Q" => Some(quoted_printable(&text.replace('_', " "))),
        _ => None,
    }
}

/// At most `MOST_COLUMNS` characters, and no control characters: a mail does not steer the terminal.
fn clipped(line: &str) -> String {
    let clean = |l: &str| l.chars().filter(|c| !c.is_control()).collect::<String>();
    let line = clean(line);
    if line.chars().count() <= MOST_COLUMNS {
        return line;
    }
    let kept: String = line.chars().take(MOST_COLUMNS - 1).collect();
    kept + "…"
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
    fn a_mail_is_shown_with_its_headers_and_its_plain_text() {
        let message = mail(
            "[partial] OpenAI – 6 of 11 runs failed since 03:40, usually 0.3 % – a long subject that is folded",
            "OpenAI does not answer well.\n\n6 of 11 runs failed since 03:40 – usually 0.3 %.\nline four\nline five\n",
        );
        insta::assert_snapshot!(plain(&show(&message, 4)));
    }

    #[test]
    fn a_mail_cannot_steer_the_terminal() {
        let message = b"Subject: a\x1b[2Jb\r\n\r\nt\x1b]0;x\x07ext\r\n";
        let shown = plain(&show(message, 9));
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
                plain(&show(&message, 9)).ends_with(&format!("│ {text}")),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            show(&bytes, 3);
        }

        #[test]
        fn no_near_mail_makes_it_panic(text in "(Subject: |Content-Type: multipart/x; boundary=|=\\?utf-8\\?b\\?|--|\"|\\n|=|a){0,40}") {
            show(text.as_bytes(), 3);
        }
    }
}
