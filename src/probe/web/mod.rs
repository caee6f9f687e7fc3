//! The kind `web`: a page as people see it. It comes with a 2xx, is HTML, has a title, is no error page, and so is the
//! script or stylesheet that it needs first.

mod asset;
mod charset;
mod errors;
mod page;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, header};
use toml::Spanned;
use toml::de::DeValue;
use url::Url;

use self::errors::{Class, Found};
use self::page::Page;
use super::expect::Expect;
use super::fields::Fields;
use super::headers::shared;
use super::reply::Reply;
use super::target::{self, Auth};
use super::verdict::{refusal, unfinished, wrong};
use super::{Check, Judgement, Keep, Kind, Pace, Prepared, Request, Step, Surroundings, classify};
use crate::diagnostic::Problem;
use crate::model::{Confirm, FailureKind, Fault, Outcome, Phase};

/// The kind `web`.
pub const KIND: Kind = Kind {
    name: "web",
    keys: &[
        "url",
        "path",
        "headers",
        "query",
        "auth",
        "redirects",
        "asset",
        "error_pages",
        "expect",
    ],
    sends_key: false,
    confirm: Confirm::CHEAP,
    pace: Pace::USUAL,
    build,
};

const EXPECT_KEYS: &[&str] = &["status", "headers", "text", "not_text", "min_bytes"];
/// As browsers ask for a page.
const ACCEPT: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
/// Pages send people on: to https, to `www`, to their language.
const REDIRECTS: u8 = 3;
/// Pages that bring their data along are larger than an API's answer.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

#[derive(Debug)]
struct Web {
    request: Request,
    expect: Arc<Expect>,
    /// Whether the main asset is fetched.
    asset: bool,
    /// Whether known error pages fail the run.
    error_pages: bool,
    host: String,
    asks: String,
}

fn build(
    table: &Spanned<DeValue<'_>>,
    around: &Surroundings<'_>,
) -> Result<Box<dyn Check>, Vec<Problem>> {
    let mut fields = Fields::of(table);
    let mut url = target::url(&mut fields, around, None);
    let shown = url
        .as_mut()
        .map(|url| target::query(&mut fields, around, url));
    let mut headers = target::headers(&mut fields, around, Auth::None);
    let own = |name: &str| {
        let value = table.get_ref().get("headers");
        let given = value.and_then(|v| v.get_ref().as_table());
        given.is_some_and(|t| t.keys().any(|key| key.get_ref().eq_ignore_ascii_case(name)))
    };
    for (name, value) in [
        (header::ACCEPT, ACCEPT),
        (header::ACCEPT_LANGUAGE, "en, *;q=0.5"),
    ] {
        if !own(name.as_str()) {
            headers.all.insert(name, HeaderValue::from_static(value));
        }
    }
    let most = u64::from(Prepared::MOST_REDIRECTS);
    let redirects = fields
        .number("redirects", 0..most + 1)
        .and_then(|n| u8::try_from(n).ok());
    let asset = fields.truth("asset").unwrap_or(true);
    let error_pages = fields.truth("error_pages").unwrap_or(true);
    let expect = Expect::read(&mut fields, &[EXPECT_KEYS, Expect::COMMON].concat());
    let problems = fields.problems();
    let (Some(url), Some(shown), true) = (url, shown, problems.is_empty()) else {
        return Err(problems);
    };
    Ok(Box::new(Web {
        host: target::host(&url),
        asks: format!("GET {shown}, as a page"),
        request: Request {
            prepared: Arc::new(Prepared {
                method: Method::GET,
                url,
                headers: shared(headers.all),
                secret: headers.secret,
                redirects: redirects.unwrap_or(REDIRECTS),
                max_bytes: expect.max_bytes.unwrap_or(PAGE_BYTES),
                keep: Keep::Whole,
            }),
            body: Bytes::new(),
        },
        expect,
        asset,
        error_pages,
    }))
}

impl Web {
    fn judge_page(&self, reply: &Reply) -> Step {
        if !self.expect.wants(reply.status) {
            return self.refused(reply).into();
        }
        let early = self.expect.fault_of_headers(reply);
        if let Some(failed) = early.or_else(|| unfinished(reply)) {
            return failed.into();
        }
        if !classify::is_html(&reply.headers) {
            return no_page(reply).into();
        }
        let html = charset::decode(&reply.headers, &reply.body);
        let page = Page::read(&html);
        match self.fault_of_page(reply, &html, &page) {
            Some(failed) => failed.into(),
            None => self.go_on(reply, &page),
        }
    }

    /// A status that was not wanted: whose page came with it may say more.
    fn refused(&self, reply: &Reply) -> Judgement {
        let mut refused = match (200..300).contains(&reply.status) {
            true => {
                let why = format!("HTTP {}, wanted {}", reply.status, self.expect.wanted());
                return super::verdict::failure(
                    FailureKind::UnexpectedStatus,
                    Fault::Provider,
                    Phase::FirstByte,
                    why,
                );
            }
            false => refusal(reply, &self.expect.wanted()),
        };
        if self.error_pages && classify::is_html(&reply.headers) {
            let html = charset::decode(&reply.headers, &reply.body);
            let found = errors::known(&Page::read(&html), html.as_bytes());
            if let Some(found) = found.filter(|found| says_more(found.class, refused.outcome)) {
                refused.outcome = found.class.outcome(reply.status);
                refused.why = format!("{} ({})", refused.why, told(&found));
            }
        }
        refused
    }

