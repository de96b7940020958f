//! The checks that OpenAI makes of a request for a response, and the conversation that such a request goes on with.

use serde_json::{Value, json};

use crate::dialect::{items, text};
use crate::openai::rules::{self, invalid};
use crate::openai::{error_with, shapes};
use crate::provider::Call;
use crate::send::Answer;
use crate::signed;

/// The request with its whole conversation as `input`: what came before, by `previous_response_id`, and what it brings.
pub(super) fn checked(call: &Call<'_>, mut body: Value) -> Result<Value, Answer> {
    let strict = !call.is_lenient();
    if strict {
        rules::shaped(&body, &shapes::RESPONSES)?;
        rules::ranges(&body)?;
        members(&body)?;
    }
    let mut conversation = match body["previous_response_id"].as_str() {
        Some(id) => call.provider.stored(id).ok_or_else(|| {
            let message = format!("Previous response with id '{id}' not found.");
            error_with(
                400,
                &message,
                "invalid_request_error",
                &json!("previous_response_id"),
                &json!("previous_response_not_found"),
            )
        })?,
        None => Vec::new(),
    };
    match &body["input"] {
        Value::String(words) => conversation.push(json!({"type": "message", "role": "user", "content": words})),
        input => {
            for (index, item) in items(input).iter().enumerate() {
                if strict {
                    self::item(call, item, index)?;
                }
                conversation.push(referred(call, item)?);
            }
        }
    }
    if strict {
        calls_are_answered(&conversation)?;
        reasoning_is_followed(&conversation)?;
    }
    body["input"] = Value::Array(conversation);
    Ok(body)
}

fn members(body: &Value) -> Result<(), Answer> {
    let missing = |path: &str| invalid(path, &format!("Missing required parameter: '{path}'."));
    if body["input"].is_null() && body["previous_response_id"].is_null() {
        return Err(missing("input"));
    }
    if body["max_output_tokens"].as_u64().is_some_and(|cap| cap < 16) {
        let message = format!(
            "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got {} instead.",
            body["max_output_tokens"]
        );
        return Err(invalid("max_output_tokens", &message));
    }
    let tools = items(&body["tools"]);
    for (index, tool) in tools.iter().enumerate().filter(|(_, tool)| tool["type"] == "function") {
        rules::function(tool, &format!("tools[{index}]"))?;
    }
    match &body["tool_choice"] {
        Value::Null => {}
        Value::String(choice) if choice == "required" && tools.is_empty() => {
            return Err(invalid("tool_choice", "Tool choice 'required' must be specified with 'tools' parameter."));
        }
        Value::String(choice) if !["none", "auto", "required"].contains(&choice.as_str()) => {
            let message = format!("Invalid value: '{choice}'. Supported values are: 'none', 'auto', and 'required'.");
            return Err(invalid("tool_choice", &message));
        }
        choice if choice["type"] == "function" && !tools.iter().any(|tool| tool["name"] == choice["name"]) => {
            return Err(invalid(
                "tool_choice",
                &format!("Tool choice {} not found in 'tools' parameter.", choice["name"]),
            ));
        }
        _ => {}
    }
    let format = &body["text"]["format"];
    if format["strict"] == true {
        rules::strict(&format["schema"], &format!("response_format {}", format["name"]), "text.format.schema")?;
    }
    Ok(())
}

/// Ids, roles and their parts, attachments, and that reasoning comes back as it went.
fn item(call: &Call<'_>, item: &Value, index: usize) -> Result<(), Answer> {
    let path = format!("input[{index}]");
    let kind = item["type"].as_str().unwrap_or("message");
    let prefix = match kind {
        "message" if item["role"] == "assistant" => "msg",
        "function_call" => "fc",
        "reasoning" => "rs",
        _ => "",
    };
    if let Some(id) = item["id"].as_str().filter(|id| !id.starts_with(prefix)) {
        let message = format!("Invalid '{path}.id': '{id}'. Expected an ID that begins with '{prefix}'.");
        return Err(invalid(&format!("{path}.id"), &message));
    }
    if item["call_id"].as_str().is_some_and(|id| id.is_empty() || id.len() > 64) {
        let message =
            format!("Invalid '{path}.call_id': string of a wrong length. Expected a string of 1 to 64 characters.");
        return Err(invalid(&format!("{path}.call_id"), &message));
    }
    match kind {
        "reasoning" => return reasoning(call, item, &path),
        "function_call" if serde_json::from_str::<Value>(item["arguments"].as_str().unwrap_or_default()).is_err() => {
            return Err(invalid(&path, &format!("Invalid '{path}.arguments': not a JSON text.")));
        }
        _ => {}
    }
    let (content, allowed): (_, &[&str]) = match kind {
        "message" if item["role"] == "assistant" => (&item["content"], &["output_text", "refusal"]),
        "message" => (&item["content"], &["input_text", "input_image", "input_file"]),
        "function_call_output" => (&item["output"], &["input_text", "input_image", "input_file"]),
        _ => return Ok(()),
    };
    for (position, part) in items(content).iter().enumerate() {
        let path = format!("{path}.content[{position}]");
        let kind = part["type"].as_str().unwrap_or_default();
        if !allowed.contains(&kind) {
            let message = format!("Invalid value: '{kind}'. Supported values are: '{}'.", allowed.join("', '"));
            return Err(invalid(&path, &message));
        }
        for member in ["image_url", "file_data", "file_url"] {
            if let Some(url) = part[member].as_str() {
                rules::data_url(url, &format!("{path}.{member}"))?;
            }
        }
        if kind == "input_file" && part["file_data"].is_string() && part["filename"].is_null() {
            return Err(invalid(&path, &format!("Missing required parameter: '{path}.filename'.")));
        }
    }
    Ok(())
}

