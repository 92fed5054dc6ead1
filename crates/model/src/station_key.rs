use std::fmt::{self, Write};

use hmac::{Hmac, KeyInit, Mac};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use sha2::Sha256;

use crate::{AccessId, DeviceEui, OrgId};

/// What a station derives those secrets from that it must be able to show again; it keeps none of
/// them.
///
/// **Shape**: 32 random bytes. A secret is HMAC-SHA-256 under them, over what it is for and whom it
/// belongs to, joined by `|`: `device-key|919136109886|5E00000000000001|1`. Whoever has one secret
/// learns nothing about another.
#[derive(Clone, PartialEq, Eq)]
pub struct StationKey([u8; 32]);

impl StationKey {
    /// Takes 32 bytes as they are.
    pub const fn from_raw(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// What a device of this generation proves itself with.
    ///
    /// **Shape**: 32 upper-case hex digits, half of the HMAC.
    pub fn device_key(&self, org: OrgId, eui: DeviceEui, generation: u32) -> String {
        hex(&self.mac(format_args!("device-key|{org}|{eui}|{generation}"))[..16])
    }

    /// What reports of a device of this generation are sent with.
    ///
    /// **Shape**: organization, EUI and 32 upper-case hex digits, joined by `-`; the first two say
    /// whose generation is to be looked up.
    pub fn device_token(&self, org: OrgId, eui: DeviceEui, generation: u32) -> String {
        let mac = self.mac(format_args!("device-token|{org}|{eui}|{generation}"));
        format!("{org}-{eui}-{}", hex(&mac[..16]))
    }

    /// What a device of this generation signs in to a broker with.
    ///
    /// **Shape**: as [`device_token`](Self::device_token), but another one.
    pub fn mqtt_token(&self, org: OrgId, eui: DeviceEui, generation: u32) -> String {
        let mac = self.mac(format_args!("mqtt-token|{org}|{eui}|{generation}"));
        format!("{org}-{eui}-{}", hex(&mac[..16]))
    }

    /// The secret half of the access key that an app is given when it signs in.
    ///
    /// **Shape**: 64 upper-case hex digits.
    pub fn app_access_key(&self, org: OrgId, id: AccessId) -> String {
        hex(&self.mac(format_args!("app-access-key|{org}|{id}")))
    }

    /// What proves that this station let an app in with an access key, for so many milliseconds
    /// since 1970.
    pub fn sign_in_mac(&self, id: AccessId, until_ms: i64) -> [u8; 32] {
        self.mac(format_args!("app-sign-in|{id}|{until_ms}"))
    }

    /// Seals a secret of somebody else's that the station has to be able to use again, for one
    /// purpose that is named again to open it. A nonce is never used twice.
    ///
    /// **Shape**: the nonce, then ChaCha20-Poly1305 under a key that is derived for the purpose.
    pub fn seal(&self, purpose: &str, secret: &[u8], nonce: [u8; 12]) -> Vec<u8> {
        let mut sealed = secret.to_vec();
        let done = self.sealing_key(purpose).and_then(|key| {
            key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed).ok()
        });
        // Nothing that is short enough to be a secret fails to be sealed.
        if done.is_none() {
            return Vec::new();
        }
        [&nonce[..], &sealed].concat()
    }

    /// The secret; `None` where it was sealed for another purpose, by another station, or is damaged.
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<12>()?;
        let mut secret = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = self.sealing_key(purpose)?.open_in_place(nonce, Aad::empty(), &mut secret).ok()?.len();
        secret.truncate(length);
        Some(secret)
    }

    fn sealing_key(&self, purpose: &str) -> Option<LessSafeKey> {
        let key = self.mac(format_args!("seal|{purpose}"));
        UnboundKey::new(&CHACHA20_POLY1305, &key).ok().map(LessSafeKey::new)
    }

    fn mac(&self, about: fmt::Arguments<'_>) -> [u8; 32] {
        // A key of any length is taken.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return [0; 32] };
        mac.update(about.to_string().as_bytes());
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for StationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StationKey(…)")
    }
}

/// Upper-case hex digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a string does not fail.
        let _written = write!(text, "{byte:02X}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: StationKey = StationKey::from_raw([0x0B; 32]);

    fn org(number: u64) -> OrgId {
        OrgId::from_raw(number)
    }

    #[test]
    fn the_same_key_derives_the_same_secrets_tomorrow() {
        let (org, eui) = (org(919_136_109_886), DeviceEui::from_raw(0x5E00_0000_0000_0001));
        // python3 -c 'import hmac; print(hmac.new(b"\x0b"*32, b"device-key|…", "sha256").hexdigest())'
        assert_eq!(KEY.device_key(org, eui, 1), "FF61DFFCA9DE9554DBB0306800094449");
        assert_eq!(KEY.device_token(org, eui, 1), "919136109886-5E00000000000001-C01105A23D99C6B4E2B4FBCF0C5FF735");
        assert_eq!(KEY.mqtt_token(org, eui, 1), "919136109886-5E00000000000001-760C92BB06835BA0CC12E54C3CF3D49B");
        let id = AccessId::from_random([0; 16]);
        assert_eq!(KEY.app_access_key(org, id), "FDCFA0058470C25A8E5919CE046260B8583E2035E3ADD8DDC9AE5310F78F898C");
    }

    #[test]
    fn every_secret_differs_by_purpose_owner_device_generation_and_station() {
        let (one, other) = (DeviceEui::from_raw(1), DeviceEui::from_raw(2));
        let secrets = [
            KEY.device_key(org(1), one, 1),
            KEY.device_key(org(2), one, 1),
            KEY.device_key(org(1), other, 1),
            KEY.device_key(org(1), one, 2),
            StationKey::from_raw([0x0C; 32]).device_key(org(1), one, 1),
            KEY.device_token(org(1), one, 1)[20..].to_owned(),
            KEY.mqtt_token(org(1), one, 1)[20..].to_owned(),
        ];
        for (at, secret) in secrets.iter().enumerate() {
            assert!(!secrets[..at].contains(secret), "{secret}");
        }
        let id = AccessId::from_random([1; 16]);
        assert_ne!(KEY.sign_in_mac(id, 1), KEY.sign_in_mac(id, 2));
    }

    #[test]
    fn what_is_sealed_opens_for_its_purpose_alone_and_only_whole() {
        let sealed = KEY.seal("a", b"secret", [7; 12]);
        assert_eq!(KEY.open("a", &sealed).as_deref(), Some(&b"secret"[..]));
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
        assert_eq!(KEY.open("b", &sealed), None);
        assert_eq!(StationKey::from_raw([0x0C; 32]).open("a", &sealed), None);
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert_eq!(KEY.open("a", &damaged), None, "{at}");
            assert_eq!(KEY.open("a", &sealed[..at]), None, "{at}");
        }
        assert_eq!(KEY.open("a", &KEY.seal("a", b"", [8; 12])), Some(Vec::new()));
    }

    #[test]
    fn a_station_key_does_not_print_itself() {
        assert_eq!(format!("{KEY:?}"), "StationKey(…)");
    }
}
