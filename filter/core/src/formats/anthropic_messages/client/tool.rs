//! A client's tools and its choice of them, decoded.

use crate::{
    canonical::{Chat, Function, Given, Tool, ToolChoice, ToolKind, WebSearch},
    dialect::{InvalidRequest, want},
    json::Node,
    vendors::claude::decode_cache,
};

/// A member of `tools`. `None`, and a path in `extra`, for kinds that only Anthropic's models know.
pub(super) fn decode_tool<'a>(
    value: Node<'a>,
    path: &str,
    extra: &mut Vec<String>,
) -> Result<Option<Tool<'a>>, InvalidRequest> {
    let members = want(value.members(), path, "an object")?;
    let text = |key: &str| value.member(key).and_then(Node::string);
    // The kinds of the provider's tools have a date behind their names, as in `code_execution_20250825`.
    let kind = match text("type").as_deref() {
        None | Some("custom") => Kind::Function,
        Some(kind) if kind.starts_with("web_search_") => Kind::WebSearch,
        Some(kind) if kind.starts_with("code_execution_") => Kind::CodeExecution,
        Some(_) => {
            extra.push(path.to_owned());
            return Ok(None);
        }
    };
    let name = text("name").filter(|name| !name.is_empty());
    let name = want(name, &format!("{path}.name"), "a string that is not empty")?;
    let mut cache = None;
    let mut function = Function { name, description: None, parameters: None, strict: None };
    let mut search = WebSearch::default();
    for (key, value) in members.into_iter().filter(|(_, value)| !value.is_null()) {
        let at = format!("{path}.{key}");
        match (&*key, kind) {
            ("type" | "name", _) => {}
            ("cache_control", _) => cache = decode_cache(value, &at)?,
            ("description", Kind::Function) => function.description = Some(want(value.string(), &at, "a string")?),
            ("input_schema", Kind::Function) => {
                function.parameters = Some(want(value.members().map(|_| value.text()), &at, "an object")?.into());
            }
            ("strict", Kind::Function) => function.strict = Some(want(value.boolean(), &at, "true or false")?),
            ("max_uses", Kind::WebSearch) => search.max_uses = Some(want(value.whole(), &at, "a whole number")?),
            ("allowed_domains", Kind::WebSearch) => search.allowed_domains = decode_texts(value, &at)?,
            ("blocked_domains", Kind::WebSearch) => search.blocked_domains = decode_texts(value, &at)?,
            ("user_location", Kind::WebSearch) => {
                search.location = Some(want(value.members().map(|_| value.text()), &at, "an object")?);
            }
            ("defer_loading" | "eager_input_streaming", _) if value.boolean() == Some(false) => {}
            _ => extra.push(at),
        }
    }
    let kind = match kind {
        Kind::Function => {
            want(function.parameters.as_ref(), &format!("{path}.input_schema"), "an object")?;
            ToolKind::Function(function)
        }
        Kind::WebSearch => ToolKind::WebSearch(search),
        Kind::CodeExecution => ToolKind::CodeExecution,
    };
    Ok(Some(Tool { kind, cache, path: path.to_owned() }))
}

/// The kinds that other formats know too.
#[derive(Clone, Copy)]
enum Kind {
    Function,
    WebSearch,
    CodeExecution,
}

fn decode_texts<'a>(value: Node<'a>, path: &str) -> Result<Vec<std::borrow::Cow<'a, str>>, InvalidRequest> {
    let texts: Option<Vec<_>> = value.elements().and_then(|all| all.into_iter().map(Node::string).collect());
    want(texts, path, "a list of strings")
}

/// `tool_choice`, in which the ban on parallel calls stands too.
pub(super) fn decode_choice<'a>(value: Node<'a>, chat: &mut Chat<'a>) -> Result<(), InvalidRequest> {
    let text = |key: &str| value.member(key).and_then(Node::string);
    let choice = match text("type").as_deref() {
        Some("auto") => ToolChoice::Auto,
        Some("any") => ToolChoice::Required,
        Some("none") => ToolChoice::None,
        Some("tool") => ToolChoice::Named(want(text("name"), "tool_choice.name", "a string")?),
        _ => return Err(InvalidRequest::new("tool_choice.type", "must be auto, any, tool or none")),
    };
    chat.tool_choice = Some(Given::new(choice, "tool_choice"));
    if let Some(value) = value.member("disable_parallel_tool_use").filter(|value| !value.is_null()) {
        let path = "tool_choice.disable_parallel_tool_use";
        let disables = want(value.boolean(), path, "true or false")?;
        chat.parallel_tools = Some(Given::new(!disables, path));
    }
    Ok(())
}
