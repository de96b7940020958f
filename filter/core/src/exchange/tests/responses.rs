//! What reaches the client: a provider's answer, or what is said in its place.

use super::*;

const USAGE: &str = r#"{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}"#;

fn sonnet() -> Script {
    request(&[], &BODY.replace("gpt-4o", "sonnet"))
}

#[test]
fn a_whole_answer_in_the_clients_format_passes_byte_for_byte_and_is_priced() {
    let seen = envoy().drive(request(&[], BODY).meets(ProviderAnswer::json(USAGE)));
    let response = seen.response.as_ref().unwrap();
    assert_eq!(response.head.value("set-cookie"), None);
    assert_eq!(response.head.value("content-length"), Some(USAGE.len().to_string().as_str()));
    assert_eq!((response.body.as_slice(), response.is_whole), (USAGE.as_bytes(), true));
    let record = record(&seen);
    assert_eq!((record.outcome, record.status, record.attempts.list.len()), (Outcome::Success, 200, 1));
    assert_eq!((record.first_byte_ms, record.duration_ms), (Some(20), 30));
    let attempts = &record.attempts;
    assert_eq!((attempts.provenance, attempts.charged()), (Provenance::Reported, Some(NanoUsd(60_000))));
    assert_eq!(attempts.list[0].price_version.as_deref(), Some("book@test"));
}

#[test]
fn a_client_that_hangs_up_leaves_one_partial_record() {
    let chunk = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
    let mut envoy = envoy();
    let seen = envoy.drive(
        stream_request().meets(ProviderAnswer::stream(&[chunk]).ends(AnswerEnd::Broken)).leaves(Leaves::AfterChunk(1)),
    );
    assert_eq!(record(&seen).outcome, Outcome::ClientAbort);
    assert_eq!((record(&seen).attempts.provenance, record(&seen).attempts.charged()), (Provenance::Partial, None));
    assert!(envoy.vm.shared.exchanges.is_empty());
}

#[test]
fn a_client_that_hangs_up_over_the_providers_failure_has_not_aborted() {
    let failure = "data: {\"error\":{\"message\":\"no\",\"type\":\"server_error\"}}\n\n";
    let answer = ProviderAnswer::stream(&[failure]).ends(AnswerEnd::Broken);
    let seen = envoy().drive(stream_request().meets(answer).leaves(Leaves::AfterChunk(1)));
    assert_eq!((record(&seen).outcome, record(&seen).reason), (Outcome::ProviderError, "provider_stream_failed"));
}

#[test]
fn envoys_own_failures_are_told_in_the_clients_format() {
    // The first provider answered and was given up; the second could not be reached.
    let first = ProviderAnswer::new(503, "text/plain", "no");
    let seen = envoy().drive(request(&[], BODY).meets(first).meets(Provider::Refuses));
    let response = seen.response.as_ref().unwrap();
    assert_eq!((response.head.status(), code(&response.body)), (503, "provider_unavailable".to_owned()));
    assert_eq!(response.head.value("content-length"), None, "Envoy's own length is not that of our words");
    let record = record(&seen);
    assert_eq!((record.outcome, record.status, record.reason), (Outcome::ProviderError, 503, "provider_unavailable"));
}

#[test]
fn envoys_own_answer_to_a_request_that_still_arrives_is_told_in_the_clients_format() {
    for (status, details, code_told) in
        [(408, "request_overall_timeout", "provider_timeout"), (413, "request_payload_too_large", "request_too_large")]
    {
        let seen = envoy().drive(request(&[], BODY).split(10).cut_short(status, details));
        assert_eq!(refusal(&seen), (status, code_told.to_owned()));
        assert_eq!((record(&seen).outcome, record(&seen).status), (Outcome::Refused, status));
    }
}

#[test]
fn a_providers_error_keeps_its_status_and_gets_the_clients_shape() {
    let body = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let seen = envoy().drive(sonnet().meets(ProviderAnswer::new(529, "application/json", body)));
    let response = seen.response.as_ref().unwrap();
    assert_eq!((response.head.status(), response.head.value("content-length")), (529, None));
    let error: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(error["error"]["message"], "Overloaded");
    assert_eq!(record(&seen).outcome, Outcome::ProviderError);
}

#[test]
fn an_error_without_a_body_says_something_all_the_same_and_is_the_providers() {
    for status in [404, 429, 503] {
        let answer = ProviderAnswer::new(status, "text/plain", "").without_body().with("retry-after", "17");
        let seen = envoy().drive(sonnet().meets(answer));
        let response = seen.response.as_ref().unwrap();
        let error: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
        assert_eq!((response.head.status(), response.head.value("retry-after")), (status, Some("17")));
        assert!(error["error"]["message"].is_string(), "{error}");
        let record = record(&seen);
        assert_eq!((record.outcome, record.status, record.reason), (Outcome::ProviderError, status, "provider_error"));
    }
}

/// Its head is held to be translated, so that the client can still be told by the status.
#[test]
fn what_is_no_answer_to_a_translated_stream_is_no_success() {
    let script = || request(&[], &BODY.replace("gpt-4o", "sonnet").replace("\"x\":1", "\"stream\":true"));
    let error = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    for body in ["<html>", "{}", error, ""] {
        let seen = envoy().drive(script().meets(ProviderAnswer::json(body)));
        let response = seen.response.as_ref().unwrap();
        assert_eq!(response.head.status(), 502, "{body}");
        assert_eq!(response.head.value("content-type"), Some("application/json"), "{body}");
        let record = record(&seen);
        assert_eq!((record.outcome, record.reason), (Outcome::ProviderError, "invalid_provider_response"), "{body}");
    }
}

