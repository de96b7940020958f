//! Tools and the choice of them for the provider.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::content::CacheWire;
use crate::{
    canonical::{Function, Given, Losses, Tool, ToolChoice, ToolKind, WebSearch},
    dialect::{InvalidRequest, owned_raw, raw},
    json::{Edit, Envelope, Node},
};

/// A member of `tools`.
#[derive(Serialize)]
pub(super) struct ToolWire<'c> {
    #[serde(flatten)]
    kind: Kind<'c>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<CacheWire>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Kind<'c> {
    Function {
        name: &'c str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'c str>,
        input_schema: Cow<'c, RawValue>,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
    },
    /// <https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool>
    WebSearch {
        r#type: &'static str,
        name: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        max_uses: Option<u64>,
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        allowed_domains: &'c [Cow<'c, str>],
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        blocked_domains: &'c [Cow<'c, str>],
        #[serde(skip_serializing_if = "Option::is_none")]
        user_location: Option<Box<RawValue>>,
    },
}

/// The tools, in the client's order. Where the choice is confined to some, the others are left out.
pub(super) fn encode_tools<'c>(
    tools: &'c [Tool<'c>],
    choice: Option<&Given<ToolChoice<'_>>>,
    losses: &mut Losses,
) -> Result<Vec<ToolWire<'c>>, InvalidRequest> {
    let mut wires = Vec::with_capacity(tools.len());
    for tool in tools {
        let kind = match &tool.kind {
            ToolKind::Function(function) if is_allowed(&function.name, choice) => encode_function(function)?,
            ToolKind::Function(_) => {
                losses.approximate(tool.path.as_str(), "left out, as the model may not choose it now");
                continue;
            }
            ToolKind::WebSearch(search) => {
                if let Some(size) = &search.context_size {
                    losses.declare(size.path.as_ref(), "the provider's search takes no such wish");
                }
                encode_search(search)?
            }
            ToolKind::CodeExecution => {
                losses.declare(tool.path.as_str(), "the provider runs code for beta clients of its own API only");
                continue;
            }
        };
        wires.push(ToolWire { kind, cache_control: tool.cache.map(CacheWire::from) });
    }
    Ok(wires)
}

fn is_allowed(name: &str, choice: Option<&Given<ToolChoice<'_>>>) -> bool {
    match choice.map(|choice| &choice.value) {
        Some(ToolChoice::Allowed { names, .. }) => names.iter().any(|allowed| allowed == name),
        _ => true,
    }
}

fn encode_function<'c>(function: &'c Function<'_>) -> Result<Kind<'c>, InvalidRequest> {
    let parameters = function.parameters.as_deref().unwrap_or("{}");
    // The schema of an input must be one of an object and say so; OpenAI lets that go unsaid.
    let says_type = Node::parse(parameters.as_bytes()).ok().and_then(|schema| schema.member("type")).is_some();
    let input_schema = match (says_type, Envelope::scan(parameters.as_bytes())) {
        (false, Ok(envelope)) => {
            let typed = envelope.splice(parameters.as_bytes(), &[Edit::Set("type", "\"object\"".into())]);
            Cow::Owned(owned_raw(String::from_utf8(typed).unwrap_or_default())?)
        }
        _ => Cow::Borrowed(raw(parameters)?),
    };
    Ok(Kind::Function {
        name: &function.name,
        description: function.description.as_deref(),
        input_schema,
        strict: function.strict.filter(|strict| *strict),
    })
}

fn encode_search<'c>(search: &'c WebSearch<'c>) -> Result<Kind<'c>, InvalidRequest> {
    let WebSearch { allowed_domains, blocked_domains, max_uses, location, context_size: _ } = search; // declared
    let location = location.and_then(|location| {
        let envelope = Envelope::scan(location.as_bytes()).ok()?;
        let typed = envelope.splice(location.as_bytes(), &[Edit::Set("type", "\"approximate\"".into())]);
        String::from_utf8(typed).ok()
    });
    Ok(Kind::WebSearch {
        r#type: "web_search_20250305",
        name: "web_search",
        max_uses: *max_uses,
        allowed_domains,
        blocked_domains,
        user_location: location.map(owned_raw).transpose()?,
    })
}

/// The member `tool_choice`.
#[derive(Serialize)]
pub(super) struct ChoiceWire<'c> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_parallel_tool_use: Option<bool>,
}

/// <https://platform.claude.com/docs/en/agents-and-tools/tool-use/implement-tool-use#controlling-claudes-output>
pub(super) fn encode_choice<'c>(
    tools: &[Tool<'_>],
    choice: Option<&'c Given<ToolChoice<'_>>>,
    parallel: Option<&Given<bool>>,
    losses: &mut Losses,
) -> Option<ChoiceWire<'c>> {
    if tools.is_empty() {
        if let Some(choice) =
            choice.filter(|choice| matches!(choice.value, ToolChoice::Required | ToolChoice::Named(_)))
        {
            losses.declare(choice.path.as_ref(), "no tool crossed that could be chosen");
        }
        return None;
    }
    let one_at_a_time = parallel.is_some_and(|parallel| !parallel.value).then_some(true);
    let (kind, name) = match choice.map(|choice| &choice.value) {
        Some(ToolChoice::None) => {
            return Some(ChoiceWire { r#type: "none", name: None, disable_parallel_tool_use: None });
        }
        Some(ToolChoice::Required | ToolChoice::Allowed { required: true, .. }) => ("any", None),
        Some(ToolChoice::Named(name)) => ("tool", Some(&**name)),
        Some(ToolChoice::Auto | ToolChoice::Allowed { required: false, .. }) => ("auto", None),
        None if one_at_a_time.is_some() => ("auto", None),
        None => return None,
    };
    Some(ChoiceWire { r#type: kind, name, disable_parallel_tool_use: one_at_a_time })
}
