//! What a client's method and path ask for, and whose errors it reads.

use super::head::{Head, decode_percent};
use crate::{
    translate::{self, Framing, VerbCall, below_models, call_at, call_by_verb},
    words::{Format, Operation},
};

/// What a client's method and path ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `GET /health`.
    Health,
    /// The list of models.
    Models,
    /// One model of it.
    Model(String),
    /// A call that is routed by its model.
    Call(Call),
}

/// A call that is routed by its model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What kind of call.
    pub operation: Operation,
    /// In whose dialect.
    pub format: Format,
    /// What the path says of it. `None` where the body does.
    pub path: Option<PathCall>,
}

/// What the paths of some formats say, and the bodies of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathCall {
    /// The model, decoded.
    pub model: String,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// How.
    pub framing: Framing,
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
    /// Recognises a request by its head.
    ///
    /// # Errors
    /// When nothing is served under the path, or not with this method.
    pub fn recognise(head: &Head) -> Result<Self, NoEndpoint> {
        let method = head.value(":method").unwrap_or_default();
        let path = head.path();
        let (wanted, endpoint) = if path == "/health" {
            ("GET", Self::Health)
        } else if let Some((format, operation)) = call_at(path) {
            ("POST", Self::Call(Call { operation, format, path: None }))
        } else {
            match below_models(path).ok_or(NoEndpoint::Path)? {
                "" => ("GET", Self::Models),
                name => recognise_model(head, method, name)?,
            }
        };
        if method == wanted { Ok(endpoint) } else { Err(NoEndpoint::Method(wanted)) }
    }

    /// What kind of call it is and in whose dialect, where it is one.
    #[must_use]
    pub fn call(&self) -> Option<(Operation, Format)> {
        match self {
            Self::Call(call) => Some((call.operation, call.format)),
            _ => None,
        }
    }
}

/// The format that a client reads errors and model lists in, as far as its head tells.
pub(super) fn format_of_replies(head: &Head) -> Format {
    translate::format_of_replies(head.path(), |header| head.value(header).is_some())
}

