//! Allowances of data, spent out of blocks that were drawn before: what a block has counts as used from the moment
//! it is drawn, so that a station that is killed has never given more than was allowed.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use model::{AccessId, AccessKey, Allowance, Day, OrgId, OrgLimits, Timestamp};
use store::{Drawn, Error, Store};
use tokio::sync::Mutex as AsyncMutex;

use super::{Limited, Standing, Subject, What};
use crate::{call, error::Refusal};

/// What part of an allowance a block is, so that no more than that is lost with a process that is killed.
const BLOCKS: u64 = 100;
/// A block that is worth a write to the disk; larger ones would only be lost more easily.
const BLOCK_MAX: u64 = 100_000;

/// An account for every organization that is limited, or has a key that is, and has read something since the start.
/// There are no more of them than the registry has organizations, and no more purses in one than it has keys.
#[derive(Default)]
pub(super) struct Purses(Mutex<HashMap<OrgId, Arc<AsyncMutex<Account>>>>);

/// Its lock is held while a block is drawn, so that those who wait for it share the block.
#[derive(Default)]
struct Account {
    own: Option<Purse>,
    keys: HashMap<AccessId, Option<Purse>>,
    /// What each key has read in the organization's present period.
    read: HashMap<AccessId, u64>,
}

/// A block of an allowance.
#[derive(Debug, Clone, Copy)]
struct Purse {
    allowance: Allowance,
    first: Day,
    /// What was drawn in the period, by this process or one before, what is left in the purse included.
    drawn: u64,
    left: u64,
}

impl Purse {
    fn used(&self) -> u64 {
        self.drawn - self.left
    }

    /// Brings a purse up to date with its allowance and the period, and puts so many data into it, if there are so
    /// many.
    async fn fill(
        purse: &mut Option<Self>,
        store: &dyn Store,
        (org, id): (OrgId, Option<AccessId>),
        allowance: Allowance,
        (dm, today): (u64, Day),
    ) -> Result<Self, Error> {
        let (first, max) = (allowance.period.first(today), allowance.amount.get());
        let last = allowance.period.next(today).plus(-1);
        if let Some(old) = purse.take_if(|purse| (purse.allowance, purse.first) != (allowance, first)) {
            store.return_dm(org, id, old.first, old.left).await?;
        }
        let is_new = purse.is_none();
        let filled = purse.get_or_insert(Self { allowance, first, drawn: 0, left: 0 });
        // Where all of what can be drawn is not enough, nothing is.
        if is_new || filled.left < dm && filled.left + max.saturating_sub(filled.drawn) >= dm {
            let block = (max / BLOCKS).clamp(1, BLOCK_MAX).max(dm - filled.left.min(dm));
            let drawn = store.draw_dm(org, id, first, last, block, max).await;
            let Drawn { granted, total } = match drawn {
                Ok(drawn) => drawn,
                Err(error) => {
                    // A purse that nobody knows the state of is opened anew.
                    if is_new {
                        *purse = None;
                    }
                    return Err(error);
                }
            };
            filled.left += granted;
            filled.drawn = total;
        }
        Ok(*filled)
    }
}

/// How things stand after data were spent, or were not.
#[derive(Debug, Default)]
pub(super) struct Spent {
    pub(super) standings: Vec<Standing>,
    pub(super) refused: Option<Limited>,
}

