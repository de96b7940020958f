//! The filter in its two roles. One VM configuration for both, word for word: only then do they share a VM.

use serde_json::{Value, json};

use super::control_plane::CONTROL_PLANE;
use super::settings::{ClusterSource, Settings};

/// The variable of Envoy's environment that holds the node token, which so is in no dump of Envoy's configuration.
pub const NODE_TOKEN_VARIABLE: &str = "TOLLGATE_NODE_TOKEN";

/// Before the router.
pub(super) fn gate(settings: &Settings, source: ClusterSource<'_>) -> Value {
    let mut configuration = json!({"role": "gate", "control_plane": CONTROL_PLANE});
    if let ClusterSource::Static(clusters) = source {
        configuration["clusters"] = clusters.iter().map(|cluster| cluster.name.as_str()).collect();
    }
    filter("tollgate.gate", &configuration, settings)
}

/// In the upstream chain of each cluster of providers.
pub(super) fn adapter(settings: &Settings) -> Value {
    filter("tollgate.adapter", &json!({"role": "adapter", "control_plane": CONTROL_PLANE}), settings)
}

fn filter(name: &str, configuration: &Value, settings: &Settings) -> Value {
    json!({
        "name": name,
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {
                "name": name,
                "vm_config": {
                    "vm_id": "tollgate",
                    "runtime": "envoy.wasm.runtime.v8",
                    "code": {"local": {"filename": settings.wasm}},
                    "environment_variables": {"host_env_keys": [NODE_TOKEN_VARIABLE]},
                },
                // A trap costs the VM; the next request gets a new one.
                "failure_policy": "FAIL_RELOAD",
                // Without it a hold of the headers also stops the body callbacks, and nothing would be routed.
                "allow_on_headers_stop_iteration": true,
                "configuration": {
                    "@type": "type.googleapis.com/google.protobuf.StringValue",
                    "value": configuration.to_string(),
                },
            },
        },
    })
}
