//! Tools and the choice of them for the provider.

use std::{borrow::Cow, collections::BTreeSet};

use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    capability::ModelFamily,
    content::{CachePoint, Empty, Encoder},
    extra::ClaudeChoice,
    ids::{encode_id, is_identifier},
};
use crate::{
    canonical::{Block, Chat, Function, Losses, Message, Tool, ToolChoice, ToolKind, WebSearch},
    dialect::InvalidRequest,
    json::{Edit, Envelope, Node},
};

/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolConfiguration.html>
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolConfig<'c> {
    tools: Vec<ToolWire<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ChoiceWire<'c>>,
}

/// A union, told by the name of its only member.
#[derive(Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
enum ToolWire<'c> {
    ToolSpec {
        name: Cow<'c, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'c str>,
        input_schema: SchemaWire<'c>,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
    },
    /// <https://docs.aws.amazon.com/nova/latest/nova2-userguide/using-tools.html>
    SystemTool {
        name: &'static str,
    },
    CachePoint(CachePoint),
}

#[derive(Serialize)]
struct SchemaWire<'c> {
    json: Cow<'c, RawValue>,
}

/// `auto` is the default, and some models take no choice at all.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum ChoiceWire<'c> {
    Any(Empty),
    Tool { name: &'c str },
}

/// The tools and the choice among them. One call at a time can be asked of newer Claude alone, in a member of its own which
/// then has the choice too: AWS refuses a request with both.
pub(super) fn encode_tools<'c>(
    chat: &'c Chat<'_>,
    encoder: &mut Encoder<'_>,
) -> Result<(Option<ToolConfig<'c>>, Option<ClaudeChoice<'c>>), InvalidRequest> {
    let choice = chat.tool_choice.as_ref();
    if let Some(choice) = choice.filter(|choice| choice.value == ToolChoice::None) {
        // There is no such choice, so the tools stay away, unless earlier turns have calls.
        if called_tools(&chat.messages).next().is_none() {
            if !chat.tools.is_empty() {
                let reason = "the provider cannot be told to call none, so the tools stay away";
                encoder.losses.approximate("tools", reason);
            }
            return Ok((None, None));
        }
        let reason = "the provider cannot forbid calls where earlier turns have some";
        encoder.losses.approximate(choice.path.as_ref(), reason);
    }
    let mut tools = Vec::with_capacity(chat.tools.len());
    let allowed = allowed_names(chat);
    for tool in &chat.tools {
        if !is_allowed(tool, allowed.as_ref()) {
            encoder.losses.approximate(tool.path.as_str(), "a tool that may not be called stays away");
            continue;
        }
        if let Some(wire) = encode_tool(tool, encoder)? {
            tools.push(wire);
            tools.extend(encoder.tool_cache_point(tool.cache, &tool.path).map(ToolWire::CachePoint));
        }
    }
    let forced = choice.filter(|choice| {
        matches!(choice.value, ToolChoice::Required | ToolChoice::Named(_) | ToolChoice::Allowed { required: true, .. })
    });
    if tools.is_empty() {
        if let Some(choice) = forced {
            encoder.losses.declare(choice.path.as_ref(), "no tool crossed that could be chosen");
        }
        return Ok((describe_called(&chat.messages, encoder.losses)?, None));
    }
    let one_at_a_time = chat.parallel_tools.as_ref().filter(|parallel| !parallel.value);
    if let Some(parallel) = one_at_a_time {
        if encoder.family == (ModelFamily::Claude { since_4_5: true }) {
            let choice = ClaudeChoice::one_at_a_time(forced.map(|choice| &choice.value));
            return Ok((Some(ToolConfig { tools, tool_choice: None }), Some(choice)));
        }
        encoder.losses.declare(parallel.path.as_ref(), "the model calls several tools at once if it likes");
    }
    let tool_choice = forced.map(|choice| match &choice.value {
        ToolChoice::Named(name) => ChoiceWire::Tool { name },
        _ => ChoiceWire::Any(Empty {}),
    });
    Ok((Some(ToolConfig { tools, tool_choice }), None))
}

/// The functions that the choice is confined to, if it is.
fn allowed_names<'c>(chat: &'c Chat<'_>) -> Option<BTreeSet<&'c str>> {
    match chat.tool_choice.as_ref().map(|choice| &choice.value) {
        Some(ToolChoice::Allowed { names, .. }) => Some(names.iter().map(|name| &**name).collect()),
        _ => None,
    }
}

