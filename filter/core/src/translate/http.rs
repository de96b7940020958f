//! Whose a path, a header or a list of models is: asked of every format's row, at the head of each request.

use std::borrow::Cow;

use crate::{
    canonical::Vendor,
    dialect::{Calls, Framing, Models, Served, UpstreamFraming},
    words::{Format, Operation},
};

/// A call that is recognised by the verb behind the model's name in its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VerbCall<'p> {
    /// Whose verb it is.
    pub(crate) format: Format,
    /// What kind of call.
    pub(crate) operation: Operation,
    /// The model, as the path has it: percent-encoded.
    pub(crate) model: &'p str,
    /// Whether the answer is to be streamed.
    pub(crate) stream: bool,
    /// The parameter of the query, and its value, with which a stream is server-sent events and no array.
    pub(crate) sse: (&'static str, &'static str),
}

/// The call that comes to exactly this path.
pub(crate) fn call_at(path: &str) -> Option<(Format, Operation)> {
    served().find_map(|(format, served)| match served.calls {
        Calls::At(at) if at == path => Some((format, served.operation)),
        Calls::At(_) | Calls::Verbs { .. } => None,
    })
}

/// The call that the verb at the end of this path, or of a part of it, asks for.
pub(crate) fn call_by_verb(path: &str) -> Option<VerbCall<'_>> {
    let (model, asked) = path.rsplit_once(':')?;
    served().find_map(|(format, served)| {
        let Calls::Verbs { verbs, sse } = served.calls else { return None };
        let (_, stream) = *verbs.iter().find(|(verb, _)| *verb == asked)?;
        Some(VerbCall { format, operation: served.operation, model, stream, sse })
    })
}

/// What stands below a list of models: nothing for the list itself, else the name of one, as the path has it.
pub(crate) fn below_models(path: &str) -> Option<&str> {
    served().flat_map(|(_, served)| served.models.at).find_map(|list| match path.strip_prefix(list)? {
        "" => Some(""),
        below => below.strip_prefix('/').filter(|name| !name.is_empty()),
    })
}

/// The format that a client reads errors and model lists in, as far as its head tells: the path's, and where several share the
/// path, the one whose clients alone send such a header. Where nothing tells, the one that most clients read.
pub(crate) fn format_of_replies(path: &str, has_header: impl Fn(&str) -> bool) -> Format {
    let is_in = |family: &str| path.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let of_family = || served().find(|(_, served)| is_in(served.family)).map(|(format, _)| format);
    let of_verb = || call_by_verb(path).map(|call| call.format);
    let of_header = || served().find(|(_, served)| served.known_by.is_some_and(&has_header)).map(|(format, _)| format);
    of_family().or_else(of_verb).or_else(of_header).unwrap_or(Format::OpenaiChat)
}

/// Whether a client's header goes to providers of some vendor.
pub(crate) fn is_forwarded(header: &str) -> bool {
    Format::ALL.iter().any(|format| format.forwards(header))
}

/// The response headers in which providers put the id that their support asks for.
pub(crate) fn request_ids() -> impl Iterator<Item = &'static str> {
    Format::ALL.iter().filter_map(|format| format.dialect().http.request_id)
}

/// The formats that clients speak.
fn served() -> impl Iterator<Item = (Format, &'static Served)> {
    Format::ALL.into_iter().filter_map(|format| Some((format, format.dialect().http.served.as_ref()?)))
}

impl Format {
    /// The path of its operation below a provider's base URL, with its query, given the model and how the answer is to be
    /// streamed, if at all.
    #[must_use]
    pub fn path(self, model: &str, stream: Option<Framing>) -> Cow<'static, str> {
        (self.dialect().http.path)(model, stream)
    }

    /// The media type to ask a provider for.
    pub(crate) fn accepts(self, stream: Option<Framing>) -> &'static str {
        let http = &self.dialect().http;
        match stream {
            None => http.whole,
            Some(Framing::Sse) => http.stream.media_type(),
            Some(framing @ Framing::JsonArray) => framing.media_type(),
        }
    }

    /// Whether this header of a client goes to a provider, where both speak a format of this one's vendor.
    pub(crate) fn forwards(self, header: &str) -> bool {
        self.dialect().http.forwards.contains(&header)
    }

    /// The parameter of the query that may hold the client's key.
    pub(crate) fn key_parameter(self) -> Option<&'static str> {
        self.dialect().http.served.as_ref()?.key_parameter
    }

    /// The response header in which its clients look for the provider's request id.
    pub(crate) fn request_id(self) -> Option<&'static str> {
        self.dialect().http.served.as_ref()?.request_id
    }

    /// How its clients read models; `None` for a format that only providers speak.
    pub(crate) fn models(self) -> Option<&'static Models> {
        Some(&self.dialect().http.served.as_ref()?.models)
    }

    /// Whose it is, where that vendor has headers, ids or seals of its own.
    pub(crate) fn vendor(self) -> Option<Vendor> {
        self.dialect().vendor
    }
}

/// The media types of an answer that is a stream.
pub(crate) const STREAM_MEDIA_TYPES: [&str; 2] =
    [UpstreamFraming::Sse.media_type(), UpstreamFraming::EventStream.media_type()];
