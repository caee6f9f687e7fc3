//! A page's bytes as text, in whatever encoding they say that they are.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use http::{HeaderMap, header};

/// An encoding is declared within the first bytes, or not at all (HTML, 13.2.3.2).
const PRESCAN_BYTES: usize = 1024;

/// Decodes a page: by its byte order mark, its `Content-Type`, its `<meta>`; else as UTF-8 when it is that, or as what
/// browsers take old pages for. What cannot be decoded becomes U+FFFD.
pub(super) fn decode<'b>(headers: &HeaderMap, body: &'b [u8]) -> Cow<'b, str> {
    let declared = of_header(headers).or_else(|| of_meta(body));
    let encoding = declared.unwrap_or(match std::str::from_utf8(body) {
        Ok(_) => UTF_8,
        Err(broken) if broken.error_len().is_none() => UTF_8,
        Err(_) => WINDOWS_1252,
    });
    // A byte order mark overrules what is declared.
    encoding.decode(body).0
}

fn of_header(headers: &HeaderMap) -> Option<&'static Encoding> {
    let kind = headers.get(header::CONTENT_TYPE)?.as_bytes();
    of_label(after(&kind.to_ascii_lowercase(), b"charset=")?)
}

/// `<meta charset="..">`, or the `Content-Type` that a `<meta http-equiv>` stands for.
fn of_meta(body: &[u8]) -> Option<&'static Encoding> {
    let head = body
        .get(..PRESCAN_BYTES)
        .unwrap_or(body)
        .to_ascii_lowercase();
    let meta = after(&head, b"<meta")?;
    let found = of_label(after(meta, b"charset=")?)?;
    // A page whose ASCII could be read this far is not UTF-16, whatever it says.
    let wide = found == encoding_rs::UTF_16LE || found == encoding_rs::UTF_16BE;
    Some(if wide { UTF_8 } else { found })
}

fn of_label(text: &[u8]) -> Option<&'static Encoding> {
    let text = text.trim_ascii_start();
    let text = match text {
        [b'"' | b'\'', rest @ ..] => rest,
        _ => text,
    };
    let end = text.iter().position(|byte| {
        matches!(byte, b'"' | b'\'' | b';' | b'>' | b'/') || byte.is_ascii_whitespace()
    });
    Encoding::for_label(text.get(..end.unwrap_or(text.len()))?)
}

fn after<'t>(text: &'t [u8], what: &[u8]) -> Option<&'t [u8]> {
    let at = text.windows(what.len()).position(|window| window == what)?;
    text.get(at + what.len()..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: &'static str, body: &[u8]) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
        decode(&headers, body).into_owned()
    }

    #[test]
    fn the_encoding_is_found_where_it_is_declared() {
        let sjis = encoding_rs::SHIFT_JIS.encode("エラー").0;
        assert_eq!(read("text/html; charset=Shift_JIS", &sjis), "エラー");
        let page = [&b"<html><meta charset='shift_jis'><title>"[..], &sjis].concat();
        assert!(read("text/html", &page).ends_with("エラー"));
        let equiv = b"<meta http-equiv=Content-Type content=\"text/html; charset=windows-1251\">";
        let page = [&equiv[..], &encoding_rs::WINDOWS_1251.encode("ошибка").0].concat();
        assert!(read("text/html", &page).ends_with("ошибка"));
        assert_eq!(read("text/html", "\u{feff}ü".as_bytes()), "ü");
        assert_eq!(
            read("text/html; charset=latin1", b"\xef\xbb\xbf\xc3\xbc"),
            "ü"
        );
        assert_eq!(read("text/html", "ü".as_bytes()), "ü");
        assert_eq!(read("text/html", b"\xfc"), "ü");
        assert_eq!(read("text/html; charset=\"no-such\"", "ü".as_bytes()), "ü");
        assert_eq!(
            read("text/html", b"<meta charset=utf-16>ok"),
            "<meta charset=utf-16>ok"
        );
    }
}
