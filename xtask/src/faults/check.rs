use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use model::{DeviceId, Position, Row, Window};
use store::{Entry, Error, FrameQuery, NewRow, RangeQuery, Reference, RowQuery, Scope, Select, Telemetry};
use store_embedded::EmbeddedStore;

use super::{
    load::{ORG, Operation},
    writer::{Acknowledged, entries},
};

const MANY: usize = 10_000_000;

/// What a store was found to hold after a fault.
pub(crate) struct Found {
    /// Every operation it holds, those that were never acknowledged included.
    pub(crate) held: Acknowledged,
    /// How many of them nobody was told about.
    pub(crate) untold: usize,
    /// How many were acknowledged and are not there.
    pub(crate) lost: usize,
}

/// Looks at everything in a store that was opened again: whatever was acknowledged is there once
/// and whole, and whatever else is there is a whole operation that was under way.
///
/// **Errors**: if anything is torn, doubled, counted twice, or answered otherwise than the plain
/// reference does (which is slow, and only looked at when `deep`). Lost operations are only counted.
pub(crate) async fn check(
    store: &EmbeddedStore,
    devices: &[DeviceId],
    acknowledged: &Acknowledged,
    deep: bool,
) -> anyhow::Result<Found> {
    let mut stored = rows_by_position(store, devices).await?;
    let mut held = Acknowledged::new();
    let mut at: BTreeMap<Position, Entry> = BTreeMap::new();
    let mut lost = 0;
    for (operation, positions) in acknowledged {
        let entries = expected(*operation, acknowledged, devices);
        ensure!(entries.len() == positions.len(), "{operation:?} was acknowledged at {} positions", positions.len());
        let there = positions.iter().filter(|position| stored.contains_key(position)).count();
        if there == 0 {
            lost += 1;
            continue;
        }
        ensure!(
            there == positions.len(),
            "{operation:?} is torn: {there} of {} acknowledged entries are there",
            positions.len()
        );
        for (position, entry) in positions.iter().zip(entries) {
            let rows = stored.remove(position).context("an entry is there twice")?;
            same_rows(*position, &entry, &rows)?;
            at.insert(*position, entry);
        }
        held.insert(*operation, positions.clone());
    }

    let untold = untold(stored)?;
    let count = untold.len();
    for (operation, rows) in untold {
        let last = acknowledged.range(..operation).next_back();
        let is_next = operation.before().is_none_or(|before| last.is_some_and(|(last, _)| *last == before));
        ensure!(is_next || lost > 0, "{operation:?} is there, but was not under way");
        let positions: Vec<Position> = rows.keys().copied().collect();
        let entries = expected(operation, acknowledged, devices);
        ensure!(
            entries.len() == positions.len(),
            "{operation:?} is torn: {} of {} entries are there",
            positions.len(),
            entries.len()
        );
        for (entry, (position, rows)) in entries.into_iter().zip(&rows) {
            same_rows(*position, &entry, rows)?;
            at.insert(*position, entry);
        }
        held.insert(operation, positions);
    }
    same_log(store, &at).await?;
    same_frames(store, devices, &at).await?;
    let um: u64 = at.values().map(Entry::um).sum();
    let counted = store.count_um(ORG).await?;
    ensure!(counted == um, "{counted} data are counted, not {um}");
    if deep {
        same_answers(store, devices, &at).await?;
    }
    no_duplicates(store, &at).await?;
    Ok(Found { held, untold: count, lost })
}

async fn rows_by_position(store: &EmbeddedStore, devices: &[DeviceId]) -> anyhow::Result<BTreeMap<Position, Vec<Row>>> {
    let mut stored: BTreeMap<Position, Vec<Row>> = BTreeMap::new();
    for device in devices {
        let query = RowQuery { device: *device, window: Window::ALL, limit: MANY, hidden: true };
        for row in store.rows(ORG, query).await? {
            stored.entry(row.position).or_default().push(row);
        }
    }
    Ok(stored)
}

/// What an operation appended; a decoding names the uplink of the operation before it.
fn expected(operation: Operation, acknowledged: &Acknowledged, devices: &[DeviceId]) -> Vec<Entry> {
    let before = operation.before().and_then(|before| Some((before, acknowledged.get(&before)?.clone())));
    entries(operation, before.as_ref(), devices)
}

/// Rows that nobody was told about, by the operation that they say they come from.
fn untold(stored: BTreeMap<Position, Vec<Row>>) -> anyhow::Result<BTreeMap<Operation, BTreeMap<Position, Vec<Row>>>> {
    let mut untold: BTreeMap<Operation, BTreeMap<Position, Vec<Row>>> = BTreeMap::new();
    for (position, rows) in stored {
        let operation = rows.first().and_then(|row| Operation::of(&row.readings));
        let operation = operation.with_context(|| format!("the row at {position} does not say where it comes from"))?;
        untold.entry(operation).or_default().insert(position, rows);
    }
    Ok(untold)
}