/// What is below the list of models: one of it, or a call with a verb. A name may have slashes and colons of its own.
fn recognise_model(head: &Head, method: &str, name: &str) -> Result<(&'static str, Endpoint), NoEndpoint> {
    let Some(VerbCall { format, operation, model, stream, sse }) = call_by_verb(name) else {
        // `models/{model}:countTokens` and the like: other verbs are calls that are not served, whatever the method.
        let is_call = method == "POST" && name.contains(':');
        let endpoint = Endpoint::Model(decode_percent(name).into_owned());
        return if is_call { Err(NoEndpoint::Path) } else { Ok(("GET", endpoint)) };
    };
    if model.is_empty() {
        return Err(NoEndpoint::Path);
    }
    let (parameter, value) = sse;
    let framing = match head.query(parameter) {
        Some(asked) if asked == value => Framing::Sse,
        _ => Framing::JsonArray,
    };
    let model = decode_percent(model).into_owned();
    Ok(("POST", Endpoint::Call(Call { operation, format, path: Some(PathCall { model, stream, framing }) })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(method: &str, path: &str) -> Head {
        Head([(":method", method), (":path", path)].map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec())
    }

    fn recognise(method: &str, path: &str) -> Result<Endpoint, NoEndpoint> {
        Endpoint::recognise(&head(method, path))
    }

    #[test]
    fn the_client_surface_is_what_the_readme_says() {
        for (path, operation, format) in [
            ("/v1/chat/completions", Operation::Chat, Format::OpenaiChat),
            ("/v1/responses?x=1", Operation::Chat, Format::OpenaiResponses),
            ("/v1/completions", Operation::Chat, Format::OpenaiCompletions),
            ("/v1/messages?beta=true", Operation::Chat, Format::AnthropicMessages),
            ("/v1/embeddings", Operation::Embeddings, Format::OpenaiEmbeddings),
        ] {
            assert_eq!(recognise("POST", path), Ok(Endpoint::Call(Call { operation, format, path: None })), "{path}");
            assert_eq!(recognise("GET", path), Err(NoEndpoint::Method("POST")), "{path}");
            assert_eq!(format_of_replies(&head("GET", path)), format, "{path}");
        }
        for path in ["/v1/chat/completions/", "/v1/responses/resp_1", "/v1/messages/count_tokens", "/v1/models/", "/v1"]
        {
            assert_eq!(recognise("POST", path), Err(NoEndpoint::Path), "{path}");
        }
    }

    #[test]
    fn models_are_found_under_the_paths_of_each_vendor() {
        for path in ["/v1/models", "/v1beta/models?pageSize=5"] {
            assert_eq!(recognise("GET", path), Ok(Endpoint::Models));
        }
        for (path, model) in [("/v1/models/a%2Fb", "a/b"), ("/v1/models/qwen:7b", "qwen:7b"), ("/v1beta/models/g", "g")]
        {
            assert_eq!(recognise("GET", path), Ok(Endpoint::Model(model.to_owned())));
            assert!(recognise("POST", path).is_err(), "{path}");
        }
        assert_eq!(recognise("POST", "/v1beta/models/g"), Err(NoEndpoint::Method("GET")));
    }

    #[test]
    fn geminis_paths_say_model_stream_and_framing() {
        for (path, model, stream, framing) in [
            ("/v1beta/models/gemini-2.5-pro:generateContent", "gemini-2.5-pro", false, Framing::JsonArray),
            ("/v1beta/models/gemini-2.5-pro:streamGenerateContent", "gemini-2.5-pro", true, Framing::JsonArray),
            ("/v1/models/g:streamGenerateContent?key=k&alt=sse", "g", true, Framing::Sse),
            ("/v1beta/models/openai/gpt-4o:generateContent", "openai/gpt-4o", false, Framing::JsonArray),
            ("/v1beta/models/qwen%3A7b%2Fq4:streamGenerateContent?alt=json", "qwen:7b/q4", true, Framing::JsonArray),
            ("/v1beta/models/qwen:7b:generateContent", "qwen:7b", false, Framing::JsonArray),
        ] {
            let Ok(Endpoint::Call(call)) = recognise("POST", path) else { panic!("{path}") };
            let expected = PathCall { model: model.to_owned(), stream, framing };
            assert_eq!((call.format, call.path), (Format::GeminiGenerate, Some(expected)), "{path}");
            assert_eq!(recognise("GET", path), Err(NoEndpoint::Method("POST")), "{path}");
        }
        for path in
            ["/v1beta/models/:generateContent", "/v1beta/models/g:countTokens", "/v1beta/models2", "/v1beta/files"]
        {
            assert_eq!(recognise("POST", path), Err(NoEndpoint::Path), "{path}");
            assert_eq!(format_of_replies(&head("POST", path)), Format::GeminiGenerate, "{path}");
        }
    }

    #[test]
    fn the_format_of_replies_is_guessed_where_the_path_is_nobodys() {
        for (path, header, format) in [
            ("/v1/messages/batches", "x", Format::AnthropicMessages),
            ("/v1/responses/resp_1", "x", Format::OpenaiResponses),
            ("/v1/models/g:generateContent", "anthropic-version", Format::GeminiGenerate),
            ("/v1/models", "anthropic-version", Format::AnthropicMessages),
            ("/v1beta/models", "anthropic-version", Format::GeminiGenerate),
            ("/v1/files", "x-goog-api-key", Format::GeminiGenerate),
            ("/v1/messagesandmore", "x-api-key", Format::OpenaiChat),
            ("/v1/chat/completions", "x-goog-api-key", Format::OpenaiChat),
        ] {
            let mut head = head("POST", path);
            head.set(header, "1");
            assert_eq!(format_of_replies(&head), format, "{path} {header}");
        }
    }
}
