//! The cookies of one run, kept as a browser keeps them (RFC 6265). The one place that meets the crate for it.

use std::fmt;

use cookie_store::CookieStore;
use http::{HeaderMap, HeaderValue, header};
use url::Url;

use crate::model::Secret;

/// More cookies than a site sets in a login; later ones are not kept.
const MOST_COOKIES: usize = 50;
/// Browsers keep no longer one.
const LONGEST_COOKIE: usize = 4096;

/// The cookies so far. Its `Debug` tells their number only.
#[derive(Clone, Default)]
pub(super) struct Cookies(CookieStore);

impl Cookies {
    /// Takes the `Set-Cookie`s of a reply from `url`. What is no cookie, or not for that host, is left out.
    pub(super) fn keep(&mut self, headers: &HeaderMap, url: &Url) {
        for cookie in headers.get_all(header::SET_COOKIE) {
            let Ok(text) = std::str::from_utf8(cookie.as_bytes()) else {
                continue;
            };
            if text.len() <= LONGEST_COOKIE && self.0.iter_any().count() < MOST_COOKIES {
                // A cookie that cannot be kept is ignored, as browsers do it.
                let _ = self.0.parse(text, url);
            }
        }
    }

    /// The `Cookie` header for a request to `url`; `None` when there are none for it.
    pub(super) fn header(&self, url: &Url) -> Option<HeaderValue> {
        let pairs: Vec<String> = self
            .0
            .get_request_values(url)
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if pairs.is_empty() {
            return None;
        }
        let mut header = HeaderValue::from_str(&pairs.join("; ")).ok()?;
        header.set_sensitive(true);
        Some(header)
    }

    /// The value of a cookie that is sent to `url`.
    pub(super) fn value(&self, url: &Url, name: &str) -> Option<String> {
        let mut all = self.0.get_request_values(url);
        all.find(|(n, _)| *n == name)
            .map(|(_, value)| value.to_owned())
    }

    /// All values, for the redactor.
    pub(super) fn secrets(&self) -> impl Iterator<Item = Secret> + '_ {
        let value = |cookie: &cookie_store::Cookie<'static>| Secret::new(cookie.value().to_owned());
        self.0.iter_any().map(value)
    }
}

impl fmt::Debug for Cookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cookies", self.0.iter_any().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn kept(cookies: &[&str]) -> Cookies {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(header::SET_COOKIE, cookie.parse().unwrap());
        }
        let mut jar = Cookies::default();
        jar.keep(&headers, &url("https://a.example/in/side"));
        jar
    }

    #[test]
    fn cookies_go_where_they_came_from_and_nowhere_else() {
        let jar = kept(&[
            "sid=secret; Path=/; HttpOnly; Secure",
            "deep=1",
            "wide=2; Domain=a.example; Path=/",
            "no=3; Domain=b.example",
            "garbage",
        ]);
        let sent = |to: &str| {
            let header = jar.header(&url(to));
            let mut pairs: Vec<_> = header
                .iter()
                .flat_map(|h| h.to_str().unwrap().split("; "))
                .map(str::to_owned)
                .collect();
            pairs.sort_unstable();
            pairs.join(" ")
        };
        assert_eq!(sent("https://a.example/in/x"), "deep=1 sid=secret wide=2");
        assert_eq!(sent("https://a.example/"), "sid=secret wide=2");
        assert_eq!(sent("http://a.example/"), "wide=2");
        assert_eq!(sent("https://sub.a.example/"), "wide=2");
        assert_eq!(sent("https://b.example/"), "");
        assert_eq!(format!("{jar:?}"), "3 cookies");
    }

    #[test]
    fn an_expired_cookie_is_forgotten() {
        let mut jar = kept(&["sid=1; Path=/"]);
        let mut headers = HeaderMap::new();
        headers.append(
            header::SET_COOKIE,
            "sid=; Path=/; Max-Age=0".parse().unwrap(),
        );
        jar.keep(&headers, &url("https://a.example/"));
        assert_eq!(jar.value(&url("https://a.example/"), "sid"), None);
    }
}
