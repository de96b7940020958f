//! The checks that Bedrock makes before it answers, with its own words.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::error::{error, invalid};
use super::{model_fields, shapes, sigv4, thinks};
use crate::dialect::items;
use crate::provider::Call;
use crate::send::Answer;
use crate::shape::{self, Fault, Problem};
use crate::signed;

/// The body of a request that Bedrock would accept.
pub(super) fn admitted(call: &Call<'_>, model: &str) -> Result<Value, Answer> {
    sigv4::authorized(call)?;
    let body: Value = serde_json::from_slice(call.body)
        .map_err(|_| error(400, "SerializationException", "The request body could not be read as JSON."))?;
    if model.starts_with("no-such") {
        let message = "The provided model identifier is invalid.";
        return Err(invalid(message));
    }
    if call.is_lenient() {
        return Ok(body);
    }
    shape::check(&body, &shapes::REQUEST).map_err(|fault| unfit(&fault))?;
    inference(&body)?;
    tools(&body)?;
    turns(&body)?;
    thinking(&body)?;
    Ok(body)
}

fn unfit(Fault { path, problem }: &Fault) -> Answer {
    let place = path.dotted().replace('.', "/");
    let detail = match problem {
        Problem::Unknown => {
            let (parent, name) = path.clone().split();
            let parent = parent.dotted().replace('.', "/");
            format!("#/{parent}: extraneous key [{name}] is not permitted")
        }
        Problem::Missing => format!("#/{place}: required key not found"),
        Problem::Expected(what) => format!("#/{place}: expected {what}"),
        Problem::Choices(words) => format!("#/{place}: must be one of [{}]", words.join(", ")),
        Problem::Union => format!("#/{place}: must have exactly one member of the union"),
    };
    invalid(&format!("Malformed input request: {detail}, please reformat your input and try again."))
}

