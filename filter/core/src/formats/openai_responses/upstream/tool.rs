//! Tools and the choice of them for the provider.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    canonical::{Function, Given, Losses, Tool, ToolChoice, ToolKind, WebSearch},
    dialect::InvalidRequest,
    json::{Edit, Envelope},
    vendors::openai::complete_schema,
};

/// A member of `tools`: <https://platform.openai.com/docs/api-reference/responses/create#responses_create-tools>.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ToolWire<'c> {
    Function {
        name: &'c str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'c str>,
        parameters: Cow<'c, RawValue>,
        /// Always said: left out, the API is strict where the schema lets it, which no other format is.
        strict: bool,
    },
    WebSearch {
        #[serde(skip_serializing_if = "Option::is_none")]
        filters: Option<Filters<'c>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        user_location: Option<Box<RawValue>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        search_context_size: Option<&'c str>,
    },
    CodeInterpreter {
        container: Container,
    },
}

#[derive(Serialize)]
pub(super) struct Filters<'c> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    allowed_domains: &'c [Cow<'c, str>],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    blocked_domains: &'c [Cow<'c, str>],
}

#[derive(Serialize)]
pub(super) struct Container {
    r#type: &'static str,
}

/// `tool_choice`.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ChoiceWire<'c> {
    Word(&'static str),
    Named { r#type: &'static str, name: &'c str },
    Allowed { r#type: &'static str, mode: &'static str, tools: Vec<ChoiceWire<'c>> },
}

/// What the model may call, in the client's order.
pub(super) fn encode_tools<'c>(
    tools: &'c [Tool<'_>],
    losses: &mut Losses,
) -> Result<Vec<ToolWire<'c>>, InvalidRequest> {
    tools.iter().map(|tool| encode_tool(tool, losses)).collect()
}

fn encode_tool<'c>(tool: &'c Tool<'_>, losses: &mut Losses) -> Result<ToolWire<'c>, InvalidRequest> {
    let Tool { kind, cache, path } = tool;
    if cache.is_some() {
        losses.approximate(format!("{path}.cache_control"), "the provider caches prompts by itself");
    }
    match kind {
        ToolKind::Function(Function { name, .. }) if !is_name(name) => {
            let message = "the provider takes names of letters, digits, _ and -, 128 at most";
            Err(InvalidRequest::new(path.as_str(), message))
        }
        ToolKind::Function(Function { name, description, parameters, strict }) => Ok(ToolWire::Function {
            name,
            description: description.as_deref(),
            parameters: complete_schema(parameters.as_deref().unwrap_or("{}"))
                .map_err(|error| InvalidRequest::new(path.as_str(), error.to_string()))?,
            strict: strict.unwrap_or(false),
        }),
        ToolKind::WebSearch(WebSearch { allowed_domains, blocked_domains, max_uses, location, context_size }) => {
            if max_uses.is_some() {
                losses.declare(format!("{path}.max_uses"), "the provider's format does not bound searches");
            }
            let filters = Filters { allowed_domains, blocked_domains };
            let has_filters = !allowed_domains.is_empty() || !blocked_domains.is_empty();
            let user_location = location.map(|location| encode_location(location, path)).transpose()?;
            Ok(ToolWire::WebSearch {
                filters: has_filters.then_some(filters),
                user_location,
                search_context_size: context_size.as_ref().map(|given| &*given.value),
            })
        }
        ToolKind::CodeExecution => Ok(ToolWire::CodeInterpreter { container: Container { r#type: "auto" } }),
    }
}

/// A name cannot be changed on the way: it would come back in a call (`FunctionToolParam` of OpenAI's specification; older
/// models take 64 characters and say so themselves).
fn is_name(name: &str) -> bool {
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    !name.is_empty() && name.len() <= 128 && name.chars().all(is_allowed)
}

/// A place is always an approximate one, which the API wants to be told.
fn encode_location(location: &str, path: &str) -> Result<Box<RawValue>, InvalidRequest> {
    let invalid = || InvalidRequest::new(path, "must have a location that is an object");
    let envelope = Envelope::scan(location.as_bytes()).map_err(|_| invalid())?;
    let typed = envelope.splice(location.as_bytes(), &[Edit::Set("type", "\"approximate\"".into())]);
    String::from_utf8(typed).ok().and_then(|typed| RawValue::from_string(typed).ok()).ok_or_else(invalid)
}

/// Whether and what the model must call; nothing where there is nothing to call.
pub(super) fn encode_choice<'c>(
    choice: Option<&'c Given<ToolChoice<'_>>>,
    has_tools: bool,
    losses: &mut Losses,
) -> Option<ChoiceWire<'c>> {
    let choice = choice?;
    if !has_tools {
        if !matches!(choice.value, ToolChoice::None | ToolChoice::Auto) {
            losses.declare(choice.path.as_ref(), "no tool crossed that could be chosen");
        }
        return None;
    }
    let function = |name| ChoiceWire::Named { r#type: "function", name };
    Some(match &choice.value {
        ToolChoice::None => ChoiceWire::Word("none"),
        ToolChoice::Auto => ChoiceWire::Word("auto"),
        ToolChoice::Required => ChoiceWire::Word("required"),
        ToolChoice::Named(name) => function(name),
        ToolChoice::Allowed { names, required } => ChoiceWire::Allowed {
            r#type: "allowed_tools",
            mode: if *required { "required" } else { "auto" },
            tools: names.iter().map(|name| function(name)).collect(),
        },
    })
}
