//! Every text of a request is shown once, and nothing else of it.

use serde_json::Value;
use tollgate_core::{
    json::Envelope,
    translate::{Author, RequestText, TextKind},
    words::Format,
};

use super::fixtures::requests;

/// Members whose strings are no texts: ids, names, addresses, seals, encoded media, settings of all these.
const NO_TEXT: &[&str] = &[
    "type",
    "role",
    "id",
    "name",
    "call_id",
    "tool_call_id",
    "tool_use_id",
    "toolUseId",
    "status",
    "signature",
    "thoughtSignature",
    "thought_signature",
    "encrypted_content",
    "cache_control",
    "image_url",
    "file",
    "file_id",
    "file_data",
    "file_url",
    "filename",
    "input_audio",
    "video_url",
    "document_url",
    "inlineData",
    "inline_data",
    "fileData",
    "file_data",
    "detail",
    "format",
    "extra_content",
    "caller",
    "annotations",
    "citations",
    "tools",
    "logprobs",
    "document_name",
    "url",
    "index",
    "mediaResolution",
    "prompt_cache_breakpoint",
    "prefix",
    "server_label",
    "phase",
    "mood",
    "videoMetadata",
    "language",
    "outcome",
];
/// Members below which every string is a text.
const ALL_TEXT: &[&str] = &["args", "arguments", "response"];

fn shown(format: Format, body: &[u8]) -> Vec<RequestText<'_>> {
    let mut texts = Vec::new();
    format.texts(body, &Envelope::scan(body).unwrap(), &mut |text| texts.push(text));
    texts
}

fn roots(format: Format) -> &'static [&'static str] {
    match format {
        Format::OpenaiChat => &["messages"],
        Format::OpenaiResponses => &["instructions", "input"],
        Format::OpenaiCompletions => &["prompt", "suffix"],
        Format::OpenaiEmbeddings => &["input"],
        Format::AnthropicMessages => &["system", "messages"],
        Format::GeminiGenerate => &["systemInstruction", "system_instruction", "contents"],
        Format::BedrockConverse => &["system", "messages"],
    }
}

/// The texts below a root, with `all` strings or only those that have none of the names above.
fn expect<'v>(value: &'v Value, all: bool, out: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => out.push(text),
        Value::Array(values) => values.iter().for_each(|value| expect(value, all, out)),
        Value::Object(members) => {
            let kind = members.get("type").and_then(Value::as_str).unwrap_or_default();
            for (key, value) in members {
                let key = key.as_str();
                let all = all || ALL_TEXT.contains(&key) || (key == "input" && kind.ends_with("tool_use"));
                let sealed = key == "data" && kind != "text";
                let media = key == "source" && matches!(value["type"].as_str(), Some("base64" | "url" | "file"));
                if all || !(NO_TEXT.contains(&key) || key == "media_type" || sealed || media) {
                    expect(value, all, out);
                }
            }
        }
        _ => {}
    }
}

#[test]
fn every_text_of_the_fixtures_is_shown_once() {
    let mut texts = 0;
    for format in Format::ALL {
        for fixture in requests(format) {
            let body = serde_json::to_vec(&fixture.body).unwrap();
            let shown = shown(format, &body);
            let mut expected = Vec::new();
            for root in roots(format) {
                expect(&fixture.body[*root], false, &mut expected);
            }
            let mut said: Vec<_> = shown.iter().map(|text| text.node.string().unwrap().into_owned()).collect();
            texts += said.len();
            said.sort_unstable();
            expected.sort_unstable();
            assert_eq!(said, expected, "{format} {}", fixture.name);
            for text in &shown {
                assert_eq!(&body[text.at.clone()], text.node.text().as_bytes(), "{format} {}", fixture.name);
            }
            assert!(shown.is_sorted_by(|one, next| one.at.end <= next.at.start), "{format} {}", fixture.name);
        }
    }
    assert!(texts > 300, "{texts}");
}

