//! The bootstrap: node, admin interface, listener, clusters or where to find them.

use std::path::Path;

use serde_json::{Value, json};

use super::settings::{ClusterSource, Settings, socket_address};
use super::{clusters, control_plane, listener};

/// A whole bootstrap.
pub fn bootstrap(settings: &Settings, source: ClusterSource<'_>) -> Value {
    let mut fixed = vec![control_plane::cluster(&settings.control_plane)];
    if let ClusterSource::Static(chains) = source {
        fixed.extend(chains.iter().map(|cluster| clusters::chain(cluster, settings)));
    }
    let mut bootstrap = json!({
        "node": {"id": settings.node_id, "cluster": "tollgate"},
        "admin": {"address": socket_address(&settings.admin.ip().to_string(), settings.admin.port())},
        "static_resources": {"listeners": [listener::listener(settings, source)], "clusters": fixed},
        // What compiling the module took is given back: some 6 MB (docs/BENCHMARK.md).
        "memory_allocator_manager": {"bytes_to_release": 100 << 20, "memory_release_interval": "1s"},
        "overload_manager": {
            "resource_monitors": [{
                "name": "envoy.resource_monitors.global_downstream_max_connections",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.\
                              DownstreamConnectionsConfig",
                    "max_active_downstream_connections": MAX_CLIENT_CONNECTIONS,
                },
            }],
        },
    });
    if let ClusterSource::Watched(path) = source {
        bootstrap["dynamic_resources"] = json!({
            "cds_config": {
                "resource_api_version": "V3",
                "path_config_source": {
                    "path": path,
                    "watched_directory": {"path": path.parent().unwrap_or(Path::new("."))},
                },
            },
        });
    }
    bootstrap
}

const MAX_CLIENT_CONNECTIONS: u32 = 50_000;
