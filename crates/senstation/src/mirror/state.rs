//! How far a mirror has come, in a file of the data folder that is whole at any moment.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, File, OpenOptions, TryLockError},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use model::{ChannelIndex, DeviceEui, MeasurementId, OrgId, SeriesKey};
use serde::{Deserialize, Serialize};

/// A stretch of time in milliseconds, both ends included.
pub(super) type Stretch = (i64, i64);

/// How far a mirror has come.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// What the other station calls the account's organization.
    #[serde(default)]
    pub(super) other_org: String,
    /// Data that the other station has charged for.
    pub(super) dm: u64,
    pub(super) points: u64,
    pub(super) devices: BTreeMap<String, DeviceState>,
}

/// How far it has come with one device.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct DeviceState {
    /// What has been fetched and stored of each series, `1/4097`; ascending, apart.
    series: BTreeMap<String, Vec<Stretch>>,
    /// How many readings the other station gave of each day, counted from 1970.
    pub(super) days: BTreeMap<i32, u64>,
}

impl DeviceState {
    /// What is still to be fetched of a series in a stretch, newest first.
    pub(super) fn missing(&self, series: SeriesKey, within: Stretch) -> Vec<Stretch> {
        missing(self.series.get(&name(series)).map_or(&[], Vec::as_slice), within)
    }

    /// Notes that a stretch of a series is stored.
    pub(super) fn cover(&mut self, series: SeriesKey, stretch: Stretch) {
        cover(self.series.entry(name(series)).or_default(), stretch);
    }
}

fn name(series: SeriesKey) -> String {
    format!("{}/{}", series.channel, series.measurement)
}

fn missing(covered: &[Stretch], (from, to): Stretch) -> Vec<Stretch> {
    let (mut left, mut end) = (Vec::new(), to);
    for (first, last) in covered.iter().rev().filter(|(first, last)| *last >= from && *first <= to) {
        if *last < end {
            left.push((last + 1, end));
        }
        end = first - 1;
    }
    if from <= end {
        left.push((from, end));
    }
    left
}

fn cover(covered: &mut Vec<Stretch>, (mut from, mut to): Stretch) {
    covered.retain(|(first, last)| {
        let meets = *first <= to.saturating_add(1) && *last >= from.saturating_sub(1);
        if meets {
            (from, to) = (from.min(*first), to.max(*last));
        }
        !meets
    });
    covered.push((from, to));
    covered.sort_unstable();
}

/// The file of a mirror's state.
#[derive(Debug, Clone)]
pub(super) struct StateFile(PathBuf);

impl fmt::Display for StateFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

impl StateFile {
    pub(super) fn of(data_dir: &Path, org: OrgId, station: &str, access_id: &str) -> Self {
        let host: String = station.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let id: String = access_id.chars().filter(char::is_ascii_alphanumeric).collect();
        Self(data_dir.join(format!("mirror-{org}-{host}-{id}.json")))
    }

    /// Keeps other mirrors of the same account from it for as long as the answer lives.
    pub(super) fn lock(&self) -> anyhow::Result<File> {
        let path = self.0.with_extension("lock");
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = file.with_context(|| format!("cannot write `{}`", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => {
                bail!("this account is being mirrored already, by another command or by the running station")
            }
            Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock `{}`", path.display())),
        }
    }

    /// What an earlier run has left, or nothing.
    pub(super) fn load(&self) -> anyhow::Result<State> {
        let path = self.0.display();
        let text = match fs::read(&self.0) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(State::default());
            }
            Err(error) => return Err(error).with_context(|| format!("cannot read `{path}`")),
        };
        serde_json::from_slice(&text).with_context(|| {
            format!("`{path}` is damaged; remove it, and the mirror begins anew: what it has stored is known")
        })
    }

    /// Writes it whole, and waits for the disk.
    pub(super) fn save(&self, state: &State) -> anyhow::Result<()> {
        let write = || -> anyhow::Result<()> {
            let fresh = self.0.with_extension("json.new");
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
            file.write_all(&serde_json::to_vec(state)?)?;
            file.sync_all()?;
            fs::rename(&fresh, &self.0)?;
            if let Some(folder) = self.0.parent() {
                File::open(folder)?.sync_all()?;
            }
            Ok(())
        };
        write().with_context(|| format!("cannot write `{}`", self.0.display()))
    }
}

/// A device and what it measures.
#[derive(Debug, Clone)]
pub(super) struct Copied {
    pub(super) eui: DeviceEui,
    pub(super) series: Vec<SeriesKey>,
}

/// The series of a channel.
pub(super) fn series(channel: u16, measurements: &[MeasurementId]) -> impl Iterator<Item = SeriesKey> {
    let channel = ChannelIndex(channel);
    measurements.iter().map(move |measurement| SeriesKey { channel, measurement: *measurement })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_state_is_kept_for_one_account_and_organization() {
        let folder = tempfile::tempdir().unwrap();
        let of =
            |org| StateFile::of(folder.path(), OrgId::from_raw(org), "https://sensecap.seeed.cc", "0123456789ABCDEF");
        let file = of(7);
        let mut state = file.load().unwrap();
        assert_eq!(state.devices.len(), 0);
        state.devices.entry("A".to_owned()).or_default().days.insert(3, 4);
        file.save(&state).unwrap();
        assert_eq!(file.load().unwrap(), state);
        assert_eq!(of(8).load().unwrap(), State::default(), "another organization begins anew");
        fs::write(&file.0, "{").unwrap();
        assert!(file.load().unwrap_err().to_string().contains("is damaged"));
    }

    #[test]
    fn an_account_is_mirrored_by_one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let file = StateFile::of(folder.path(), OrgId::from_raw(7), "https://a.example.org", "ID");
        let held = file.lock().unwrap();
        assert!(file.lock().unwrap_err().to_string().contains("is being mirrored already"));
        drop(held);
        file.lock().unwrap();
    }

    proptest! {
        #[test]
        fn what_is_covered_is_not_missing_and_everything_else_is(stretches in prop::collection::vec((0_i64..60, 0_i64..8), 0..8)) {
            let mut covered = Vec::new();
            for (from, len) in &stretches {
                cover(&mut covered, (*from, from + len));
            }
            prop_assert!(covered.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0));
            let missing = missing(&covered, (5, 50));
            prop_assert!(missing.windows(2).all(|pair| pair[0].0 > pair[1].1), "newest first");
            for at in 5..=50 {
                let is_covered = stretches.iter().any(|(from, len)| (*from..=from + len).contains(&at));
                let is_missing = missing.iter().any(|(from, to)| (*from..=*to).contains(&at));
                prop_assert!(is_covered != is_missing, "{}", at);
            }
        }
    }
}
