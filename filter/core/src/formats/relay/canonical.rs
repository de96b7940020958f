use super::{MAX_WHOLE, Observed, RelayError, ResponseKind};
use crate::{
    canonical::{Answer, Event},
    formats::{Attempt, anthropic_messages, error::encode_failure, openai_chat},
    sse,
};

/// Decodes the provider's answer into events and encodes them for the client, stream or whole on either side.
#[derive(Debug)]
pub(super) struct Canonical {
    source: Source,
    sink: Sink,
    failure: Option<RelayError>,
}

/// What the provider sends.
#[derive(Debug)]
enum Source {
    Stream(Box<Events>),
    Whole(Vec<u8>),
}

/// The two stages that read a stream.
#[derive(Debug, Default)]
struct Events {
    blocks: sse::Decoder,
    decoder: anthropic_messages::StreamDecoder,
}

/// What the client gets.
#[derive(Debug)]
enum Sink {
    Stream(openai_chat::StreamEncoder),
    Whole { answer: Answer, encoder: openai_chat::ResponseEncoder },
}

impl Canonical {
    pub(super) fn new(attempt: &Attempt<'_>, kind: ResponseKind) -> Self {
        let source = match kind {
            ResponseKind::Stream => Source::Stream(Box::default()),
            ResponseKind::Whole => Source::Whole(Vec::new()),
        };
        let sink = match attempt.stream {
            true => Sink::Stream(openai_chat::StreamEncoder::new(attempt)),
            false => Sink::Whole { answer: Answer::default(), encoder: openai_chat::ResponseEncoder::new(attempt) },
        };
        Self { source, sink, failure: None }
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
            Source::Stream(events) => {
                events.blocks.push(chunk);
                decode_blocks(events, &mut self.sink, observed, &mut out)
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
            let result = match &mut self.source {
                Source::Whole(body) => anthropic_messages::decode_response(body, &mut |event| {
                    accept(sink, event, observed, &mut out);
                }),
                Source::Stream(events) => {
                    events.blocks.finish();
                    decode_blocks(events, sink, observed, &mut out)
                }
            };
            // A provider that gave its reason to end has ended, with or without an end event.
            match result.and(if observed.finished { Ok(()) } else { Err(RelayError::Incomplete) }) {
                Ok(()) => accept(sink, Event::End, observed, &mut out),
                Err(error) => self.fail(error, observed, &mut out),
            }
        }
        match (&self.sink, &self.failure) {
            (Sink::Stream(_), _) => Ok(out),
            (Sink::Whole { .. }, Some(error)) => Err(error.clone()),
            (Sink::Whole { answer, encoder }, None) => Ok(encoder.encode(answer)),
        }
    }

    /// A stream ends in an error event of the client's format, unless it is complete already.
    fn fail(&mut self, error: RelayError, observed: &mut Observed, out: &mut Vec<u8>) {
        if let Sink::Stream(encoder) = &mut self.sink {
            if encoder.is_ended() {
                return;
            }
            encoder.fail(&encode_failure(openai_chat::FORMAT, 502, &error.failure()), out);
        }
        observed.failed = true;
        self.failure = Some(error);
    }
}

fn decode_blocks(
    events: &mut Events,
    sink: &mut Sink,
    observed: &mut Observed,
    out: &mut Vec<u8>,
) -> Result<(), RelayError> {
    while let Some(block) = events.blocks.next() {
        let block = block.map_err(|sse::TooLong| RelayError::TooLarge)?;
        if let Some(data) = block.data.filter(|data| !data.is_empty()) {
            events.decoder.decode(block.name, &data, &mut |event| accept(sink, event, observed, out))?;
        }
    }
    Ok(())
}

fn accept(sink: &mut Sink, event: Event<'_>, observed: &mut Observed, out: &mut Vec<u8>) {
    match &event {
        Event::Usage { usage, terminal } => {
            observed.usage = Some(*usage);
            observed.terminal = *terminal;
        }
        Event::Finish(_) => observed.finished = true,
        Event::Start { .. }
        | Event::BlockStart(_)
        | Event::BlockDelta(_)
        | Event::BlockStop
        | Event::End
        | Event::Ping => {}
    }
    match sink {
        Sink::Stream(encoder) => encoder.encode(&event, out),
        Sink::Whole { answer, .. } => answer.add(event),
    }
}
