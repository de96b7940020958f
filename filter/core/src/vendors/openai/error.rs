//! Errors in OpenAI's shape, and in the shapes of those who follow it.

use std::borrow::Cow;

use serde::Serialize;

use crate::{canonical::Failure, dialect::ClientError, json::Node};

/// The error shape of all of OpenAI's APIs (<https://platform.openai.com/docs/guides/error-codes>):
/// `{"error": {message, type, param, code}}`, the four always present.
pub(crate) fn encode_error(error: &ClientError<'_>) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body<'a> {
        error: Inner<'a>,
    }

    #[derive(Serialize)]
    struct Inner<'a> {
        message: &'a str,
        r#type: &'a str,
        param: Option<&'a str>,
        code: Option<&'a str>,
    }

    let error = Inner { message: error.message, r#type: error.kind, param: error.param, code: error.code };
    serde_json::to_vec(&Body { error }).unwrap_or_default()
}

/// Whether the body has an `error` object with a message, as the typed exceptions of OpenAI's clients want it.
pub(crate) fn is_error(body: &[u8]) -> bool {
    let Ok(body) = Node::parse(body) else { return false };
    // Anthropic's error has such an object too, next to a type of its own.
    body.member("type").is_none()
        && body.member("error").and_then(|error| error.member("message")).and_then(Node::string).is_some()
}

/// Reads the shapes that OpenAI-compatible providers use: `error` as an object or a string, its members on the top
/// level (vLLM), `detail` (FastAPI), a list of such bodies (Google's compatible API), a list `errors` (Cloudflare:
/// <https://developers.cloudflare.com/fundamentals/api/how-to/make-api-calls/>).
pub(crate) fn decode_error(body: &[u8]) -> Option<Failure> {
    let body = Node::parse(body).ok()?;
    let body = first(body).unwrap_or(body);
    let member = |key| body.member(key).filter(|member: &Node<'_>| !member.is_null());
    let error = member("error").or_else(|| member("errors").and_then(first)).unwrap_or(body);
    if let Some(message) = error.string() {
        return Some(Failure::new(message.into_owned()));
    }
    let message = ["message", "detail"].into_iter().find_map(|key| error.member(key)).filter(|node| !node.is_null())?;
    let message = message.string().unwrap_or(Cow::Borrowed(message.text())).into_owned();
    let word = |key| error.member(key).filter(|node| !node.is_null() && node.members().is_none()).map(word);
    Some(Failure {
        status: None,
        kind: word("type"),
        code: word("code"),
        param: word("param"),
        retry_after_s: None,
        message: message.into(),
    })
}

fn first(list: Node<'_>) -> Option<Node<'_>> {
    list.elements()?.into_iter().next()
}

/// A string, or a number in its digits: some providers put the HTTP status into `code`.
fn word(node: Node<'_>) -> String {
    node.string().unwrap_or(Cow::Borrowed(node.text())).into_owned()
}
