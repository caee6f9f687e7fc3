//! Excerpts of replies, made safe to show in a terminal, a mail and a page.

use std::borrow::Cow;
use std::fmt::Write as _;

/// How much of a body a check puts into its reason: more than is kept, so that a secret at the edge is redacted whole.
pub(super) const EXCERPT_BYTES: usize = 4096;
/// Letters and digits without a break: no word, and no id that a provider gives, is longer.
const LONGEST_RUN: usize = 160;
/// Of a longer run so much is shown: enough to tell a PNG from a JPEG.
const RUN_SHOWN: usize = 24;

/// The head of a body as text. Bytes that are not UTF-8 become U+FFFD.
pub(super) fn excerpt(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(EXCERPT_BYTES)]).into_owned()
}

/// A reason, followed by what the reply said, when it said something.
pub(super) fn with_excerpt(why: String, body: &[u8]) -> String {
    let said = excerpt(body);
    let said = said.trim();
    if said.is_empty() {
        why
    } else {
        format!("{why}: {said}")
    }
}

/// The text on one line of at most `limit` bytes: control characters escaped, runs of white space made one blank.
pub fn fit(text: &str, limit: usize) -> String {
    let text = &shorten(text);
    let mut out = String::with_capacity(text.len().min(limit));
    let mut blank = false;
    for c in text.chars() {
        let before = out.len();
        if c.is_whitespace() {
            if blank {
                continue;
            }
            out.push(' ');
        } else if c.is_control() || is_format_control(c) {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
        blank = c.is_whitespace();
        if out.len() > limit {
            out.truncate(before);
            break;
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// Long runs of base64, as pictures come in, by their beginning and length: nobody reads the rest.
///
/// Comes after secrets were taken out, since it would cut them.
fn shorten(text: &str) -> Cow<'_, str> {
    let of_base64 = |b: u8| b.is_ascii_alphanumeric() || b"+/=_-".contains(&b);
    let (mut out, mut kept, mut from) = (String::new(), 0, 0);
    let bytes = text.as_bytes();
    while from < bytes.len() {
        let run = bytes[from..].iter().take_while(|b| of_base64(**b)).count();
        if run > LONGEST_RUN {
            out.push_str(text.get(kept..from + RUN_SHOWN).unwrap_or_default());
            let _ = write!(out, "\u{2026}({run} characters)");
            kept = from + run;
        }
        from += run.max(1);
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(text.get(kept..).unwrap_or_default());
    Cow::Owned(out)
}

/// The text as it is, but with control characters escaped that could play tricks on a terminal.
pub(super) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if (c.is_control() && c != '\t') || is_format_control(c) {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// Characters that reorder or hide the text around them.
fn is_format_control(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_play_tricks_on_a_terminal_is_escaped() {
        assert_eq!(
            fit("a\r\n\t b\u{1b}[31m\u{202e}", 100),
            "a b\\u{1b}[31m\\u{202e}"
        );
    }

    #[test]
    fn a_picture_in_base64_is_told_by_its_beginning() {
        let text = format!(
            "{{\"b64_json\":\"{}\"}} and {}",
            "iVBORw0K".repeat(100),
            "x".repeat(160)
        );
        let wanted = format!(
            "{{\"b64_json\":\"iVBORw0KiVBORw0KiVBORw0K\u{2026}(800 characters)\"}} and {}",
            "x".repeat(160)
        );
        assert_eq!(fit(&text, 1000), wanted);
    }

    #[test]
    fn a_text_is_cut_between_characters_and_never_exceeds_the_limit() {
        for limit in 0..12 {
            let cut = fit("\u{e9}\u{e9} \u{1f600}\u{7}x", limit);
            assert!(cut.len() <= limit, "{cut:?} is longer than {limit}");
        }
    }
}
