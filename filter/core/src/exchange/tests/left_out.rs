//! Steps of a plan that are left out: wherever they stand, the others are walked.

use super::*;

const CHAT: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"seed":1}"#;
/// What no other format can be made of.
const UNTRANSLATABLE: &str = r#"{"model":"m","messages":[{"role":"user","content":7}]}"#;

/// An Envoy whose model `m` has a target of each of these providers: `chat`, `claude` and `embedder` with a number behind it.
fn envoy_for(providers: &[&str], translation: v1::Translation) -> FakeEnvoy {
    let provider = |name: &&str| {
        let format = match name.trim_end_matches(char::is_numeric) {
            "chat" => v1::Format::OpenaiChat,
            "claude" => v1::Format::AnthropicMessages,
            _ => v1::Format::OpenaiEmbeddings,
        };
        provider(name, format, ("authorization", "upstream"))
    };
    let targets = providers.iter().map(|name| target(name, "x")).collect();
    let route = v1::Route { translation: translation.into(), ..route("m", targets, "chain/all") };
    envoy_of(v1::Snapshot {
        providers: providers.iter().map(provider).collect(),
        routes: vec![route],
        aliases: [].into(),
        ..snapshot()
    })
}

/// A request where every provider that is asked fails, and asks to be told what was decided.
fn failing(body: &str) -> Script {
    let unable = || ProviderAnswer::new(503, "text/plain", "no");
    let script = request(&[("x-tollgate-debug", "1")], body);
    (0..6).fold(script, |script, _| script.meets(unable()))
}

/// Which steps are walked, how many retries there may be, and who was asked.
fn walked(seen: &Seen) -> (Option<&str>, Option<&str>, Vec<&str>) {
    let admission = admission(seen);
    let set = |wanted: &str| admission.set.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.as_str());
    assert_eq!(admission.cluster, "chain/all", "a part of a chain is in the chain's own cluster");
    assert_eq!(admission.may_retry, set("x-envoy-max-retries").is_some());
    let asked = seen.upstream.iter().map(|request| request.head.value(":authority").unwrap());
    (
        set("x-tollgate-steps"),
        set("x-envoy-max-retries"),
        asked.map(|name| name.strip_suffix(".example").unwrap()).collect(),
    )
}

#[test]
fn a_chain_that_fits_is_walked_whole() {
    let seen = envoy_for(&["chat1", "claude2", "chat3"], v1::Translation::Lenient).drive(failing(CHAT));
    assert_eq!(walked(&seen), (None, Some("2"), vec!["chat1", "claude2", "chat3"]));
    assert_eq!(seen.response.unwrap().head.value("x-tollgate-skipped"), None);
}

#[test]
fn one_in_the_middle_is_left_out_and_the_answer_says_so_to_who_asks() {
    let seen = envoy_for(&["chat1", "embedder2", "chat3"], v1::Translation::Lenient).drive(failing(CHAT));
    assert_eq!(walked(&seen), (Some("0+2"), Some("1"), vec!["chat1", "chat3"]));
    let skipped = seen.response.as_ref().unwrap().head.value("x-tollgate-skipped");
    assert_eq!(skipped, Some("embedder2/x (unsupported_operation)"));
    let tried: Vec<_> = record(&seen).attempts.list.iter().map(|attempt| &*attempt.provider).collect();
    assert_eq!(tried, ["chat1", "chat3"]);
}

/// An Envoy whose clusters have no subsets yet may lead an attempt anywhere.
#[test]
fn no_attempt_is_made_at_a_step_that_is_left_out() {
    let mut envoy = envoy_for(&["chat1", "embedder2", "chat3"], v1::Translation::Lenient);
    let id = envoy.begin(request(&[], CHAT)).exchange();
    let shared = &mut envoy.vm.shared;
    let reply = Adapter::begin(shared, id, 1, NOW).unwrap_err();
    assert_eq!((reply.status, code(&reply.body)), (503, "cluster_not_found".to_owned()));
    assert!(Adapter::begin(shared, id, 2, NOW).is_ok());
}

#[test]
fn the_next_one_takes_what_the_first_cannot() {
    let seen = envoy_for(&["embedder1", "claude2", "chat3"], v1::Translation::Lenient).drive(failing(CHAT));
    assert_eq!(walked(&seen), (Some("1+2"), Some("1"), vec!["claude2", "chat3"]));
    assert_eq!(seen.upstream[1].body, CHAT.replace("\"m\"", "\"x\"").into_bytes());

    let seen = envoy_for(&["claude1", "claude2", "chat3"], v1::Translation::Lenient).drive(failing(UNTRANSLATABLE));
    assert_eq!(walked(&seen), (Some("2"), None, vec!["chat3"]));
}

#[test]
fn a_lenient_route_does_not_try_what_comes_after_a_step_that_fits() {
    let seen = envoy_for(&["chat1", "claude2"], v1::Translation::Lenient).drive(failing(UNTRANSLATABLE));
    assert_eq!(walked(&seen), (None, Some("1"), vec!["chat1"]));
    let response = seen.response.unwrap();
    assert_eq!((response.head.status(), code(&response.body)), (503, "no_fallback".to_owned()));
}

#[test]
fn a_strict_route_leaves_out_every_step_that_would_lose_something() {
    let seen = envoy_for(&["chat1", "claude2", "chat3", "claude4"], v1::Translation::Strict).drive(failing(CHAT));
    assert_eq!(walked(&seen), (Some("0+2"), Some("1"), vec!["chat1", "chat3"]));
}

#[test]
fn where_none_is_left_the_refusal_is_the_first_ones_that_can_do_such_a_call() {
    let reason = |providers: &[&str], translation, body: &str| {
        refusal(&envoy_for(providers, translation).drive(request(&[], body)))
    };
    let (lenient, strict) = (v1::Translation::Lenient, v1::Translation::Strict);
    assert_eq!(reason(&["embedder1", "embedder2"], lenient, CHAT), (400, "unsupported_operation".to_owned()));
    assert_eq!(reason(&["embedder1", "claude2"], lenient, UNTRANSLATABLE), (400, "invalid_value".to_owned()));
    assert_eq!(reason(&["claude1", "embedder2", "claude3"], strict, CHAT), (400, "lossy_translation".to_owned()));
}

#[test]
fn of_a_long_chain_the_first_four_places_are_walked_or_one_further_step() {
    let names = ["embedder0", "chat1", "chat2", "chat3", "chat4", "chat5"];
    let seen = envoy_for(&names, v1::Translation::Lenient).drive(failing(CHAT));
    assert_eq!(walked(&seen), (Some("1+2+3"), Some("2"), vec!["chat1", "chat2", "chat3"]));

    let names = ["embedder0", "embedder1", "embedder2", "embedder3", "chat4", "chat5"];
    let seen = envoy_for(&names, v1::Translation::Lenient).drive(failing(CHAT));
    assert_eq!(walked(&seen), (Some("4"), None, vec!["chat4"]));
}
