//! Why a client gets no provider's answer, and the answer it gets instead.

use super::{EXCHANGE_HEADER, Head};
use crate::{
    admit::KeyRefusal,
    canonical::Losses,
    json::ScanError,
    translate::{ClientError, encode_error},
    words::{ExchangeId, Format},
};

/// Why the gate, or Envoy on its behalf, does not pass a provider's answer on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reject {
    /// Nothing is served under the path.
    UnknownPath(String),
    /// Something is, with another method.
    WrongMethod(&'static str),
    /// The client wants another protocol on the connection.
    Upgrade,
    /// No credential.
    NoKey,
    /// A credential that is not good.
    BadKey(KeyRefusal),
    /// The control plane could not be asked about the key.
    KeyUnresolved,
    /// No snapshot has arrived yet.
    NotConfigured,
    /// The body is compressed.
    CompressedBody(String),
    /// The body is larger than so many bytes.
    TooLarge(usize),
    /// The body is not a JSON object.
    NotJson(ScanError),
    /// A member that policy reads stands in the body more than once.
    RepeatedMember(&'static str),
    /// A member is absent or of the wrong type.
    InvalidMember(&'static str, &'static str),
    /// What the client sent cannot be put to the provider.
    InvalidRequest(String, Option<String>),
    /// No route, alias or provider has this name.
    UnknownModel(String),
    /// The header `x-provider` names no provider.
    UnknownProvider(String),
    /// The key may not use the model.
    ModelNotAllowed(String),
    /// No provider of the model can do this kind of call.
    UnsupportedOperation(String),
    /// The route refuses translations that lose something.
    Lossy(Losses),
    /// The adapter was reached without an exchange: no gate admitted the request, or it has ended.
    NoExchange,
    /// No provider could be asked: Envoy's status and what it says of the cause.
    Unreachable(u16, NoAnswer),
    /// A provider failed, and the next of the plan cannot take the request, because of this.
    NoFallback(Box<Reject>),
    /// The bodies of the requests under way take all the memory that they may.
    Overloaded,
    /// A provider's answer could not be read.
    Unreadable(String),
}

/// What Envoy says of an attempt that brought no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// Every endpoint is out of service.
    NoHealthyProvider,
    /// The connection could not be made, or broke.
    Connection,
    /// No answer in time.
    Timeout,
    /// The cluster is not there.
    NoCluster,
    /// Anything else.
    Other,
}

/// An answer that the gate makes itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Beside those that the host adds.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// A JSON answer.
    #[must_use]
    pub fn json(status: u16, body: Vec<u8>) -> Self {
        Self { status, headers: vec![("content-type", "application/json".to_owned())], body }
    }

    /// The same with the header that names the exchange to its client.
    #[must_use]
    pub(super) fn naming(mut self, exchange: ExchangeId) -> Self {
        self.headers.push((EXCHANGE_HEADER, exchange.to_string()));
        self
    }

    /// Makes the head of another answer this one's. What else stands in it stays, but for the length of a body that is replaced.
    pub fn write_over(&self, head: &mut Head) {
        head.remove("content-length");
        head.set(":status", self.status.to_string());
        self.headers.iter().for_each(|(name, value)| head.set(name, value.as_str()));
    }
}

impl NoAnswer {
    /// Reads `response.code_details`
    /// (<https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/response_code_details>).
    #[must_use]
    pub fn from_details(details: &str) -> Self {
        if details.contains("no_healthy_upstream") {
            Self::NoHealthyProvider
        } else if details.contains("timeout") {
            Self::Timeout
        } else if details.contains("cluster_not_found") {
            Self::NoCluster
        } else if details.contains("upstream_reset") || details.contains("connection") {
            Self::Connection
        } else {
            Self::Other
        }
    }
}

const INVALID: &str = "invalid_request_error";
const SERVER: &str = "server_error";

