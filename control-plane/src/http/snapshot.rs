//! `/api/v1/snapshot`: what is in force, and on which VM.

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

#[derive(Serialize, ToSchema)]
pub(super) struct InForce {
    /// 0 before the first.
    version: u64,
    /// RFC 3339.
    published_at: Option<String>,
    /// Why the file as it is now is not in force.
    config_error: Option<String>,
    vms: Vec<Vm>,
}

/// A worker of an Envoy, or its main thread.
#[derive(Serialize, ToSchema)]
struct Vm {
    id: String,
    node_id: String,
    filter_version: String,
    /// The version it runs on.
    version: u64,
    /// The version it refused last, and why.
    refused: Option<Refused>,
    connected_at: String,
    heard_at: String,
    open_exchanges: usize,
    /// Usage records that wait there.
    outbox_records: u64,
    /// Usage records that it dropped because its outbox was full.
    dropped_records: u64,
}

#[derive(Serialize, ToSchema)]
struct Refused {
    version: u64,
    reason: String,
}

/// The snapshot in force, and which VM has acknowledged which.
#[utoipa::path(get, path = "/api/v1/snapshot", 
    responses((status = 200, description = "What is in force, and on which VMs.", body = InForce)))]
pub(super) async fn snapshot(State(app): State<App>) -> Json<InForce> {
    let published = app.publisher.current();
    let show = |(id, vm): (String, crate::vms::Vm)| Vm {
        id,
        node_id: vm.node_id,
        filter_version: vm.filter_version,
        version: vm.version,
        refused: vm.refused.map(|(version, reason)| Refused { version, reason }),
        connected_at: vm.connected_at.to_string(),
        heard_at: vm.heard_at.to_string(),
        open_exchanges: vm.open_exchanges,
        outbox_records: vm.outbox_records,
        dropped_records: vm.dropped_records,
    };
    Json(InForce {
        version: published.as_ref().map_or(0, |published| published.snapshot.version),
        published_at: published.map(|published| published.at.to_string()),
        config_error: app.publisher.rejection(),
        vms: app.vms.list().into_iter().map(show).collect(),
    })
}
