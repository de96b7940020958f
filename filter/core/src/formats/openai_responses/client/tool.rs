//! A client's tools and its choice of them, decoded.

use std::collections::BTreeSet;

use super::fields::{leave_rest, pick, text, text_if_any};
use crate::{
    canonical::{Function, Given, Tool, ToolChoice, ToolKind, WebSearch},
    dialect::{InvalidRequest, want},
    json::Node,
};

/// `tools`: <https://platform.openai.com/docs/api-reference/responses/create#responses_create-tools>. Kinds that only
/// OpenAI runs are left over.
pub(super) fn decode_tools<'a>(value: Node<'a>, extra: &mut Vec<String>) -> Result<Vec<Tool<'a>>, InvalidRequest> {
    let mut tools = Vec::new();
    for (index, tool) in want(value.elements(), "tools", "a list")?.into_iter().enumerate() {
        tools.extend(decode_tool(tool, format!("tools.{index}"), extra)?);
    }
    Ok(tools)
}

fn decode_tool<'a>(value: Node<'a>, path: String, extra: &mut Vec<String>) -> Result<Option<Tool<'a>>, InvalidRequest> {
    let members = want(value.members(), &path, "an object")?;
    let kind = match &*text(&members, "type", &path)? {
        "function" => {
            let name = pick(&members, "name").and_then(Node::string).filter(|name| !name.is_empty());
            let parameters = pick(&members, "parameters");
            let schema = parameters.map(|schema| {
                want(schema.members().map(|_| schema.text().into()), &format!("{path}.parameters"), "an object")
            });
            let strict = match pick(&members, "strict") {
                Some(strict) => Some(want(strict.boolean(), &format!("{path}.strict"), "true or false")?),
                // Where it is not said, arguments follow the schema to the letter if the schema allows that (the
                // description of the member in OpenAI's specification).
                None => parameters.filter(|schema| is_strict(*schema, 0)).map(|_| true),
            };
            leave_rest(&members, &["type", "name", "description", "parameters", "strict"], &path, extra);
            ToolKind::Function(Function {
                name: want(name, &format!("{path}.name"), "a string that is not empty")?,
                description: text_if_any(&members, "description", &path)?,
                parameters: schema.transpose()?,
                strict,
            })
        }
        "web_search" | "web_search_2025_08_26" | "web_search_preview" | "web_search_preview_2025_03_11" => {
            if pick(&members, "external_web_access").is_some_and(|value| value.boolean() != Some(true)) {
                extra.push(format!("{path}.external_web_access"));
            }
            let known = ["type", "filters", "user_location", "search_context_size", "external_web_access"];
            leave_rest(&members, &known, &path, extra);
            let mut search = WebSearch::default();
            if let Some(filters) = pick(&members, "filters") {
                decode_filters(filters, &format!("{path}.filters"), &mut search, extra)?;
            }
            let location = pick(&members, "user_location").map(|location| {
                want(location.members().map(|_| location.text()), &format!("{path}.user_location"), "an object")
            });
            search.location = location.transpose()?;
            let size = text_if_any(&members, "search_context_size", &path)?.filter(|size| size != "medium");
            search.context_size = size.map(|size| Given::new(size, format!("{path}.search_context_size")));
            ToolKind::WebSearch(search)
        }
        "code_interpreter" => {
            // A container of one's own, with files in it, is kept by OpenAI.
            let is_plain = |container: Node<'_>| container.members().is_some_and(|members| members.len() == 1);
            if pick(&members, "container").is_some_and(|container| !is_plain(container)) {
                extra.push(format!("{path}.container"));
            }
            leave_rest(&members, &["type", "container"], &path, extra);
            ToolKind::CodeExecution
        }
        _ => {
            extra.push(path);
            return Ok(None);
        }
    };
    Ok(Some(Tool { kind, cache: None, path }))
}

