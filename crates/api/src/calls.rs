use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use model::{AccessId, Call, OrgId};

/// The last calls of each access key, in memory.
///
/// Of a key 200 are remembered, and of so many keys as made the last calls 1,000; a restart forgets them.
#[derive(Debug, Default)]
pub struct Calls(Mutex<HashMap<AccessId, (OrgId, VecDeque<Call>)>>);

const CALLS_MAX: usize = 200;
const KEYS_MAX: usize = 1_000;

impl Calls {
    /// What an organization's key has called last, the newest first.
    pub fn list(&self, org: OrgId, id: AccessId) -> Vec<Call> {
        let keys = self.lock();
        let found = keys.get(&id).filter(|(owner, _)| *owner == org);
        found.into_iter().flat_map(|(_, calls)| calls.iter().rev()).cloned().collect()
    }

    pub(crate) fn remember(&self, org: OrgId, id: AccessId, call: Call) {
        let mut keys = self.lock();
        if keys.len() >= KEYS_MAX && !keys.contains_key(&id) {
            let idle = keys.iter().min_by_key(|(id, (_, calls))| (calls.back().map(|call| call.at), **id));
            let idle = idle.map(|(id, _)| *id);
            idle.and_then(|id| keys.remove(&id));
        }
        let (_, calls) = keys.entry(id).or_insert((org, VecDeque::new()));
        if calls.len() >= CALLS_MAX {
            calls.pop_front();
        }
        calls.push_back(call);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AccessId, (OrgId, VecDeque<Call>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use model::Timestamp;

    use super::*;

    fn call(ms: i64) -> Call {
        Call {
            at: Timestamp::from_millis(ms),
            method: "GET",
            endpoint: "/openapi/list_devices",
            status: 200,
            code: "0",
            meaning: "",
            dm: 0,
            took_us: 1,
            device: None,
            hints: Vec::new(),
        }
    }

    const ORG: OrgId = OrgId::from_raw(1);

    fn id(number: u16) -> AccessId {
        format!("{number:016}").parse().unwrap()
    }

    #[test]
    fn the_last_calls_of_a_key_are_remembered_for_its_organization() {
        let calls = Calls::default();
        (0..=200).for_each(|ms| calls.remember(ORG, id(1), call(ms)));
        let remembered = calls.list(ORG, id(1));
        assert_eq!((remembered.len(), remembered[0].clone(), remembered[199].clone()), (200, call(200), call(1)));
        assert_eq!(calls.list(OrgId::from_raw(2), id(1)), []);
        assert_eq!(calls.list(ORG, id(2)), []);
    }

    #[test]
    fn the_key_is_forgotten_that_called_longest_ago() {
        let calls = Calls::default();
        (0..1_000).for_each(|number| calls.remember(ORG, id(number), call(number.into())));
        calls.remember(ORG, id(0), call(5_000));
        calls.remember(ORG, id(1_000), call(5_001));
        assert_eq!(calls.list(ORG, id(0)).len(), 2);
        assert_eq!(calls.list(ORG, id(1)), []);
        assert_eq!((calls.list(ORG, id(2)).len(), calls.list(ORG, id(1_000)).len()), (1, 1));
    }
}
