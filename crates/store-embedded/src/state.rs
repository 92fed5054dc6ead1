//! What memory holds of one device: its newest values, the rows it has not sealed yet, and the
//! uplinks a duplicate may repeat.

use std::collections::BTreeMap;

use chunk::OpenRows;
use model::{OrgId, Position, Row, SeriesKey, Timestamp, Value};
use store::{Entry, LatestReading, NewRow};

use crate::{
    bytes::{self, Damaged, put_i64, put_u64, put_value},
    entry::{put_series, take_series},
    recent::Recent,
};

const VERSION: u8 = 1;

#[derive(Debug, Clone)]
pub(crate) struct DeviceState {
    pub(crate) org: OrgId,
    /// Everything of this device up to here is in this state or in chunks.
    pub(crate) through: Position,
    /// What `through` was when the state was last written to disk.
    pub(crate) saved_through: Position,
    pub(crate) open: OpenRows,
    /// When the oldest open row arrived.
    pub(crate) open_since: Timestamp,
    /// The newest visible reading of each series, by ascending series.
    pub(crate) last: Vec<Last>,
    /// Whether `last` has to be found anew, because what it held was replaced.
    pub(crate) last_is_stale: bool,
    pub(crate) heard_at: Option<Timestamp>,
    pub(crate) recent: Recent,
    /// Latest decodings of uplinks, as long as they are not in the table on disk.
    pub(crate) decodings: BTreeMap<Position, Position>,
    /// Whether any uplink of the device was ever decoded again.
    pub(crate) has_decodings: bool,
    /// The latest `measured_at` in any chunk; before every time while there is none.
    pub(crate) sealed_until: Timestamp,
    /// Chunks written since the last merge.
    pub(crate) unmerged: u32,
    /// Counts what has changed in `last` and in the rows it comes from.
    pub(crate) changes: u64,
    /// Whether the janitor has been asked to seal it.
    pub(crate) is_queued: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Last {
    pub(crate) series: SeriesKey,
    pub(crate) measured_at: Timestamp,
    pub(crate) received_at: Timestamp,
    pub(crate) position: Position,
    pub(crate) value: Value,
}

impl Last {
    pub(crate) fn reading(&self) -> LatestReading {
        LatestReading {
            series: self.series,
            measured_at: self.measured_at,
            received_at: self.received_at,
            value: self.value.clone(),
        }
    }
}

impl DeviceState {
    pub(crate) fn new(org: OrgId) -> Self {
        Self {
            org,
            through: Position::START,
            saved_through: Position::START,
            open: OpenRows::new(),
            open_since: Timestamp::MAX,
            last: Vec::new(),
            last_is_stale: false,
            heard_at: None,
            recent: Recent::default(),
            decodings: BTreeMap::new(),
            has_decodings: false,
            sealed_until: Timestamp::MIN,
            unmerged: 0,
            changes: 0,
            is_queued: false,
        }
    }

    /// Takes in an entry of this device that the log holds at `position`.
    pub(crate) fn apply(&mut self, entry: Entry, position: Position) {
        if position <= self.through {
            return;
        }
        self.through = position;
        self.changes += 1;
        let (rows, mut template) = match entry {
            Entry::Uplink(uplink) => {
                self.heard_at = self.heard_at.max(Some(uplink.received_at));
                self.recent.insert(uplink.dedup, uplink.received_at, position);
                (uplink.rows, template(uplink.received_at, position, uplink.codec))
            }
            Entry::Redecode(redecode) => {
                self.decodings.insert(redecode.replaces, position);
                self.has_decodings = true;
                self.last_is_stale = true;
                let template = template(redecode.received_at, position, redecode.codec);
                (redecode.rows, Row { replaces: Some(redecode.replaces), ..template })
            }
            Entry::Message(_) => return,
        };
        if self.open.is_empty() {
            self.open_since = template.received_at;
        }
        if rows.is_empty() {
            self.open.push(&template);
        }
        for NewRow { measured_at, flags, readings } in rows {
            template.measured_at = measured_at;
            template.flags = flags;
            template.readings = readings;
            self.open.push(&template);
            self.take_newest(&mut template);
        }
    }

