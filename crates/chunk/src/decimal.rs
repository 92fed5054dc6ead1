//! Numbers that are an integer divided by a power of ten, which is what sensors send.

/// The most decimal places that are tried.
pub(crate) const PLACES_MAX: usize = 9;

const POWERS: [f64; PLACES_MAX + 1] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/// Divides by ten `places` times, in one step and thus exactly rounded.
#[inline]
pub(crate) fn scale(places: u8) -> f64 {
    POWERS[usize::from(places).min(PLACES_MAX)]
}

/// The integer that is `number` when divided by `scale`, to the last bit.
#[inline]
pub(crate) fn integer(number: f64, scale: f64) -> Option<i64> {
    // Adding and taking away 1.5 × 2^52 rounds to an integer; above 2^51 it would not.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    const LIMIT: f64 = 2_251_799_813_685_248.0;
    let rounded = (number * scale + ROUND) - ROUND;
    let is_exact = (rounded / scale).to_bits() == number.to_bits() && rounded.abs() < LIMIT;
    is_exact.then_some(rounded as i64)
}

/// The fewest decimal places, `from` or more, that `number` can be written with.
pub(crate) fn places(number: f64, from: u8) -> Option<u8> {
    (from..=PLACES_MAX as u8).find(|places| integer(number, scale(*places)).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_fewest_places() {
        for (number, expected) in [(0.0, 0), (21.0, 0), (21.4, 1), (-0.001, 3), (0.000_000_001, 9), (101_320.0, 0)] {
            assert_eq!(places(number, 0), Some(expected), "{number}");
        }
        assert_eq!(places(21.0, 2), Some(2));
    }

    #[test]
    fn refuses_what_would_not_come_back() {
        for number in [-0.0, f64::NAN, f64::INFINITY, f64::MAX, 0.1 + 0.2, 1.0 / 3.0, f64::MIN_POSITIVE, 1e17] {
            assert_eq!(places(number, 0), None, "{number}");
        }
    }

    #[test]
    fn an_integer_divides_back() {
        for tenths in -100_000..100_000 {
            assert_eq!(integer(f64::from(tenths) / 10.0, 10.0), Some(i64::from(tenths)));
        }
    }
}
