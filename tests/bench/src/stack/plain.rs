//! Envoy without Tollgate: one listener, one cluster, and Tollgate's own bounds.

use std::{net::SocketAddr, path::Path};

use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::{Child, Programs};
use crate::error::{Error, IoContext};

pub(super) async fn start(
    programs: &Programs,
    core: u32,
    folder: &Path,
    listen: SocketAddr,
    provider: SocketAddr,
) -> Result<Child, Error> {
    let file = folder.join("plain.json");
    std::fs::write(&file, bootstrap(listen, provider).to_string()).context("writing plain Envoy's bootstrap")?;
    let mut child = envoy("plain Envoy", programs, core, folder, &file, None)?;
    child.until_ready(async || TcpStream::connect(listen).await.map(drop).map_err(|error| error.to_string())).await?;
    Ok(child)
}

/// Starts an Envoy with one worker.
pub(super) fn envoy(
    name: &'static str,
    programs: &Programs,
    core: u32,
    folder: &Path,
    bootstrap: &Path,
    node_token: Option<&str>,
) -> Result<Child, Error> {
    Child::start(name, core, &programs.envoy, folder, |command| {
        command.arg("-c").arg(bootstrap).args([
            "--concurrency",
            "1",
            "--disable-hot-restart",
            "--log-level",
            "warning",
        ]);
        if let Some(token) = node_token {
            command.env("TOLLGATE_NODE_TOKEN", token);
        }
    })
}

fn bootstrap(listen: SocketAddr, provider: SocketAddr) -> Value {
    json!({"static_resources": {
        "listeners": [{
            "name": "plain",
            "address": socket_address(listen),
            "per_connection_buffer_limit_bytes": BUFFER_LIMIT,
            "filter_chains": [{"filters": [{
                "name": "envoy.filters.network.http_connection_manager",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.\
                              HttpConnectionManager",
                    "stat_prefix": "plain",
                    "use_remote_address": true,
                    "normalize_path": true,
                    "merge_slashes": true,
                    "request_headers_timeout": "30s",
                    "request_timeout": "300s",
                    "stream_idle_timeout": "300s",
                    "route_config": {"name": "plain", "virtual_hosts": [{
                        "name": "plain",
                        "domains": ["*"],
                        "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "provider", "timeout": "0s"}}],
                    }]},
                    "http_filters": [{
                        "name": "envoy.filters.http.router",
                        "typed_config": {
                            "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
                            "suppress_envoy_headers": true,
                        },
                    }],
                },
            }]}],
        }],
        "clusters": [{
            "name": "provider",
            "type": "STATIC",
            "connect_timeout": "5s",
            "per_connection_buffer_limit_bytes": BUFFER_LIMIT,
            "load_assignment": {
                "cluster_name": "provider",
                "endpoints": [{"lb_endpoints": [{"endpoint": {"address": socket_address(provider)}}]}],
            },
        }],
    }})
}

fn socket_address(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}})
}

/// What Tollgate renders for its default `max_body` of 32 MiB.
const BUFFER_LIMIT: u32 = 33 << 20;
