//! From an answer and its script to what goes over the wire.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::journal::{Ending, Entry};
use crate::provider::Provider;
use crate::script::{Reset, Script};
use crate::server::{NoResponse, ResetOnClose};

/// A whole response, before its script has changed it.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) framing: Framing,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The events of a stream, each with its framing; one for a body that is no stream.
    pub(crate) events: Vec<Bytes>,
}

/// What sets the events of a body apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Framing {
    /// No stream.
    Whole,
    /// Server-sent events.
    Events,
    /// One JSON array, element by element.
    Array,
    /// AWS's event stream.
    Binary,
}

impl Answer {
    /// A JSON body.
    pub(crate) fn json(status: u16, body: &serde_json::Value) -> Self {
        let events = vec![Bytes::from(body.to_string())];
        Self { status, content_type: "application/json", framing: Framing::Whole, headers: Vec::new(), events }
    }

    /// A stream of server-sent events.
    pub(crate) fn stream(events: Vec<Bytes>) -> Self {
        Self::framed(Framing::Events, "text/event-stream; charset=utf-8", events)
    }

    /// A stream of another framing.
    pub(crate) fn framed(framing: Framing, content_type: &'static str, events: Vec<Bytes>) -> Self {
        Self { status: 200, content_type, framing, headers: Vec::new(), events }
    }
}

/// Sends an answer as its script says, and writes into the journal how that ended.
pub(crate) async fn send(
    provider: Arc<Provider>,
    entry: Entry,
    answer: Answer,
    script: Script,
    connection: ResetOnClose,
) -> Response {
    let mut journal = Open { provider: provider.clone(), entry, ending: Ending::Abandoned };
    tokio::time::sleep(Duration::from_millis(script.delay_first_byte_ms)).await;
    if script.hang {
        return std::future::pending().await;
    }
    if let Some(gate) = script.gate.as_ref().filter(|gate| gate.after_pieces.is_none()) {
        provider.gates.pass(&gate.name).await;
    }
    let head = head(&answer, &script);
    if let Some(reset @ Reset { after_pieces: None, .. }) = &script.reset {
        journal.ending = Ending::Broken;
        if !reset.close {
            connection.set();
        }
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(NoResponse);
        return response;
    }

    let plain = script.gate.is_none() && script.reset.is_none() && answer.framing == Framing::Whole;
    let pieces = script.split.cut(answer.events);
    let body = if plain && pieces.len() <= 1 {
        journal.ending = Ending::Complete;
        Body::from(pieces.concat())
    } else {
        // One piece at a time: the next is made only when the last was taken.
        let (pipe, received) = mpsc::channel(1);
        tokio::spawn(relay(journal, pieces, script, pipe, connection));
        Body::from_stream(ReceiverStream::new(received))
    };
    let mut response = Response::new(body);
    (*response.status_mut(), *response.headers_mut()) = head;
    response
}

async fn relay(
    mut journal: Open,
    pieces: Vec<Bytes>,
    script: Script,
    pipe: mpsc::Sender<io::Result<Bytes>>,
    connection: ResetOnClose,
) {
    let gates = &journal.provider.clone().gates;
    let between = Duration::from_millis(script.delay_between_events_ms);
    let breaks_at = script.reset.as_ref().and_then(|reset| reset.after_pieces);
    let last = pieces.len();
    for (sent, piece) in pieces.into_iter().map(Some).chain([None]).enumerate() {
        if let Some(gate) = script.gate.as_ref().filter(|gate| gate.after_pieces == Some(sent)) {
            tokio::select! {
                () = gates.pass(&gate.name) => {}
                () = pipe.closed() => return,
            }
        }
        if breaks_at.is_some_and(|at| at.min(last) == sent) {
            if script.reset.as_ref().is_some_and(|reset| !reset.close) {
                connection.set();
            }
            // What was handed over must have left the process: the break would overtake it.
            tokio::time::sleep(Duration::from_millis(20)).await;
            journal.ending = Ending::Broken;
            let _ = pipe.send(Err(io::ErrorKind::ConnectionReset.into())).await;
            return;
        }
        let Some(piece) = piece else { break };
        if sent > 0 && !between.is_zero() {
            tokio::time::sleep(between).await;
        }
        if pipe.send(Ok(piece)).await.is_err() {
            return;
        }
        // Lets the server flush this piece before the next is there to be sent with it.
        tokio::task::yield_now().await;
    }
    journal.ending = Ending::Complete;
}

fn head(answer: &Answer, script: &Script) -> (StatusCode, HeaderMap) {
    let mut headers = HeaderMap::new();
    let content_type = script.content_type.as_deref().unwrap_or(answer.content_type);
    let own = answer.headers.iter().map(|(name, value)| (*name, value.as_str()));
    let scripted = script.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in own.chain([("content-type", content_type)]).chain(scripted) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    let status = script.status.unwrap_or(answer.status);
    (StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), headers)
}

/// The open entry of the journal. However its task ends, the ending is written.
struct Open {
    provider: Arc<Provider>,
    entry: Entry,
    ending: Ending,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.provider.journal.end(self.entry, self.ending);
    }
}
