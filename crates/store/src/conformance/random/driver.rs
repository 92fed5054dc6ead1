use std::collections::{BTreeMap, BTreeSet};

use model::{DeviceEui, DeviceId, OrgId, Position};

use super::{
    Failure, Step, Subject, Summary,
    control::Control,
    query::{Query, print},
    world::{ORGANIZATIONS, World},
};
use crate::{
    Appended, Entry, Error, ExpireKind, Followed, Reference, Scope, Store, Telemetry,
    conformance::fixtures::{binding, eui, org, organization},
};

/// Drives a backend and the reference with the operations of a seed and compares every answer.
///
/// **Errors**: [`Failure`] at the first difference. Where the backend panics, seed and operation
/// are printed on the way out.
pub async fn run(subject: &mut impl Subject, seed: u64, operations: usize) -> Result<Summary, Failure> {
    let mut run = Run::new(seed);
    let failure = |operation, what| Failure { seed, operation, what };
    run.begin(&*subject.store()).await.map_err(|what| failure(0, what))?;
    for operation in 0..operations {
        let _announcer = Announcer { seed, operation };
        run.operate(subject).await.map_err(|what| failure(operation, what))?;
    }
    let _announcer = Announcer { seed, operation: operations };
    run.audit(&*subject.store()).await.map_err(|what| failure(operations, what))?;
    Ok(run.summary)
}

/// Says where a run was when something in it panicked.
struct Announcer {
    seed: u64,
    operation: usize,
}

impl Drop for Announcer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the panic is in seed {}, operation {}", self.seed, self.operation);
        }
    }
}

struct Run {
    world: World,
    reference: Reference,
    summary: Summary,
    /// The names that the backend has given to devices.
    ids: BTreeMap<(OrgId, DeviceEui), DeviceId>,
    /// Every position it has given to an entry.
    given: BTreeSet<Position>,
    last_of: BTreeMap<DeviceId, Position>,
    /// A follower has read up to here, so what comes now must stand behind it.
    read: Position,
    /// The backend has had an occasion to forget something of the log.
    may_be_trimmed: bool,
    oldest: Position,
}

type Outcome = Result<(), String>;

impl Run {
    fn new(seed: u64) -> Self {
        Self {
            world: World::new(seed),
            reference: Reference::new(),
            summary: Summary::default(),
            ids: BTreeMap::new(),
            given: BTreeSet::new(),
            last_of: BTreeMap::new(),
            read: Position::START,
            may_be_trimmed: false,
            oldest: Position::START,
        }
    }

    /// Two organizations with a device of the same label, and a second one.
    async fn begin(&mut self, store: &dyn Store) -> Outcome {
        for number in [1, 2] {
            self.control(store, Control::CreateOrganization(organization(number))).await?;
            self.control(store, Control::Bind(binding(org(number), eui(0)))).await?;
        }
        self.control(store, Control::Bind(binding(org(1), eui(1)))).await
    }

    async fn operate(&mut self, subject: &mut impl Subject) -> Outcome {
        self.world.tick();
        let store = subject.store();
        match self.world.rng.below(1_000) {
            0..=379 => self.append(&*store).await,
            380..=669 => {
                let query = Query::random(&mut self.world);
                self.query(&*store, query).await
            }
            670..=759 => self.follow(&*store).await,
            760..=869 => {
                let control = Control::random(&mut self.world);
                self.control(&*store, control).await
            }
            870..=884 => self.expire(&*store).await,
            885..=891 => self.purge(&*store).await,
            _ => {
                drop(store);
                self.step(subject).await
            }
        }
    }

