//! The head of a request to a provider, built anew for each attempt.

use crate::{
    admit::{
        route::Step,
        snapshot::{Auth, AwsCredentials},
    },
    aws::sigv4::{Credentials, SigningRequest, sign},
    exchange::{Head, Request, forwarding},
    translate::{Framing, UpstreamBody, UpstreamRequest},
    words::{Format, Millis, Secret},
};

/// The head of the request that asks `step` in `upstream`, complete.
pub(super) fn head(request: &Request, step: &Step, upstream: Format, encoded: &UpstreamRequest, now: Millis) -> Head {
    let provider = &step.provider;
    let body = match &encoded.body {
        UpstreamBody::AsReceived => &request.body,
        UpstreamBody::Replaced(bytes) => bytes,
    };
    let stream = stream(request, upstream);
    let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut head = Head(vec![
        own(":method", "POST"),
        own(":scheme", &provider.scheme),
        own(":authority", &provider.authority),
        (":path".to_owned(), format!("{}{}", provider.path_prefix, upstream.path(&step.model, stream))),
        own("content-type", "application/json"),
        own("content-length", &body.len().to_string()),
        own("accept", upstream.accepts(stream)),
        own("accept-encoding", "identity"),
        own("user-agent", concat!("tollgate/", env!("CARGO_PKG_VERSION"))),
    ]);
    let client = (request.format, request.headers.as_slice());
    forwarding::add(&mut head, encoded.headers, client, (upstream, provider));
    if let Auth::AwsSigV4(credentials) = &provider.auth {
        add_signature(&mut head, credentials, body, now);
    }
    head
}

/// Signs the body and what of the head nothing changes on the way: Envoy adds headers of its own and may drop others.
fn add_signature(head: &mut Head, aws: &AwsCredentials, body: &[u8], now: Millis) {
    let value = |name| head.value(name).unwrap_or_default();
    let (path, query) = value(":path").split_once('?').unwrap_or((value(":path"), ""));
    let credentials = Credentials {
        access_key_id: &aws.access_key_id,
        secret_access_key: aws.secret_access_key.expose(),
        session_token: aws.session_token.as_ref().map(Secret::expose),
    };
    let added = sign(
        &credentials,
        &SigningRequest {
            method: value(":method"),
            path,
            query,
            headers: &[("host", value(":authority")), ("content-type", value("content-type"))],
            body,
            region: &aws.region,
            service: SERVICE,
            time_s: now.seconds(),
        },
    );
    added.into_iter().for_each(|(name, value)| head.set(name, value));
}

/// What AWS calls Bedrock in signatures, `bedrock-runtime` included:
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonbedrock.html>.
const SERVICE: &str = "bedrock";

/// How the provider is to stream its answer, if at all: where it speaks the client's format, bytes pass as they are.
fn stream(request: &Request, upstream: Format) -> Option<Framing> {
    let framing = if upstream == request.format { request.framing } else { Framing::Sse };
    request.stream.then_some(framing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{admit::snapshot::Provider, canonical::Losses, json::Envelope};

    fn asked(upstream: Format, stream: bool) -> Head {
        let request = Request {
            format: Format::GeminiGenerate,
            stream,
            framing: Framing::JsonArray,
            include_usage: false,
            debug: false,
            body: b"{}".to_vec(),
            envelope: Envelope::scan(b"{}").unwrap(),
            headers: Vec::new(),
        };
        let provider = Provider {
            name: "p".into(),
            authority: "p.example".to_owned(),
            path_prefix: String::new(),
            scheme: "https".to_owned(),
            formats: vec![upstream],
            headers: Vec::new(),
            auth: Auth::Headers,
            cluster: String::new(),
            default_max_tokens: 0,
            prices: Vec::new(),
        };
        let step = Step {
            provider: provider.into(),
            model: "eu.anthropic.claude-v1:0".into(),
            format: Some(upstream),
            default_max_tokens: 0,
            price: None,
            unfit: None,
        };
        let encoded = UpstreamRequest { headers: &[], body: UpstreamBody::AsReceived, losses: Losses::default() };
        head(&request, &step, upstream, &encoded, Millis(0))
    }

    #[test]
    fn a_provider_is_asked_for_the_framing_that_its_format_has() {
        for (upstream, stream, path, accept) in [
            (
                Format::BedrockConverse,
                true,
                "/model/eu.anthropic.claude-v1%3A0/converse-stream",
                "application/vnd.amazon.eventstream",
            ),
            (Format::BedrockConverse, false, "/model/eu.anthropic.claude-v1%3A0/converse", "application/json"),
            (Format::OpenaiResponses, true, "/responses", "text/event-stream"),
            (
                Format::GeminiGenerate,
                true,
                "/models/eu.anthropic.claude-v1%3A0:streamGenerateContent",
                "application/json",
            ),
        ] {
            let head = asked(upstream, stream);
            assert_eq!((head.value(":path"), head.value("accept")), (Some(path), Some(accept)), "{upstream:?}");
        }
    }
}
