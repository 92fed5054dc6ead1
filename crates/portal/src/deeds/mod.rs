//! What can be done, by a page or by a program; each deed is written into the audit log.

pub(crate) mod brokers;
pub(crate) mod codecs;
pub(crate) mod devices;
pub(crate) mod fleet;
pub(crate) mod groups;
pub(crate) mod keys;
pub(crate) mod limits;
pub(crate) mod mirrors;
pub(crate) mod people;
pub(crate) mod retention;
pub(crate) mod sources;

use crate::fault::{Fault, Say};

/// The most characters of a name.
pub(crate) const NAME_CHARS_MAX: usize = 64;

/// A name as it is kept: trimmed, in one line, not too long; it may be empty.
pub(crate) fn name(text: &str) -> Result<String, Fault> {
    let text = text.trim();
    if text.chars().any(|c| c.is_control() || turns_around(c)) {
        return Err(Fault::Invalid(|texts| texts.fault_name_control));
    }
    if text.chars().count() > NAME_CHARS_MAX {
        return Err(Fault::Invalid(|texts| texts.fault_name_long));
    }
    Ok(text.to_owned())
}

/// Whether a character makes what follows it read the other way round, so that a name looks like
/// another one. Arabic and Hebrew need none of them.
const fn turns_around(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// As [`name`], but it may not be empty.
pub(crate) fn full_name(text: &str) -> Result<String, Fault> {
    let name = name(text)?;
    if name.is_empty() { Err(Fault::Invalid(|texts| texts.fault_name_empty)) } else { Ok(name) }
}

/// Text that stands for something, or the fault to answer with.
pub(crate) fn parse<T: std::str::FromStr>(text: &str, or: Say) -> Result<T, Fault> {
    text.trim().parse().map_err(|_| Fault::Invalid(or))
}

/// A time zone that there is, by its IANA name.
pub(crate) fn time_zone(text: &str) -> Result<String, Fault> {
    let zone = jiff::tz::TimeZone::get(text.trim());
    let name = zone.ok().and_then(|zone| zone.iana_name().map(str::to_owned));
    name.ok_or(Fault::Invalid(|texts| texts.fault_time_zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_odd_ones_refused() {
        assert_eq!(name("  Dach, Süd ").ok().as_deref(), Some("Dach, Süd"));
        assert!(name(&"x".repeat(64)).is_ok() && name(&"x".repeat(65)).is_err());
        assert!(name("a\u{202E}gpj.exe").is_err() && name("سطح").is_ok());
        assert!(name("a\nb").is_err() && name("").is_ok() && full_name(" ").is_err());
    }

    #[test]
    fn only_zones_that_exist_are_zones() {
        assert_eq!(time_zone("Europe/Zurich").ok().as_deref(), Some("Europe/Zurich"));
        assert!(time_zone("Mars/Olympus").is_err() && time_zone("").is_err() && time_zone("../etc/passwd").is_err());
    }
}
