//! Wrong passwords make the next try wait, twice as long each time.
//!
//! The wait belongs to an account tried from one address, so that nobody can lock an owner out from
//! elsewhere; an address that tries many accounts waits for all of them.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use model::{Network, Timestamp, Tries};

/// How many tries an account has from one address before it waits.
const FREE_PER_ACCOUNT: u32 = 3;
/// How many tries an address has over all accounts before it waits.
const FREE_PER_ADDRESS: u32 = 20;
const LONGEST_MS: i64 = 15 * 60_000;
/// The longest that an address waits for accounts it did not try: others may live behind it.
const LONGEST_OF_ADDRESS_MS: i64 = 30_000;
/// Most accounts and addresses remembered.
const ENTRIES_MAX: usize = 10_000;

/// Who has failed, and how long they wait for it.
#[derive(Debug, Default)]
pub(crate) struct Delays(Mutex<HashMap<Key, Tries>>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Account(String, Network),
    Address(Network),
}

impl Delays {
    /// Notes a try, unless somebody has to wait first: then for how many milliseconds. A try counts
    /// before it is known to be wrong, so that many at once do not all go through; that it was right
    /// is noted by [`Delays::succeeded`].
    pub(crate) fn begin(&self, account: &str, address: IpAddr, now: Timestamp) -> Result<(), i64> {
        let mut entries = self.lock();
        let until = |key: &Key, free, longest_ms| entries.get(key).map(|tries| tries.until(free, longest_ms));
        let keys = keys(account, address);
        let until =
            until(&keys[0], FREE_PER_ACCOUNT, LONGEST_MS).max(until(&keys[1], FREE_PER_ADDRESS, LONGEST_OF_ADDRESS_MS));
        if let Some(wait_ms) = until.map(|until| until.since_ms(now)).filter(|ms| *ms > 0) {
            return Err(wait_ms);
        }
        if entries.len() >= ENTRIES_MAX {
            entries.retain(|_, tries| !tries.is_forgotten(now));
        }
        if entries.len() >= ENTRIES_MAX {
            // So many at once are an attack; the ones longest ago go first.
            let mut times: Vec<_> = entries.values().map(|tries| tries.last).collect();
            times.sort_unstable();
            let middle = times[times.len() / 2];
            entries.retain(|_, tries| tries.last > middle);
        }
        for key in keys {
            let tries = entries.entry(key).or_insert(Tries::none(now));
            *tries = tries.and_one(now);
        }
        Ok(())
    }

    /// Forgets what an account has failed from an address, and takes the last try back.
    pub(crate) fn succeeded(&self, account: &str, address: IpAddr) {
        let [account, address] = keys(account, address);
        let mut entries = self.lock();
        entries.remove(&account);
        if let Some(tries) = entries.get_mut(&address) {
            tries.count = tries.count.saturating_sub(1);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Tries>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn keys(account: &str, address: IpAddr) -> [Key; 2] {
    let network = Network::from(address);
    // A text of any length may be tried.
    let account = account.chars().take(254).flat_map(char::to_lowercase).collect();
    [Key::Account(account, network), Key::Address(network)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    /// Tries as soon as it may, and says how long that took.
    fn patiently(delays: &Delays, account: &str, address: IpAddr, now: &mut i64) -> i64 {
        let wait_ms = delays.begin(account, address, at(*now)).err().unwrap_or(0);
        *now += wait_ms;
        if wait_ms > 0 {
            assert_eq!(delays.begin(account, address, at(*now)), Ok(()), "the wait is over");
        }
        wait_ms
    }

    #[test]
    fn the_wait_doubles_and_ends() {
        let (delays, mut now) = (Delays::default(), 0);
        let waits: Vec<_> = (0..8).map(|_| patiently(&delays, "ada@example.org", HERE, &mut now)).collect();
        assert_eq!(waits, [0, 0, 0, 0, 1_000, 2_000, 4_000, 8_000]);
        assert_eq!(delays.begin("Ada@example.org", HERE, at(now + 15_999)), Err(1));
        delays.succeeded("ada@example.org", HERE);
        assert_eq!(delays.begin("ada@example.org", HERE, at(now)), Ok(()));
    }

    #[test]
    fn nobody_is_locked_out_from_elsewhere() {
        let (delays, mut now) = (Delays::default(), 0);
        let longest = (0..20).map(|_| patiently(&delays, "ada@example.org", HERE, &mut now)).max();
        assert_eq!(longest, Some(LONGEST_MS));
        assert!(delays.begin("ada@example.org", HERE, at(now)).is_err());
        assert_eq!(delays.begin("ada@example.org", THERE, at(now)), Ok(()));
    }

    #[test]
    fn an_address_that_tries_many_accounts_waits_for_all_of_them_half_a_minute_at_most() {
        let (delays, mut now) = (Delays::default(), 0);
        for number in 0..=FREE_PER_ADDRESS {
            assert_eq!(delays.begin(&format!("{number}@example.org"), HERE, at(0)), Ok(()));
        }
        assert_eq!(delays.begin("new@example.org", HERE, at(0)), Err(1_000));
        let waits = (0..20).map(|number| patiently(&delays, &format!("x{number}@example.org"), HERE, &mut now));
        assert_eq!(waits.max(), Some(LONGEST_OF_ADDRESS_MS));
    }

    #[test]
    fn a_try_that_is_refused_does_not_count() {
        let (delays, mut now) = (Delays::default(), 0);
        for _ in 0..5 {
            patiently(&delays, "ada@example.org", HERE, &mut now);
        }
        for _ in 0..100 {
            assert_eq!(delays.begin("ada@example.org", HERE, at(now)), Err(2_000));
        }
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let delays = Delays::default();
        for number in 0..3 * ENTRIES_MAX as u32 {
            let _ = delays.begin(&format!("{number}@example.org"), IpAddr::V4(number.into()), at(number.into()));
        }
        assert!(delays.lock().len() <= ENTRIES_MAX + 2);
    }
}
