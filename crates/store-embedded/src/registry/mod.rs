//! The control plane in one SQLite file that several processes may write.

mod access_keys;
mod brokers;
mod cache;
mod channels;
mod codecs;
mod column;
mod contract;
mod deeds;
mod devices;
mod downlinks;
mod failure;
mod groups;
mod invites;
mod limits;
mod mirrors;
mod organizations;
mod people;
mod pool;
mod retained;
mod retention;
mod sessions;
mod sources;
mod streams;
mod unbound;
mod usage;

use std::{
    fs::OpenOptions,
    hash::Hash,
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use model::{AccessId, AccessKey, Device, DeviceEui, OrgId, OrgLimits, Person, SecretHash, Session, Source, UserCodec};
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use store::Error;

use self::{cache::Cache, failure::Failure, pool::Pool};
use crate::migrate::{self, Migration};

const MIGRATIONS: &[Migration] = &[
    (1, "registry", include_str!("../../migrations/registry/001_registry.sql")),
    (2, "people", include_str!("../../migrations/registry/002_people.sql")),
    (3, "calls", include_str!("../../migrations/registry/003_calls.sql")),
    (4, "streams", include_str!("../../migrations/registry/004_streams.sql")),
    (5, "limits", include_str!("../../migrations/registry/005_limits.sql")),
    (6, "unbound", include_str!("../../migrations/registry/006_unbound.sql")),
    (7, "rules", include_str!("../../migrations/registry/007_rules.sql")),
    (8, "private_space", include_str!("../../migrations/registry/008_private_space.sql")),
    (10, "sources", include_str!("../../migrations/registry/010_sources.sql")),
    (11, "codecs", include_str!("../../migrations/registry/011_codecs.sql")),
    (12, "mirrors", include_str!("../../migrations/registry/012_mirrors.sql")),
    (13, "retention", include_str!("../../migrations/registry/013_retention.sql")),
    (15, "downlinks", include_str!("../../migrations/registry/015_downlinks.sql")),
];
const READERS_MAX: usize = 4;

/// The registry of a station, in `registry.db`.
///
/// Every change is durable when its method returns. The look-ups that every request makes
/// (`find_access_key`, `get_limits`, `find_device`, `find_source`, `find_session`) are answered from memory; what
/// this process changes is seen by them at once, what another process changes after
/// [`RegistryDb::poll`]. What another process only counts or notes (charges of a key, the last use of
/// a session) may be seen later.
///
/// Methods of the contract run on a Tokio runtime, because SQLite works on its blocking threads.
pub struct RegistryDb {
    writer: Arc<Pool>,
    readers: Arc<Pool>,
    caches: Arc<Caches>,
    polled: Mutex<Polled>,
}

#[derive(Default)]
struct Caches {
    keys: Cache<AccessId, AccessKey>,
    limits: Cache<OrgId, OrgLimits>,
    devices: Cache<(OrgId, DeviceEui), Device>,
    /// By the token that is asked for, which is the current one or the one before.
    sources: Cache<SecretHash, Source>,
    sessions: Cache<SecretHash, (Session, Person)>,
    /// By the model in lower case.
    codecs: Cache<(OrgId, String), UserCodec>,
    /// The number of the change that they were last cleared for.
    change: AtomicI64,
}

impl Caches {
    fn clear(&self, change: i64) {
        self.change.store(change, Ordering::Release);
        self.keys.clear();
        self.limits.clear();
        self.devices.clear();
        self.sources.clear();
        self.sessions.clear();
        self.codecs.clear();
    }
}

struct Polled {
    connection: Connection,
    /// SQLite's count of commits, cheap to ask for.
    version: i64,
    change: i64,
}

impl RegistryDb {
    /// Opens the registry in an existing folder, created with mode 0600 if it is not there yet,
    /// and brings it to the shape that this program knows.
    ///
    /// **Errors**: `Internal` if the file cannot be opened, or was written by a newer program;
    /// `Unavailable` if the disk is full or another process holds it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        create(path).map_err(|error| Error::internal(format!("cannot create `{}`: {error}", path.display())))?;
        let polled = Polled::open(path)?;
        let caches = Caches { change: AtomicI64::new(polled.change), ..Caches::default() };
        Ok(Self {
            writer: Arc::new(Pool::new(path, 1)),
            readers: Arc::new(Pool::new(path, READERS_MAX)),
            caches: Arc::new(caches),
            polled: Mutex::new(polled),
        })
    }

    /// Looks whether anything but counts and notes was committed since the last poll, by this process or
    /// another, and forgets what it outdates. Takes a few microseconds; meant for four times a
    /// second.
    ///
    /// **Errors**: as the contract's; what was in memory stays there.
    pub fn poll(&self) -> Result<bool, Error> {
        let mut polled = self.polled.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = polled.look()?;
        // Changes of this process have cleared the caches already.
        if polled.change != self.caches.change.load(Ordering::Acquire) {
            self.caches.clear(polled.change);
        }
        Ok(changed)
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Error> {
        self.readers.run(move |connection| work(connection)).await
    }

    async fn read_through<K, V>(
        &self,
        cache: &Cache<K, V>,
        key: K,
        work: impl FnOnce(&Connection) -> Result<Option<V>, Failure> + Send + 'static,
    ) -> Result<Option<Arc<V>>, Error>
    where
        K: Eq + Hash,
        V: Send + Sync + 'static,
    {
        let begun = match cache.get(&key) {
            Ok(value) => return Ok(Some(value)),
            Err(begun) => begun,
        };
        let value = self.read(work).await?.map(Arc::new);
        // What does not exist is not kept: guesses would push out what does.
        if let Some(value) = &value {
            cache.insert(begun, key, Arc::clone(value));
        }
        Ok(value)
    }

    /// Does the work in a transaction that makes every process forget what it has read.
    async fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Error> {
        let caches = Arc::clone(&self.caches);
        let transact = move |connection: &mut Connection| {
            let transaction = begin(connection)?;
            let value = work(&transaction)?;
            let count = "UPDATE change SET number = number + 1 RETURNING number";
            let change = transaction.prepare_cached(count)?.query_row([], |row| row.get(0))?;
            transaction.commit()?;
            caches.clear(change);
            Ok(value)
        };
        self.writer.run(transact).await
    }

    /// Does the work in a transaction that outdates nothing but what `update` brings up to date:
    /// nobody's rights change by it, so that nothing needs to be read again.
    async fn note<T: Send + 'static, U: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
        update: impl FnOnce(&Caches, T) -> U + Send + 'static,
    ) -> Result<U, Error> {
        let caches = Arc::clone(&self.caches);
        let transact = move |connection: &mut Connection| {
            let transaction = begin(connection)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(update(&caches, value))
        };
        self.writer.run(transact).await
    }
}

