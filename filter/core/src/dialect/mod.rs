//! What a format is made of: each folder of [`formats`](crate::formats) fills in one [`Dialect`], everything else asks
//! that.
//!
//! The room is apart, below the formats, so that no format needs to look up to those who use it: here are the row, the
//! traits of its machines and what they are given, and no format is named.

mod error;
mod http;
mod output;
mod policy;
mod raw;
mod request;
mod response;
pub(crate) mod schema;
mod tap;
mod texts;

use std::fmt;

pub use self::{
    error::ClientError,
    policy::InvalidMember,
    request::{Framing, InvalidRequest, Translation},
    response::ResponseError,
    texts::{Author, RequestText, TextKind},
};
pub(crate) use self::{
    http::{Calls, Http, JSON, ListedModel, Models, Served, segment},
    output::{Lowered, Number, Output},
    policy::{Asker, Policy, as_written, first_said, top},
    raw::{owned_raw, raw, raw_arguments},
    request::{NO_MEMBER, want},
    response::{DecodeStream, EncodeResponse, EncodeStream, Frame, MAX_WHOLE, Sink, UpstreamFraming},
    tap::{Sighting, Tap},
    texts::{MAX_NESTED, Texts},
};

use crate::{
    canonical::{Chat, Failure, Losses, Usage, Vendor},
    json::{Edit, Envelope},
};

/// One format, as its folder describes it.
pub(crate) struct Dialect {
    /// Whose it is, where that vendor has headers, ids or seals of its own.
    pub(crate) vendor: Option<Vendor>,
    /// What it says outside of bodies.
    pub(crate) http: Http,
    /// What decides whether a request is admitted, and what for.
    pub(crate) policy: Policy,
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
    pub(crate) response_encoder: fn(&Translation<'_>) -> Box<dyn EncodeResponse>,
    /// Encodes the events of an answer.
    pub(crate) stream_encoder: fn(&Translation<'_>) -> Box<dyn EncodeStream>,
}

/// See [`ClientSide::decode_request`]. The envelope is the scan of the body.
pub(crate) type DecodeRequest = for<'a> fn(&'a [u8], &Envelope) -> Result<Chat<'a>, InvalidRequest>;

/// From the canonical model to a provider and back.
pub(crate) struct UpstreamSide {
    /// Encodes a request and declares what it cannot say.
    pub(crate) encode_request: fn(&Translation<'_>, &Chat<'_>, &mut Losses) -> Result<Vec<u8>, InvalidRequest>,
    /// Decodes a whole answer into its events, `End` included.
    pub(crate) decode_response: fn(&[u8], Sink<'_>) -> Result<(), ResponseError>,
    /// Decodes a streamed answer.
    pub(crate) stream_decoder: fn() -> Box<dyn DecodeStream>,
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
