//! What was measured, on what.

use std::{path::Path, process::Stdio};

use jiff::Timestamp;
use serde::Serialize;
use tokio::process::Command;

use crate::{
    error::{Error, IoContext},
    stack::Programs,
};

#[derive(Serialize)]
pub(crate) struct Conditions {
    /// UTC, to the second.
    pub(super) time: String,
    pub(super) revision: String,
    pub(super) envoy: String,
    pub(super) tollgate: String,
    pub(super) module_bytes: u64,
    pub(super) cpu: String,
    pub(super) kernel: String,
}

impl Conditions {
    pub(crate) async fn read(programs: &Programs, revision: String) -> Result<Self, Error> {
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").context("the kernel's version")?;
        let cpu = std::fs::read_to_string("/proc/cpuinfo").context("the name of the CPU")?;
        let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        Ok(Self {
            time: Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            revision,
            envoy: version(&programs.envoy).await?,
            tollgate: version(&programs.tollgate).await?,
            module_bytes: std::fs::metadata(&programs.wasm).context("the size of the filter")?.len(),
            cpu: cpu.map_or("unknown", |(_, name)| name.trim()).to_owned(),
            kernel: kernel.trim().to_owned(),
        })
    }
}

/// What `--version` says, without the program's own path.
async fn version(program: &Path) -> Result<String, Error> {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output().await;
    let output = output.context(program.display().to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("unknown");
    Ok(line.split_once("version: ").map_or(line, |(_, version)| version).to_owned())
}
