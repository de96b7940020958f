//! What the gate answers itself: its health, and the models that a key may use.

use serde::Serialize;

use crate::{
    admit::{Principal, snapshot::Snapshot},
    exchange::{Reject, Reply, Shared},
    words::Format,
};

/// A model, in the words of a client's format. No route has a moment at which it was made: OpenAI's clients want a number, and
/// Anthropic says that a time may be the epoch.
#[derive(Serialize)]
#[serde(untagged)]
enum Model<'a> {
    /// <https://platform.openai.com/docs/api-reference/models/object>
    Openai { id: &'a str, object: &'static str, created: u64, owned_by: &'a str },
    /// <https://platform.claude.com/docs/en/api/models-list>
    Anthropic { r#type: &'static str, id: &'a str, display_name: &'a str, created_at: &'static str },
    /// <https://ai.google.dev/api/models>
    #[serde(rename_all = "camelCase")]
    Gemini { name: String, display_name: &'a str, supported_generation_methods: [&'static str; 2] },
}

/// All models that a key may use: nobody has so many that they would need pages.
#[derive(Serialize)]
#[serde(untagged)]
enum List<'a> {
    Openai { object: &'static str, data: Vec<Model<'a>> },
    Anthropic { data: Vec<Model<'a>>, has_more: bool, first_id: Option<&'a str>, last_id: Option<&'a str> },
    Gemini { models: Vec<Model<'a>> },
}

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

/// Every exactly named model and alias that the key may use, in alphabetical order. Patterns are not listed: what they
/// stand for is the provider's to say.
pub(super) fn list(shared: &Shared, principal: &Principal, format: Format) -> Result<Reply, Reject> {
    let snapshot = shared.snapshot.as_ref().ok_or(Reject::NotConfigured)?;
    let mut names: Vec<&str> = snapshot.routes.keys().map(|name| &**name).collect();
    names.extend(snapshot.aliases.keys().map(String::as_str));
    names.retain(|name| may_use(snapshot, principal, name) && owner(snapshot, name).is_some());
    names.sort_unstable();
    let models = names.iter().filter_map(|name| show(snapshot, format, name)).collect();
    let list = match format {
        Format::AnthropicMessages => List::Anthropic {
            data: models,
            has_more: false,
            first_id: names.first().copied(),
            last_id: names.last().copied(),
        },
        Format::GeminiGenerate => List::Gemini { models },
        _ => List::Openai { object: "list", data: models },
    };
    Ok(Reply::json(200, to_json(&list)))
}

/// One model, also one that a pattern stands for.
pub(super) fn retrieve(shared: &Shared, principal: &Principal, format: Format, id: &str) -> Result<Reply, Reject> {
    let snapshot = shared.snapshot.as_ref().ok_or(Reject::NotConfigured)?;
    let model = show(snapshot, format, id).filter(|_| may_use(snapshot, principal, id));
    model.map(|model| Reply::json(200, to_json(&model))).ok_or_else(|| Reject::UnknownModel(id.to_owned()))
}

fn show<'a>(snapshot: &'a Snapshot, format: Format, name: &'a str) -> Option<Model<'a>> {
    let owned_by = owner(snapshot, name)?;
    Some(match format {
        Format::AnthropicMessages => {
            Model::Anthropic { r#type: "model", id: name, display_name: name, created_at: "1970-01-01T00:00:00Z" }
        }
        Format::GeminiGenerate => Model::Gemini {
            name: format!("models/{name}"),
            display_name: name,
            supported_generation_methods: ["generateContent", "streamGenerateContent"],
        },
        _ => Model::Openai { id: name, object: "model", created: 0, owned_by },
    })
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
