//! The embedded store passes the suite that defines the contract.

use std::sync::Arc;

use store::Store;
use store_embedded::{EmbeddedStore, Settings};

async fn fresh() -> (Arc<dyn Store>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(folder.path(), Settings::default()).unwrap();
    (store, folder)
}

store::conformance_suite!(fresh());
