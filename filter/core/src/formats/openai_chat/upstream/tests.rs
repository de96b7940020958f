use std::fmt::Write;

use super::{request::encode_request, response::decode_response, stream::StreamDecoder};
use crate::{
    canonical::{
        Block, BlockStart, CacheMark, Chat, Delta, Effort, Event, Function, Given, Losses, Message, Part, Reasoning,
        ResponseFormat, Role, ServiceTier, Signature, Source, Tool, ToolChoice, ToolKind, Usage, Vendor, WebSearch,
    },
    formats::{
        Attempt, Format, Framing, RelayError,
        dialect::{DecodeStream, Frame},
    },
};

/// Events in short: blocks in brackets, `#` before a seal, `^` before a citation, `%` before probabilities.
fn short(out: &mut String, event: &Event<'_>) {
    let _ = match event {
        Event::Start { model } => write!(out, "{model}:"),
        Event::Choice(index) => write!(out, "@{index}"),
        Event::BlockStart(BlockStart::ToolUse { id, name }) => write!(out, "<{name} {id} "),
        Event::BlockStart(start) => write!(out, "<{start:?} "),
        Event::BlockDelta(Delta::Text(text) | Delta::Thinking(text) | Delta::Input(text)) => write!(out, "{text}"),
        Event::BlockDelta(Delta::Signature(seal)) => {
            write!(out, "#{:?}{}{}", seal.vendor, if seal.redacted { "!" } else { "" }, seal.data)
        }
        Event::BlockDelta(Delta::Citation(citation)) => {
            write!(out, "^{}{:?}", citation.url.as_deref().unwrap_or_default(), citation.span)
        }
        Event::BlockDelta(Delta::Logprobs(tokens)) => {
            write!(out, "%{}", tokens.iter().map(|token| &*token.token).collect::<Vec<_>>().join("|"))
        }
        Event::BlockStop => write!(out, ">"),
        Event::Usage { usage, terminal } => {
            write!(out, "({}+{}{})", usage.total_input(), usage.output, if *terminal { "." } else { "" })
        }
        Event::Finish(finish) => write!(out, "={:?}{}", finish.reason, finish.stop_sequence.as_deref().unwrap_or("")),
        Event::End => write!(out, "$"),
        Event::Ping => write!(out, "~"),
        Event::Lost { path, .. } => write!(out, "-{path}"),
    };
}

fn streamed(chunks: &[&str]) -> Result<String, RelayError> {
    let mut out = String::new();
    let mut decoder = StreamDecoder::default();
    for chunk in chunks {
        let frame = Frame { name: b"", data: chunk.as_bytes(), is_exception: false };
        decoder.decode(frame, &mut |event| short(&mut out, &event))?;
    }
    decoder.finish(&mut |event| short(&mut out, &event))?;
    Ok(out)
}