/// The seal, if it came back, must be whole and of this very item; without it the item must be one that was kept.
fn reasoning(call: &Call<'_>, item: &Value, path: &str) -> Result<(), Answer> {
    let id = item["id"].as_str().unwrap_or_default();
    let summary = text(&item["summary"]);
    let Some(seal) = item["encrypted_content"].as_str() else {
        return match call.provider.stored(id).as_deref() {
            Some([kept]) if kept["summary"] == item["summary"] => Ok(()),
            Some(_) => Err(invalid(path, &format!("The summary of item '{id}' is not the one that was sent."))),
            None => Err(not_found(id)),
        };
    };
    let opened = signed::opened("openai", seal);
    let (sealed_id, thinking) = opened.as_deref().and_then(|words| words.split_once('\n')).unwrap_or_default();
    let same = !sealed_id.is_empty() && (id.is_empty() || id == sealed_id);
    if !same || !(summary.is_empty() || summary == thinking) {
        let message = format!(
            "The encrypted content for item {id} could not be verified. Reason: Encrypted content could not be decrypted or parsed."
        );
        return Err(error_with(
            400,
            &message,
            "invalid_request_error",
            &Value::Null,
            &json!("invalid_encrypted_content"),
        ));
    }
    Ok(())
}

fn not_found(id: &str) -> Answer {
    let message = format!(
        "Item with id '{id}' not found. Items are not persisted when `store` is set to false. Try again with `store` set to true, or \
         remove this item from your input."
    );
    error_with(404, &message, "invalid_request_error", &json!("input"), &Value::Null)
}

/// The item itself, where only its id was sent.
fn referred(call: &Call<'_>, item: &Value) -> Result<Value, Answer> {
    if item["type"] != "item_reference" {
        return Ok(item.clone());
    }
    let id = item["id"].as_str().unwrap_or_default();
    let kept = call.provider.stored(id).and_then(|kept| kept.into_iter().next());
    kept.ok_or_else(|| not_found(id))
}

fn calls_are_answered(conversation: &[Value]) -> Result<(), Answer> {
    let ids = |kind: &'static str| {
        conversation.iter().filter(move |item| item["type"] == kind).filter_map(|item| item["call_id"].as_str())
    };
    if let Some(id) = ids("function_call").find(|id| !ids("function_call_output").any(|answered| answered == *id)) {
        return Err(invalid("input", &format!("No tool output found for function call {id}.")));
    }
    if let Some(id) = ids("function_call_output").find(|id| !ids("function_call").any(|called| called == *id)) {
        return Err(invalid("input", &format!("No tool call found for function call output with call_id {id}.")));
    }
    Ok(())
}

/// Reasoning belongs to the message or the call that it led to.
fn reasoning_is_followed(conversation: &[Value]) -> Result<(), Answer> {
    for (index, item) in conversation.iter().enumerate().filter(|(_, item)| item["type"] == "reasoning") {
        let follows = conversation.get(index + 1).is_some_and(|next| {
            next["role"] == "assistant"
                || next["type"] == "reasoning"
                || next["type"].as_str().is_some_and(|kind| kind.ends_with("_call"))
        });
        if !follows {
            let id = item["id"].as_str().unwrap_or_default();
            let message = format!("Item '{id}' of type 'reasoning' was provided without its required following item.");
            return Err(invalid("input", &message));
        }
    }
    Ok(())
}
