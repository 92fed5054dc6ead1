use std::collections::{BTreeMap, BTreeSet};

use model::{DeviceId, OrgId, Position, Row, Value, Window};

use super::{
    Ledger,
    ledger::{BATCH_MAX, Part, TAG, digest},
    query::Query,
};
use crate::{
    Entry, Error, FrameQuery, LogEntry, NewRow, RangeQuery, Reference, RowQuery, Scope, Select, Store, StoredFrame,
    conformance::fixtures::at,
};

/// What a check has found in order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checked {
    /// Entries of acknowledged batches.
    pub acknowledged: u64,
    /// Entries of batches that were stored, but whose answer nobody saw.
    pub unacknowledged: u64,
    /// Rows read back.
    pub rows: u64,
}

/// Checks a store that was opened again against the lines that the lanes of a [`Ledger`] printed,
/// numbered from 0.
///
/// Every acknowledged entry must be there, whole, once, where it was said to stand; of a batch that
/// was not acknowledged either everything or nothing; and nothing else. Rows, frames, the log as far
/// as it reaches back, `um`, and ordinary answers are all held against it.
///
/// **Errors**: what is wrong, for people.
pub async fn check(store: &dyn Store, seed: u64, lanes: u8, lines: &str) -> Result<Checked, String> {
    let mut check = Check::new(store, seed, lanes, lines).await?;
    check.read_rows().await?;
    check.read_log().await?;
    check.check_acknowledged()?;
    check.check_whole_batches()?;
    check.check_frames().await?;
    check.check_answers().await?;
    Ok(check.checked)
}

struct Check<'a> {
    store: &'a dyn Store,
    lanes: BTreeMap<u8, Ledger>,
    devices: Vec<(OrgId, DeviceId)>,
    /// What is in the store: entries with rows, and messages that the log still has.
    present: BTreeMap<u64, (Position, Entry)>,
    /// The log is known from here on.
    oldest: Position,
    checked: Checked,
}

/// Wide enough for everything that a ledger writes.
const SPAN: Window = Window::new(at(-100_000), at(100_000_000));

fn text(error: Error) -> String {
    format!("the store refuses: {error:?}")
}

impl<'a> Check<'a> {
    async fn new(store: &'a dyn Store, seed: u64, lanes: u8, lines: &str) -> Result<Self, String> {
        let mut ledgers = BTreeMap::new();
        let mut devices = Vec::new();
        for lane in 0..lanes {
            let mut ledger = Ledger::resume(seed, lane, lines).map_err(|error| error.to_string())?;
            ledger.prepare(store).await.map_err(text)?;
            devices = ledger.devices().iter().map(|(org, _, device)| (*org, *device)).collect();
            ledgers.insert(lane, ledger);
        }
        let (present, oldest) = (BTreeMap::new(), Position::START);
        Ok(Self { store, lanes: ledgers, devices, present, oldest, checked: Checked::default() })
    }

    fn entry(&self, tag: u64) -> Result<Entry, String> {
        let (lane, batch, index) = Ledger::untag(tag);
        let ledger = self.lanes.get(&lane).ok_or_else(|| format!("an entry of lane {lane}, which nobody wrote"))?;
        if index >= ledger.size(batch) {
            return Err(format!("entry {index} of batch {batch} of lane {lane}, which has not so many"));
        }
        Ok(ledger.entry(batch, index))
    }

    /// Every entry with rows is found by its rows, which must be those it was made with.
    async fn read_rows(&mut self) -> Result<(), String> {
        for (org, device) in self.devices.clone() {
            let mut rows_of: BTreeMap<u64, Vec<Row>> = BTreeMap::new();
            for row in all_rows(self.store, org, device).await? {
                let tag = tag_of(row.readings.iter()).ok_or_else(|| format!("a row nobody wrote: {row:?}"))?;
                rows_of.entry(tag).or_default().push(row);
                self.checked.rows += 1;
            }
            for (tag, rows) in rows_of {
                let entry = self.entry(tag)?;
                let position = rows[0].position;
                same(&format!("rows of {}", name(tag)), &rows, &expected_rows(&entry, position))?;
                if !matches!(&entry, Entry::Uplink(it) if (it.org, it.device) == (org, device))
                    && !matches!(&entry, Entry::Redecode(it) if (it.org, it.device) == (org, device))
                {
                    return Err(format!("rows of {} under another device", name(tag)));
                }
                self.present.insert(tag, (position, entry));
            }
        }
        Ok(())
    }

