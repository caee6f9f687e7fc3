//! The finished SVG document: sized, named for screen readers, and with colours that follow the reader's scheme.

use std::fmt::Write as _;

use super::look::{Ink, Scheme};

/// Wraps what the pen has drawn.
///
/// `drawing` is a document of the drawing crate; its first line is replaced, all of its colours are those of `scheme`.
pub fn finish(
    drawing: &str,
    size: (u32, u32),
    view: (u32, u32),
    scheme: Scheme,
    title: &str,
    description: &str,
) -> String {
    let body = drawing.split_once('\n').map_or("", |(_, body)| body);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" viewBox=\"0 0 {} {}\" role=\"img\" aria-labelledby=\"title text\">\n<title id=\"title\">{}</title>\n<desc id=\"text\">{}</desc>\n",
        size.0,
        size.1,
        view.0,
        view.1,
        escape(title),
        escape(description)
    );
    if scheme == Scheme::Light {
        text.push_str(&dark_rules());
    }
    // What is said on every element and is the default anyway.
    let body = body
        .replace(" opacity=\"1\"", "")
        .replace(" stroke=\"none\"", "");
    text.push_str(&body);
    text
}

/// Each colour of the light scheme, as it is in the dark one.
fn dark_rules() -> String {
    let mut rules = String::from("<style>@media (prefers-color-scheme:dark){");
    for ink in Ink::ALL {
        let (light, dark) = (hex(*ink, Scheme::Light), hex(*ink, Scheme::Dark));
        // Writing into a string cannot fail.
        let _ = write!(
            rules,
            "[fill=\"{light}\"]{{fill:{dark}}}[stroke=\"{light}\"]{{stroke:{dark}}}"
        );
    }
    rules.push_str("}</style>\n");
    rules
}

/// As the drawing crate writes it.
fn hex(ink: Ink, scheme: Scheme) -> String {
    let (red, green, blue) = ink.rgb(scheme);
    format!("#{red:02X}{green:02X}{blue:02X}")
}

/// Text between tags. Control characters have no place in XML, not even escaped.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !c.is_control()) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    out
}
