//! A file system that can be filled. Only root can make one.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;
use std::process::Command;

use super::Impossible;

/// The folder that it is mounted on. It is gone when this is dropped.
pub(super) struct Room(PathBuf);

impl Room {
    /// In memory, on `folder`; `options` as `mount` takes them.
    pub(super) fn mount(folder: PathBuf, options: &str) -> Result<Self, Impossible> {
        run(Command::new("mount").args(["-t", "tmpfs", "-o", options, "tollgate-kill-matrix"]).arg(&folder))?;
        Ok(Self(folder))
    }

    /// Takes all that is left of it.
    pub(super) fn fill(&self) -> Result<(), Impossible> {
        let mut filler = File::create(self.filler()).map_err(|error| Impossible::failed("fill", error))?;
        for size in [1 << 20, 1 << 12] {
            let piece = vec![0; size];
            loop {
                match filler.write_all(&piece) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => return Err(Impossible::failed("fill", error)),
                }
            }
        }
        Ok(())
    }

    /// Gives it back.
    pub(super) fn clear(&self) -> Result<(), Impossible> {
        fs::remove_file(self.filler()).map_err(|error| Impossible::failed("make room", error))
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // Lazily: what is killed may not have closed its files yet.
        let _ = run(Command::new("umount").arg("--lazy").arg(&self.0));
    }
}

/// Runs a program that needs permission.
pub(super) fn run(command: &mut Command) -> Result<(), Impossible> {
    let output = command.output().map_err(|error| Impossible::Here(format!("{command:?}: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    Err(Impossible::Here(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}
