//! Requests to providers, encoded.

use super::super::request::encode_request;
use crate::{
    canonical::{
        Block, CacheMark, Chat, Effort, Function, Given, Losses, Message, Part, Reasoning, ResponseFormat, Role, Seal,
        ServiceTier, Source, Tool, ToolChoice, ToolKind, Vendor, WebSearch,
    },
    dialect::{Framing, Translation},
    json::Envelope,
    words::Format,
};

fn translation(model: &str, stream: bool) -> Translation<'_> {
    Translation {
        client: Format::AnthropicMessages,
        upstream: Format::OpenaiChat,
        model,
        default_max_tokens: 4096,
        stream,
        include_usage: false,
        framing: Framing::Sse,
        exchange: "0",
        created_s: 0,
    }
}

fn part(block: Block<'static>) -> Part<'static> {
    Part { block, cache: None, path: "at".to_owned() }
}

fn message(role: Role, blocks: impl IntoIterator<Item = Block<'static>>) -> Message<'static> {
    Message { role, parts: blocks.into_iter().map(part).collect(), path: "message".to_owned() }
}

fn chat(messages: Vec<Message<'static>>) -> Chat<'static> {
    Chat { messages, ..Chat::default() }
}

/// What is sent for a model, without the model's name, and the paths that were lost.
fn sent(model: &str, chat: &Chat<'_>) -> (String, Vec<String>) {
    let mut losses = Losses::default();
    let body = String::from_utf8(encode_request(&translation(model, false), chat, &mut losses).unwrap()).unwrap();
    let named = format!(r#"{{"model":"{model}","#);
    (body.strip_prefix(&named).unwrap().to_owned(), losses.iter().map(|loss| loss.path.clone()).collect())
}

fn refused(model: &str, chat: &Chat<'_>) -> String {
    encode_request(&translation(model, false), chat, &mut Losses::default()).unwrap_err().to_string()
}

fn call(id: &'static str) -> Block<'static> {
    Block::ToolUse { id: id.into(), name: "f".into(), input: r#"{"x":1}"#.into() }
}

fn result(id: &'static str, blocks: impl IntoIterator<Item = Block<'static>>) -> Block<'static> {
    Block::ToolResult { id: id.into(), parts: blocks.into_iter().map(part).collect(), is_error: false }
}

fn image() -> Block<'static> {
    let source = Source::Base64 { media_type: "image/png".into(), data: "AAAA".into() };
    Block::Image { source, detail: Some("low".into()) }
}

#[test]
fn a_plain_request_is_plain() {
    let plain = chat(vec![
        message(Role::System, [Block::Text("Be kind.".into())]),
        message(Role::User, [Block::Text("Hi".into())]),
    ]);
    let expected = r#""messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"Hi"}]}"#;
    assert_eq!(sent("gpt-4o", &plain), (expected.to_owned(), vec![]));
    let mut losses = Losses::default();
    let streamed = encode_request(&translation("gpt-4o", true), &plain, &mut losses).unwrap();
    let end = r#""stream":true,"stream_options":{"include_usage":true}}"#;
    assert!(String::from_utf8(streamed).unwrap().ends_with(end));
}

#[test]
fn results_of_tools_follow_their_calls_and_pictures_in_them_follow_those() {
    let turns = chat(vec![
        message(Role::Assistant, [Block::Text("Let me see.".into()), call("a"), call("b")]),
        message(
            Role::User,
            [result("a", [Block::Text("one".into()), image()]), result("b", []), Block::Text("Well?".into())],
        ),
    ]);
    let (body, losses) = sent("gpt-4o", &turns);
    let calls = r#"[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}},{"id":"b","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}}]"#;
    let expected = [
        format!(r#"{{"role":"assistant","content":"Let me see.","tool_calls":{calls}}}"#),
        r#"{"role":"tool","content":"one","tool_call_id":"a"}"#.to_owned(),
        r#"{"role":"tool","content":"","tool_call_id":"b"}"#.to_owned(),
        r#"{"role":"user","content":[{"type":"text","text":"From the result of a:"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA","detail":"low"}},{"type":"text","text":"Well?"}]}"#.to_owned(),
    ];
    assert_eq!(body, format!(r#""messages":[{}]}}"#, expected.join(",")));
    assert_eq!(losses, ["at"]);
}

#[test]
fn reasoning_goes_back_in_the_shape_that_the_model_takes() {
    let turn = |seal: Option<Vendor>| {
        let seal = seal.map(|vendor| Seal { vendor, redacted: false, data: "S".into() });
        chat(vec![message(Role::Assistant, [Block::Thinking { text: "Hm".into(), seal }, call("a")])])
    };
    let cases = [
        ("gpt-5", None, None),
        ("gpt-5", Some(Vendor::Openai), None),
        ("deepseek-chat", None, Some(r#""reasoning_content":"Hm""#)),
        ("deepseek-chat", Some(Vendor::Anthropic), Some(r#""reasoning_content":"Hm""#)),
        ("qwen/qwen3-32b", None, Some(r#""reasoning":"Hm""#)),
        (
            "anthropic/claude-sonnet-4.5",
            Some(Vendor::Anthropic),
            Some(
                r#""reasoning_details":[{"type":"reasoning.text","text":"Hm","signature":"S","format":"anthropic-claude-v1","index":0}]"#,
            ),
        ),
        ("anthropic/claude-sonnet-4.5", Some(Vendor::Google), None),
        (
            "openai/gpt-5",
            Some(Vendor::Openai),
            Some(r#"{"type":"reasoning.encrypted","data":"S","format":"openai-responses-v1","index":0}]"#),
        ),
        ("gemini-3-pro", Some(Vendor::Google), Some(r#""extra_content":{"google":{"thought_signature":"S"}}"#)),
        ("magistral-medium", None, Some(r#""content":[{"type":"thinking","thinking":[{"type":"text","text":"Hm"}]}]"#)),
    ];
    for (model, seal, expected) in cases {
        let (body, losses) = sent(model, &turn(seal));
        match expected {
            Some(expected) => assert!(body.contains(expected), "{model}: {body}"),
            None => assert!(!body.contains("Hm") && losses == ["at"], "{model}: {body}"),
        }
    }
}

#[test]
fn ids_are_changed_alike_on_both_sides() {
    let long = "x".repeat(60).leak();
    let turns = chat(vec![message(Role::Assistant, [call(long)]), message(Role::User, [result(long, [])])]);
    for model in ["gpt-4o", "mistral-large"] {
        let (body, _) = sent(model, &turns);
        let id = body.split(r#""tool_call_id":""#).nth(1).unwrap().split('"').next().unwrap();
        assert!(id.len() <= 40 && body.contains(&format!(r#"{{"id":"{id}""#)), "{body}");
    }
}

#[test]
fn parameters_go_to_the_models_that_take_them() {
    let mut full = chat(vec![message(Role::User, [Block::Text("Hi".into())])]);
    full.max_tokens = Some(Given::new(9, "max_tokens"));
    full.sampling.temperature = Some(Given::new(0.5, "temperature"));
    full.sampling.top_k = Some(Given::new(40, "top_k"));
    full.sampling.seed = Some(Given::new(7, "seed"));
    full.logprobs = Some(Given::new(30, "logprobs"));
    full.choices = Some(Given::new(2, "n"));
    full.stop = ["a", "b", "c", "d", "e"].into_iter().map(|stop| Given::new(stop.into(), stop)).collect();
    full.verbosity = Some(Given::new("low".into(), "verbosity"));
    full.service_tier = Some(Given::new(ServiceTier::Standard, "service_tier"));
    full.metadata = Some(Given::new(r#"{"a":"b"}"#, "metadata"));
    full.store = Some(Given::new(true, "store"));
    let (body, losses) = sent("gpt-4o", &full);
    let expected = r#""max_completion_tokens":9,"temperature":0.5,"seed":7,"n":2,"logprobs":true,"top_logprobs":20,"stop":["a","b","c","d"],"service_tier":"default","store":true,"metadata":{"a":"b"}}"#;
    assert!(body.ends_with(expected), "{body}");
    assert_eq!(losses, ["e", "top_k", "verbosity"]);
    let (body, losses) = sent("mistral-small", &full);
    assert!(body.contains(r#""max_tokens":9,"temperature":0.5,"random_seed":7,"n":2"#), "{body}");
    assert_eq!(losses, ["e", "logprobs", "top_k", "verbosity", "store", "metadata"]);
    let (body, losses) = sent("o3", &full);
    assert!(!body.contains("temperature") && !body.contains("logprobs") && !body.contains("stop"), "{body}");
    assert_eq!(losses, ["a", "b", "c", "d", "e", "logprobs", "top_k", "temperature", "verbosity"]);
    assert!(sent("gpt-5.1", &full).0.contains(r#""verbosity":"low""#));
}

#[test]
fn mistral_is_told_only_what_its_api_knows() {
    let results = message(Role::User, [result("c", []), Block::Text("And?".into())]);
    let mut asked = chat(vec![message(Role::Assistant, [call("c")]), results]);
    asked.user = Some(Given::new("u".into(), "user"));
    asked.logprobs = Some(Given::new(1, "logprobs"));
    asked.sampling.logit_bias = Some(Given::new("{}", "logit_bias"));
    asked.service_tier = Some(Given::new(ServiceTier::Flex, "service_tier"));
    let (body, losses) = sent("mistral-large-latest", &asked);
    let turns = r#"{"role":"assistant","content":"Understood."},{"role":"user","content":"And?"}]}"#;
    assert!(body.ends_with(turns), "{body}");
    assert_eq!(losses, ["message", "logprobs", "logit_bias", "service_tier", "user"]);
    let streamed = |model| {
        let body = encode_request(&translation(model, true), &asked, &mut Losses::default()).unwrap();
        String::from_utf8(body).unwrap().contains("stream_options")
    };
    assert_eq!([streamed("mistral-large-latest"), streamed("mistralai/mistral-large")], [false, true]);
    // Nor where a client of the same format passes.
    let body = br#"{"model":"m","stream":true}"#;
    let asked = |model| super::super::ask_for_usage(model, body, &Envelope::scan(body).unwrap()).is_some();
    assert_eq!([asked("mistral-large-latest"), asked("gpt-4o")], [false, true]);
}

#[test]
fn names_of_users_beyond_the_limit_are_digests() {
    let mut asked = chat(vec![message(Role::User, [Block::Text("Hi".into())])]);
    asked.user = Some(Given::new("u".repeat(65).into(), "metadata.user_id"));
    let (body, losses) = sent("gpt-4o", &asked);
    let name = body.split(r#""user":""#).nth(1).unwrap().split('"').next().unwrap();
    assert_eq!((name.len(), losses), (64, vec!["metadata.user_id".to_owned()]));
}

#[test]
fn the_wish_to_read_reasoning_is_declared_where_none_is_shown() {
    let mut asked = chat(vec![message(Role::User, [Block::Text("Hi".into())])]);
    asked.reasoning = Some(Given::new(Reasoning { visible: Some(true), ..Reasoning::default() }, "reasoning"));
    assert_eq!(sent("gpt-5", &asked).1, ["reasoning"]);
    assert_eq!(sent("deepseek-reasoner", &asked).1, [""; 0]);
}

#[test]
fn efforts_are_the_nearest_that_the_model_has() {
    let cases = [
        ("gpt-4o", Effort::High, None, true),
        ("o3", Effort::Minimal, Some("low"), true),
        ("gpt-5", Effort::None, Some("minimal"), true),
        ("gpt-5.1", Effort::None, Some("none"), false),
        ("gpt-5.2", Effort::Max, Some("xhigh"), true),
        ("magistral-small", Effort::Low, Some("high"), true),
        ("qwen3", Effort::Medium, Some("medium"), false),
        ("qwen3", Effort::None, Some("none"), false),
    ];
    for (model, effort, expected, is_lossy) in cases {
        let mut asked = chat(vec![message(Role::User, [Block::Text("Hi".into())])]);
        let reasoning = Reasoning { effort: Some(effort), ..Reasoning::default() };
        asked.reasoning = Some(Given::new(reasoning, "thinking"));
        let (body, losses) = sent(model, &asked);
        match expected {
            Some(word) => assert!(body.contains(&format!(r#""reasoning_effort":"{word}""#)), "{model}: {body}"),
            None => assert!(!body.contains("reasoning_effort"), "{model}: {body}"),
        }
        assert_eq!(!losses.is_empty(), is_lossy, "{model}");
    }
}

fn function(name: &'static str) -> Tool<'static> {
    let function = Function {
        name: name.into(),
        description: None,
        parameters: Some(r#"{"type":"object"}"#.into()),
        strict: None,
    };
    Tool { kind: ToolKind::Function(function), cache: Some(CacheMark::Hour), path: format!("tools.{name}") }
}

#[test]
fn tools_and_choices_cross() {
    let mut asked = chat(vec![message(Role::User, [Block::Text("Hi".into())])]);
    asked.tools = vec![function("b"), function("a")];
    let allowed = ToolChoice::Allowed { names: vec!["a".into()], required: true };
    asked.tool_choice = Some(Given::new(allowed, "tool_choice"));
    asked.parallel_tools = Some(Given::new(false, "parallel"));
    let tool = |name: &str| {
        format!(
            r#"{{"type":"function","function":{{"name":"{name}","parameters":{{"type":"object","properties":{{}}}}}}}}"#
        )
    };
    let (body, losses) = sent("gpt-4o", &asked);
    let choice = r#"{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"a"}}]}}"#;
    let expected =
        format!(r#""tools":[{},{}],"tool_choice":{choice},"parallel_tool_calls":false}}"#, tool("b"), tool("a"));
    assert!(body.ends_with(&expected), "{body}");
    assert_eq!(losses, ["tools.b.cache_control", "tools.a.cache_control"]);
    // The small reasoning models refuse the flag.
    let (body, losses) = sent("o4-mini", &asked);
    assert!(!body.contains("parallel") && losses.contains(&"parallel".to_owned()), "{body}");
    let (body, losses) = sent("llama3", &asked);
    let expected = format!(r#""tools":[{}],"tool_choice":"required","parallel_tool_calls":false}}"#, tool("a"));
    assert!(body.ends_with(&expected), "{body}");
    assert_eq!(losses.last().unwrap(), "tool_choice");
}

#[test]
fn tools_of_providers_are_lost_or_searched_with() {
    let mut asked = chat(vec![message(Role::User, [Block::Text("Hi".into())])]);
    let size = Given::new("low".into(), "tools.0.search_context_size");
    let location = Some(r#"{"type":"approximate","country":"GB"}"#);
    let search = WebSearch { location, context_size: Some(size), ..WebSearch::default() };
    asked.tools = vec![
        Tool { kind: ToolKind::WebSearch(search), cache: None, path: "tools.0".to_owned() },
        Tool { kind: ToolKind::CodeExecution, cache: None, path: "tools.1".to_owned() },
    ];
    assert_eq!(sent("gpt-4o", &asked).1, ["tools.0", "tools.1"]);
    let (body, losses) = sent("gpt-4o-search-preview", &asked);
    let expected = r#""web_search_options":{"user_location":{"type":"approximate","approximate":{"country":"GB"}},"search_context_size":"low"}}"#;
    assert!(body.ends_with(expected), "{body}");
    assert_eq!(losses, ["tools.1"]);
}

#[test]
fn a_schema_gets_a_name_where_it_has_none() {
    let mut asked = chat(vec![message(Role::User, [Block::Text("Hi".into())])]);
    let schema = |name: Option<&'static str>| ResponseFormat::JsonSchema {
        schema: r#"{"type":"object"}"#.into(),
        name: name.map(Into::into),
        description: None,
        strict: Some(true),
    };
    for (name, expected, is_lossy) in [(None, "answer", false), (Some("a b"), "a_b", true), (Some("x-1"), "x-1", false)]
    {
        asked.response_format = Some(Given::new(schema(name), "format"));
        let (body, losses) = sent("gpt-4o", &asked);
        let expected = format!(
            r#""response_format":{{"type":"json_schema","json_schema":{{"name":"{expected}","schema":{{"type":"object"}},"strict":true}}}}}}"#
        );
        assert!(body.ends_with(&expected), "{body}");
        assert_eq!(!losses.is_empty(), is_lossy);
    }
}

#[test]
fn media_cross_or_are_refused() {
    let user = |block: Block<'static>| chat(vec![message(Role::User, [block])]);
    let file = |source| Block::Document { source, title: Some("a.pdf".into()) };
    let crossing = [
        (
            Block::Audio(Source::Base64 { media_type: "audio/mpeg".into(), data: "AA".into() }),
            r#"{"type":"input_audio","input_audio":{"data":"AA","format":"mp3"}}"#,
        ),
        (
            file(Source::Base64 { media_type: "application/pdf".into(), data: "AA".into() }),
            r#"{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,AA"}}"#,
        ),
        (
            file(Source::File { id: "file-1".into(), vendor: Vendor::Openai }),
            r#"{"type":"file","file":{"file_id":"file-1"}}"#,
        ),
    ];
    for (block, expected) in crossing {
        let (body, losses) = sent("gpt-4o", &user(block));
        assert!(body.contains(expected) && losses.is_empty(), "{body}");
    }
    let (body, losses) = sent("gpt-4o", &user(file(Source::Text("words".into()))));
    assert!(body.contains(r#""content":"a.pdf\n\nwords""#) && losses == ["at"], "{body}");
    let refusals = [
        Block::Image { source: Source::Url { url: "gs://b/a.png".into(), media_type: None }, detail: None },
        Block::Image { source: Source::File { id: "file-1".into(), vendor: Vendor::Openai }, detail: None },
        file(Source::Url { url: "https://a.example/a.pdf".into(), media_type: None }),
        file(Source::File { id: "file_1".into(), vendor: Vendor::Anthropic }),
        Block::Audio(Source::Base64 { media_type: "audio/ogg".into(), data: "AA".into() }),
        Block::Video(Source::Url { url: "https://a.example/a.mp4".into(), media_type: None }),
    ];
    for block in refusals {
        assert!(refused("gpt-4o", &user(block)).starts_with("at: "));
    }
}

#[test]
fn a_prefill_is_one_to_mistral_and_history_to_others() {
    let prefilled = chat(vec![message(Role::Assistant, [Block::Text("{".into())])]);
    assert!(sent("mistral-small", &prefilled).0.contains(r#""prefix":true"#));
    assert_eq!(sent("gpt-4o", &prefilled).1, ["message"]);
}

#[test]
fn a_name_that_the_provider_refuses_is_refused_here() {
    let mut asked = chat(vec![message(Role::User, [Block::Text("Hi".into())])]);
    asked.tools = vec![function("x".repeat(65).leak())];
    assert!(refused("gpt-4o", &asked).contains("1 to 64 letters"));
    assert!(sent("claude-sonnet-4-5", &asked).0.contains(&"x".repeat(65)));
}
