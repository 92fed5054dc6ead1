//! The key that a station derives secrets from: a file beside the databases, so that a copy of these
//! alone gives nobody a device's key.

use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::{Context, bail};
use model::StationKey;

use crate::credentials::{hex, random};

const FILE: &str = "station.key";

/// The key in a data folder, made there if there is none yet, for its owner alone.
///
/// **Errors**: the file cannot be read or written, or holds no key. Another key is not made then:
/// what was derived from the lost one would no longer be good.
pub(crate) fn load_or_create(data_dir: &Path) -> anyhow::Result<StationKey> {
    let path = data_dir.join(FILE);
    if let Some(key) = read(&path)? {
        return Ok(key);
    }
    create(data_dir, &path).with_context(|| format!("cannot write `{}`", path.display()))?;
    read(&path)?.with_context(|| format!("`{}` is gone again", path.display()))
}

/// The file of the key as it is, with its name, if there is one.
pub(crate) fn file(data_dir: &Path) -> anyhow::Result<Option<(String, Vec<u8>)>> {
    match std::fs::read(data_dir.join(FILE)) {
        Ok(bytes) => Ok(Some((FILE.to_owned(), bytes))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read `{}`", data_dir.join(FILE).display())),
    }
}

fn read(path: &Path) -> anyhow::Result<Option<StationKey>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    };
    let Some(key) = unhex(text.trim()) else {
        bail!(
            "`{}` is no key of 64 hex digits; restore it, or remove it to have another made: the keys of \
             development kits and app passwords are good no more then",
            path.display()
        );
    };
    Ok(Some(StationKey::from_raw(key)))
}

/// Puts a key in its place, whole or not at all; one that another process has put there stays.
fn create(data_dir: &Path, path: &Path) -> anyhow::Result<()> {
    let fresh = data_dir.join(format!("{FILE}.{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    writeln!(file, "{}", hex(&random::<32>()?))?;
    file.sync_all()?;
    let placed = std::fs::hard_link(&fresh, path);
    std::fs::remove_file(&fresh)?;
    match placed {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error.into()),
        Ok(()) | Err(_) => {}
    }
    // The name must survive a power cut as well.
    File::open(data_dir)?.sync_all()?;
    Ok(())
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    if text.len() != 2 * key.len() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (at, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let key = load_or_create(folder.path()).unwrap();
        assert_eq!(load_or_create(folder.path()).unwrap(), key);
        let path = folder.path().join(FILE);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left behind");
        create(folder.path(), &path).unwrap();
        assert_eq!(load_or_create(folder.path()).unwrap(), key, "whoever comes second takes what is there");
        let other = tempfile::tempdir().unwrap();
        assert_ne!(load_or_create(other.path()).unwrap(), key);
    }

    #[test]
    fn a_damaged_key_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["", "0123", &"g".repeat(64), &"0".repeat(65), &"é".repeat(32)] {
            std::fs::write(folder.path().join(FILE), text).unwrap();
            let error = load_or_create(folder.path()).unwrap_err().to_string();
            assert!(error.contains("is no key"), "{error}");
            assert_eq!(std::fs::read_to_string(folder.path().join(FILE)).unwrap(), text);
        }
        assert!(load_or_create(&folder.path().join("nowhere")).is_err());
    }
}
