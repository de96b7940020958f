//! The list of models.

use serde::Serialize;

use crate::dialect::{ListedModel, Models};

/// The versions that Google's clients know; the first of them is the one that they ask by themselves.
pub(super) const MODELS: Models = Models { at: &["/v1beta/models", "/v1/models"], list, one };

/// <https://ai.google.dev/api/models>
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Model<'a> {
    name: String,
    display_name: &'a str,
    supported_generation_methods: [&'static str; 2],
}

#[derive(Serialize)]
struct List<'a> {
    models: Vec<Model<'a>>,
}

fn list(models: &[ListedModel<'_>]) -> Vec<u8> {
    // Strings always have a JSON text.
    serde_json::to_vec(&List { models: models.iter().map(show).collect() }).unwrap_or_default()
}

fn one(model: &ListedModel<'_>) -> Vec<u8> {
    serde_json::to_vec(&show(model)).unwrap_or_default()
}

fn show<'a>(model: &ListedModel<'a>) -> Model<'a> {
    Model {
        name: format!("models/{}", model.name),
        display_name: model.name,
        supported_generation_methods: ["generateContent", "streamGenerateContent"],
    }
}
