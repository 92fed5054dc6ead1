use crate::{DeviceEui, OrgId, SourceId, Timestamp};

/// One message from a device, before decoding.
#[derive(Debug, Clone, PartialEq)]
pub struct Uplink {
    /// The organization of the source that brought it.
    pub org: OrgId,
    /// Who brought it.
    pub source: SourceId,
    /// Who sent it.
    pub eui: DeviceEui,
    /// When the network received it; the time of readings whose device has no clock.
    pub sent_at: Timestamp,
    /// When we received it.
    pub received_at: Timestamp,
    /// What tells it from another message of the same source.
    pub dedup: DedupKey,
    /// The bytes and how they travelled.
    pub frame: Frame,
    /// Models that the network server's own description of the device names, likeliest first.
    pub model_hints: Vec<String>,
    /// What the network server calls the device; may be empty.
    pub name_hint: String,
}

/// Tells one uplink of an organization from another: equal keys within a day are one uplink.
///
/// **Shape**: 128 bits of a hash over the source and its deduplication id, or over the source, the
/// device, the frame counter and the time where the source has no such id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DedupKey(pub u128);

/// The bytes of an uplink and how they travelled, kept so that they can be decoded again.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Frame {
    /// LoRaWAN port.
    pub f_port: u8,
    /// Frame counter, where the source tells it.
    pub f_cnt: Option<u32>,
    /// Application bytes.
    pub payload: Box<[u8]>,
    /// Frequency in hertz; 0 when unknown.
    pub frequency_hz: u32,
    /// Data rate index; `None` when unknown.
    pub data_rate: Option<u8>,
    /// Which gateways heard it.
    pub receptions: Vec<Reception>,
    /// Why it could not be decoded to its end, if so.
    pub fault: Option<Box<str>>,
}

/// One gateway that heard a frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Reception {
    /// Its id as the network server writes it.
    pub gateway: Box<str>,
    /// Received signal strength in dBm.
    pub rssi_dbm: i16,
    /// Signal to noise ratio in dB.
    pub snr_db: f32,
}
