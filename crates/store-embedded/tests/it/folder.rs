//! Who may use a folder.

use std::os::unix::fs::PermissionsExt;

use store::{Error, Registry};
use store_embedded::{EmbeddedStore, Settings};

use crate::open;

#[tokio::test]
async fn refuses_a_folder_that_another_store_holds_and_names_its_process() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path());
    match EmbeddedStore::open(folder.path(), Settings::default()) {
        Err(Error::Unavailable(reason)) => {
            assert!(reason.contains(&format!("process {}", std::process::id())), "{reason}");
        }
        other => panic!("expected a refusal, got {}", other.is_ok()),
    }
    first.close().await.unwrap();
    open(folder.path()).close().await.unwrap();
}

#[tokio::test]
async fn the_registry_is_open_to_commands_beside_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = open(folder.path());
    let command = EmbeddedStore::open_registry(folder.path()).unwrap();
    command.create_organization(store::conformance::fixtures::organization(1)).await.unwrap();
    assert!(server.poll_registry().unwrap());
    assert_eq!(server.list_organizations(None, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn nobody_else_can_read_the_folder() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("station");
    open(&folder).close().await.unwrap();
    assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    for file in std::fs::read_dir(&folder).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode() & 0o077;
        assert_eq!(mode, 0, "{}", file.path().display());
    }
}
