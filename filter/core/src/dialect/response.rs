//! What decoders of answers read and give, what encoders of answers take, and how both fail.

use std::fmt;

use super::ClientError;
use crate::canonical::{Answer, Event, Failure, Losses};

/// Takes the events of an answer, one by one.
pub(crate) type Sink<'s> = &'s mut dyn FnMut(Event<'_>);

/// How a provider cuts its stream into frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UpstreamFraming {
    /// Server-sent events: <https://html.spec.whatwg.org/multipage/server-sent-events.html>.
    Sse,
    /// AWS's binary messages: <https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html>.
    EventStream,
}

impl UpstreamFraming {
    /// The `content-type` of such a stream.
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Sse => "text/event-stream",
            // https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
            Self::EventStream => "application/vnd.amazon.eventstream",
        }
    }
}

/// One frame of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame<'f> {
    /// The event's name, empty where it has none.
    pub(crate) name: &'f [u8],
    /// Its data, never empty.
    pub(crate) data: &'f [u8],
    /// Whether the framing itself marks it as an error.
    pub(crate) is_exception: bool,
}

/// Decodes the frames of a provider's stream.
pub(crate) trait DecodeStream {
    /// Decodes the next frame.
    fn decode(&mut self, frame: Frame<'_>, sink: Sink<'_>) -> Result<(), ResponseError>;

    /// The stream has ended. What is open is closed here; a provider that has said its last word but not given its end
    /// event counts as ended, which the relay sees to.
    fn finish(&mut self, _sink: Sink<'_>) -> Result<(), ResponseError> {
        Ok(())
    }
}

/// Encodes the events of an answer as a client's stream.
pub(crate) trait EncodeStream {
    /// Appends what the next event is in this format, and declares what it cannot say.
    fn encode(&mut self, event: &Event<'_>, out: &mut Vec<u8>, losses: &mut Losses);

    /// Ends the stream with an error event.
    fn fail(&mut self, error: &ClientError<'_>, out: &mut Vec<u8>);
}

/// Encodes a gathered answer as a client's response.
pub(crate) trait EncodeResponse {
    /// The body, and what it cannot say.
    fn encode(&self, answer: &Answer, losses: &mut Losses) -> Vec<u8>;
}

/// The most that a response may have, in bytes, when all of it must be held to be translated: 16 MiB.
pub(crate) const MAX_WHOLE: usize = 16 << 20;

/// Why a response cannot become an answer in the client's format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponseError {
    /// Larger than [`MAX_WHOLE`], or one event larger than [`MAX_EVENT`](crate::framing::MAX_EVENT).
    TooLarge,
    /// Not what the provider's format promises; says what is wrong.
    Malformed(String),
    /// It ended too early.
    Incomplete,
    /// The provider reports an error in the body of a good status.
    Provider(Failure),
    /// Nothing translates between these formats.
    NoTranslation,
}

impl ResponseError {
    /// The same as a failure of the provider.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::Provider(failure) => failure.clone(),
            error => Failure { kind: Some("api_error".to_owned()), ..Failure::new(error.to_string()) },
        }
    }
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => f.write_str("the provider's response is too large to be translated"),
            Self::Malformed(what) => write!(f, "the provider's response does not follow its format: {what}"),
            Self::Incomplete => f.write_str("the provider's response ended early"),
            Self::Provider(failure) => f.write_str(&failure.message),
            Self::NoTranslation => f.write_str("the provider's response cannot be translated to the client's format"),
        }
    }
}

impl std::error::Error for ResponseError {}
