use core::net::IpAddr;

use crate::Timestamp;

/// Where somebody tries from: an IPv4 address, or the /64 that an IPv6 address lies in, since a household has all of
/// it.
///
/// **Shape**: the eight bytes of the /64, or four zeros and the IPv4 address; an IPv4 address mapped into IPv6 is
/// itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network([u8; 8]);

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, c, d] = address.octets();
                [0, 0, 0, 0, a, b, c, d]
            }
            IpAddr::V6(address) => address.octets().first_chunk().copied().unwrap_or_default(),
        })
    }
}

/// How often a password was tried, and when last: each try beyond those that are free makes the next one wait twice
/// as long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tries {
    /// How many.
    pub count: u32,
    /// When the last one was.
    pub last: Timestamp,
}

impl Tries {
    /// After so long without a try, what was tried is forgotten.
    ///
    /// **Units**: milliseconds.
    pub const FORGET_MS: i64 = 60 * 60_000;
    const FIRST_MS: i64 = 1_000;

    /// No try yet.
    pub const fn none(now: Timestamp) -> Self {
        Self { count: 0, last: now }
    }

    /// When the next try may be, if so many are free and nobody waits longer than `longest_ms`.
    pub const fn until(self, free: u32, longest_ms: i64) -> Timestamp {
        let over = self.count.saturating_sub(free);
        if over == 0 {
            return self.last;
        }
        let doublings = if over > 21 { 20 } else { over - 1 };
        let wait_ms = Self::FIRST_MS << doublings;
        self.last.plus_ms(if wait_ms < longest_ms { wait_ms } else { longest_ms })
    }

    /// With one more.
    pub const fn and_one(self, now: Timestamp) -> Self {
        let count = if self.is_forgotten(now) { 0 } else { self.count };
        Self { count: count.saturating_add(1), last: now }
    }

    /// Whether it is long ago.
    pub const fn is_forgotten(self, now: Timestamp) -> bool {
        now.since_ms(self.last) >= Self::FORGET_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_beyond_what_is_free_and_has_an_end() {
        let mut tries = Tries::none(Timestamp::EPOCH);
        let waits = [0, 0, 0, 1_000, 2_000, 4_000, 5_000, 5_000];
        for wait_ms in waits {
            assert_eq!(tries.until(2, 5_000).since_ms(Timestamp::EPOCH), wait_ms);
            tries = tries.and_one(Timestamp::EPOCH);
        }
        let later = Timestamp::from_millis(Tries::FORGET_MS);
        assert!(tries.is_forgotten(later));
        assert_eq!(tries.and_one(later), Tries { count: 1, last: later });
        let many = Tries { count: u32::MAX, last: Timestamp::EPOCH };
        assert_eq!(many.until(2, i64::MAX).since_ms(Timestamp::EPOCH), 1_000 << 20);
    }

    #[test]
    fn a_household_is_one_network() {
        let network = |text: &str| Network::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:1"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }
}
