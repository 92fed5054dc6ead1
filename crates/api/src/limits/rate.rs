//! How fast calls may come.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::StateInformationMiddleware,
    state::{InMemoryState, NotKeyed},
};
use model::{AccessId, Rate, Timestamp};

use super::{Limited, Standing, Subject, What};
use crate::call;

/// Most buckets in memory; beyond it they all start afresh, which lets a burst pass now and then.
const BUCKETS_MAX: usize = 10_000;
/// Most keys that are counted apart in a minute of an organization.
const KEYS_MAX: usize = 1_000;

/// A bucket for everyone whose rate is limited and who has called.
#[derive(Default)]
pub(super) struct Rates(Mutex<HashMap<Subject, Arc<Bucket>>>);

struct Bucket {
    rate: Rate,
    limiter: RateLimiter<NotKeyed, InMemoryState, CallClock, StateInformationMiddleware>,
    minute: Mutex<Minute>,
}

/// Calls by key in one minute of the clock, to tell who made most of them.
#[derive(Default)]
struct Minute {
    number: u64,
    calls: HashMap<AccessId, u64>,
}

/// Shows when the call began that is being answered, so that a limit does not depend on how busy we are, nor
/// on a wall clock that jumps.
#[derive(Debug, Clone, Copy)]
struct CallClock;

impl Clock for CallClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        call::begun()
    }
}

impl Rates {
    pub(super) fn check(
        &self,
        subject: Subject,
        rate: Rate,
        by: AccessId,
        now: Timestamp,
    ) -> Result<Standing, Limited> {
        let bucket = self.bucket(subject, rate);
        let most = bucket.count(by);
        let standing = |remaining: u32, reset: Duration| Standing {
            subject,
            what: What::Calls { per_minute: rate.per_minute.get() },
            quota: rate.burst.get().into(),
            window_s: seconds(full(rate, rate.burst.get())),
            remaining: remaining.into(),
            reset_s: seconds(reset),
        };
        match bucket.limiter.check() {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                Ok(standing(remaining, full(rate, rate.burst.get().saturating_sub(remaining))))
            }
            Err(not_until) => {
                let wait = not_until.wait_time_from(call::begun());
                let wait_s = seconds(wait).max(1);
                let at = now.plus_ms(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
                Err(Limited { standing: standing(0, wait), wait_s, at, asked: 0, most: Some(most) })
            }
        }
    }

    fn bucket(&self, subject: Subject, rate: Rate) -> Arc<Bucket> {
        let mut buckets = lock(&self.0);
        if let Some(bucket) = buckets.get(&subject).filter(|bucket| bucket.rate == rate) {
            return Arc::clone(bucket);
        }
        if buckets.len() >= BUCKETS_MAX {
            buckets.clear();
        }
        let quota = Quota::per_minute(rate.per_minute).allow_burst(rate.burst);
        let limiter = RateLimiter::direct_with_clock(quota, CallClock).with_middleware();
        let bucket = Arc::new(Bucket { rate, limiter, minute: Mutex::default() });
        buckets.insert(subject, Arc::clone(&bucket));
        bucket
    }
}

impl Bucket {
    /// Counts a call, and tells which key made most of this minute, and how many.
    fn count(&self, by: AccessId) -> (AccessId, u64) {
        let number = call::begun().as_secs() / 60;
        let mut minute = lock(&self.minute);
        if minute.number != number {
            *minute = Minute { number, calls: HashMap::new() };
        }
        if minute.calls.len() < KEYS_MAX || minute.calls.contains_key(&by) {
            *minute.calls.entry(by).or_default() += 1;
        }
        let most = minute.calls.iter().max_by_key(|(id, calls)| (**calls, **id));
        most.map_or((by, 1), |(id, calls)| (*id, *calls))
    }
}

/// How long it takes until so many calls may be made that may not now.
fn full(rate: Rate, calls: u32) -> Duration {
    Duration::from_secs(60) * calls / rate.per_minute.get()
}

fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
