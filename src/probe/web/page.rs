//! What people see of a page: its title, its first headings, its text; and the scripts and stylesheets that it names.
//!
//! Read by a tokenizer that follows the HTML standard, in one pass and with bounds, so that no page costs much.

use std::collections::BTreeMap;

use html5gum::emitters::default::DefaultEmitter;
use html5gum::{HtmlString, StartTag, Token, Tokenizer};
use url::Url;

/// Text beyond this is not an error page's, and is counted no further.
const MOST_CHARS: usize = 20_000;
/// Of headings and assets no more are kept: the first ones decide.
const MOST_HEADINGS: usize = 3;
const MOST_ASSETS: usize = 50;
/// A title or heading is a line.
const LONGEST_LINE: usize = 300;
/// Elements whose text nobody sees.
const UNSEEN: &[&str] = &[
    "script", "style", "noscript", "template", "svg", "iframe", "object", "dialog", "head",
];
/// Elements that a head holds.
const IN_HEAD: &[&str] = &[
    "head", "title", "meta", "link", "script", "style", "base", "noscript", "template",
];
/// Elements whose text is shown as an example: counted, and never looked at.
const QUOTED: &[&str] = &["pre", "code", "kbd", "samp", "textarea", "blockquote"];
/// Elements that have no end.
const VOID: &[&str] = &[
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track",
    "wbr",
];

/// A page, as far as it is read. All texts are [`normal`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Page {
    /// As it stands, on one line.
    pub title: String,
    /// The first ones.
    pub headings: Vec<String>,
    /// What is seen in the body, without what is quoted.
    pub text: String,
    /// Visible characters, quoted ones too; at most a little more than [`MOST_CHARS`].
    pub chars: usize,
    /// Scripts and stylesheets, in the order of the page.
    pub assets: Vec<Asset>,
    /// The address that relative ones are relative to, when the page names one.
    base: Option<String>,
}

/// A script or a stylesheet of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asset {
    pub kind: AssetKind,
    /// As the page names it.
    pub address: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AssetKind {
    Script,
    Stylesheet,
}

