//! How much a request lets its provider write, in every format: read, and lowered.

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};
use tollgate_core::{
    json::{Edit, Envelope},
    translate::InvalidMember,
    words::Format::{
        self, AnthropicMessages, BedrockConverse, GeminiGenerate, OpenaiChat, OpenaiCompletions, OpenaiEmbeddings,
        OpenaiResponses,
    },
};

fn cap(format: Format, body: &str) -> Result<Option<u64>, InvalidMember> {
    format.output_cap(body.as_bytes(), &Envelope::scan(body.as_bytes()).unwrap())
}

fn choices(format: Format, body: &str) -> Result<u64, InvalidMember> {
    format.choices(body.as_bytes(), &Envelope::scan(body.as_bytes()).unwrap())
}

/// The body after the clamp; `None` where it stays as it is.
fn clamp(format: Format, model: &str, most: u64, body: &str) -> Result<Option<String>, InvalidMember> {
    let envelope = Envelope::scan(body.as_bytes()).unwrap();
    let edits: Vec<Edit<'_>> = format.clamp(model, most, body.as_bytes(), &envelope)?;
    let clamped = || String::from_utf8(envelope.splice(body.as_bytes(), &edits)).unwrap();
    Ok((!edits.is_empty()).then(clamped))
}

#[test]
fn each_format_has_its_place_for_the_cap() {
    for (format, body, expected) in [
        (OpenaiChat, r#"{"max_completion_tokens":7}"#, Some(7)),
        (OpenaiChat, r#"{"max_tokens":7.0}"#, Some(7)),
        (OpenaiChat, r#"{"max\u005ftokens":7}"#, Some(7)),
        (OpenaiChat, r#"{"max_tokens":"7"}"#, Some(7)),
        (OpenaiChat, r#"{"max_tokens":1e30}"#, Some(i64::MAX as u64)),
        (OpenaiChat, r#"{"max_tokens":3,"max_completion_tokens":7}"#, Some(7)),
        (OpenaiChat, r#"{"max_tokens":null,"max_completion_tokens":7}"#, Some(7)),
        (OpenaiChat, r#"{"max_output_tokens":7,"messages":[{"max_tokens":7}]}"#, None),
        (OpenaiResponses, r#"{"max_output_tokens":7,"max_tokens":3}"#, Some(7)),
        (OpenaiCompletions, r#"{"max_tokens":7}"#, Some(7)),
        (OpenaiCompletions, r#"{"max_tokens":0,"echo":true}"#, Some(0)),
        (OpenaiEmbeddings, r#"{"input":"x"}"#, Some(0)),
        (AnthropicMessages, r#"{"max_tokens":7}"#, Some(7)),
        (AnthropicMessages, r#"{"max_tokens":0}"#, Some(0)),
        (GeminiGenerate, r#"{"generationConfig":{"maxOutputTokens":7}}"#, Some(7)),
        (GeminiGenerate, r#"{"generation_config":{"max_output_tokens":"7"}}"#, Some(7)),
        (GeminiGenerate, r#"{"generationConfig":null}"#, None),
        (GeminiGenerate, r#"{"maxOutputTokens":7}"#, None),
        (BedrockConverse, r#"{"inferenceConfig":{"maxTokens":7,"topP":1}}"#, Some(7)),
        (BedrockConverse, r#"{"inferenceConfig":{"maxTokens":null}}"#, None),
    ] {
        assert_eq!(cap(format, body), Ok(expected), "{format} {body}");
    }
    for format in Format::ALL.into_iter().filter(|format| *format != OpenaiEmbeddings) {
        assert_eq!(cap(format, "{}"), Ok(None), "{format}");
    }
}

/// llama.cpp and LM Studio read -1 as no cap, and others a 0 as none given.
#[test]
fn a_number_that_caps_nothing_is_no_bound() {
    for (format, body) in [
        (OpenaiChat, r#"{"max_tokens":-1}"#),
        (OpenaiChat, r#"{"max_tokens":-1,"max_completion_tokens":5}"#),
        (OpenaiChat, r#"{"max_tokens":0}"#),
        (OpenaiResponses, r#"{"max_output_tokens":0}"#),
        (OpenaiCompletions, r#"{"max_tokens":-1}"#),
        (GeminiGenerate, r#"{"generationConfig":{"maxOutputTokens":0}}"#),
        (BedrockConverse, r#"{"inferenceConfig":{"maxTokens":0}}"#),
    ] {
        assert_eq!(cap(format, body), Ok(None), "{format} {body}");
        let clamped = clamp(format, "m", 9, body).unwrap().unwrap();
        assert!(cap(format, &clamped).unwrap().is_some_and(|cap| cap <= 9), "{clamped}");
    }
}

#[test]
fn what_is_no_number_or_stands_there_twice_is_named() {
    for (format, body, member, expected) in [
        (OpenaiChat, r#"{"max_tokens":"many"}"#, "max_tokens", "a whole number"),
        (OpenaiChat, r#"{"max_tokens":1.5}"#, "max_tokens", "a whole number"),
        (OpenaiChat, r#"{"max_completion_tokens":true}"#, "max_completion_tokens", "a whole number"),
        (OpenaiChat, r#"{"max_tokens":1,"max\u005ftokens":2}"#, "max_tokens", "given once"),
        (OpenaiResponses, r#"{"max_output_tokens":[1]}"#, "max_output_tokens", "a whole number"),
        (AnthropicMessages, r#"{"max_tokens":{}}"#, "max_tokens", "a whole number"),
        (GeminiGenerate, r#"{"generationConfig":1}"#, "generationConfig", "an object"),
        (GeminiGenerate, r#"{"generationConfig":{},"generation_config":{}}"#, "generationConfig", "given once"),
        (
            GeminiGenerate,
            r#"{"generationConfig":{"maxOutputTokens":1,"max_output_tokens":2}}"#,
            "generationConfig.maxOutputTokens",
            "given once",
        ),
        (
            BedrockConverse,
            r#"{"inferenceConfig":{"maxTokens":1,"max\u0054okens":null}}"#,
            "inferenceConfig.maxTokens",
            "given once",
        ),
        (BedrockConverse, r#"{"inferenceConfig":{"maxTokens":false}}"#, "inferenceConfig.maxTokens", "a whole number"),
    ] {
        let invalid = InvalidMember { member, expected };
        assert_eq!(cap(format, body), Err(invalid), "{format} {body}");
        assert_eq!(clamp(format, "m", 1, body), Err(invalid), "{format} {body}");
    }
}

#[test]
fn each_format_has_its_number_of_answers() {
    for (format, body, expected) in [
        (OpenaiChat, "{}", 1),
        (OpenaiChat, r#"{"n":null}"#, 1),
        (OpenaiChat, r#"{"n":3}"#, 3),
        (OpenaiChat, r#"{"n":0}"#, 1),
        (OpenaiChat, r#"{"n":-2}"#, 1),
        (OpenaiChat, r#"{"n":2,"best_of":5}"#, 5),
        (OpenaiCompletions, r#"{"n":2,"best_of":5,"prompt":"a"}"#, 5),
        (OpenaiCompletions, r#"{"n":2,"prompt":["a","b","c"]}"#, 6),
        (OpenaiCompletions, r#"{"prompt":[[1,2],[3]]}"#, 2),
        (OpenaiCompletions, r#"{"prompt":[1,2,3],"n":2}"#, 2),
        (OpenaiCompletions, r#"{"prompt":[]}"#, 1),
        (OpenaiResponses, r#"{"n":3}"#, 1),
        (OpenaiEmbeddings, r#"{"input":["a","b"]}"#, 1),
        (AnthropicMessages, r#"{"n":3}"#, 1),
        (GeminiGenerate, r#"{"generationConfig":{"candidateCount":3}}"#, 3),
        (GeminiGenerate, r#"{"generation_config":{"candidate_count":"3"}}"#, 3),
        (BedrockConverse, "{}", 1),
    ] {
        assert_eq!(choices(format, body), Ok(expected), "{format} {body}");
    }
    for (format, body, member, expected) in [
        (OpenaiChat, r#"{"n":"all"}"#, "n", "a whole number"),
        (OpenaiCompletions, r#"{"best_of":1.5}"#, "best_of", "a whole number"),
        (OpenaiCompletions, r#"{"n":1,"n":9}"#, "n", "given once"),
        (
            GeminiGenerate,
            r#"{"generationConfig":{"candidateCount":[]}}"#,
            "generationConfig.candidateCount",
            "a whole number",
        ),
    ] {
        assert_eq!(choices(format, body), Err(InvalidMember { member, expected }), "{format} {body}");
    }
}

#[test]
fn a_clamp_changes_the_cap_and_no_other_byte() {
    for (format, model, body, expected) in [
        (OpenaiChat, "m", r#"{ "max_tokens" : 99, "n":1 }"#, r#"{ "max_tokens" : 9, "n":1 }"#),
        (OpenaiChat, "m", r#"{"max\u005ftokens":99}"#, r#"{"max\u005ftokens":9}"#),
        (
            OpenaiChat,
            "m",
            r#"{"max_tokens":4,"max_completion_tokens":99}"#,
            r#"{"max_tokens":4,"max_completion_tokens":9}"#,
        ),
        (OpenaiChat, "gpt-5.1", r#"{"n":1 }"#, r#"{"n":1,"max_completion_tokens":9 }"#),
        (OpenaiChat, "llama-4", r#"{"n":1}"#, r#"{"n":1,"max_tokens":9}"#),
        (OpenaiChat, "llama-4", r#"{"max\u005ftokens":null}"#, r#"{"max\u005ftokens":9}"#),
        (OpenaiResponses, "m", "{}", r#"{"max_output_tokens":9}"#),
        (OpenaiCompletions, "m", r#"{"max_tokens":"99"}"#, r#"{"max_tokens":9}"#),
        (AnthropicMessages, "m", r#"{"max_tokens":99}"#, r#"{"max_tokens":9}"#),
        (GeminiGenerate, "m", "{}", r#"{"generationConfig":{"maxOutputTokens":9}}"#),
        (GeminiGenerate, "m", r#"{"generation_config":null}"#, r#"{"generation_config":{"maxOutputTokens":9}}"#),
        (
            GeminiGenerate,
            "m",
            r#"{"generationConfig":{ "topK":1 , "max_output_tokens" : 99 },"contents":[]}"#,
            r#"{"generationConfig":{ "topK":1 , "max_output_tokens" : 9 },"contents":[]}"#,
        ),
        (
            GeminiGenerate,
            "m",
            r#"{"generationConfig":{"max_output_tokens":null}}"#,
            r#"{"generationConfig":{"max_output_tokens":9}}"#,
        ),
        (
            BedrockConverse,
            "m",
            r#"{"inferenceConfig":{"topP":1},"messages":[]}"#,
            r#"{"inferenceConfig":{"topP":1,"maxTokens":9},"messages":[]}"#,
        ),
    ] {
        assert_eq!(clamp(format, model, 9, body).unwrap().as_deref(), Some(expected), "{format} {body}");
    }
    for (format, body) in [
        (OpenaiChat, r#"{"max_tokens":9}"#),
        (OpenaiEmbeddings, r#"{"input":"x"}"#),
        (GeminiGenerate, r#"{"generationConfig":{"maxOutputTokens":1}}"#),
        (AnthropicMessages, r#"{"max_tokens":9,"thinking":{"type":"enabled","budget_tokens":2000}}"#),
    ] {
        assert_eq!(clamp(format, "m", 9, body), Ok(None), "{format} {body}");
    }
}

/// Anthropic: "`max_tokens` must be greater than `thinking.budget_tokens`", which is at least 1,024.
#[test]
fn claudes_thinking_fits_below_its_cap() {
    let anthropic = |cap: &str, thinking: &str| format!(r#"{{{cap}"thinking":{thinking}}}"#);
    let bedrock = |cap: &str, thinking: &str| {
        format!(r#"{{{cap}"additionalModelRequestFields":{{"top_k":1,"thinking":{thinking}}}}}"#)
    };
    let enabled = |budget: u64| format!(r#"{{"type":"enabled","budget_tokens":{budget}}}"#);
    let cases = [
        (enabled(4000), 2000, enabled(1999)),
        (enabled(1500), 2000, enabled(1500)),
        (enabled(4000), 1025, enabled(1024)),
        (enabled(4000), 1024, r#"{"type":"disabled"}"#.to_owned()),
        (r#"{"type":"adaptive"}"#.to_owned(), 10, r#"{"type":"adaptive"}"#.to_owned()),
        // Between calls Claude may think more than its cap says, where a beta feature allows it.
        (enabled(9000), 2000, enabled(9000)),
    ];
    for (before, most, after) in cases {
        let body = anthropic(r#""max_tokens":8000,"#, &before);
        let expected = anthropic(&format!(r#""max_tokens":{most},"#), &after);
        assert_eq!(clamp(AnthropicMessages, "m", most, &body).unwrap(), Some(expected), "{body}");
        let body = bedrock(r#""inferenceConfig":{"maxTokens":8000},"#, &before);
        let expected = bedrock(&format!(r#""inferenceConfig":{{"maxTokens":{most}}},"#), &after);
        assert_eq!(clamp(BedrockConverse, "m", most, &body).unwrap(), Some(expected), "{body}");
    }
}

/// A format, and bodies of its members in any order, number and spelling.
fn bodies() -> impl Strategy<Value = (Format, String)> {
    let value = || {
        select(vec![
            "null",
            "1",
            "5",
            "2000",
            "9000",
            "-1",
            "0",
            "16.0",
            "1e3",
            "\"70\"",
            "99999999999999999999",
            "1e30",
        ])
    };
    let members = |names: &'static [&'static str]| {
        let member = (select(names), value()).prop_map(|(name, value)| format!("\"{name}\":{value}"));
        vec(member, 0..3).prop_map(|members| members.join(" , "))
    };
    let top = |format: Format, names, others: &'static [&'static str]| {
        (members(names), select(others), any::<bool>()).prop_map(move |(caps, other, first)| {
            let all = if first { [other, &*caps] } else { [&*caps, other] };
            (format, format!("{{ {} }}", all.into_iter().filter(|one| !one.is_empty()).collect::<Vec<_>>().join(",")))
        })
    };
    let nested = |format: Format, objects: &'static [&'static str], names, others: &'static [&'static str]| {
        (select(objects), members(names), select(others), 0_u8..4).prop_map(move |(object, caps, other, how)| {
            let inner = match how {
                0 => String::new(),
                1 => format!("\"{object}\":null"),
                2 => format!("\"{object}\":{{{caps}}}"),
                _ => format!("\"{object}\":{{\"topP\":0.5{}{caps} }}", if caps.is_empty() { "" } else { "," }),
            };
            let all = [inner.as_str(), other].into_iter().filter(|one| !one.is_empty()).collect::<Vec<_>>().join(",");
            (format, format!("{{{all}}}"))
        })
    };
    let claudes = &[
        "",
        r#""thinking":{"type":"enabled","budget_tokens":1500}"#,
        r#""thinking":{"budget_tokens":8999,"type":"enabled"},"messages":[]"#,
        r#""thinking":{"type":"disabled"}"#,
    ];
    prop_oneof![
        top(
            OpenaiChat,
            &["max_tokens", "max_completion_tokens", r"max\u005ftokens", r"m\u0061x_completion_tokens"],
            &["", r#""messages":[{"role":"user","content":"max_tokens"}],"n":2"#],
        ),
        top(OpenaiResponses, &["max_output_tokens", r"max\u005Foutput_tokens"], &["", r#""max_tokens":9999"#]),
        top(OpenaiCompletions, &["max_tokens"], &["", r#""prompt":"x""#]),
        top(OpenaiEmbeddings, &["max_tokens"], &["", r#""input":"x""#]),
        top(AnthropicMessages, &["max_tokens", r"max\u005ftokens"], claudes),
        nested(
            GeminiGenerate,
            &["generationConfig", "generation_config", r"generation\u0043onfig"],
            &["maxOutputTokens", "max_output_tokens", r"max\u004futputTokens"],
            &["", r#""contents":[],"maxOutputTokens":9999"#],
        ),
        nested(
            BedrockConverse,
            &["inferenceConfig", r"inference\u0043onfig"],
            &["maxTokens", r"max\u0054okens"],
            &["", r#""additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":1500}}"#],
        ),
    ]
}

/// The body without what a clamp may change.
fn rest(format: Format, body: &str) -> Value {
    let mut value: Value = serde_json::from_str(body).unwrap();
    let object = value.as_object_mut().unwrap();
    let mut forget = |names: &[&str], within: &[&str]| {
        for within in within {
            let inner = object.get_mut(*within).and_then(Value::as_object_mut);
            inner.into_iter().for_each(|inner| inner.retain(|key, _| !names.contains(&key.as_str())));
            if object.get(*within).is_some_and(|value| value.is_null() || *value == json!({})) {
                object.remove(*within);
            }
        }
        if within.is_empty() {
            object.retain(|key, _| !names.contains(&key.as_str()));
        }
    };
    match format {
        OpenaiChat => forget(&["max_tokens", "max_completion_tokens"], &[]),
        OpenaiResponses => forget(&["max_output_tokens"], &[]),
        OpenaiCompletions => forget(&["max_tokens"], &[]),
        AnthropicMessages => forget(&["max_tokens", "thinking"], &[]),
        GeminiGenerate => {
            forget(&["maxOutputTokens", "max_output_tokens"], &["generationConfig", "generation_config"]);
        }
        BedrockConverse => {
            forget(&["maxTokens"], &["inferenceConfig"]);
            forget(&["thinking"], &["additionalModelRequestFields"]);
        }
        OpenaiEmbeddings => {}
    }
    value
}

proptest! {
    #[test]
    fn a_clamped_request_is_bound_and_else_the_same((format, body) in bodies(), most in select(vec![1_u64, 10, 1200, 1999, 8999])) {
        let Ok(before) = cap(format, &body) else {
            prop_assert!(clamp(format, "gpt-5.1", most, &body).is_err());
            return Ok(());
        };
        match clamp(format, "gpt-5.1", most, &body).unwrap() {
            None => prop_assert!(before.is_some_and(|cap| cap <= most), "{body}"),
            Some(clamped) => {
                prop_assert!(before.is_none_or(|cap| cap > most), "{body}");
                prop_assert_eq!(cap(format, &clamped), Ok(Some(most)), "{}", &clamped);
                prop_assert_eq!(clamp(format, "gpt-5.1", most, &clamped), Ok(None), "{}", &clamped);
                prop_assert_eq!(rest(format, &clamped), rest(format, &body), "{}", &clamped);
            }
        }
    }
}