fn decode_filters<'a>(
    value: Node<'a>,
    path: &str,
    search: &mut WebSearch<'a>,
    extra: &mut Vec<String>,
) -> Result<(), InvalidRequest> {
    let members = want(value.members(), path, "an object")?;
    for (key, domains) in
        [("allowed_domains", &mut search.allowed_domains), ("blocked_domains", &mut search.blocked_domains)]
    {
        let Some(list) = pick(&members, key) else { continue };
        let list = list.elements().map(|all| all.into_iter().map(Node::string).collect::<Option<Vec<_>>>());
        *domains = want(list.flatten(), &format!("{path}.{key}"), "a list of strings")?;
    }
    leave_rest(&members, &["allowed_domains", "blocked_domains"], path, extra);
    Ok(())
}

/// Deepest schema that counts as strict: OpenAI's own bound
/// (<https://platform.openai.com/docs/guides/structured-outputs#supported-schemas>).
const MAX_DEPTH: u32 = 10;

/// Whether a schema follows the rules of strict ones: each object closed, and each of its properties required.
fn is_strict(schema: Node<'_>, depth: u32) -> bool {
    let Some(members) = schema.members().filter(|_| depth < MAX_DEPTH) else { return false };
    let next = depth.saturating_add(1);
    let all = |node: Node<'_>| {
        let inner = node.members().map(|members| members.into_iter().map(|(_, inner)| inner).collect());
        inner.or_else(|| node.elements()).is_some_and(|inner: Vec<_>| inner.into_iter().all(|one| is_strict(one, next)))
    };
    let is_object = pick(&members, "type").and_then(Node::string).is_some_and(|kind| kind == "object");
    let has_other_rules = ["oneOf", "allOf", "not"].into_iter().any(|key| pick(&members, key).is_some());
    if has_other_rules || (depth == 0 && !is_object) {
        return false;
    }
    if is_object {
        let required: Vec<_> = pick(&members, "required").and_then(Node::elements).unwrap_or_default();
        let required: BTreeSet<_> = required.into_iter().filter_map(Node::string).collect();
        let properties = pick(&members, "properties").and_then(Node::members).unwrap_or_default();
        let closed = pick(&members, "additionalProperties").and_then(Node::boolean) == Some(false);
        if !closed || !properties.iter().all(|(name, _)| required.contains(name)) {
            return false;
        }
    }
    let inner = ["properties", "$defs", "definitions", "anyOf"].into_iter().filter_map(|key| pick(&members, key));
    inner.into_iter().all(all) && pick(&members, "items").is_none_or(|items| is_strict(items, next))
}

