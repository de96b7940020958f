//! Signatures as botocore makes them, and the calendar that dates them.

use super::*;

const HOST: (&str, &str) = ("host", "bedrock-runtime.us-east-1.amazonaws.com");
const CREDENTIALS: Credentials<'_> = Credentials {
    access_key_id: "AKIDEXAMPLE",
    secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    session_token: Some("the/token=="),
};
const REQUEST: SigningRequest<'_> = SigningRequest {
    method: "POST",
    path: "/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse-stream",
    query: "",
    headers: &[("content-type", "application/json"), HOST],
    body: br#"{"messages":[{"role":"user","content":[{"text":"hi"}]}]}"#,
    region: "us-east-1",
    service: "bedrock",
    time_s: 1_835_481_599,
};

/// Figures from botocore 1.43.11, which serves AWS's own command line.
#[test]
fn signs_as_botocore_does() {
    let expected = [
        ("x-amz-date", "20280229T235959Z"),
        ("x-amz-security-token", "the/token=="),
        ("x-amz-content-sha256", "c3335e07d6e89650bf94cb98664be69f8774dbc3198df221f113db0a59ea14f0"),
        (
            "authorization",
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20280229/us-east-1/bedrock/aws4_request, SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token, Signature=a547d89b4f3b57470dc0b13bb4cd363dd4012f2d856fe6a4b2dba3a616c8bae4",
        ),
    ];
    assert_eq!(sign(&CREDENTIALS, &REQUEST), expected.map(|(name, value)| (name, value.to_owned())));
}

#[test]
fn lasting_credentials_have_no_token_to_send() {
    let added = sign(&Credentials { session_token: None, ..CREDENTIALS }, &REQUEST);
    let names: Vec<_> = added.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["x-amz-date", "x-amz-content-sha256", "authorization"]);
    let authorization = &added[2].1;
    assert!(
        authorization.contains("SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date,"),
        "{authorization}"
    );
}

#[test]
fn what_signing_adds_replaces_what_was_given() {
    let given = [HOST, ("content-type", "application/json"), ("X-Amz-Date", "19700101T000000Z")];
    assert_eq!(sign(&CREDENTIALS, &SigningRequest { headers: &given, ..REQUEST }), sign(&CREDENTIALS, &REQUEST));
}

#[test]
fn no_secret_is_shown() {
    let shown = format!("{CREDENTIALS:?} {:?}", (CREDENTIALS, REQUEST));
    assert!(!shown.contains("wJalr") && !shown.contains("token"), "{shown}");
}

#[test]
fn knows_the_calendar() {
    let days = [
        (45_361, "19700101T123601Z"),
        (946_643_761, "19991231T123601Z"),
        (951_827_761, "20000229T123601Z"),
        (951_914_161, "20000301T123601Z"),
        (4_107_501_361, "21000228T123601Z"),
        (4_107_587_761, "21000301T123601Z"),
        (13_574_608_561, "24000229T123601Z"),
    ];
    for (time_s, text) in days {
        assert_eq!(timestamp::basic(time_s), text);
    }
    assert!(timestamp::basic(u64::MAX).ends_with('Z'));
}
