//! Header maps that probes share: one takes 600 bytes and more, and the probes of a service mostly send the same.

use std::hash::Hasher;
use std::sync::{Arc, LazyLock};

use http::HeaderMap;

use super::pool::Pool;

static ALL: LazyLock<Pool<HeaderMap>> = LazyLock::new(Pool::new);

/// These headers, in one map for all that ask for the same ones in the same order.
pub(super) fn shared(headers: HeaderMap) -> Arc<HeaderMap> {
    ALL.share_by(headers, hash, same)
}

fn hash(headers: &HeaderMap, hasher: &mut dyn Hasher) {
    for (name, value) in headers {
        for part in [name.as_str().as_bytes(), value.as_bytes()] {
            hasher.write_usize(part.len());
            hasher.write(part);
        }
    }
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
    fn equal_headers_share_one_map() {
        let (one, two) = (shared(map(true, "*/*")), shared(map(true, "*/*")));
        assert!(Arc::ptr_eq(&one, &two));
        assert_eq!(*one, map(true, "*/*"));
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
