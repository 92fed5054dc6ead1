use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use model::{AccessId, OrgId, Timestamp};
use store::{Charge, Error, Store};

/// What keys have read, gathered in memory between two flushes.
///
/// It holds one entry for each key used since the last flush. A crash forgets them; nothing is
/// ever charged twice.
#[derive(Debug, Default)]
pub struct Meter {
    charges: Mutex<HashMap<AccessId, Charge>>,
}

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
            charges.into_iter().for_each(|charge| self.add(charge));
        }
        outcome
    }

    pub(crate) fn count_call(&self, org: OrgId, id: AccessId, at: Timestamp) {
        self.add(Charge { org, id, calls: 1, dm: 0, last_used_at: at });
    }

    pub(crate) fn count_dm(&self, org: OrgId, id: AccessId, dm: u64, at: Timestamp) {
        if dm > 0 {
            self.add(Charge { org, id, calls: 0, dm, last_used_at: at });
        }
    }

    fn add(&self, more: Charge) {
        let mut charges = self.lock();
        let charge = charges.entry(more.id).or_insert(Charge { calls: 0, dm: 0, ..more });
        charge.calls += more.calls;
        charge.dm += more.dm;
        charge.last_used_at = charge.last_used_at.max(more.last_used_at);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AccessId, Charge>> {
        self.charges.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
