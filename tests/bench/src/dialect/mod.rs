//! What goes over the wire, dialect by dialect: requests of a wanted size, and answers that always say the same.

mod anthropic_messages;
mod bedrock_converse;
mod gemini_generate;
mod openai_chat;
mod openai_completions;
mod openai_responses;

use bytes::Bytes;
use serde_json::Value;
use tollgate_core::words::Format;

/// What every answer says, whole or in pieces.
pub(crate) const TEXT: &str = "A gateway is judged by what it adds: here are sixty-odd words, more or less, which come \
    one by one or all at once, in the dialect of this provider or of that one, so that the cost of carrying them, \
    reading them and saying them again in other words can be seen beside the cost of plain carrying, which is never zero \
    either, on the same machine and in the same minute.";

/// Events of a stream, as a provider sends it, without `[DONE]` and without the usage that OpenAI sends when asked.
pub(crate) const EVENTS: usize = 64;

/// The name that providers know the model by.
pub(crate) const UPSTREAM_MODEL: &str = "bench-upstream";

/// One dialect.
pub(crate) struct Dialect {
    pub(crate) format: Format,
    /// What its clients send and read; `None` where only providers speak it.
    pub(crate) client: Option<Client>,
    /// A whole answer.
    pub(crate) whole: fn() -> Value,
    /// A streamed answer, event by event. The flag is whether the request asks for usage, where a dialect has a choice.
    pub(crate) stream: fn(bool) -> Vec<Bytes>,
    pub(crate) stream_type: &'static str,
}

/// The side of the client.
pub(crate) struct Client {
    /// The body of a request.
    pub(crate) request: fn(&Request<'_>) -> Value,
    /// The header that holds the key, and what stands in it before the key.
    pub(crate) credential: (&'static str, &'static str),
    /// Other headers, as the vendor's own library for Python sends them.
    pub(crate) headers: &'static [(&'static str, &'static str)],
    /// The text of a whole answer.
    pub(crate) text: fn(&Value) -> Option<&str>,
    /// The text that one event of a stream adds.
    pub(crate) delta: fn(&Value) -> Option<&str>,
    /// Stands in the last event of every stream that is complete, and in no error.
    pub(crate) last_word: &'static str,
}

/// What a request is made of.
pub(crate) struct Request<'r> {
    pub(crate) model: &'r str,
    pub(crate) stream: bool,
    /// The user's words and the model's in turns, the user's first.
    pub(crate) turns: &'r [String],
}

impl Dialect {
    pub(crate) const ALL: [&'static Self; 6] = [
        &openai_chat::DIALECT,
        &openai_responses::DIALECT,
        &openai_completions::DIALECT,
        &anthropic_messages::DIALECT,
        &gemini_generate::DIALECT,
        &bedrock_converse::DIALECT,
    ];

    /// `None` for a format that nobody chats in.
    pub(crate) fn of(format: Format) -> Option<&'static Self> {
        Self::ALL.into_iter().find(|dialect| dialect.format == format)
    }
}

impl Request<'_> {
    /// The turns with their speakers, of whom there are two in every dialect.
    fn spoken(&self, speakers: [&'static str; 2]) -> impl Iterator<Item = (&'static str, &str)> {
        speakers.into_iter().cycle().zip(self.turns.iter().map(String::as_str))
    }
}

const SYSTEM: &str = "You are a careful assistant. Answer in one line.";

/// An event without a name: `data:` and its JSON.
fn data(json: &Value) -> Bytes {
    Bytes::from(format!("data: {json}\n\n"))
}

/// An event with a name, which its JSON repeats as `type`.
fn named(name: &str, mut json: Value) -> Bytes {
    json["type"] = name.into();
    Bytes::from(format!("event: {name}\ndata: {json}\n\n"))
}

/// The text in `count` pieces of about one size.
fn pieces(count: usize) -> impl Iterator<Item = &'static str> {
    (0..count).map(move |i| &TEXT[TEXT.len() * i / count..TEXT.len() * (i + 1) / count])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_streams_have_the_same_number_of_events() {
        for dialect in Dialect::ALL {
            let done = Bytes::from_static(b"data: [DONE]\n\n");
            let events = (dialect.stream)(false).iter().filter(|event| **event != done).count();
            assert_eq!(events, EVENTS, "{}", dialect.format.name());
        }
    }

    #[test]
    fn pieces_add_up_to_the_text() {
        assert_eq!(pieces(59).collect::<String>(), TEXT);
    }
}
