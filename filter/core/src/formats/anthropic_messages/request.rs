use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    capability::Capability,
    content::{CacheWire, Content, encode_parts, encode_text},
    thinking::{self, Plan, ThinkingWire},
};
use crate::{
    canonical::{Block, Chat, Losses, ResponseFormat, Role, Tool, ToolChoice},
    formats::{Attempt, InvalidRequest},
    json::{Edit, Envelope, Node},
};

/// Encodes a request: <https://platform.claude.com/docs/en/api/messages/create>.
pub(in crate::formats) fn encode_request(
    attempt: &Attempt<'_>,
    chat: &Chat<'_>,
    losses: &mut Losses,
) -> Result<Vec<u8>, InvalidRequest> {
    for path in &chat.extra {
        losses.declare(path.as_str(), "the provider's format has no such member");
    }
    let max_tokens = chat.max_tokens.unwrap_or(attempt.default_max_tokens.into());
    let capability = Capability::of(attempt.model);
    let plan = thinking::plan(chat, capability, max_tokens, losses);
    let (system, messages) = encode_messages(chat, losses)?;
    let format = match chat.response_format {
        Some(ResponseFormat::JsonSchema(schema)) => Some(FormatWire { r#type: "json_schema", schema: raw(schema)? }),
        Some(ResponseFormat::JsonObject) => {
            losses.declare("response_format", "the provider knows JSON by a schema only");
            None
        }
        None => None,
    };
    let wire = Wire {
        model: attempt.model,
        max_tokens,
        system,
        messages,
        tools: chat.tools.iter().map(encode_tool).collect::<Result<_, _>>()?,
        tool_choice: encode_choice(chat, losses),
        temperature: temperature(chat, capability, &plan, losses),
        top_p: top_p(chat, capability, &plan, losses),
        stop_sequences: stop_sequences(chat, losses),
        thinking: plan.thinking,
        output_config: (format.is_some() || plan.effort.is_some())
            .then_some(OutputWire { effort: plan.effort, format }),
        metadata: chat.user.as_deref().map(|user_id| MetadataWire { user_id }),
        service_tier: service_tier(chat, losses),
        stream: attempt.stream,
    };
    serde_json::to_vec(&wire).map_err(|error| InvalidRequest { message: error.to_string(), param: None })
}

/// Leading system messages become `system`. The API takes others only with some models and places
/// (<https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages>), so later ones become words
/// of the user, which is declared. Consecutive messages of one role are sent as they are: the API joins them itself (the
/// description of `messages` in its reference); results of one turn's tools it wants in one message, so those are joined.
fn encode_messages<'c>(
    chat: &'c Chat<'_>,
    losses: &mut Losses,
) -> Result<(Vec<Content<'c>>, Vec<MessageWire<'c>>), InvalidRequest> {
    let mut system = Vec::new();
    let mut messages: Vec<MessageWire<'c>> = Vec::new();
    let mut joins = false;
    for message in &chat.messages {
        if message.role == Role::System && messages.is_empty() {
            for part in &message.parts {
                match &part.block {
                    Block::Text(text) => system.extend(encode_text(text, part)),
                    _ => losses.declare(part.path.as_str(), "the provider's system prompt is text only"),
                }
            }
            continue;
        }
        if message.role == Role::System {
            losses.declare(message.path.as_str(), "instructions after the first turn become words of the user");
        }
        let content = encode_parts(&message.parts, losses)?;
        // Anthropic refuses messages without content, but for the last one of the assistant.
        if content.is_empty() {
            losses.declare(message.path.as_str(), "the provider takes no message without content");
            continue;
        }
        let results = message.parts.iter().all(|part| matches!(part.block, Block::ToolResult { .. }));
        match messages.last_mut() {
            Some(last) if joins && results => last.content.extend(content),
            _ => {
                let role = if message.role == Role::Assistant { "assistant" } else { "user" };
                messages.push(MessageWire { role, content });
            }
        }
        joins = results;
    }
    if messages.is_empty() {
        let message = "must have a message besides instructions and empty ones";
        return Err(InvalidRequest::new("messages", message));
    }
    Ok((system, messages))
}

fn encode_tool<'c>(tool: &'c Tool<'_>) -> Result<ToolWire<'c>, InvalidRequest> {
    let parameters = tool.parameters.unwrap_or("{}");
    // The schema of an input must be one of an object and say so; OpenAI lets that go unsaid.
    let says_type = Node::parse(parameters.as_bytes()).ok().and_then(|schema| schema.member("type")).is_some();
    let input_schema = match (says_type, Envelope::scan(parameters.as_bytes())) {
        (false, Ok(envelope)) => {
            let typed = envelope.splice(parameters.as_bytes(), &[Edit::Set("type", "\"object\"".into())]);
            let typed = String::from_utf8(typed).unwrap_or_default();
            Cow::Owned(owned_raw(typed)?)
        }
        _ => Cow::Borrowed(raw(parameters)?),
    };
    Ok(ToolWire {
        name: &tool.name,
        description: tool.description.as_deref(),
        input_schema,
        strict: tool.strict.filter(|strict| *strict),
        cache_control: tool.cache.map(CacheWire::from),
    })
}

fn encode_choice<'c>(chat: &'c Chat<'_>, losses: &mut Losses) -> Option<ChoiceWire<'c>> {
    if chat.tools.is_empty() {
        if matches!(chat.tool_choice, Some(ToolChoice::Required | ToolChoice::Named(_))) {
            losses.declare("tool_choice", "no tool crossed that could be chosen");
        }
        return None;
    }
    let one_at_a_time = (chat.parallel_tools == Some(false)).then_some(true);
    let (kind, name) = match &chat.tool_choice {
        Some(ToolChoice::None) => {
            return Some(ChoiceWire { r#type: "none", name: None, disable_parallel_tool_use: None });
        }
        Some(ToolChoice::Required) => ("any", None),
        Some(ToolChoice::Named(name)) => ("tool", Some(&**name)),
        Some(ToolChoice::Auto) => ("auto", None),
        None if one_at_a_time.is_some() => ("auto", None),
        None => return None,
    };
    Some(ChoiceWire { r#type: kind, name, disable_parallel_tool_use: one_at_a_time })
}

fn temperature(chat: &Chat<'_>, capability: Capability, plan: &Plan, losses: &mut Losses) -> Option<f64> {
    let temperature = chat.temperature?;
    #[expect(clippy::float_cmp, reason = "the default, as written")]
    let is_default = temperature == 1.0;
    if is_default {
        return None;
    }
    if plan.thinking.is_some() {
        losses.declare("temperature", "the provider takes none while thinking");
        return None;
    }
    if !capability.sampling {
        losses.declare("temperature", "the model takes none");
        return None;
    }
    if !(0.0..=1.0).contains(&temperature) {
        losses.declare("temperature", "the provider's scale ends at 1");
    }
    Some(temperature.clamp(0.0, 1.0))
}

fn top_p(chat: &Chat<'_>, capability: Capability, plan: &Plan, losses: &mut Losses) -> Option<f64> {
    let top_p = chat.top_p.filter(|top_p| *top_p < 1.0)?;
    // While thinking 0.95 to 1 is allowed (extended thinking, "Feature compatibility").
    if plan.thinking.is_some() && top_p < 0.95 {
        losses.declare("top_p", "the provider takes none below 0.95 while thinking");
        return None;
    }
    if !capability.sampling {
        losses.declare("top_p", "the model takes none");
        return None;
    }
    Some(top_p)
}

fn stop_sequences<'c>(chat: &'c Chat<'_>, losses: &mut Losses) -> Vec<&'c str> {
    let mut stops = Vec::with_capacity(chat.stop.len());
    for (path, stop) in &chat.stop {
        match stop.trim().is_empty() {
            true => losses.declare(path.as_str(), "the provider refuses stop texts of white space"),
            false => stops.push(&**stop),
        }
    }
    stops
}

/// `auto` is the default of both; `default` keeps away from priority capacity, as `standard_only` does
/// (<https://platform.claude.com/docs/en/api/service-tiers>).
fn service_tier(chat: &Chat<'_>, losses: &mut Losses) -> Option<&'static str> {
    match chat.service_tier.as_deref()? {
        "auto" => None,
        "default" => Some("standard_only"),
        _ => {
            losses.declare("service_tier", "the provider has no such tier");
            None
        }
    }
}

/// JSON text that a decoder has checked.
fn raw(text: &str) -> Result<&RawValue, InvalidRequest> {
    serde_json::from_str(text).map_err(|error| InvalidRequest { message: error.to_string(), param: None })
}

fn owned_raw(text: String) -> Result<Box<RawValue>, InvalidRequest> {
    RawValue::from_string(text).map_err(|error| InvalidRequest { message: error.to_string(), param: None })
}

#[derive(Serialize)]
struct Wire<'c> {
    model: &'c str,
    max_tokens: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Content<'c>>,
    messages: Vec<MessageWire<'c>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolWire<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ChoiceWire<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<ThinkingWire>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputWire<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<MetadataWire<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

#[derive(Serialize)]
struct MessageWire<'c> {
    role: &'static str,
    content: Vec<Content<'c>>,
}

#[derive(Serialize)]
struct ToolWire<'c> {
    name: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'c str>,
    input_schema: Cow<'c, RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<CacheWire>,
}

#[derive(Serialize)]
struct ChoiceWire<'c> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_parallel_tool_use: Option<bool>,
}

#[derive(Serialize)]
struct OutputWire<'c> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<FormatWire<'c>>,
}

#[derive(Serialize)]
struct FormatWire<'c> {
    r#type: &'static str,
    schema: &'c RawValue,
}

#[derive(Serialize)]
struct MetadataWire<'c> {
    user_id: &'c str,
}