/// As `author: text`, with `~` before what was thought and `>` before arguments.
fn show(format: Format, body: &str) -> Vec<String> {
    let author = |author| match author {
        Author::System => "system",
        Author::User => "user",
        Author::Assistant => "assistant",
        Author::Tool => "tool",
    };
    let kind = |kind| match kind {
        TextKind::Words => "",
        TextKind::Reasoning => "~",
        TextKind::Arguments => ">",
    };
    let texts = shown(format, body.as_bytes());
    let show =
        |text: RequestText<'_>| format!("{}: {}{}", author(text.author), kind(text.kind), text.node.string().unwrap());
    texts.into_iter().map(show).collect()
}

#[test]
fn a_text_has_its_author_in_every_format() {
    for (format, body, expected) in [
        (
            Format::OpenaiChat,
            r#"{"tools":[{"function":{"description":"d"}}],"messages":[
                {"role":"developer","content":"s"},
                {"role":"user","name":"n","content":[{"type":"text","text":"u"},
                    {"type":"image_url","image_url":{"url":"https://a"}}]},
                {"role":"assistant","reasoning_content":"r","content":null,
                    "reasoning_details":[{"type":"reasoning.text","text":"d","signature":"x","id":"i"}],
                    "tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":\"1\"}"}},
                        {"id":"c","type":"custom","custom":{"name":"f","input":"q"}}]},
                {"role":"tool","tool_call_id":"c","content":"t"}],"user":"me"}"#,
            &[
                "system: s",
                "user: u",
                "assistant: ~r",
                "assistant: ~d",
                "assistant: >{\"a\":\"1\"}",
                "assistant: >q",
                "tool: t",
            ] as &[&str],
        ),
        (
            Format::OpenaiResponses,
            r#"{"instructions":"s","input":[{"role":"user","content":"u"},
                {"type":"reasoning","id":"i","summary":[{"type":"summary_text","text":"r"}],
                    "content":[{"type":"reasoning_text","text":"w"}],"encrypted_content":"x"},
                {"type":"function_call","call_id":"c","name":"f","arguments":"{}"},
                {"type":"function_call_output","call_id":"c","output":[{"type":"input_text","text":"t"}]},
                {"type":"web_search_call","id":"w","action":{"type":"search","query":"q"}},
                {"type":"message","role":"assistant","content":[{"type":"output_text","text":"a","annotations":[]},
                    {"type":"refusal","refusal":"no"}]},
                {"type":"mcp_call","id":"m","name":"f","arguments":"{}","output":"o"}],
                "prompt":{"id":"p","variables":{"city":"b","page":{"type":"input_text","text":"v"}}}}"#,
            &[
                "system: s",
                "user: u",
                "assistant: ~r",
                "assistant: ~w",
                "assistant: >{}",
                "tool: t",
                "assistant: >q",
                "assistant: a",
                "assistant: no",
                "assistant: >{}",
                "tool: o",
                "user: b",
                "user: v",
            ],
        ),
        (Format::OpenaiResponses, r#"{"input":"u"}"#, &["user: u"]),
        (
            Format::OpenaiCompletions,
            r#"{"prompt":["a","b"],"suffix":"c","user":"me"}"#,
            &["user: a", "user: b", "user: c"],
        ),
        (Format::OpenaiCompletions, r#"{"prompt":[[1,2],[3]]}"#, &[]),
        (Format::OpenaiEmbeddings, r#"{"model":"m","input":["a","b"]}"#, &["user: a", "user: b"]),
        (
            Format::AnthropicMessages,
            r#"{"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}],"messages":[
                {"role":"user","content":[{"type":"document","title":"t","context":"x",
                    "source":{"type":"content","content":[{"type":"text","text":"d"}]}},
                    {"type":"document","source":{"type":"text","media_type":"text/plain","data":"p"}},
                    {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}]},
                {"role":"assistant","content":[{"type":"thinking","thinking":"r","signature":"x"},
                    {"type":"redacted_thinking","data":"AAAA"},
                    {"type":"tool_use","id":"i","name":"f","input":{"id":"1","deep":[{"url":"2"}]}},
                    {"type":"web_search_tool_result","tool_use_id":"i",
                        "content":[{"type":"web_search_result","url":"https://a","title":"w","encrypted_content":"x"}]}]},
                {"role":"user","content":[{"type":"tool_result","tool_use_id":"i",
                    "content":[{"type":"text","text":"o"}]},{"type":"text","text":"u"}]},
                {"role":"assistant","content":"a"}]}"#,
            &[
                "system: s",
                "user: t",
                "user: x",
                "user: d",
                "user: p",
                "assistant: ~r",
                "assistant: >1",
                "assistant: >2",
                "tool: w",
                "tool: o",
                "user: u",
                "assistant: a",
            ],
        ),
        (Format::AnthropicMessages, r#"{"system":"s"}"#, &["system: s"]),
        (
            Format::GeminiGenerate,
            r#"{"system_instruction":{"parts":{"text":"s"}},"contents":[
                {"role":"user","parts":[{"text":"u"},{"inlineData":{"mimeType":"a/b","data":"AAAA"}}]},
                {"role":"model","parts":[{"thought":true,"text":"r"},{"text":"a","thoughtSignature":"x"},
                    {"functionCall":{"id":"i","name":"f","args":{"name":"1"}}},
                    {"executable_code":{"language":"PYTHON","code":"c"}},
                    {"code_execution_result":{"outcome":"OUTCOME_OK","output":"o"}}]},
                {"role":"user","parts":[{"functionResponse":{"name":"f","response":{"out":["t"]}}}]}],
                "generationConfig":{"stopSequences":["x"]}}"#,
            &[
                "system: s",
                "user: u",
                "assistant: ~r",
                "assistant: a",
                "assistant: >1",
                "assistant: >c",
                "tool: o",
                "tool: t",
            ],
        ),
        (
            Format::BedrockConverse,
            r#"{"system":[{"text":"s"},{"cachePoint":{"type":"default"}}],"messages":[
                {"role":"user","content":[{"text":"u"},{"guardContent":{"text":{"text":"g","qualifiers":["query"]}}},
                    {"document":{"name":"n","format":"txt","context":"x","source":{"text":"d"}}},
                    {"image":{"format":"png","source":{"bytes":"AAAA"}}}]},
                {"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"r","signature":"x"}}},
                    {"toolUse":{"toolUseId":"i","name":"f","input":{"id":"1"}}}]},
                {"role":"user","content":[{"toolResult":{"toolUseId":"i","status":"error",
                    "content":[{"text":"t"},{"json":{"k":"j"}}]}},
                    {"searchResult":{"source":"https://a","title":"w","content":[{"text":"h"}]}}]}]}"#,
            &[
                "system: s",
                "user: u",
                "user: g",
                "user: x",
                "user: d",
                "assistant: ~r",
                "assistant: >1",
                "tool: t",
                "tool: j",
                "user: w",
                "user: h",
            ],
        ),
    ] {
        assert_eq!(show(format, body), expected, "{format}");
    }
}

/// Who looks for texts may be handed anything that is an object.
#[test]
fn nothing_is_too_deep_or_too_odd_to_be_looked_through() {
    let deep = |open: &str, inner: &str, close: &str| format!("{}{inner}{}", open.repeat(10_000), close.repeat(10_000));
    let content = deep(r#"[{"type":"tool_result","content":"#, r#""t""#, "}]");
    for format in Format::ALL {
        for root in roots(format) {
            let messages = format!(r#"[{{"role":"user","content":{content},"parts":{content}}}]"#);
            for value in
                [messages.as_str(), &content, &deep("[", "1", "]"), "null", "1", "[null,1,\"x\",{}]", "{\"content\":7}"]
            {
                let body = format!("{{\"{root}\":{value}}}");
                let shown = shown(format, body.as_bytes());
                assert!(shown.is_sorted_by(|one, next| one.at.end <= next.at.start), "{format} {root}");
            }
        }
    }
}
