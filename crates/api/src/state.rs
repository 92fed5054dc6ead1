use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::http::HeaderValue;
use model::{StationKey, Timestamp};
use store::Store;

use crate::{Calls, Meter, Settings, limits::Limits, portalapi::Delays};

/// What every call needs; cheap to clone.
#[derive(Clone)]
pub struct ApiState(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    station_key: StationKey,
    settings: Settings,
    challenge: HeaderValue,
    meter: Meter,
    calls: Calls,
    limits: Limits,
    delays: Delays,
    failures: AtomicU64,
    began: Instant,
    nonce: [u8; 16],
}

impl ApiState {
    /// The state of a server over one store.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
        station_key: StationKey,
        settings: Settings,
    ) -> Self {
        let challenge = challenge(&settings.realm);
        let random = || RandomState::new().hash_one(0_u8);
        let nonce = u128::from(random()) << 64 | u128::from(random());
        Self(Arc::new(Inner {
            store,
            clock,
            station_key,
            settings,
            challenge,
            meter: Meter::default(),
            calls: Calls::default(),
            limits: Limits::default(),
            delays: Delays::default(),
            failures: AtomicU64::new(0),
            began: Instant::now(),
            nonce: nonce.to_be_bytes(),
        }))
    }

    /// What keys have read since the last flush.
    pub fn meter(&self) -> &Meter {
        &self.0.meter
    }

    /// What keys have called last.
    pub fn calls(&self) -> &Calls {
        &self.0.calls
    }

    /// Gives back what was drawn of allowances and not spent; to be called when no more calls are answered.
    ///
    /// **Errors**: those of [`store::Registry::return_dm`]; what could not be given back counts as used.
    pub async fn settle(&self) -> Result<(), store::Error> {
        self.0.limits.settle(self.store()).await
    }

    /// The store that answers come from.
    pub fn store(&self) -> &dyn Store {
        &*self.0.store
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.0.clock)()
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// What nobody outside knows, and nobody at all after a restart.
    pub(crate) fn nonce(&self) -> [u8; 16] {
        self.0.nonce
    }

    /// How long after this state was made an instant lies.
    pub(crate) fn since_begin(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.0.began)
    }

    pub(crate) fn station_key(&self) -> &StationKey {
        &self.0.station_key
    }

    pub(crate) fn delays(&self) -> &Delays {
        &self.0.delays
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn challenge(&self) -> HeaderValue {
        self.0.challenge.clone()
    }

    /// Names a call that failed, so that its caller can point the operator to the cause.
    pub(crate) fn request_id(&self) -> String {
        let count = self.0.failures.fetch_add(1, Ordering::Relaxed);
        format!("{:X}-{count}", self.now().as_millis())
    }
}

impl fmt::Debug for ApiState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiState").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

/// The challenge of Basic authentication; characters that a quoted string cannot hold are left
/// out of the realm.
fn challenge(realm: &str) -> HeaderValue {
    let realm: String = realm.chars().filter(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\')).collect();
    HeaderValue::try_from(format!(r#"Basic realm="{realm}", charset="UTF-8""#))
        .unwrap_or(HeaderValue::from_static("Basic"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_realm_cannot_break_out_of_its_quotes() {
        assert_eq!(challenge("Senstation"), r#"Basic realm="Senstation", charset="UTF-8""#);
        assert_eq!(challenge("a\"b\\c\nd é"), r#"Basic realm="abcd ", charset="UTF-8""#);
    }
}
