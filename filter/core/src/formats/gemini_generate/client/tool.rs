//! A client's tools and its choice of them, decoded.

use super::{
    fields::{fields, list, string, word},
    schema::to_json_schema,
};
use crate::{
    canonical::{Chat, Function, Given, Tool, ToolChoice, ToolKind, WebSearch},
    dialect::{InvalidRequest, want},
    json::Node,
};

/// A member of `tools`, which may hold many: <https://ai.google.dev/api/caching#Tool>.
pub(super) fn decode_tool<'a>(value: Node<'a>, path: &str, chat: &mut Chat<'a>) -> Result<(), InvalidRequest> {
    for (key, value) in fields(value, path)? {
        let path = format!("{path}.{key}");
        let kind = match &*key {
            "functionDeclarations" => {
                for (index, value) in list(value).into_iter().enumerate() {
                    let path = format!("{path}.{index}");
                    let function = decode_function(value, &path, &mut chat.extra)?;
                    chat.tools.push(Tool { kind: ToolKind::Function(function), cache: None, path });
                }
                continue;
            }
            "googleSearch" | "googleSearchRetrieval" => {
                ToolKind::WebSearch(decode_search(value, &path, &mut chat.extra)?)
            }
            "codeExecution" => ToolKind::CodeExecution,
            _ => {
                chat.extra.push(path);
                continue;
            }
        };
        chat.tools.push(Tool { kind, cache: None, path });
    }
    Ok(())
}

fn decode_function<'a>(value: Node<'a>, path: &str, extra: &mut Vec<String>) -> Result<Function<'a>, InvalidRequest> {
    let mut function = Function { name: "".into(), description: None, parameters: None, strict: None };
    for (key, value) in fields(value, path)? {
        let path = format!("{path}.{key}");
        match &*key {
            "name" => function.name = string(value, &path)?,
            "description" => function.description = Some(string(value, &path)?).filter(|text| !text.is_empty()),
            "parameters" => {
                want(value.members(), &path, "an object")?;
                function.parameters = Some(to_json_schema(value).into());
            }
            "parametersJsonSchema" => {
                function.parameters = Some(want(value.members().map(|_| value.text()), &path, "an object")?.into());
            }
            "behavior" if matches!(word(value, &path)?.as_str(), "UNSPECIFIED" | "BLOCKING") => {}
            _ => extra.push(path),
        }
    }
    if function.name.is_empty() {
        return Err(InvalidRequest::new(format!("{path}.name"), "must be a name"));
    }
    Ok(function)
}

/// Google Search; `excludeDomains` is Vertex's
/// (<https://docs.cloud.google.com/vertex-ai/generative-ai/docs/grounding/grounding-with-google-search>).
fn decode_search<'a>(value: Node<'a>, path: &str, extra: &mut Vec<String>) -> Result<WebSearch<'a>, InvalidRequest> {
    let mut search = WebSearch::default();
    for (key, value) in fields(value, path)? {
        let path = format!("{path}.{key}");
        match &*key {
            "excludeDomains" => {
                for domain in list(value) {
                    search.blocked_domains.push(string(domain, &path)?);
                }
            }
            _ => extra.push(path),
        }
    }
    Ok(search)
}

/// `toolConfig`: <https://ai.google.dev/api/caching#ToolConfig>.
pub(super) fn decode_config<'a>(value: Node<'a>, chat: &mut Chat<'a>) -> Result<(), InvalidRequest> {
    for (key, value) in fields(value, "toolConfig")? {
        let path = format!("toolConfig.{key}");
        match &*key {
            "functionCallingConfig" => decode_calling(value, path, chat)?,
            "includeServerSideToolInvocations" if value.boolean() == Some(false) => {}
            _ => chat.extra.push(path),
        }
    }
    Ok(())
}

fn decode_calling<'a>(value: Node<'a>, path: String, chat: &mut Chat<'a>) -> Result<(), InvalidRequest> {
    let (mut mode, mut names) = (String::new(), Vec::new());
    for (key, value) in fields(value, &path)? {
        let path = format!("{path}.{key}");
        match &*key {
            "mode" => mode = word(value, &path)?,
            "allowedFunctionNames" => {
                for name in list(value) {
                    names.push(string(name, &path)?);
                }
            }
            "streamFunctionCallArguments" if value.boolean() == Some(false) => {}
            _ => chat.extra.push(path),
        }
    }
    let mode_path = format!("{path}.mode");
    let choice = match mode.as_str() {
        "" | "MODE_UNSPECIFIED" if names.is_empty() => return Ok(()),
        "NONE" => ToolChoice::None,
        // Names restrict the two modes below only, and Google refuses them elsewhere.
        "" | "MODE_UNSPECIFIED" | "AUTO" => ToolChoice::Auto,
        "ANY" => match names.as_mut_slice() {
            [] => ToolChoice::Required,
            [name] => ToolChoice::Named(std::mem::take(name)),
            _ => ToolChoice::Allowed { names, required: true },
        },
        "VALIDATED" => {
            // That arguments follow their schema is said of single functions elsewhere, where the schemas allow it.
            chat.extra.push(mode_path.clone());
            match names.is_empty() {
                true => ToolChoice::Auto,
                false => ToolChoice::Allowed { names, required: false },
            }
        }
        _ => return Err(InvalidRequest::new(mode_path, "must be AUTO, ANY, NONE or VALIDATED")),
    };
    chat.tool_choice = Some(Given::new(choice, mode_path));
    Ok(())
}
