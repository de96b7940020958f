//! What Envoy reads: its bootstrap, and the clusters that the snapshot names. JSON, which Envoy takes as it is.

mod bootstrap;
mod clusters;
mod listener;
mod plugin;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub use bootstrap::bootstrap;
pub use clusters::CONTROL_PLANE;
pub use plugin::NODE_TOKEN_VARIABLE;

use crate::compile::Cluster;

/// What a bootstrap depends on besides the configuration file.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where clients are served.
    pub listen: SocketAddr,
    /// Envoy's own admin interface.
    pub admin: SocketAddr,
    /// The control plane's gRPC port as Envoy reaches it.
    pub control_plane: Authority,
    /// Envoy's `node.id`.
    pub node_id: String,
    /// The filter module as Envoy finds it.
    pub wasm: PathBuf,
    /// Certificate authorities that providers are checked against, as Envoy finds them.
    pub ca_certificates: PathBuf,
    /// Largest request body, in bytes.
    pub max_body: u64,
}

/// A host, which may be a name, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// A name or an address, an IPv6 address without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl From<SocketAddr> for Authority {
    fn from(address: SocketAddr) -> Self {
        Self { host: address.ip().to_string(), port: address.port() }
    }
}

impl std::str::FromStr for Authority {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not HOST:PORT");
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?;
        if host.is_empty() { Err(wrong()) } else { Ok(Self { host: host.to_owned(), port }) }
    }
}

/// Where the clusters of the snapshot are.
#[derive(Debug, Clone, Copy)]
pub enum ClusterSource<'a> {
    /// In the bootstrap: a new chain of providers needs a new bootstrap.
    Static(&'a [Cluster]),
    /// In a file that Envoy watches.
    Watched(&'a Path),
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

/// Bytes that Envoy may hold for a connection: the largest body, and room for what goes with it.
fn buffer_limit(settings: &Settings) -> u64 {
    settings.max_body + (1 << 20)
}

fn socket_address(host: &str, port: u16) -> Value {
    json!({"socket_address": {"address": host, "port_value": port}})
}
