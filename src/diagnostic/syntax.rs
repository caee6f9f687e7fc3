//! Parses TOML, and refuses what nests without end before a parser follows it.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;
use toml_parser::Source;
use toml_parser::lexer::TokenKind;

use super::Problem;

/// Nobody writes arrays or tables this deep into each other. The parser has a limit of its own, which closing brackets
/// without an opening one make it forget.
const DEEPEST: usize = 100;

/// The table of a file, or what is no TOML in it.
///
/// # Errors
/// The first fault. It does not say whether its line holds a secret: see [`Problem::secret`].
pub fn parse(text: &str) -> Result<Spanned<DeTable<'_>>, Problem> {
    if let Some(span) = too_deep(text) {
        return Err(Problem::new(
            span,
            format!("more than {DEEPEST} brackets are open here"),
        ));
    }
    DeTable::parse(text)
        .map_err(|e| Problem::new(e.span().unwrap_or(0..0), e.message().replace('\n', ", ")))
}

/// Where more brackets of a kind are open than may be.
pub fn too_deep(text: &str) -> Option<Range<usize>> {
    let (mut tables, mut arrays) = (0usize, 0usize);
    for token in Source::new(text).lex() {
        match token.kind() {
            TokenKind::LeftCurlyBracket => tables += 1,
            TokenKind::RightCurlyBracket => tables = tables.saturating_sub(1),
            TokenKind::LeftSquareBracket => arrays += 1,
            TokenKind::RightSquareBracket => arrays = arrays.saturating_sub(1),
            _ => {}
        }
        if tables > DEEPEST || arrays > DEEPEST {
            return Some(token.span().start()..token.span().end());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_without_end_are_refused_where_they_are_too_many() {
        for (open, kind) in [("{a=", "inline tables"), ("[", "arrays")] {
            let text = format!("a = {}", open.repeat(100_000));
            let span = too_deep(&text).expect(kind);
            assert_eq!(span.start, 4 + DEEPEST * open.len(), "{kind}");
        }
    }

    #[test]
    fn many_tables_one_after_the_other_are_not_deep() {
        let text = "[[probe]]\na = { b = [1, 2] }\nc = \"{{{{\" # [[[[\n".repeat(1_000);
        assert_eq!(too_deep(&text), None);
        assert!(parse("a = { b = [[1], [2]] }").is_ok());
    }

    #[test]
    fn closing_brackets_do_not_make_the_parser_follow_for_ever() {
        // Each line opens a table that the next one stands in, and closes what is not open.
        let text = "k = { e = \"x\"e]]\n".repeat(5_000);
        assert!(parse(&text).is_err());
    }
}
