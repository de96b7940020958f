//! The list of models.

use serde::Serialize;

use crate::dialect::{ListedModel, Models};

pub(super) const MODELS: Models = Models { at: &["/v1/models"], list, one };

/// <https://platform.openai.com/docs/api-reference/models/object>
#[derive(Serialize)]
struct Model<'a> {
    id: &'a str,
    object: &'static str,
    /// OpenAI's clients want a number.
    created: u64,
    owned_by: &'a str,
}

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: Vec<Model<'a>>,
}

fn list(models: &[ListedModel<'_>]) -> Vec<u8> {
    let list = List { object: "list", data: models.iter().map(show).collect() };
    // Strings and numbers always have a JSON text.
    serde_json::to_vec(&list).unwrap_or_default()
}

fn one(model: &ListedModel<'_>) -> Vec<u8> {
    serde_json::to_vec(&show(model)).unwrap_or_default()
}

fn show<'a>(model: &ListedModel<'a>) -> Model<'a> {
    Model { id: model.name, object: "model", created: 0, owned_by: model.owned_by }
}
