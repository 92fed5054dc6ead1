use anyhow::bail;
use model::SourceId;

use super::{Listen, Settings};

/// What the log has levels for, the first showing nothing.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Refuses values that have the right type and would leave a station that serves or tells nobody.
pub(super) fn check(settings: &Settings) -> anyhow::Result<()> {
    if settings.data_dir.as_os_str().is_empty() {
        bail!("`data_dir` is empty; name a folder");
    }
    for (name, max, door) in [
        ("http.connections_max", settings.http.connections_max, "http.listen"),
        ("http.connections_per_address_max", settings.http.connections_per_address_max, "http.listen"),
        ("mqtt.connections_max", settings.mqtt.connections_max, "mqtt.listen"),
        ("mqtt.connections_per_org_max", settings.mqtt.connections_per_org_max, "mqtt.listen"),
        ("mqtt.packet_kib_max", settings.mqtt.packet_kib_max, "mqtt.listen"),
        ("mqtt.client_id_bytes_max", settings.mqtt.client_id_bytes_max, "mqtt.listen"),
        ("mqtt.connect_timeout_s", settings.mqtt.connect_timeout_s.into(), "mqtt.listen"),
    ] {
        if max == 0 {
            bail!("`{name}` is 0, which lets nobody in; to close the door set `{door}` to `off`");
        }
    }
    let tls = &settings.tls;
    if tls.is_set() == tls.key.as_os_str().is_empty() {
        bail!("`tls.certificate` and `tls.key` come together; set both or none");
    }
    if settings.https.listen != Listen(None) && !tls.is_set() {
        bail!(
            "`https.listen` needs `tls.certificate` and `tls.key`; where there is no certificate yet, \
             `senstation ca init` and `senstation ca issue` make one"
        );
    }
    // The store takes no larger message.
    if settings.mqtt.packet_kib_max > 256 || settings.mqtt.client_id_bytes_max > 1_024 {
        bail!("`mqtt.packet_kib_max` is 256 at most, `mqtt.client_id_bytes_max` 1024");
    }
    let anonymous = &settings.mqtt.anonymous_source;
    if !anonymous.is_empty() && anonymous.parse::<SourceId>().is_err() {
        bail!(
            "`mqtt.anonymous_source` is `{anonymous}`, which is no id of a source; `senstation source list` has them"
        );
    }
    if settings.contract.realm.contains(char::is_control) {
        bail!("`contract.realm` has a control character; use letters, digits and blanks");
    }
    let public_url = &settings.portal.public_url;
    if !public_url.is_empty() && !public_url.starts_with("https://") && !public_url.starts_with("http://") {
        bail!("`portal.public_url` is `{public_url}`; write it as `https://station.example.org`");
    }
    if settings.owner.email.is_empty() != settings.owner.password_file.as_os_str().is_empty() {
        bail!("`owner.email` and `owner.password_file` come together; set both or none");
    }
    let backup = &settings.backup;
    if backup.is_on() && (backup.interval_hours == 0 || backup.keep == 0) {
        bail!("`backup.interval_hours` and `backup.keep` are at least 1; to make none, empty `backup.directory`");
    }
    for part in settings.log.level.split(',') {
        // One room has its own level as `ingest=debug`.
        let level = part.rsplit_once('=').map_or(part, |(_, level)| level).trim();
        if !LEVELS.iter().any(|known| known.eq_ignore_ascii_case(level)) {
            bail!("`log.level` names `{level}`, which is no level; there are {}", LEVELS.join(", "));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::config::Layers;

    #[track_caller]
    fn check(name: &str, value: impl Into<toml::Value>, expected: Option<&str>) {
        let mut layers = Layers::defaults().unwrap();
        layers.set_default(name, value).unwrap();
        let said = layers.settings().err().map(|error| format!("{error:#}"));
        match (&said, expected) {
            (None, None) => {}
            (Some(said), Some(words)) if said.contains(words) => {}
            _ => panic!("{name}: {said:?}"),
        }
    }

    #[test]
    fn a_level_is_one_that_the_log_has() {
        for known in ["off", "error", "INFO", "info,ingest=debug", "warn, ingest=trace"] {
            check("log.level", known, None);
        }
        for typo in ["inof", "", "info,", "ingest=", "info,ingest=verbose", "ingest"] {
            check("log.level", typo, Some("no level"));
        }
    }

    #[test]
    fn what_would_serve_nobody_is_refused() {
        check("http.connections_max", 0, Some("lets nobody in"));
        check("http.connections_per_address_max", 0, Some("lets nobody in"));
        check("http.connections_max", 1, None);
        check("https.listen", "127.0.0.1:8443", Some("needs `tls.certificate`"));
        check("tls.key", "station.key", Some("come together"));
        check("tls.certificate", "station.crt", Some("come together"));
        check("data_dir", "", Some("name a folder"));
        check("backup.keep", 0, None);
        check("contract.realm", "My\r\nfarm", Some("control character"));
        check("contract.realm", "My farm", None);
    }
}
