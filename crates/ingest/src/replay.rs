//! Frames that are in the store, decoded again.
//!
//! What was served before stays: a new decoding is appended, names the uplink it replaces, and hides its earlier rows.

use std::collections::BTreeMap;

use model::{Device, Position, Reading, Row, RowFlags, SeriesKey, Timestamp, Value, Window};
use store::{Entry, Error, FrameQuery, NewRow, Redecode, RowQuery, Store, StoredFrame};

use crate::{
    Scripts,
    chosen::{Chosen, choose_codec},
    pipeline::{believable, mapped},
};

/// Frames that are compared at once; a stretch of time that has more is cut in two.
const FRAMES_AT_ONCE: usize = 2_000;
/// A device of no more rows is held as a whole; of one that has more, rows are looked for this long before and after
/// the frames they came from, and everywhere for frames that have none there.
const ROWS_HELD: usize = 200_000;
const LATE_MS: i64 = 40 * 24 * 3_600_000;
const EARLY_MS: i64 = 2 * 24 * 3_600_000;
/// Most rows that are looked at then.
const ROWS_MAX: usize = 1_000_000;

/// What decoding again changes, or would.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Replayed {
    /// How many frames were decoded.
    pub frames: u64,
    /// How many of them give other readings than are served now.
    pub differing: u64,
    /// How many nothing could be decoded of; what is served of them stays.
    pub undecodable: u64,
    /// Readings that were not there.
    pub added: u64,
    /// Readings of another value.
    pub changed: u64,
    /// Readings that are no more.
    pub gone: u64,
}

/// How one reading differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The uplink that it is in.
    pub uplink: Position,
    /// When it was received.
    pub received_at: Timestamp,
    /// The time of the reading.
    pub measured_at: Timestamp,
    /// Its series.
    pub series: SeriesKey,
    /// What is served now; `None` if nothing is.
    pub was: Option<Value>,
    /// What the frame says by now; `None` if nothing.
    pub becomes: Option<Value>,
}

/// Whoever wants to hear how a replay goes on.
pub trait Listener: Send {
    /// A reading differs.
    fn differs(&mut self, difference: &Difference);
    /// So many frames were decoded; `false` if nobody wants more.
    fn decoded(&mut self, frames: u64) -> bool;
}

/// Decodes the frames of a device that were received in a window with the present codec and channel map, oldest
/// first, and appends what differs; or only tells what would.
///
/// **Errors**: those of the store; what was appended until then stays.
pub async fn replay(
    store: &dyn Store,
    scripts: &Scripts,
    device: &Device,
    window: Window,
    is_dry: bool,
    listener: &mut dyn Listener,
) -> Result<Replayed, Error> {
    let mut replayed = Replayed::default();
    // The same for all of them, whatever is changed meanwhile.
    let codec = choose_codec(store, device).await?;
    let again = Again { store, scripts, device, codec, is_dry };
    // What comes meanwhile is decoded as it should be.
    let through = store.head().await?;
    let all = hold(store, device, Window::ALL, ROWS_HELD + 1).await?;
    let mut held = (all.values().map(Vec::len).sum::<usize>() <= ROWS_HELD).then_some(all);
    // Windows that are still to be looked at, the earliest on top.
    let mut windows = vec![window];
    while let Some(window) = windows.pop() {
        let query = FrameQuery { device: device.id, window, limit: FRAMES_AT_ONCE + 1 };
        let frames = store.frames(device.org, query).await?;
        let frames = if frames.len() > FRAMES_AT_ONCE {
            if let Some((early, late)) = halves(window, &frames) {
                windows.extend([late, early]);
                continue;
            }
            // All of one moment.
            store.frames(device.org, FrameQuery { limit: usize::MAX, ..query }).await?
        } else {
            frames
        };
        let mut frames = frames;
        frames.retain(|stored| stored.position <= through);
        let mut some = match &mut held {
            Some(held) => take(held, &frames),
            None => find(store, device, &frames).await?,
        };
        again.replay_some(frames, &mut some, &mut replayed, listener).await?;
    }
    Ok(replayed)
}

/// A window cut in two between the times of its frames; nothing if they are all of one time.
fn halves(window: Window, frames: &[StoredFrame]) -> Option<(Window, Window)> {
    let times = frames.iter().map(|stored| stored.received_at.as_millis());
    let (first, last) = (times.clone().min()?, times.max()?);
    // The frames are only the newest by position; there may be any number before them.
    let cut = if window.start.as_millis() < first { first } else { first + (last - first) / 2 + 1 };
    let cut = Timestamp::from_millis(cut);
    let is_cut = window.start < cut && cut.as_millis() <= last;
    is_cut.then_some((Window::new(window.start, cut), Window::new(cut, window.end)))
}

/// What is served, by the uplinks that it came from.
type Served = BTreeMap<Position, Vec<Row>>;

async fn hold(store: &dyn Store, device: &Device, window: Window, limit: usize) -> Result<Served, Error> {
    let query = RowQuery { device: device.id, window, limit, hidden: false };
    let mut served = Served::new();
    for row in store.rows(device.org, query).await? {
        served.entry(row.origin()).or_default().push(row);
    }
    Ok(served)
}

fn take(held: &mut Served, frames: &[StoredFrame]) -> Served {
    frames.iter().filter_map(|stored| held.remove_entry(&stored.position)).collect()
}

