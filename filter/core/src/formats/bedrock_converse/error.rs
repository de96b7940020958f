//! Errors in AWS's shapes, of a response and of a stream.

use serde::Serialize;

use crate::{canonical::Failure, dialect::ClientError, json::Node};

/// `{"message": …}`: the kind of an error is in a header
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_Errors>).
pub(super) fn encode_error(error: &ClientError<'_>) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body<'a> {
        message: &'a str,
    }

    serde_json::to_vec(&Body { message: error.message }).unwrap_or_default()
}

/// Whether the body is that shape.
pub(super) fn is_error(body: &[u8]) -> bool {
    decode_error(body).is_some()
}

/// Reads `message`, which what stands before the service (its authentication, its limits) writes as `Message`. AWS's
/// older protocols name the kind in `__type`, sometimes with the service before it, and inside of `Output` where not even
/// the operation is known (<https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html#operation-error-serialization>).
pub(super) fn decode_error(body: &[u8]) -> Option<Failure> {
    let body = Node::parse(body).ok()?;
    let word = |name| body.member(name).and_then(Node::string);
    let kind = word("__type").or_else(|| body.member("Output")?.member("__type")?.string());
    let kind = kind.map(|kind| kind.rsplit('#').next().unwrap_or_default().to_owned());
    let message = word("message").or_else(|| word("Message")).map(std::borrow::Cow::into_owned);
    let message = message.or_else(|| kind.clone())?;
    let status = kind.as_deref().and_then(status_of);
    Some(Failure { status, kind, ..Failure::new(message) })
}

/// An exception in the middle of a stream: its type is the frame's name, and its body has a `message`
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html>).
pub(super) fn decode_exception(name: &[u8], body: &[u8]) -> Failure {
    let kind = String::from_utf8_lossy(name).into_owned();
    let body = Node::parse(body).ok();
    let word = |name| body.and_then(|body| body.member(name)).and_then(Node::string).filter(|text| !text.is_empty());
    let message = word("message").or_else(|| word("Message")).or_else(|| word("originalMessage"));
    let message = message.map_or_else(|| kind.clone(), std::borrow::Cow::into_owned);
    Failure { status: status_of(&kind), kind: Some(kind), ..Failure::new(message) }
}

/// The status that goes with an exception outside of a stream, whose names begin with a capital letter. They are those of
/// the two operations and those common to all of AWS
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html>).
fn status_of(kind: &str) -> Option<u16> {
    const STATUSES: [(&str, u16); 15] = [
        ("ValidationException", 400),
        ("ServiceQuotaExceededException", 400),
        ("UnknownOperationException", 404),
        ("UnrecognizedClientException", 403),
        ("InvalidSignatureException", 403),
        ("ExpiredTokenException", 403),
        ("AccessDeniedException", 403),
        ("ResourceNotFoundException", 404),
        ("ModelTimeoutException", 408),
        ("ModelErrorException", 424),
        ("ModelStreamErrorException", 424),
        ("ThrottlingException", 429),
        ("ModelNotReadyException", 429),
        ("InternalServerException", 500),
        ("ServiceUnavailableException", 503),
    ];
    STATUSES.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(kind)).map(|(_, status)| status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(body: &str) -> Option<(String, Option<String>, Option<u16>)> {
        decode_error(body.as_bytes()).map(|failure| (failure.message.into_owned(), failure.kind, failure.status))
    }

    #[test]
    fn reads_each_way_of_writing_an_error() {
        let plain = |message: &str| Some((message.to_owned(), None, None));
        assert_eq!(decoded(r#"{"message":"too long"}"#), plain("too long"));
        assert_eq!(decoded(r#"{"Message":"no key"}"#), plain("no key"));
        let kind = |kind: &str, status| Some(("m".to_owned(), Some(kind.to_owned()), status));
        assert_eq!(
            decoded(r#"{"__type":"com.amazon.bedrock#ThrottlingException","message":"m"}"#),
            kind("ThrottlingException", Some(429))
        );
        assert_eq!(decoded(r#"{"__type":"NewException","message":"m"}"#), kind("NewException", None));
        assert_eq!(
            decoded(r#"{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}"#),
            Some(("UnknownOperationException".to_owned(), Some("UnknownOperationException".to_owned()), Some(404)))
        );
        assert_eq!(decoded(r#"{"output":{},"stopReason":"end_turn"}"#), None);
        assert_eq!(decoded("<html>"), None);
    }

    #[test]
    fn an_exception_has_the_status_it_would_have_outside_of_a_stream() {
        let cases = [
            ("throttlingException", 429),
            ("modelStreamErrorException", 424),
            ("internalServerException", 500),
            ("validationException", 400),
            ("serviceUnavailableException", 503),
        ];
        for (name, status) in cases {
            let failure = decode_exception(name.as_bytes(), br#"{"message":"m"}"#);
            assert_eq!((failure.status, failure.kind.as_deref(), &*failure.message), (Some(status), Some(name), "m"));
        }
        let failure = decode_exception(b"modelStreamErrorException", br#"{"message":null,"originalMessage":"o"}"#);
        assert_eq!(failure.message, "o");
        assert_eq!(decode_exception(b"newException", b"").message, "newException");
    }
}
