use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use model::{AccessId, DeviceEui};
use store::{Charge, Error, Store, Used};

/// What keys have used, gathered in memory between two flushes.
///
/// It holds one entry for each key, endpoint and device since the last flush, beyond some thousands none for
/// further devices. A crash forgets them; nothing is ever charged twice.
#[derive(Debug, Default)]
pub struct Meter {
    charges: Mutex<HashMap<Name, Charge>>,
}

type Name = (AccessId, &'static str, Option<DeviceEui>);

/// Beyond so many entries devices are not told apart until the next flush.
const ENTRIES_MAX: usize = 4_096;

impl Meter {
    /// Writes what has gathered to the store; meant to be called every second.
    ///
    /// **Errors**: those of [`store::Registry::charge`]. What could not be written for now is
    /// kept for the next flush; what may have been written is not charged again.
    pub async fn flush(&self, store: &dyn Store) -> Result<(), Error> {
        let charges: Vec<Charge> = std::mem::take(&mut *self.lock()).into_values().collect();
        if charges.is_empty() {
            return Ok(());
        }
        let outcome = store.charge(charges.clone()).await;
        if matches!(outcome, Err(Error::Unavailable(_))) {
            charges.into_iter().for_each(|charge| self.count(charge));
        }
        outcome
    }

    pub(crate) fn count(&self, more: Charge) {
        let mut charges = self.lock();
        let mut device = more.device;
        if charges.len() >= ENTRIES_MAX && !charges.contains_key(&(more.id, more.endpoint, device)) {
            device = None;
        }
        let none = Charge { device, used: Used::default(), ..more };
        let charge = charges.entry((more.id, more.endpoint, device)).or_insert(none);
        charge.used.add(more.used);
        charge.last_used_at = charge.last_used_at.max(more.last_used_at);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Name, Charge>> {
        self.charges.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