/// The rows of frames of a device that has too many to hold them all.
async fn find(store: &dyn Store, device: &Device, frames: &[StoredFrame]) -> Result<Served, Error> {
    let times = frames.iter().map(|stored| stored.received_at);
    let (Some(first), Some(last)) = (times.clone().min(), times.max()) else { return Ok(Served::new()) };
    let window = Window::new(first.minus_ms(LATE_MS), last.plus_ms(EARLY_MS));
    let mut found = hold(store, device, window, ROWS_MAX).await?;
    let mut found = take(&mut found, frames);
    if found.len() < frames.len() {
        let mut everywhere = hold(store, device, Window::ALL, ROWS_MAX).await?;
        found.extend(take(&mut everywhere, frames));
    }
    Ok(found)
}

/// How frames are decoded once more.
struct Again<'a> {
    store: &'a dyn Store,
    scripts: &'a Scripts,
    device: &'a Device,
    codec: Option<Chosen>,
    is_dry: bool,
}

impl Again<'_> {
    async fn replay_some(
        &self,
        mut frames: Vec<StoredFrame>,
        served: &mut Served,
        replayed: &mut Replayed,
        listener: &mut dyn Listener,
    ) -> Result<(), Error> {
        frames.sort_by_key(|stored| (stored.received_at, stored.position));
        let mut entries = Vec::new();
        for stored in &frames {
            let rows = served.remove(&stored.position).unwrap_or_default();
            match self.decode_again(stored, &rows).await {
                None => replayed.undecodable += 1,
                Some(redecode) => {
                    let differences = compare(stored, &rows, &redecode.rows);
                    if !differences.is_empty() {
                        replayed.differing += 1;
                        entries.push(Entry::Redecode(redecode));
                    }
                    for difference in &differences {
                        *match (&difference.was, &difference.becomes) {
                            (None, _) => &mut replayed.added,
                            (_, None) => &mut replayed.gone,
                            _ => &mut replayed.changed,
                        } += 1;
                        listener.differs(difference);
                    }
                }
            }
            replayed.frames += 1;
            if !listener.decoded(replayed.frames) {
                return Err(Error::Unavailable("it was told to stop".to_owned()));
            }
        }
        if !self.is_dry && !entries.is_empty() {
            self.store.append(entries).await?;
        }
        Ok(())
    }

    /// What a frame says by now; nothing if it cannot be decoded.
    async fn decode_again(&self, stored: &StoredFrame, served: &[Row]) -> Option<Redecode> {
        let (device, codec) = (self.device, self.codec.as_ref()?);
        let decoded = codec.decode(self.scripts, &stored.frame, stored.received_at).await.ok()?;
        let origin = match served.iter().any(|row| row.flags.has(RowFlags::SIMULATED)) {
            true => RowFlags::SIMULATED,
            false => RowFlags::NONE,
        };
        let clocks = decoded.rows.iter().filter_map(|row| row.measured_at);
        let clocks: Vec<Timestamp> = clocks.map(|said| believable(said, stored.received_at).0).collect();
        // The time of the network was not kept with the frame, but with the row that has it.
        let sent = served.iter().filter(|row| !clocks.contains(&row.measured_at)).max_by_key(|row| row.measured_at);
        let (sent_at, sent_flags) = sent.map_or((stored.received_at, origin), |row| (row.measured_at, row.flags));
        let mut rows: Vec<NewRow> = decoded
            .rows
            .into_iter()
            .map(|row| {
                let (measured_at, flags) = match row.measured_at {
                    Some(said) => {
                        let (measured_at, flags) = believable(said, stored.received_at);
                        (measured_at, flags.with(origin))
                    }
                    None => (sent_at, sent_flags),
                };
                NewRow { measured_at, flags, readings: mapped(&device.channel_map, row.readings) }
            })
            .collect();
        if rows.is_empty() {
            rows.push(NewRow { measured_at: sent_at, flags: sent_flags, readings: Vec::new() });
        }
        Some(Redecode {
            org: device.org,
            device: device.id,
            eui: device.eui,
            replaces: stored.position,
            received_at: stored.received_at,
            codec: codec.version(),
            rows,
        })
    }
}

type Cells<'a> = BTreeMap<(Timestamp, SeriesKey), &'a Value>;

fn compare(stored: &StoredFrame, served: &[Row], rows: &[NewRow]) -> Vec<Difference> {
    let cells = |at: Timestamp, readings: &'_ [Reading]| {
        readings.iter().map(|reading| ((at, reading.series), reading.value.clone())).collect::<Vec<_>>()
    };
    let old: Vec<_> = served.iter().flat_map(|row| cells(row.measured_at, &row.readings)).collect();
    let new: Vec<_> = rows.iter().flat_map(|row| cells(row.measured_at, &row.readings)).collect();
    let old: Cells<'_> = old.iter().map(|(key, value)| (*key, value)).collect();
    let new: Cells<'_> = new.iter().map(|(key, value)| (*key, value)).collect();
    let keys = old.keys().chain(new.keys().filter(|key| !old.contains_key(key)));
    let mut differences: Vec<Difference> = keys
        .filter(|key| old.get(key) != new.get(key))
        .map(|key| Difference {
            uplink: stored.position,
            received_at: stored.received_at,
            measured_at: key.0,
            series: key.1,
            was: old.get(key).map(|value| Value::clone(value)),
            becomes: new.get(key).map(|value| Value::clone(value)),
        })
        .collect();
    differences.sort_by_key(|difference| (difference.measured_at, difference.series));
    differences
}
