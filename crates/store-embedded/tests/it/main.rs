//! The embedded store from outside: the contract, and what it promises about its folder.
#![allow(clippy::unwrap_used)]

mod backup;
mod conformance;
mod damage;
mod folder;
mod random;
mod restart;

use std::{path::Path, sync::Arc};

use store_embedded::{EmbeddedStore, Settings};

fn open(folder: &Path) -> Arc<EmbeddedStore> {
    EmbeddedStore::open(folder, Settings::default()).unwrap()
}
