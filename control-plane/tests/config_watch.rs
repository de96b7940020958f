//! The watch over the configuration file, on real files.

use std::path::Path;
use std::time::Duration;

use tollgate_control_plane::publish::FileChanges;

/// Long enough for any machine; a change arrives as an event.
const PATIENCE: Duration = Duration::from_secs(20);

async fn changed(changes: &mut FileChanges) {
    tokio::time::timeout(PATIENCE, changes.next()).await.expect("the change is noticed");
}

fn watched(folder: &Path) -> (std::path::PathBuf, FileChanges) {
    let path = folder.join("tollgate.yaml");
    std::fs::write(&path, "one").unwrap();
    let changes = FileChanges::of(&path).unwrap();
    (path, changes)
}

#[tokio::test]
async fn a_file_that_is_written_in_place_has_changed() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut changes) = watched(folder.path());
    std::fs::write(&path, "two").unwrap();
    changed(&mut changes).await;
    std::fs::write(&path, "three").unwrap();
    changed(&mut changes).await;
}

#[tokio::test]
async fn a_file_that_is_renamed_into_place_has_changed() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut changes) = watched(folder.path());
    std::fs::rename(&path, folder.path().join("tollgate.yaml~")).unwrap();
    std::fs::write(folder.path().join("new"), "two").unwrap();
    std::fs::rename(folder.path().join("new"), &path).unwrap();
    changed(&mut changes).await;
}

#[tokio::test]
async fn a_change_is_noticed_by_whoever_waits_next() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut changes) = watched(folder.path());
    std::fs::write(&path, "two").unwrap();
    // Each waits for less time than an edit must have been left alone.
    for _ in 0..20 {
        let _ = tokio::time::timeout(Duration::from_millis(5), changes.next()).await;
    }
    changed(&mut changes).await;
}

#[tokio::test]
async fn a_swapped_symbolic_link_is_a_change() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("v1")).unwrap();
    std::fs::create_dir(at("v2")).unwrap();
    std::fs::write(at("v1/tollgate.yaml"), "one").unwrap();
    std::fs::write(at("v2/tollgate.yaml"), "two").unwrap();
    std::os::unix::fs::symlink("v1", at("data")).unwrap();
    std::os::unix::fs::symlink("data/tollgate.yaml", at("tollgate.yaml")).unwrap();
    let mut changes = FileChanges::of(&at("tollgate.yaml")).unwrap();
    std::os::unix::fs::symlink("v2", at("data.new")).unwrap();
    std::fs::rename(at("data.new"), at("data")).unwrap();
    changed(&mut changes).await;
}

#[tokio::test]
async fn the_same_content_and_other_files_are_no_change() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut changes) = watched(folder.path());
    std::fs::write(&path, "one").unwrap();
    std::fs::write(folder.path().join("other"), "x").unwrap();
    // What comes after them is the first change there is.
    std::fs::write(&path, "two").unwrap();
    changed(&mut changes).await;
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "two");
}
