use serde::Serialize;

/// Devices here have no SIM; clients still look into it.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Sim {
    iccid: &'static str,
    msisdn: &'static str,
    #[serde(rename = "activateTime")]
    activate_time: &'static str,
    #[serde(rename = "expiryDate")]
    expiry_date: &'static str,
    status: u8,
    flow: u8,
    #[serde(rename = "residueFlow")]
    residue_flow: u8,
}
