//! A process of ours: bound to a core, its output in a file, stopped when dropped.

use std::{
    fs::File,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use crate::{
    error::{Error, IoContext},
    gauge::Pid,
};

pub(super) struct Child {
    name: &'static str,
    process: tokio::process::Child,
    pid: Pid,
    log: PathBuf,
}

impl Child {
    /// Starts `program` on `core`; `prepare` adds its arguments. `taskset` becomes the program, so the pid is the
    /// program's.
    pub(super) fn start(
        name: &'static str,
        core: u32,
        program: &Path,
        folder: &Path,
        prepare: impl FnOnce(&mut Command),
    ) -> Result<Self, Error> {
        let log = folder.join(format!("{}.log", name.replace(' ', "-")));
        let errors = File::create(&log).context(log.display().to_string())?;
        let output = errors.try_clone().context(log.display().to_string())?;
        let mut command = Command::new("taskset");
        command.arg("--cpu-list").arg(core.to_string()).arg(program);
        command.stdin(Stdio::null()).stdout(output).stderr(errors).kill_on_drop(true);
        prepare(&mut command);
        let process = command.spawn().context(format!("starting {name}"))?;
        let pid = Pid(process.id().unwrap_or_default());
        Ok(Self { name, process, pid, log })
    }

    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    /// An error that says why, if it has ended.
    pub(super) fn check(&mut self) -> Result<(), Error> {
        match self.process.try_wait().context(self.name)? {
            None => Ok(()),
            Some(status) => Err(Error::Ended { name: self.name, status: status.to_string(), tail: self.log_tail() }),
        }
    }

    /// All it has written so far.
    pub(super) fn log(&self) -> Result<String, Error> {
        let bytes = std::fs::read(&self.log).context(self.log.display().to_string())?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    pub(super) fn log_tail(&self) -> String {
        let text = self.log().unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    /// Asks `ready` again and again until it says yes, for as long as the process lives and [`START`] lasts.
    pub(super) async fn until_ready(
        &mut self,
        mut ready: impl AsyncFnMut() -> Result<(), String>,
    ) -> Result<(), Error> {
        let deadline = tokio::time::Instant::now() + START;
        loop {
            self.check()?;
            let Err(reason) = ready().await else { return Ok(()) };
            if tokio::time::Instant::now() > deadline {
                let (name, seconds, tail) = (self.name, START.as_secs(), self.log_tail());
                return Err(Error::NotReady { name, seconds, reason, tail });
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

const START: Duration = Duration::from_secs(30);

/// The provider: this program again, in a process of its own.
pub(super) async fn provider(core: u32, folder: &Path) -> Result<(Child, SocketAddr), Error> {
    let program = std::env::current_exe().context("finding this program")?;
    let mut child = Child::start("the provider", core, &program, folder, |command| {
        // Its end comes with the end of its input, whatever becomes of us.
        command.arg("provider").stdin(Stdio::piped()).stdout(Stdio::piped());
    })?;
    let mut line = String::new();
    if let Some(output) = child.process.stdout.take() {
        BufReader::new(output).read_line(&mut line).await.context("the provider's address")?;
    }
    match line.trim().parse() {
        Ok(address) => Ok((child, address)),
        Err(_) => {
            child.check()?;
            Err(Error::Unreadable { what: "the provider's address".to_owned(), text: line })
        }
    }
}