/// A stream of one choice whose chunks have these deltas.
fn deltas(deltas: &[&str], finish: &str) -> String {
    let mut chunks: Vec<String> = deltas
        .iter()
        .map(|delta| {
            format!(r#"{{"id":"c1","model":"m","choices":[{{"index":0,"delta":{delta},"finish_reason":null}}]}}"#)
        })
        .collect();
    chunks.push(format!(
        r#"{{"id":"c1","model":"m","choices":[{{"index":0,"delta":{{}},"finish_reason":"{finish}"}}]}}"#
    ));
    chunks.push("[DONE]".to_owned());
    streamed(&chunks.iter().map(|chunk| &**chunk).collect::<Vec<_>>()).unwrap()
}

fn whole(body: &str) -> Result<String, RelayError> {
    let mut out = String::new();
    decode_response(body.as_bytes(), &mut |event| short(&mut out, &event))?;
    Ok(out)
}

#[test]
fn a_role_alone_begins_no_block() {
    assert_eq!(
        deltas(&[r#"{"role":"assistant","content":""}"#, r#"{"content":"Hi"}"#, r#"{"content":"!"}"#], "stop"),
        "m:<Text Hi!>=Stop$",
    );
}

#[test]
fn reasoning_is_told_once_however_often_it_is_said() {
    let twice = r#"{"reasoning":"Hm","reasoning_details":[{"type":"reasoning.text","text":"Hm","format":"unknown","index":0}]}"#;
    let sealed = r#"{"reasoning_details":[{"type":"reasoning.text","signature":"Et0B","format":"anthropic-claude-v1","index":0}]}"#;
    assert_eq!(deltas(&[twice, sealed, r#"{"content":"4"}"#], "stop"), "m:<Thinking Hm#AnthropicEt0B><Text 4>=Stop$",);
    assert_eq!(
        deltas(&[r#"{"reasoning_content":"Hm","content":null}"#, r#"{"content":"4"}"#], "stop"),
        "m:<Thinking Hm><Text 4>=Stop$",
    );
}

#[test]
fn redacted_and_encrypted_reasoning_keep_their_seals() {
    let list = r#"{"reasoning_details":[
        {"type":"reasoning.encrypted","data":"EmwK","format":"anthropic-claude-v1","index":0},
        {"type":"reasoning.summary","summary":"Sum","format":"openai-responses-v1","index":1},
        {"type":"reasoning.encrypted","data":"gAAA","format":"openai-responses-v1","id":"rs_1","index":1}]}"#;
    assert_eq!(deltas(&[list], "stop"), "m:<Thinking #Anthropic!EmwK><Thinking Sum#OpenaigAAA>=Stop$",);
    let blocks = r#"{"reasoning_content":"Hm","thinking_blocks":[
        {"type":"thinking","thinking":"Hm","signature":"EqQB"},{"type":"redacted_thinking","data":"EmwK"}]}"#;
    assert_eq!(deltas(&[blocks], "stop"), "m:<Thinking Hm#AnthropicEqQB><Thinking #Anthropic!EmwK>=Stop$");
}

#[test]
fn googles_seal_stands_before_what_it_belongs_to() {
    let call = |id: &str, extra: &str| {
        format!(
            r#"{{"tool_calls":[{{"index":0,"id":"{id}","type":"function","function":{{"name":"f","arguments":"{{}}"}}{extra}}}]}}"#
        )
    };
    let first = call("a", r#","extra_content":{"google":{"thought_signature":"CiQB"}}"#);
    // Gemini gives every call the index 0.
    assert_eq!(deltas(&[&first, &call("b", "")], "tool_calls"), "m:<Thinking #GoogleCiQB><f a {}><f b {}>=ToolUse$",);
}

#[test]
fn calls_in_turns_come_out_one_by_one() {
    assert_eq!(
        deltas(
            &[
                r#"{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}},{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":""}}]}"#,
                r#"{"tool_calls":[{"index":0,"function":{"arguments":"{\"x\":"}},{"index":1,"function":{"arguments":"{\"y\":2}"}}]}"#,
                r#"{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]}"#,
            ],
            "tool_calls",
        ),
        r#"m:<f a {"x":1}><g b {"y":2}>=ToolUse$"#,
    );
}

#[test]
fn a_call_repeated_in_each_piece_is_one_call() {
    let piece = |arguments: &str| {
        format!(
            r#"{{"tool_calls":[{{"index":0,"id":"a","type":"function","function":{{"name":"f","arguments":"{arguments}"}}}}]}}"#
        )
    };
    assert_eq!(deltas(&[&piece("{"), &piece("}")], "tool_calls"), "m:<f a {}>=ToolUse$");
}

#[test]
fn calls_without_ids_get_stable_ones() {
    let nameless = r#"{"tool_calls":[{"function":{"name":"f","arguments":{"x":1}}},{"function":{"name":"f"}}]}"#;
    let out = deltas(&[nameless], "tool_calls");
    assert_eq!(out, deltas(&[nameless], "tool_calls"));
    let ids: Vec<&str> = out.split("<f ").skip(1).filter_map(|call| call.split(' ').next()).collect();
    assert!(matches!(ids[..], [a, b] if a.starts_with("call_") && b.starts_with("call_") && a != b), "{out}");
    assert!(out.contains(r#"{"x":1}>"#) && out.contains("{}>"), "{out}");
}

#[test]
fn a_legacy_function_call_is_a_call() {
    let out = deltas(
        &[r#"{"function_call":{"name":"f","arguments":""}}"#, r#"{"function_call":{"arguments":"{\"x\":1}"}}"#],
        "function_call",
    );
    assert!(out.starts_with("m:<f call_") && out.ends_with(r#" {"x":1}>=ToolUse$"#), "{out}");
}

#[test]
fn stop_after_a_call_or_a_refusal_says_what_it_was() {
    let call = r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}"#;
    assert_eq!(deltas(&[call], "stop"), "m:<f a {}>=ToolUse$");
    assert_eq!(deltas(&[r#"{"refusal":"No."}"#], "stop"), "m:<Refusal No.>=Refusal$");
}

#[test]
fn every_wording_of_a_finish_reason_is_known() {
    let cases = [
        ("stop", "=Stop$"),
        ("eos", "=Stop$"),
        ("length", "=Length$"),
        ("max_tokens", "=Length$"),
        ("model_length", "=ContextFull$"),
        ("content_filter", "=Filter$"),
        ("sensitive", "=Filter$"),
    ];
    for (word, expected) in cases {
        assert_eq!(deltas(&[r#"{"content":"x"}"#], word), format!("m:<Text x>{expected}"), "{word}");
    }
}

#[test]
fn choices_keep_apart() {
    let chunk = |index: u32, text: &str, finish: &str| {
        format!(
            r#"{{"model":"m","choices":[{{"index":{index},"delta":{{"content":"{text}"}},"finish_reason":{finish}}}]}}"#
        )
    };
    let chunks = [chunk(1, "b", "null"), chunk(0, "a", "null"), chunk(1, "B", "\"stop\""), chunk(0, "A", "\"length\"")];
    assert_eq!(
        streamed(&chunks.iter().map(|chunk| &**chunk).collect::<Vec<_>>()).unwrap(),
        "m:@1<Text b@0<Text a@1B>=Stop@0A>=Length",
    );
}

#[test]
fn usage_is_final_from_the_last_reason_on() {
    let chunk = |finish: &str, output: u64| {
        format!(
            r#"{{"model":"m","choices":[{{"index":0,"delta":{{"content":"x"}},"finish_reason":{finish}}}],"usage":{{"prompt_tokens":3,"completion_tokens":{output}}}}}"#
        )
    };
    assert_eq!(streamed(&[&chunk("null", 1), &chunk("\"stop\"", 2)]).unwrap(), "m:<Text x(3+1)x>=Stop(3+2.)");
    let added = r#"{"model":"m","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#;
    let plain = r#"{"model":"m","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}"#;
    assert_eq!(streamed(&[plain, added, "[DONE]"]).unwrap(), "m:<Text x>=Stop(3+2.)$");
    let groq = r#"{"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"x_groq":{"usage":{"prompt_tokens":3,"completion_tokens":2}}}"#;
    assert_eq!(streamed(&[groq, "[DONE]"]).unwrap(), "m:=Stop(3+2.)$");
}

#[test]
fn done_without_a_reason_is_a_plain_stop_and_an_end_without_either_is_none() {
    let open = r#"{"model":"m","choices":[{"index":0,"delta":{"content":"x"}}]}"#;
    assert_eq!(streamed(&[open, "[DONE]"]).unwrap(), "m:<Text x>=Stop$");
    assert_eq!(streamed(&[open]).unwrap(), "m:<Text x>");
    assert_eq!(streamed(&["[DONE]"]).unwrap(), "");
}

#[test]
fn azures_first_chunk_begins_nothing() {
    let filters =
        r#"{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0}]}"#;
    let text = r#"{"id":"c","model":"gpt-4o","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}"#;
    assert_eq!(streamed(&[filters, text]).unwrap(), "gpt-4o:<Text x>=Stop");
}

#[test]
fn an_error_in_a_stream_is_the_providers() {
    let open = r#"{"model":"m","choices":[{"index":0,"delta":{"content":"x"}}]}"#;
    let cases = [
        r#"{"error":{"message":"rate limited","code":429}}"#,
        r#"{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}],"error":{"message":"rate limited"}}"#,
    ];
    for error in cases {
        let Err(RelayError::Provider(failure)) = streamed(&[open, error]) else { panic!("{error}") };
        assert_eq!(failure.message, "rate limited");
    }
    assert!(matches!(streamed(&["{\"choices\":"]), Err(RelayError::Malformed(_))));
}

#[test]
fn contents_of_every_shape_are_read() {
    let mistral = r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"Hm"}],"closed":true},{"type":"text","text":"4"},{"type":"reference","reference_ids":[1]}]}"#;
    assert_eq!(deltas(&[mistral], "stop"), "m:<Thinking Hm><Text 4-content.reference>=Stop$");
    assert_eq!(deltas(&[r#"{"content":{"a":1}}"#], "stop"), r#"m:<Text {"a":1}>=Stop$"#);
    let audio = r#"{"content":null,"audio":{"id":"a","data":"AAAA","transcript":"Hello"}}"#;
    assert_eq!(deltas(&[audio], "stop"), "m:-audio<Text Hello>=Stop$");
}

#[test]
fn citations_and_probabilities_go_with_their_text() {
    let body = r#"{"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"So it is.","annotations":[
        {"type":"url_citation","url_citation":{"url":"https://a.example","title":"A","start_index":0,"end_index":2}},
        {"type":"file","file":{"hash":"x"}}]},
        "logprobs":{"content":[{"token":"So","logprob":-0.1,"bytes":null,"top_logprobs":[]}]},"finish_reason":"stop"}]}"#;
    assert_eq!(whole(body).unwrap(), "m:<Text So it is.%So^https://a.exampleSome((0, 2))-annotations>=Stop$");
    let first = r#"{"content":"","annotations":[{"type":"url_citation","url_citation":{"url":"https://a.example","start_index":0,"end_index":0}}]}"#;
    assert_eq!(deltas(&[first, r#"{"content":"So."}"#], "stop"), "m:<Text ^https://a.exampleNoneSo.>=Stop$");
    let sources = r#"{"model":"m","choices":[{"index":0,"delta":{"content":"So [1]."},"message":{"content":"So [1]."},"finish_reason":"stop"}],"citations":["https://a.example"]}"#;
    assert_eq!(streamed(&[sources]).unwrap(), "m:<Text So [1].^https://a.exampleNone>=Stop");
}

#[test]
fn a_stop_text_is_told_where_the_provider_tells() {
    let body =
        r#"{"model":"m","choices":[{"index":0,"message":{"content":"a"},"finish_reason":"stop","stop_reason":"END"}]}"#;
    assert_eq!(whole(body).unwrap(), "m:<Text a>=StopSequenceEND$");
    let id = r#"{"model":"m","choices":[{"index":0,"message":{"content":"a"},"finish_reason":"stop","stop_reason":151645}]}"#;
    assert_eq!(whole(id).unwrap(), "m:<Text a>=Stop$");
}

#[test]
fn whole_answers_that_are_none_are_told_apart() {
    assert!(matches!(whole(r#"{"choices":[]}"#), Err(RelayError::Malformed(_))));
    assert!(matches!(whole(r#"{"error":{"message":"m"}}"#), Err(RelayError::Provider(_))));
    assert!(matches!(whole(r#"{"object":"error","message":"m","code":400}"#), Err(RelayError::Provider(_))));
    assert_eq!(whole(r#"{"choices":[{"index":0,"message":null,"finish_reason":null}]}"#).unwrap(), ":=Stop$");
}

fn attempt(model: &str, stream: bool) -> Attempt<'_> {
    Attempt {
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
    let body = String::from_utf8(encode_request(&attempt(model, false), chat, &mut losses).unwrap()).unwrap();
    let named = format!(r#"{{"model":"{model}","#);
    (body.strip_prefix(&named).unwrap().to_owned(), losses.iter().map(|loss| loss.path.clone()).collect())
}

fn refused(model: &str, chat: &Chat<'_>) -> String {
    encode_request(&attempt(model, false), chat, &mut Losses::default()).unwrap_err().to_string()
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
    let streamed = encode_request(&attempt("gpt-4o", true), &plain, &mut losses).unwrap();
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
        let signature = seal.map(|vendor| Signature { vendor, redacted: false, data: "S".into() });
        chat(vec![message(Role::Assistant, [Block::Thinking { text: "Hm".into(), signature }, call("a")])])
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
    let expected = r#""max_completion_tokens":9,"temperature":0.5,"seed":7,"n":2,"logprobs":true,"top_logprobs":20,"stop":["a","b","c","d"],"verbosity":"low","service_tier":"default","store":true,"metadata":{"a":"b"}}"#;
    assert!(body.ends_with(expected), "{body}");
    assert_eq!(losses, ["e", "top_k"]);
    let (body, losses) = sent("mistral-small", &full);
    assert!(body.contains(r#""max_tokens":9,"temperature":0.5,"random_seed":7,"n":2"#), "{body}");
    assert_eq!(losses, ["e", "top_k", "verbosity", "store", "metadata"]);
    let (body, losses) = sent("o3", &full);
    assert!(!body.contains("temperature") && !body.contains("logprobs") && !body.contains("stop"), "{body}");
    assert_eq!(losses, ["a", "b", "c", "d", "e", "logprobs", "top_k", "temperature"]);
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
        format!(r#"{{"type":"function","function":{{"name":"{name}","parameters":{{"type":"object"}}}}}}"#)
    };
    let (body, losses) = sent("gpt-4o", &asked);
    let choice = r#"{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"a"}}]}}"#;
    let expected =
        format!(r#""tools":[{},{}],"tool_choice":{choice},"parallel_tool_calls":false}}"#, tool("b"), tool("a"));
    assert!(body.ends_with(&expected), "{body}");
    assert_eq!(losses, ["tools.b.cache_control", "tools.a.cache_control"]);
    let (body, losses) = sent("llama3", &asked);
    let expected = format!(r#""tools":[{}],"tool_choice":"required","parallel_tool_calls":false}}"#, tool("a"));
    assert!(body.ends_with(&expected), "{body}");
    assert_eq!(losses.last().unwrap(), "tool_choice");
}

#[test]
fn tools_of_providers_are_lost_or_searched_with() {
    let mut asked = chat(vec![message(Role::User, [Block::Text("Hi".into())])]);
    let search = WebSearch { location: Some(r#"{"country":"GB"}"#), ..WebSearch::default() };
    asked.tools = vec![
        Tool { kind: ToolKind::WebSearch(search), cache: None, path: "tools.0".to_owned() },
        Tool { kind: ToolKind::CodeExecution, cache: None, path: "tools.1".to_owned() },
    ];
    assert_eq!(sent("gpt-4o", &asked).1, ["tools.0", "tools.1"]);
    let (body, losses) = sent("gpt-4o-search-preview", &asked);
    let expected = r#""web_search_options":{"user_location":{"type":"approximate","approximate":{"country":"GB"}}}}"#;
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

#[test]
fn usage_reaches_the_canonical_buckets() {
    let mut seen = None;
    let body = br#"{"model":"m","choices":[{"message":{"content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":4}}}"#;
    decode_response(body, &mut |event| {
        if let Event::Usage { usage, terminal: true } = event {
            seen = Some(usage);
        }
    })
    .unwrap();
    assert_eq!(seen, Some(Usage { input: 6, cache_read: 4, output: 5, ..Usage::default() }));
}