fn inference(body: &Value) -> Result<(), Answer> {
    let config = &body["inferenceConfig"];
    for name in ["temperature", "topP"] {
        if config[name].as_f64().is_some_and(|value| !(0.0..=1.0).contains(&value)) {
            return Err(invalid(&format!(
                "Value at 'inferenceConfig.{name}' failed to satisfy constraint: Member must be between 0 and 1"
            )));
        }
    }
    if config["maxTokens"].as_i64().is_some_and(|cap| cap < 1) {
        return Err(invalid(
            "Value at 'inferenceConfig.maxTokens' failed to satisfy constraint: Member must have value greater than or equal to 1",
        ));
    }
    let schema = &body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["schema"];
    if schema.as_str().is_some_and(|schema| serde_json::from_str::<Value>(schema).is_err()) {
        return Err(invalid(
            "The value at outputConfig.textFormat.structure.jsonSchema.schema is not a valid JSON document.",
        ));
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && name.chars().all(|symbol| symbol.is_ascii_alphanumeric() || "_-".contains(symbol))
}

fn tools(body: &Value) -> Result<(), Answer> {
    let config = &body["toolConfig"];
    let tools = items(&config["tools"]);
    if config.is_object() && tools.is_empty() {
        return Err(invalid(
            "Value at 'toolConfig.tools' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ));
    }
    let mut names = BTreeSet::new();
    for (index, tool) in tools.iter().enumerate().filter(|(_, tool)| tool.get("toolSpec").is_some()) {
        let name = tool["toolSpec"]["name"].as_str().unwrap_or_default();
        if !is_name(name) {
            return Err(invalid(&format!(
                "Value '{name}' at 'toolConfig.tools.{index}.member.toolSpec.name' failed to satisfy constraint: Member must satisfy \
                 regular expression pattern: [a-zA-Z0-9_-]+ and have length less than or equal to 64"
            )));
        }
        if !names.insert(name) {
            return Err(invalid(&format!("The tool name {name} is defined more than once in toolConfig.tools.")));
        }
        if tool["toolSpec"]["description"] == "" {
            return Err(invalid(&format!(
                "Invalid length for toolConfig.tools.{index}.toolSpec.description, valid min length: 1"
            )));
        }
        if tool["toolSpec"]["inputSchema"]["json"]["type"] != "object" {
            return Err(invalid(&format!(
                "The value at toolConfig.tools.{index}.toolSpec.inputSchema.json.type must be one of the following: object."
            )));
        }
    }
    match config["toolChoice"]["tool"]["name"].as_str() {
        Some(name) if !names.contains(name) => {
            Err(invalid(&format!("The tool {name} of toolConfig.toolChoice is not defined.")))
        }
        _ => Ok(()),
    }
}

/// Roles, empty contents, and that each turn answers the tools that the turn before it used.
fn turns(body: &Value) -> Result<(), Answer> {
    let messages = items(&body["messages"]);
    if messages.is_empty() || messages.first().is_some_and(|first| first["role"] != "user") {
        return Err(invalid(
            "A conversation must start with a user message. Try again with a conversation that starts with a user message.",
        ));
    }
    let mut open: Vec<&str> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let place = format!("messages.{index}");
        let blocks = items(&message["content"]);
        if blocks.is_empty() {
            return Err(invalid(&format!(
                "The content field in the Message object at {place} is empty. Add a ContentBlock object to the content field and try again."
            )));
        }
        for (position, block) in blocks.iter().enumerate() {
            self::block(block, &format!("{place}.content.{position}"), message["role"] == "assistant")?;
        }
        if blocks.iter().any(|block| block.get("document").is_some())
            && !blocks.iter().any(|block| block.get("text").is_some())
        {
            return Err(invalid("A text block must be included in the content when a document is included."));
        }
        let of = |member: &'static str| blocks.iter().filter_map(move |block| block[member]["toolUseId"].as_str());
        for id in of("toolResult") {
            let Some(position) = open.iter().position(|open| *open == id) else {
                return Err(invalid(&format!(
                    "The number of toolResult blocks at {place}.content exceeds the number of toolUse blocks of previous turn."
                )));
            };
            open.remove(position);
        }
        if !open.is_empty() {
            return Err(invalid(&format!(
                "Expected toolResult blocks at {place}.content for the following Ids: {}",
                open.join(", ")
            )));
        }
        open = of("toolUse").collect();
        let uses_tools = !open.is_empty() || of("toolResult").next().is_some();
        if uses_tools && !body["toolConfig"].is_object() {
            return Err(invalid(
                "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
            ));
        }
    }
    if open.is_empty() {
        Ok(())
    } else {
        Err(invalid(&format!("Expected toolResult blocks for the following Ids: {}", open.join(", "))))
    }
}

fn block(block: &Value, place: &str, by_model: bool) -> Result<(), Answer> {
    if block["text"].as_str().is_some_and(|text| text.is_empty()) {
        return Err(invalid(&format!(
            "The text field in the ContentBlock object at {place} is blank. Add text to the text field, and try again."
        )));
    }
    let misplaced = if by_model { ["image", "document"].as_slice() } else { &["toolUse", "reasoningContent"] };
    if let Some(member) = misplaced.iter().find(|member| block.get(**member).is_some()) {
        let role = if by_model { "assistant" } else { "user" };
        return Err(invalid(&format!("{place}: {member} blocks are not allowed in messages of the role {role}.")));
    }
    for used in ["toolUse", "toolResult"] {
        let id = block[used]["toolUseId"].as_str();
        let fits = |symbol: char| symbol.is_ascii_alphanumeric() || "_.:-".contains(symbol);
        if id.is_some_and(|id| id.is_empty() || id.len() > 64 || !id.chars().all(fits)) {
            return Err(invalid(&format!(
                "Value at '{place}.{used}.toolUseId' failed to satisfy constraint: Member must satisfy regular expression pattern: \
                 [a-zA-Z0-9_.:-]+ and have length less than or equal to 64"
            )));
        }
    }
    if block["toolUse"]["name"].as_str().is_some_and(|name| !is_name(name)) {
        return Err(invalid(&format!("Value at '{place}.toolUse.name' failed to satisfy constraint: [a-zA-Z0-9_-]+")));
    }
    for media in ["image", "document", "audio", "video"] {
        if block[media]["source"]["bytes"]
            .as_str()
            .is_some_and(|bytes| bytes.is_empty() || STANDARD.decode(bytes).is_err())
        {
            return Err(invalid(&format!("The bytes at {place}.{media}.source are not base64.")));
        }
    }
    // The rule of the documents, and the underscore, which passes too.
    let fits = |symbol: char| symbol.is_alphanumeric() || " -()[]_".contains(symbol);
    if block["document"]["name"]
        .as_str()
        .is_some_and(|name| name.is_empty() || name.contains("  ") || !name.chars().all(fits))
    {
        return Err(invalid(
            "The document file name can only contain alphanumeric characters, whitespace characters, hyphens, parentheses, and square \
             brackets. The name can't contain more than one consecutive whitespace character.",
        ));
    }
    reasoning(&block["reasoningContent"], place)
}

/// That thinking came back as it went. Converse carries redacted thinking as bytes, so its base64 is one more than Claude's.
fn reasoning(content: &Value, place: &str) -> Result<(), Answer> {
    let refuse = |problem: &str| Err(invalid(&format!("The model returned the following errors: {place}: {problem}")));
    let reasoning = &content["reasoningText"];
    if let Some(text) = reasoning["text"].as_str() {
        let signature = reasoning["signature"].as_str().unwrap_or_default();
        if !signed::is_signature("claude", text, signature) {
            return refuse("Invalid `signature` in `thinking` block");
        }
    }
    if let Some(redacted) = content["redactedContent"].as_str() {
        let seal = STANDARD.decode(redacted).ok().and_then(|seal| String::from_utf8(seal).ok()).unwrap_or_default();
        if signed::opened("claude", &seal).is_none() {
            return refuse("Invalid `data` in `redacted_thinking` block");
        }
    }
    Ok(())
}

/// Claude's rules for thinking: its budget, no forced tool, and that a turn with tools keeps the thinking that it began with.
fn thinking(body: &Value) -> Result<(), Answer> {
    if !thinks(body) {
        return Ok(());
    }
    let refuse = |problem: &str| Err(invalid(&format!("The model returned the following errors: {problem}")));
    let budget = model_fields(body)["thinking"]["budget_tokens"].as_u64();
    if budget.is_some_and(|budget| budget < 1024) {
        return refuse("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024");
    }
    if budget.zip(body["inferenceConfig"]["maxTokens"].as_u64()).is_some_and(|(budget, cap)| cap <= budget) {
        return refuse("`max_tokens` must be greater than `thinking.budget_tokens`.");
    }
    if body["inferenceConfig"]["temperature"].as_f64().is_some_and(|temperature| temperature != 1.0) {
        return refuse("`temperature` may only be set to 1 when thinking is enabled.");
    }
    let choice = &body["toolConfig"]["toolChoice"];
    if choice.get("any").or(choice.get("tool")).is_some() {
        return refuse("Thinking may not be enabled when tool_choice forces tool use.");
    }
    let last_answer = items(&body["messages"]).iter().rev().find(|message| message["role"] == "assistant");
    let in_tools = items(&body["messages"])
        .last()
        .is_some_and(|last| items(&last["content"]).iter().any(|block| block.get("toolResult").is_some()));
    let begins = last_answer.and_then(|message| items(&message["content"]).first());
    if in_tools
        && begins.is_some_and(|block| block.get("reasoningContent").is_none())
        && model_fields(body)["thinking"]["type"] == "enabled"
    {
        return refuse(
            "Expected `thinking` or `redacted_thinking`, but found `tool_use`. When `thinking` is enabled, a final `assistant` message must \
             start with a thinking block.",
        );
    }
    Ok(())
}