#[test]
fn what_the_client_chose_cannot_break_out_of_a_debug_header() {
    let body = r#"{"model":"openai/x\u00e9","messages":[]}"#;
    let seen = envoy().drive(request(&[("x-tollgate-debug", "1")], body).meets(ProviderAnswer::json(USAGE)));
    assert_eq!(seen.response.unwrap().head.value("x-tollgate-target"), Some("openai/x?"));
}

#[test]
fn who_asks_to_be_told_hears_the_exchange_of_a_refusal_too() {
    for (sent, body, known) in
        [("1", "[]", true), ("0", "[]", false), ("1", r#"{"model":"none"}"#, true), ("1", BODY, true)]
    {
        let seen = envoy().drive(request(&[("x-tollgate-debug", sent)], body));
        let id = record(&seen).facts.id.to_string();
        let told = seen.response.as_ref().unwrap().head.value("x-tollgate-exchange");
        assert_eq!(told, known.then_some(id.as_str()), "{body}");
    }
}

#[test]
fn a_redirect_is_a_failure_and_leads_nowhere() {
    let redirect =
        |status| ProviderAnswer::new(status, "text/html", "<html>").with("location", "https://elsewhere.example/");
    for answer in [redirect(307), redirect(307).without_body(), redirect(200).without_body()] {
        let seen = envoy().drive(sonnet().meets(answer));
        let response = seen.response.as_ref().unwrap();
        assert_eq!((response.head.status(), response.head.value("location")), (502, None));
        assert!(response.is_whole && !response.body.is_empty());
        assert_eq!((record(&seen).outcome, record(&seen).status), (Outcome::ProviderError, 502));
    }
}

#[test]
fn a_fallback_that_cannot_take_the_request_leaves_the_failure_retryable() {
    let body = r#"{"model":"gpt-4o","messages":[{"role":"user","content":[{"type":"odd"}]}]}"#;
    let seen = envoy().drive(request(&[], body).meets(ProviderAnswer::new(503, "text/plain", "no")));
    let response = seen.response.as_ref().unwrap();
    assert_eq!(
        (response.head.status(), code(&response.body)),
        (503, "no_fallback".to_owned()),
        "the reason is not lost"
    );
    assert_eq!(record(&seen).reason, "no_fallback");
}

#[test]
fn a_client_that_leaves_between_attempts_is_no_provider_error() {
    let first = ProviderAnswer::new(503, "text/plain", "no");
    let seen = envoy().drive(request(&[], BODY).meets(first).leaves(Leaves::AfterAttempt(0)));
    assert_eq!((record(&seen).outcome, record(&seen).status), (Outcome::ClientAbort, 0));
}

#[test]
fn an_answer_that_cannot_be_used_keeps_the_providers_own_status() {
    let seen = envoy().drive(sonnet().meets(ProviderAnswer::json("<html>")));
    let record = record(&seen);
    assert_eq!((record.status, record.attempts.list[0].status), (502, 200));
    assert_eq!((record.reason, record.attempts.list[0].reason), ("invalid_provider_response", record.reason));
}

#[test]
fn trailers_end_an_answer_as_its_last_piece_does() {
    let whole = envoy().drive(request(&[], BODY).meets(ProviderAnswer::json(USAGE)));
    let ended = envoy().drive(request(&[], BODY).meets(ProviderAnswer::json(USAGE).ends(AnswerEnd::Trailers)));
    assert_eq!((&ended.response, &ended.record), (&whole.response, &whole.record));
}

/// Envoy takes no more of a body once trailers pass: what would have closed the stream cannot be sent.
#[test]
fn a_translated_stream_that_trailers_cut_is_not_called_a_success() {
    let begun =
        "data: {\"type\":\"message_start\",\"message\":{\"role\":\"assistant\",\"content\":[],\"usage\":{}}}\n\n";
    let script = || {
        let body = r#"{"contents":[{"parts":[{"text":"hi"}]}]}"#;
        request(&[(":path", "/v1beta/models/sonnet:streamGenerateContent")], body)
    };
    // The last word without the end event: the rest is made when the body ends.
    let stop = "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":1}}\n\n";
    let whole = envoy().drive(script().meets(ProviderAnswer::stream(&[begun, stop])));
    assert_eq!(record(&whole).outcome, Outcome::Success);
    let cut = envoy().drive(script().meets(ProviderAnswer::stream(&[begun, stop]).ends(AnswerEnd::Trailers)));
    assert_eq!((record(&cut).outcome, record(&cut).reason), (Outcome::ProviderError, "invalid_provider_response"));
    assert!(record(&cut).attempts.usage.is_some(), "what it used is on record all the same");
}

#[test]
fn a_response_without_a_body_is_held_for_its_trailers_only() {
    let seen = envoy().drive(sonnet().meets(ProviderAnswer::json("").without_body().ends(AnswerEnd::Trailers)));
    assert_eq!((record(&seen).outcome, record(&seen).status), (Outcome::ProviderError, 502));
}

#[test]
fn an_answer_that_breaks_off_is_interrupted_in_either_lane() {
    let seen = envoy().drive(stream_request().meets(ProviderAnswer::stream(&["data: {}\n\n"]).ends(AnswerEnd::Broken)));
    assert!(!seen.response.as_ref().unwrap().is_whole);
    assert_eq!((record(&seen).outcome, record(&seen).attempts.provenance), (Outcome::Interrupted, Provenance::Partial));
    // Held to be translated, nothing of it has reached the client: Envoy answers in its place.
    let seen = envoy().drive(sonnet().meets(ProviderAnswer::json("{").ends(AnswerEnd::Broken)));
    assert_eq!(code(&seen.response.as_ref().unwrap().body), "provider_unavailable");
    assert_eq!(record(&seen).outcome, Outcome::ProviderError);
}
