use std::borrow::Cow;

use crate::{formats::Format, meter::Operation};

/// What a client's method and path ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `GET /health`.
    Health,
    /// `GET /v1/models`.
    Models,
    /// `GET /v1/models/{id}`.
    Model(String),
    /// A call that is routed by the model in its body.
    Call(Operation, Format),
}

/// Why there is no endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoEndpoint {
    /// Nothing is served under this path.
    Path,
    /// Something is, but with this method.
    Method(&'static str),
}

impl Endpoint {
    /// Recognises a request. `path` is without its query.
    ///
    /// # Errors
    /// When nothing is served under the path, or not with this method.
    pub fn recognise(method: &str, path: &str) -> Result<Self, NoEndpoint> {
        let (wanted, endpoint) = match path {
            "/health" => ("GET", Self::Health),
            "/v1/models" => ("GET", Self::Models),
            "/v1/chat/completions" => ("POST", Self::Call(Operation::Chat, Format::OpenaiChat)),
            "/v1/embeddings" => ("POST", Self::Call(Operation::Embeddings, Format::OpenaiEmbeddings)),
            _ => match path.strip_prefix("/v1/models/") {
                Some(id) if !id.is_empty() => ("GET", Self::Model(decode_percent(id).into_owned())),
                _ => return Err(NoEndpoint::Path),
            },
        };
        if method == wanted { Ok(endpoint) } else { Err(NoEndpoint::Method(wanted)) }
    }
}

/// Percent-decoding of one path segment (RFC 3986 §2.1); what is not valid UTF-8 afterwards stays as it was written.
fn decode_percent(segment: &str) -> Cow<'_, str> {
    percent_encoding::percent_decode_str(segment).decode_utf8().unwrap_or(Cow::Borrowed(segment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_surface_is_what_the_readme_says() {
        let chat = Endpoint::Call(Operation::Chat, Format::OpenaiChat);
        assert_eq!(Endpoint::recognise("POST", "/v1/chat/completions"), Ok(chat));
        assert_eq!(Endpoint::recognise("GET", "/v1/chat/completions"), Err(NoEndpoint::Method("POST")));
        assert_eq!(Endpoint::recognise("GET", "/v1/models/a%2Fb"), Ok(Endpoint::Model("a/b".to_owned())));
        assert_eq!(Endpoint::recognise("GET", "/v1/models/"), Err(NoEndpoint::Path));
        assert_eq!(Endpoint::recognise("POST", "/v1/chat/completions/"), Err(NoEndpoint::Path));
    }
}
