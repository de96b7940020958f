//! The lane between two formats: the provider's answer is decoded to events, and these are encoded for the client.

use super::observed::{Observed, ResponseKind};
use crate::{
    canonical::{Answer, Event},
    dialect::{
        ClientSide, DecodeStream, EncodeResponse, EncodeStream, Frame, MAX_WHOLE, ResponseError, Translation,
        UpstreamFraming, UpstreamSide,
    },
    framing::{eventstream, sse},
    translate::error::client_error,
    words::Format,
};

/// The most room that is made for the translation of a chunk before it is known, in bytes.
const MAX_RESERVED: usize = 16 << 10;

/// Decodes the provider's answer into events and encodes them for the client, stream or whole on either side.
#[derive(Debug)]
pub(super) struct CanonicalLane {
    upstream: Format,
    source: Source,
    sink: Sink,
    failure: Option<ResponseError>,
}

/// What the provider sends.
#[derive(Debug)]
enum Source {
    Stream(Frames, Box<dyn DecodeStream>),
    Whole(Vec<u8>),
}

/// Cuts a stream into frames.
#[derive(Debug)]
enum Frames {
    Sse(sse::Decoder),
    EventStream(eventstream::Decoder),
}

/// What the client gets.
#[derive(Debug)]
struct Sink {
    client: Client,
    /// Whose turn it is, where the answer has several choices.
    choice: u32,
    /// Whether the client's format has a place for more than the first.
    many_choices: bool,
    /// Whether the answer is complete: nothing may follow.
    ended: bool,
}

#[derive(Debug)]
enum Client {
    Stream(Box<dyn EncodeStream>),
    Whole { answer: Answer, encoder: Box<dyn EncodeResponse> },
}

impl CanonicalLane {
    pub(super) fn new(
        translation: &Translation<'_>,
        kind: ResponseKind,
        client: &ClientSide,
        upstream: &UpstreamSide,
    ) -> Self {
        let source = match kind {
            ResponseKind::Stream => {
                let framing = translation.upstream.dialect().http.stream;
                Source::Stream(Frames::new(framing), (upstream.stream_decoder)())
            }
            ResponseKind::Whole => Source::Whole(Vec::new()),
        };
        let sink = match translation.stream {
            true => Client::Stream((client.stream_encoder)(translation)),
            false => Client::Whole { answer: Answer::default(), encoder: (client.response_encoder)(translation) },
        };
        Self {
            upstream: translation.upstream,
            source,
            sink: Sink { client: sink, choice: 0, many_choices: client.many_choices, ended: false },
            failure: None,
        }
    }

    pub(super) fn push(&mut self, chunk: &[u8], observed: &mut Observed) -> Vec<u8> {
        let mut out = Vec::new();
        if self.failure.is_some() {
            return out;
        }
        let result = match &mut self.source {
            Source::Whole(body) if body.len().saturating_add(chunk.len()) > MAX_WHOLE => Err(ResponseError::TooLarge),
            Source::Whole(body) => {
                body.extend_from_slice(chunk);
                Ok(())
            }
            Source::Stream(frames, decoder) => {
                frames.push(chunk);
                if matches!(self.sink.client, Client::Stream(_)) {
                    // What comes out is of the order of what went in, and is written in many small pieces.
                    out.reserve(chunk.len().saturating_mul(2).min(MAX_RESERVED));
                }
                frames.decode(&mut **decoder, &mut |event| self.sink.accept(event, observed, &mut out))
            }
        };
        if let Err(error) = result {
            self.fail(error, observed, &mut out);
        }
        out
    }

