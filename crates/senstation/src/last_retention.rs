//! When old data was last removed: a clock that has run ahead since would remove what is not old at all.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use model::Timestamp;

/// Where the time is kept, in the data folder, in milliseconds since 1970.
const FILE: &str = "last-retention";
/// How far the clock may be ahead of it. A station that was off for longer looks like one whose clock is wrong.
const AHEAD_MS: i64 = 30 * 24 * 3_600_000;
/// 2015-01-01: a clock that says less has not been set yet, and is nothing to hold a later one against.
const FIRST: Timestamp = Timestamp::from_millis(1_420_070_400_000);

/// The time when old data was last removed, by a clock that was believed.
#[derive(Debug)]
pub(crate) struct LastRetention {
    file: PathBuf,
    trouble: Mutex<Option<String>>,
}

impl LastRetention {
    /// As it was kept in a data folder.
    pub(crate) fn new(folder: &Path) -> Self {
        Self { file: folder.join(FILE), trouble: Mutex::default() }
    }

    /// Why the clock is not to be believed, and what to do about it; `None` where it may be, which is written down.
    ///
    /// **Errors**: the file can be neither read nor written.
    pub(crate) fn doubt(&self, now: Timestamp) -> io::Result<Option<String>> {
        let way_out = format!(
            "put the clock right, or, if it is right, remove `{}`; nothing old is removed until then",
            self.file.display()
        );
        match fs::read_to_string(&self.file) {
            Ok(kept) => match kept.trim().parse().map(Timestamp::from_millis) {
                Ok(last) if now.since_ms(last) > AHEAD_MS => {
                    return Ok(Some(format!(
                        "the clock is more than 30 days ahead of `{last}`, when old data was last looked for: {way_out}"
                    )));
                }
                // A clock that is behind removes nothing that is young.
                Ok(last) if now <= last => return Ok(None),
                Ok(_) => {}
                Err(_) => return Ok(Some(format!("nobody knows when old data was last looked for: {way_out}"))),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        if now < FIRST {
            return Ok(None);
        }
        let part = self.file.with_extension("part");
        let mut file = File::create(&part)?;
        writeln!(file, "{}", now.as_millis())?;
        file.sync_all()?;
        fs::rename(&part, &self.file)?;
        Ok(None)
    }

    /// Says on the page *System* what is the matter, if anything.
    pub(crate) fn tell(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    /// Why nothing old is removed, if so.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 24 * 3_600_000;

    #[test]
    fn a_clock_that_ran_far_ahead_is_doubted_until_it_is_right_or_somebody_says_that_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let doubts = |day: i64| {
            let doubt = LastRetention::new(folder.path()).doubt(Timestamp::from_millis(day * DAY_MS)).unwrap();
            doubt.inspect(|doubt| assert!(doubt.contains(FILE), "{doubt}")).is_some()
        };
        assert!(!doubts(0), "it was not set yet");
        assert!(!doubts(20_000), "there is nothing to hold it against");
        assert!(!doubts(20_030));
        assert!(doubts(20_061));
        assert!(doubts(20_061), "nobody gets used to it");
        assert!(!doubts(20_031), "the clock was put right");
        assert!(!doubts(0), "back is no danger");
        assert!(!doubts(20_061), "and is forgotten");
        assert!(doubts(20_092));
        fs::write(folder.path().join(FILE), "").unwrap();
        assert!(doubts(20_001));
        fs::remove_file(folder.path().join(FILE)).unwrap();
        assert!(!doubts(20_061));
        assert!(!doubts(20_062));
    }
}