/// `tool_choice`: a word, or an object that names a tool or several.
pub(super) fn decode_choice<'a>(
    value: Node<'a>,
    extra: &mut Vec<String>,
) -> Result<Option<Given<ToolChoice<'a>>>, InvalidRequest> {
    let path = "tool_choice";
    let given = |choice| Ok(Some(Given::new(choice, path)));
    let expected = "none, auto, required or an object that names tools";
    if let Some(word) = value.string() {
        return match &*word {
            "none" => given(ToolChoice::None),
            "auto" => given(ToolChoice::Auto),
            "required" => given(ToolChoice::Required),
            _ => Err(InvalidRequest::new(path, format!("must be {expected}"))),
        };
    }
    let members = want(value.members(), path, expected)?;
    match &*text(&members, "type", path)? {
        "function" => given(ToolChoice::Named(text(&members, "name", path)?)),
        "allowed_tools" => {
            let at = "tool_choice.tools";
            let mut names = Vec::new();
            for (index, tool) in
                want(pick(&members, "tools").and_then(Node::elements), at, "a list")?.into_iter().enumerate()
            {
                let is_function = tool.member("type").and_then(Node::string).is_some_and(|kind| kind == "function");
                match tool.member("name").and_then(Node::string).filter(|_| is_function) {
                    Some(name) => names.push(name),
                    None => extra.push(format!("{at}.{index}")),
                }
            }
            let required = match &*text(&members, "mode", path)? {
                "auto" => false,
                "required" => true,
                _ => return Err(InvalidRequest::new("tool_choice.mode", "must be auto or required")),
            };
            given(ToolChoice::Allowed { names, required })
        }
        _ => {
            extra.push(path.to_owned());
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tools(text: &str) -> (Vec<Tool<'_>>, Vec<String>) {
        let mut extra = Vec::new();
        (decode_tools(Node::parse(text.as_bytes()).unwrap(), &mut extra).unwrap(), extra)
    }

    fn strictness(tool: &str) -> Option<bool> {
        match &tools(&format!("[{tool}]")).0[0].kind {
            ToolKind::Function(function) => function.strict,
            _ => panic!("no function"),
        }
    }

    #[test]
    fn a_function_without_a_word_is_strict_where_its_schema_allows_it() {
        let closed = r#"{"type":"object","properties":{"a":{"type":["string","null"]},"b":{"type":"array","items":
            {"type":"object","properties":{},"additionalProperties":false}}},"required":["a","b"],"additionalProperties":false}"#;
        let function = |schema: &str, more: &str| {
            strictness(&format!(r#"{{"type":"function","name":"f","parameters":{schema}{more}}}"#))
        };
        assert_eq!(function(closed, ""), Some(true));
        assert_eq!(function(closed, r#","strict":null"#), Some(true));
        assert_eq!(function(closed, r#","strict":false"#), Some(false));
        assert_eq!(function(&closed.replace(r#""required":["a","b"]"#, r#""required":["a"]"#), ""), None);
        assert_eq!(function(&closed.replace(r#","additionalProperties":false}}}"#, "}}}"), ""), None);
        assert_eq!(function(r#"{"type":"object","properties":{}}"#, ""), None);
        assert_eq!(function(r#"{"type":"object"}"#, r#","strict":true"#), Some(true));
        assert_eq!(strictness(r#"{"type":"function","name":"f"}"#), None);
    }

    #[test]
    fn tools_keep_their_order_and_only_openais_own_are_left_over() {
        let (tools, extra) = tools(
            r#"[{"type":"custom","name":"sql"},{"type":"function","name":"b","parameters":null,"defer_loading":true},
            {"type":"web_search","search_context_size":"low","filters":{"allowed_domains":["a.org"]},
             "user_location":{"type":"approximate","city":"Oslo"}},
            {"type":"code_interpreter","container":{"type":"auto"}},{"type":"mcp","server_label":"x"},
            {"type":"code_interpreter","container":"cntr_1"},{"type":"function","name":"a"}]"#,
        );
        let paths: Vec<_> = tools.iter().map(|tool| tool.path.as_str()).collect();
        assert_eq!(paths, ["tools.1", "tools.2", "tools.3", "tools.5", "tools.6"]);
        let search = WebSearch {
            allowed_domains: vec!["a.org".into()],
            location: Some(r#"{"type":"approximate","city":"Oslo"}"#),
            context_size: Some(Given::new("low".into(), "tools.2.search_context_size")),
            ..WebSearch::default()
        };
        assert_eq!(tools[1].kind, ToolKind::WebSearch(search));
        assert_eq!(extra, ["tools.0", "tools.1.defer_loading", "tools.4", "tools.5.container"]);
    }

    #[test]
    fn every_choice_has_its_form() {
        let mut extra = Vec::new();
        let mut decode = |text: &'static str| {
            decode_choice(Node::parse(text.as_bytes()).unwrap(), &mut extra).map(|given| given.map(|given| given.value))
        };
        assert_eq!(decode("\"required\""), Ok(Some(ToolChoice::Required)));
        assert_eq!(decode(r#"{"type":"function","name":"f"}"#), Ok(Some(ToolChoice::Named("f".into()))));
        assert_eq!(
            decode(
                r#"{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"f"},{"type":"web_search"}]}"#
            ),
            Ok(Some(ToolChoice::Allowed { names: vec!["f".into()], required: false })),
        );
        assert_eq!(decode(r#"{"type":"image_generation"}"#), Ok(None));
        assert!(decode("\"sometimes\"").is_err());
        assert_eq!(extra, ["tool_choice.tools.1", "tool_choice"]);
    }
}
