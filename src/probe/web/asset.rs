//! The main asset of a page: a page whose script or stylesheet is gone is white, whatever its own status says.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use url::Url;

use super::page::AssetKind;
use crate::model::{FailureKind, Fault, Outcome, Phase};
use crate::probe::classify::is_html;
use crate::probe::evidence::fit;
use crate::probe::reply::{End, Memory, Reply};
use crate::probe::verdict::{failure, refusal, unfinished};
use crate::probe::{Judgement, Keep, Next, Prepared, Request};

/// Content networks send an asset's reader on.
const REDIRECTS: u8 = 3;
/// That its bytes come is seen from the first of them; the rest is not fetched.
const ENOUGH_BYTES: usize = 64 * 1024;
/// What the check remembers.
const KIND: &str = "kind";
const PATH: &str = "path";
/// Why the page itself was slow, when it was.
pub(super) const SLOW: &str = "slow";

/// The request for it. Nothing of ours goes along.
pub(super) fn fetch(kind: AssetKind, url: Url, slow: Option<String>) -> Next {
    let mut memory = Memory {
        stage: 1,
        ..Memory::default()
    };
    let path = fit(url.path(), 200);
    memory
        .values
        .insert(KIND.to_owned(), kind.name().to_owned());
    memory.values.insert(PATH.to_owned(), path);
    if let Some(slow) = slow {
        memory.values.insert(SLOW.to_owned(), slow);
    }
    let mut headers = HeaderMap::new();
    let accept = match kind {
        AssetKind::Script => "*/*",
        AssetKind::Stylesheet => "text/css,*/*;q=0.1",
    };
    headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
    let mut url = url;
    // reqwest would turn user information into an Authorization header.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    Next {
        request: Request {
            prepared: Arc::new(Prepared {
                method: Method::GET,
                url,
                headers: Arc::new(headers),
                secret: Vec::new(),
                redirects: REDIRECTS,
                max_bytes: ENOUGH_BYTES,
                keep: Keep::Nothing,
            }),
            body: Bytes::new(),
        },
        after: Duration::ZERO,
        memory,
        doing: "",
    }
}

/// A failure of the connection, with what it was for.
pub(super) fn named(mut failed: Judgement, reply: &Reply) -> Judgement {
    failed.why = format!("{}: {}", what(reply), failed.why);
    failed
}

/// `the script /app.js of the page`.
fn what(reply: &Reply) -> String {
    let said = |key| reply.memory.values.get(key).map_or("", String::as_str);
    format!("the {} {} of the page", said(KIND), said(PATH))
}

/// What is wrong with it; `None` when it is as it should be.
pub(super) fn fault(reply: &Reply) -> Option<Judgement> {
    if !(200..300).contains(&reply.status) {
        let mut refused = refusal(reply, "2xx");
        // The address is the page's own: that nothing is there is not our mistake.
        if let Outcome::Failure(kind, Fault::Ours) = refused.outcome
            && kind != FailureKind::RateLimited
        {
            refused.outcome = Outcome::Failure(kind, Fault::Provider);
        }
        return Some(named(refused, reply));
    }
    if reply.end != End::TooLarge
        && let Some(failed) = unfinished(reply)
    {
        return Some(named(failed, reply));
    }
    let wrong = |kind, phase, why: String| {
        let why = format!("{} {why}", what(reply));
        Some(failure(kind, Fault::Provider, phase, why))
    };
    let kind = reply.memory.values.get(KIND);
    if let Some(found) = unfit(kind.and_then(|k| AssetKind::of(k)), &reply.headers) {
        let why = format!("is of the type {found}");
        return wrong(FailureKind::WrongContent, Phase::FirstByte, why);
    }
    if reply.read_bytes == 0 {
        return wrong(FailureKind::Empty, Phase::Body, "is empty".to_owned());
    }
    None
}

/// The type of an answer that no browser would take for the asset.
fn unfit(kind: Option<AssetKind>, headers: &HeaderMap) -> Option<String> {
    let found = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let lower = found.to_ascii_lowercase();
    let essence = lower.split(';').next().unwrap_or_default().trim();
    let strict = headers
        .get(header::X_CONTENT_TYPE_OPTIONS)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"nosniff"));
    let right = match kind {
        Some(AssetKind::Stylesheet) => essence == "text/css",
        _ => {
            let script = essence.ends_with("javascript") || essence.ends_with("ecmascript");
            // Browsers run these too, unless the server forbids it.
            let lax = matches!(essence, "" | "text/plain" | "application/octet-stream");
            script || (lax && !strict)
        }
    };
    (!right || is_html(headers)).then(|| fit(found, 100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_fit_when_a_browser_would_take_it() {
        use AssetKind::{Script, Stylesheet};
        for (kind, found, sniff, fit) in [
            (Script, "text/javascript; charset=utf-8", "nosniff", true),
            (Script, "application/x-javascript", "", true),
            (Script, "text/plain", "", true),
            (Script, "text/plain", "nosniff", false),
            (Script, "text/html", "", false),
            (Script, "application/json", "", false),
            (Stylesheet, "TEXT/CSS", "nosniff", true),
            (Stylesheet, "text/html", "", false),
            (Stylesheet, "text/plain", "", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, found.parse().unwrap());
            headers.insert(header::X_CONTENT_TYPE_OPTIONS, sniff.parse().unwrap());
            assert_eq!(
                unfit(Some(kind), &headers).is_none(),
                fit,
                "{kind:?} {found}"
            );
        }
        assert_eq!(unfit(Some(Script), &HeaderMap::new()), None);
    }
}
