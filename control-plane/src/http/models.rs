//! `/api/v1/models`: what clients can ask for, and what it costs.

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    domain::{self, Policy},
    prices::{Book, Prices},
};

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
#[utoipa::path(get, path = "/api/v1/models", 
    responses((status = 200, description = "What the configuration in force serves.", body = Models)))]
pub(super) async fn models(State(app): State<App>) -> Json<Models> {
    let published = app.publisher.current();
    let policy = published.iter().map(|published| &*published.policy);
    let models = policy.clone().flat_map(models_of).collect();
    let aliases = policy.flat_map(|policy| policy.aliases.iter().cloned()).collect();
    Json(Models { models, aliases })
}

fn models_of(policy: &Policy) -> Vec<Model> {
    let prices = Prices::new(Book::built_in(), &policy.prices);
    let show = |model: &domain::Model| Model {
        name: model.name.clone(),
        translation: model.translation.name(),
        targets: model.targets.iter().map(|from| target(from, policy, &prices)).collect(),
    };
    policy.models.iter().map(show).collect()
}

fn target(from: &domain::Target, policy: &Policy, prices: &Prices<'_>) -> Target {
    let price = || prices.of(policy.provider(&from.provider)?, from.model.as_ref()?);
    Target {
        provider: from.provider.clone(),
        model: from.model.clone(),
        weight: from.weight,
        priority: from.priority,
        price: price().map(|price| Price {
            version: price.version,
            input: dollars(price.rates.input),
            output: dollars(price.rates.output),
            cache_read: price.rates.cache_read.map(dollars),
            cache_write_5m: price.rates.cache_write_5m.map(dollars),
            cache_write_1h: price.rates.cache_write_1h.map(dollars),
            audio_in: price.rates.audio_in.map(dollars),
            audio_out: price.rates.audio_out.map(dollars),
        }),
    }
}

/// From pico-dollars per token to dollars per million of them.
fn dollars(pico: u64) -> String {
    let text = format!("{}.{:06}", pico / 1_000_000, pico % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