fn is_allowed(tool: &Tool<'_>, allowed: Option<&BTreeSet<&str>>) -> bool {
    match (allowed, &tool.kind) {
        (Some(allowed), ToolKind::Function(function)) => allowed.contains(&*function.name),
        _ => true,
    }
}

fn encode_tool<'c>(tool: &'c Tool<'_>, encoder: &mut Encoder<'_>) -> Result<Option<ToolWire<'c>>, InvalidRequest> {
    match (&tool.kind, encoder.family) {
        (ToolKind::Function(function), _) => encode_function(function, tool, encoder).map(Some),
        (ToolKind::WebSearch(search), ModelFamily::Nova2) => {
            let WebSearch { allowed_domains, blocked_domains, max_uses, location, context_size } = search;
            let wishes = [max_uses.is_some(), location.is_some(), context_size.is_some()];
            if !allowed_domains.is_empty() || !blocked_domains.is_empty() || wishes.contains(&true) {
                encoder.losses.approximate(tool.path.as_str(), "the provider's search takes no settings");
            }
            Ok(Some(ToolWire::SystemTool { name: "nova_grounding" }))
        }
        (ToolKind::CodeExecution, ModelFamily::Nova2) => {
            Ok(Some(ToolWire::SystemTool { name: "nova_code_interpreter" }))
        }
        (ToolKind::WebSearch(_) | ToolKind::CodeExecution, _) => {
            encoder.losses.declare(tool.path.as_str(), "the model has no such tool of its own here");
            Ok(None)
        }
    }
}

fn encode_function<'c>(
    function: &'c Function<'_>,
    tool: &Tool<'_>,
    encoder: &mut Encoder<'_>,
) -> Result<ToolWire<'c>, InvalidRequest> {
    // A shortened name would come back in a call, and the client would not know it.
    if !is_identifier(&function.name) {
        let message = "the provider takes names of tools of 1 to 64 letters, digits, _ and - only";
        return Err(InvalidRequest::new(tool.path.as_str(), message));
    }
    let mut strict = function.strict.filter(|strict| *strict);
    if strict.is_some() && !encoder.family.holds_to_schemas() {
        encoder.losses.declare(format!("{}.strict", tool.path), "the model follows schemas as far as it can");
        strict = None;
    }
    Ok(ToolWire::ToolSpec {
        name: Cow::Borrowed(&function.name),
        description: function.description.as_deref().filter(|description| !description.is_empty()),
        input_schema: encode_schema(function.parameters.as_deref().unwrap_or("{}"))?,
        strict,
    })
}

/// The schema of an input must be one of an object and say so; OpenAI lets that go unsaid.
fn encode_schema(parameters: &str) -> Result<SchemaWire<'_>, InvalidRequest> {
    let says_type = Node::parse(parameters.as_bytes()).ok().and_then(|schema| schema.member("type")).is_some();
    let invalid = |error: serde_json::Error| InvalidRequest { message: error.to_string(), param: None };
    let json = match (says_type, Envelope::scan(parameters.as_bytes())) {
        (false, Ok(envelope)) => {
            let typed = envelope.splice(parameters.as_bytes(), &[Edit::Set("type", "\"object\"".into())]);
            Cow::Owned(RawValue::from_string(String::from_utf8(typed).unwrap_or_default()).map_err(invalid)?)
        }
        _ => Cow::Borrowed(serde_json::from_str(parameters).map_err(invalid)?),
    };
    Ok(SchemaWire { json })
}

/// The tools that earlier turns called, in order.
fn called_tools<'c>(messages: &'c [Message<'_>]) -> impl Iterator<Item = &'c str> {
    messages.iter().flat_map(|message| &message.parts).filter_map(|part| match &part.block {
        Block::ToolUse { name, .. } => Some(&**name),
        _ => None,
    })
}

/// AWS wants tools to be described wherever a conversation has calls ("The toolConfig field must be defined when using toolUse
/// and toolResult content blocks"), so where the client describes none, those that were called are, as far as they are known.
fn describe_called<'c>(
    messages: &'c [Message<'_>],
    losses: &mut Losses,
) -> Result<Option<ToolConfig<'c>>, InvalidRequest> {
    let (mut tools, mut described) = (Vec::new(), BTreeSet::new());
    for name in called_tools(messages) {
        let name = encode_id(name);
        if described.insert(name.clone()) {
            let input_schema = encode_schema("{}")?;
            tools.push(ToolWire::ToolSpec { name, description: None, input_schema, strict: None });
        }
    }
    if tools.is_empty() {
        return Ok(None);
    }
    losses.approximate("tools", "the provider wants the tools described that earlier turns called");
    Ok(Some(ToolConfig { tools, tool_choice: None }))
}
