//! The checks that OpenAI makes of a chat before it answers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::dialect::items;
use crate::openai::rules::{self, invalid};
use crate::openai::{error, shapes};
use crate::send::Answer;

/// That OpenAI would take this chat.
pub(super) fn check(body: &Value) -> Result<(), Answer> {
    rules::shaped(body, &shapes::CHAT)?;
    rules::ranges(body)?;
    if items(&body["messages"]).is_empty() {
        return Err(error(400, "Invalid 'messages': empty array. Expected an array with minimum length 1."));
    }
    if !body["stream_options"].is_null() && body["stream"] != true {
        return Err(error(400, "The 'stream_options' parameter is only allowed when 'stream' is enabled."));
    }
    tools(body)?;
    let format = &body["response_format"]["json_schema"];
    if format["strict"] == true {
        rules::strict(&format["schema"], &format!("response_format {}", format["name"]), "response_format")?;
    }
    calls_are_answered(items(&body["messages"]))?;
    items(&body["messages"]).iter().enumerate().try_for_each(|(index, message)| content(message, index))
}

fn tools(body: &Value) -> Result<(), Answer> {
    let tools = items(&body["tools"]);
    for (index, tool) in tools.iter().filter(|tool| tool["type"] == "function").enumerate() {
        rules::function(&tool["function"], &format!("tools[{index}].function"))?;
    }
    if body["tools"].is_array() && tools.is_empty() {
        return Err(invalid(
            "tools",
            "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array instead.",
        ));
    }
    for member in ["tool_choice", "parallel_tool_calls"] {
        let given = &body[member];
        if tools.is_empty() && !given.is_null() && given != "none" {
            return Err(invalid(member, &format!("'{member}' is only allowed when 'tools' are specified.")));
        }
    }
    match &body["tool_choice"] {
        Value::String(choice) if !["none", "auto", "required"].contains(&choice.as_str()) => Err(invalid(
            "tool_choice",
            &format!("Invalid value: '{choice}'. Supported values are: 'none', 'auto', and 'required'."),
        )),
        choice => match choice["function"]["name"].as_str() {
            Some(name) if !tools.iter().any(|tool| tool["function"]["name"] == name) => {
                Err(invalid("tool_choice", &format!("Tool choice '{name}' not found in 'tools' parameter.")))
            }
            _ => Ok(()),
        },
    }
}

/// Each call is answered by a tool's message right after it, and each such message answers a call.
fn calls_are_answered(messages: &[Value]) -> Result<(), Answer> {
    let mut open: Vec<&str> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        if message["role"] == "tool" {
            let id = message["tool_call_id"].as_str().unwrap_or_default();
            let Some(position) = open.iter().position(|open| *open == id) else {
                let message = "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.";
                return Err(invalid(&format!("messages[{index}].role"), message));
            };
            open.remove(position);
            continue;
        }
        all_answered(&open, index)?;
        open = items(&message["tool_calls"]).iter().filter_map(|call| call["id"].as_str()).collect();
    }
    all_answered(&open, messages.len())
}

fn all_answered(open: &[&str], index: usize) -> Result<(), Answer> {
    if open.is_empty() {
        return Ok(());
    }
    let message = format!(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following \
         tool_call_ids did not have response messages: {}",
        open.join(", ")
    );
    Err(invalid(&format!("messages[{index}].role"), &message))
}

/// Which parts a role may say, and that what is attached is there.
fn content(message: &Value, index: usize) -> Result<(), Answer> {
    let path = format!("messages[{index}].content");
    let role = message["role"].as_str().unwrap_or_default();
    let allowed: &[&str] = match role {
        "user" => &["text", "image_url", "input_audio", "file"],
        "assistant" => &["text", "refusal"],
        _ => &["text"],
    };
    let says_nothing =
        ["content", "tool_calls", "refusal", "audio", "function_call"].iter().all(|member| message[*member].is_null());
    if role == "assistant" && says_nothing {
        return Err(invalid(&path, &format!("Invalid value for 'content': expected a string, got null. ({path})")));
    }
    for (part, position) in items(&message["content"]).iter().zip(0..) {
        let path = format!("{path}[{position}]");
        let kind = part["type"].as_str().unwrap_or_default();
        if !allowed.contains(&kind) {
            let allowed = allowed.join("', '");
            return Err(invalid(
                &path,
                &format!("Invalid value: '{kind}'. Supported values are: '{allowed}'. ({path}.type)"),
            ));
        }
        if let Some(url) = part["image_url"]["url"].as_str() {
            rules::data_url(url, &format!("{path}.image_url.url"))?;
        }
        if let Some(data) = part["file"]["file_data"].as_str() {
            rules::data_url(data, &format!("{path}.file.file_data"))?;
        }
        if part["input_audio"]["data"].as_str().is_some_and(|data| STANDARD.decode(data).is_err()) {
            return Err(invalid(&path, &format!("Invalid '{path}.input_audio.data': not base64.")));
        }
    }
    Ok(())
}
