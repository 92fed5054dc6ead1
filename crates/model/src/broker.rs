use std::{fmt, str::FromStr};

use crate::{OrgId, SourceId, Timestamp};

/// Where a broker is, and whether it is spoken to with TLS.
///
/// **Shape**: printed as `mqtt://host:1883` and `mqtts://host:8883`; read without the port as well.
///
/// **Errors**: [`InvalidBrokerUrl`] for anything else, also for a URL with a user or a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerUrl {
    /// Name or address; one of IPv6 without its brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// Whether with TLS.
    pub tls: bool,
}

impl fmt::Display for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "mqtts" } else { "mqtt" };
        match self.host.contains(':') {
            true => write!(f, "{scheme}://[{}]:{}", self.host, self.port),
            false => write!(f, "{scheme}://{}:{}", self.host, self.port),
        }
    }
}

impl FromStr for BrokerUrl {
    type Err = InvalidBrokerUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = text.trim().split_once("://").ok_or(InvalidBrokerUrl)?;
        let tls = match scheme {
            "mqtt" | "tcp" => false,
            "mqtts" | "ssl" => true,
            _ => return Err(InvalidBrokerUrl),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, port)) => (host, Some(port.strip_prefix(':').ok_or(InvalidBrokerUrl)?)),
            None => match rest.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (rest, None),
            },
        };
        let is_address = rest.starts_with('[');
        let may_stand = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c) || (is_address && c == ':');
        if host.is_empty() || host.len() > 253 || !host.chars().all(may_stand) {
            return Err(InvalidBrokerUrl);
        }
        let port = match port {
            None if tls => 8883,
            None => 1883,
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                port.parse().ok().filter(|port| *port > 0).ok_or(InvalidBrokerUrl)?
            }
            Some(_) => return Err(InvalidBrokerUrl),
        };
        Ok(Self { host: host.to_owned(), port, tls })
    }
}

/// The text is no address of a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidBrokerUrl;

impl fmt::Display for InvalidBrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a broker is `mqtt://HOST:PORT`, or `mqtts://HOST:PORT` with TLS; user and password are given apart",
        )
    }
}

impl std::error::Error for InvalidBrokerUrl {}

/// The broker that a source's messages are fetched from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broker {
    /// Whose source.
    pub org: OrgId,
    /// The source; its kind says how messages are read.
    pub source: SourceId,
    /// Where it is.
    pub url: BrokerUrl,
    /// Who the station is there; empty where it is nobody in particular.
    pub user: String,
    /// The password, [sealed](crate::StationKey::seal); empty where there is none.
    pub password: Vec<u8>,
    /// Certificates of the authorities that the broker's may come from, as PEM; empty for those
    /// that the operating system trusts.
    pub ca_pem: String,
    /// What to subscribe to; empty for what is usual for the kind.
    pub topics: Vec<String>,
}

impl Broker {
    /// Most topics that one source subscribes to.
    pub const TOPICS_MAX: usize = 16;

    /// What a password of this source is sealed for.
    pub fn sealed_for(org: OrgId, source: SourceId) -> String {
        format!("broker-password|{org}|{source}")
    }
}

/// How fetching from a broker goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerState {
    /// Whether the station is connected and subscribed.
    pub is_connected: bool,
    /// What is the matter, if anything.
    pub trouble: String,
    /// Since when it is so.
    pub since: Timestamp,
}

/// Whether a text can be subscribed to: not empty, `+` a level of its own, `#` the last one.
pub fn is_topic_filter(text: &str) -> bool {
    let count = text.split('/').count();
    let level = |(at, level): (usize, &str)| match level {
        "+" => true,
        "#" => at + 1 == count,
        _ => !level.contains(['+', '#']),
    };
    !text.is_empty()
        && text.len() <= 65_535
        && !text.chars().any(char::is_control)
        && text.split('/').enumerate().all(level)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(text.parse::<BrokerUrl>().ok().map(|url| url.to_string()).as_deref(), expected, "{text}");
    }

    #[test]
    fn a_broker_is_named_by_scheme_host_and_port() {
        check("mqtt://broker.farm", Some("mqtt://broker.farm:1883"));
        check(" mqtts://eu1.cloud.thethings.network/ ", Some("mqtts://eu1.cloud.thethings.network:8883"));
        check("tcp://10.0.0.7:1884", Some("mqtt://10.0.0.7:1884"));
        check("mqtt://[::1]:1883", Some("mqtt://[::1]:1883"));
        check("mqtts://[fd00::7]", Some("mqtts://[fd00::7]:8883"));
        for bad in [
            "",
            "broker.farm",
            "http://broker.farm",
            "mqtt://",
            "mqtt://me:secret@broker.farm",
            "mqtt://broker.farm:0",
            "mqtt://broker.farm:65536",
            "mqtt://broker.farm:+1",
            "mqtt://broker.farm:",
            "mqtt://broker.farm/topic",
            "mqtt://::1",
            "mqtt://[::1",
            "mqtt://[::1]1883",
            "mqtt://bro ker",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn wildcards_are_whole_levels() {
        for good in ["a", "/", "+", "#", "a/+/b", "a/#", "+/+/#", "application/+/device/+/event/up"] {
            assert!(is_topic_filter(good), "{good}");
        }
        for bad in ["", "a/#/b", "a#", "a/b+", "#/a", "a\n", "a\0b"] {
            assert!(!is_topic_filter(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_and_what_is_read_reads_back(text in ".{0,40}|(mqtt|tcp|ssl|mqtts)://[a-z0-9.:\\[\\]]{0,20}") {
            if let Ok(url) = text.parse::<BrokerUrl>() {
                prop_assert_eq!(url.to_string().parse(), Ok(url));
            }
        }
    }
}
