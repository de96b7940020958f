//! A client's tools and its choice of them, decoded.

use crate::{
    canonical::{Function, Given, Tool, ToolChoice, ToolKind, WebSearch},
    dialect::{InvalidRequest, want},
    json::Node,
    vendors::claude::decode_cache,
};

/// A member of `tools`. `None`, and a path in `extra`, for kinds that only OpenAI runs.
pub(super) fn decode_tool<'a>(
    value: Node<'a>,
    path: &str,
    extra: &mut Vec<String>,
) -> Result<Option<Tool<'a>>, InvalidRequest> {
    let members = want(value.members(), path, "an object")?;
    // Some clients leave the type out; a function is what it always was.
    let kind = value.member("type").and_then(Node::string).unwrap_or("function".into());
    if kind != "function" {
        extra.push(path.to_owned());
        return Ok(None);
    }
    let function_path = format!("{path}.function");
    let function = want(value.member("function"), &function_path, "an object")?;
    let name_path = format!("{function_path}.name");
    let name = function.member("name").and_then(Node::string).filter(|name| !name.is_empty());
    let name = want(name, &name_path, "a string that is not empty")?;
    let mut decoded = Function { name, description: None, parameters: None, strict: None };
    let mut cache = None;
    for (key, value) in members.into_iter().filter(|(_, value)| !value.is_null()) {
        match &*key {
            "type" | "function" => {}
            "cache_control" => cache = decode_cache(value, &format!("{path}.cache_control"))?,
            key => extra.push(format!("{path}.{key}")),
        }
    }
    for (key, value) in want(function.members(), &function_path, "an object")?.into_iter().filter(|(_, v)| !v.is_null())
    {
        let path = format!("{function_path}.{key}");
        match &*key {
            "name" => {}
            "description" => decoded.description = Some(want(value.string(), &path, "a string")?),
            "parameters" => {
                decoded.parameters = Some(want(value.members().map(|_| value.text()), &path, "an object")?.into());
            }
            "strict" => decoded.strict = Some(want(value.boolean(), &path, "true or false")?),
            "cache_control" => cache = decode_cache(value, &path)?,
            _ => extra.push(path),
        }
    }
    Ok(Some(Tool { kind: ToolKind::Function(decoded), cache, path: path.to_owned() }))
}

/// `tool_choice`: a word, or an object that names a function.
pub(super) fn decode_choice<'a>(
    value: Node<'a>,
    extra: &mut Vec<String>,
) -> Result<Option<Given<ToolChoice<'a>>>, InvalidRequest> {
    let given = |choice| Ok(Some(Given::new(choice, "tool_choice")));
    if let Some(word) = value.string() {
        return match &*word {
            "none" => given(ToolChoice::None),
            "auto" => given(ToolChoice::Auto),
            // `any` is Mistral's word for it.
            "required" | "any" => given(ToolChoice::Required),
            _ => Err(InvalidRequest::new(
                "tool_choice",
                "must be none, auto, required or an object that names a function",
            )),
        };
    }
    match value.member("type").and_then(Node::string).as_deref() {
        Some("function") => {
            let name = value.member("function").and_then(|function| function.member("name")).and_then(Node::string);
            given(ToolChoice::Named(want(name, "tool_choice.function.name", "a string")?))
        }
        Some("allowed_tools") => decode_allowed(value),
        Some(_) => {
            extra.push("tool_choice".to_owned());
            Ok(None)
        }
        None => {
            Err(InvalidRequest::new("tool_choice", "must be none, auto, required or an object that names a function"))
        }
    }
}

/// <https://platform.openai.com/docs/guides/function-calling#allowed-tools>
fn decode_allowed(value: Node<'_>) -> Result<Option<Given<ToolChoice<'_>>>, InvalidRequest> {
    let path = "tool_choice.allowed_tools";
    let allowed = want(value.member("allowed_tools"), path, "an object")?;
    let mode = allowed.member("mode").and_then(Node::string);
    let required = match mode.as_deref() {
        Some("required") => true,
        Some("auto") => false,
        _ => return Err(InvalidRequest::new(format!("{path}.mode"), "must be auto or required")),
    };
    let path = format!("{path}.tools");
    let tools = want(allowed.member("tools").and_then(Node::elements), &path, "a list")?.into_iter().enumerate();
    let names = tools.map(|(index, tool)| {
        let name = tool.member("function").and_then(|function| function.member("name")).and_then(Node::string);
        want(name, &format!("{path}.{index}.function.name"), "the name of a function")
    });
    let names = names.collect::<Result<_, _>>()?;
    Ok(Some(Given::new(ToolChoice::Allowed { names, required }, "tool_choice")))
}

/// `web_search_options`: <https://platform.openai.com/docs/guides/tools-web-search?api-mode=chat>.
pub(super) fn decode_search<'a>(value: Node<'a>, extra: &mut Vec<String>) -> Result<Tool<'a>, InvalidRequest> {
    let root = "web_search_options";
    let mut search = WebSearch::default();
    for (key, value) in want(value.members(), root, "an object")?.into_iter().filter(|(_, value)| !value.is_null()) {
        let path = format!("{root}.{key}");
        match &*key {
            // `medium` is the default.
            "search_context_size" => {
                let size = want(value.string(), &path, "a string")?;
                search.context_size = Some(Given::new(size, path)).filter(|given| given.value != "medium");
            }
            "user_location" => {
                let location = value.member("approximate").filter(|location| location.members().is_some());
                search.location = Some(want(location, &format!("{path}.approximate"), "an object")?.text());
            }
            _ => extra.push(path),
        }
    }
    Ok(Tool { kind: ToolKind::WebSearch(search), cache: None, path: root.to_owned() })
}
