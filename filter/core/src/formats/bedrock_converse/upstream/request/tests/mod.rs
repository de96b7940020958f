//! Requests for the provider, by what the families of models take.

mod tools;

use serde_json::{Value, json};

use super::*;
use crate::{
    canonical::{
        Block, CacheMark, Effort, Function, Message, Part, Reasoning, Role, Seal, Source, Tool, ToolChoice, ToolKind,
        Vendor, WebSearch,
    },
    dialect::Framing,
    words::{Format, LossKind},
};

const CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const OLD_CLAUDE: &str = "anthropic.claude-3-5-sonnet-20241022-v2:0";
const ADAPTIVE: &str = "us.anthropic.claude-sonnet-4-6";
const NOVA: &str = "amazon.nova-pro-v1:0";
const NOVA_2: &str = "us.amazon.nova-2-lite-v1:0";

fn try_encode(model: &str, chat: &Chat<'_>) -> Result<(Value, Vec<String>), InvalidRequest> {
    let translation = Translation {
        client: Format::OpenaiChat,
        upstream: Format::BedrockConverse,
        model,
        default_max_tokens: 4096,
        stream: true,
        include_usage: false,
        framing: Framing::Sse,
        exchange: "0123456789abcdef0123456789abcdef",
        created_s: 1_700_000_000,
    };
    let mut losses = Losses::default();
    let body = encode_request(&translation, chat, &mut losses)?;
    let mark = |kind| if kind == LossKind::Approximated { "~" } else { "-" };
    let losses = losses.iter().map(|loss| format!("{}{}", mark(loss.kind), loss.path)).collect();
    Ok((serde_json::from_slice(&body).unwrap(), losses))
}

fn encode(model: &str, chat: &Chat<'_>) -> (Value, Vec<String>) {
    try_encode(model, chat).unwrap()
}

fn refusal(model: &str, chat: &Chat<'_>) -> String {
    try_encode(model, chat).unwrap_err().to_string()
}

