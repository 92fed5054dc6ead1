use std::sync::Arc;

use axum::http::{HeaderMap, header};
use base64::{Engine, prelude::BASE64_STANDARD};
use model::{Device, DeviceEui, OrgId, StationKey};
use store::Store;
use subtle::ConstantTimeEq;

use super::envelope::Fault;

/// Most organizations in which one EUI is looked for.
const OWNERS_MAX: usize = 100;

/// The device whose key or token the request carries.
pub(crate) async fn authenticate(
    store: &dyn Store,
    station_key: &StationKey,
    headers: &HeaderMap,
) -> Result<Arc<Device>, Fault> {
    let credential = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(read);
    match credential {
        Some(Credential::Key(eui, key)) => by_key(store, station_key, eui, &key).await,
        Some(Credential::Token(org, eui, token)) => {
            let device = store.find_device(org, eui).await?.ok_or(Fault::WrongKey)?;
            let good = station_key.device_token(org, eui, device.generation);
            if same(&good, &token) { Ok(device) } else { Err(Fault::WrongKey) }
        }
        None => Err(Fault::WrongKey),
    }
}

/// The key says in which organization: an EUI may be bound in several.
async fn by_key(store: &dyn Store, station_key: &StationKey, eui: DeviceEui, key: &str) -> Result<Arc<Device>, Fault> {
    let mut owners = store.list_owners(eui, OWNERS_MAX).await?.into_iter();
    owners.find(|device| is_key_of(station_key, device, key)).ok_or(Fault::WrongKey)
}

/// Whether a key, in either case, is that of a device.
pub(crate) fn is_key_of(station_key: &StationKey, device: &Device, key: &str) -> bool {
    same(&station_key.device_key(device.org, device.eui, device.generation), &key.to_ascii_uppercase())
}

fn same(good: &str, given: &str) -> bool {
    good.as_bytes().ct_eq(given.as_bytes()).into()
}

/// What a device shows.
#[derive(Debug, PartialEq)]
enum Credential {
    Key(DeviceEui, String),
    Token(OrgId, DeviceEui, String),
}

fn read(value: &str) -> Option<Credential> {
    let (scheme, rest) = value.trim().split_once(' ').unwrap_or(("", value.trim()));
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("device") {
        let pair = String::from_utf8(BASE64_STANDARD.decode(rest).ok()?).ok()?;
        let (eui, key) = pair.split_once(':')?;
        return Some(Credential::Key(eui.parse().ok()?, key.to_owned()));
    }
    if !scheme.is_empty() && !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let mut parts = rest.split('-');
    let (org, eui) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some(Credential::Token(org, eui, rest.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_shows_its_key_or_its_token() {
        let eui = DeviceEui::from_raw(0x5E00_0000_0000_0001);
        // printf '5e00000000000001:AB' | base64
        let key = Credential::Key(eui, "AB".to_owned());
        assert_eq!(read("Device NWUwMDAwMDAwMDAwMDAwMTpBQg=="), Some(key));
        let text = "919136109886-5E00000000000001-C0";
        let token = || Some(Credential::Token(OrgId::from_raw(919_136_109_886), eui, text.to_owned()));
        assert_eq!(read(text), token());
        assert_eq!(read(&format!("Bearer {text}")), token());
        for bad in
            ["", "Device", "Device ???", "Device NWU=", "Basic NWUwMDAwMDAwMDAwMDAwMTpBQg==", "1-2-3", "-", "Bearer "]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
