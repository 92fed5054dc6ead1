//! Settings: flag > environment > `senstation.toml` > the defaults.

mod check;
mod layers;
mod nearest;

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use ipnet::IpNet;
use serde::Deserialize;

pub(crate) use layers::{Layers, Origin, env_name};
pub(crate) use nearest::nearest;

/// The commented file of defaults.
const DEFAULTS: &str = include_str!("../../senstation.default.toml");

/// Every setting, as the program uses it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) data_dir: PathBuf,
    pub(crate) http: Http,
    pub(crate) https: Https,
    pub(crate) tls: Tls,
    pub(crate) mqtt: Mqtt,
    pub(crate) ingest: Ingest,
    pub(crate) portal: Portal,
    pub(crate) owner: Owner,
    pub(crate) metrics: Metrics,
    pub(crate) contract: Contract,
    pub(crate) portal_login: PortalLogin,
    pub(crate) store: Store,
    pub(crate) retention: Retention,
    pub(crate) backup: Backup,
    pub(crate) log: Log,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Http {
    pub(crate) listen: Listen,
    pub(crate) connections_max: usize,
    pub(crate) connections_per_address_max: usize,
    pub(crate) trusted_proxies: Networks,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Https {
    pub(crate) listen: Listen,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Tls {
    /// Whether a certificate is named.
    pub(crate) fn is_set(&self) -> bool {
        !self.certificate.as_os_str().is_empty()
    }
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mqtt {
    pub(crate) listen: Listen,
    pub(crate) websocket_listen: Listen,
    pub(crate) tls_listen: Listen,
    pub(crate) connections_max: usize,
    pub(crate) connections_per_org_max: usize,
    pub(crate) packet_kib_max: usize,
    pub(crate) topic_bytes_max: usize,
    pub(crate) topic_levels_max: usize,
    pub(crate) client_id_bytes_max: usize,
    pub(crate) subscriptions_max: usize,
    pub(crate) filters_per_packet_max: usize,
    pub(crate) connect_timeout_s: u16,
    pub(crate) keep_alive_s_max: u16,
    pub(crate) anonymous_source: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ingest {
    pub(crate) keep_simulated: bool,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Portal {
    pub(crate) public_url: String,
    pub(crate) map_tiles: String,
    pub(crate) map_attribution: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Owner {
    pub(crate) email: String,
    pub(crate) password_file: PathBuf,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Metrics {
    pub(crate) listen: Listen,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contract {
    pub(crate) strict_windows: bool,
    pub(crate) unauthorized_status_200: bool,
    pub(crate) realm: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PortalLogin {
    pub(crate) enabled: bool,
    pub(crate) networks: Networks,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Store {
    pub(crate) log_hours: u32,
    pub(crate) log_mib_max: u32,
    pub(crate) open_mib_max: u32,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retention {
    pub(crate) readings_days: u32,
    pub(crate) frames_days: u32,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Backup {
    pub(crate) directory: PathBuf,
    pub(crate) interval_hours: u32,
    pub(crate) keep: usize,
    pub(crate) with_secrets: bool,
}

impl Backup {
    /// Whether backups are made by the clock.
    pub(crate) fn is_on(&self) -> bool {
        !self.directory.as_os_str().is_empty()
    }
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    pub(crate) level: String,
    pub(crate) format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Auto,
    Text,
    Json,
}

/// Networks or addresses, separated by commas.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Networks(pub(crate) Vec<IpNet>);

impl TryFrom<String> for Networks {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let named = text.split(',').map(str::trim).filter(|named| !named.is_empty());
        let network = |named: &str| {
            let network = named.parse().or_else(|_| named.parse::<IpAddr>().map(IpNet::from));
            network.map_err(|_| format!("`{named}` is no network such as `192.168.1.0/24`, nor an address"))
        };
        named.map(network).collect::<Result<_, _>>().map(Self)
    }
}

/// Where a door opens; `None` where it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Listen(pub(crate) Option<SocketAddr>);

impl TryFrom<String> for Listen {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.is_empty() || text == "off" {
            return Ok(Self(None));
        }
        let address = text.parse().map_err(|_| format!("`{text}` is no address such as `127.0.0.1:8080`, nor `off`"));
        address.map(|address| Self(Some(address)))
    }
}
