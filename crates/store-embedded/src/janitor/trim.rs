use std::{collections::BTreeMap, sync::atomic::Ordering::Relaxed};

use model::{DeviceId, OrgId, Position, Timestamp};
use rusqlite::params;
use store::{Error, StoredFrame};
use tokio::sync::oneshot;

use super::Janitor;
use crate::{
    entry,
    error::{damaged_bytes, sqlite, stopped},
    folder::{Database, give_back},
    frames, log,
    writer::{Command, Reply},
};

const DAY_MS: i64 = 24 * 3_600_000;
/// Bytes of log that leave it at once.
const RUN_BYTES: usize = 16 << 20;

/// Commits that leave the log together.
struct Run {
    /// Where the last of them starts.
    start: Position,
    /// The last entry of them.
    last: Position,
    frames: BTreeMap<(OrgId, DeviceId), Vec<StoredFrame>>,
}

impl Janitor {
    /// Drops what is older than the window that readers may be away, or more than the log may
    /// hold, as far as a checkpoint covers it. Its frames move to where frames are kept.
    pub(super) fn trim(&mut self, now: Timestamp) -> Result<(), Error> {
        let checkpoint = Position::from_raw(log::meta(&self.connection, "checkpoint")?);
        let reader = self.shared.folder.reader(Database::Log)?;
        let old_ms = now.minus_ms(self.shared.settings.log_window_ms).as_millis();
        // What says to be from the future was written while the clock was wrong.
        let future_ms = now.plus_ms(DAY_MS).as_millis();
        loop {
            let count = "SELECT (SELECT page_count FROM pragma_page_count)
                              - (SELECT freelist_count FROM pragma_freelist_count)";
            let pages: i64 = reader.query_row(count, [], |row| row.get(0)).map_err(sqlite)?;
            let surplus = (pages as u64 * 4_096).saturating_sub(self.shared.settings.log_bytes_max);
            let run = self.gather(&reader, self.shared.trimmed(), |commit, bytes| {
                let is_old = commit.received_ms < old_ms || commit.received_ms > future_ms;
                commit.position <= checkpoint && (is_old || (bytes as u64) < surplus)
            })?;
            let Some(run) = run else { break };
            let (start, last) = (run.start, run.last);
            self.keep_frames(run)?;
            self.ask(|reply| Command::Trim { start, last, reply })?;
            let forget = "DELETE FROM org_log WHERE last <= ?";
            self.connection.execute(forget, [start.get() as i64]).map_err(sqlite)?;
        }
        while self.ask(|reply| Command::GiveBack { reply })? {}
        while give_back(&self.connection)? {}
        Ok(())
    }

    /// Moves the frames of everything the log holds to where frames are kept; the log stays.
    pub(super) fn keep_all_frames(&mut self) -> Result<(), Error> {
        let reader = self.shared.folder.reader(Database::Log)?;
        loop {
            let Some(run) = self.gather(&reader, self.shared.frames_through(), |_, _| true)? else { return Ok(()) };
            self.keep_frames(run)?;
        }
    }

    /// The commits after a position, as many as are meant and fit; `None` if that is none.
    fn gather(
        &self,
        reader: &rusqlite::Connection,
        after: Position,
        is_meant: impl Fn(&log::Commit, usize) -> bool,
    ) -> Result<Option<Run>, Error> {
        let kept = self.shared.frames_through();
        let mut run: Option<Run> = None;
        let mut bytes = 0;
        // Not beyond what readers may see already.
        let head = self.shared.ledger().head;
        log::each_after(reader, after, |commit| {
            if commit.position > head || bytes >= RUN_BYTES || !is_meant(&commit, bytes) {
                return Ok(false);
            }
            bytes += commit.bytes.len();
            // What is damaged has been named by now, and goes like the rest.
            let Ok(blob) = commit.blob() else { return Ok(true) };
            let last = blob.last().unwrap_or(commit.position);
            if last <= after {
                return Ok(true);
            }
            let run = run.get_or_insert(Run { start: commit.position, last, frames: BTreeMap::new() });
            (run.start, run.last) = (commit.position, last);
            for (position, _, bytes) in blob.entries().filter(|(position, ..)| *position > kept) {
                match bytes.and_then(entry::decode_frame) {
                    Ok(Some(uplink)) => {
                        let received_at = uplink.received_at;
                        let frame = uplink.frame.map(|frame| StoredFrame { position, received_at, frame });
                        run.frames.entry((uplink.org, uplink.device)).or_default().extend(frame);
                    }
                    Ok(None) => {}
                    Err(cause) => drop(damaged_bytes(format!("the log's entry at position {position}"), cause)),
                }
            }
            Ok(true)
        })?;
        Ok(run)
    }

    /// Writes the frames of a run and waits for the disk, because the log may drop them next.
    fn keep_frames(&mut self, run: Run) -> Result<(), Error> {
        if run.last <= self.shared.frames_through() {
            return Ok(());
        }
        self.wait_for_disk(true)?;
        let written = (|| {
            let transaction = self.connection.transaction().map_err(sqlite)?;
            for ((org, device), frames) in &run.frames {
                insert_frames(&transaction, *org, *device, frames)?;
            }
            log::set_meta(&transaction, "frames", run.last.get()).map_err(sqlite)?;
            transaction.commit().map_err(sqlite)
        })();
        self.wait_for_disk(false)?;
        written?;
        self.shared.frames_through.store(run.last.get(), Relaxed);
        Ok(())
    }

    /// Has the writer do something, and waits until it has.
    pub(super) fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        self.writer.blocking_send(command(reply)).map_err(|_| stopped())?;
        answer.blocking_recv().map_err(|_| stopped())?
    }
}

/// Writes frames of one device, which ascend by position.
pub(super) fn insert_frames(
    connection: &rusqlite::Connection,
    org: OrgId,
    device: DeviceId,
    frames: &[StoredFrame],
) -> Result<(), Error> {
    if frames.is_empty() {
        return Ok(());
    }
    let times = || frames.iter().map(|frame| frame.received_at.as_millis());
    let sql = "INSERT INTO frame (org, device, first_ms, last_ms, last_position, frames, bytes)
               VALUES (?, ?, ?, ?, ?, ?, ?)";
    let mut insert = connection.prepare_cached(sql).map_err(sqlite)?;
    let values = params![
        org.get() as i64,
        device.0 as i64,
        times().min(),
        times().max(),
        frames.last().map(|frame| frame.position.get() as i64),
        frames.len() as i64,
        frames::encode(frames),
    ];
    insert.execute(values).map(drop).map_err(sqlite)
}
