//! Errors on their way to the client: ours, and a provider's in the client's format.

use crate::{canonical::Failure, dialect::ClientError, words::Format};

/// The most of a body without JSON that becomes part of a message, in bytes.
const MAX_TEXT: usize = 1 << 10;

/// The body that tells a client of an error, in its own format.
#[must_use]
pub fn encode_error(client: Format, error: &ClientError<'_>) -> Vec<u8> {
    (client.dialect().encode_error)(error)
}

/// Whether a provider's body already is an error in this format, with nothing to translate.
#[must_use]
pub fn is_error_of(format: Format, body: &[u8]) -> bool {
    (format.dialect().is_error)(body)
}

/// A provider's error body in the client's format. Kind, code and message stay the provider's; a body that is no error
/// of its format becomes the message, cut to 1 KiB.
#[must_use]
pub fn translate_error(client: Format, upstream: Format, status: u16, body: &[u8]) -> Vec<u8> {
    let decoded = (upstream.dialect().decode_error)(body);
    let failure = decoded.unwrap_or_else(|| Failure::new(text_of(status, body)));
    encode_error(client, &client_error(status, &failure))
}

/// After how many seconds a provider's error body says to try again: what other formats say in the header `retry-after`.
#[must_use]
pub fn retry_after_s(upstream: Format, body: &[u8]) -> Option<u64> {
    (upstream.dialect().decode_error)(body)?.retry_after_s
}

/// A provider's failure as an error for the client.
pub(super) fn client_error(status: u16, failure: &Failure) -> ClientError<'_> {
    ClientError {
        status,
        kind: failure.kind.as_deref().unwrap_or_else(|| kind_of(status)),
        code: failure.code.as_deref(),
        message: &failure.message,
        param: failure.param.as_deref(),
    }
}

/// The kind that OpenAI gives to errors of this status (<https://platform.openai.com/docs/guides/error-codes>).
fn kind_of(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    }
}

fn text_of(status: u16, body: &[u8]) -> String {
    let cut = body.get(..MAX_TEXT).unwrap_or(body);
    let text = String::from_utf8_lossy(cut);
    match text.trim() {
        "" => format!("the provider answered {status} without a message"),
        text => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(upstream: Format, status: u16, body: &[u8]) -> String {
        String::from_utf8(translate_error(Format::OpenaiChat, upstream, status, body)).unwrap()
    }

    #[test]
    fn keeps_what_anthropic_said() {
        let body =
            br#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}"#;
        assert_eq!(
            translated(Format::AnthropicMessages, 529, body),
            r#"{"error":{"message":"Overloaded","type":"overloaded_error","param":null,"code":null}}"#,
        );
    }

    #[test]
    fn keeps_what_openai_compatible_providers_said() {
        let cases: [(&[u8], &str); 7] = [
            (
                br#"[{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT"}}]"#,
                r#"{"error":{"message":"m","type":"rate_limit_error","param":null,"code":"400"}}"#,
            ),
            (
                br#"{"success":false,"errors":[{"code":5007,"message":"m"}],"result":null}"#,
                r#"{"error":{"message":"m","type":"rate_limit_error","param":null,"code":"5007"}}"#,
            ),
            (
                br#"{"error":{"message":"m","type":"t","param":"p","code":"c"}}"#,
                r#"{"error":{"message":"m","type":"t","param":"p","code":"c"}}"#,
            ),
            (
                br#"{"error":{"message":"m","code":429}}"#,
                r#"{"error":{"message":"m","type":"rate_limit_error","param":null,"code":"429"}}"#,
            ),
            (br#"{"error":"m"}"#, r#"{"error":{"message":"m","type":"rate_limit_error","param":null,"code":null}}"#),
            (br#"{"detail":"m"}"#, r#"{"error":{"message":"m","type":"rate_limit_error","param":null,"code":null}}"#),
            (
                br#"{"object":"error","message":"m","type":"t","code":40}"#,
                r#"{"error":{"message":"m","type":"t","param":null,"code":"40"}}"#,
            ),
        ];
        for (body, expected) in cases {
            assert_eq!(translated(Format::OpenaiChat, 429, body), expected);
        }
    }

    #[test]
    fn cuts_a_body_that_is_no_json() {
        let page = "é".repeat(2000);
        let translated = translated(Format::OpenaiChat, 502, page.as_bytes());
        assert!(translated.len() < 1200, "{}", translated.len());
        assert!(is_error_of(Format::OpenaiChat, translated.as_bytes()));
        assert!(
            super::translate_error(Format::OpenaiChat, Format::AnthropicMessages, 503, b"").starts_with(b"{\"error\":")
        );
    }

    #[test]
    fn tells_its_own_errors_from_others() {
        assert!(is_error_of(Format::OpenaiChat, br#"{"error":{"message":"m"}}"#));
        assert!(!is_error_of(Format::OpenaiChat, br#"{"error":"m"}"#));
        assert!(!is_error_of(Format::OpenaiChat, br#"{"type":"error","error":{"type":"x","message":"m"}}"#));
        assert!(is_error_of(Format::AnthropicMessages, br#"{"type":"error","error":{"type":"x","message":"m"}}"#));
        assert!(!is_error_of(Format::AnthropicMessages, br#"{"error":{"message":"m"}}"#));
    }
}
