//! A client's request in the provider's format, by either lane.

use crate::{
    canonical::Losses,
    dialect::{IdentitySide, InvalidRequest, NO_MEMBER, Translation},
    json::{self, Edit, Envelope, MAX_DEPTH},
    words::Format,
};

/// What to send to the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamRequest {
    /// Headers that its format demands, besides credentials and `content-type`.
    pub headers: &'static [(&'static str, &'static str)],
    /// The body.
    pub body: UpstreamBody,
    /// What could not cross.
    pub losses: Losses,
}

/// A request's body for the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamBody {
    /// The client's, byte for byte.
    AsReceived,
    /// This one.
    Replaced(Vec<u8>),
}

/// Puts a client's request into the provider's format.
///
/// `envelope` is the scan of `body`. The same inputs always give the same request, so that it may be asked before the
/// request is admitted, only to learn the losses.
///
/// # Errors
/// When the body does not follow the client's format, or says what the provider's format can neither say nor leave out.
pub fn encode_request(
    translation: &Translation<'_>,
    body: &[u8],
    envelope: &Envelope,
) -> Result<UpstreamRequest, InvalidRequest> {
    let dialect = translation.upstream.dialect();
    let mut losses = Losses::default();
    if translation.client == translation.upstream {
        return Ok(UpstreamRequest {
            headers: dialect.http.headers,
            body: splice_request(translation, &dialect.identity, body, envelope),
            losses,
        });
    }
    let (Some(client), Some(upstream)) = (&translation.client.dialect().client, &dialect.upstream) else {
        return Err(no_translation(translation.client, translation.upstream));
    };
    // What passes as it is nobody looks into, so only here.
    if json::is_too_deep(body) {
        return Err(InvalidRequest {
            message: format!("the body is nested deeper than {MAX_DEPTH} levels"),
            param: None,
        });
    }
    let chat = (client.decode_request)(body, envelope)?;
    for path in &chat.extra {
        losses.declare(path.as_str(), NO_MEMBER);
    }
    let body = (upstream.encode_request)(translation, &chat, &mut losses)?;
    Ok(UpstreamRequest { headers: dialect.http.headers, body: UpstreamBody::Replaced(body), losses })
}

fn splice_request(
    translation: &Translation<'_>,
    identity: &IdentitySide,
    body: &[u8],
    envelope: &Envelope,
) -> UpstreamBody {
    let mut edits = Vec::with_capacity(2);
    if identity.names_model && envelope.parse::<String>(body, "model").is_none_or(|model| model != translation.model) {
        let model = serde_json::to_string(translation.model).unwrap_or_default();
        edits.push(Edit::Set("model", model.into()));
    }
    if let Some(ask_for_usage) = identity.ask_for_usage.filter(|_| translation.stream) {
        edits.extend(ask_for_usage(translation.model, body, envelope));
    }
    match edits.is_empty() {
        true => UpstreamBody::AsReceived,
        false => UpstreamBody::Replaced(envelope.splice(body, &edits)),
    }
}

fn no_translation(client: Format, upstream: Format) -> InvalidRequest {
    let (client, upstream) = (client.name(), upstream.name());
    InvalidRequest { message: format!("a request in {client} cannot be translated to {upstream}"), param: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Framing;

    #[test]
    fn what_is_nested_too_deep_passes_but_is_not_translated() {
        let body = |depth: usize| {
            let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            format!(r#"{{"model":"m","messages":[{{"role":"user","content":"hi"}}],"unknown":{nested}}}"#)
        };
        let encode = |upstream, depth| {
            let (body, client) = (body(depth), Format::OpenaiChat);
            let translation = Translation {
                client,
                upstream,
                model: "m",
                default_max_tokens: 1,
                stream: false,
                include_usage: false,
                framing: Framing::Sse,
                exchange: "0",
                created_s: 0,
            };
            encode_request(&translation, body.as_bytes(), &Envelope::scan(body.as_bytes()).unwrap())
        };
        assert_eq!(encode(Format::OpenaiChat, 1_000).unwrap().body, UpstreamBody::AsReceived);
        assert!(encode(Format::AnthropicMessages, MAX_DEPTH - 1).is_ok());
        let refused = encode(Format::AnthropicMessages, MAX_DEPTH).unwrap_err();
        assert_eq!(refused.to_string(), "the body is nested deeper than 128 levels");
    }
}