impl AssetKind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            AssetKind::Script => "script",
            AssetKind::Stylesheet => "stylesheet",
        }
    }

    /// The kind of a name.
    pub(super) fn of(name: &str) -> Option<Self> {
        [AssetKind::Script, AssetKind::Stylesheet]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

impl Page {
    /// Reads a page.
    pub(super) fn read(html: &str) -> Self {
        let mut emitter = DefaultEmitter::default();
        // Without this the text of a script would be taken for tags.
        emitter.naively_switch_states(true);
        let mut reader = Reader::default();
        for token in Tokenizer::new_with_emitter(html, emitter) {
            let Ok(token) = token;
            match token {
                Token::StartTag(tag) => reader.begins(&tag),
                Token::EndTag(tag) => reader.ends(&tag.name),
                Token::String(text) => reader.says(&String::from_utf8_lossy(&text)),
                _ => {}
            }
        }
        reader.page()
    }

    /// The first script or stylesheet of the page's own site, with its address; `at` is the page's.
    pub(super) fn main_asset(&self, at: &Url) -> Option<(AssetKind, Url)> {
        let base = self.base.as_deref().and_then(|base| at.join(base).ok());
        let base = base.as_ref().unwrap_or(at);
        self.assets.iter().find_map(|asset| {
            let url = base.join(&asset.address).ok()?;
            let fit = matches!(url.scheme(), "http" | "https")
                && (at.scheme() == "http" || url.scheme() == "https")
                && same_site(at.host_str()?, url.host_str()?);
            fit.then_some((asset.kind, url))
        })
    }
}

/// The same host, or one below the page's (less its `www`).
fn same_site(page: &str, asset: &str) -> bool {
    let site = page.strip_prefix("www.").unwrap_or(page);
    asset == page
        || asset == site
        || asset
            .strip_suffix(site)
            .is_some_and(|below| below.ends_with('.'))
}

/// Text in lower case, on one line, blanks and apostrophes of one kind.
pub(super) fn normal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_whitespace() {
            if !out.is_empty() && !out.ends_with(' ') {
                out.push(' ');
            }
        } else if matches!(c, '\u{2019}' | '\u{2018}' | '\u{2bc}' | '\u{b4}' | '`') {
            out.push('\'');
        } else if !matches!(c, '\u{200b}'..='\u{200f}' | '\u{ad}' | '\u{feff}') {
            out.extend(c.to_lowercase());
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// Where the reader stands.
#[derive(Debug, Default)]
struct Reader {
    page: Page,
    /// Raw pieces, made normal at the end.
    title: String,
    text: String,
    heading: Option<String>,
    in_title: bool,
    has_title: bool,
    /// The element that hides its text, and how often one of its name has begun within it.
    unseen: Option<(String, usize)>,
    quoted: Option<(String, usize)>,
}

impl Reader {
    fn begins(&mut self, tag: &StartTag<()>) {
        let name = String::from_utf8_lossy(&tag.name).into_owned();
        self.note(&name, tag);
        for scope in [&mut self.unseen, &mut self.quoted] {
            if let Some((inside, depth)) = scope
                && *inside == name
            {
                *depth += 1;
            }
        }
        if VOID.contains(&name.as_str()) || tag.self_closing {
            return self.gap();
        }
        let hidden = UNSEEN.contains(&name.as_str()) && !opened(&name, tag) || is_hidden(tag);
        // What belongs into the body ends a head that nobody has closed.
        if self.within("head") && !IN_HEAD.contains(&name.as_str()) {
            self.unseen = None;
        }
        if self.unseen.is_none() && hidden {
            self.unseen = Some((name.clone(), 1));
        } else if self.quoted.is_none() && QUOTED.contains(&name.as_str()) {
            self.quoted = Some((name.clone(), 1));
        }
        match name.as_str() {
            // A drawing has titles too.
            "title" if !self.has_title && !self.within("svg") => self.in_title = true,
            "h1" | "h2" if self.unseen.is_none() => self.heading = Some(String::new()),
            _ => {}
        }
        self.gap();
    }

    /// Takes what matters of a tag wherever it stands.
    fn note(&mut self, name: &str, tag: &StartTag<()>) {
        let asset = match name {
            "script" if is_script(tag) => attribute(tag, "src").map(|a| (AssetKind::Script, a)),
            "link" if is_stylesheet(tag) => {
                attribute(tag, "href").map(|a| (AssetKind::Stylesheet, a))
            }
            "base" if self.page.base.is_none() => {
                self.page.base = attribute(tag, "href");
                None
            }
            _ => None,
        };
        if let Some((kind, address)) = asset
            && self.page.assets.len() < MOST_ASSETS
            && !address.trim().is_empty()
        {
            self.page.assets.push(Asset { kind, address });
        }
    }

    fn ends(&mut self, name: &HtmlString) {
        let name = String::from_utf8_lossy(name);
        match &*name {
            "title" if self.in_title => (self.in_title, self.has_title) = (false, true),
            "h1" | "h2" => {
                let heading = self.heading.take().map(|raw| line(&raw));
                if let Some(heading) = heading.filter(|h| !h.is_empty())
                    && self.page.headings.len() < MOST_HEADINGS
                {
                    self.page.headings.push(heading);
                }
            }
            _ => {}
        }
        for scope in [&mut self.unseen, &mut self.quoted] {
            if let Some((inside, depth)) = scope
                && *inside == *name
            {
                *depth -= 1;
                if *depth == 0 {
                    *scope = None;
                }
            }
        }
        self.gap();
    }

    fn says(&mut self, text: &str) {
        if self.in_title {
            self.title.push_str(text);
            return;
        }
        if self.unseen.is_some() || self.page.chars > MOST_CHARS {
            return;
        }
        self.page.chars += text
            .split_whitespace()
            .map(|w| w.chars().count() + 1)
            .sum::<usize>();
        if let Some(heading) = &mut self.heading {
            heading.push_str(text);
        }
        if self.quoted.is_none() {
            self.text.push_str(text);
        }
    }

    /// What tags part does not run into one word.
    fn gap(&mut self) {
        if !self.text.ends_with(' ') {
            self.text.push(' ');
        }
        if let Some(heading) = &mut self.heading {
            heading.push(' ');
        }
    }

    fn within(&self, element: &str) -> bool {
        self.unseen
            .as_ref()
            .is_some_and(|(name, _)| name == element)
    }

    fn page(mut self) -> Page {
        self.page.title = self
            .title
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .chars()
            .take(LONGEST_LINE)
            .collect();
        self.page.text = normal(&self.text);
        self.page
    }
}

fn line(raw: &str) -> String {
    normal(raw).chars().take(LONGEST_LINE).collect()
}

fn attribute(tag: &StartTag<()>, name: &str) -> Option<String> {
    let value = tag.attributes.get(name.as_bytes())?;
    Some(String::from_utf8_lossy(value).into_owned())
}

fn lower(
    attributes: &BTreeMap<HtmlString, html5gum::Spanned<HtmlString, ()>>,
    name: &str,
) -> String {
    let value = attributes.get(name.as_bytes());
    value.map_or_else(String::new, |value| {
        String::from_utf8_lossy(value).to_ascii_lowercase()
    })
}

/// Whether its text is not shown.
fn is_hidden(tag: &StartTag<()>) -> bool {
    let style = lower(&tag.attributes, "style").replace(' ', "");
    tag.attributes.contains_key(&b"hidden"[..])
        || style.contains("display:none")
        || style.contains("visibility:hidden")
}

/// A dialog that is open is seen.
fn opened(name: &str, tag: &StartTag<()>) -> bool {
    name == "dialog" && tag.attributes.contains_key(&b"open"[..])
}

/// A script of the page, not data in its clothes.
fn is_script(tag: &StartTag<()>) -> bool {
    let kind = lower(&tag.attributes, "type");
    kind.is_empty()
        || kind == "module"
        || kind.contains("javascript")
        || kind.contains("ecmascript")
}

/// A stylesheet that applies at once.
fn is_stylesheet(tag: &StartTag<()>) -> bool {
    let relation = lower(&tag.attributes, "rel");
    let mut words = relation.split_ascii_whitespace();
    words.clone().any(|word| word == "stylesheet") && !words.any(|word| word == "alternate")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<!doctype html><html><head><title>
        My  Page &amp; more </title><link rel="preload" href="/p.js"><link rel=stylesheet href=/s.css>
        <script type="application/json" src="/data"></script><script src="app.js" defer></script>
        <script>document.write("<h1>not seen</h1>")</script><style>h1 { color: red }</style></head>
        <body><svg><title>drawing</title></svg><h1>Hello<br>World</h1><noscript>no script</noscript>
        <p>Some&nbsp;text, it’s <code>quoted error</code> here</p><div hidden>hidden <div>text</div> x</div>
        <div style="display: none">also hidden</div><p>after</p></body></html>"#;

    #[test]
    fn what_people_see_is_read_and_nothing_else() {
        let page = Page::read(PAGE);
        assert_eq!(page.title, "My Page & more");
        assert_eq!(page.headings, ["hello world"]);
        assert_eq!(page.text, "hello world some text, it's here after");
        let all = "hello world some text, it's quoted error here after";
        assert!(page.chars.abs_diff(all.len()) < 4, "{}", page.chars);
    }

    #[test]
    fn the_main_asset_is_the_first_of_the_pages_own_site() {
        let page = Page::read(PAGE);
        let at: Url = "https://www.a.example/x/".parse().unwrap();
        let main = |html: &str| {
            let (kind, url) = Page::read(html).main_asset(&at)?;
            Some(format!("{} {url}", kind.name()))
        };
        assert_eq!(
            page.main_asset(&at)
                .map(|(kind, url)| (kind, url.to_string())),
            Some((
                AssetKind::Stylesheet,
                "https://www.a.example/s.css".to_owned()
            ))
        );
        for (html, wanted) in [
            (
                "<script src=app.js>",
                Some("script https://www.a.example/x/app.js"),
            ),
            (
                "<base href=/b/><script src=app.js>",
                Some("script https://www.a.example/b/app.js"),
            ),
            (
                "<script src=//cdn.other.example/a.js></script><script src=//static.a.example/a.js>",
                Some("script https://static.a.example/a.js"),
            ),
            ("<script src=https://nota.example/a.js>", None),
            ("<script src=http://www.a.example/a.js>", None),
            ("<script src=data:text/javascript,1>", None),
            ("<script src=''>", None),
            ("<link rel='alternate stylesheet' href=/a.css>", None),
            ("<p>nothing", None),
        ] {
            assert_eq!(main(html).as_deref(), wanted, "{html}");
        }
    }

    #[test]
    fn no_page_makes_it_panic_or_keep_much() {
        for html in [
            "",
            "<",
            "<title>",
            "<h1><h1></h2></h1>",
            "</pre></script>",
            "<div hidden>",
            "\0<\0>",
        ] {
            Page::read(html);
        }
        let unclosed = Page::read("<head><title>t</title><meta charset=utf-8><h1>seen</h1>");
        assert_eq!(
            (unclosed.title.as_str(), unclosed.text.as_str()),
            ("t", "seen")
        );
        let long = Page::read(&"<script src=a></script><h1>x</h1>word ".repeat(100_000));
        assert_eq!((long.assets.len(), long.headings.len()), (50, 3));
        assert!(long.chars < 2 * MOST_CHARS && long.text.len() < 4 * MOST_CHARS);
    }
}
