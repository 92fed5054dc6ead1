//! What callers give that a call does not take.

use std::sync::atomic::Ordering::Relaxed;

use model::Hint;

use super::Parameters;
use crate::call;

/// What callers may have meant.
const KNOWN: [&str; 12] = [
    "device_eui",
    "device_euis",
    "channel_index",
    "measurement_id",
    "time_start",
    "time_end",
    "limit",
    "interval",
    "group_uuid",
    "group_name",
    "device_type",
    "report_cycle",
];
/// Most that are noted of one call, and most characters of one.
const NOTED_MAX: usize = 5;
const CHARS_MAX: usize = 32;

impl Drop for Parameters {
    fn drop(&mut self) {
        let unread = self.given.iter().filter(|given| !given.is_read.load(Relaxed));
        let hints: Vec<Hint> = unread.take(NOTED_MAX).map(|given| hint(&given.name)).collect();
        if !hints.is_empty() {
            call::note(|notes| notes.hints.extend(hints));
        }
    }
}

fn hint(name: &str) -> Hint {
    let words = words(name);
    let meant = KNOWN.into_iter().find(|known| *known != name && self::words(known) == words);
    Hint::Unknown { name: name.chars().filter(|c| !c.is_control()).take(CHARS_MAX).collect(), meant }
}

/// The words of a name in an order of their own, however they are put together: `deviceEUI`, `eui-device`.
fn words(name: &str) -> Vec<String> {
    let mut apart = String::new();
    let mut was_lower = false;
    for c in name.chars().take(CHARS_MAX) {
        if c.is_uppercase() && was_lower {
            apart.push('_');
        }
        apart.extend(c.to_lowercase());
        was_lower = c.is_lowercase();
    }
    let words = apart.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let mut words: Vec<String> = words.map(str::to_owned).collect();
    words.sort();
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, shown: &str, meant: Option<&'static str>) {
        assert_eq!(hint(name), Hint::Unknown { name: shown.into(), meant });
    }

    #[test]
    fn a_name_that_is_put_together_otherwise_is_recognized() {
        check("deviceEui", "deviceEui", Some("device_eui"));
        check("DeviceEUI", "DeviceEUI", Some("device_eui"));
        check("start_time", "start_time", Some("time_start"));
        check("measurement-id", "measurement-id", Some("measurement_id"));
        check("order", "order", None);
        check("limit", "limit", None);
        check("a\u{7}b", "ab", None);
        check(&"x".repeat(100), &"x".repeat(32), None);
    }
}
