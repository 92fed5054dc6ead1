use std::{fmt, str::FromStr};

/// Which station is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Station {
    /// Seeed's station in China.
    China,
    /// Seeed's station for the rest of the world, which LoRaWAN products belong to.
    Global,
    /// Any other, by its address such as `https://station.example.org`.
    At(String),
}

impl Station {
    /// Where its paths begin, without a `/` at the end.
    pub fn base(&self) -> &str {
        match self {
            Self::China => "https://sensecap.seeed.cn",
            Self::Global => "https://sensecap.seeed.cc",
            Self::At(url) => url.trim_end_matches('/'),
        }
    }
}

impl fmt::Display for Station {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.base())
    }
}

impl FromStr for Station {
    type Err = InvalidStation;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "china" => Ok(Self::China),
            "global" => Ok(Self::Global),
            url => {
                let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
                let is_plain = |host: &str| !host.is_empty() && !host.contains(['?', '#', '@', ' ', '\\']);
                host.filter(|host| is_plain(host)).map(|_| Self::At(url.to_owned())).ok_or(InvalidStation)
            }
        }
    }
}

/// The text names no station.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a station is `china`, `global`, or an address such as `https://station.example.org`")]
pub struct InvalidStation;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_station_is_named_or_at_an_address() {
        assert_eq!("global".parse(), Ok(Station::Global));
        assert_eq!("china".parse::<Station>().unwrap().base(), "https://sensecap.seeed.cn");
        assert_eq!("http://10.0.0.7:8080/".parse::<Station>().unwrap().base(), "http://10.0.0.7:8080");
        for wrong in ["", "mars", "ftp://a", "https://", "https://me@a", "https://a?b", "sensecap.seeed.cc"] {
            assert_eq!(wrong.parse::<Station>(), Err(InvalidStation), "{wrong}");
        }
    }
}