impl Purses {
    pub(super) async fn spend(
        &self,
        store: &dyn Store,
        key: &AccessKey,
        limits: &OrgLimits,
        dm: u64,
        now: Timestamp,
    ) -> Result<Spent, Error> {
        let account = Arc::clone(self.lock().entry(key.org).or_default());
        let mut account = account.lock().await;
        let Account { own, keys, read } = &mut *account;
        let today = Day::of(now);
        let mut spent = Spent::default();
        // Nobody pays out of a purse before all have enough.
        let mut paying = Vec::with_capacity(2);
        if let Some(allowance) = key.limits.dm {
            let purse = keys.entry(key.id).or_default();
            let filled = Purse::fill(purse, store, (key.org, Some(key.id)), allowance, (dm, today)).await?;
            spent.tell(Subject::Key(key.id), filled, dm, now, || Some((key.id, filled.used())));
            paying.extend(purse);
        }
        if let Some(allowance) = limits.dm {
            let first = allowance.period.first(today);
            if own.is_none_or(|own| own.first != first) {
                let last = allowance.period.next(today).plus(-1);
                let usage = store.list_usage(key.org, first, last, 0).await?;
                *read = usage.keys.into_iter().map(|(id, used)| (id, used.dm)).collect();
            }
            let filled = Purse::fill(own, store, (key.org, None), allowance, (dm, today)).await?;
            spent.tell(Subject::Organization(key.org), filled, dm, now, || {
                read.iter().max_by_key(|(id, dm)| (**dm, **id)).map(|(id, dm)| (*id, *dm))
            });
            paying.extend(own);
        }
        if spent.refused.is_none() {
            paying.into_iter().for_each(|purse| purse.left -= dm);
            *read.entry(key.id).or_default() += dm;
        }
        Ok(spent)
    }

    pub(super) async fn settle(&self, store: &dyn Store) -> Result<(), Error> {
        let accounts = std::mem::take(&mut *self.lock());
        for (org, account) in accounts {
            let mut account = account.lock().await;
            let own = account.own.take().map(|purse| (None, purse));
            let keys = account.keys.drain().filter_map(|(id, purse)| Some((Some(id), purse?)));
            for (id, purse) in keys.chain(own) {
                store.return_dm(org, id, purse.first, purse.left).await?;
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OrgId, Arc<AsyncMutex<Account>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Spent {
    /// Says how one purse stands after so many data are spent, or that there are not so many; `most` tells who read
    /// most.
    fn tell(
        &mut self,
        subject: Subject,
        purse: Purse,
        dm: u64,
        now: Timestamp,
        most: impl FnOnce() -> Option<(AccessId, u64)>,
    ) {
        let remaining = purse.allowance.amount.get().saturating_sub(purse.used());
        // With nothing left there is nothing to be read either.
        let is_enough = dm <= remaining && dm <= purse.left && remaining > 0;
        let left = if is_enough { remaining - dm } else { remaining };
        let standing = standing(subject, What::Dm(purse.allowance.period), purse.allowance, left, now);
        self.standings.push(standing);
        if !is_enough && self.refused.is_none() {
            let at = purse.allowance.period.end(now);
            self.refused = Some(Limited { wait_s: standing.reset_s, at, asked: dm, most: most(), standing });
        }
    }
}

/// Refuses to read while the devices are over what they may upload: what they send is stored all the same.
pub(super) async fn check_um(store: &dyn Store, org: OrgId, um: Allowance, now: Timestamp) -> Result<(), Refusal> {
    let today = Day::of(now);
    let days = store.list_um(org, um.period.first(today), um.period.next(today).plus(-1)).await?;
    let used: u64 = days.iter().map(|(_, um)| um).sum();
    let remaining = um.amount.get().saturating_sub(used);
    let standing = standing(Subject::Organization(org), What::Um(um.period), um, remaining, now);
    if used <= um.amount.get() {
        return Ok(());
    }
    call::note(|notes| notes.standings.push(standing));
    let limited = Limited { wait_s: standing.reset_s, at: um.period.end(now), asked: 0, most: None, standing };
    Err(Refusal::Limited(limited.into()))
}

fn standing(subject: Subject, what: What, allowance: Allowance, remaining: u64, now: Timestamp) -> Standing {
    let end = allowance.period.end(now);
    let begin = allowance.period.first(Day::of(now)).start();
    let seconds = |ms: i64| u64::try_from(ms).unwrap_or_default().div_ceil(1_000);
    Standing {
        subject,
        what,
        quota: allowance.amount.get(),
        window_s: seconds(end.since_ms(begin)),
        remaining,
        reset_s: seconds(end.since_ms(now)).max(1),
    }
}
