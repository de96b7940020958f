//! Clusters: one for each chain of providers, with one priority for each step, and a subset of its endpoints for each way to leave
//! steps out.

use serde_json::{Value, json};
use tollgate_core::words::Subset;

use super::plugin;
use super::settings::{Settings, buffer_limit, socket_address};
use crate::domain::cluster::{Cluster, Step};

/// The cluster of a chain. Every address of a name is an endpoint of its own ("strict DNS"): only so can a cluster have
/// several names.
pub(super) fn chain(cluster: &Cluster, settings: &Settings) -> Value {
    let tls = cluster.steps.iter().filter(|step| step.tls).count();
    let all_tls = tls == cluster.steps.len();
    let subsets = Subset::all(cluster.steps.len());
    let endpoints = cluster.steps.iter().enumerate().map(|(at, step)| endpoint(at, step, &subsets));
    let mut rendered = json!({
        "name": cluster.name,
        "cluster_type": {
            "name": "envoy.cluster.dns",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.clusters.dns.v3.DnsCluster",
                "dns_lookup_family": "V4_PREFERRED",
                "respect_dns_ttl": true,
                "dns_refresh_rate": "30s",
                "dns_failure_refresh_rate": {"base_interval": "1s", "max_interval": "10s"},
            },
        },
        "connect_timeout": "5s",
        "per_connection_buffer_limit_bytes": buffer_limit(settings),
        // A gateway's bounds are its limits, not Envoy's default of 1,024.
        "circuit_breakers": {"thresholds": [{
            "max_connections": 100_000,
            "max_pending_requests": 100_000,
            "max_requests": 100_000,
            "max_retries": 100_000,
        }]},
        "load_assignment": {
            "cluster_name": cluster.name,
            // As long as one address of a step is healthy, the step gets all that is meant for it.
            "policy": {"overprovisioning_factor": 10_000},
            "endpoints": endpoints.collect::<Vec<_>>(),
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http_options(all_tls, settings),
        },
    });
    if all_tls {
        rendered["transport_socket"] = tls_socket(settings);
    } else if tls > 0 {
        rendered["transport_socket_matches"] = json!([
            {"name": "tls", "match": {"tls": "on"}, "transport_socket": tls_socket(settings)},
            {"name": "plain", "match": {}, "transport_socket": {
                "name": "envoy.transport_sockets.raw_buffer",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer",
                },
            }},
        ]);
    }
    // The only step is never taken out: an error of the provider says more than `no healthy upstream`.
    if cluster.steps.len() > 1 {
        rendered["outlier_detection"] = json!({
            "consecutive_5xx": 5,
            "consecutive_gateway_failure": 5,
            "enforcing_consecutive_gateway_failure": 100,
            "enforcing_success_rate": 0,
            "interval": "5s",
            "base_ejection_time": "15s",
            "max_ejection_time": "120s",
            "max_ejection_percent": 100,
        });
        // Steps that are out are passed over; once all of them are, all are tried again, for the same reason as above.
        rendered["common_lb_config"] = json!({"healthy_panic_threshold": {"value": 1}});
        // A request that names a subset stays within it; one that names none may go to every step. All share the endpoints' health,
        // and their connections.
        rendered["lb_subset_config"] = json!({
            "fallback_policy": "ANY_ENDPOINT",
            "list_as_any": true,
            "subset_selectors": [{"keys": [SUBSETS], "fallback_policy": "NO_FALLBACK"}],
        });
    }
    rendered
}

/// The member of the metadata `envoy.lb` that lists the subsets of an endpoint, and of a request's the one that it is for.
pub(super) const SUBSETS: &str = "steps";

fn endpoint(priority: usize, step: &Step, subsets: &[Subset]) -> Value {
    let mut metadata = json!({"tollgate": {"step": priority}});
    let own = subsets.iter().filter(|subset| subset.steps().contains(&priority)).map(Subset::to_string);
    if !subsets.is_empty() {
        metadata["envoy.lb"] = json!({SUBSETS: own.collect::<Vec<_>>()});
    }
    if step.tls {
        metadata["envoy.transport_socket_match"] = json!({"tls": "on"});
    }
    json!({
        "priority": priority,
        "lb_endpoints": [{
            "endpoint": {"address": socket_address(&step.host, step.port), "hostname": step.host},
            "metadata": {"filter_metadata": metadata},
        }],
    })
}

/// HTTP/2 where every step can negotiate it (Envoy wants ALPN of all of them), else HTTP/1.1.
fn http_options(negotiates: bool, settings: &Settings) -> Value {
    let mut options = json!({
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "common_http_protocol_options": {"idle_timeout": "60s"},
        "http_filters": [
            plugin::adapter(settings),
            {
                "name": "envoy.filters.http.upstream_codec",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec",
                },
            },
        ],
    });
    if negotiates {
        options["auto_config"] = json!({"http_protocol_options": {}, "http2_protocol_options": {}});
    } else {
        options["explicit_http_config"] = json!({"http_protocol_options": {}});
    }
    options
}

/// The name that is asked for and the name that the certificate must have are the endpoint's own, at each step.
fn tls_socket(settings: &Settings) -> Value {
    json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
            "auto_host_sni": true,
            "auto_sni_san_validation": true,
            "common_tls_context": {
                "validation_context": {"trusted_ca": {"filename": settings.ca_certificates}},
            },
        },
    })
}
