#![doc = include_str!("../README.md")]

pub mod backup;
mod blob;
mod bytes;
mod company;
mod delegate;
mod devices;
mod entry;
mod error;
mod folder;
mod frames;
mod janitor;
mod log;
mod migrate;
mod query;
mod readers;
mod recent;
mod recover;
pub mod registry;
mod scan;
mod settings;
mod shared;
mod state;
mod stats;
mod tail;
mod telemetry;
mod verify;
mod writer;

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
};

use registry::RegistryDb;
use shared::Shared;
use store::Error;
use tokio::sync::{mpsc, oneshot};

pub use janitor::Chore;
pub use settings::{Durability, Settings};
pub use stats::Stats;
pub use verify::Verified;

/// A store in one folder on disk, held by this process.
pub struct EmbeddedStore {
    shared: Arc<Shared>,
    registry: RegistryDb,
    readers: Arc<readers::Readers>,
    writer: mpsc::Sender<writer::Command>,
    janitor: mpsc::Sender<janitor::Job>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Appends that may wait for the writer; more wait outside.
const APPENDS_WAITING: usize = 4_096;
/// Jobs that may wait for the janitor. The writer never waits: what finds no place is asked again.
const JOBS_WAITING: usize = 16_384;

impl EmbeddedStore {
    /// Opens the store in a folder, which is created if need be, and takes the folder for this
    /// process. Reading what the log holds since the last checkpoint may take some seconds.
    ///
    /// **Errors**: `Unavailable` if another process holds the folder (its id is named) or the
    /// folder cannot be used; `Internal` if the databases are newer than this program.
    pub fn open(folder: &Path, settings: Settings) -> Result<Arc<Self>, Error> {
        let folder = folder::Folder::lock(folder)?;
        backup::finish_install(folder.path()).map_err(Error::internal)?;
        let registry = Self::open_registry(folder.path())?;
        let log = folder.writer(folder::Database::Log, settings.durability)?;
        let rows = folder.writer(folder::Database::Rows, settings.durability)?;
        let shared = Arc::new(Shared::new(folder, settings));
        let copier = shared.folder.copier(folder::Database::Log)?;
        let next = recover::recover(&shared, &log, &rows)?;

        let (writer, commands) = mpsc::channel(APPENDS_WAITING);
        let (janitor, jobs) = mpsc::channel(JOBS_WAITING);
        let log_writer = writer::Writer::new(Arc::clone(&shared), log, next, commands, janitor.clone());
        let cleaner = janitor::Janitor::new(Arc::clone(&shared), rows, copier, jobs, writer.clone());
        let threads = [spawn("log writer", || log_writer.run())?, spawn("janitor", || cleaner.run())?];
        let readers = Arc::new(readers::Readers::new());
        Ok(Arc::new(Self { shared, registry, readers, writer, janitor, threads: Mutex::new(threads.into()) }))
    }

    /// Opens only the registry of a folder, for commands that run beside a server.
    ///
    /// **Errors**: as [`EmbeddedStore::open`], but for the lock, which it does not need.
    pub fn open_registry(folder: &Path) -> Result<RegistryDb, Error> {
        folder::create(folder)?;
        RegistryDb::open(&folder.join("registry.db"))
    }

    /// Notices what other processes changed in the registry; to be called about every 250 ms.
    ///
    /// **Errors**: as every look at the registry.
    pub fn poll_registry(&self) -> Result<bool, Error> {
        self.registry.poll()
    }

    /// Why nothing can be written just now, while nothing can.
    pub fn blocked(&self) -> Option<String> {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let has_stopped = threads.iter().any(JoinHandle::is_finished);
        let stopped = has_stopped.then(|| "a thread of the store has stopped; restart the station".to_owned());
        stopped.or_else(|| self.shared.blocked())
    }

    /// The store as it is at this moment, with everything acknowledged so far, for a backup or to
    /// be verified.
    ///
    /// **Errors**: `Unavailable` if the store has stopped; `Internal` if it cannot be read.
    pub async fn freeze(&self) -> Result<backup::Frozen, Error> {
        self.ask_janitor(|reply| janitor::Job::Freeze { reply }).await
    }

    /// Does what is due: sealing, checkpoints, trimming, merging. To be called about every second.
    ///
    /// **Errors**: `Unavailable` when the disk is full; what could not be done is tried again.
    pub async fn maintain(&self, now: model::Timestamp) -> Result<(), Error> {
        self.chore(Chore::Maintain { now }).await
    }

    /// Does one chore to its end.
    ///
    /// **Errors**: as [`EmbeddedStore::maintain`].
    pub async fn chore(&self, chore: Chore) -> Result<(), Error> {
        self.ask_janitor(|reply| janitor::Job::Run(chore, reply)).await
    }

    /// Stops: what was asked is finished, a checkpoint is written, the folder is free again.
    ///
    /// **Errors**: `Unavailable` if the checkpoint cannot be written; nothing is lost by that.
    pub async fn close(&self) -> Result<(), Error> {
        self.readers.close();
        let cleaned = self.ask_janitor(|reply| janitor::Job::Stop { reply }).await;
        let written = self.ask_writer(|reply| writer::Command::Stop { reply }).await;
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            thread.join().map_err(|_| Error::internal("a thread of the store panicked"))?;
        }
        self.shared.folder.unlock()?;
        cleaned.and(written)
    }

    async fn ask_writer<T>(&self, command: impl FnOnce(writer::Reply<T>) -> writer::Command) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        self.writer.send(command(reply)).await.map_err(|_| error::stopped())?;
        self.shared.bell.ring(self.writer.max_capacity() - self.writer.capacity());
        answer.await.map_err(|_| error::stopped())?
    }

    async fn ask_janitor<T>(&self, job: impl FnOnce(writer::Reply<T>) -> janitor::Job) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        self.janitor.send(job(reply)).await.map_err(|_| error::stopped())?;
        answer.await.map_err(|_| error::stopped())?
    }
}

impl Drop for EmbeddedStore {
    /// Leaves the folder as a killed process would, but free: nothing acknowledged is lost, and
    /// the next start reads the log. [`EmbeddedStore::close`] spares it that.
    fn drop(&mut self) {
        // The janitor first: it may still have something to ask of the writer.
        quit(&self.janitor, || janitor::Job::Quit);
        quit(&self.writer, || writer::Command::Quit);
        for thread in self.threads.get_mut().unwrap_or_else(PoisonError::into_inner).drain(..) {
            drop(thread.join());
        }
    }
}

/// Sends a thread its last message, from wherever a store is dropped.
fn quit<T>(thread: &mpsc::Sender<T>, message: impl Fn() -> T) {
    while let Err(mpsc::error::TrySendError::Full(_)) = thread.try_send(message()) {
        std::thread::yield_now();
    }
}

fn spawn(name: &str, f: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Error> {
    std::thread::Builder::new().name(name.to_owned()).spawn(f).map_err(Error::internal)
}
