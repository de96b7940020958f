//! A child process with its log in a file.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::{Child, Command};

use crate::PATIENCE;

/// A running child. It is killed when this is dropped.
pub struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts it, both of its outputs appended to `log`.
    pub(crate) fn start(name: &'static str, command: &mut Command, log: &Path) -> Self {
        let file = File::options().create(true).append(true).open(log).expect("the log can be written");
        let errors = file.try_clone().expect("the log can be shared");
        command.stdin(Stdio::null()).stdout(file).stderr(errors).kill_on_drop(true);
        let child = command.spawn().unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        Self { name, child, log: log.to_owned() }
    }

    /// `kill -9`; returns when it is gone.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap_or_else(|error| panic!("cannot kill {}: {error}", self.name));
    }

    /// `kill -TERM`; whether it then ended well.
    pub async fn terminate(mut self) -> bool {
        let id = self.child.id().unwrap_or_else(|| panic!("{} has ended already", self.name));
        // The shell's own, because there may be no other `kill`.
        let sent = Command::new("sh").arg("-c").arg(format!("kill -TERM {id}")).status().await;
        assert!(sent.is_ok_and(|status| status.success()), "cannot terminate {}", self.name);
        self.ended_well().await
    }

    /// Waits until it ends by itself; whether it ended well.
    pub async fn ended_well(&mut self) -> bool {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let status = ended.unwrap_or_else(|_| panic!("{} does not end: {}", self.name, self.log()));
        status.is_ok_and(|status| status.success())
    }

    /// Whether it is still there.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// What it has said so far.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }
}