impl Reject {
    /// HTTP status of the refusal.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::UnknownPath(_) | Self::UnknownModel(_) => 404,
            Self::WrongMethod(_) => 405,
            Self::Upgrade
            | Self::NotJson(_)
            | Self::RepeatedMember(_)
            | Self::InvalidMember(..)
            | Self::InvalidRequest(..)
            | Self::UnknownProvider(_)
            | Self::UnsupportedOperation(_)
            | Self::Lossy(_) => 400,
            Self::NoKey | Self::BadKey(_) => 401,
            Self::ModelNotAllowed(_) => 403,
            Self::CompressedBody(_) => 415,
            Self::TooLarge(_) => 413,
            Self::KeyUnresolved | Self::NotConfigured | Self::NoExchange | Self::NoFallback(_) | Self::Overloaded => {
                503
            }
            Self::Unreachable(status, _) => *status,
            Self::Unreadable(_) => 502,
        }
    }

    /// The error code, in the client's error and on the usage record.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownPath(_) => "unknown_url",
            Self::WrongMethod(_) => "method_not_allowed",
            Self::Upgrade => "upgrade_not_supported",
            Self::NoKey => "missing_api_key",
            Self::BadKey(KeyRefusal::Unknown) => "invalid_api_key",
            Self::BadKey(KeyRefusal::Revoked) => "revoked_api_key",
            Self::BadKey(KeyRefusal::Expired) => "expired_api_key",
            Self::KeyUnresolved => "key_lookup_unavailable",
            Self::NotConfigured => "not_configured",
            Self::CompressedBody(_) => "unsupported_content_encoding",
            Self::TooLarge(_) => "request_too_large",
            Self::NotJson(_) => "invalid_json",
            Self::RepeatedMember(_) => "duplicate_member",
            Self::InvalidMember(..) | Self::InvalidRequest(..) => "invalid_value",
            Self::UnknownModel(_) => "model_not_found",
            Self::UnknownProvider(_) => "provider_not_found",
            Self::ModelNotAllowed(_) => "model_not_allowed",
            Self::UnsupportedOperation(_) => "unsupported_operation",
            Self::Lossy(_) => "lossy_translation",
            Self::NoExchange => "no_exchange",
            Self::Unreachable(_, NoAnswer::Timeout) => "provider_timeout",
            Self::Unreachable(_, NoAnswer::NoHealthyProvider | NoAnswer::Connection) => "provider_unavailable",
            Self::Unreachable(_, NoAnswer::NoCluster) => "cluster_not_found",
            Self::Unreachable(_, NoAnswer::Other) => "gateway_error",
            Self::NoFallback(_) => "no_fallback",
            Self::Overloaded => "gateway_overloaded",
            Self::Unreadable(_) => "invalid_provider_response",
        }
    }

    /// The refusal in the client's own error format.
    #[must_use]
    pub fn reply(&self, client: Format) -> Reply {
        let status = self.status();
        let error = ClientError {
            status,
            kind: if status >= 500 { SERVER } else { INVALID },
            code: Some(self.code()),
            message: &self.message(),
            param: self.param(),
        };
        let mut reply = Reply::json(status, encode_error(client, &error));
        match self {
            Self::WrongMethod(allowed) => reply.headers.push(("allow", (*allowed).to_owned())),
            Self::KeyUnresolved | Self::NotConfigured | Self::Overloaded => {
                reply.headers.push(("retry-after", "1".to_owned()));
            }
            Self::NoKey | Self::BadKey(_) => reply.headers.push(("www-authenticate", "Bearer".to_owned())),
            _ => {}
        }
        reply
    }

    fn param(&self) -> Option<&str> {
        match self {
            Self::RepeatedMember(key) | Self::InvalidMember(key, _) => Some(key),
            Self::InvalidRequest(_, param) => param.as_deref(),
            Self::UnknownModel(_) | Self::ModelNotAllowed(_) => Some("model"),
            _ => None,
        }
    }

    fn message(&self) -> String {
        match self {
            Self::UnknownPath(path) => format!(
                "Nothing is served at {path}. Tollgate serves POST /v1/chat/completions, /v1/responses, \
                 /v1/completions, /v1/messages, /v1/embeddings, /v1beta/models/{{model}}:generateContent and \
                 :streamGenerateContent, GET /v1/models[/{{id}}], /v1beta/models[/{{model}}] and /health."
            ),
            Self::WrongMethod(allowed) => format!("This path takes {allowed} only."),
            Self::Upgrade => "Upgrading the connection to another protocol is not supported.".to_owned(),
            Self::NoKey => "No API key was sent. Put it into the header 'authorization: Bearer <key>', or where your \
                            client's vendor has it: 'x-api-key', 'x-goog-api-key'."
                .to_owned(),
            Self::BadKey(KeyRefusal::Unknown) => {
                "This API key is not known. Check that it was copied whole.".to_owned()
            }
            Self::BadKey(KeyRefusal::Revoked) => "This API key was revoked. Ask for a new one.".to_owned(),
            Self::BadKey(KeyRefusal::Expired) => "This API key has expired. Ask for a new one.".to_owned(),
            Self::KeyUnresolved => "The key could not be checked right now. Try again in a moment.".to_owned(),
            Self::NotConfigured => {
                "The gateway has not received its configuration yet. Try again in a moment.".to_owned()
            }
            Self::CompressedBody(encoding) => {
                format!("The request body is compressed ({encoding}). Send it without content-encoding.")
            }
            Self::TooLarge(limit) => format!("The request body is larger than {limit} bytes."),
            Self::NotJson(error) => format!("The request cannot be read: {error}."),
            Self::RepeatedMember(key) => format!("'{key}' stands in the body more than once."),
            Self::InvalidMember(key, expected) => format!("'{key}' must be {expected}."),
            Self::InvalidRequest(message, _) => message.clone(),
            Self::UnknownModel(model) => {
                format!("The model '{model}' does not exist here. GET /v1/models lists those that your key may use.")
            }
            Self::UnknownProvider(name) => format!("The header 'x-provider' names '{name}', which is not configured."),
            Self::ModelNotAllowed(model) => format!("Your key may not use the model '{model}'."),
            Self::UnsupportedOperation(model) => format!("No provider of '{model}' can do this kind of call."),
            Self::Lossy(losses) => format!(
                "This route refuses translations that lose something, and the provider's format cannot say: {losses}."
            ),
            Self::NoExchange => "This request did not pass the gate that admits requests to providers.".to_owned(),
            Self::Unreachable(_, NoAnswer::NoHealthyProvider) => {
                "No provider of this model is in service right now.".to_owned()
            }
            Self::Unreachable(_, NoAnswer::Connection) => {
                "The connection to the provider failed before it answered.".to_owned()
            }
            Self::Unreachable(_, NoAnswer::Timeout) => "The provider did not answer in time.".to_owned(),
            Self::Unreachable(_, NoAnswer::NoCluster) => {
                "The gateway's configuration is behind: the provider has no cluster in this Envoy.".to_owned()
            }
            Self::Unreachable(status, NoAnswer::Other) => format!("The gateway failed with status {status}."),
            Self::NoFallback(reason) => {
                format!("The provider failed, and the next one cannot take this request: {}", reason.message())
            }
            Self::Overloaded => "The gateway holds as much as it can right now. Try again in a moment.".to_owned(),
            Self::Unreadable(reason) => format!("The provider's answer could not be read: {reason}."),
        }
    }
}
