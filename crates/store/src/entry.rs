use model::{
    CodecVersion, DedupKey, DeviceEui, DeviceId, Frame, OrgId, Position, Reading, RowFlags, SourceId, Timestamp,
};

use crate::Error;

/// What is appended to the log: the one way data gets into a store.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// A message from a device, decoded as far as it could be.
    Uplink(StoredUplink),
    /// A new decoding of an uplink that is in the store.
    Redecode(Redecode),
    /// A message in an organization's private space of the broker.
    Message(Message),
}

/// A message from a device, decoded as far as it could be.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredUplink {
    /// Whose device it is.
    pub org: OrgId,
    /// The device.
    pub device: DeviceId,
    /// Its label, so that readers of the log need not look it up.
    pub eui: DeviceEui,
    /// Who brought it.
    pub source: SourceId,
    /// What tells it from another uplink; equal keys within 24 h are one uplink.
    pub dedup: DedupKey,
    /// When we received it.
    pub received_at: Timestamp,
    /// The codec that decoded it.
    pub codec: CodecVersion,
    /// Its bytes; `None` for what came without, such as a network server's own status message.
    pub frame: Option<Frame>,
    /// What it measured. Without any, the store keeps one empty row at `received_at`.
    pub rows: Vec<NewRow>,
}

/// A new decoding of an uplink: its rows hide all earlier rows of that uplink, cells that are now
/// absent included.
#[derive(Debug, Clone, PartialEq)]
pub struct Redecode {
    /// Whose device it is.
    pub org: OrgId,
    /// The device.
    pub device: DeviceId,
    /// Its label.
    pub eui: DeviceEui,
    /// Where the uplink stands in the log (where its first decoding stands, after several).
    pub replaces: Position,
    /// When the uplink was received.
    pub received_at: Timestamp,
    /// The codec that decoded it this time.
    pub codec: CodecVersion,
    /// What it measured after all. Without any, the store keeps one empty row at `received_at`.
    pub rows: Vec<NewRow>,
}

/// A message in an organization's private space of the broker.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Whose space.
    pub org: OrgId,
    /// When we received it.
    pub received_at: Timestamp,
    /// Its topic.
    pub topic: Box<str>,
    /// Its body.
    pub payload: Box<[u8]>,
    /// Whether late subscribers get it too.
    pub retain: bool,
    /// What the broker knows of it beside, as it writes that.
    pub header: Box<[u8]>,
}

/// A row on its way into the store, which adds clock and position of its entry.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRow {
    /// The device's time.
    pub measured_at: Timestamp,
    /// What happened to it.
    pub flags: RowFlags,
    /// The readings; of two of one series the last wins.
    pub readings: Vec<Reading>,
}

impl Entry {
    /// Most rows an entry may have.
    pub const ROWS_MAX: usize = 1_024;
    /// Most readings a row may have.
    pub const READINGS_MAX: usize = 1_024;
    /// Most bytes a payload, a text or a JSON value may have.
    pub const BYTES_MAX: usize = 256 * 1_024;

    /// Whose entry it is.
    pub fn org(&self) -> OrgId {
        match self {
            Self::Uplink(uplink) => uplink.org,
            Self::Redecode(redecode) => redecode.org,
            Self::Message(message) => message.org,
        }
    }

    /// When it, or the uplink that it decodes anew, was received.
    pub fn received_at(&self) -> Timestamp {
        match self {
            Self::Uplink(uplink) => uplink.received_at,
            Self::Redecode(redecode) => redecode.received_at,
            Self::Message(message) => message.received_at,
        }
    }

    /// Its rows; none for a message.
    pub fn rows(&self) -> &[NewRow] {
        match self {
            Self::Uplink(uplink) => &uplink.rows,
            Self::Redecode(redecode) => &redecode.rows,
            Self::Message(_) => &[],
        }
    }

    /// How many data it uploads, in the contract's unit `um`: one for each reading of an uplink
    /// that is no status of the device.
    pub fn um(&self) -> u64 {
        match self {
            Self::Uplink(uplink) => {
                let readings = uplink.rows.iter().flat_map(|row| &row.readings);
                readings.filter(|reading| !reading.series.measurement.is_status()).count() as u64
            }
            Self::Redecode(_) | Self::Message(_) => 0,
        }
    }

    /// Checks the limits every backend relies on.
    ///
    /// **Errors**: [`Error::Limit`].
    pub fn check(&self) -> Result<(), Error> {
        let rows = self.rows();
        limit(rows.len(), Self::ROWS_MAX, "rows in an entry")?;
        for row in rows {
            limit(row.readings.len(), Self::READINGS_MAX, "readings in a row")?;
            for reading in &row.readings {
                if let model::Value::Text(text) | model::Value::Json(text) = &reading.value {
                    limit(text.len(), Self::BYTES_MAX, "bytes in a text value")?;
                }
            }
        }
        match self {
            Self::Uplink(StoredUplink { frame: Some(frame), .. }) => {
                limit(frame.payload.len(), Self::BYTES_MAX, "bytes in a payload")?;
                limit(frame.receptions.len(), Self::ROWS_MAX, "gateways that heard an uplink")
            }
            Self::Message(message) => {
                limit(message.topic.len(), 65_535, "bytes in a topic")?;
                limit(message.payload.len(), Self::BYTES_MAX, "bytes in a payload")?;
                limit(message.header.len(), Self::BYTES_MAX, "bytes in the header of a message")
            }
            Self::Uplink(_) | Self::Redecode(_) => Ok(()),
        }
    }
}

impl From<StoredUplink> for Entry {
    fn from(uplink: StoredUplink) -> Self {
        Self::Uplink(uplink)
    }
}

impl From<Redecode> for Entry {
    fn from(redecode: Redecode) -> Self {
        Self::Redecode(redecode)
    }
}

impl From<Message> for Entry {
    fn from(message: Message) -> Self {
        Self::Message(message)
    }
}

pub(crate) fn limit(count: usize, max: usize, what: &'static str) -> Result<(), Error> {
    if count > max { Err(Error::Limit { what, max: max as u64 }) } else { Ok(()) }
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Where it stands; of a duplicate, where the first stands.
    pub position: Position,
    /// Whether it had been stored already. The first is durable by now.
    pub duplicate: bool,
}

/// An entry with its place, as `follow` gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct LogEntry {
    /// Its place.
    pub position: Position,
    /// What was appended.
    pub entry: Entry,
}
