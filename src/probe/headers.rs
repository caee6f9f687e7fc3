//! Header maps that probes share: one takes 600 bytes and more, and the probes of a service mostly send the same.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use http::HeaderMap;

/// Those that some probe sends, by a digest of their content. A reload drops what nobody sends any more.
static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Known {
    by_digest: HashMap<u64, Weak<HeaderMap>>,
    digest: RandomState,
}

/// These headers, in one map for all that ask for the same ones in the same order.
pub(super) fn shared(headers: HeaderMap) -> Arc<HeaderMap> {
    // A panic elsewhere cannot leave the map half changed: each change is one call.
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let digest = digest(&known.digest, &headers);
    let found = known.by_digest.get(&digest).and_then(Weak::upgrade);
    if let Some(found) = found.filter(|found| same(found, &headers)) {
        return found;
    }
    let made = Arc::new(headers);
    let kept = &mut known.by_digest;
    if kept.len() == kept.capacity() {
        kept.retain(|_, kept| kept.strong_count() > 0);
    }
    kept.insert(digest, Arc::downgrade(&made));
    made
}

fn digest(state: &RandomState, headers: &HeaderMap) -> u64 {
    let mut hasher = state.build_hasher();
    for (name, value) in headers {
        for part in [name.as_str().as_bytes(), value.as_bytes()] {
            hasher.write_usize(part.len());
            hasher.write(part);
        }
    }
    hasher.finish()
}

/// Whether two maps are sent, and hidden, in the same way.
fn same(one: &HeaderMap, two: &HeaderMap) -> bool {
    let hidden = |map: &HeaderMap| map.values().map(|v| v.is_sensitive()).collect::<Vec<_>>();
    one.iter().eq(two) && hidden(one) == hidden(two)
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, header};

    use super::*;

    fn map(secret: bool, accept: &'static str) -> HeaderMap {
        let mut key = HeaderValue::from_static("Bearer of one test");
        key.set_sensitive(secret);
        HeaderMap::from_iter([
            (header::ACCEPT, HeaderValue::from_static(accept)),
            (header::AUTHORIZATION, key),
        ])
    }

    #[test]
    fn equal_headers_share_one_map_as_long_as_somebody_sends_it() {
        let (one, two) = (shared(map(true, "*/*")), shared(map(true, "*/*")));
        assert!(Arc::ptr_eq(&one, &two));
        let gone = Arc::downgrade(&one);
        drop((one, two));
        assert!(gone.upgrade().is_none());
        assert_eq!(*shared(map(true, "*/*")), map(true, "*/*"));
    }

    #[test]
    fn other_values_and_other_secrecy_are_other_maps() {
        let one = shared(map(true, "text/html"));
        assert!(!Arc::ptr_eq(&one, &shared(map(true, "text/plain"))));
        let open = shared(map(false, "text/html"));
        assert!(!open[header::AUTHORIZATION].is_sensitive());
        assert!(one[header::AUTHORIZATION].is_sensitive());
    }
}
