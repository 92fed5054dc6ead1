//! How fast the data folder grows, and when the disk will be full at that rate.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use model::{Day, Timestamp};
use serde::{Deserialize, Serialize};

/// Where measurements are kept, in the data folder.
const FILE: &str = "growth.json";
/// How many days are looked back at.
const DAYS: i32 = 31;
/// The fewest days between the first and the last measurement that a rate can be told from.
const DAYS_MIN: i32 = 3;
const DAY_MS: i64 = 24 * 3_600_000;
/// A disk that is full sooner than this is warned of.
const SOON_DAYS: f64 = 30.0;
/// What is further away says nothing.
const FAR_DAYS: f64 = 36_500.0;

/// The size of the data folder on the last days, and the free space beside it.
#[derive(Debug)]
pub(crate) struct Disk {
    folder: PathBuf,
    sizes: Mutex<Sizes>,
}

/// What the folder held at the end of each day, or by now; by ascending day.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Sizes {
    days: Vec<(i32, u64)>,
    /// Once a day is enough.
    #[serde(skip)]
    warned_on: i32,
}

impl Disk {
    /// With what was measured before the station was started.
    pub(crate) fn new(folder: &Path) -> Self {
        let kept = fs::read(folder.join(FILE)).ok();
        let sizes = kept.and_then(|kept| serde_json::from_slice(&kept).ok()).unwrap_or_default();
        Self { folder: folder.to_owned(), sizes: Mutex::new(sizes) }
    }

    /// Measures the folder, and warns when the disk will soon be full.
    pub(crate) fn measure(&self, now: Timestamp) -> io::Result<()> {
        let bytes = bytes_below(&self.folder)?;
        let today = Day::of(now);
        let (kept, is_warned) = {
            let mut sizes = self.sizes.lock().unwrap_or_else(PoisonError::into_inner);
            sizes.note(today, bytes);
            (serde_json::to_vec(&*sizes)?, std::mem::replace(&mut sizes.warned_on, today.get()) == today.get())
        };
        if let Some(days) = self.days_left().filter(|days| *days < SOON_DAYS && !is_warned) {
            tracing::warn!(
                "at the rate of the last days the disk of `{}` is full in {days:.0} days: give it more room, or say \
                 how long history is kept (`senstation org retention`)",
                self.folder.display()
            );
        }
        let part = self.folder.join("growth.json.part");
        fs::write(&part, kept)?;
        fs::rename(&part, self.folder.join(FILE))
    }

    /// What is free on the disk, in bytes.
    pub(crate) fn free_bytes(&self) -> Option<u64> {
        let stat = rustix::fs::statvfs(&self.folder).ok()?;
        Some(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    /// By how many bytes a day the folder grows; less than zero where it shrinks.
    pub(crate) fn growth(&self) -> Option<f64> {
        self.sizes.lock().unwrap_or_else(PoisonError::into_inner).growth()
    }

    /// In how many days the disk is full; `None` while that cannot be told, or where it never is.
    fn days_left(&self) -> Option<f64> {
        let days = self.free_bytes()? as f64 / self.growth().filter(|growth| *growth > 0.0)?;
        (days < FAR_DAYS).then_some(days)
    }

    /// When the disk is full.
    pub(crate) fn full_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.days_left().map(|days| now.plus_ms((days * DAY_MS as f64) as i64))
    }
}

impl Sizes {
    fn note(&mut self, day: Day, bytes: u64) {
        let today = day.get();
        // What says to be from the future was measured while the clock was wrong.
        self.days.retain(|(day, _)| (today - DAYS..today).contains(day));
        self.days.push((today, bytes));
    }

    /// The middle of all rates between two days: a purge or an import does not move it much.
    fn growth(&self) -> Option<f64> {
        let (first, last) = (self.days.first()?.0, self.days.last()?.0);
        if last - first < DAYS_MIN {
            return None;
        }
        let mut rates = Vec::new();
        for (at, (day, bytes)) in self.days.iter().enumerate() {
            let later = self.days[at + 1..].iter();
            rates.extend(later.map(|(later, more)| (*more as f64 - *bytes as f64) / f64::from(later - day)));
        }
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied()
    }
}

/// What the files of a folder take, those of its folders included.
fn bytes_below(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // Files come and go meanwhile.
        let Ok(about) = entry.metadata() else { continue };
        bytes += if about.is_dir() { bytes_below(&entry.path()).unwrap_or_default() } else { about.len() };
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn sizes(days: &[(i32, u64)]) -> Sizes {
        let mut sizes = Sizes::default();
        for (day, mib) in days {
            sizes.note(Day::from_raw((*day).into()), mib * MIB);
        }
        sizes
    }

    #[track_caller]
    fn check(days: &[(i32, u64)], mib_a_day: Option<f64>) {
        assert_eq!(sizes(days).growth().map(|growth| growth / MIB as f64), mib_a_day, "{days:?}");
    }

    #[test]
    fn a_rate_needs_some_days_and_is_not_moved_by_a_jump() {
        check(&[], None);
        check(&[(1, 100), (2, 110), (3, 120)], None);
        check(&[(1, 100), (2, 110), (3, 120), (4, 130)], Some(10.0));
        check(&[(1, 100), (4, 130)], Some(10.0));
        check(&[(1, 100), (2, 110), (3, 120), (4, 130), (5, 140), (6, 5_000), (7, 5_010)], Some(10.0));
        check(&[(1, 100), (2, 90), (3, 80), (4, 70)], Some(-10.0));
    }

    #[test]
    fn a_day_has_one_size_and_old_or_impossible_days_are_forgotten() {
        assert_eq!(sizes(&[(5, 1), (5, 2), (6, 3), (6, 4)]).days, [(5, 2 * MIB), (6, 4 * MIB)]);
        assert_eq!(sizes(&[(5, 1), (400, 2), (6, 3)]).days, [(6, 3 * MIB)], "the clock was wrong for a day");
        assert_eq!(sizes(&(0..100).map(|day| (day, 1)).collect::<Vec<_>>()).days.len(), 32);
    }

    #[test]
    fn what_was_measured_is_there_after_a_restart_and_damage_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("inner")).unwrap();
        for (day, bytes) in [(10, 1 << 20), (11, 2 << 20), (12, 3 << 20), (13, 4 << 20)] {
            fs::write(folder.path().join("inner/file"), vec![0; bytes]).unwrap();
            Disk::new(folder.path()).measure(Day::from_raw(day).start()).unwrap();
        }
        let disk = Disk::new(folder.path());
        let growth = disk.growth().unwrap();
        assert!((growth - MIB as f64).abs() < 1_000.0, "{growth}");
        let (now, free) = (Day::from_raw(13).start(), disk.free_bytes().unwrap());
        let days = free as f64 / growth;
        let told = disk.full_at(now).map(|at| at.since_ms(now) as f64 / DAY_MS as f64);
        assert_eq!(told.map(f64::round), (days < FAR_DAYS).then_some(days.round()));
        fs::write(folder.path().join(FILE), b"{\"days\":[[1,").unwrap();
        assert_eq!(Disk::new(folder.path()).growth(), None);
    }
}
