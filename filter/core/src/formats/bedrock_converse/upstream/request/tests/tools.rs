//! Requests with tools.

use super::*;

#[test]
fn each_choice_of_tools_is_said_as_near_as_it_can_be() {
    let choose = |choice: ToolChoice<'static>, history: bool| {
        let mut chat = question();
        if history {
            chat.messages.push(message(Role::Assistant, [call("t", "f", "{}")]));
        }
        chat.tools = vec![tool("f", None), tool("g", None)];
        chat.tool_choice = given(choice, "tool_choice");
        let (body, losses) = encode(CLAUDE, &chat);
        let names = body["toolConfig"]["tools"]
            .as_array()
            .map(|tools| tools.iter().map(|tool| tool["toolSpec"]["name"].as_str().unwrap()).collect::<String>());
        (names.unwrap_or_default(), body["toolConfig"]["toolChoice"].to_string(), losses)
    };
    let shown = |names: &str, choice: &str, losses: &[&str]| {
        (names.to_owned(), choice.to_owned(), losses.iter().map(|loss| (*loss).to_owned()).collect::<Vec<_>>())
    };
    assert_eq!(choose(ToolChoice::Auto, false), shown("fg", "null", &[]));
    assert_eq!(choose(ToolChoice::Required, false), shown("fg", r#"{"any":{}}"#, &[]));
    assert_eq!(choose(ToolChoice::Named("g".into()), false), shown("fg", r#"{"tool":{"name":"g"}}"#, &[]));
    assert_eq!(choose(ToolChoice::None, false), shown("", "null", &["~tools"]));
    assert_eq!(choose(ToolChoice::None, true), shown("fg", "null", &["~tool_choice"]));
    let allowed = |required| ToolChoice::Allowed { names: vec!["g".into()], required };
    assert_eq!(choose(allowed(true), false), shown("g", r#"{"any":{}}"#, &["~tools.f"]));
    assert_eq!(choose(allowed(false), false), shown("g", "null", &["~tools.f"]));
}

#[test]
fn one_call_at_a_time_is_asked_of_newer_claude_in_its_own_words() {
    let mut chat = question();
    chat.tools = vec![tool("f", None)];
    chat.parallel_tools = given(false, "parallel_tool_calls");
    chat.tool_choice = given(ToolChoice::Named("f".into()), "tool_choice");
    let (body, losses) = encode(CLAUDE, &chat);
    let own = json!({"type": "tool", "name": "f", "disable_parallel_tool_use": true});
    assert_eq!(body["additionalModelRequestFields"], json!({"tool_choice": own}));
    assert_eq!((&body["toolConfig"]["toolChoice"], losses.len()), (&Value::Null, 0));
    let (body, losses) = encode(NOVA, &chat);
    assert_eq!(body["toolConfig"]["toolChoice"], json!({"tool": {"name": "f"}}));
    assert_eq!(losses, ["-parallel_tool_calls"]);
    chat.tools.clear();
    let (body, losses) = encode(CLAUDE, &chat);
    assert_eq!(body.get("additionalModelRequestFields").or(body.get("toolConfig")), None);
    assert_eq!(losses, ["-tool_choice"]);
}

#[test]
fn tools_of_earlier_calls_are_described_where_the_client_describes_none() {
    let chat = chat([
        message(Role::Assistant, [call("a", "f", "{}"), call("b", "f", "{}"), call("c", "g.h", "{}")]),
        message(Role::User, [result("a", [text("1")], false)]),
    ]);
    let (body, losses) = encode(CLAUDE, &chat);
    let spec = |name: &str| json!({"toolSpec": {"name": name, "inputSchema": {"json": {"type": "object"}}}});
    assert_eq!(body["toolConfig"], json!({"tools": [spec("f"), spec("g_h")]}));
    assert_eq!(losses, ["~tools"]);
}

#[test]
fn names_of_tools_that_could_not_come_back_are_refused() {
    let mut chat = question();
    chat.tools = vec![tool("a.b", None)];
    assert!(refusal(CLAUDE, &chat).starts_with("tools.a.b: the provider takes names of tools of 1 to 64"));
}

#[test]
fn strict_tools_and_schemas_are_for_models_that_hold_to_them() {
    let strict = Function { name: "f".into(), description: None, parameters: None, strict: Some(true) };
    let mut chat = question();
    chat.tools = vec![Tool { kind: ToolKind::Function(strict), cache: None, path: "tools.0".to_owned() }];
    let schema = ResponseFormat::JsonSchema {
        schema: r#"{"type":"object"}"#.into(),
        name: Some("answer".into()),
        description: None,
        strict: Some(true),
    };
    chat.response_format = given(schema, "response_format");
    let (body, losses) = encode(CLAUDE, &chat);
    assert_eq!(body["toolConfig"]["tools"][0]["toolSpec"]["strict"], true);
    let schema = json!({"schema": r#"{"type":"object"}"#, "name": "answer"});
    let format = json!({"type": "json_schema", "structure": {"jsonSchema": schema}});
    assert_eq!((&body["outputConfig"], losses.len()), (&json!({"textFormat": format}), 0));
    let (body, losses) = encode(NOVA, &chat);
    assert_eq!(body.get("outputConfig"), None);
    assert_eq!(losses, ["-tools.0.strict", "-response_format"]);
    chat.response_format = given(ResponseFormat::JsonObject, "response_format");
    assert_eq!(encode(CLAUDE, &chat).1, ["-response_format"]);
}

#[test]
fn tools_of_a_providers_own_are_for_models_that_have_them() {
    let mut chat = question();
    let search = WebSearch { max_uses: Some(3), ..WebSearch::default() };
    chat.tools = vec![
        Tool { kind: ToolKind::WebSearch(search), cache: None, path: "tools.0".to_owned() },
        Tool { kind: ToolKind::CodeExecution, cache: None, path: "tools.1".to_owned() },
    ];
    let (body, losses) = encode(NOVA_2, &chat);
    let system_tool = |name: &str| json!({"systemTool": {"name": name}});
    assert_eq!(
        body["toolConfig"]["tools"],
        json!([system_tool("nova_grounding"), system_tool("nova_code_interpreter")])
    );
    assert_eq!(losses, ["~tools.0"]);
    let (body, losses) = encode(CLAUDE, &chat);
    assert_eq!((body.get("toolConfig"), losses), (None, vec!["-tools.0".to_owned(), "-tools.1".to_owned()]));
}
