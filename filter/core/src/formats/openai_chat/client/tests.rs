//! The client side, request and answer.

use super::{request::decode_request, response::ResponseEncoder, stream::StreamEncoder};
use crate::{
    canonical::{
        Answer, Block, BlockStart, CacheMark, Chat, Citation, Delta, Effort, Event, Finish, FinishReason, Given,
        Losses, Reasoning, Seal, Source, TokenLogprob, ToolChoice, ToolKind, Vendor, WebSearch,
    },
    dialect::{EncodeResponse, EncodeStream, Framing, InvalidRequest, Translation},
    json::Envelope,
    words::Format,
};

fn try_decode(body: &str) -> Result<Chat<'_>, InvalidRequest> {
    decode_request(body.as_bytes(), &Envelope::scan(body.as_bytes()).unwrap())
}

/// A request with these messages.
fn decode(messages: &str) -> Chat<'static> {
    try_decode(format!(r#"{{"model":"m","messages":{messages}}}"#).leak()).unwrap()
}

/// A request with one message and these members.
fn decode_with(members: &str) -> Chat<'static> {
    try_decode(with(members).leak()).unwrap()
}

fn with(members: &str) -> String {
    format!(r#"{{"model":"m","messages":[{{"role":"user","content":"Hi"}}],{members}}}"#)
}

fn blocks(chat: &Chat<'static>) -> Vec<Block<'static>> {
    chat.messages.iter().flat_map(|message| message.parts.iter().map(|part| part.block.clone())).collect()
}

fn thinking(text: &'static str, seal: Option<(Vendor, bool, &'static str)>) -> Block<'static> {
    let seal = seal.map(|(vendor, redacted, data)| Seal { vendor, redacted, data: data.into() });
    Block::Thinking { text: text.into(), seal }
}