fn part(block: Block<'static>) -> Part<'static> {
    Part { block, cache: None, path: "p".to_owned() }
}

fn marked(block: Block<'static>, mark: CacheMark) -> Part<'static> {
    Part { cache: Some(mark), ..part(block) }
}

fn text(text: &'static str) -> Block<'static> {
    Block::Text(text.into())
}

fn message<const N: usize>(role: Role, blocks: [Block<'static>; N]) -> Message<'static> {
    Message { role, parts: blocks.into_iter().map(part).collect(), path: "messages.0".to_owned() }
}

fn chat<const N: usize>(messages: [Message<'static>; N]) -> Chat<'static> {
    Chat { messages: messages.into(), ..Chat::default() }
}

fn question() -> Chat<'static> {
    chat([message(Role::User, [text("Hi")])])
}

fn tool(name: &'static str, parameters: Option<&'static str>) -> Tool<'static> {
    let function = Function {
        name: name.into(),
        description: Some("does".into()),
        parameters: parameters.map(Cow::from),
        strict: None,
    };
    Tool { kind: ToolKind::Function(function), cache: None, path: format!("tools.{name}") }
}

fn call(id: &'static str, name: &'static str, input: &'static str) -> Block<'static> {
    Block::ToolUse { id: id.into(), name: name.into(), input: input.into() }
}

fn result<const N: usize>(id: &'static str, blocks: [Block<'static>; N], is_error: bool) -> Block<'static> {
    Block::ToolResult { id: id.into(), parts: blocks.into_iter().map(part).collect(), is_error }
}

fn given<T>(value: T, path: &'static str) -> Option<Given<T>> {
    Some(Given::new(value, path))
}

fn png() -> Source<'static> {
    Source::Base64 { media_type: "image/png".into(), data: "QQ==".into() }
}

fn pdf(title: Option<&'static str>) -> Block<'static> {
    let source = Source::Base64 { media_type: "application/pdf".into(), data: "QQ==".into() };
    Block::Document { source, title: title.map(Cow::from) }
}

fn thinking(text: &'static str, vendor: Option<Vendor>, redacted: bool) -> Block<'static> {
    let seal = vendor.map(|vendor| Seal { vendor, redacted, data: "c2VhbA==".into() });
    Block::Thinking { text: text.into(), seal }
}

fn effort(effort: Effort) -> Option<Given<Reasoning>> {
    given(Reasoning { effort: Some(effort), ..Reasoning::default() }, "reasoning_effort")
}

#[test]
fn a_plain_question_is_a_plain_request() {
    let expected = json!({"messages": [{"role": "user", "content": [{"text": "Hi"}]}]});
    assert_eq!(encode(CLAUDE, &question()), (expected, vec![]));
}

#[test]
fn instructions_lead_and_turns_alternate() {
    let chat = chat([
        message(Role::System, [text("Be brief."), text("")]),
        message(Role::System, [text("Be kind.")]),
        message(Role::User, [text("Hi")]),
        message(Role::System, [text("Now rhyme.")]),
        message(Role::User, [text("Go")]),
        message(Role::Assistant, [text("")]),
        message(Role::Assistant, [Block::Refusal("No.".into())]),
    ]);
    let (body, losses) = encode(CLAUDE, &chat);
    assert_eq!(body["system"], json!([{"text": "Be brief."}, {"text": "Be kind."}]));
    let expected = json!([
        {"role": "user", "content": [{"text": "Hi"}, {"text": "Now rhyme."}, {"text": "Go"}]},
        {"role": "assistant", "content": [{"text": "No."}]},
    ]);
    assert_eq!(body["messages"], expected);
    assert_eq!(losses, ["~messages.0", "-messages.0", "~p"]);
}

#[test]
fn a_request_without_words_of_anybody_is_refused() {
    assert!(refusal(CLAUDE, &chat([message(Role::System, [text("Be brief.")])])).starts_with("messages: must have"));
}

#[test]
fn results_of_parallel_calls_stand_in_one_message_with_what_tools_gave() {
    let mut chat = chat([
        message(Role::User, [text("Look")]),
        message(
            Role::Assistant,
            [text("I look."), call("call:1", "look", r#"{"at":"a"}"#), call("call_2", "wait", "")],
        ),
        message(Role::User, [result("call:1", [text("seen"), Block::Image { source: png(), detail: None }], false)]),
        message(Role::User, [result("call_2", [text("")], true)]),
        message(Role::User, [text("And?")]),
    ]);
    chat.tools = vec![tool("look", Some(r#"{"type":"object"}"#)), tool("wait", None)];
    let (body, losses) = encode(CLAUDE, &chat);
    let expected = json!([
        {"role": "user", "content": [{"text": "Look"}]},
        {"role": "assistant", "content": [
            {"text": "I look."},
            {"toolUse": {"toolUseId": "call_1", "name": "look", "input": {"at": "a"}}},
            {"toolUse": {"toolUseId": "call_2", "name": "wait", "input": {}}},
        ]},
        {"role": "user", "content": [
            {"toolResult": {"toolUseId": "call_1", "content": [
                {"text": "seen"}, {"image": {"format": "png", "source": {"bytes": "QQ=="}}},
            ]}},
            {"toolResult": {"toolUseId": "call_2", "content": [{"json": {}}], "status": "error"}},
            {"text": "And?"},
        ]},
    ]);
    assert_eq!(body["messages"], expected);
    let tools = json!([
        {"toolSpec": {"name": "look", "description": "does", "inputSchema": {"json": {"type": "object"}}}},
        {"toolSpec": {"name": "wait", "description": "does", "inputSchema": {"json": {"type": "object"}}}},
    ]);
    assert_eq!(body["toolConfig"], json!({"tools": tools}));
    assert_eq!(losses, ["~p"]);
}

#[test]
fn results_come_before_what_the_user_says_beside_them() {
    let messages = [
        message(Role::User, [text("Look")]),
        message(Role::Assistant, [call("a", "f", "{}"), call("b", "f", "{}")]),
        message(Role::User, [text("Here."), result("a", [text("x")], false)]),
        message(Role::User, [result("b", [text("y")], false), text("Go on.")]),
    ];
    let (body, _) = encode(CLAUDE, &chat(messages));
    let expected = json!([
        {"toolResult": {"toolUseId": "a", "content": [{"text": "x"}]}},
        {"toolResult": {"toolUseId": "b", "content": [{"text": "y"}]}},
        {"text": "Here."},
        {"text": "Go on."},
    ]);
    assert_eq!(body["messages"][2]["content"], expected);
}

#[test]
fn claude_goes_on_from_no_white_space() {
    let chat = chat([message(Role::User, [text("Hi")]), message(Role::Assistant, [text("So: ")])]);
    let (body, losses) = encode(CLAUDE, &chat);
    assert_eq!(body["messages"][1]["content"], json!([{"text": "So:"}]));
    assert_eq!(losses, ["~messages.0"]);
    assert_eq!(encode(NOVA, &chat).0["messages"][1]["content"], json!([{"text": "So: "}]));
}

#[test]
fn texts_of_white_space_stay_away() {
    let messages = [
        message(Role::System, [text("\n")]),
        message(Role::User, [text(" "), text("Hi")]),
        message(Role::Assistant, [text(" \t"), call("a", "f", "{}")]),
        message(Role::User, [result("a", [text("\n")], false)]),
    ];
    let (body, losses) = encode(CLAUDE, &chat(messages));
    assert_eq!(body.get("system"), None);
    assert_eq!(body["messages"][0]["content"], json!([{"text": "Hi"}]));
    assert_eq!(body["messages"][1]["content"].as_array().map(Vec::len), Some(1));
    assert_eq!(body["messages"][2]["content"][0]["toolResult"]["content"], json!([{"json": {}}]));
    assert!(losses.contains(&"-p".to_owned()), "{losses:?}");
}

#[test]
fn arguments_that_are_no_object_are_refused() {
    let chat = chat([message(Role::Assistant, [call("a", "f", "[1]")])]);
    assert_eq!(refusal(CLAUDE, &chat), "p: the arguments of a call must be the JSON text of an object");
}

#[test]
fn thinking_goes_back_with_its_own_seal_only() {
    let chat = chat([message(
        Role::Assistant,
        [
            thinking("hm", Some(Vendor::Anthropic), false),
            thinking("", Some(Vendor::Anthropic), true),
            thinking("", Some(Vendor::Anthropic), false),
            Block::Thinking {
                text: "".into(),
                seal: Some(Seal { vendor: Vendor::Anthropic, redacted: true, data: "no base64".into() }),
            },
            thinking("x", Some(Vendor::Google), false),
            thinking("x", None, false),
            text("ok"),
        ],
    )]);
    let (body, losses) = encode(CLAUDE, &chat);
    let expected = json!([
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "c2VhbA=="}}},
        {"reasoningContent": {"redactedContent": "YzJWaGJBPT0="}},
        {"reasoningContent": {"reasoningText": {"text": "", "signature": "c2VhbA=="}}},
        {"reasoningContent": {"redactedContent": "bm8gYmFzZTY0"}},
        {"text": "ok"},
    ]);
    assert_eq!(body["messages"][0]["content"], expected);
    assert_eq!(losses, ["-p"]);
    for other in [NOVA_2, "mistral.mistral-large-2407-v1:0"] {
        assert_eq!(encode(other, &chat).0["messages"][0]["content"], json!([{"text": "ok"}]));
    }
    let hidden = "arn:aws:bedrock:us-east-1:012345678901:application-inference-profile/abcdefghijkl";
    assert_eq!(encode(hidden, &chat).0["messages"][0]["content"], expected);
}

#[test]
fn a_document_has_a_name_and_a_text_beside_it() {
    let chat = chat([
        message(Role::User, [pdf(Some("Q3.pdf"))]),
        message(Role::Assistant, [text("ok")]),
        message(Role::User, [text("And"), pdf(None), pdf(None)]),
    ]);
    let (body, losses) = encode(CLAUDE, &chat);
    let document = |name: &str| json!({"document": {"format": "pdf", "name": name, "source": {"bytes": "QQ=="}}});
    assert_eq!(body["messages"][0]["content"], json!([{"text": "Q3-pdf"}, document("Q3-pdf")]));
    let expected = json!([{"text": "And"}, document("document"), document("document (2)")]);
    assert_eq!(body["messages"][2]["content"], expected);
    assert_eq!(losses, ["~p"]);
}

#[test]
fn media_are_the_users_and_never_fetched() {
    let image = |source| Block::Image { source, detail: Some("high".into()) };
    let (body, losses) = encode(NOVA, &chat([message(Role::User, [image(png())])]));
    assert_eq!(body["messages"][0]["content"], json!([{"image": {"format": "png", "source": {"bytes": "QQ=="}}}]));
    assert_eq!(losses, ["-p.detail"]);
    let url = Source::Url { url: "https://a.example/a.png".into(), media_type: None };
    assert!(refusal(NOVA, &chat([message(Role::User, [image(url)])])).contains("send the bytes"));
    assert!(refusal(NOVA, &chat([message(Role::Assistant, [image(png())])])).contains("of the user only"));
    let sound = Block::Audio(Source::Base64 { media_type: "audio/wav".into(), data: "QQ==".into() });
    let (body, _) = encode(NOVA, &chat([message(Role::User, [sound.clone()])]));
    assert_eq!(body["messages"][0]["content"][0]["audio"]["format"], "wav");
    assert!(refusal(NOVA, &chat([message(Role::User, [result("a", [sound], false)])])).contains("of a tool only"));
}

#[test]
fn cache_points_follow_what_is_marked() {
    let user = Message {
        role: Role::User,
        parts: vec![
            marked(result("t", [text("c")], false), CacheMark::FiveMinutes),
            marked(text("a"), CacheMark::FiveMinutes),
            marked(pdf(Some("b")), CacheMark::Hour),
            marked(text(""), CacheMark::Hour),
        ],
        path: "messages.1".to_owned(),
    };
    let system =
        Message { role: Role::System, parts: vec![marked(text("s"), CacheMark::Hour)], path: "messages.0".to_owned() };
    let marked_tool = Tool { cache: Some(CacheMark::FiveMinutes), ..tool("f", None) };
    let chat = Chat { messages: vec![system, user], tools: vec![marked_tool], ..Chat::default() };

    let (body, losses) = encode(CLAUDE, &chat);
    let (short, hour) =
        (json!({"cachePoint": {"type": "default"}}), json!({"cachePoint": {"type": "default", "ttl": "1h"}}));
    assert_eq!(body["system"], json!([{"text": "s"}, hour]));
    let document = json!({"document": {"format": "pdf", "name": "b", "source": {"bytes": "QQ=="}}});
    let answer = json!({"toolResult": {"toolUseId": "t", "content": [{"text": "c"}]}});
    let expected = json!([answer, short, {"text": "a"}, short, document, {"text": "\n"}, hour]);
    assert_eq!(body["messages"][0]["content"], expected);
    assert_eq!(body["toolConfig"]["tools"][1], short);
    assert_eq!(losses, Vec::<String>::new());

    let (body, losses) = encode(OLD_CLAUDE, &chat);
    assert_eq!(body["system"][1], short);
    assert_eq!(losses, ["~p.cache_control"]);
    let (body, losses) = encode(NOVA, &chat);
    assert_eq!((&body["system"][1], body["toolConfig"]["tools"].as_array().unwrap().len()), (&short, 1));
    assert_eq!(losses, ["~p.cache_control", "-tools.f.cache_control"]);
    let (body, losses) = encode("meta.llama3-70b-instruct-v1:0", &chat);
    assert_eq!(body["system"], json!([{"text": "s"}]));
    assert_eq!(losses, ["-p.cache_control", "-tools.f.cache_control"]);
}

#[test]
fn claude_thinks_by_a_budget_or_by_an_effort() {
    let mut chat = question();
    chat.reasoning = effort(Effort::Medium);
    let (body, losses) = encode(CLAUDE, &chat);
    let thinking = json!({"type": "enabled", "budget_tokens": 2048});
    assert_eq!(body["additionalModelRequestFields"], json!({"thinking": thinking}));
    assert_eq!((&body["inferenceConfig"], losses.len()), (&json!({"maxTokens": 4096}), 0));
    let (body, losses) = encode(ADAPTIVE, &chat);
    assert_eq!(body["additionalModelRequestFields"], json!({"thinking": {"type": "adaptive"}}));
    assert_eq!((&body["outputConfig"], losses.len()), (&json!({"effort": "medium"}), 0));
    let (body, losses) = encode(OLD_CLAUDE, &chat);
    assert_eq!((body, losses), (encode(OLD_CLAUDE, &question()).0, vec!["-reasoning_effort".to_owned()]));
    chat.max_tokens = given(512, "max_tokens");
    let (body, losses) = encode(CLAUDE, &chat);
    assert_eq!((body.get("additionalModelRequestFields"), losses), (None, vec!["-reasoning_effort".to_owned()]));
}

#[test]
fn other_families_are_told_to_reason_in_their_own_words() {
    let mut chat = question();
    chat.sampling.temperature = given(0.5, "temperature");
    chat.sampling.top_k = given(20, "top_k");
    let extra = |chat: &Chat<'_>, model: &str| {
        let (body, losses) = encode(model, chat);
        (body["additionalModelRequestFields"].clone(), body["inferenceConfig"].clone(), losses.join(" "))
    };
    let nova = |effort: &str| json!({"type": "enabled", "maxReasoningEffort": effort});
    let half = json!({"temperature": 0.5});

    chat.reasoning = effort(Effort::Minimal);
    let low = json!({"reasoningConfig": nova("low"), "inferenceConfig": {"topK": 20}});
    assert_eq!(extra(&chat, NOVA_2), (low, half.clone(), "~reasoning_effort".to_owned()));
    chat.reasoning = effort(Effort::High);
    let high = json!({"reasoningConfig": nova("high")});
    assert_eq!(extra(&chat, NOVA_2), (high, Value::Null, "-temperature -top_k".to_owned()));
    chat.max_tokens = given(100, "max_tokens");
    let (fields, inference, losses) = extra(&chat, NOVA_2);
    assert_eq!(fields["reasoningConfig"], nova("medium"));
    assert_eq!((&inference["maxTokens"], losses.as_str()), (&json!(100), "~reasoning_effort"));
    chat.max_tokens = None;

    let gpt = extra(&chat, "openai.gpt-oss-120b-1:0");
    assert_eq!(gpt, (json!({"reasoning_effort": "high"}), half.clone(), "-top_k".to_owned()));
    assert_eq!(extra(&chat, "qwen.qwen3-32b-v1:0").0, json!({"reasoning_config": "high"}));
    assert_eq!(extra(&chat, NOVA).2, "-reasoning_effort");
    chat.reasoning = effort(Effort::None);
    assert_eq!(extra(&chat, "openai.gpt-oss-120b-1:0").2, "~reasoning_effort -top_k");
    assert_eq!(extra(&chat, NOVA_2).0, json!({"inferenceConfig": {"topK": 20}}));
}

#[test]
fn sampling_keeps_to_what_the_model_takes() {
    let mut chat = question();
    chat.sampling.temperature = given(1.5, "temperature");
    chat.sampling.top_p = given(0.9, "top_p");
    chat.sampling.top_k = given(20, "top_k");
    chat.stop = vec![Given::new("END".into(), "stop.0"), Given::new(" ".into(), "stop.1")];
    let (body, losses) = encode(NOVA, &chat);
    assert_eq!(body["inferenceConfig"], json!({"temperature": 1.0, "topP": 0.9, "stopSequences": ["END", " "]}));
    assert_eq!(body["additionalModelRequestFields"], json!({"inferenceConfig": {"topK": 20}}));
    assert_eq!(losses, ["~temperature"]);
    let (body, losses) = encode(OLD_CLAUDE, &chat);
    assert_eq!(body["inferenceConfig"], json!({"temperature": 1.0, "topP": 0.9, "stopSequences": ["END"]}));
    assert_eq!(body["additionalModelRequestFields"], json!({"top_k": 20}));
    assert_eq!(body["additionalModelResponseFieldPaths"], json!(["/delta/stop_sequence"]));
    assert_eq!(losses, ["-stop.1", "~temperature"]);
    let (body, losses) = encode(CLAUDE, &chat);
    assert_eq!(body["inferenceConfig"]["topP"], Value::Null);
    assert_eq!(losses, ["-stop.1", "~temperature", "-top_p"]);
}

#[test]
fn labels_and_classes_of_service_cross_where_aws_takes_them() {
    let mut chat = question();
    chat.metadata = given(r#"{"team":"a/b","note":"caf\u00e9","n":1}"#, "metadata");
    chat.service_tier = given(ServiceTier::Flex, "service_tier");
    let (body, losses) = encode(NOVA, &chat);
    assert_eq!(body["requestMetadata"], json!({"team": "a/b"}));
    assert_eq!(body["serviceTier"], json!({"type": "flex"}));
    assert_eq!(losses, ["-metadata.note", "-metadata.n"]);
    chat.metadata = None;
    for (tier, shown) in [
        (ServiceTier::Auto, Value::Null),
        (ServiceTier::Standard, Value::Null),
        (ServiceTier::Priority, json!({"type": "priority"})),
        (ServiceTier::Other("reserved".into()), json!({"type": "reserved"})),
    ] {
        chat.service_tier = given(tier, "service_tier");
        let (body, losses) = encode(NOVA, &chat);
        assert_eq!((&body["serviceTier"], losses.len()), (&shown, 0));
    }
    chat.service_tier = given(ServiceTier::Other("batch".into()), "service_tier");
    assert_eq!(encode(NOVA, &chat).1, ["-service_tier"]);
}

#[test]
fn what_has_no_counterpart_is_declared() {
    let mut chat = question();
    chat.sampling = Sampling {
        frequency_penalty: given(1.0, "frequency_penalty"),
        presence_penalty: given(1.0, "presence_penalty"),
        seed: given(1, "seed"),
        logit_bias: given("{}", "logit_bias"),
        ..Sampling::default()
    };
    chat.choices = given(2, "n");
    chat.logprobs = given(0, "logprobs");
    chat.verbosity = given("low".into(), "verbosity");
    chat.user = given("u".into(), "user");
    chat.safety_identifier = given("u".into(), "safety_identifier");
    chat.prompt_cache_key = given("k".into(), "prompt_cache_key");
    chat.store = given(true, "store");
    let (body, losses) = encode(CLAUDE, &chat);
    assert_eq!(body, encode(CLAUDE, &question()).0);
    let expected = [
        "-frequency_penalty",
        "-presence_penalty",
        "-seed",
        "-logit_bias",
        "-n",
        "-logprobs",
        "-verbosity",
        "-user",
        "-safety_identifier",
        "-prompt_cache_key",
        "-store",
    ];
    assert_eq!(losses, expected);
    chat = Chat { choices: given(1, "n"), store: given(false, "store"), ..question() };
    assert_eq!(encode(CLAUDE, &chat).1, Vec::<String>::new());
}