    pub(super) fn finish(&mut self, observed: &mut Observed) -> Result<Vec<u8>, ResponseError> {
        let mut out = Vec::new();
        if self.failure.is_none() {
            let sink = &mut self.sink;
            let mut accept = |event: Event<'_>| sink.accept(event, observed, &mut out);
            let result = match &mut self.source {
                Source::Whole(body) => match self.upstream.dialect().upstream.as_ref() {
                    Some(upstream) => (upstream.decode_response)(body, &mut accept),
                    None => Err(ResponseError::NoTranslation),
                },
                Source::Stream(frames, decoder) => {
                    frames.finish();
                    let result = frames.decode(&mut **decoder, &mut accept);
                    result.and_then(|()| decoder.finish(&mut accept))
                }
            };
            // A provider that gave its reason to end has ended, with or without an end event.
            match result.and(if observed.finished { Ok(()) } else { Err(ResponseError::Incomplete) }) {
                Ok(()) => self.sink.accept(Event::End, observed, &mut out),
                Err(error) => self.fail(error, observed, &mut out),
            }
        }
        match (&self.sink.client, &self.failure) {
            (Client::Stream(_), _) => Ok(out),
            (Client::Whole { .. }, Some(error)) => Err(error.clone()),
            (Client::Whole { answer, encoder }, None) => Ok(encoder.encode(answer, &mut observed.losses)),
        }
    }

    /// Why it failed, if it has.
    pub(super) fn failure(&self) -> Option<&ResponseError> {
        self.failure.as_ref()
    }

    /// A stream ends in an error event of the client's format. What follows an answer that is complete does not matter.
    fn fail(&mut self, error: ResponseError, observed: &mut Observed, out: &mut Vec<u8>) {
        if self.sink.ended {
            return;
        }
        if let Client::Stream(encoder) = &mut self.sink.client {
            let failure = error.failure();
            encoder.fail(&client_error(failure.status.unwrap_or(502), &failure), out);
        }
        observed.failed = true;
        self.failure = Some(error);
    }
}

impl Frames {
    fn new(framing: UpstreamFraming) -> Self {
        match framing {
            UpstreamFraming::Sse => Self::Sse(sse::Decoder::default()),
            UpstreamFraming::EventStream => Self::EventStream(eventstream::Decoder::default()),
        }
    }

    fn push(&mut self, chunk: &[u8]) {
        match self {
            Self::Sse(decoder) => decoder.push(chunk),
            Self::EventStream(decoder) => decoder.push(chunk),
        }
    }

    fn finish(&mut self) {
        match self {
            Self::Sse(decoder) => decoder.finish(),
            Self::EventStream(decoder) => decoder.finish(),
        }
    }

