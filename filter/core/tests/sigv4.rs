//! Our signatures beside those of AWS's own signer.

#![expect(clippy::unwrap_used, reason = "a test that fails panics")]

use std::time::{Duration, UNIX_EPOCH};

use aws_sigv4::{
    http_request::{PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign as reference},
    sign::v4::SigningParams,
};
use proptest::prelude::*;
use tollgate_core::aws::sigv4::{Credentials, SigningRequest, sign};

const HOST: &str = "bedrock-runtime.eu-central-1.amazonaws.com";

/// The headers that AWS's signer adds, by name.
fn by_reference(credentials: &Credentials<'_>, request: &SigningRequest<'_>) -> Vec<(String, String)> {
    let token = credentials.session_token.map(str::to_owned);
    let identity = aws_credential_types::Credentials::new(
        credentials.access_key_id,
        credentials.secret_access_key,
        token,
        None,
        "test",
    );
    let identity = identity.into();
    let mut settings = SigningSettings::default();
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let params = SigningParams::builder()
        .identity(&identity)
        .region(request.region)
        .name(request.service)
        .time(UNIX_EPOCH + Duration::from_secs(request.time_s))
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let question = if request.query.is_empty() { "" } else { "?" };
    let uri = format!("https://{HOST}{}{question}{}", request.path, request.query);
    let headers = request.headers.iter().copied();
    let request = SignableRequest::new(request.method, uri, headers, SignableBody::Bytes(request.body)).unwrap();
    let (instructions, _) = reference(request, &params).unwrap().into_parts();
    let mut added: Vec<_> =
        instructions.headers().map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    added.sort();
    added
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn signs_as_aws_does(
        method in prop_oneof!["POST", "GET"],
        path in prop_oneof![
            "/model/[a-z0-9.~_:-]{1,12}(%3A0)?(%2F[a-z]{1,4})?/converse(-stream)?",
            "/([a-z.:@!$&'()*+,;=]|%[2-7][0-9A-F]|/|/\\./|/\\.\\./){0,12}",
        ],
        query in prop_oneof!["", "([a-c]{1,2}(=([A-Za-z0-9._~:/+-]|%[2-7][0-9A-F]){0,4})?&){0,4}[a-z]"],
        headers in proptest::collection::vec(("[Xx]-[a-cA-C]{1,2}", "[ -~]{0,12}"), 0..5),
        body in proptest::collection::vec(any::<u8>(), 0..40),
        secret in "[A-Za-z0-9/+]{1,90}",
        session_token in proptest::option::of("[A-Za-z0-9/+=]{1,90}"),
        service in prop_oneof!["bedrock", "execute-api"],
        time_s in 0u64..250_000_000_000,
    ) {
        let mut headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        headers.push(("Host", HOST));
        let credentials = Credentials {
            access_key_id: "AKIDEXAMPLE",
            secret_access_key: &secret,
            session_token: session_token.as_deref(),
        };
        let region = "eu-central-1";
        let request = SigningRequest {
            method: &method, path: &path, query: &query, headers: &headers, body: &body, region, service: &service, time_s,
        };
        let mut ours: Vec<_> =
            sign(&credentials, &request).into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        ours.sort();
        prop_assert_eq!(ours, by_reference(&credentials, &request));
    }
}
