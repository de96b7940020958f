use super::{MAX_WHOLE, Observed, RelayError, ResponseKind};
use crate::{
    canonical::{Answer, Event},
    formats::{
        Attempt, Format,
        dialect::{ClientSide, DecodeStream, EncodeResponse, EncodeStream, Frame, UpstreamFraming, UpstreamSide},
        error::client_error,
    },
    sse,
};

/// Decodes the provider's answer into events and encodes them for the client, stream or whole on either side.
#[derive(Debug)]
pub(super) struct Canonical {
    upstream: Format,
    source: Source,
    sink: Sink,
    failure: Option<RelayError>,
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
}

/// What the client gets.
#[derive(Debug)]
struct Sink {
    client: Client,
    /// Whose turn it is, where the answer has several choices.
    choice: u32,
    /// Whether the client's format has a place for more than the first.
    many_choices: bool,
}

#[derive(Debug)]
enum Client {
    Stream(Box<dyn EncodeStream>),
    Whole { answer: Answer, encoder: Box<dyn EncodeResponse> },
}

impl Canonical {
    pub(super) fn new(attempt: &Attempt<'_>, kind: ResponseKind, client: &ClientSide, upstream: &UpstreamSide) -> Self {
        let source = match (kind, upstream.framing) {
            (ResponseKind::Stream, UpstreamFraming::Sse) => {
                Source::Stream(Frames::Sse(sse::Decoder::default()), (upstream.stream_decoder)())
            }
            (ResponseKind::Whole, _) => Source::Whole(Vec::new()),
        };
        let sink = match attempt.stream {
            true => Client::Stream((client.stream_encoder)(attempt)),
            false => Client::Whole { answer: Answer::default(), encoder: (client.response_encoder)(attempt) },
        };
        Self {
            upstream: attempt.upstream,
            source,
            sink: Sink { client: sink, choice: 0, many_choices: client.many_choices },
            failure: None,
        }
    }

    pub(super) fn push(&mut self, chunk: &[u8], observed: &mut Observed) -> Vec<u8> {
        let mut out = Vec::new();
        if self.failure.is_some() {
            return out;
        }
        let result = match &mut self.source {
            Source::Whole(body) if body.len().saturating_add(chunk.len()) > MAX_WHOLE => Err(RelayError::TooLarge),
            Source::Whole(body) => {
                body.extend_from_slice(chunk);
                Ok(())
            }
            Source::Stream(frames, decoder) => {
                frames.push(chunk);
                frames.decode(&mut **decoder, &mut |event| self.sink.accept(event, observed, &mut out))
            }
        };
        if let Err(error) = result {
            self.fail(error, observed, &mut out);
        }
        out
    }

    pub(super) fn finish(&mut self, observed: &mut Observed) -> Result<Vec<u8>, RelayError> {
        let mut out = Vec::new();
        if self.failure.is_none() {
            let sink = &mut self.sink;
            let mut accept = |event: Event<'_>| sink.accept(event, observed, &mut out);
            let result = match &mut self.source {
                Source::Whole(body) => match self.upstream.dialect().upstream.as_ref() {
                    Some(upstream) => (upstream.decode_response)(body, &mut accept),
                    None => Err(RelayError::NoTranslation),
                },
                Source::Stream(frames, decoder) => {
                    frames.finish();
                    let result = frames.decode(&mut **decoder, &mut accept);
                    result.and_then(|()| decoder.finish(&mut accept))
                }
            };
            // A provider that gave its reason to end has ended, with or without an end event.
            match result.and(if observed.finished { Ok(()) } else { Err(RelayError::Incomplete) }) {
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

    /// A stream ends in an error event of the client's format, unless it is complete already.
    fn fail(&mut self, error: RelayError, observed: &mut Observed, out: &mut Vec<u8>) {
        if let Client::Stream(encoder) = &mut self.sink.client {
            if encoder.is_ended() {
                return;
            }
            let failure = error.failure();
            encoder.fail(&client_error(failure.status.unwrap_or(502), &failure), out);
        }
        observed.failed = true;
        self.failure = Some(error);
    }
}

impl Frames {
    fn push(&mut self, chunk: &[u8]) {
        match self {
            Self::Sse(decoder) => decoder.push(chunk),
        }
    }

    fn finish(&mut self) {
        match self {
            Self::Sse(decoder) => decoder.finish(),
        }
    }

    /// Decodes all frames that are whole.
    fn decode(&mut self, decoder: &mut dyn DecodeStream, sink: &mut dyn FnMut(Event<'_>)) -> Result<(), RelayError> {
        match self {
            Self::Sse(blocks) => {
                while let Some(block) = blocks.next() {
                    let block = block.map_err(|sse::TooLong| RelayError::TooLarge)?;
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
        }
    }
}

impl Sink {
    fn accept(&mut self, event: Event<'_>, observed: &mut Observed, out: &mut Vec<u8>) {
        match &event {
            Event::Usage { usage, terminal } => {
                observed.usage = Some(*usage);
                observed.terminal = *terminal;
            }
            Event::Finish(_) => observed.finished = true,
            Event::Choice(index) => self.choice = *index,
            Event::Lost { path, reason } => {
                observed.losses.declare(path.as_ref(), reason);
                return;
            }
            Event::Start { .. }
            | Event::BlockStart(_)
            | Event::BlockDelta(_)
            | Event::BlockStop
            | Event::End
            | Event::Ping => {}
        }
        let of_choice = matches!(
            event,
            Event::Choice(_) | Event::BlockStart(_) | Event::BlockDelta(_) | Event::BlockStop | Event::Finish(_)
        );
        if of_choice && self.choice > 0 && !self.many_choices {
            return;
        }
        match &mut self.client {
            Client::Stream(encoder) => encoder.encode(&event, out, &mut observed.losses),
            Client::Whole { answer, .. } => answer.add(event),
        }
    }
}
