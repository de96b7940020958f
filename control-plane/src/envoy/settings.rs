//! What a rendering depends on besides the configuration file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::domain::cluster::Cluster;

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

/// Bytes that Envoy may hold for a connection: the largest body, and room for what goes with it.
pub(super) fn buffer_limit(settings: &Settings) -> u64 {
    settings.max_body + (1 << 20)
}

pub(super) fn socket_address(host: &str, port: u16) -> Value {
    json!({"socket_address": {"address": host, "port_value": port}})
}
