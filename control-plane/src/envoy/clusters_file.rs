//! The file of clusters that a running Envoy watches.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tracing::warn;

use super::settings::Settings;
use super::{admin, clusters};
use crate::domain::cluster::Cluster;

/// The file, and the Envoy that watches it.
#[derive(Debug)]
pub struct ClustersFile {
    path: PathBuf,
    settings: Settings,
    admin: Option<SocketAddr>,
}

impl ClustersFile {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Nothing is written yet. `admin` is where Envoy can be asked what it has read, if anywhere.
    pub(crate) fn new(path: PathBuf, settings: Settings, admin: Option<SocketAddr>) -> Self {
        Self { path, settings, admin }
    }

    /// Puts these clusters into the file.
    pub(crate) fn write(&self, clusters: &[Cluster]) -> std::io::Result<()> {
        write_atomically(&self.path, &clusters_file(clusters, &self.settings))
    }

    /// Until Envoy lists every cluster, or for two seconds: an Envoy that is down must not hold up the others.
    pub(crate) async fn wait_until_known(&self, clusters: &[Cluster]) {
        let Some(address) = self.admin else { return };
        let wanted: BTreeSet<&str> = clusters.iter().map(|cluster| cluster.name.as_str()).collect();
        let listed = async {
            while !admin::clusters(address).await.is_some_and(|known| wanted.iter().all(|name| known.contains(*name))) {
                tokio::time::sleep(POLL).await;
            }
        };
        if tokio::time::timeout(PATIENCE, listed).await.is_err() {
            warn!(admin = %address, "Envoy does not list the new clusters yet; publishing all the same");
        }
    }
}

/// The file that Envoy watches: a discovery response whose version follows from its content.
pub fn clusters_file(clusters: &[Cluster], settings: &Settings) -> Value {
    let resources: Vec<Value> = clusters
        .iter()
        .map(|cluster| {
            let mut resource = clusters::chain(cluster, settings);
            resource["@type"] = json!("type.googleapis.com/envoy.config.cluster.v3.Cluster");
            resource
        })
        .collect();
    let digest = Sha256::digest(Value::Array(resources.clone()).to_string().as_bytes());
    let version: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    json!({"version_info": version, "resources": resources})
}

/// Writes beside the target and renames, so that a reader sees the old file or the new one.
///
/// # Errors
/// Those of the file system.
pub fn write_atomically(path: &Path, value: &Value) -> std::io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    std::fs::write(&beside, format!("{value:#}\n"))?;
    std::fs::rename(&beside, path)
}

const POLL: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(2);
