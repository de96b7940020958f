//! Notices that the configuration file changed, whatever way an editor or a mounted volume changes it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

/// Changes of one file. The folder is watched rather than the file: editors write a new file and rename it, and
/// Kubernetes swaps a symbolic link beside it.
pub struct FileChanges {
    changes: mpsc::Receiver<()>,
    path: PathBuf,
    seen: Option<Vec<u8>>,
    /// Something changed, and it was not looked at yet.
    stirred: bool,
    _watcher: RecommendedWatcher,
}

impl std::fmt::Debug for FileChanges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileChanges").field("path", &self.path).finish_non_exhaustive()
    }
}

impl FileChanges {
    /// Watches from now on; what the file holds now is no change.
    ///
    /// # Errors
    /// The folder does not exist or the system has no watch to give.
    pub fn of(path: &Path) -> notify::Result<Self> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        // One waiting change says it all: `next` reads the file afterwards.
        let (sender, changes) = mpsc::channel(1);
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let concerns = event.map_or(true, |event| !matches!(event.kind, EventKind::Access(_)));
            if concerns {
                let _ = sender.try_send(());
            }
        })?;
        watcher.watch(&folder, RecursiveMode::NonRecursive)?;
        Ok(Self { changes, path: path.to_owned(), seen: std::fs::read(path).ok(), stirred: false, _watcher: watcher })
    }

    /// Waits until the file holds something else, and has been left alone for a moment. Pending when the watch is lost.
    /// When it is dropped before its end, the next call notices what it would have.
    pub async fn next(&mut self) {
        loop {
            if !self.stirred {
                if self.changes.recv().await.is_none() {
                    std::future::pending::<()>().await;
                }
                self.stirred = true;
            }
            while let Ok(Some(())) = tokio::time::timeout(QUIET, self.changes.recv()).await {}
            // Between the two halves of a rename there is no file: the second half is an event too.
            let now = tokio::fs::read(&self.path).await;
            self.stirred = false;
            if let Ok(now) = now
                && self.seen.as_ref() != Some(&now)
            {
                self.seen = Some(now);
                return;
            }
        }
    }
}

/// Editors write in several steps; this long without one is the end.
const QUIET: Duration = Duration::from_millis(50);