    fn fault_of_page(&self, reply: &Reply, html: &str, page: &Page) -> Option<Judgement> {
        let challenged = reply.headers.contains_key("cf-mitigated");
        if challenged {
            let why = "a bot check of Cloudflare came in place of the page".to_owned();
            return Some(wrong(FailureKind::Blocked, Fault::Blocked, why));
        }
        let found = self
            .error_pages
            .then(|| errors::known(page, html.as_bytes()));
        if let Some(found) = found.flatten() {
            return Some(Judgement {
                outcome: found.class.outcome(reply.status),
                failed_in: Some(Phase::Body),
                why: format!(
                    "HTTP {} with {}: {}",
                    reply.status,
                    told(&found),
                    glimpse(page)
                ),
                found: None,
            });
        }
        if html.trim().is_empty() {
            let why = format!("HTTP {} and a page without content", reply.status);
            return Some(wrong(FailureKind::Empty, Fault::Provider, why));
        }
        if page.title.is_empty() {
            let why = format!("the page has no title: {}", glimpse(page));
            return Some(wrong(FailureKind::WrongContent, Fault::Provider, why));
        }
        let content = self.expect.fault_of_content(html.as_bytes());
        if let Some(why) = content.or_else(|| self.expect.fault_of_size(reply)) {
            let why = format!("{why}: {}", glimpse(page));
            return Some(wrong(FailureKind::WrongContent, Fault::Provider, why));
        }
        self.expect.fault_of_wire(reply)
    }

    fn go_on(&self, reply: &Reply, page: &Page) -> Step {
        let slow = self.expect.slow(reply);
        let at = self.address(reply);
        let main = self.asset.then(|| page.main_asset(at)).flatten();
        match main {
            Some((kind, url)) => {
                let slow = slow.map(|slow| slow.why);
                Step::Then(Box::new(asset::fetch(kind, url, slow)))
            }
            None => slow.unwrap_or(Judgement::SUCCESS).into(),
        }
    }

    /// Where the page was found.
    fn address<'r>(&'r self, reply: &'r Reply) -> &'r Url {
        reply
            .wire
            .landed
            .as_ref()
            .unwrap_or(&self.request.prepared.url)
    }

    fn judge_asset(&self, reply: &Reply) -> Judgement {
        if let Some(failed) = asset::fault(reply) {
            return failed;
        }
        match reply.memory.values.get(asset::SLOW) {
            Some(why) => Judgement {
                outcome: Outcome::Degraded(FailureKind::TooSlow),
                why: why.clone(),
                ..Judgement::SUCCESS
            },
            None => self.expect.slow_in_all(reply).unwrap_or(Judgement::SUCCESS),
        }
    }
}

/// Whether a page's class is finer than what its status was taken for.
fn says_more(class: Class, refused: Outcome) -> bool {
    match class {
        Class::Blocked | Class::Portal | Class::Proxy | Class::Maintenance => true,
        Class::Edge | Class::Overloaded => matches!(
            refused,
            Outcome::Failure(FailureKind::ServerError | FailureKind::UnexpectedStatus, _)
        ),
        Class::ServerError | Class::WrongPage => false,
    }
}

/// `an error page of the edge (CloudFront)`.
fn told(found: &Found) -> String {
    format!("{} ({})", found.class.words(), found.of)
}

/// What a person would see first.
fn glimpse(page: &Page) -> String {
    let seen = match (page.title.as_str(), page.headings.first()) {
        ("", Some(heading)) => format!("heading \"{heading}\""),
        ("", None) => page.text.clone(),
        (title, Some(heading)) if page::normal(title) != *heading => {
            format!("title \"{title}\", heading \"{heading}\"")
        }
        (title, _) => format!("title \"{title}\""),
    };
    match seen.trim() {
        "" => "nothing to see".to_owned(),
        seen => super::evidence::fit(seen, 400),
    }
}

/// Something else than a page came.
fn no_page(reply: &Reply) -> Judgement {
    let kind = reply.headers.get(header::CONTENT_TYPE);
    let kind = kind.map_or("no content-type".to_owned(), |kind| {
        let kind = String::from_utf8_lossy(kind.as_bytes());
        format!("content-type {}", super::evidence::fit(&kind, 100))
    });
    let why = format!(
        "HTTP {} and no page ({kind}, wanted text/html)",
        reply.status
    );
    wrong(
        FailureKind::WrongContent,
        Fault::Provider,
        super::evidence::with_excerpt(why, &reply.body),
    )
}

impl Check for Web {
    fn first(&self, _: u64) -> Request {
        self.request.clone()
    }

    fn judge(&self, reply: &Reply) -> Step {
        match reply.memory.stage {
            0 => self.judge_page(reply),
            _ => self.judge_asset(reply).into(),
        }
    }

    fn halted(&self, failed: Judgement, reply: &Reply) -> Step {
        match reply.memory.stage {
            0 => failed.into(),
            _ => asset::named(failed, reply).into(),
        }
    }

    fn host(&self) -> &str {
        &self.host
    }

    fn describe(&self) -> String {
        self.asks.clone()
    }
}
