//! How network servers take messages to devices, as they say it with each uplink.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Mutex, PoisonError},
};

use axum::http::HeaderMap;
use model::{DeviceEui, Downlink, Source, StationKey};
use serde_json::json;
use store::{Error, Store};

/// The most bytes of an address or a key.
const TEXT_BYTES_MAX: usize = 2_048;
/// Of so many devices it is known what was kept last; with more, some is kept again.
const KNOWN_MAX: usize = 65_536;

/// What was kept last, so that the same is not kept again with every uplink.
#[derive(Debug, Default)]
pub struct Downlinks {
    known: Mutex<HashMap<(model::SourceId, DeviceEui), u64>>,
    hasher: RandomState,
}

impl Downlinks {
    /// Keeps the addresses and the key of The Things Stack's headers, sealed, where they are not those of before.
    pub(crate) async fn keep(
        &self,
        store: &dyn Store,
        key: &StationKey,
        source: &Source,
        eui: DeviceEui,
        headers: &HeaderMap,
    ) -> Result<(), Error> {
        let named = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let said = ["x-downlink-push", "x-downlink-replace", "x-downlink-apikey"].map(named);
        let [Some(push), replace, api_key] = said else { return Ok(()) };
        if said.iter().flatten().any(|text| text.len() > TEXT_BYTES_MAX) {
            return Ok(());
        }
        let hash = self.hasher.hash_one(said);
        if self.lock().get(&(source.id, eui)) == Some(&hash) {
            return Ok(());
        }
        let secret = json!({ "push": push, "replace": replace, "key": api_key }).to_string();
        let purpose = Downlink::sealed_for(source.org, source.id, eui);
        let before = store.find_downlink(source.org, source.id, eui).await?;
        if before.and_then(|sealed| key.open(&purpose, &sealed)).is_none_or(|kept| kept != secret.as_bytes()) {
            let mut nonce = [0; 12];
            getrandom::fill(&mut nonce).map_err(Error::internal)?;
            let sealed = key.seal(&purpose, secret.as_bytes(), nonce);
            store.keep_downlink(Downlink { org: source.org, source: source.id, eui, sealed }).await?;
        }
        let mut known = self.lock();
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert((source.id, eui), hash);
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(model::SourceId, DeviceEui), u64>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
