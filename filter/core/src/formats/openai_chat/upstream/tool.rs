//! Tools and the choice of them for the provider.

use std::{borrow::Cow, collections::BTreeSet};

use serde::Serialize;
use serde_json::value::RawValue;

use super::capability::Capability;
use crate::{
    canonical::{Function, Given, Losses, Tool, ToolChoice, ToolKind, WebSearch},
    dialect::InvalidRequest,
    json::{Edit, Envelope},
    vendors::openai::complete_schema,
};

/// What a request says about tools.
#[derive(Default)]
pub(super) struct Tools<'c> {
    pub(super) tools: Vec<ToolWire<'c>>,
    pub(super) choice: Option<ChoiceWire<'c>>,
    pub(super) search: Option<SearchWire<'c>>,
}

/// Tools in the client's order, which prompt caches depend on.
pub(super) fn encode_tools<'c>(
    tools: &'c [Tool<'_>],
    choice: Option<&'c Given<ToolChoice<'_>>>,
    capability: Capability,
    model: &str,
    losses: &mut Losses,
) -> Result<Tools<'c>, InvalidRequest> {
    let mut said = Tools::default();
    // Only OpenAI knows a list of allowed tools; elsewhere the others are left out, which constrains as well.
    let only = match choice.map(|given| &given.value) {
        Some(ToolChoice::Allowed { names, .. }) if !capability.is_openai() => {
            Some(names.iter().map(|name| &**name).collect::<BTreeSet<_>>())
        }
        _ => None,
    };
    for tool in tools {
        if tool.cache.is_some() {
            losses.declare(format!("{}.cache_control", tool.path), "the provider's format marks no tools for caching");
        }
        match &tool.kind {
            ToolKind::Function(function) => {
                check_name(&function.name, &tool.path, capability)?;
                if only.as_ref().is_none_or(|names| names.contains(&*function.name)) {
                    said.tools.push(encode_function(function)?);
                }
            }
            // <https://platform.openai.com/docs/guides/tools-web-search?api-mode=chat>: only these models search.
            ToolKind::WebSearch(search) if capability.is_openai() && model.contains("search") => {
                said.search = Some(encode_search(search, &tool.path, losses)?);
            }
            ToolKind::WebSearch(_) => losses.declare(tool.path.as_str(), "the model has no search in this format"),
            ToolKind::CodeExecution => {
                losses.declare(tool.path.as_str(), "the provider's format runs no code of the model");
            }
        }
    }
    let Some(given) = choice else { return Ok(said) };
    if said.tools.is_empty() {
        if !matches!(given.value, ToolChoice::None | ToolChoice::Auto) {
            losses.declare(given.path.as_ref(), "no tool crossed that could be chosen");
        }
        return Ok(said);
    }
    if only.is_some() {
        losses.approximate(given.path.as_ref(), "the tools that are not allowed are left out");
    }
    said.choice = Some(encode_choice(&given.value, capability));
    Ok(said)
}

/// OpenAI takes names of 1 to 64 letters, digits, `_` and `-`. Another name cannot stand in: the client would not know it.
pub(super) fn check_name(name: &str, path: &str, capability: Capability) -> Result<(), InvalidRequest> {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    let is_name = (1..=MAX_NAME).contains(&name.len()) && name.chars().all(is_letter);
    if capability.is_openai() && !is_name {
        let message = "the provider takes names of 1 to 64 letters, digits, _ and -; give the tool such a name";
        return Err(InvalidRequest::new(format!("{path}.name"), message));
    }
    Ok(())
}

/// The longest name of a function.
const MAX_NAME: usize = 64;

fn encode_function<'c>(function: &'c Function<'_>) -> Result<ToolWire<'c>, InvalidRequest> {
    let Function { name, description, parameters, strict } = function;
    let function = FunctionWire {
        name,
        description: description.as_deref(),
        parameters: parameters
            .as_deref()
            .map(complete_schema)
            .transpose()
            .map_err(|error| InvalidRequest { message: error.to_string(), param: None })?,
        strict: strict.filter(|strict| *strict),
    };
    Ok(ToolWire { r#type: "function", function })
}

fn encode_search<'c>(
    search: &'c WebSearch<'_>,
    path: &str,
    losses: &mut Losses,
) -> Result<SearchWire<'c>, InvalidRequest> {
    let WebSearch { allowed_domains, blocked_domains, max_uses, location, context_size } = search;
    if !allowed_domains.is_empty() || !blocked_domains.is_empty() || max_uses.is_some() {
        losses.approximate(path, "the provider's search takes a location and the size of its context only");
    }
    let user_location = match location {
        Some(location) => Some(LocationWire { r#type: "approximate", approximate: encode_place(location, path)? }),
        None => None,
    };
    Ok(SearchWire { user_location, search_context_size: context_size.as_ref().map(|given| &*given.value) })
}

/// The place alone: that it is an approximate one is said around it, and refused inside.
fn encode_place(location: &str, path: &str) -> Result<Box<RawValue>, InvalidRequest> {
    let invalid = || InvalidRequest::new(path, "must have a location that is an object");
    let envelope = Envelope::scan(location.as_bytes()).map_err(|_| invalid())?;
    let place = envelope.splice(location.as_bytes(), &[Edit::Remove("type")]);
    String::from_utf8(place).ok().and_then(|place| RawValue::from_string(place).ok()).ok_or_else(invalid)
}

fn encode_choice<'c>(choice: &'c ToolChoice<'_>, capability: Capability) -> ChoiceWire<'c> {
    match choice {
        ToolChoice::None => ChoiceWire::Word("none"),
        ToolChoice::Auto => ChoiceWire::Word("auto"),
        ToolChoice::Required => ChoiceWire::Word("required"),
        ToolChoice::Named(name) => ChoiceWire::Named(NamedWire::of(name)),
        ToolChoice::Allowed { names, required } => {
            let mode = if *required { "required" } else { "auto" };
            if !capability.is_openai() {
                return ChoiceWire::Word(mode);
            }
            let tools = names.iter().map(|name| NamedWire::of(name)).collect();
            ChoiceWire::Allowed { r#type: "allowed_tools", allowed_tools: AllowedWire { mode, tools } }
        }
    }
}

#[derive(Serialize)]
pub(super) struct ToolWire<'c> {
    r#type: &'static str,
    function: FunctionWire<'c>,
}

#[derive(Serialize)]
struct FunctionWire<'c> {
    name: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<Cow<'c, RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ChoiceWire<'c> {
    Word(&'static str),
    Named(NamedWire<'c>),
    Allowed { r#type: &'static str, allowed_tools: AllowedWire<'c> },
}

#[derive(Serialize)]
pub(super) struct NamedWire<'c> {
    r#type: &'static str,
    function: NameWire<'c>,
}

#[derive(Serialize)]
struct NameWire<'c> {
    name: &'c str,
}

impl<'c> NamedWire<'c> {
    fn of(name: &'c str) -> Self {
        Self { r#type: "function", function: NameWire { name } }
    }
}

#[derive(Serialize)]
pub(super) struct AllowedWire<'c> {
    mode: &'static str,
    tools: Vec<NamedWire<'c>>,
}

/// <https://platform.openai.com/docs/guides/tools-web-search?api-mode=chat#user-location>
#[derive(Serialize)]
pub(super) struct SearchWire<'c> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_location: Option<LocationWire>,
    #[serde(skip_serializing_if = "Option::is_none")]
    search_context_size: Option<&'c str>,
}

#[derive(Serialize)]
struct LocationWire {
    r#type: &'static str,
    approximate: Box<RawValue>,
}
