//! How long history is kept: what holds for a device, and what a rule would remove.

use model::{GroupId, OrgId, Retention, RetentionRules, Timestamp};
use serde::Serialize;
use store::{Error, ExpireKind, Store};

/// How many devices are asked of the store at once.
const DEVICES: usize = 1_000;

/// What rules remove, or would remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Old {
    /// Devices that have anything that is too old.
    pub devices: u64,
    /// Rows of readings: what a device measured at one time is one.
    pub rows: u64,
    /// Raw frames.
    pub frames: u64,
}

/// What to do with what is too old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// See how much it is.
    Count,
    /// Remove it for good.
    Remove,
}

/// Counts or removes what an organization's rules do not keep. What a device's group says goes before what the
/// organization says, and that before what the station says; a device that is unbound follows the group it was in.
/// With a group, only its devices are looked at.
///
/// **Errors**: as every look at the store; what was removed until then stays removed.
pub async fn apply(
    store: &dyn Store,
    org: OrgId,
    rules: &RetentionRules,
    station: Retention,
    only: Option<GroupId>,
    now: Timestamp,
    deed: Deed,
) -> Result<Old, Error> {
    let (mut old, mut after) = (Old::default(), None);
    loop {
        let page = store.list_histories(org, after, DEVICES).await?;
        let Some((last, _)) = page.last() else { return Ok(old) };
        after = Some(*last);
        for (device, group) in page {
            if only.is_some() && group != only {
                continue;
            }
            let Retention { readings, frames } = rules.of(group).or(station);
            let mut counts = [0, 0];
            let kinds = [(readings, ExpireKind::Rows), (frames, ExpireKind::Frames)];
            for (count, (keep, kind)) in counts.iter_mut().zip(kinds) {
                let Some(before) = keep.and_then(|keep| keep.cut(now)) else { continue };
                *count = match deed {
                    Deed::Count => store.count_old(org, device, before, kind).await?,
                    Deed::Remove => store.expire(org, device, before, kind).await?,
                };
            }
            let [rows, frames] = counts;
            old.devices += u64::from(rows + frames > 0);
            old.rows += rows;
            old.frames += frames;
        }
    }
}
