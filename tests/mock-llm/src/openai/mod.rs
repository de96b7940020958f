//! OpenAI's API, as <https://platform.openai.com/docs/api-reference> has it.

pub(crate) mod chat;
pub(crate) mod completions;
pub(crate) mod embeddings;
pub(crate) mod models;
pub(crate) mod responses;
mod rules;
mod shapes;

use serde_json::{Value, json};

use crate::provider::Call;
use crate::send::Answer;

/// An `invalid_request_error`.
pub(crate) fn error(status: u16, message: &str) -> Answer {
    error_with(status, message, "invalid_request_error", &Value::Null, &Value::Null)
}

/// What OpenAI says with a status that a script asks for
/// (<https://platform.openai.com/docs/guides/error-codes>).
pub(crate) fn scripted_error(status: u16) -> Answer {
    let (message, kind, code) = match status {
        401 => ("Incorrect API key provided: mock.", "invalid_request_error", json!("invalid_api_key")),
        403 => (
            "Country, region, or territory not supported",
            "request_forbidden",
            json!("unsupported_country_region_territory"),
        ),
        404 => (
            "The model does not exist or you do not have access to it.",
            "invalid_request_error",
            json!("model_not_found"),
        ),
        429 => ("Rate limit reached for requests. Please try again later.", "requests", json!("rate_limit_exceeded")),
        503 => ("The engine is currently overloaded, please try again later", "server_error", json!("overloaded")),
        500.. => {
            ("The server had an error while processing your request. Sorry about that!", "server_error", Value::Null)
        }
        _ => ("The request was not accepted.", "invalid_request_error", Value::Null),
    };
    error_with(status, message, kind, &Value::Null, &code)
}

/// With what a stream of chunks breaks off when the model fails.
pub(crate) fn midway_error() -> Value {
    let message = "The server had an error processing your request. Sorry about that!";
    json!({"error": {"message": message, "type": "server_error", "param": null, "code": null}})
}

fn error_with(status: u16, message: &str, kind: &str, parameter: &Value, code: &Value) -> Answer {
    let error = json!({"message": message, "type": kind, "param": parameter, "code": code});
    Answer::json(status, &json!({"error": error}))
}

/// The body of a request that carries a key, is JSON and names a model that exists; or why it is not.
fn admitted(call: &Call<'_>) -> Result<Value, Answer> {
    authorized(call)?;
    let body: Value = serde_json::from_slice(call.body)
        .map_err(|_| error(400, "We could not parse the JSON body of your request. The API expects a JSON payload."))?;
    match body["model"].as_str() {
        None | Some("") => Err(error(400, "you must provide a model parameter")),
        Some(model) => existing(model).map(|()| body),
    }
}

fn authorized(call: &Call<'_>) -> Result<(), Answer> {
    let key = call.header("authorization").and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    if key.is_empty() {
        let message = "You didn't provide an API key. You need to provide your API key in an Authorization header \
                       using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).";
        return Err(error(401, message));
    }
    Ok(())
}

/// Every model exists but those whose name begins with `no-such`.
fn existing(model: &str) -> Result<(), Answer> {
    if model.starts_with("no-such") {
        let message = format!("The model `{model}` does not exist or you do not have access to it.");
        return Err(error_with(404, &message, "invalid_request_error", &Value::Null, &json!("model_not_found")));
    }
    Ok(())
}

/// The headers that OpenAI adds to every answer.
fn headers(call: &Call<'_>) -> Vec<(&'static str, String)> {
    vec![
        ("x-request-id", format!("req_{:032x}", call.number)),
        ("openai-processing-ms", "42".into()),
        ("openai-version", "2020-10-01".into()),
        ("openai-organization", "mock".into()),
        ("x-ratelimit-limit-requests", "10000".into()),
        ("x-ratelimit-remaining-requests", "9999".into()),
    ]
}
