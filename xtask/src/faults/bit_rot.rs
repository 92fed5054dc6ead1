use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, ensure};
use model::{DeviceId, OrgId, Row, Window};
use rusqlite::{Connection, params};
use store::{
    DeviceFilter, FrameQuery, LogEntry, Registry, RowQuery, Scope, StoredFrame, Telemetry, conformance::random::Ledger,
};
use store_embedded::{Chore, Durability, EmbeddedStore};

use super::writer::{open, received_at};
use crate::{copy::copy_folder, random::Random};

const MANY: usize = 10_000_000;
/// Where bytes lie at rest: database, table, and the column that names the device, if one does.
const TABLES: [(&str, &str, Option<&str>); 4] = [
    ("rows.db", "chunk", Some("device")),
    ("rows.db", "frame", Some("device")),
    ("rows.db", "device", Some("device")),
    ("log.db", "log", None),
];

/// Flips one bit at a time in what lies on disk; each must be noticed, none may be served, and
/// other devices stay readable.
pub(crate) async fn run(flips: usize) -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let whole = scratch.path().join("whole");
    let devices = write(&whole, scratch.path()).await?;
    let before = look(&whole, &devices, &scratch.path().join("look"), |_| Ok(())).await?;
    ensure!(!before.is_damaged() && before.count() > 0, "the store is damaged before anything was flipped");
    let mut random = Random(17);
    for (database, table, owner) in TABLES {
        let mut noticed = 0;
        for flip in 0..flips {
            let mut of = None;
            let at = scratch.path().join(format!("{table}-{flip}"));
            let after = look(&whole, &devices, &at, |folder| {
                of = flip_one(&folder.join(database), table, owner, &mut random)?;
                Ok(())
            })
            .await;
            std::fs::remove_dir_all(&at)?;
            // A store that does not open says so too.
            let Ok(after) = after else {
                noticed += 1;
                continue;
            };
            after.serves_nothing_else(&before)?;
            for (_, device) in devices.iter().filter(|(_, device)| of.is_some_and(|of| of != *device)) {
                ensure!(after.rows[device] == before.rows[device], "device {device} suffers from another's `{table}`");
            }
            // Followers are not kept from what comes behind a damaged entry; it is left out.
            let left_out = after.followed != before.followed;
            ensure!(after.is_damaged() || left_out, "flip {flip} in `{table}` was not noticed");
            noticed += 1;
        }
        println!("bit rot in `{table}` of {database}: {noticed} of {flips} flipped bits noticed, none served");
    }
    Ok(())
}

/// A store with some of everything: chunks, frames, states, and a log that was never checkpointed.
async fn write(folder: &Path, scratch: &Path) -> anyhow::Result<Vec<(OrgId, DeviceId)>> {
    let running = scratch.join("running");
    let store = open(&running, Durability::Full)?;
    let mut ledger = Ledger::resume(1, 0, "")?;
    ledger.prepare(store.as_ref()).await?;
    for number in 0..240 {
        let batch = ledger.next_batch();
        let now = batch.iter().map(received_at).max().unwrap_or_default().plus_ms(1_000_000);
        ledger.acknowledge(&store.append(batch).await?);
        let chores: &[Chore] = match number {
            160 => &[Chore::SealAll, Chore::Checkpoint, Chore::Trim { now }],
            200 => &[Chore::Checkpoint],
            _ => &[],
        };
        for chore in chores {
            store.chore(*chore).await?;
        }
    }
    let mut devices = Vec::new();
    for org in store.list_organizations(None, 10).await? {
        let bound = store.list_devices(org.id, DeviceFilter::default(), None, 100).await?;
        devices.extend(bound.iter().map(|device| (org.id, device.id)));
    }
    copy_folder(&running, folder)?;
    store.close().await?;
    Ok(devices)
}

