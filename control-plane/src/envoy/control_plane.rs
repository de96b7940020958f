//! The control plane as Envoy sees it.

use serde_json::{Value, json};

use super::settings::{Authority, socket_address};

/// Name of the control plane's cluster, which the gate's configuration states.
pub const CONTROL_PLANE: &str = "tollgate_control_plane";

/// The control plane: HTTP/2 with pings, so that a dead peer is noticed on a stream that may be silent for long.
pub(super) fn cluster(address: &Authority) -> Value {
    let is_address = address.host.parse::<std::net::IpAddr>().is_ok();
    json!({
        "name": CONTROL_PLANE,
        "type": if is_address { "STATIC" } else { "STRICT_DNS" },
        "connect_timeout": "1s",
        "load_assignment": {
            "cluster_name": CONTROL_PLANE,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": socket_address(&address.host, address.port)}}]}],
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http2_protocol_options": {
                    "connection_keepalive": {"interval": "10s", "timeout": "5s"},
                }},
            },
        },
    })
}
