//! What the gate answers itself: its health, and the models that a key may use.

use serde::Serialize;

use crate::{
    auth::Principal,
    config::Snapshot,
    exchange::{Reject, Reply},
    vm::Vm,
};

/// OpenAI's model object (<https://platform.openai.com/docs/api-reference/models/object>). `created` is 0: a route has no
/// such moment, and clients want a number.
#[derive(Serialize)]
struct Model<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    owned_by: &'a str,
}

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: Vec<Model<'a>>,
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
    snapshot_version: u64,
    control_plane: &'static str,
}

/// 200 once a snapshot is in force, 503 before.
pub(super) fn health(vm: &Vm) -> Reply {
    let version = vm.snapshot.as_ref().map(|snapshot| snapshot.version);
    let health = Health {
        status: if version.is_some() { "ok" } else { "waiting for configuration" },
        snapshot_version: version.unwrap_or(0),
        control_plane: if vm.session.is_open() { "connected" } else { "disconnected" },
    };
    Reply::json(if version.is_some() { 200 } else { 503 }, to_json(&health))
}

/// Every exactly named model and alias that the key may use, in alphabetical order. Patterns are not listed: what they
/// stand for is the provider's to say.
pub(super) fn list(vm: &Vm, principal: &Principal) -> Reply {
    let Some(snapshot) = &vm.snapshot else { return Reject::NotConfigured.reply(super::DEFAULT_FORMAT) };
    let mut names: Vec<&str> = snapshot.routes.keys().map(|name| &**name).collect();
    names.extend(snapshot.aliases.keys().map(String::as_str));
    names.retain(|name| may_use(snapshot, principal, name));
    names.sort_unstable();
    let data = names.into_iter().filter_map(|name| find(snapshot, name)).collect();
    Reply::json(200, to_json(&List { object: "list", data }))
}

/// One model, also one that a pattern stands for.
pub(super) fn retrieve(vm: &Vm, principal: &Principal, id: &str) -> Result<Reply, Reject> {
    let snapshot = vm.snapshot.as_ref().ok_or(Reject::NotConfigured)?;
    let model = find(snapshot, id).filter(|_| may_use(snapshot, principal, id));
    model.map(|model| Reply::json(200, to_json(&model))).ok_or_else(|| Reject::UnknownModel(id.to_owned()))
}

fn find<'a>(snapshot: &'a Snapshot, name: &'a str) -> Option<Model<'a>> {
    let target = snapshot.aliases.get(name).map_or(name, String::as_str);
    let owned_by = match snapshot.route(target) {
        Some(route) => &route.targets.first()?.provider.name,
        None => &snapshot.providers.get(target.split_once('/')?.0)?.name,
    };
    Some(Model { id: name, object: "model", created: 0, owned_by })
}

fn may_use(snapshot: &Snapshot, principal: &Principal, name: &str) -> bool {
    principal.may_use(name) || snapshot.aliases.get(name).is_some_and(|target| principal.may_use(target))
}

/// These types hold only strings and numbers, which always have a JSON text.
fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