/// Flips a bit of a blob; answers whose it is, if the table says.
fn flip_one(
    database: &Path,
    table: &str,
    owner: Option<&str>,
    random: &mut Random,
) -> anyhow::Result<Option<DeviceId>> {
    let connection = Connection::open(database)?;
    let rows: i64 = connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
    ensure!(rows > 0, "there is nothing in `{table}`");
    let owner = owner.unwrap_or("NULL");
    let (id, of, mut bytes): (i64, Option<i64>, Vec<u8>) = connection.query_row(
        &format!("SELECT rowid, {owner}, bytes FROM {table} LIMIT 1 OFFSET ?"),
        [random.below(rows as u64) as i64],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let at = random.below(bytes.len() as u64) as usize;
    bytes[at] ^= 1 << random.below(8);
    connection.execute(&format!("UPDATE {table} SET bytes = ? WHERE rowid = ?"), params![bytes, id])?;
    Ok(of.map(|of| DeviceId(of as u64)))
}

/// Every answer of a store; `None` where it refused.
struct Answers {
    rows: BTreeMap<DeviceId, Option<Vec<Row>>>,
    frames: BTreeMap<DeviceId, Option<Vec<StoredFrame>>>,
    followed: Option<Vec<LogEntry>>,
    damaged_at_start: u64,
}

async fn look(
    whole: &Path,
    devices: &[(OrgId, DeviceId)],
    at: &Path,
    spoil: impl FnOnce(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<Answers> {
    copy_folder(whole, at)?;
    spoil(at)?;
    let store = open(at, Durability::Off)?;
    let answers = ask(&store, devices).await;
    store.close().await?;
    answers
}

async fn ask(store: &EmbeddedStore, devices: &[(OrgId, DeviceId)]) -> anyhow::Result<Answers> {
    let (mut rows, mut frames) = (BTreeMap::new(), BTreeMap::new());
    for (org, device) in devices.iter().copied() {
        let query = RowQuery { device, window: Window::ALL, limit: MANY, hidden: true };
        rows.insert(device, store.rows(org, query).await.ok());
        let query = FrameQuery { device, window: Window::ALL, limit: MANY };
        frames.insert(device, store.frames(org, query).await.ok());
    }
    let oldest = match store.follow(Scope::All, model::Position::START, 1).await {
        Err(store::Error::Trimmed { oldest }) => oldest,
        _ => model::Position::START,
    };
    let followed = store.follow(Scope::All, oldest, MANY).await.ok().map(|followed| followed.entries);
    Ok(Answers { rows, frames, followed, damaged_at_start: store.stats().damaged })
}

impl Answers {
    fn is_damaged(&self) -> bool {
        self.damaged_at_start > 0
            || self.followed.is_none()
            || self.rows.values().any(Option::is_none)
            || self.frames.values().any(Option::is_none)
    }

    fn count(&self) -> usize {
        self.rows.values().flatten().map(Vec::len).sum()
    }

    /// Whatever is answered was answered before.
    fn serves_nothing_else(&self, before: &Self) -> anyhow::Result<()> {
        for (device, rows) in &self.rows {
            let known = before.rows[device].as_ref().context("there was no answer before")?;
            let known: BTreeMap<_, Vec<&Row>> = known.iter().fold(BTreeMap::new(), |mut known, row| {
                known.entry(row.position).or_insert_with(Vec::new).push(row);
                known
            });
            for row in rows.iter().flatten() {
                let is_known = known.get(&row.position).is_some_and(|rows| rows.contains(&row));
                ensure!(is_known, "device {device} is answered with a row it never had");
            }
        }
        for (device, frames) in &self.frames {
            let known = before.frames[device].as_ref().context("there was no answer before")?;
            for frame in frames.iter().flatten() {
                ensure!(known.contains(frame), "device {device} is answered with a frame it never had");
            }
        }
        let known = before.followed.as_ref().context("the log could not be followed before")?;
        let known: BTreeMap<_, _> = known.iter().map(|logged| (logged.position, logged)).collect();
        for logged in self.followed.iter().flatten() {
            ensure!(known.get(&logged.position) == Some(&logged), "the log is followed to an entry it never had");
        }
        Ok(())
    }
}
