/// Numbers below are written without an exponent and, if they are whole, as integers.
const WHOLE_MAX: f64 = 1e15;
/// Places that most readings have at most.
const PLACES: usize = 6;
const SCALE: u64 = 1_000_000;
const HALF_SCALE: u64 = 1_000;

/// Writes a finite number as the shortest decimal that reads back as the same number: without a fraction if it has
/// none, without an exponent between 1e-20 and 1e22. Zero has no sign.
pub fn write_decimal(out: &mut Vec<u8>, number: f64) {
    if number.abs() < WHOLE_MAX && number as i64 as f64 == number {
        out.extend_from_slice(itoa::Buffer::new().format(number as i64).as_bytes());
    } else if !write_places(out, number) {
        write_any(out, number);
    }
}

/// Writes a number that is a decimal of few places, as nearly all readings are; says whether it was one.
///
/// Two decimals of at most 15 digits are never the same double, so that the one found here is the shortest.
fn write_places(out: &mut Vec<u8>, number: f64) -> bool {
    let scaled = number.abs() * SCALE as f64;
    if scaled >= WHOLE_MAX {
        return false;
    }
    let nearest = (scaled + 0.5) as u64;
    if nearest as f64 / SCALE as f64 != number.abs() {
        return false;
    }
    let (mut units, mut fraction) = (nearest / SCALE, nearest % SCALE);
    let mut text = [b'0'; 24];
    let point = text.len() - PLACES - 1;
    let mut end = point;
    // Most readings have three places at most.
    let places = if fraction % HALF_SCALE == 0 { PLACES / 2 } else { PLACES };
    if places < PLACES {
        fraction /= HALF_SCALE;
    }
    for place in (point + 1..=point + places).rev() {
        text[place] += (fraction % 10) as u8;
        if text[place] != b'0' && end == point {
            end = place + 1;
        }
        fraction /= 10;
    }
    text[point] = b'.';
    let mut begin = point;
    loop {
        begin -= 1;
        text[begin] += (units % 10) as u8;
        units /= 10;
        if units == 0 {
            break;
        }
    }
    if number.is_sign_negative() {
        begin -= 1;
        text[begin] = b'-';
    }
    out.extend_from_slice(&text[begin..end]);
    true
}

fn write_any(out: &mut Vec<u8>, number: f64) {
    let mut buffer = zmij::Buffer::new();
    let shortest = buffer.format_finite(number);
    match shortest.split_once('e') {
        None => out.extend_from_slice(shortest.strip_suffix(".0").unwrap_or(shortest).as_bytes()),
        Some((digits, exponent)) => match exponent.parse() {
            Ok(exponent @ -20..=21) => write_without_exponent(out, digits, exponent),
            _ => out.extend_from_slice(shortest.as_bytes()),
        },
    }
}

/// Writes `d.ddd` times ten to the power of `exponent` as a plain decimal.
fn write_without_exponent(out: &mut Vec<u8>, number: &str, exponent: i32) {
    let unsigned = number.strip_prefix('-').unwrap_or(number);
    if unsigned.len() < number.len() {
        out.push(b'-');
    }
    let (units, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = units.bytes().chain(fraction.bytes());
    let count = units.len() + fraction.len();
    // How many digits stand before the point.
    let point = units.len() as i32 + exponent;
    if point <= 0 {
        out.extend_from_slice(b"0.");
        out.extend(std::iter::repeat_n(b'0', point.unsigned_abs() as usize));
        out.extend(digits);
    } else {
        let point = point as usize;
        for (at, digit) in digits.enumerate() {
            if at == point {
                out.push(b'.');
            }
            out.push(digit);
        }
        out.extend(std::iter::repeat_n(b'0', point.saturating_sub(count)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(number: f64) -> String {
        let mut out = Vec::new();
        write_decimal(&mut out, number);
        String::from_utf8(out).unwrap()
    }

    #[track_caller]
    fn check(given: f64, expected: &str) {
        assert_eq!(written(given), expected);
    }

    #[test]
    fn numbers_have_a_fraction_only_if_they_need_one() {
        check(0.0, "0");
        check(-0.0, "0");
        check(26.0, "26");
        check(-26.52, "-26.52");
        check(21.4, "21.4");
        check(0.1 + 0.2, "0.30000000000000004");
        check(101_325.5, "101325.5");
        check(-0.000_001, "-0.000001");
        check(22.543_099, "22.543099");
        check(999_999_999.999_999, "999999999.999999");
        check(1_000_000_000.5, "1000000000.5");
        check(999_999_999_999_999.0, "999999999999999");
    }

    #[test]
    fn numbers_have_an_exponent_only_where_it_would_be_absurd_without() {
        check(1e15, "1000000000000000");
        check(1.234_567_8e20, "123456780000000000000");
        check(-1.5e16, "-15000000000000000");
        check(1e-7, "0.0000001");
        check(-1.25e-9, "-0.00000000125");
        check(1e300, "1e+300");
    }

    proptest! {
        #[test]
        fn every_finite_number_reads_back_to_the_last_bit(bits: u64) {
            let given = f64::from_bits(bits);
            prop_assume!(given.is_finite());
            let text = written(given);
            prop_assert_eq!(text.parse::<f64>().unwrap(), given, "{}", text);
        }

        #[test]
        fn ordinary_numbers_are_the_shortest_plain_decimals(given in -1e9..1e9, places in 0i32..9) {
            let given = f64::round(given * 10f64.powi(places)) / 10f64.powi(places);
            let text = written(given);
            prop_assert!(!text.contains(['e', 'E']), "{}", text);
            prop_assert_eq!(text, format!("{}", given + 0.0));
        }

        #[test]
        fn neighbours_of_short_decimals_are_not_taken_for_them(units in -100_000i64..100_000, away in -3i64..=3) {
            let short = units as f64 / 1_000.0;
            let given = f64::from_bits(short.to_bits().saturating_add_signed(away));
            prop_assume!(given.is_finite());
            prop_assert_eq!(written(given).parse::<f64>().unwrap(), given);
        }
    }
}
