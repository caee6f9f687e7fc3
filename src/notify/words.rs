//! Text from elsewhere, made fit for a header, a line or a paragraph.
//!
//! Names come from configuration files and evidence from whoever answered: neither may move the cursor, turn the
//! reading direction, end a header or grow without bound.

/// One line: control and direction characters become spaces, runs of spaces become one, and what is longer than
/// `limit` characters ends in an ellipsis.
pub fn line(text: &str, limit: usize) -> String {
    let mut out = String::new();
    for word in text.split(unfit).flat_map(str::split_whitespace) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
        // Enough to know that it is too long; do not walk through megabytes.
        if out.len() > limit.saturating_mul(4) {
            break;
        }
    }
    cut(&out, limit)
}

/// A name as a [`line`]; one that is read from right to left stands apart from the words around it (Unicode UAX 9, FSI
/// and PDI), so that it does not turn them round.
pub fn name(text: &str, limit: usize) -> String {
    let name = line(text, limit);
    match name.chars().any(from_right) {
        true => format!("\u{2068}{name}\u{2069}"),
        false => name,
    }
}

/// Letters of Hebrew, Arabic and their neighbours.
fn from_right(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

/// Several lines: like [`line`], but line feeds stay (CRLF and CR become LF), and spaces are left alone.
pub fn paragraph(text: &str, limit: usize) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    for _ in 0..=limit {
        match chars.next() {
            None => break,
            Some('\r') => {
                chars.next_if_eq(&'\n');
                out.push('\n');
            }
            Some('\n') => out.push('\n'),
            Some(c) if unfit(c) => out.push(' '),
            Some(c) => out.push(c),
        }
    }
    cut(out.trim_end(), limit)
}

fn cut(text: &str, limit: usize) -> String {
    if text.chars().nth(limit).is_none() {
        return text.to_owned();
    }
    let mut out: String = text.chars().take(limit.saturating_sub(1)).collect();
    out.push('…');
    out
}

/// Control characters, and those that change the direction of reading or are invisible (Unicode UAX 9; "Trojan Source").
fn unfit(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_no_control_and_no_direction_characters() {
        assert_eq!(
            line("a\r\nBcc: b\0\u{202e}c\u{1b}[31m  d ", 80),
            "a Bcc: b c [31m d"
        );
        assert_eq!(line("abcdef", 4), "abc…");
        assert_eq!(line("abcd", 4), "abcd");
        assert_eq!(line("", 4), "");
        assert_eq!(line("👩‍🚒 é", 80), "👩‍🚒 é");
    }

    #[test]
    fn a_name_from_right_to_left_stands_apart() {
        assert_eq!(name("\u{202e}مراقبة 1", 80), "\u{2068}مراقبة 1\u{2069}");
        assert_eq!(name("火の番 é", 80), "火の番 é");
    }

    #[test]
    fn a_paragraph_keeps_its_lines() {
        assert_eq!(paragraph("a\r\n  b\rc\n\u{7}d\n\n", 80), "a\n  b\nc\n d");
        assert_eq!(paragraph(&"x".repeat(5000), 2048).chars().count(), 2048);
    }
}