    /// Decodes all frames that are whole.
    fn decode(&mut self, decoder: &mut dyn DecodeStream, sink: &mut dyn FnMut(Event<'_>)) -> Result<(), ResponseError> {
        match self {
            Self::Sse(blocks) => {
                while let Some(block) = blocks.next() {
                    let block = block.map_err(|sse::TooLong| ResponseError::TooLarge)?;
                    match block.data.filter(|data| !data.is_empty()) {
                        Some(data) => {
                            decoder.decode(Frame { name: block.name, data: &data, is_exception: false }, sink)?;
                        }
                        // A comment: providers send them to keep the connection alive, and the client's may need that too.
                        None => sink(Event::Ping),
                    }
                }
                Ok(())
            }
            Self::EventStream(messages) => {
                while let Some(message) = messages.next() {
                    decode_message(message.map_err(event_stream_error)?, decoder, sink)?;
                }
                Ok(())
            }
        }
    }
}

/// A message of AWS's is an event; or an exception, which the service declares; or an error, which it does not, and which
/// has its code and its message in headers, and no body
/// (<https://smithy.io/2.0/aws/amazon-eventstream.html#amazon-event-stream-specification>).
fn decode_message(
    message: eventstream::Message<'_>,
    decoder: &mut dyn DecodeStream,
    sink: &mut dyn FnMut(Event<'_>),
) -> Result<(), ResponseError> {
    let header = |name| message.headers.string(name).unwrap_or_default();
    let (name, is_exception) = match header(":message-type") {
        "exception" => (header(":exception-type"), true),
        "error" => {
            let message = serde_json::json!({ "message": header(":error-message") }).to_string();
            let frame = Frame { name: header(":error-code").as_bytes(), data: message.as_bytes(), is_exception: true };
            return decoder.decode(frame, sink);
        }
        _ => (header(":event-type"), false),
    };
    match message.payload {
        [] if !is_exception => sink(Event::Ping),
        [] => decoder.decode(Frame { name: name.as_bytes(), data: b"{}", is_exception }, sink)?,
        data => decoder.decode(Frame { name: name.as_bytes(), data, is_exception }, sink)?,
    }
    Ok(())
}

fn event_stream_error(error: eventstream::Error) -> ResponseError {
    match error {
        eventstream::Error::TooLong => ResponseError::TooLarge,
        eventstream::Error::Truncated => ResponseError::Incomplete,
        eventstream::Error::Checksum | eventstream::Error::Malformed => ResponseError::Malformed(error.to_string()),
    }
}

impl Sink {
    fn accept(&mut self, event: Event<'_>, observed: &mut Observed, out: &mut Vec<u8>) {
        if self.ended {
            return;
        }
        match &event {
            Event::Usage { usage, terminal } => {
                observed.usage = Some(*usage);
                observed.terminal = *terminal;
            }
            Event::Finish(_) => observed.finished = true,
            Event::End => self.ended = true,
            Event::Choice(index) => self.choice = *index,
            Event::Lost { path, reason } => {
                observed.losses.declare(path.as_ref(), reason);
                return;
            }
            Event::Start { .. } | Event::BlockStart(_) | Event::BlockDelta(_) | Event::BlockStop | Event::Ping => {}
        }
        let of_choice = matches!(
            event,
            Event::Choice(_) | Event::BlockStart(_) | Event::BlockDelta(_) | Event::BlockStop | Event::Finish(_)
        );
        if of_choice && self.choice > 0 && !self.many_choices {
            observed.losses.declare("choices", "the client's format has a place for one answer only");
            return;
        }
        match &mut self.client {
            Client::Stream(encoder) => encoder.encode(&event, out, &mut observed.losses),
            Client::Whole { answer, .. } => answer.add(event),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Framing;

    /// What an OpenAI client gets of a stream of these messages.
    fn relayed(messages: &[u8]) -> String {
        let translation = Translation {
            client: Format::OpenaiChat,
            upstream: Format::BedrockConverse,
            model: "m",
            default_max_tokens: 4096,
            stream: true,
            include_usage: false,
            framing: Framing::Sse,
            exchange: "0123456789abcdef0123456789abcdef",
            created_s: 0,
        };
        let (client, upstream) = (Format::OpenaiChat.dialect(), Format::BedrockConverse.dialect());
        let (client, upstream) = (client.client.as_ref().unwrap(), upstream.upstream.as_ref().unwrap());
        let mut lane = CanonicalLane::new(&translation, ResponseKind::Stream, client, upstream);
        let mut observed = Observed::default();
        let out = lane.push(messages, &mut observed);
        let end = lane.finish(&mut observed).unwrap();
        assert!(observed.failed);
        String::from_utf8([out, end].concat()).unwrap()
    }

    #[test]
    fn an_error_that_the_service_does_not_declare_has_its_message_in_a_header() {
        let headers =
            [(":message-type", "error"), (":error-code", "InternalError"), (":error-message", "It \"broke\".")];
        let out = relayed(&eventstream::encode(&headers, b"").unwrap());
        assert!(out.contains(r#""message":"It \"broke\".","type":"InternalError""#), "{out}");
    }

    #[test]
    fn an_exception_without_a_body_is_known_by_its_name() {
        let headers = [(":message-type", "exception"), (":exception-type", "throttlingException")];
        let out = relayed(&eventstream::encode(&headers, b"").unwrap());
        assert!(out.contains(r#""message":"throttlingException""#), "{out}");
    }

    #[test]
    fn damaged_and_cut_messages_end_in_an_error_event() {
        let headers = [(":message-type", "event"), (":event-type", "messageStart")];
        let message = eventstream::encode(&headers, b"{}").unwrap();
        let cut = relayed(message.split_last().unwrap().1);
        assert!(cut.contains("the provider's response ended early"), "{cut}");
        let mut damaged = message;
        damaged[20] ^= 1;
        let damaged = relayed(&damaged);
        assert!(damaged.contains("checksum"), "{damaged}");
    }
}