    /// Remembers of an entry whose rows are in chunks what is not: that it was here.
    pub(crate) fn remember(&mut self, entry: &Entry, position: Position) {
        self.through = self.through.max(position);
        match entry {
            Entry::Uplink(uplink) => {
                self.heard_at = self.heard_at.max(Some(uplink.received_at));
                self.recent.insert(uplink.dedup, uplink.received_at, position);
            }
            Entry::Redecode(redecode) => {
                self.decodings.insert(redecode.replaces, position);
            }
            Entry::Message(_) => {}
        }
    }

    /// Moves a row's readings into `last` where they are the newest.
    fn take_newest(&mut self, row: &mut Row) {
        // Rows of one device mostly have the same series in the same order.
        let mut expected = 0;
        for reading in row.readings.drain(..) {
            let found = match self.last.get(expected) {
                Some(last) if last.series == reading.series => Ok(expected),
                _ => self.last.binary_search_by_key(&reading.series, |last| last.series),
            };
            let newest = Last {
                series: reading.series,
                measured_at: row.measured_at,
                received_at: row.received_at,
                position: row.position,
                value: reading.value,
            };
            match found {
                Ok(at) => {
                    expected = at + 1;
                    let last = &mut self.last[at];
                    if newest.measured_at > last.measured_at
                        || newest.measured_at == last.measured_at && newest.position >= last.position
                    {
                        *last = newest;
                    }
                }
                Err(at) => {
                    expected = at + 1;
                    self.last.insert(at, newest);
                }
            }
        }
    }

    pub(crate) fn is_dirty(&self) -> bool {
        self.through != self.saved_through
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        put_u64(&mut out, self.org.get());
        put_u64(&mut out, self.through.get());
        put_i64(&mut out, self.open_since.as_millis());
        put_i64(&mut out, self.heard_at.unwrap_or(Timestamp::MIN).as_millis());
        put_i64(&mut out, self.sealed_until.as_millis());
        put_u64(&mut out, self.unmerged.into());
        out.push(u8::from(self.last_is_stale) | u8::from(self.has_decodings) << 1);
        put_u64(&mut out, self.last.len() as u64);
        for last in &self.last {
            put_series(&mut out, last.series);
            put_i64(&mut out, last.measured_at.as_millis());
            put_i64(&mut out, last.received_at.as_millis());
            put_u64(&mut out, last.position.get());
            put_value(&mut out, &last.value);
        }
        self.recent.encode(&mut out);
        out.extend_from_slice(&self.open.encode());
        bytes::close(&mut out);
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut take = bytes::open(bytes)?;
        if take.u8()? != VERSION {
            return Err(Damaged("a device state has an unknown version"));
        }
        let mut state = Self::new(OrgId::from_raw(take.u64()?));
        state.through = Position::from_raw(take.u64()?);
        state.saved_through = state.through;
        state.open_since = Timestamp::from_millis(take.i64()?);
        state.heard_at = Some(Timestamp::from_millis(take.i64()?)).filter(|at| *at != Timestamp::MIN);
        state.sealed_until = Timestamp::from_millis(take.i64()?);
        state.unmerged = take.u64()? as u32;
        let flags = take.u8()?;
        (state.last_is_stale, state.has_decodings) = (flags & 1 != 0, flags & 2 != 0);
        for _ in 0..take.count()? {
            state.last.push(Last {
                series: take_series(&mut take)?,
                measured_at: Timestamp::from_millis(take.i64()?),
                received_at: Timestamp::from_millis(take.i64()?),
                position: Position::from_raw(take.u64()?),
                value: take.value()?,
            });
        }
        state.recent = Recent::decode(&mut take)?;
        state.open = OpenRows::decode(take.0).map_err(|_| Damaged("the open rows of a device state"))?;
        Ok(state)
    }

    /// Bytes on the heap, roughly.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.open.bytes() + self.recent.heap_bytes() + self.last.capacity() * size_of::<Last>()
    }
}

fn template(received_at: Timestamp, position: Position, codec: model::CodecVersion) -> Row {
    Row {
        measured_at: received_at,
        received_at,
        position,
        replaces: None,
        codec,
        flags: Default::default(),
        readings: Vec::new(),
    }
}
