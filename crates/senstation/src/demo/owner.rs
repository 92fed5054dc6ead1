//! Who the fleet belongs to: an organization with a key and a source, all following from one seed.

use std::{
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use model::{
    AccessId, AccessKey, DeviceKind, GeoPoint, OrgId, Organization, Scopes, SecretHash, Source, SourceId, SourceKind,
    Timestamp,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::{Binding, Registry};

use super::fleet::MEMBERS;
use crate::{
    clock,
    credentials::{Secret, hex, random},
};

/// Beside the databases, readable by its owner only: the key is not kept but made of it anew.
const FILE: &str = "demo.json";
/// How many days of history a fleet starts with that somebody asked for in the portal.
const DAYS: u32 = 90;
const DAY_MS: i64 = 24 * 3_600_000;

/// What everything in the demo follows from.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seed {
    seed: u64,
    origin_ms: i64,
    first_start_ms: i64,
    /// The organization that the fleet was put into; without one it has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    org: Option<u64>,
    /// Whether somebody has removed the fleet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    removed: bool,
}

impl Seed {
    /// Of a fleet that is so many days old.
    fn new(days: u32, org: Option<OrgId>) -> anyhow::Result<Self> {
        let now = clock::now();
        let origin_ms = now.minus_ms(i64::from(days) * DAY_MS).as_millis();
        // JSON readers other than ours lose digits beyond 53 bits.
        let seed = u64::from_be_bytes(random()?) >> 11;
        Ok(Self { seed, origin_ms, first_start_ms: now.as_millis(), org: org.map(OrgId::get), removed: false })
    }

    fn read(path: &Path) -> anyhow::Result<Option<Self>> {
        match std::fs::read_to_string(path) {
            Ok(text) => {
                serde_json::from_str(&text).map(Some).with_context(|| format!("`{}` is damaged", path.display()))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read `{}`", path.display())),
        }
    }

    /// Puts the file in its place, whole or not at all.
    fn write(&self, path: &Path) -> anyhow::Result<()> {
        let write = || -> anyhow::Result<()> {
            let fresh = path.with_extension("new");
            let mut file =
                std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
            writeln!(file, "{}", serde_json::to_string_pretty(self)?)?;
            file.sync_all()?;
            std::fs::rename(&fresh, path)?;
            Ok(())
        };
        write().with_context(|| format!("cannot write `{}`", path.display()))
    }

    fn owner(&self) -> Owner {
        let [origin, first_start] = [self.origin_ms, self.first_start_ms].map(Timestamp::from_millis);
        let mut owner = Owner::of_seed(self.seed, origin, first_start);
        if let Some(org) = self.org {
            owner.org = OrgId::from_raw(org);
            owner.source.org = owner.org;
        }
        owner
    }
}

/// The owner of the fleet.
pub(crate) struct Owner {
    pub(super) seed: u64,
    /// When the fleet was set up.
    pub(super) origin: Timestamp,
    /// When the demo was started first.
    pub(super) first_start: Timestamp,
    pub(super) org: OrgId,
    pub(super) access_id: AccessId,
    pub(super) access_key: String,
    pub(super) source: Source,
    /// Whether there is a fleet still.
    pub(super) has_fleet: bool,
}

fn guest_file(data_dir: &Path, org: OrgId) -> PathBuf {
    data_dir.join(format!("demo-{org}.json"))
}

impl Owner {
    /// The owner that the data folder has, or a new one whose fleet is so many days old.
    pub(crate) async fn find_or_create(registry: &dyn Registry, data_dir: &Path, days: u32) -> anyhow::Result<Self> {
        let path = data_dir.join(FILE);
        let seed = match Seed::read(&path)? {
            Some(seed) => seed,
            None => {
                if !registry.list_organizations(None, 1).await?.is_empty() {
                    bail!("`{}` holds a station that is no demo; choose another `--data-dir`", data_dir.display());
                }
                let seed = Seed::new(days, None)?;
                seed.write(&path)?;
                seed
            }
        };
        let owner = Self { has_fleet: !seed.removed, ..seed.owner() };
        owner.register(registry).await?;
        Ok(owner)
    }

    /// The owners of the fleets that somebody has put into organizations of this station.
    pub(super) fn guests(data_dir: &Path) -> anyhow::Result<Vec<Self>> {
        let mut owners = Vec::new();
        let entries = std::fs::read_dir(data_dir).with_context(|| format!("cannot read `{}`", data_dir.display()))?;
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with("demo-") && name.ends_with(".json") {
                owners.extend(Seed::read(&path)?.map(|seed| seed.owner()));
            }
        }
        Ok(owners)
    }

    /// Puts a fleet into an organization.
    pub(super) async fn invite(registry: &dyn Registry, data_dir: &Path, org: OrgId) -> anyhow::Result<Self> {
        let path = guest_file(data_dir, org);
        let seed = match Seed::read(&path)? {
            Some(seed) => seed,
            None => {
                let seed = Seed::new(DAYS, Some(org))?;
                seed.write(&path)?;
                seed
            }
        };
        let owner = seed.owner();
        owner.register_fleet(registry).await?;
        Ok(owner)
    }

    /// Remembers that the fleet of an organization has been removed.
    pub(super) fn forget(data_dir: &Path, org: OrgId) -> anyhow::Result<()> {
        let path = guest_file(data_dir, org);
        if path.exists() {
            return std::fs::remove_file(&path).with_context(|| format!("cannot remove `{}`", path.display()));
        }
        let path = data_dir.join(FILE);
        match Seed::read(&path)? {
            Some(seed) => Seed { removed: true, ..seed }.write(&path),
            None => Ok(()),
        }
    }

    pub(super) fn of_seed(seed: u64, origin: Timestamp, first_start: Timestamp) -> Self {
        let derive = |purpose: &str| -> [u8; 32] {
            let hash = Sha256::new().chain_update(seed.to_be_bytes()).chain_update(purpose);
            hash.finalize().into()
        };
        let number = |purpose| u64::from_be_bytes(derive(purpose).first_chunk().copied().unwrap_or_default());
        let org = OrgId::from_random(number("organization"));
        let source = Source {
            id: SourceId::from_raw(number("source")),
            org,
            kind: SourceKind::Demo,
            name: "simulated fleet".to_owned(),
            // Nobody has a token for it: the fleet is in this process.
            token: SecretHash(derive("token")),
            auto_add: false,
            created_at: first_start,
            previous: None,
        };
        let access_id = AccessId::from_random(derive("access id").first_chunk().copied().unwrap_or_default());
        Self {
            seed,
            origin,
            first_start,
            org,
            access_id,
            access_key: hex(&derive("access key")),
            source,
            has_fleet: true,
        }
    }

    /// Creates what is not there yet.
    async fn register(&self, registry: &dyn Registry) -> anyhow::Result<()> {
        let created_at = self.first_start;
        let organization = Organization { id: self.org, name: "Demo farm".to_owned(), created_at };
        let secret = Secret::of(self.access_key.clone()).hash;
        let (name, scopes) = ("demo".to_owned(), Scopes::READ_WRITE);
        let key = AccessKey::new(self.access_id, self.org, secret, name, scopes, created_at);
        unless_there(registry.create_organization(organization).await)?;
        unless_there(registry.create_access_key(key).await)?;
        if self.has_fleet { self.register_fleet(registry).await } else { Ok(()) }
    }

    /// Creates what the fleet needs and is not there yet.
    async fn register_fleet(&self, registry: &dyn Registry) -> anyhow::Result<()> {
        unless_there(registry.create_source(self.source.clone()).await)?;
        for member in MEMBERS {
            let step = f64::from(member.number) * 0.0007;
            let binding = Binding {
                org: self.org,
                eui: member.eui(),
                kind: DeviceKind::Node,
                model: member.model.to_owned(),
                name: member.name.to_owned(),
                group: None,
                place: Some(GeoPoint { latitude: 47.4 + step, longitude: 8.5 - step }),
                frequency: "EU868".to_owned(),
                code: String::new(),
                bound_at: self.origin,
            };
            unless_there(registry.bind_device(binding).await.map(drop))?;
        }
        Ok(())
    }
}

fn unless_there(created: Result<(), store::Error>) -> Result<(), store::Error> {
    match created {
        Err(store::Error::Conflict(_)) => Ok(()),
        other => other,
    }
}
