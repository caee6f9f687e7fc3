//! What many probes have the same is kept once.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Parts of one kind that some probe has. Those that nobody has any more, after a reload, are dropped.
pub(super) struct Pool<T>(Mutex<Known<T>>);

struct Known<T> {
    by_digest: HashMap<u64, Weak<T>>,
    digest: RandomState,
}

impl<T> Pool<T> {
    /// An empty one.
    pub fn new() -> Self {
        Self(Mutex::new(Known {
            by_digest: HashMap::new(),
            digest: RandomState::new(),
        }))
    }

    /// The part that is the same as this one, or else this one. `hash` tells most of those apart that are not the same.
    pub fn share_by(
        &self,
        part: T,
        hash: impl FnOnce(&T, &mut dyn Hasher),
        same: impl FnOnce(&T, &T) -> bool,
    ) -> Arc<T> {
        // A panic elsewhere cannot leave the map half changed: each change is one call.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut hasher = known.digest.build_hasher();
        hash(&part, &mut hasher);
        let digest = hasher.finish();
        let found = known.by_digest.get(&digest).and_then(Weak::upgrade);
        if let Some(found) = found.filter(|found| same(found, &part)) {
            return found;
        }
        let made = Arc::new(part);
        let kept = &mut known.by_digest;
        if kept.len() == kept.capacity() {
            kept.retain(|_, kept| kept.strong_count() > 0);
        }
        kept.insert(digest, Arc::downgrade(&made));
        made
    }
}

impl<T: Eq + Hash> Pool<T> {
    /// The part that is equal to this one, or else this one.
    pub fn share(&self, part: T) -> Arc<T> {
        self.share_by(part, |part, mut hasher| part.hash(&mut hasher), T::eq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_parts_are_one_as_long_as_somebody_has_it() {
        let pool = Pool::new();
        let (one, two) = (pool.share("a".to_owned()), pool.share("a".to_owned()));
        assert!(Arc::ptr_eq(&one, &two));
        let gone = Arc::downgrade(&one);
        drop((one, two));
        assert!(gone.upgrade().is_none());
        assert_eq!(*pool.share("a".to_owned()), "a");
    }

    #[test]
    fn parts_that_look_alike_are_not_mistaken_for_each_other() {
        let pool = Pool::new();
        let share = |text: &str| pool.share_by(text.to_owned(), |_, _| (), |a, b| a == b);
        let (one, two) = (share("a"), share("b"));
        assert_eq!((one.as_str(), two.as_str()), ("a", "b"));
        assert!(Arc::ptr_eq(&two, &share("b")));
    }
}
