use std::sync::atomic::Ordering::Relaxed;

use model::{ChannelIndex, DeviceEui, MeasurementId, Timestamp};
use store::Select;

use super::Parameters;
use crate::error::Refusal;

impl Parameters {
    /// Most devices a call may name.
    pub(crate) const EUIS_MAX: usize = 50;

    /// A text, which may be empty.
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        self.list(name).next()
    }

    /// Every text given under a name.
    pub(crate) fn list<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let given = self.given.iter().filter(move |given| given.name == name);
        given.inspect(|given| given.is_read.store(true, Relaxed)).map(|given| given.value.as_str())
    }

    /// A text that is not empty; an empty one is as good as absent.
    pub(crate) fn find_filled(&self, name: &str) -> Option<&str> {
        self.list(name).map(str::trim).find(|value| !value.is_empty())
    }

    /// What people call a device.
    pub(crate) fn device_name(&self, name: &'static str) -> Result<Option<&str>, Refusal> {
        /// Most characters of it.
        const CHARS_MAX: usize = 128;
        match self.find_filled(name) {
            Some(text) if text.chars().count() > CHARS_MAX || text.contains(char::is_control) => {
                let advice = format!("`{name}` is to be at most {CHARS_MAX} characters on one line");
                Err(Refusal::Parameters(advice.into()))
            }
            text => Ok(text),
        }
    }

    /// A whole number, written as `4097`, `4097.0` or in quotes.
    pub(crate) fn whole<T: TryFrom<i64>>(&self, name: &'static str) -> Result<Option<T>, Refusal> {
        let Some(text) = self.find_filled(name) else { return Ok(None) };
        let number = number(text).filter(|number| number.fract() == 0.0 && number.abs() < 1e15);
        let whole = number.and_then(|number| T::try_from(number as i64).ok());
        whole.map(Some).ok_or_else(|| Refusal::Parameters(format!("`{name}` is to be a whole number").into()))
    }

    /// An instant in milliseconds since 1970; parts of a millisecond are dropped, and what lies
    /// beyond the years 0 to 9999 is moved to their end.
    pub(crate) fn time(&self, name: &'static str) -> Result<Option<Timestamp>, Refusal> {
        const FIRST_MS: f64 = -62_167_219_200_000.0;
        const LAST_MS: f64 = 253_402_300_799_999.0;
        let Some(text) = self.find_filled(name) else { return Ok(None) };
        let advice = || Refusal::Parameters(format!("`{name}` is to be in milliseconds since 1970").into());
        let ms = number(text).ok_or_else(advice)?;
        Ok(Some(Timestamp::from_millis(ms.clamp(FIRST_MS, LAST_MS).floor() as i64)))
    }

    /// Any finite number.
    pub(crate) fn number(&self, name: &'static str) -> Result<Option<f64>, Refusal> {
        let Some(text) = self.find_filled(name) else { return Ok(None) };
        number(text).map(Some).ok_or_else(|| Refusal::Parameters(format!("`{name}` is to be a number").into()))
    }

    /// The device that the call is about.
    pub(crate) fn device_eui(&self) -> Result<DeviceEui, Refusal> {
        self.eui("device_eui")
    }

    /// The device that stands under a name.
    pub(crate) fn eui(&self, name: &'static str) -> Result<DeviceEui, Refusal> {
        self.find_filled(name).ok_or_else(|| Refusal::missing(name)).and_then(eui)
    }

    /// The devices that the call is about, at least one, each once, in the caller's order.
    pub(crate) fn device_euis(&self) -> Result<Vec<DeviceEui>, Refusal> {
        self.euis(&["device_euis"])
    }

    /// The devices that a list names, under the first of some names or another.
    pub(crate) fn euis(&self, names: &[&'static str]) -> Result<Vec<DeviceEui>, Refusal> {
        let name = names[0];
        let mut euis = Vec::new();
        let texts = names.iter().flat_map(|name| self.list(name));
        for text in texts.filter(|text| !text.trim().is_empty()) {
            let eui = eui(text)?;
            if !euis.contains(&eui) {
                euis.push(eui);
            }
            if euis.len() > Self::EUIS_MAX {
                let max = Self::EUIS_MAX;
                return Err(Refusal::Parameters(format!("give at most {max} `{name}`").into()));
            }
        }
        if euis.is_empty() { Err(Refusal::missing(name)) } else { Ok(euis) }
    }

    /// The series that the call is about: of one channel or all, of one measurement or all.
    pub(crate) fn series(&self) -> Result<Select, Refusal> {
        self.series_named("channel_index", "measurement_id")
    }

    /// The same under other names.
    pub(crate) fn series_named(&self, channel: &'static str, measurement: &'static str) -> Result<Select, Refusal> {
        let channel = self.whole(channel)?.map(ChannelIndex);
        let measurement = self.whole(measurement)?.map(MeasurementId);
        Ok(Select::Readings { channel, measurement })
    }
}

