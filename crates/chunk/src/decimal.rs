//! Numbers that are an integer divided by a power of ten, which is what sensors send.

/// What the integers are divided by: from hundreds, such as pascals of a pressure sensor, to nine
/// decimal places. Dividing by the double next to 0.1 or 0.01 is exact enough: whatever does not come
/// back to the last bit is not taken.
const SCALES: [f64; 12] = [1e-2, 1e-1, 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/// Index of a scale, coarsest first.
pub(crate) type ScaleIndex = u8;

/// The finest scale.
pub(crate) const FINEST: ScaleIndex = SCALES.len() as u8 - 1;

/// What the integers of a scale are divided by.
#[inline]
pub(crate) fn scale(index: ScaleIndex) -> f64 {
    SCALES[usize::from(index.min(FINEST))]
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

/// The coarsest scale, `from` or finer, that `number` fits.
pub(crate) fn scale_of(number: f64, from: ScaleIndex) -> Option<ScaleIndex> {
    (from..=FINEST).find(|index| integer(number, scale(*index)).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_coarsest_scale() {
        let cases = [(0.0, 1e-2), (101_320.0, 1e-1), (21.0, 1e0), (21.4, 1e1), (-0.001, 1e3), (0.000_000_001, 1e9)];
        for (number, expected) in cases {
            assert_eq!(scale_of(number, 0).map(scale), Some(expected), "{number}");
        }
        assert_eq!(scale_of(21.0, 4), Some(4));
    }

    #[test]
    fn refuses_what_would_not_come_back() {
        for number in [-0.0, f64::NAN, f64::INFINITY, f64::MAX, 0.1 + 0.2, 1.0 / 3.0, f64::MIN_POSITIVE, 1e18] {
            assert_eq!(scale_of(number, 0), None, "{number}");
        }
    }

    #[test]
    fn an_integer_divides_back() {
        for integers in -100_000..100_000 {
            for index in 0..=FINEST {
                let number = f64::from(integers) / scale(index);
                assert_eq!(integer(number, scale(index)), Some(i64::from(integers)));
            }
            assert_eq!(f64::from(integers) / scale(0), f64::from(integers) * 100.0);
            assert_eq!(f64::from(integers) / scale(1), f64::from(integers) * 10.0);
        }
    }
}
