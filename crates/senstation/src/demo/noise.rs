//! Chance that can be looked up: the same at the same place, for ever.

/// A source of numbers that follow from a seed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Noise(pub(super) u64);

impl Noise {
    /// Another source, for another purpose.
    pub(super) fn branch(self, purpose: u64) -> Self {
        Self(mix(self.0 ^ mix(purpose)))
    }

    /// A number from 0 to 1 for each whole number.
    pub(super) fn at(self, index: i64) -> f64 {
        let bits = mix(self.0 ^ mix(index as u64)) >> 11;
        bits as f64 / (1_u64 << 53) as f64
    }

    /// A curve between -1 and 1 that takes about `period` to change its mind.
    pub(super) fn curve(self, at: f64, period: f64) -> f64 {
        let place = at / period;
        let (left, within) = (place.floor(), place - place.floor());
        let ease = within * within * (3.0 - 2.0 * within);
        let (from, to) = (self.at(left as i64), self.at(left as i64 + 1));
        2.0 * (from + (to - from) * ease) - 1.0
    }
}

/// Spreads the bits of a number over all 64.
fn mix(mut bits: u64) -> u64 {
    bits = bits.wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_smooth_and_stays_within_its_bounds() {
        let noise = Noise(7).branch(1);
        let mut before = noise.curve(0.0, 10.0);
        for step in 1..10_000 {
            let now = noise.curve(f64::from(step) / 100.0, 10.0);
            assert!((-1.0..=1.0).contains(&now) && (now - before).abs() < 0.01, "{before} {now}");
            before = now;
        }
    }

    #[test]
    fn branches_differ() {
        assert_ne!(Noise(7).branch(1).at(0).to_bits(), Noise(7).branch(2).at(0).to_bits());
    }
}