fn eui(text: &str) -> Result<DeviceEui, Refusal> {
    text.trim().parse().map_err(|_| Refusal::InvalidEui(Refusal::shown(text)))
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn asked(query: &str) -> Parameters {
        let mut parameters = Parameters::default();
        parameters.add_form(query.as_bytes()).unwrap();
        parameters
    }

    #[test]
    fn a_number_may_come_as_integer_float_or_nothing() {
        for query in ["n=4097", "n=4097.0", "n=+4097.", "n=%204097%20", "n=4.097e3", "n=&n=4097", "n[]=4097"] {
            assert_eq!(asked(query).whole::<u32>("n").unwrap(), Some(4097), "{query}");
        }
        for query in ["", "n", "n=", "n=%20", "m=1"] {
            assert_eq!(asked(query).whole::<u32>("n").unwrap(), None, "{query}");
        }
        for query in ["n=x", "n=4097.5", "n=-1", "n=NaN", "n=inf", "n=1e99", "n=4294967296", "n=0x1F", "n=1,2"] {
            assert!(asked(query).whole::<u32>("n").is_err(), "{query}");
        }
    }

    #[test]
    fn times_are_milliseconds_and_never_leave_the_calendar() {
        let time = |query: &str| asked(query).time("t").unwrap().map(|at| at.to_string());
        assert_eq!(time("t=1783651184319").as_deref(), Some("2026-07-10T02:39:44.319Z"));
        assert_eq!(time("t=1783651184319.7").as_deref(), Some("2026-07-10T02:39:44.319Z"));
        assert_eq!(time("t=1e300").as_deref(), Some("9999-12-31T23:59:59.999Z"));
        assert_eq!(time("t=-1e300").as_deref(), Some("0000-01-01T00:00:00.000Z"));
        assert_eq!(time("t="), None);
        assert!(asked("t=yesterday").time("t").is_err());
    }

    #[test]
    fn euis_come_in_any_case_and_are_taken_once() {
        let euis = asked("device_euis=2cf7f12004100005&device_euis[]=2CF7F12004100005&device_euis[1]=2CF7F12004100006");
        let euis: Vec<String> = euis.device_euis().unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(euis, ["2CF7F12004100005", "2CF7F12004100006"]);
        assert!(matches!(asked("device_eui=2CF7").device_eui(), Err(Refusal::InvalidEui(_))));
        assert!(matches!(asked("device_eui=").device_eui(), Err(Refusal::Parameters(_))));
        assert!(matches!(asked("device_euis=").device_euis(), Err(Refusal::Parameters(_))));
    }

    #[test]
    fn fifty_devices_are_the_most() {
        let query = |count: u64| (0..count).map(|n| format!("device_euis={n:016X}&")).collect::<String>();
        assert_eq!(asked(&query(50)).device_euis().unwrap().len(), 50);
        assert!(asked(&query(51)).device_euis().is_err());
    }

    proptest! {
        #[test]
        fn every_whole_number_reads_back(given: i32) {
            prop_assert_eq!(asked(&format!("n={given}")).whole::<i64>("n").unwrap(), Some(given.into()));
            prop_assert_eq!(asked(&format!("n={given}.0")).whole::<i64>("n").unwrap(), Some(given.into()));
        }

        #[test]
        fn every_instant_of_the_calendar_reads_back(ms in -62_167_219_200_000_i64..=253_402_300_799_999) {
            prop_assert_eq!(asked(&format!("t={ms}")).time("t").unwrap(), Some(Timestamp::from_millis(ms)));
        }

        #[test]
        fn no_query_is_too_strange(query: String) {
            let asked = asked(&query);
            let _ = (asked.whole::<u16>("n"), asked.time("t"), asked.device_euis(), asked.series());
        }
    }
}
