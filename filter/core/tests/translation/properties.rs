//! What must hold however bytes are split and whatever a body looks like.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tollgate_core::{
    json::{Edit, Envelope},
    translate::{Passed, Relay, ResponseKind, Translation, UpstreamBody, encode_request},
    words::Format,
};

use super::fixtures::{self, clients, fixtures, relay, upstreams};

fn translation(upstream: Format, stream: bool, include_usage: bool) -> Translation<'static> {
    let translation = fixtures::translation(Format::OpenaiChat, upstream);
    Translation { model: "claude-sonnet-4-5", stream, include_usage, ..translation }
}

/// `text` cut at these places, taken modulo its length.
fn cut<'t>(text: &'t [u8], cuts: &[usize]) -> Vec<&'t [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut % (text.len() + 1)).collect();
    places.sort_unstable();
    let mut chunks = Vec::new();
    let mut from = 0;
    for place in places {
        chunks.push(&text[from..place]);
        from = place;
    }
    chunks.push(&text[from..]);
    chunks
}

/// Every pair of a client and a provider, the same format on both sides included.
fn pairs() -> Vec<(Format, Format)> {
    let speaks = |client: Format, upstream: Format| client == upstream || client.translates_to(upstream);
    let pair =
        |client| upstreams().into_iter().filter(move |upstream| speaks(client, *upstream)).map(move |u| (client, u));
    clients().into_iter().flat_map(pair).collect()
}

#[test]
fn one_byte_at_a_time_gives_the_same_answer_and_usage() {
    for (client, upstream) in pairs() {
        for fixture in fixtures(upstream, "answers") {
            for (stream, include_usage) in [(false, false), (true, false), (true, true)] {
                let translation = Translation { stream, include_usage, ..fixtures::translation(client, upstream) };
                let whole = relay(&translation, fixture.kind, std::iter::once(&*fixture.bytes));
                let bytes = relay(&translation, fixture.kind, fixture.bytes.chunks(1));
                assert!(bytes == whole, "{} for {}", fixture.name, client.name());
            }
        }
    }
}

#[test]
fn whole_events_pass_at_once() {
    let event = b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}\n\n";
    for include_usage in [false, true] {
        let mut relay = Relay::new(&translation(Format::OpenaiChat, true, include_usage), ResponseKind::Stream);
        assert_eq!(relay.push(event), Passed::AsReceived);
        assert_eq!(
            relay.push(&event[..9]),
            if include_usage { Passed::AsReceived } else { Passed::Replaced(Vec::new()) }
        );
    }
}

#[test]
fn an_event_beyond_the_bound_passes_the_identity_lane_unread() {
    let mut body = b"data: {\"x\":\"".to_vec();
    body.resize(body.len() + (17 << 20), b'x');
    body.extend_from_slice(b"\"}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\n");
    let (out, observed) =
        relay(&translation(Format::OpenaiChat, true, false), ResponseKind::Stream, body.chunks(1 << 20));
    assert!(out.unwrap() == body);
    assert_eq!(observed.usage, None);
}