fn same_rows(position: Position, entry: &Entry, stored: &[Row]) -> anyhow::Result<()> {
    let (received_at, codec, replaces) = match entry {
        Entry::Uplink(uplink) => (uplink.received_at, uplink.codec, None),
        Entry::Redecode(redecode) => (redecode.received_at, redecode.codec, Some(redecode.replaces)),
        Entry::Message(_) => bail!("nothing here appends messages"),
    };
    let rows = entry.rows().iter().map(|NewRow { measured_at, flags, readings }| {
        let mut readings = readings.clone();
        readings.sort_by_key(|reading| reading.series);
        Row { measured_at: *measured_at, received_at, position, replaces, codec, flags: *flags, readings }
    });
    let mut expected: Vec<Row> = rows.collect();
    let mut stored = stored.to_vec();
    expected.sort_by_key(|row| row.measured_at);
    stored.sort_by_key(|row| row.measured_at);
    ensure!(stored == expected, "position {position} holds {stored:?}, not {expected:?}");
    Ok(())
}

/// The log holds what is held, from where it starts, each entry once.
async fn same_log(store: &EmbeddedStore, at: &BTreeMap<Position, Entry>) -> anyhow::Result<()> {
    let mut after = match store.follow(Scope::Org(ORG), Position::START, 1).await {
        Err(Error::Trimmed { oldest }) => oldest,
        answer => answer.map(|_| Position::START)?,
    };
    let mut left: BTreeMap<_, _> = at.iter().filter(|(position, _)| **position > after).collect();
    loop {
        let followed = store.follow(Scope::Org(ORG), after, 1_000).await?;
        if followed.entries.is_empty() {
            break;
        }
        for logged in followed.entries {
            let entry = left.remove(&logged.position);
            let entry = entry.with_context(|| format!("the log has position {} twice or too", logged.position))?;
            ensure!(*entry == logged.entry, "the log holds another entry at {}", logged.position);
        }
        after = followed.next;
    }
    ensure!(left.is_empty(), "the log lacks {} entries", left.len());
    Ok(())
}

async fn same_frames(
    store: &EmbeddedStore,
    devices: &[DeviceId],
    at: &BTreeMap<Position, Entry>,
) -> anyhow::Result<()> {
    let mut expected = at.iter().filter(|(_, entry)| matches!(entry, Entry::Uplink(_))).count();
    for device in devices {
        let query = FrameQuery { device: *device, window: Window::ALL, limit: MANY };
        for stored in store.frames(ORG, query).await? {
            let Some(Entry::Uplink(uplink)) = at.get(&stored.position) else {
                bail!("there is a frame at {}, but no uplink", stored.position);
            };
            ensure!(uplink.frame.as_ref() == Some(&stored.frame), "another frame is stored at {}", stored.position);
            expected = expected.checked_sub(1).context("a frame is there twice")?;
        }
    }
    ensure!(expected == 0, "{expected} frames are missing");
    Ok(())
}

/// Ordinary answers are those of the plain reference that was given the same.
async fn same_answers(
    store: &EmbeddedStore,
    devices: &[DeviceId],
    at: &BTreeMap<Position, Entry>,
) -> anyhow::Result<()> {
    let reference = Reference::new();
    let mut places: BTreeMap<Position, Position> = BTreeMap::new();
    for (position, entry) in at {
        let mut entry = entry.clone();
        if let Entry::Redecode(redecode) = &mut entry {
            redecode.replaces = *places.get(&redecode.replaces).context("a decoding replaces what is not there")?;
        }
        let appended = reference.append(vec![entry]).await?;
        places.insert(*position, appended[0].position);
    }
    for device in devices {
        for select in [Select::READINGS, Select::Statuses] {
            let (ours, plain) =
                (store.latest(ORG, *device, select).await?, reference.latest(ORG, *device, select).await?);
            ensure!(ours == plain, "the latest of device {device} are {ours:?}, not {plain:?}");
            let query = RangeQuery { device: *device, select, window: Window::ALL, limit: 5_000 };
            let (ours, plain) = (store.range(ORG, query).await?, reference.range(ORG, query).await?);
            ensure!(ours == plain, "the points of device {device} are not those of the reference");
        }
    }
    Ok(())
}

/// What is sent again is known and changes nothing.
async fn no_duplicates(store: &EmbeddedStore, at: &BTreeMap<Position, Entry>) -> anyhow::Result<()> {
    let uplinks: Vec<_> = at.iter().filter(|(_, entry)| matches!(entry, Entry::Uplink(_))).collect();
    let um = store.count_um(ORG).await?;
    for (position, entry) in uplinks.iter().rev().step_by(1 + uplinks.len() / 40) {
        let answer = store.append(vec![(*entry).clone()]).await?[0];
        ensure!(
            answer.duplicate && answer.position == **position,
            "the uplink at {position} was stored once more at {}",
            answer.position
        );
    }
    ensure!(store.count_um(ORG).await? == um, "a duplicate was counted");
    Ok(())
}
