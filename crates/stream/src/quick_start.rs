use model::OrgId;

use crate::topic::every_reading;

/// A line to paste into a terminal: every reading of an organization from now on, by mosquitto's own
/// client.
pub fn quick_start(host: &str, port: u16, org: OrgId, access_key: &str) -> String {
    // The brackets of an address belong to URLs.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let filter = every_reading(org);
    format!("mosquitto_sub -h {host} -p {port} -t '{filter}' -u org-{org} -P {access_key} -I org-{org}-quickstart -v")
}