#[test]
fn an_event_beyond_the_bound_ends_the_canonical_lane_in_one_error_event() {
    let mut body = b"data: {\"type\":\"content_block_delta\",\"x\":\"".to_vec();
    body.resize(body.len() + (17 << 20), b'x');
    let (out, observed) =
        relay(&translation(Format::AnthropicMessages, true, false), ResponseKind::Stream, body.chunks(1 << 20));
    let out = String::from_utf8(out.unwrap()).unwrap();
    assert!(out.starts_with("data: {\"error\":{\"message\":\"the provider's response is too large"), "{out}");
    assert_eq!(out.matches("data: ").count(), 1);
    assert!(observed.failed);
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-z\"\\\\\n€{},:]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::vec(("[a-z\"]{0,3}", inner), 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// An object's members as (key, JSON text), written with any white space.
fn object() -> impl Strategy<Value = (Vec<(String, String)>, Vec<&'static str>)> {
    let key = prop_oneof!["[a-c]", Just("é\"\\".to_owned()), Just("model".to_owned()), Just("stream".to_owned())];
    let space = prop_oneof![Just(""), Just(" "), Just("\n\t"), Just("\r\n ")];
    (
        proptest::collection::vec((key, json_value().prop_map(|value| value.to_string())), 0..6),
        proptest::collection::vec(space, 40),
    )
}

fn write(members: &[(String, String)], spaces: &[&str]) -> String {
    let mut spaces = spaces.iter().cycle();
    let mut gap = || *spaces.next().unwrap();
    let inner: Vec<String> = members
        .iter()
        .map(|(key, value)| format!("{}{}{}:{}{value}{}", gap(), json!(key), gap(), gap(), gap()))
        .collect();
    let inner = if inner.is_empty() { gap().to_owned() } else { inner.join(",") };
    format!("{}{{{inner}}}{}", gap(), gap())
}

proptest! {
    #[test]
    fn any_split_gives_the_same_answer_and_usage(
        which in any::<prop::sample::Index>(),
        fixture in any::<prop::sample::Index>(),
        cuts in proptest::collection::vec(any::<usize>(), 0..10),
        stream in any::<bool>(),
        include_usage in any::<bool>(),
    ) {
        let pairs: Vec<_> =
            pairs().into_iter().filter(|(_, upstream)| !fixtures(*upstream, "answers").is_empty()).collect();
        let (client, upstream) = pairs[which.index(pairs.len())];
        let translation = Translation { stream, include_usage, ..fixtures::translation(client, upstream) };
        let answers = fixtures(upstream, "answers");
        let answer = &answers[fixture.index(answers.len())];
        let whole = relay(&translation, answer.kind, std::iter::once(&*answer.bytes));
        prop_assert_eq!(relay(&translation, answer.kind, cut(&answer.bytes, &cuts).into_iter()), whole);
    }

    #[test]
    fn any_bytes_are_survived(body in proptest::collection::vec(any::<u8>(), 0..300), cuts in proptest::collection::vec(any::<usize>(), 0..4)) {
        for (client, upstream) in pairs() {
            for kind in [ResponseKind::Stream, ResponseKind::Whole] {
                let translation = Translation { stream: true, ..fixtures::translation(client, upstream) };
                let mut relay = Relay::new(&translation, kind);
                for chunk in cut(&body, &cuts) {
                    relay.push(chunk);
                }
                let _ = relay.finish();
            }
        }
    }

    #[test]
    fn the_splice_touches_nothing_else((members, spaces) in object(), set in "[a-d]", remove in "[a-d]") {
        let text = write(&members, &spaces);
        let envelope = Envelope::scan(text.as_bytes()).unwrap();
        let spliced = envelope.splice(text.as_bytes(), &[Edit::Set(&set, "[1]".into()), Edit::Remove(&remove)]);
        let after = Envelope::scan(&spliced).unwrap();
        let seen: Vec<(String, String)> = after
            .members()
            .iter()
            .map(|member| (member.key.clone(), String::from_utf8(spliced[member.value.clone()].to_vec()).unwrap()))
            .collect();
        let mut expected: Vec<(String, String)> =
            members.iter().filter(|(key, _)| *key != remove || remove == set).cloned().collect();
        // Setting and removing one member at once has no one answer; only the others are compared then.
        if set == remove {
            expected.retain(|(key, _)| *key != set);
            prop_assert_eq!(seen.into_iter().filter(|(key, _)| *key != set).collect::<Vec<_>>(), expected);
            return Ok(());
        }
        let mut found = false;
        for (_, value) in expected.iter_mut().filter(|(key, _)| *key == set) {
            found = true;
            "[1]".clone_into(value);
        }
        if !found {
            expected.push((set, "[1]".to_owned()));
        }
        prop_assert_eq!(seen, expected);
    }

    #[test]
    fn the_identity_request_differs_in_model_and_usage_only((members, spaces) in object()) {
        let members: Vec<_> = members.into_iter().filter(|(key, _)| key != "stream_options").collect();
        let text = write(&members, &spaces);
        let envelope = Envelope::scan(text.as_bytes()).unwrap();
        let request = encode_request(&translation(Format::OpenaiChat, true, false), text.as_bytes(), &envelope).unwrap();
        let UpstreamBody::Replaced(bytes) = request.body else { panic!("usage was not asked for") };
        let after = Envelope::scan(&bytes).unwrap();
        prop_assert_eq!(after.parse::<String>(&bytes, "model").unwrap(), "claude-sonnet-4-5");
        prop_assert_eq!(after.raw(&bytes, "stream_options").unwrap(), &b"{\"include_usage\":true}"[..]);
        for (key, value) in members.iter().filter(|(key, _)| key != "model") {
            let kept = after.members().iter().any(|member| member.key == *key && &bytes[member.value.clone()] == value.as_bytes());
            prop_assert!(kept, "{} is gone", key);
        }
    }

    #[test]
    fn texts_tools_and_ids_arrive_in_order(turns in proptest::collection::vec(("[a-z \"\\\\é]{0,7}[a-zé]", "[a-zA-Z0-9_-]{1,8}", json_value()), 1..6)) {
        let mut messages = Vec::new();
        for (text, id, value) in &turns {
            let input = json!({"value": value}).to_string();
            messages.push(json!({"role": "user", "content": text}));
            messages.push(json!({"role": "assistant", "tool_calls": [
                {"id": id, "type": "function", "function": {"name": "f", "arguments": input}}
            ]}));
            messages.push(json!({"role": "tool", "tool_call_id": id, "content": text}));
        }
        let body = json!({"model": "m", "messages": messages}).to_string().into_bytes();
        let envelope = Envelope::scan(&body).unwrap();
        let request = encode_request(&translation(Format::AnthropicMessages, false, false), &body, &envelope).unwrap();
        prop_assert!(request.losses.is_empty(), "{}", request.losses);
        let UpstreamBody::Replaced(bytes) = request.body else { panic!("not translated") };
        let sent: Value = serde_json::from_slice(&bytes).unwrap();
        let expected: Vec<Value> = turns.iter().flat_map(|(text, id, value)| [
            json!({"role": "user", "content": [{"type": "text", "text": text}]}),
            json!({"role": "assistant", "content": [{"type": "tool_use", "id": id, "name": "f", "input": {"value": value}}]}),
            json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": [{"type": "text", "text": text}]}]}),
        ]).collect();
        prop_assert_eq!(&sent["messages"], &Value::from(expected));
    }
}
