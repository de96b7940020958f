//! What the gate answers itself: its health, and the models that a key may use.

use serde::Serialize;

use crate::{
    admit::{Principal, snapshot::Snapshot},
    exchange::{Reject, Reply, Shared},
    translate::{ListedModel, Models},
    words::Format,
};

#[derive(Serialize)]
struct Health {
    status: &'static str,
    snapshot_version: u64,
    control_plane: &'static str,
}

/// 200 once a snapshot is in force, 503 before.
pub(super) fn health(shared: &Shared) -> Reply {
    let version = shared.snapshot.as_ref().map(|snapshot| snapshot.version);
    let health = Health {
        status: if version.is_some() { "ok" } else { "waiting for configuration" },
        snapshot_version: version.unwrap_or(0),
        control_plane: if shared.is_connected { "connected" } else { "disconnected" },
    };
    Reply::json(if version.is_some() { 200 } else { 503 }, to_json(&health))
}

/// Every exactly named model and alias that the key may use, in alphabetical order: nobody has so many that they would need
/// pages. Patterns are not listed: what they stand for is the provider's to say.
pub(super) fn list(shared: &Shared, principal: &Principal, format: Format) -> Result<Reply, Reject> {
    let snapshot = shared.snapshot.as_ref().ok_or(Reject::NotConfigured)?;
    let mut names: Vec<&str> = snapshot.routes.keys().map(|name| &**name).collect();
    names.extend(snapshot.aliases.keys().map(String::as_str));
    names.retain(|name| may_use(snapshot, principal, name));
    names.sort_unstable();
    let models: Vec<_> = names.iter().filter_map(|name| find(snapshot, name)).collect();
    Ok(Reply::json(200, (shapes(format)?.list)(&models)))
}

/// One model, also one that a pattern stands for.
pub(super) fn retrieve(shared: &Shared, principal: &Principal, format: Format, id: &str) -> Result<Reply, Reject> {
    let snapshot = shared.snapshot.as_ref().ok_or(Reject::NotConfigured)?;
    let model = find(snapshot, id).filter(|_| may_use(snapshot, principal, id));
    let model = model.ok_or_else(|| Reject::UnknownModel(id.to_owned()))?;
    Ok(Reply::json(200, (shapes(format)?.one)(&model)))
}

/// How a format shows models; what only providers speak, nobody asks in.
fn shapes(format: Format) -> Result<&'static Models, Reject> {
    format.models().ok_or_else(|| Reject::UnsupportedOperation(format.name().to_owned()))
}

fn find<'a>(snapshot: &'a Snapshot, name: &'a str) -> Option<ListedModel<'a>> {
    Some(ListedModel { name, owned_by: owner(snapshot, name)? })
}

/// The provider that is asked first for a model of this name.
fn owner<'a>(snapshot: &'a Snapshot, name: &str) -> Option<&'a str> {
    let target = snapshot.aliases.get(name).map_or(name, String::as_str);
    match snapshot.route(target) {
        Some(route) => Some(&route.targets.first()?.provider.name),
        None => Some(&snapshot.providers.get(target.split_once('/')?.0)?.name),
    }
}

fn may_use(snapshot: &Snapshot, principal: &Principal, name: &str) -> bool {
    principal.may_use(name) || snapshot.aliases.get(name).is_some_and(|target| principal.may_use(target))
}

/// These types hold only strings and numbers, which always have a JSON text.
fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
