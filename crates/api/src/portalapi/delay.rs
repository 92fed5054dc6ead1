//! Wrong passwords make the next try from their address wait, twice as long each time.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use model::{Network, Timestamp, Tries};

/// How many tries an address has before it waits, but for the one that it waits for.
const FREE: u32 = 2;
const LONGEST_MS: i64 = 15 * 60_000;
/// Most addresses remembered; only this machine and named networks get here.
const ADDRESSES_MAX: usize = 4_096;

/// Which addresses have failed, and how long they wait for it.
#[derive(Debug, Default)]
pub(crate) struct Delays(Mutex<HashMap<Network, Tries>>);

impl Delays {
    /// Takes a try, or says in how many seconds there is one. Whoever tries at once in many
    /// connections has no more tries by that.
    pub(crate) fn take(&self, address: IpAddr, now: Timestamp) -> Option<i64> {
        let mut tries = self.lock();
        if tries.len() >= ADDRESSES_MAX {
            tries.retain(|_, tries| !tries.is_forgotten(now));
        }
        if tries.len() >= ADDRESSES_MAX {
            tries.clear();
        }
        let tries = tries.entry(address.into()).or_insert(Tries::none(now));
        let wait_ms = if tries.is_forgotten(now) { 0 } else { tries.until(FREE, LONGEST_MS).since_ms(now) };
        if wait_ms > 0 {
            return Some((wait_ms + 999) / 1_000);
        }
        *tries = tries.and_one(now);
        None
    }

    /// Forgets what an address has tried.
    pub(crate) fn forget(&self, address: IpAddr) {
        self.lock().remove(&address.into());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Network, Tries>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn at(s: i64) -> Timestamp {
        Timestamp::from_millis(s * 1_000)
    }

    #[test]
    fn the_wait_doubles_up_to_a_quarter_of_an_hour_and_a_right_password_ends_it() {
        let delays = Delays::default();
        for _ in 0..=FREE {
            assert_eq!(delays.take(HERE, at(0)), None);
        }
        let (mut now, mut waits) = (0, Vec::new());
        for _ in 0..12 {
            let wait_s = delays.take(HERE, at(now)).unwrap_or(0);
            waits.push(wait_s);
            assert_eq!(delays.take(HERE, at(now + wait_s)), None);
            now += wait_s;
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
        delays.forget(HERE);
        assert_eq!(delays.take(HERE, at(now)), None);
    }

    #[test]
    fn nobody_waits_for_others_or_for_an_hour_ago() {
        let delays = Delays::default();
        let there: IpAddr = "fd00::1".parse().unwrap();
        for _ in 0..=FREE {
            assert_eq!(delays.take(HERE, at(0)), None);
        }
        assert_eq!(delays.take(HERE, at(0)), Some(1));
        assert_eq!(delays.take(there, at(0)), None);
        for _ in 0..=FREE {
            assert_eq!(delays.take(HERE, at(3_600)), None);
        }
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let delays = Delays::default();
        for number in 0..3 * ADDRESSES_MAX as u32 {
            delays.take(IpAddr::V4(number.into()), at(0));
        }
        assert!(delays.lock().len() <= ADDRESSES_MAX);
    }
}
