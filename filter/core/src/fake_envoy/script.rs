//! What happens to one request, told beforehand, and what came of it.

use std::collections::VecDeque;

use crate::exchange::{Admission, Head, Rpc, record::Record};

/// One request and all that meets it.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(super) head: Head,
    /// The pieces of the body; none is a request that ends with its head.
    pub(super) body: Vec<Vec<u8>>,
    /// Whether trailers follow it, which end it in the place of its last piece.
    pub(super) trailers: bool,
    /// What becomes of each call to the control plane, in order; those beyond are never answered.
    pub(super) calls: VecDeque<CallAnswer>,
    /// What each attempt meets, in order; those beyond cannot connect.
    pub(super) providers: VecDeque<Provider>,
    /// When the client goes away.
    pub(super) leaves: Leaves,
    /// Envoy answers by itself when the body's last piece would come.
    pub(super) cut_short: Option<(u16, &'static str)>,
}

/// What becomes of a call.
#[derive(Clone, Debug)]
pub(crate) enum CallAnswer {
    /// This message, after so many milliseconds.
    After(u64, Vec<u8>),
    /// The same, and once more.
    Twice(Vec<u8>),
    /// An error.
    Fails,
    /// Envoy does not even make it: the control plane's cluster is not there.
    CannotBeMade,
    /// Nothing, until Envoy gives up after the call's own timeout.
    Never,
}

/// What an attempt meets.
#[derive(Clone, Debug)]
pub(crate) enum Provider {
    /// The connection is refused.
    Refuses,
    /// An answer.
    Answers(ProviderAnswer),
}

/// A provider's answer.
#[derive(Clone, Debug)]
pub(crate) struct ProviderAnswer {
    pub(super) head: Head,
    pub(super) chunks: Vec<Vec<u8>>,
    pub(super) end: AnswerEnd,
}

/// How a provider's answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerEnd {
    /// With its last piece, or its head where it has none.
    Whole,
    /// With trailers.
    Trailers,
    /// Never: the connection breaks.
    Broken,
}

/// When a client goes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaves {
    /// Not before it has everything.
    Never,
    /// When this many pieces of its body are sent.
    AfterBody(usize),
    /// While this attempt, from 0, waits for the provider.
    DuringAttempt(usize),
    /// Between this attempt, which failed, and the next.
    AfterAttempt(usize),
    /// When it has got this many pieces of the answer.
    AfterChunk(usize),
}

/// What came of a request.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// What the client got.
    pub(crate) response: Option<ClientResponse>,
    /// What each provider was sent.
    pub(crate) upstream: Vec<UpstreamRequest>,
    /// What the control plane was asked.
    pub(crate) calls: Vec<Rpc>,
    /// How the request was passed on, where it was.
    pub(crate) admission: Option<Admission>,
    /// Everything that the exchange left: one record, or none where it was no exchange.
    pub(crate) record: Option<Record>,
}

/// What a client got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClientResponse {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
    /// Whether it came to its end.
    pub(crate) is_whole: bool,
}

/// What a provider was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UpstreamRequest {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
}

/// A head of these pairs.
pub(crate) fn head_of(pairs: &[(&str, &str)]) -> Head {
    Head(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

impl Script {
    /// This request, whose body comes in one piece, and which meets nothing yet.
    pub(crate) fn new(head: Head, body: impl Into<Vec<u8>>) -> Self {
        Self {
            head,
            body: vec![body.into()],
            trailers: false,
            calls: VecDeque::new(),
            providers: VecDeque::new(),
            leaves: Leaves::Never,
            cut_short: None,
        }
    }

    /// The same without a body.
    pub(crate) fn without_body(mut self) -> Self {
        self.body.clear();
        self
    }

    /// The body in pieces of this size.
    pub(crate) fn split(mut self, size: usize) -> Self {
        self.body = self.body.concat().chunks(size).map(<[u8]>::to_vec).collect();
        self
    }

    pub(crate) fn with_trailers(mut self) -> Self {
        self.trailers = true;
        self
    }

    pub(crate) fn call(mut self, answer: CallAnswer) -> Self {
        self.calls.push_back(answer);
        self
    }

    pub(crate) fn meets(mut self, provider: impl Into<Provider>) -> Self {
        self.providers.push_back(provider.into());
        self
    }

    pub(crate) fn leaves(mut self, leaves: Leaves) -> Self {
        self.leaves = leaves;
        self
    }

    pub(crate) fn cut_short(mut self, status: u16, details: &'static str) -> Self {
        self.cut_short = Some((status, details));
        self
    }
}

impl ProviderAnswer {
    /// An answer with this status, media type and body, which comes in one piece.
    pub(crate) fn new(status: u16, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let (status, body) = (status.to_string(), body.into());
        let head = head_of(&[
            (":status", &status),
            ("content-type", media_type),
            ("content-length", &body.len().to_string()),
            ("set-cookie", "a=b"),
        ]);
        Self { head, chunks: vec![body], end: AnswerEnd::Whole }
    }

    /// A whole answer.
    pub(crate) fn json(body: impl Into<Vec<u8>>) -> Self {
        Self::new(200, "application/json", body)
    }

    /// A stream of these pieces.
    pub(crate) fn stream(chunks: &[&str]) -> Self {
        let chunks = chunks.iter().map(|chunk| chunk.as_bytes().to_vec()).collect();
        Self { chunks, ..Self::new(200, "text/event-stream", "") }.without("content-length")
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.head.set(name, value);
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.head.remove(name);
        self
    }

    pub(crate) fn without_body(mut self) -> Self {
        self.chunks.clear();
        self
    }

    pub(crate) fn ends(mut self, end: AnswerEnd) -> Self {
        self.end = end;
        self
    }
}

impl From<ProviderAnswer> for Provider {
    fn from(answer: ProviderAnswer) -> Self {
        Self::Answers(answer)
    }
}
