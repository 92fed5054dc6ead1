use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

/// Most entries of one cache; it starts afresh beyond that.
const ENTRIES_MAX: usize = 300_000;

/// What was read from the database since it last changed.
pub(super) struct Cache<K, V>(RwLock<Inner<K, V>>);

struct Inner<K, V> {
    entries: HashMap<K, Arc<V>>,
    epoch: Epoch,
}

/// How often something was outdated that was not here. What was read in an earlier epoch may be out
/// of date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Epoch(u64);

impl<K: Eq + Hash, V> Cache<K, V> {
    /// The entry; where there is none, the epoch to say when inserting what is read from now on.
    pub(super) fn get(&self, key: &K) -> Result<Arc<V>, Epoch> {
        let inner = self.inner();
        inner.entries.get(key).map(Arc::clone).ok_or(inner.epoch)
    }

    /// Keeps what was read, unless it may have been outdated since the reading began.
    pub(super) fn insert(&self, begun: Epoch, key: K, value: Arc<V>) {
        let mut inner = self.inner_mut();
        if inner.epoch != begun {
            return;
        }
        let old = if inner.entries.len() >= ENTRIES_MAX { std::mem::take(&mut inner.entries) } else { HashMap::new() };
        inner.entries.insert(key, value);
        drop(inner);
        drop(old);
    }

    /// Changes entries in place, as far as they are here; what is being read just now is not kept,
    /// where it may be one of those that are not.
    pub(super) fn update<U>(&self, updates: &[U], key: impl Fn(&U) -> K, change: impl Fn(&U, &mut V))
    where
        V: Clone,
    {
        let mut inner = self.inner_mut();
        for update in updates {
            match inner.entries.get_mut(&key(update)) {
                Some(value) => change(update, Arc::make_mut(value)),
                None => inner.epoch.0 += 1,
            }
        }
    }

    /// Forgets everything, also what is being read just now.
    pub(super) fn clear(&self) {
        let mut inner = self.inner_mut();
        inner.epoch.0 += 1;
        let old = std::mem::take(&mut inner.entries);
        // Freeing many entries takes a while; nobody needs to wait for it.
        drop(inner);
        drop(old);
    }

    fn inner(&self) -> RwLockReadGuard<'_, Inner<K, V>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn inner_mut(&self) -> RwLockWriteGuard<'_, Inner<K, V>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self(RwLock::new(Inner { entries: HashMap::new(), epoch: Epoch(0) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_before_a_clear_is_not_kept_after_it() {
        let cache = Cache::<u32, &str>::default();
        let begun = cache.get(&1).unwrap_err();
        cache.clear();
        cache.insert(begun, 1, Arc::new("out of date"));
        let begun = cache.get(&1).unwrap_err();
        cache.insert(begun, 1, Arc::new("up to date"));
        assert_eq!(cache.get(&1).as_deref(), Ok(&"up to date"));
    }

    #[test]
    fn a_full_cache_starts_afresh() {
        let cache = Cache::<usize, usize>::default();
        let begun = cache.get(&0).unwrap_err();
        for key in 0..=ENTRIES_MAX {
            cache.insert(begun, key, Arc::new(key));
        }
        assert!(cache.get(&0).is_err());
        assert_eq!(cache.get(&ENTRIES_MAX).as_deref(), Ok(&ENTRIES_MAX));
        assert_eq!(cache.inner().entries.len(), 1);
    }

    #[test]
    fn updates_what_is_here_and_leaves_what_others_hold() {
        let cache = Cache::<u32, u32>::default();
        let begun = cache.get(&1).unwrap_err();
        cache.insert(begun, 1, Arc::new(10));
        let held = cache.get(&1).unwrap();
        cache.update(&[1], |key| *key, |_, value| *value += 1);
        assert_eq!((*held, cache.get(&1).as_deref(), cache.get(&2)), (10, Ok(&11), Err(begun)));
    }

    #[test]
    fn what_was_read_before_its_update_is_not_kept_after_it() {
        let cache = Cache::<u32, u32>::default();
        let begun = cache.get(&1).unwrap_err();
        cache.update(&[1], |key| *key, |_, value| *value += 1);
        cache.insert(begun, 1, Arc::new(10));
        assert!(cache.get(&1).is_err());
    }
}