impl Polled {
    fn open(path: &Path) -> Result<Self, Failure> {
        let mut connection = pool::connect(path)?;
        switch_to_wal(&mut connection)?;
        migrate::run(&mut connection, MIGRATIONS)?;
        let mut polled = Self { connection, version: 0, change: 0 };
        polled.look()?;
        Ok(polled)
    }

    fn look(&mut self) -> Result<bool, Failure> {
        let number = |sql| self.connection.prepare_cached(sql)?.query_row([], |row| row.get(0));
        let version = number("PRAGMA data_version")?;
        if version == self.version {
            return Ok(false);
        }
        let change = number("SELECT number FROM change")?;
        let changed = change != self.change;
        (self.version, self.change) = (version, change);
        Ok(changed)
    }
}

fn begin(connection: &mut Connection) -> Result<Transaction<'_>, rusqlite::Error> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

/// Creates the file for its owner only; SQLite gives its companions the same mode.
///
/// A file that exists is not opened: closing it would release the locks that SQLite holds on it.
fn create(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// SQLite does not wait for other processes when it changes the journal, so that several that
/// start at once would refuse each other.
fn switch_to_wal(connection: &mut Connection) -> Result<(), rusqlite::Error> {
    const ATTEMPTS: usize = 100;
    for _ in 1..ATTEMPTS {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => begin(connection)?.commit()?,
            other => return other,
        }
    }
    connection.pragma_update(None, "journal_mode", "WAL")
}
