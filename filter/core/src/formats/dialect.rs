//! What a format is made of: each folder fills in one [`Dialect`], and everything else asks that.

use std::fmt;

use super::{Attempt, ClientError, InvalidRequest, RelayError};
use crate::{
    canonical::{Answer, Chat, Event, Failure, Losses, Usage},
    json::{Edit, Envelope},
};

/// One format, as its folder describes it.
pub(crate) struct Dialect {
    /// What is needed where the client speaks it and the provider does not.
    pub(crate) client: Option<ClientSide>,
    /// What is needed where the provider speaks it and the client does not.
    pub(crate) upstream: Option<UpstreamSide>,
    /// What is needed where both speak it.
    pub(crate) identity: IdentitySide,
    /// The body of an error.
    pub(crate) encode_error: fn(&ClientError<'_>) -> Vec<u8>,
    /// Reads the body of an error, in the shapes that providers of this format use; `None` for anything else.
    pub(crate) decode_error: fn(&[u8]) -> Option<Failure>,
    /// Whether a body already is an error as the format's own clients want it.
    pub(crate) is_error: fn(&[u8]) -> bool,
}

/// From a client to the canonical model and back.
pub(crate) struct ClientSide {
    /// Decodes a request. Members set to null count as absent.
    pub(crate) decode_request: DecodeRequest,
    /// Whether an answer can have several choices.
    pub(crate) many_choices: bool,
    /// Encodes a gathered answer.
    pub(crate) response_encoder: fn(&Attempt<'_>) -> Box<dyn EncodeResponse>,
    /// Encodes the events of an answer.
    pub(crate) stream_encoder: fn(&Attempt<'_>) -> Box<dyn EncodeStream>,
}

/// See [`ClientSide::decode_request`]. The envelope is the scan of the body.
pub(crate) type DecodeRequest = for<'a> fn(&'a [u8], &Envelope) -> Result<Chat<'a>, InvalidRequest>;

/// From the canonical model to a provider and back.
pub(crate) struct UpstreamSide {
    /// Headers that a request must have, besides credentials and `content-type`.
    pub(crate) headers: &'static [(&'static str, &'static str)],
    /// Encodes a request and declares what it cannot say.
    pub(crate) encode_request: fn(&Attempt<'_>, &Chat<'_>, &mut Losses) -> Result<Vec<u8>, InvalidRequest>,
    /// Decodes a whole answer into its events, `End` included.
    pub(crate) decode_response: fn(&[u8], Sink<'_>) -> Result<(), RelayError>,
    /// Decodes a streamed answer.
    pub(crate) stream_decoder: fn() -> Box<dyn DecodeStream>,
    /// How its stream is cut into frames.
    pub(crate) framing: UpstreamFraming,
}

/// See [`IdentitySide::ask_for_usage`]. The first is the upstream model, the envelope is the scan of the body.
pub(crate) type AskForUsage = fn(&str, &[u8], &Envelope) -> Option<Edit<'static>>;

/// Where both sides speak the format, bytes pass and only this is known of them.
pub(crate) struct IdentitySide {
    /// Whether the body of a request names the model (others name it in their path).
    pub(crate) names_model: bool,
    /// The edit that makes a streaming request ask for usage, for formats whose streams have it only then.
    pub(crate) ask_for_usage: Option<AskForUsage>,
    /// The top-level member of a response that states usage.
    pub(crate) usage_member: &'static str,
    /// Reads that member's value; `None` where it states no figure.
    pub(crate) decode_usage: fn(&[u8]) -> Option<Usage>,
    /// Watches a stream; `None` where the format has none.
    pub(crate) tap: Option<fn() -> Box<dyn Tap>>,
}

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
    fn decode(&mut self, frame: Frame<'_>, sink: Sink<'_>) -> Result<(), RelayError>;

    /// The stream has ended. What is open is closed here; a provider that has said its last word but not given its end
    /// event counts as ended, which the relay sees to.
    fn finish(&mut self, _sink: Sink<'_>) -> Result<(), RelayError> {
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

/// Watches a stream that passes unchanged.
pub(crate) trait Tap {
    /// Looks at the next frame. It should parse only those that can carry figures or an end.
    fn see(&mut self, frame: Frame<'_>) -> Verdict;

    /// Whether the provider said why its answer ended.
    fn finished(&self) -> bool;

    /// Whether the stream may end here.
    fn may_end(&self) -> bool;
}

/// What one frame of a passing stream was.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Its figures, which replace earlier ones.
    pub(crate) usage: Option<Usage>,
    /// Whether the figures are the last ones, or those seen before were.
    pub(crate) terminal: bool,
    /// Whether it is there only because usage was asked for: the event that is taken out again for a client that did not.
    pub(crate) usage_only: bool,
    /// Whether it is the error that ends a stream which broke.
    pub(crate) failed: bool,
}

/// Their insides are printed nowhere, and the code for it would be a thirtieth of the module.
macro_rules! opaque {
    ($($machine:ident),*) => {$(
        impl fmt::Debug for dyn $machine {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($machine))
            }
        }
    )*};
}

opaque!(DecodeStream, EncodeStream, EncodeResponse, Tap);
