//! Where a redirect may lead, and what is carried along: nothing that another origin has no business to see.

use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use http::{Method, header};
use url::Url;

use super::Hop;

/// Longer targets are not followed.
const LONGEST_LOCATION: usize = 8 * 1024;

/// The target of `location` seen from `from`, or why it is not followed.
pub(super) fn next(from: &Url, location: &[u8]) -> Result<Url, String> {
    if location.len() > LONGEST_LOCATION {
        return Err(format!(
            "redirect to an address of {} bytes",
            location.len()
        ));
    }
    let text = std::str::from_utf8(location)
        .map_err(|_| "redirect to an address that is not UTF-8".to_owned())?;
    let mut to = from
        .join(text)
        .map_err(|fault| format!("redirect to no address: {fault}"))?;
    if !matches!(to.scheme(), "http" | "https") || to.host_str().is_none() {
        return Err(format!("redirect to the scheme {:?}", to.scheme()));
    }
    if from.scheme() == "https" && to.scheme() == "http" {
        return Err("redirect from https to http".to_owned());
    }
    // reqwest would turn user information into an Authorization header.
    let _ = to.set_username("");
    let _ = to.set_password(None);
    to.set_fragment(None);
    Ok(to)
}

/// Whether the next request is a GET without body (RFC 9110, 15.4).
pub(super) fn becomes_get(status: u16, method: &Method) -> bool {
    match status {
        303 => *method != Method::HEAD,
        301 | 302 => *method == Method::POST,
        _ => false,
    }
}

/// Takes out what describes a body that is no longer sent.
pub(super) fn drop_body_headers(headers: &mut HeaderMap) {
    for name in [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING] {
        headers.remove(name);
    }
}

/// What another origin gets of our headers. An allow-list: a header of the user's may be a secret under any name.
pub(super) fn for_a_stranger(headers: &HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::new();
    for name in [ACCEPT, header::ACCEPT_LANGUAGE, header::USER_AGENT] {
        if let Some(value) = headers.get(&name).filter(|value| !value.is_sensitive()) {
            kept.insert(name, value.clone());
        }
    }
    kept
}

/// The redirects that led to a failure, to stand before its reason: the first ones, then their number.
pub(super) fn told(hops: &[Hop]) -> String {
    const SHOWN: usize = 5;
    if hops.is_empty() {
        return String::new();
    }
    let mut shown: Vec<String> = hops.iter().take(SHOWN).map(Hop::to_string).collect();
    if hops.len() > SHOWN {
        shown.push(format!("{} more", hops.len() - SHOWN));
    }
    format!("(redirected by {}) ", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_http_is_followed_and_never_from_https_to_http() {
        let from = Url::parse("https://a.example/x/y").unwrap();
        let follow = |to: &str| next(&from, to.as_bytes()).map(String::from);
        assert_eq!(follow("../z").as_deref(), Ok("https://a.example/z"));
        assert_eq!(
            follow("//u:p@b.example/#f").as_deref(),
            Ok("https://b.example/")
        );
        for bad in [
            "http://a.example/",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "https://",
            "data:,x",
        ] {
            assert!(follow(bad).is_err(), "{bad}");
        }
        assert!(next(&from, &[b'a'; 9000]).is_err());
        assert!(next(&from, &[0xff]).is_err());
        let plain = Url::parse("http://a.example/").unwrap();
        assert!(next(&plain, b"https://a.example/").is_ok());
    }

    #[test]
    fn a_stranger_sees_no_header_of_the_users() {
        let mut headers = HeaderMap::new();
        headers.insert("x-api-key", "k".parse().unwrap());
        headers.insert("accept", "text/html".parse().unwrap());
        headers.insert("content-type", "application/json".parse().unwrap());
        let kept = for_a_stranger(&headers);
        assert_eq!(kept.keys().collect::<Vec<_>>(), ["accept"]);
    }

    #[test]
    fn a_post_becomes_a_get_as_browsers_do_it() {
        assert!(becomes_get(302, &Method::POST));
        assert!(becomes_get(303, &Method::PUT));
        assert!(!becomes_get(307, &Method::POST));
        assert!(!becomes_get(303, &Method::HEAD));
    }
}
