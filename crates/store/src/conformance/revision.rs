//! What changes with every answer.

use model::{Reading, Window};

use super::fixtures::{Probe, at, row};
use crate::{ExpireKind, Revision, Select, Store};

async fn revision(probe: &Probe<'_>) -> Revision {
    probe.store.revision(probe.org, probe.device).await.expect("ask for the revision")
}

/// Every answer about the device, in short.
async fn answers(probe: &Probe<'_>) -> String {
    format!("{:?} {:?}", probe.latest(Select::READINGS).await, probe.all_rows(Window::ALL).await)
}

pub async fn a_revision_is_never_the_same_again_after_a_change(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let temperature = |value: f64| [Reading::new(1, 4097, value)];
    let mut seen = vec![revision(&probe).await];
    let first = probe.append_one(probe.uplink(10, temperature(1.0))).await;
    seen.push(revision(&probe).await);
    probe.append_one(probe.late(5, 11, temperature(2.0))).await;
    seen.push(revision(&probe).await);
    probe.append_one(probe.redecode(first, 10, [row(10, temperature(3.0))])).await;
    seen.push(revision(&probe).await);
    for minute in [6, 11] {
        assert!(store.expire(probe.org, probe.device, at(minute), ExpireKind::Rows).await.expect("expire") > 0);
        seen.push(revision(&probe).await);
    }
    probe.append_one(probe.uplink(20, temperature(4.0))).await;
    seen.push(revision(&probe).await);
    store.purge(probe.org, probe.device).await.expect("purge");
    assert!(!seen[1..].contains(&revision(&probe).await), "after all of it is erased");
    for minute in 20..30 {
        probe.append_one(probe.uplink(minute, temperature(4.0))).await;
        seen.push(revision(&probe).await);
    }
    for (at, one) in seen.iter().enumerate() {
        assert!(!seen[..at].contains(one), "revision {at} was there before");
    }
}

pub async fn a_revision_stays_while_nothing_happens(store: &dyn Store) {
    let probe = Probe::bind(store).await;
    let uplink = probe.uplink(10, [Reading::new(1, 4097, 1.0)]);
    probe.append_one(uplink.clone()).await;
    let (before, answered) = (revision(&probe).await, answers(&probe).await);
    assert!(probe.append([uplink]).await[0].duplicate);
    assert_eq!((revision(&probe).await, answers(&probe).await), (before, answered));
}
