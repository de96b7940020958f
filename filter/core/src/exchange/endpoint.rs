//! What a client's method and path ask for, and whose errors it reads.

use super::head::{Head, decode_percent};
use crate::{
    translate::Framing,
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

/// What Gemini's paths say, and other formats' bodies: <https://ai.google.dev/api/generate-content>.
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

/// Where Gemini's API has its models: the versions that Google's clients know.
const GEMINI_MODELS: &str = "/v1beta/models";
/// Where OpenAI's and Anthropic's have theirs, and the stable version of Gemini's.
const MODELS: &str = "/v1/models";

impl Endpoint {
    /// Recognises a request by its head.
    ///
    /// # Errors
    /// When nothing is served under the path, or not with this method.
    pub fn recognise(head: &Head) -> Result<Self, NoEndpoint> {
        let method = head.value(":method").unwrap_or_default();
        let call = |operation, format| ("POST", Self::Call(Call { operation, format, path: None }));
        let (wanted, endpoint) = match head.path() {
            "/health" => ("GET", Self::Health),
            "/v1/chat/completions" => call(Operation::Chat, Format::OpenaiChat),
            "/v1/responses" => call(Operation::Chat, Format::OpenaiResponses),
            "/v1/completions" => call(Operation::Chat, Format::OpenaiCompletions),
            "/v1/messages" => call(Operation::Chat, Format::AnthropicMessages),
            "/v1/embeddings" => call(Operation::Embeddings, Format::OpenaiEmbeddings),
            path => {
                let below = path.strip_prefix(GEMINI_MODELS).or_else(|| path.strip_prefix(MODELS));
                match below.map(|below| (below, below.strip_prefix('/'))) {
                    Some(("", _)) => ("GET", Self::Models),
                    Some((_, Some(name))) if !name.is_empty() => recognise_model(head, method, name)?,
                    _ => return Err(NoEndpoint::Path),
                }
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

/// The format that a client reads errors and model lists in, as far as its head tells: the path's, and where several share the
/// path, the one whose clients alone send such a header.
pub(super) fn format_of_replies(head: &Head) -> Format {
    let path = head.path();
    let below = |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if below("/v1/chat") {
        Format::OpenaiChat
    } else if below("/v1/messages") {
        Format::AnthropicMessages
    } else if below("/v1/responses") {
        Format::OpenaiResponses
    } else if below("/v1/completions") {
        Format::OpenaiCompletions
    } else if below("/v1/embeddings") {
        Format::OpenaiEmbeddings
    } else if below("/v1beta") || generate_verb(path).is_some() {
        Format::GeminiGenerate
    } else if head.value("anthropic-version").is_some() {
        Format::AnthropicMessages
    } else if head.value("x-goog-api-key").is_some() {
        Format::GeminiGenerate
    } else {
        Format::OpenaiChat
    }
}

/// What is below the list of models: one of it, or a call of Gemini's. A name may have slashes and colons of its own.
fn recognise_model(head: &Head, method: &str, name: &str) -> Result<(&'static str, Endpoint), NoEndpoint> {
    let Some((model, stream)) = generate_verb(name) else {
        // `models/{model}:countTokens` and the like: other verbs are calls that are not served, whatever the method.
        let is_call = method == "POST" && name.contains(':');
        let endpoint = Endpoint::Model(decode_percent(name).into_owned());
        return if is_call { Err(NoEndpoint::Path) } else { Ok(("GET", endpoint)) };
    };
    if model.is_empty() {
        return Err(NoEndpoint::Path);
    }
    // https://cloud.google.com/apis/docs/system-parameters
    let framing = match head.query("alt").as_deref() {
        Some("sse") => Framing::Sse,
        _ => Framing::JsonArray,
    };
    let model = decode_percent(model).into_owned();
    let path = Some(PathCall { model, stream, framing });
    Ok(("POST", Endpoint::Call(Call { operation: Operation::Chat, format: Format::GeminiGenerate, path })))
}

/// The name before Gemini's verbs, and whether it is the one that streams.
fn generate_verb(path: &str) -> Option<(&str, bool)> {
    match path.rsplit_once(':')? {
        (name, "generateContent") => Some((name, false)),
        (name, "streamGenerateContent") => Some((name, true)),
        _ => None,
    }
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
