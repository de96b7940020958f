//! The listener that clients reach: HTTP with the bounds of an edge, the gate, the router.

use serde_json::{Value, json};
use tollgate_core::words::Subset;

use super::clusters::SUBSETS;
use super::plugin;
use super::settings::{ClusterSource, Settings, buffer_limit, socket_address};

pub(super) fn listener(settings: &Settings, source: ClusterSource<'_>) -> Value {
    json!({
        "name": "tollgate",
        "address": socket_address(&settings.listen.ip().to_string(), settings.listen.port()),
        // The gate holds whole bodies; Envoy answers 413 beyond this.
        "per_connection_buffer_limit_bytes": buffer_limit(settings),
        "filter_chains": [{"filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": connection_manager(settings, source),
        }]}],
    })
}

fn connection_manager(settings: &Settings, source: ClusterSource<'_>) -> Value {
    json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.\
                  HttpConnectionManager",
        "stat_prefix": "tollgate",
        "codec_type": "AUTO",
        "server_name": "tollgate",
        // An edge: `x-envoy-*` of clients is not believed, `x-forwarded-for` is appended to.
        "use_remote_address": true,
        "normalize_path": true,
        "merge_slashes": true,
        // Names of models hold slashes, and clients escape them in `/v1/models/{id}`.
        "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
        "common_http_protocol_options": {
            "idle_timeout": "3600s",
            "max_headers_count": 100,
            // Some clients name their session in one (`session_id`). None passes to a provider that is not on the adapter's list.
            "headers_with_underscores_action": "ALLOW",
        },
        "http2_protocol_options": {
            "max_concurrent_streams": 1000,
            "initial_stream_window_size": 1 << 20,
            "initial_connection_window_size": 16 << 20,
        },
        // Who sends its head or its body too slowly gives its place up.
        "request_headers_timeout": "30s",
        "request_timeout": "300s",
        "stream_idle_timeout": "300s",
        "route_config": {"name": "tollgate", "virtual_hosts": [virtual_host()]},
        "http_filters": [
            plugin::gate(settings, source),
            subset_of_request(),
            {
                "name": "envoy.filters.http.router",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
                    "suppress_envoy_headers": true,
                },
            },
        ],
    })
}

/// The gate's word which steps of the chain are walked, where the load balancer reads it.
fn subset_of_request() -> Value {
    json!({
        "name": "envoy.filters.http.header_to_metadata",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.header_to_metadata.v3.Config",
            "request_rules": [{
                "header": Subset::HEADER,
                "on_header_present": {"metadata_namespace": "envoy.lb", "key": SUBSETS, "type": "STRING"},
                "remove": true,
            }],
        },
    })
}

/// One route: the gate has decided everything, and says so in headers.
fn virtual_host() -> Value {
    json!({
        "name": "tollgate",
        "domains": ["*"],
        "routes": [{
            "match": {"prefix": "/"},
            "route": {
                "cluster_header": "x-tollgate-cluster",
                // `x-envoy-upstream-rq-timeout-ms` bounds each request; a model may think longer than the listener's
                // idle timeout before its first byte.
                "timeout": "0s",
                "idle_timeout": "3600s",
                "retry_policy": {
                    "retry_on": "connect-failure,refused-stream,reset,5xx,retriable-status-codes",
                    "retriable_status_codes": [429],
                    // `x-envoy-max-retries` says how many steps the plan has left.
                    "num_retries": 0,
                    "retry_priority": {
                        "name": "envoy.retry_priorities.previous_priorities",
                        "typed_config": {
                            "@type": "type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3.\
                                      PreviousPrioritiesConfig",
                            "update_frequency": 1,
                        },
                    },
                    "host_selection_retry_max_attempts": 3,
                    "retry_back_off": {"base_interval": "0.025s", "max_interval": "0.25s"},
                },
            },
        }],
    })
}