    async fn append(&mut self, store: &dyn Store) -> Outcome {
        let batch = self.world.batch();
        let answered = store.append(batch.clone()).await;
        let appended = answered.map_err(|error| format!("append of {} entries: {error:?}", batch.len()))?;
        if appended.len() != batch.len() {
            return Err(format!("append of {} entries answered {} times", batch.len(), appended.len()));
        }
        for (entry, appended) in batch.into_iter().zip(appended) {
            let first = match &entry {
                Entry::Uplink(uplink) => self.reference.find_first(uplink).map_err(|error| error.to_string())?,
                Entry::Redecode(_) | Entry::Message(_) => None,
            };
            if let Some(position) = first {
                if appended != (Appended { position, duplicate: true }) {
                    return Err(format!("a duplicate of {position} was answered {appended:?}: {entry:?}"));
                }
                self.summary.duplicates += 1;
                continue;
            }
            if appended.duplicate {
                return Err(format!("no duplicate, but was answered {appended:?}: {entry:?}"));
            }
            self.check_position(&entry, appended.position)?;
            self.summary.appended += 1;
            self.summary.redecodes += u64::from(matches!(entry, Entry::Redecode(_)));
            self.world.remember(entry.clone(), appended.position);
            self.reference.append_at(entry, appended.position).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    fn check_position(&mut self, entry: &Entry, position: Position) -> Outcome {
        if !self.given.insert(position) {
            return Err(format!("position {position} was given twice"));
        }
        if position <= self.read {
            return Err(format!("position {position} was given after followers had read up to {}", self.read));
        }
        let device = match entry {
            Entry::Uplink(uplink) => uplink.device,
            Entry::Redecode(redecode) => redecode.device,
            Entry::Message(_) => return Ok(()),
        };
        match self.last_of.insert(device, position) {
            Some(before) if before > position => {
                Err(format!("device {device} got position {position} after position {before}"))
            }
            _ => Ok(()),
        }
    }

    async fn query(&mut self, store: &dyn Store, query: Query) -> Outcome {
        let answer = query.ask(store).await;
        self.summary.answered += u64::from(answer.len() > 4);
        compare(format_args!("{query:?}"), &answer, &query.ask(&self.reference).await)
    }

    async fn control(&mut self, store: &dyn Store, control: Control) -> Outcome {
        let answer = control.ask(store).await;
        compare(format_args!("{control:?}"), &answer, &control.ask(&self.reference).await)?;
        match control {
            Control::Bind(binding) => self.check_name(store, binding.org, binding.eui).await,
            Control::Find(org, eui) => self.check_name(store, org, eui).await,
            _ => Ok(()),
        }
    }

    /// A device has one name for good, and nobody else has it.
    async fn check_name(&mut self, store: &dyn Store, org: OrgId, eui: DeviceEui) -> Outcome {
        let found = store.find_device(org, eui).await.map_err(|error| format!("find {eui}: {error:?}"))?;
        let Some(device) = found else { return Ok(()) };
        let known = self.ids.get(&(org, eui));
        if known.map_or_else(|| self.ids.values().any(|id| *id == device.id), |known| *known != device.id) {
            return Err(format!("device {eui} of {org} is {}, but should be {known:?} or new", device.id));
        }
        self.ids.insert((org, eui), device.id);
        self.world.meet(org, eui, device.id);
        Ok(())
    }

    async fn follow(&mut self, store: &dyn Store) -> Outcome {
        let scope = self.world.scope();
        let reader = match scope {
            Scope::Org(org) => Some(org),
            Scope::All => None,
        };
        let cursor = self.world.cursors.get(&reader).copied().unwrap_or_default();
        let after = match self.world.rng.below(10) {
            0 => Position::START,
            1 if !self.world.positions.is_empty() => *self.world.rng.pick(&self.world.positions),
            _ => cursor,
        };
        let limit = if self.world.rng.percent(30) { self.world.rng.index(4) } else { self.world.rng.index(300) };
        let next = match store.follow(scope, after, limit).await {
            Err(Error::Trimmed { oldest }) => {
                self.check_trimmed(after, oldest)?;
                let followed = store.follow(scope, oldest, limit).await;
                let followed = followed.map_err(|error| format!("follow from the oldest, {oldest}: {error:?}"))?;
                self.check_followed(scope, oldest, limit, followed).await?
            }
            Err(error) => return Err(format!("follow {scope:?} after {after}: {error:?}")),
            Ok(_) if after < self.oldest => {
                return Err(format!("follow after {after} is answered, but {} was the oldest", self.oldest));
            }
            Ok(followed) => self.check_followed(scope, after, limit, followed).await?,
        };
        if after == cursor {
            self.world.cursors.insert(reader, next);
        }
        Ok(())
    }

    fn check_trimmed(&mut self, after: Position, oldest: Position) -> Outcome {
        self.summary.trimmed += 1;
        let last = self.given.last().copied().unwrap_or_default().max(self.read);
        if !self.may_be_trimmed || oldest <= after || oldest < self.oldest || oldest > last {
            return Err(format!(
                "follow after {after}: the log is said to start after {oldest}, where it started after {} and ends \
                 at {last}, trimmed or not: {}",
                self.oldest, self.may_be_trimmed
            ));
        }
        self.oldest = oldest;
        Ok(())
    }

    async fn check_followed(
        &mut self,
        scope: Scope,
        after: Position,
        limit: usize,
        followed: Followed,
    ) -> Result<Position, String> {
        let ask = async |after, limit| {
            let followed = self.reference.follow(scope, after, limit).await;
            followed.map_err(|error| error.to_string())
        };
        let what = format!("follow {scope:?} after {after}, at most {limit}");
        let expected = ask(after, limit).await?;
        compare(format_args!("{what}"), &format!("{:?}", followed.entries), &format!("{:?}", expected.entries))?;
        // Where to read on from is right if nothing lies between that would be missed, and the end
        // of the log where the end was reached.
        let last = followed.entries.last().map_or(after, |entry| entry.position);
        let missed = ask(last, 1).await?.entries.first().is_some_and(|entry| entry.position <= followed.next);
        let at_end = followed.entries.len() < limit;
        if followed.next < last || missed || (at_end && followed.next < expected.next) {
            return Err(format!("{what}: next is {}, but should be {}", followed.next, expected.next));
        }
        self.read = self.read.max(followed.next);
        self.summary.followed += followed.entries.len() as u64;
        Ok(followed.next)
    }

    async fn expire(&mut self, store: &dyn Store) -> Outcome {
        let Some(number) = self.world.device() else { return Ok(()) };
        let (mut org, device) = (self.world.devices[number].org, self.world.devices[number].id);
        if self.world.rng.percent(10) {
            org = self.world.org();
        }
        let before = self.world.age();
        let kind = if self.world.rng.percent(70) { ExpireKind::Rows } else { ExpireKind::Frames };
        let expired = self.reference.expire(org, device, before, kind).await.map_err(|error| error.to_string())?;
        self.summary.expired += expired;
        let answer = print(store.count_old(org, device, before, kind).await);
        compare(format_args!("count {kind:?} of {device} before {before}"), &answer, &expired.to_string())?;
        let answer = print(store.expire(org, device, before, kind).await);
        compare(format_args!("expire {kind:?} of {device} before {before}"), &answer, &expired.to_string())
    }

    async fn purge(&mut self, store: &dyn Store) -> Outcome {
        let Some(at) = self.world.device() else { return Ok(()) };
        let (mut org, device) = (self.world.devices[at].org, self.world.devices[at].id);
        if self.world.rng.percent(30) {
            org = self.world.org();
        }
        self.summary.purged += 1;
        self.world.forget(org, device);
        let answer = print(store.purge(org, device).await);
        compare(format_args!("purge {device} of {org}"), &answer, &print(self.reference.purge(org, device).await))
    }

    async fn step(&mut self, subject: &mut impl Subject) -> Outcome {
        let step = match self.world.rng.below(100) {
            0..=24 => Step::Maintain { now: self.world.now },
            25..=44 => Step::Seal,
            45..=59 => Step::Checkpoint,
            60..=69 => Step::Trim,
            70..=81 => Step::Merge,
            82..=89 => Step::Restart,
            _ => Step::Crash,
        };
        self.summary.steps += 1;
        self.may_be_trimmed = true;
        subject.step(step).await;
        if matches!(step, Step::Restart | Step::Crash) {
            self.audit(&*subject.store()).await.map_err(|what| format!("after {step:?}: {what}"))?;
        }
        Ok(())
    }

    /// Compares everything there is.
    async fn audit(&mut self, store: &dyn Store) -> Outcome {
        let devices: Vec<_> = self.world.devices.iter().map(|device| (device.org, device.eui, device.id)).collect();
        for (org, eui, id) in devices {
            self.check_name(store, org, eui).await?;
            for query in Query::all_of(org, id) {
                self.query(store, query).await?;
            }
        }
        for number in 1..=ORGANIZATIONS {
            for query in Query::all_about(number) {
                self.query(store, query).await?;
            }
        }
        for control in Control::all() {
            self.control(store, control).await?;
        }
        Ok(())
    }
}

/// Holds two answers against each other and shows the first place where they differ.
fn compare(what: std::fmt::Arguments<'_>, answer: &str, expected: &str) -> Outcome {
    if answer == expected {
        return Ok(());
    }
    let same = answer.chars().zip(expected.chars()).take_while(|(a, b)| a == b).count();
    let around = |text: &str| text.chars().skip(same.saturating_sub(120)).take(400).collect::<String>();
    Err(format!(
        "{what}\n differs after {same} letters\n  answered: …{}\n  expected: …{}",
        around(answer),
        around(expected)
    ))
}