fn call(id: &'static str) -> Block<'static> {
    Block::ToolUse { id: id.into(), name: "f".into(), input: "{}".into() }
}

#[test]
fn every_sayable_member_is_said() {
    let chat = decode_with(
        r#""max_tokens":1,"max_completion_tokens":2,"temperature":0.5,"top_p":0.9,"top_k":40,"frequency_penalty":1,
        "presence_penalty":-1,"seed":-7,"logit_bias":{"50256":-100},"n":2,"logprobs":true,"top_logprobs":3,"stop":["a"],
        "verbosity":"low","user":"u","safety_identifier":"s","prompt_cache_key":"k","service_tier":"flex",
        "metadata":{"a":"b"},"store":true,"parallel_tool_calls":false,"reasoning_effort":"high""#,
    );
    assert_eq!(chat.max_tokens.as_ref().map(|given| (given.value, &*given.path)), Some((2, "max_completion_tokens")));
    let sampling = &chat.sampling;
    assert_eq!(sampling.temperature.as_ref().unwrap().value, 0.5);
    assert_eq!(sampling.top_k.as_ref().unwrap().value, 40);
    assert_eq!(sampling.presence_penalty.as_ref().unwrap().value, -1.0);
    assert_eq!(sampling.seed.as_ref().unwrap().value, -7);
    assert_eq!(sampling.logit_bias.as_ref().unwrap().value, r#"{"50256":-100}"#);
    assert_eq!((chat.choices.unwrap().value, chat.logprobs.unwrap().value), (2, 3));
    assert_eq!(chat.metadata.unwrap().value, r#"{"a":"b"}"#);
    assert!(chat.store.unwrap().value && !chat.parallel_tools.unwrap().value);
    assert_eq!(chat.reasoning.unwrap().value.effort, Some(Effort::High));
    assert_eq!(chat.extra, Vec::<String>::new());
}

#[test]
fn defaults_say_nothing_and_what_has_no_place_is_named() {
    let chat = decode_with(
        r#""n":1,"frequency_penalty":0,"logprobs":false,"logit_bias":{},"metadata":{},"modalities":["text"],
        "verbosity":"medium","seed":null,"stop":null,"reasoning_effort":"default""#,
    );
    assert_eq!(Chat { messages: chat.messages.clone(), ..Chat::default() }, chat);
    let chat = decode_with(
        r#""prediction":{"type":"content","content":"x"},"modalities":["text","audio"],"audio":{"voice":"a"},
        "prompt_cache_retention":"24h","tools":[{"type":"custom","custom":{"name":"c"}}]"#,
    );
    assert_eq!(chat.extra, ["prediction", "modalities", "audio", "prompt_cache_retention", "tools.0"]);
}

#[test]
fn requests_that_make_no_sense_are_refused_with_their_place() {
    let cases = [
        (with(r#""top_logprobs":2"#), "top_logprobs: needs logprobs to be true"),
        (with(r#""seed":1.5"#), "seed: must be a whole number"),
        (with(r#""functions":[]"#), "functions: is deprecated and cannot be translated; use tools in its place"),
        (r#"{"messages":[]}"#.to_owned(), "messages: must have at least one message"),
        (
            r#"{"messages":[{"role":"user","content":[{"type":"hologram"}]}]}"#.to_owned(),
            r#"messages.0.content.0.type: a part of type "hologram" cannot be translated"#,
        ),
    ];
    for (body, expected) in cases {
        assert_eq!(try_decode(&body).unwrap_err().to_string(), expected);
    }
}

#[test]
fn media_are_read_in_every_shape() {
    let chat = decode(
        r#"[{"role":"user","content":[
        {"type":"image_url","image_url":{"url":"https://a.example/a.png","detail":"high"}},
        {"type":"image_url","image_url":"data:image/png;base64,AAAA"},
        {"type":"input_audio","input_audio":{"data":"AAAA","format":"mp3"}},
        {"type":"file","file":{"file_id":"file-1"}},
        {"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,AAAA"}},
        {"type":"text","text":"Hi","cache_control":{"type":"ephemeral","ttl":"1h"}}]}]"#,
    );
    let base64 = |media_type: &'static str| Source::Base64 { media_type: media_type.into(), data: "AAAA".into() };
    let url = Source::Url { url: "https://a.example/a.png".into(), media_type: None };
    assert_eq!(
        blocks(&chat),
        [
            Block::Image { source: url, detail: Some("high".into()) },
            Block::Image { source: base64("image/png"), detail: None },
            Block::Audio(base64("audio/mpeg")),
            Block::Document { source: Source::File { id: "file-1".into(), vendor: Vendor::Openai }, title: None },
            Block::Document { source: base64("application/pdf"), title: Some("a.pdf".into()) },
            Block::Text("Hi".into()),
        ],
    );
    assert_eq!(chat.messages[0].parts[5].cache, Some(CacheMark::Hour));
}

#[test]
fn reasoning_is_read_in_every_shape() {
    let sealed = thinking("Hm", Some((Vendor::Anthropic, false, "EqQB")));
    let cases = [
        (r#""reasoning_content":"Hm""#, vec![thinking("Hm", None)]),
        (r#""reasoning":"Hm","reasoning_content":"Hm""#, vec![thinking("Hm", None)]),
        (
            r#""reasoning_content":"Hm","reasoning_details":[{"type":"reasoning.text","text":"Hm","signature":"EqQB","format":"anthropic-claude-v1","index":0}]"#,
            vec![sealed.clone()],
        ),
        // A stream's deltas, gathered one by one.
        (
            r#""reasoning_details":[{"type":"reasoning.text","text":"H","index":0},{"type":"reasoning.text","text":"m","index":0},{"type":"reasoning.text","signature":"EqQB","format":"anthropic-claude-v1","index":0}]"#,
            vec![sealed.clone()],
        ),
        (
            r#""reasoning_content":"Hm","reasoning_details":[{"type":"reasoning.text","signature":"EqQB","format":"anthropic-claude-v1","index":0}]"#,
            vec![sealed.clone()],
        ),
        (
            r#""reasoning_content":"Hm","thinking_blocks":[{"type":"thinking","thinking":"Hm","signature":"EqQB"},{"type":"redacted_thinking","data":"EmwK"}]"#,
            vec![sealed, thinking("", Some((Vendor::Anthropic, true, "EmwK")))],
        ),
    ];
    for (members, expected) in cases {
        let chat = decode(&format!(r#"[{{"role":"assistant","content":null,{members}}}]"#));
        assert_eq!(blocks(&chat), expected, "{members}");
        assert!(chat.extra.is_empty());
    }
}

#[test]
fn reasoning_between_calls_goes_back_between_them() {
    let chat = decode(
        r#"[{"role":"assistant","content":"So.","reasoning_details":[
        {"type":"reasoning.text","text":"A","signature":"a","format":"anthropic-claude-v1","index":0},
        {"type":"reasoning.text","text":"B","signature":"b","format":"anthropic-claude-v1","index":3}],
        "tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"2","type":"function","function":{"name":"f","arguments":"{}"}}]}]"#,
    );
    let seal = |data| Some((Vendor::Anthropic, false, data));
    let expected =
        [thinking("A", seal("a")), Block::Text("So.".into()), call("1"), thinking("B", seal("b")), call("2")];
    assert_eq!(blocks(&chat), expected);
}

#[test]
fn reasoning_at_one_place_keeps_its_order() {
    let chat = decode(
        r#"[{"role":"assistant","content":"So.","reasoning_details":[
        {"type":"reasoning.text","text":"A","signature":"a","format":"anthropic-claude-v1","index":0},
        {"type":"reasoning.encrypted","data":"b","format":"anthropic-claude-v1","index":0},
        {"type":"reasoning.encrypted","data":"c","format":"anthropic-claude-v1","index":0}]}]"#,
    );
    let seal = |redacted, data| Some((Vendor::Anthropic, redacted, data));
    let expected = [
        thinking("A", seal(false, "a")),
        thinking("", seal(true, "b")),
        thinking("", seal(true, "c")),
        Block::Text("So.".into()),
    ];
    assert_eq!(blocks(&chat), expected);
}

#[test]
fn googles_seal_is_read_at_its_call() {
    let chat = decode(
        r#"[{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"CiQB"}}}]}]"#,
    );
    assert_eq!(blocks(&chat), [thinking("", Some((Vendor::Google, false, "CiQB"))), call("1")]);
}

#[test]
fn reasoning_is_asked_for_in_every_wording() {
    let cases = [
        (r#""reasoning":{"max_tokens":2000,"exclude":true}"#, None, Some(2000), Some(false)),
        (r#""reasoning":{"enabled":false}"#, Some(Effort::None), None, None),
        (r#""thinking":{"type":"disabled"}"#, Some(Effort::None), None, None),
        (r#""enable_thinking":false"#, Some(Effort::None), None, None),
        (r#""thinking":{"type":"enabled","budget_tokens":1024}"#, None, Some(1024), None),
        (r#""reasoning":{"effort":"low"},"reasoning_effort":"high""#, Some(Effort::High), None, None),
    ];
    for (members, effort, budget, visible) in cases {
        assert_eq!(decode_with(members).reasoning.unwrap().value, Reasoning { effort, budget, visible }, "{members}");
    }
}

#[test]
fn a_wish_to_hide_reasoning_alone_is_left_over_and_top_k_of_none_says_nothing() {
    let chat = decode_with(r#""reasoning":{"exclude":true},"top_k":-1"#);
    assert_eq!((chat.reasoning, chat.sampling.top_k), (None, None));
    assert_eq!(chat.extra, ["reasoning.exclude"]);
}

#[test]
fn allowed_tools_and_searches_are_read() {
    let chat = decode_with(
        r#""tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"f"}}]}},
        "web_search_options":{"search_context_size":"high","user_location":{"type":"approximate","approximate":{"country":"GB"}}}"#,
    );
    let expected = ToolChoice::Allowed { names: vec!["f".into()], required: true };
    assert_eq!(chat.tool_choice.unwrap().value, expected);
    let context_size = Some(Given::new("high".into(), "web_search_options.search_context_size"));
    let search = WebSearch { location: Some(r#"{"country":"GB"}"#), context_size, ..WebSearch::default() };
    assert_eq!(chat.tools[0].kind, ToolKind::WebSearch(search));
    assert_eq!(chat.extra, [""; 0]);
}

fn translation() -> Translation<'static> {
    Translation {
        client: Format::OpenaiChat,
        upstream: Format::AnthropicMessages,
        model: "m",
        default_max_tokens: 4096,
        stream: true,
        include_usage: false,
        framing: Framing::Sse,
        exchange: "0",
        created_s: 1,
    }
}

fn seal(vendor: Vendor, redacted: bool) -> Event<'static> {
    Event::BlockDelta(Delta::Seal(Seal { vendor, redacted, data: "S".into() }))
}

fn said(text: &'static str) -> Event<'static> {
    Event::BlockDelta(Delta::Text(text.into()))
}

fn thought(text: &'static str) -> Event<'static> {
    Event::BlockDelta(Delta::Thinking(text.into()))
}

fn tool(id: &'static str) -> [Event<'static>; 3] {
    let start = BlockStart::ToolUse { id: id.into(), name: "f".into() };
    [Event::BlockStart(start), Event::BlockDelta(Delta::Input("{}".into())), Event::BlockStop]
}

/// The choices of a whole answer and the deltas of a stream, and what both lost.
fn encoded(events: &[Event<'static>]) -> (String, Vec<String>, Vec<String>) {
    let mut losses = Losses::default();
    let mut answer = Answer::default();
    let mut encoder = StreamEncoder::new(&translation());
    let mut out = Vec::new();
    for event in events {
        answer.add(event.clone());
        encoder.encode(event, &mut out, &mut losses);
    }
    let whole = String::from_utf8(ResponseEncoder::new(&translation()).encode(&answer, &mut losses)).unwrap();
    let whole = whole.split(r#""choices":"#).nth(1).unwrap().strip_suffix('}').unwrap().to_owned();
    let chunks = String::from_utf8(out).unwrap();
    let deltas = chunks
        .split("\n\n")
        .filter_map(|chunk| Some(chunk.split(r#""choices":["#).nth(1)?.strip_suffix("]}")?.to_owned()));
    (whole, deltas.collect(), losses.iter().map(|loss| loss.path.clone()).collect())
}

#[test]
fn seals_reach_the_client_and_come_back() {
    for (vendor, redacted) in
        [(Vendor::Anthropic, false), (Vendor::Anthropic, true), (Vendor::Openai, false), (Vendor::Google, false)]
    {
        let mut events = vec![Event::Start { model: "m".into() }, Event::BlockStart(BlockStart::Thinking)];
        events.extend((!redacted).then(|| thought("Hm")));
        events.extend([
            seal(vendor, redacted),
            Event::BlockStop,
            Event::BlockStart(BlockStart::Text),
            said("So."),
            Event::BlockStop,
        ]);
        events.extend(tool("1"));
        events.push(Event::Finish(FinishReason::ToolUse.into()));
        let expected = vec![
            thinking(if redacted { "" } else { "Hm" }, Some((vendor, redacted, "S"))),
            Block::Text("So.".into()),
            call("1"),
        ];
        let (whole, deltas, _) = encoded(&events);
        let body: serde_json::Value = serde_json::from_str(&whole).unwrap();
        assert_eq!(blocks(&decode(&format!("[{}]", body[0]["message"]))), expected, "{whole}");
        // A client that gathers the details of a stream as they come.
        let deltas: Vec<serde_json::Value> = deltas.iter().map(|delta| serde_json::from_str(delta).unwrap()).collect();
        let details = deltas.iter().filter_map(|delta| delta["delta"]["reasoning_details"].as_array()).flatten();
        let details = serde_json::Value::Array(details.cloned().collect());
        let gathered = format!(
            r#"[{{"role":"assistant","content":"So.","reasoning_details":{details},"tool_calls":[{{"id":"1","type":"function","function":{{"name":"f","arguments":"{{}}"}}}}]}}]"#
        );
        assert_eq!(blocks(&decode(&gathered)), expected, "{gathered}");
    }
}

#[test]
fn googles_seal_goes_with_its_call() {
    let mut events = vec![Event::BlockStart(BlockStart::Thinking), seal(Vendor::Google, false), Event::BlockStop];
    events.extend(tool("1"));
    events.extend(tool("2"));
    let (whole, deltas, _) = encoded(&events);
    let first = r#"{"id":"1","type":"function","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"S"}}}"#;
    assert!(whole.contains(first) && whole.matches("thought_signature").count() == 1, "{whole}");
    assert!(deltas[1].contains(r#""name":"f","arguments":""},"extra_content":{"google":{"thought_signature":"S"}}"#));
    assert!(!whole.contains("reasoning_details"));
}

#[test]
fn refusals_and_citations_and_probabilities_are_said() {
    let citation = |url: Option<&'static str>| {
        let span = Some((0, 2));
        Event::BlockDelta(Delta::Citation(Citation { url: url.map(Into::into), span, ..Citation::default() }))
    };
    let token = TokenLogprob { token: "é".to_owned(), logprob: -0.5, top: vec![("e".to_owned(), -1.0)] };
    let (whole, deltas, losses) = encoded(&[
        Event::BlockStart(BlockStart::Text),
        said("é"),
        Event::BlockDelta(Delta::Logprobs(vec![token])),
        Event::BlockStop,
        Event::BlockStart(BlockStart::Text),
        said("So."),
        citation(Some("https://a.example")),
        citation(None),
        Event::BlockStop,
        Event::BlockStart(BlockStart::Refusal),
        said("No."),
        Event::BlockStop,
        Event::Finish(FinishReason::Refusal.into()),
    ]);
    let annotation = r#""annotations":[{"type":"url_citation","url_citation":{"url":"https://a.example","title":"","start_index":1,"end_index":3}}]"#;
    let logprobs = r#""logprobs":{"content":[{"token":"é","logprob":-0.5,"bytes":[195,169],"top_logprobs":[{"token":"e","logprob":-1.0,"bytes":[101]}]}],"refusal":null}"#;
    assert_eq!(
        whole,
        format!(
            r#"[{{"index":0,"message":{{"role":"assistant","content":"éSo.","refusal":"No.",{annotation}}},{logprobs},"finish_reason":"stop"}}]"#
        ),
    );
    let told = annotation.replace(r#"[{"type"#, r#"[{"index":0,"type"#);
    assert!(deltas.iter().any(|delta| delta.contains(&told)));
    assert!(deltas.iter().any(|delta| delta.contains(logprobs)));
    assert!(deltas.iter().any(|delta| delta.contains(r#""delta":{"refusal":"No."}"#)));
    assert_eq!(losses, ["citations"]);
}

#[test]
fn choices_keep_apart() {
    let (whole, deltas, _) = encoded(&[
        Event::Start { model: "m".into() },
        Event::BlockStart(BlockStart::Text),
        said("a"),
        Event::Choice(1),
        Event::BlockStart(BlockStart::Text),
        said("b"),
        Event::BlockStop,
        Event::Finish(FinishReason::Length.into()),
        Event::Choice(0),
        said("A"),
        Event::BlockStop,
        Event::Finish(FinishReason::Stop.into()),
        Event::End,
    ]);
    assert_eq!(
        whole,
        r#"[{"index":0,"message":{"role":"assistant","content":"aA","refusal":null},"logprobs":null,"finish_reason":"stop"},{"index":1,"message":{"role":"assistant","content":"b","refusal":null},"logprobs":null,"finish_reason":"length"}]"#,
    );
    let role = r#"{"role":"assistant","content":""}"#;
    let expected = [
        (0, role),
        (0, r#"{"content":"a"}"#),
        (1, role),
        (1, r#"{"content":"b"}"#),
        (1, "{}"),
        (0, r#"{"content":"A"}"#),
        (0, "{}"),
    ];
    for (delta, (index, expected)) in deltas.iter().zip(expected) {
        assert!(delta.starts_with(&format!(r#"{{"index":{index},"delta":{expected},"#)), "{delta}");
    }
}

#[test]
fn reasons_without_a_word_are_approximated() {
    let finish = |reason| Event::Finish(Finish { reason, stop_sequence: Some("END".into()) });
    let (whole, _, losses) = encoded(&[finish(FinishReason::StopSequence)]);
    assert!(whole.contains(r#""finish_reason":"stop""#));
    assert_eq!(losses, ["stop_sequence"]);
    let (whole, _, losses) = encoded(&[Event::Finish(FinishReason::Paused.into())]);
    assert!(whole.contains(r#""finish_reason":"stop""#));
    assert_eq!(losses, ["finish_reason"]);
}