    /// Every entry of the log is one that has rows, or a message, and is there once.
    async fn read_log(&mut self) -> Result<(), String> {
        let mut seen = BTreeSet::new();
        let mut after = Position::START;
        loop {
            let followed = match self.store.follow(Scope::All, after, 1_000).await {
                Err(Error::Trimmed { oldest }) if oldest > after => {
                    (self.oldest, after) = (oldest, oldest);
                    continue;
                }
                followed => followed.map_err(text)?,
            };
            let at_end = followed.entries.len() < 1_000;
            for LogEntry { position, entry } in followed.entries {
                let tag = match &entry {
                    Entry::Uplink(uplink) => Some(uplink.dedup.0 as u64),
                    Entry::Redecode(redecode) => tag_of(redecode.rows.iter().flat_map(|row| &row.readings)),
                    Entry::Message(message) => message.topic.parse().ok(),
                };
                let tag = tag.ok_or_else(|| format!("position {position} holds what nobody wrote: {entry:?}"))?;
                same(&format!("{} at position {position}", name(tag)), &entry, &self.entry(tag)?)?;
                if !seen.insert(tag) {
                    return Err(format!("{} is in the log twice, the second time at {position}", name(tag)));
                }
                match (&entry, self.present.get(&tag)) {
                    (Entry::Message(_), _) => drop(self.present.insert(tag, (position, entry))),
                    (_, Some((rows_at, _))) if *rows_at == position => {}
                    (_, rows) => {
                        let rows_at = rows.map(|(position, _)| position);
                        return Err(format!("{} is in the log at {position}, its rows at {rows_at:?}", name(tag)));
                    }
                }
            }
            after = followed.next;
            if at_end {
                break;
            }
        }
        let missing = self.present.iter().find(|(tag, (position, _))| *position > self.oldest && !seen.contains(tag));
        missing.map_or(Ok(()), |(tag, (position, _))| {
            Err(format!(
                "{} has rows at {position}, but is not in the log, which starts after {}",
                name(*tag),
                self.oldest
            ))
        })
    }

    fn check_acknowledged(&mut self) -> Result<(), String> {
        for (lane, ledger) in &self.lanes {
            for (batch, line) in ledger.acknowledged() {
                if line.digest != digest(&ledger.batch(*batch)) || line.appended.len() as u64 != ledger.size(*batch) {
                    return Err(format!("batch {batch} of lane {lane} was another one when it was written"));
                }
                for (index, appended) in (0..).zip(&line.appended) {
                    let tag = ledger.tag(*batch, index);
                    let at = self.present.get(&tag).map(|(position, _)| *position);
                    let (fits, may_be_duplicate) = match ledger.part(*batch, index) {
                        Part::Again(earlier, target) => {
                            (ledger.position(earlier, target) == Some(appended.position), appended.duplicate)
                        }
                        Part::Message if appended.position <= self.oldest => (true, !appended.duplicate),
                        Part::Message | Part::Redecode(..) => (at == Some(appended.position), !appended.duplicate),
                        Part::Uplink => (at == Some(appended.position), line.retry || !appended.duplicate),
                    };
                    if !fits || !may_be_duplicate {
                        return Err(format!("{} was answered {appended:?}, and is at {at:?}", name(tag)));
                    }
                    self.checked.acknowledged += 1;
                }
            }
        }
        Ok(())
    }

    /// Of a batch without an answer either everything is there or nothing.
    fn check_whole_batches(&mut self) -> Result<(), String> {
        let mut found: BTreeMap<(u8, u64), (u64, u64, Position)> = BTreeMap::new();
        for (tag, (position, entry)) in &self.present {
            let (lane, batch, _) = Ledger::untag(*tag);
            let (entries, with_rows, first) = found.entry((lane, batch)).or_insert((0, 0, *position));
            *entries += 1;
            *with_rows += u64::from(!matches!(entry, Entry::Message(_)));
            *first = (*first).min(*position);
        }
        for ((lane, batch), (entries, with_rows, first)) in found {
            let ledger = &self.lanes[&lane];
            if ledger.acknowledged().contains_key(&batch) {
                continue;
            }
            // Messages are known from the log alone; where it may not have all of them, none count.
            let log_has_all = self.oldest == Position::START || first.get() > self.oldest.get() + BATCH_MAX;
            let whole = (0..ledger.size(batch)).filter(|index| match ledger.part(batch, *index) {
                Part::Again(..) => false,
                Part::Message => log_has_all,
                Part::Uplink | Part::Redecode(..) => true,
            });
            let (count, whole) = (if log_has_all { entries } else { with_rows }, whole.count() as u64);
            if count != whole {
                return Err(format!("batch {batch} of lane {lane}, never acknowledged, is torn: {count} of {whole}"));
            }
            self.checked.unacknowledged += count;
        }
        Ok(())
    }

