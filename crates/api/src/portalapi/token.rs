//! What an app is given when it signs in, to ask for its access key with.
//!
//! Nothing is kept of it: it names the key and until when it is good, and proves both, so that it
//! outlives a restart and nobody has to clear up.

use std::fmt::Write;

use model::{AccessId, StationKey, Timestamp};
use subtle::ConstantTimeEq;

/// An app asks for its key at once.
const GOOD_FOR_MS: i64 = 10 * 60_000;

/// A token for an access key, good from `now` on.
pub(super) fn write(station: &StationKey, id: AccessId, now: Timestamp) -> String {
    of(station, id, now.plus_ms(GOOD_FOR_MS).as_millis())
}

/// Whose token it is, if it is one of ours and still good.
pub(super) fn read(station: &StationKey, token: &str, now: Timestamp) -> Option<AccessId> {
    let (id, rest) = token.trim().split_once('-')?;
    let (until_ms, _) = rest.split_once('-')?;
    let (id, until_ms) = (id.parse().ok()?, until_ms.parse().ok()?);
    let is_ours = bool::from(of(station, id, until_ms).as_bytes().ct_eq(token.trim().as_bytes()));
    (is_ours && now.as_millis() < until_ms).then_some(id)
}

/// Access id, last instant in milliseconds since 1970, and 64 hex digits, joined by `-`.
fn of(station: &StationKey, id: AccessId, until_ms: i64) -> String {
    let mac = station.sign_in_mac(id, until_ms);
    mac.iter().fold(format!("{id}-{until_ms}-"), |mut token, byte| {
        // Writing into a string does not fail.
        let _written = write!(token, "{byte:02x}");
        token
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STATION: StationKey = StationKey::from_raw([7; 32]);

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn a_token_is_good_for_ten_minutes_at_its_own_station() {
        let id = AccessId::from_random([1; 16]);
        let token = write(&STATION, id, at(0));
        assert_eq!(read(&STATION, &token, at(0)), Some(id));
        assert_eq!(read(&STATION, &format!(" {token} "), at(GOOD_FOR_MS - 1)), Some(id));
        assert_eq!(read(&STATION, &token, at(GOOD_FOR_MS)), None);
        assert_eq!(read(&StationKey::from_raw([8; 32]), &token, at(0)), None);
        let longer = token.replace(&format!("-{GOOD_FOR_MS}-"), &format!("-{}-", GOOD_FOR_MS + 1));
        assert_eq!(read(&STATION, &longer, at(0)), None);
        let other = token.replace(&id.to_string(), &AccessId::from_random([2; 16]).to_string());
        assert_eq!(read(&STATION, &other, at(0)), None);
    }

    proptest! {
        #[test]
        fn no_text_is_a_token(text in ".{0,120}", at in 0..20_usize) {
            prop_assert_eq!(read(&STATION, &text, Timestamp::EPOCH), None);
            let mut token = write(&STATION, AccessId::from_random([1; 16]), Timestamp::EPOCH);
            let digit = token.len() - 1 - at;
            let other = if &token[digit..=digit] == "0" { "1" } else { "0" };
            token.replace_range(digit..=digit, other);
            prop_assert_eq!(read(&STATION, &token, Timestamp::EPOCH), None);
        }
    }
}
