//! Tools and the choice of them for the provider.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::capability::Capability;
use crate::{
    canonical::{Function, Given, Losses, Tool, ToolChoice, ToolKind, WebSearch},
    dialect::InvalidRequest,
};

/// A member of `tools`: <https://ai.google.dev/api/caching#Tool>.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolWire<'c> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    function_declarations: Vec<FunctionWire<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    google_search: Option<Empty>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code_execution: Option<Empty>,
}

/// `{}`.
#[derive(Debug, Serialize)]
struct Empty {}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FunctionWire<'c> {
    name: &'c str,
    /// Required, by the reference.
    description: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters_json_schema: Option<&'c RawValue>,
}

/// All functions in one tool, in the client's order. Google's own tools go alone: models before the third generation refuse
/// them beside functions, and later ones demand what they did back on every turn
/// (<https://ai.google.dev/gemini-api/docs/tool-combination>), which no other client format carries.
pub(super) fn encode_tools<'c>(
    tools: &'c [Tool<'_>],
    losses: &mut Losses,
) -> Result<Vec<ToolWire<'c>>, InvalidRequest> {
    let has_functions = tools.iter().any(|tool| matches!(tool.kind, ToolKind::Function(_)));
    let mut functions = Vec::new();
    let mut own = Vec::new();
    for tool in tools {
        if tool.cache.is_some() {
            losses.approximate(tool.path.as_str(), "the provider caches prompts without being told");
        }
        match &tool.kind {
            ToolKind::Function(function) => functions.push(encode_function(function, &tool.path)?),
            _ if has_functions => {
                losses.declare(tool.path.as_str(), "the provider's own tools cannot stand beside functions")
            }
            ToolKind::WebSearch(search) => {
                declare_search(search, &tool.path, losses);
                own.push(ToolWire { google_search: Some(Empty {}), ..ToolWire::default() });
            }
            ToolKind::CodeExecution => own.push(ToolWire { code_execution: Some(Empty {}), ..ToolWire::default() }),
        }
    }
    if !functions.is_empty() {
        own.push(ToolWire { function_declarations: functions, ..ToolWire::default() });
    }
    Ok(own)
}

/// `parametersJsonSchema` takes JSON Schema as it is, where `parameters` would want Google's dialect.
fn encode_function<'c>(function: &'c Function<'_>, path: &str) -> Result<FunctionWire<'c>, InvalidRequest> {
    let Function { name, description, parameters, strict: _ } = function; // `strict` is one mode for all, see below
    let schema = parameters.as_deref().map(serde_json::from_str::<&RawValue>).transpose();
    let parameters_json_schema =
        schema.map_err(|error| InvalidRequest::new(format!("{path}.parameters"), error.to_string()))?;
    Ok(FunctionWire { name, description: description.as_deref().unwrap_or_default(), parameters_json_schema })
}

/// Google Search takes no wishes that every Google API knows.
fn declare_search(search: &WebSearch<'_>, path: &str, losses: &mut Losses) {
    let WebSearch { allowed_domains, blocked_domains, max_uses, location, context_size } = search;
    for (is_set, member) in [
        (!allowed_domains.is_empty(), "allowed_domains"),
        (!blocked_domains.is_empty(), "blocked_domains"),
        (max_uses.is_some(), "max_uses"),
        (location.is_some(), "user_location"),
        (context_size.is_some(), "search_context_size"),
    ] {
        if is_set {
            losses.declare(format!("{path}.{member}"), "the provider's search takes no such wish");
        }
    }
}

/// `toolConfig`: <https://ai.google.dev/api/caching#FunctionCallingConfig>.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolConfigWire<'c> {
    function_calling_config: CallingWire<'c>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CallingWire<'c> {
    mode: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allowed_function_names: Vec<&'c str>,
}

/// The choice among functions. `VALIDATED` leaves it to the model whether to call and holds it to the schemas where it does,
/// which is what `strict` asks for.
pub(super) fn encode_choice<'c>(
    tools: &'c [Tool<'_>],
    sent: &[ToolWire<'_>],
    choice: Option<&'c Given<ToolChoice<'_>>>,
    capability: Capability,
    losses: &mut Losses,
) -> Option<ToolConfigWire<'c>> {
    if sent.iter().all(|tool| tool.function_declarations.is_empty()) {
        let forces = |choice: &&Given<ToolChoice<'_>>| !matches!(choice.value, ToolChoice::None | ToolChoice::Auto);
        if let Some(choice) = choice.filter(forces) {
            losses.declare(choice.path.as_ref(), "no function crossed that could be chosen");
        }
        return None;
    }
    let strict = || tools.iter().filter(|tool| matches!(&tool.kind, ToolKind::Function(f) if f.strict == Some(true)));
    let (mode, names): (_, Vec<&'c str>) = match choice.map(|choice| &choice.value) {
        Some(ToolChoice::None) => ("NONE", Vec::new()),
        Some(ToolChoice::Required) => ("ANY", Vec::new()),
        Some(ToolChoice::Named(name)) => ("ANY", vec![name]),
        Some(ToolChoice::Allowed { names, required: true }) => ("ANY", names.iter().map(Cow::as_ref).collect()),
        Some(ToolChoice::Allowed { names, required: false }) if capability.validates => {
            ("VALIDATED", names.iter().map(Cow::as_ref).collect())
        }
        Some(ToolChoice::Auto) | None if capability.validates && strict().next().is_some() => ("VALIDATED", Vec::new()),
        wish => {
            for tool in strict() {
                losses.declare(format!("{}.strict", tool.path), "the model cannot be held to a function's schema");
            }
            if let (Some(ToolChoice::Allowed { .. }), Some(choice)) = (wish, choice) {
                losses.approximate(choice.path.as_ref(), "the model may call any function where none is forced");
            }
            wish?;
            ("AUTO", Vec::new())
        }
    };
    Some(ToolConfigWire { function_calling_config: CallingWire { mode, allowed_function_names: names } })
}
