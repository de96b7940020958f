//! What OpenAI's formats ask of a request in common, with its own words.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::error_with;
use crate::dialect::items;
use crate::send::Answer;
use crate::shape::{self, Fault, Kind, Problem};

/// That the body has the members of its table.
pub(super) fn shaped(body: &Value, table: &Kind) -> Result<(), Answer> {
    shape::check(body, table).map_err(|Fault { path, problem }| {
        let path = path.bracketed();
        let (message, code) = match problem {
            Problem::Unknown => (format!("Unknown parameter: '{path}'."), "unknown_parameter"),
            Problem::Missing => (format!("Missing required parameter: '{path}'."), "missing_required_parameter"),
            Problem::Expected(what) => (format!("Invalid type for '{path}': expected {what}."), "invalid_type"),
            Problem::Choices(words) => {
                let words = words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(", ");
                (format!("Invalid value for '{path}'. Supported values are: {words}."), "invalid_value")
            }
            Problem::Union => (format!("Invalid value for '{path}': expected exactly one member."), "invalid_value"),
        };
        error_with(400, &message, "invalid_request_error", &json!(path), &json!(code))
    })
}

/// The least and the most of each figure, and at most four stops; all three formats share them.
pub(super) fn ranges(body: &Value) -> Result<(), Answer> {
    let ranges = [
        ("temperature", 0.0, 2.0),
        ("top_p", 0.0, 1.0),
        ("presence_penalty", -2.0, 2.0),
        ("frequency_penalty", -2.0, 2.0),
        ("n", 1.0, 128.0),
        ("top_logprobs", 0.0, 20.0),
        ("max_tokens", 1.0, f64::MAX),
        ("max_completion_tokens", 1.0, f64::MAX),
    ];
    for (name, least, most) in ranges {
        let Some(given) = body[name].as_f64() else { continue };
        if given < least {
            return Err(invalid(
                name,
                &format!(
                    "Invalid '{name}': below minimum value. Expected a value >= {least}, but got {given} instead."
                ),
            ));
        }
        if given > most {
            return Err(invalid(
                name,
                &format!("Invalid '{name}': above maximum value. Expected a value <= {most}, but got {given} instead."),
            ));
        }
    }
    if items(&body["stop"]).len() > 4 {
        return Err(invalid("stop", "Invalid 'stop': array too long. Expected an array with maximum length 4."));
    }
    Ok(())
}

/// A refusal of the value at `path`.
pub(super) fn invalid(path: &str, message: &str) -> Answer {
    error_with(400, message, "invalid_request_error", &json!(path), &json!("invalid_value"))
}

/// That a function may be called so, and that its schema is fit for strict mode if it asks for it.
pub(super) fn function(function: &Value, path: &str) -> Result<(), Answer> {
    let name = function["name"].as_str().unwrap_or_default();
    let fits = |symbol: char| symbol.is_ascii_alphanumeric() || "_-".contains(symbol);
    if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
        let message = format!(
            "Invalid '{path}.name': string does not match pattern. Expected a string of at most 64 characters that matches the \
             pattern '^[a-zA-Z0-9_-]+$'."
        );
        return Err(invalid(&format!("{path}.name"), &message));
    }
    if function["strict"] == true {
        return strict(&function["parameters"], &format!("function '{name}'"), &format!("{path}.parameters"));
    }
    Ok(())
}

/// That a schema is of the subset that OpenAI can hold a model to: every object closed, every property required
/// (<https://platform.openai.com/docs/guides/structured-outputs#supported-schemas>).
pub(super) fn strict(schema: &Value, what: &str, path: &str) -> Result<(), Answer> {
    let wrong = |problem: &str| {
        let message = format!("Invalid schema for {what}: In context=(), {problem}");
        error_with(400, &message, "invalid_request_error", &json!(path), &json!("invalid_function_parameters"))
    };
    if let Some(properties) = schema["properties"].as_object() {
        if schema["additionalProperties"] != false {
            return Err(wrong("'additionalProperties' is required to be supplied and to be false."));
        }
        if let Some(name) = properties.keys().find(|name| !items(&schema["required"]).contains(&json!(name))) {
            return Err(wrong(&format!(
                "'required' is required to be supplied and to be an array including every key in properties. Missing '{name}'."
            )));
        }
    }
    let of = |member: &str| schema[member].as_object().into_iter().flat_map(|members| members.values());
    let nested = of("properties").chain(of("$defs")).chain(items(&schema["anyOf"])).chain(schema.get("items"));
    nested.into_iter().try_for_each(|schema| strict(schema, what, path))
}

/// That a data URL holds base64; any other URL is fetched by the vendor.
pub(super) fn data_url(url: &str, path: &str) -> Result<(), Answer> {
    let wrong = || {
        invalid(
            path,
            &format!("Invalid '{path}'. Expected a valid URL or base64-encoded data, but got a value that is neither."),
        )
    };
    if let Some(data) = url.strip_prefix("data:") {
        let (media_type, data) = data.split_once(";base64,").ok_or_else(wrong)?;
        if media_type.is_empty() || STANDARD.decode(data).is_err() {
            return Err(wrong());
        }
        return Ok(());
    }
    if url.starts_with("http://") || url.starts_with("https://") { Ok(()) } else { Err(wrong()) }
}

/// What an attachment is called in a reply: the media type of what came with the request, the address of anything else.
pub(super) fn attachment(url: &str) -> String {
    match url.strip_prefix("data:").and_then(|data| data.split_once(';')) {
        Some((media_type, _)) => media_type.to_owned(),
        None => url.to_owned(),
    }
}
