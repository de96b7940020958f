use super::request::{decode_cache, want};
use crate::{
    canonical::{Function, Given, Tool, ToolChoice, ToolKind},
    formats::InvalidRequest,
    json::Node,
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
        Some(_) => {
            extra.push("tool_choice".to_owned());
            Ok(None)
        }
        None => {
            Err(InvalidRequest::new("tool_choice", "must be none, auto, required or an object that names a function"))
        }
    }
}