    async fn check_frames(&self) -> Result<(), String> {
        let mut expected: BTreeMap<(OrgId, DeviceId), BTreeMap<Position, StoredFrame>> = BTreeMap::new();
        for (position, entry) in self.present.values() {
            if let Entry::Uplink(uplink) = entry
                && let Some(frame) = uplink.frame.clone()
            {
                let stored = StoredFrame { position: *position, received_at: uplink.received_at, frame };
                expected.entry((uplink.org, uplink.device)).or_default().insert(*position, stored);
            }
        }
        for (org, device) in self.devices.iter().copied() {
            let frames = all_frames(self.store, org, device).await?;
            let expected = expected.remove(&(org, device)).unwrap_or_default();
            let positions: BTreeSet<_> = frames.iter().map(|frame| frame.position).collect();
            if positions.len() != frames.len() {
                return Err(format!("device {device} of {org} has a frame twice"));
            }
            for frame in frames {
                same(&format!("frame at {}", frame.position), &Some(&frame), &expected.get(&frame.position))?;
            }
            if let Some(position) = expected.keys().find(|position| !positions.contains(position)) {
                return Err(format!("the frame at {position} is missing"));
            }
        }
        Ok(())
    }

    /// Ordinary answers are those of the reference with the same entries.
    async fn check_answers(&self) -> Result<(), String> {
        let reference = Reference::new();
        let mut in_order: Vec<_> = self.present.values().collect();
        in_order.sort_by_key(|(position, _)| *position);
        if let Some(two) = in_order.windows(2).find(|two| two[0].0 == two[1].0) {
            return Err(format!("two entries stand at position {}", two[0].0));
        }
        for (position, entry) in in_order {
            reference.append_at(entry.clone(), *position).map_err(text)?;
        }
        for (org, device) in self.devices.iter().copied() {
            let newest = RangeQuery { device, select: Select::READINGS, window: Window::ALL, limit: 5_000 };
            let queries = [
                Query::Latest(org, device, Select::READINGS),
                Query::Latest(org, device, Select::Statuses),
                Query::Range(org, newest),
                Query::LastHeard(org, device),
                Query::Um(org),
            ];
            for query in queries {
                same(&format!("{query:?}"), &query.ask(self.store).await, &query.ask(&reference).await)?;
            }
        }
        Ok(())
    }
}

fn name(tag: u64) -> String {
    let (lane, batch, index) = Ledger::untag(tag);
    format!("entry {index} of batch {batch} of lane {lane}")
}

fn tag_of<'a>(mut readings: impl Iterator<Item = &'a model::Reading>) -> Option<u64> {
    let reading = readings.find(|it| (it.series.channel.0, it.series.measurement.0) == TAG)?;
    match reading.value {
        Value::Number(tag) => Some(tag as u64),
        Value::Text(_) | Value::Json(_) => None,
    }
}

/// The rows of an entry as `rows` gives them.
fn expected_rows(entry: &Entry, position: Position) -> Vec<Row> {
    let (received_at, codec, replaces) = match entry {
        Entry::Uplink(uplink) => (uplink.received_at, uplink.codec, None),
        Entry::Redecode(redecode) => (redecode.received_at, redecode.codec, Some(redecode.replaces)),
        Entry::Message(_) => return Vec::new(),
    };
    let row = |row: &NewRow| {
        let NewRow { measured_at, flags, readings } = row.clone();
        Row { measured_at, received_at, position, replaces, codec, flags, readings }
    };
    let mut rows: Vec<_> = entry.rows().iter().map(row).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.measured_at));
    rows
}

fn same<T: std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Result<(), String> {
    let (found, expected) = (format!("{found:?}"), format!("{expected:?}"));
    if found == expected { Ok(()) } else { Err(format!("{what}\n  found:    {found}\n  expected: {expected}")) }
}

/// All rows of a device, in stretches that stay below the limit of a query.
async fn all_rows(store: &dyn Store, org: OrgId, device: DeviceId) -> Result<Vec<Row>, String> {
    const LIMIT: usize = 4_000;
    let mut rows = Vec::new();
    let mut windows = vec![SPAN];
    while let Some(window) = windows.pop() {
        let query = RowQuery { device, window, limit: LIMIT, hidden: true };
        let some = store.rows(org, query).await.map_err(text)?;
        if some.len() < LIMIT {
            rows.extend(some);
        } else {
            windows.extend(halves(window)?);
        }
    }
    Ok(rows)
}

/// All frames of a device.
async fn all_frames(store: &dyn Store, org: OrgId, device: DeviceId) -> Result<Vec<StoredFrame>, String> {
    const LIMIT: usize = 4_000;
    let mut frames = Vec::new();
    let mut windows = vec![SPAN];
    while let Some(window) = windows.pop() {
        let some = store.frames(org, FrameQuery { device, window, limit: LIMIT }).await.map_err(text)?;
        if some.len() < LIMIT {
            frames.extend(some);
        } else {
            windows.extend(halves(window)?);
        }
    }
    Ok(frames)
}

/// The earlier and the later half of a window, the later one on top.
fn halves(window: Window) -> Result<[Window; 2], String> {
    let middle = window.start.plus_ms(window.end.since_ms(window.start) / 2);
    if middle == window.start {
        return Err(format!("too much at {middle}"));
    }
    Ok([Window::new(window.start, middle), Window::new(middle, window.end)])
}
