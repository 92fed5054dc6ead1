//! What organizations and keys may use, and what is said about it.

mod fields;
mod purse;
mod rate;

use std::sync::Arc;

use model::{AccessId, AccessKey, OrgId, OrgLimits, Period, Timestamp};
use store::{Error, Store};

pub(crate) use self::fields::write;
use self::{
    purse::{Purses, Spent},
    rate::Rates,
};
use crate::{ApiState, call, error::Refusal};

/// Who is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    Organization(OrgId),
    Key(AccessId),
}

/// How things stand with one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) subject: Subject,
    pub(crate) what: What,
    /// How much may be used in `window_s`, and how much of it is left.
    pub(crate) quota: u64,
    pub(crate) window_s: u64,
    pub(crate) remaining: u64,
    /// When all of it is there again.
    pub(crate) reset_s: u64,
}

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// Calls, so many a minute in the long run.
    Calls { per_minute: u32 },
    /// Data read.
    Dm(Period),
    /// Data uploaded.
    Um(Period),
}

/// A limit that is reached.
#[derive(Debug)]
pub(crate) struct Limited {
    pub(crate) standing: Standing,
    /// In how many seconds to try again.
    pub(crate) wait_s: u64,
    /// When that is.
    at: Timestamp,
    /// How many data the call would take.
    asked: u64,
    /// The key that used most of it, and how much.
    most: Option<(AccessId, u64)>,
}

/// What is kept in memory of limits: nothing of those who have none.
#[derive(Default)]
pub(crate) struct Limits {
    rates: Rates,
    purses: Purses,
}

impl Limits {
    /// Lets a call in, unless there were too many just now.
    pub(crate) fn admit(&self, key: &AccessKey, limits: &OrgLimits, now: Timestamp) -> Result<(), Refusal> {
        let of_key = key.limits.rate.map(|rate| (Subject::Key(key.id), rate));
        let of_all = limits.rate.map(|rate| (Subject::Organization(key.org), rate));
        let mut refused = None;
        for (subject, rate) in [of_key, of_all].into_iter().flatten() {
            match self.rates.check(subject, rate, key.id, now) {
                Ok(standing) => call::note(|notes| notes.standings.push(standing)),
                Err(limited) => {
                    call::note(|notes| notes.standings.push(limited.standing));
                    refused = refused.or(Some(limited));
                }
            }
        }
        refused.map_or(Ok(()), |limited| Err(Refusal::Limited(limited.into())))
    }

    /// Takes data that are about to be answered out of the allowances of the key and its organization: out of
    /// both or none. With 0 it only finds out whether there is anything left. Whoever waits for it may go away;
    /// what was drawn is not lost by that.
    pub(crate) async fn spend(
        api: &ApiState,
        key: &Arc<AccessKey>,
        limits: &Arc<OrgLimits>,
        dm: u64,
    ) -> Result<(), Refusal> {
        let now = api.now();
        if let Some(um) = limits.um {
            purse::check_um(api.store(), key.org, um, now).await?;
        }
        if limits.dm.is_none() && key.limits.dm.is_none() {
            return Ok(());
        }
        let (api, key, limits) = (api.clone(), Arc::clone(key), Arc::clone(limits));
        let spend = async move { api.limits().purses.spend(api.store(), &key, &limits, dm, now).await };
        let Spent { standings, refused } = tokio::spawn(spend).await.map_err(Error::internal)??;
        call::note(|notes| {
            for standing in standings {
                notes.standings.retain(|known| (known.subject, known.what) != (standing.subject, standing.what));
                notes.standings.push(standing);
            }
        });
        refused.map_or(Ok(()), |limited| Err(Refusal::Limited(limited.into())))
    }

    /// Gives back what was drawn and not spent.
    pub(crate) async fn settle(&self, store: &dyn Store) -> Result<(), Error> {
        self.purses.settle(store).await
    }
}

impl Limited {
    /// What the caller is told: the limit, when to come back, and who used most of it.
    pub(crate) fn advice(&self) -> String {
        let Self { standing, wait_s, at, asked, most } = self;
        let subject = match standing.subject {
            Subject::Organization(org) => format!("organization `{org}`"),
            Subject::Key(id) => format!("access key `{id}`"),
        };
        let (quota, used) = (standing.quota, standing.quota.saturating_sub(standing.remaining));
        let said = match standing.what {
            What::Calls { per_minute } => {
                format!(
                    "{subject} may make {per_minute} calls a minute, {quota} at once; try again in {wait_s} s, at {at}"
                )
            }
            What::Dm(period) => format!(
                "{subject} may read {quota} data a {period}; {used} are used, and this call takes {asked}; \
                 the next {period} begins in {wait_s} s, at {at}"
            ),
            What::Um(period) => format!(
                "the devices of {subject} may upload {quota} data a {period}, and that is used up; what they send is \
                 stored all the same and can be read again in {wait_s} s, at {at}, or as soon as the limit is raised"
            ),
        };
        match (standing.what, most) {
            (What::Calls { .. }, Some((id, calls))) => {
                format!("{said}; most calls of this minute, {calls}, came with access key `{id}`")
            }
            (What::Dm(_), Some((id, dm))) => format!("{said}; access key `{id}` read most of it, {dm}"),
            _ => said,
        }
    }
}
