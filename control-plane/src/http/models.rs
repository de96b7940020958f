use axum::{Json, extract::State};
use serde::Serialize;
use tollgate_proto::v1;
use utoipa::ToSchema;

use crate::grpc::Context;

#[derive(Serialize, ToSchema)]
pub(super) struct Models {
    models: Vec<Model>,
    /// Other names.
    aliases: std::collections::BTreeMap<String, String>,
}

#[derive(Serialize, ToSchema)]
struct Model {
    /// A name, or a pattern.
    name: String,
    /// `lenient` or `strict`.
    translation: &'static str,
    targets: Vec<Target>,
}

#[derive(Serialize, ToSchema)]
struct Target {
    provider: String,
    /// Absent where it is the name that the client uses.
    model: Option<String>,
    weight: u32,
    priority: u32,
    /// Absent where it is not known, or depends on the name that the client uses.
    price: Option<Price>,
}

/// Dollars per million tokens, as decimal text.
#[derive(Serialize, ToSchema)]
struct Price {
    version: String,
    input: String,
    output: String,
    cache_read: Option<String>,
    cache_write_5m: Option<String>,
    cache_write_1h: Option<String>,
    audio_in: Option<String>,
    audio_out: Option<String>,
}

/// The models in force, with their targets and prices.
#[utoipa::path(get, path = "/api/v1/models", responses((status = 200, body = Models)))]
pub(super) async fn models(State(context): State<Context>) -> Json<Models> {
    let snapshot = context.publisher.current().map(|published| published.snapshot);
    let routes = snapshot.iter().flat_map(|snapshot| &snapshot.routes);
    let models = routes
        .map(|route| Model {
            name: route.model.clone(),
            translation: match route.translation() {
                v1::Translation::Strict => "strict",
                _ => "lenient",
            },
            targets: route.targets.iter().map(target).collect(),
        })
        .collect();
    let aliases = snapshot.iter().flat_map(|snapshot| snapshot.aliases.clone()).collect();
    Json(Models { models, aliases })
}

fn target(target: &v1::Target) -> Target {
    let price = target.prices.iter().find(|price| price.model.is_empty());
    Target {
        provider: target.provider.clone(),
        model: (!target.model.is_empty()).then(|| target.model.clone()),
        weight: target.weight,
        priority: target.priority,
        price: price.and_then(|price| {
            let rates = price.rates?;
            Some(Price {
                version: price.version.clone(),
                input: dollars(rates.input),
                output: dollars(rates.output),
                cache_read: rates.cache_read.map(dollars),
                cache_write_5m: rates.cache_write_5m.map(dollars),
                cache_write_1h: rates.cache_write_1h.map(dollars),
                audio_in: rates.audio_in.map(dollars),
                audio_out: rates.audio_out.map(dollars),
            })
        }),
    }
}

/// From pico-dollars per token to dollars per million of them.
fn dollars(pico: u64) -> String {
    let text = format!("{}.{:06}", pico / 1_000_000, pico % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
