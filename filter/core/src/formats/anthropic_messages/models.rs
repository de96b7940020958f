//! The list of models.

use serde::Serialize;

use crate::dialect::{ListedModel, Models};

pub(super) const MODELS: Models = Models { at: &["/v1/models"], list, one };

/// <https://platform.claude.com/docs/en/api/models-list>
#[derive(Serialize)]
struct Model<'a> {
    r#type: &'static str,
    id: &'a str,
    display_name: &'a str,
    /// "May be set to an epoch value if the release date is unknown."
    created_at: &'static str,
}

#[derive(Serialize)]
struct List<'a> {
    data: Vec<Model<'a>>,
    has_more: bool,
    first_id: Option<&'a str>,
    last_id: Option<&'a str>,
}

fn list(models: &[ListedModel<'_>]) -> Vec<u8> {
    let list = List {
        data: models.iter().map(show).collect(),
        has_more: false,
        first_id: models.first().map(|model| model.name),
        last_id: models.last().map(|model| model.name),
    };
    // Strings always have a JSON text.
    serde_json::to_vec(&list).unwrap_or_default()
}

fn one(model: &ListedModel<'_>) -> Vec<u8> {
    serde_json::to_vec(&show(model)).unwrap_or_default()
}

fn show<'a>(model: &ListedModel<'a>) -> Model<'a> {
    Model { r#type: "model", id: model.name, display_name: model.name, created_at: "1970-01-01T00:00:00Z" }
}
