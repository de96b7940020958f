//! The clients: requests of every kind that begin at an even rate whatever becomes of them, and what each client saw.

use std::time::{Duration, Instant};

use mock_llm::Received;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tollgate_tests::DEV_KEY;

use crate::random::Random;

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A whole answer, at once or after a while.
    Whole { delay_ms: u64 },
    /// A stream of so many pieces.
    Stream { pieces: u64, pause_ms: u64 },
    /// A stream whose client hangs up when it has had some pieces.
    HangUp,
    /// The provider refuses.
    ProviderError,
    /// The provider breaks a stream off with an error of its own.
    BreakOff,
    /// A model that nobody has.
    UnknownModel,
    /// A key that nobody has.
    UnknownKey,
}

/// How a request went, as its client saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Saw {
    /// All of the answer, with this status.
    Finished(u16),
    /// It hung up itself, in the middle of a stream.
    HungUp,
    /// The connection broke; `begun` where the head of the answer had come.
    Cut { begun: bool },
    /// There was no connection.
    NoConnection,
}

/// One request and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    /// What the record names it by: `session_id`.
    pub(crate) session: String,
    pub(crate) kind: Kind,
    /// Whether the model is served in the identity lane, else in the canonical one.
    pub(crate) identity: bool,
    /// Before it was sent.
    pub(crate) begun: Instant,
    /// After its end.
    pub(crate) over: Instant,
    pub(crate) saw: Saw,
    /// The gateway's own name for it, where the answer's head says it.
    pub(crate) exchange: Option<String>,
    /// Whether a provider has received it.
    pub(crate) provider_asked: bool,
}

/// Pieces after which a client hangs up.
const HANG_UP_AFTER: usize = 3;
/// No answer takes longer by itself.
const LONGEST: Duration = Duration::from_secs(30);

/// Asks `url` so often in a second until `stop` says so or is dropped; answers when every request has ended.
pub(crate) async fn drive(
    url: String,
    name: String,
    rate: u32,
    mut stop: oneshot::Receiver<()>,
    mut random: Random,
) -> Vec<Note> {
    // A connection for each, so that both workers have their share and a broken one breaks one request.
    let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).timeout(LONGEST);
    let client = client.build().expect("a client");
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / rate);
    let mut calls = JoinSet::new();
    for number in 0_u32.. {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = &mut stop => break,
        }
        let (kind, identity) = (Kind::draw(&mut random), random.next().is_multiple_of(2));
        let session = format!("{name}-{number}");
        calls.spawn(call(client.clone(), url.clone(), session, kind, identity));
    }
    calls.join_all().await
}

async fn call(client: reqwest::Client, url: String, session: String, kind: Kind, identity: bool) -> Note {
    let begun = Instant::now();
    let key = if kind == Kind::UnknownKey { "sk-nobody-has-this-one" } else { DEV_KEY };
    let request = client.post(url).bearer_auth(key).header("x-tollgate-session", &session);
    let request = request.header("x-tollgate-debug", "1").json(&kind.body(identity, &session));
    let (mut exchange, mut begun_to_answer) = (None, false);
    let read = async {
        let mut response = request.send().await?;
        begun_to_answer = true;
        let name = response.headers().get("x-tollgate-exchange").and_then(|name| name.to_str().ok());
        exchange = name.map(str::to_owned);
        let status = response.status().as_u16();
        let (mut body, mut pieces) = (Vec::new(), 0);
        while let Some(piece) = response.chunk().await? {
            body.extend_from_slice(&piece);
            pieces += 1;
            if kind == Kind::HangUp && status == 200 && pieces == HANG_UP_AFTER {
                return Ok(Saw::HungUp);
            }
        }
        Ok(if kind.is_whole(status, &body) { Saw::Finished(status) } else { Saw::Cut { begun: true } })
    };
    let saw = match read.await {
        Ok(saw) => saw,
        Err(error) if reqwest::Error::is_connect(&error) => Saw::NoConnection,
        Err(_) => Saw::Cut { begun: begun_to_answer },
    };
    Note { session, kind, identity, begun, over: Instant::now(), saw, exchange, provider_asked: false }
}

impl Kind {
    /// Two fifths whole answers, the rest of every other kind.
    fn draw(random: &mut Random) -> Self {
        match random.between(0, 99) {
            0..20 => Self::Whole { delay_ms: 0 },
            20..40 => Self::Whole { delay_ms: random.between(1, 400) },
            40..58 => Self::Stream { pieces: random.between(3, 20), pause_ms: 20 },
            58..74 => Self::Stream { pieces: random.between(20, 60), pause_ms: 50 },
            74..85 => Self::HangUp,
            85..91 => Self::ProviderError,
            91..95 => Self::BreakOff,
            95..98 => Self::UnknownModel,
            _ => Self::UnknownKey,
        }
    }

    /// A chat request. The mock provider reads in the message what it is to do, and remembers whose it was.
    fn body(self, identity: bool, session: &str) -> Value {
        let model = match (self, identity) {
            (Self::UnknownModel, _) => "nobody-has-this-one",
            (_, true) => "gpt-4o",
            (_, false) => "claude",
        };
        let stream = |pieces, pause_ms| {
            let pause = json!({"delay_between_events_ms": pause_ms});
            (true, format!("please count to {pieces} <mock>{pause}</mock>"))
        };
        let (streams, text) = match self {
            Self::Whole { delay_ms: 0 } | Self::UnknownModel | Self::UnknownKey => (false, "hello".to_owned()),
            Self::Whole { delay_ms } => {
                (false, format!("hello <mock>{}</mock>", json!({"delay_first_byte_ms": delay_ms})))
            }
            Self::Stream { pieces, pause_ms } => stream(pieces, pause_ms),
            Self::HangUp => stream(40, 30),
            Self::ProviderError => (false, "please fail with 400".to_owned()),
            Self::BreakOff => (true, "please break off".to_owned()),
        };
        let text = format!("{text} [{session}]");
        json!({"model": model, "stream": streams, "messages": [{"role": "user", "content": text}]})
    }

    /// Whether a body that came to its end by the rules of HTTP is one by the rules of its format too.
    fn is_whole(self, status: u16, body: &[u8]) -> bool {
        let text = String::from_utf8_lossy(body);
        match self {
            _ if status != 200 => serde_json::from_slice::<Value>(body).is_ok(),
            Self::Stream { .. } | Self::HangUp => text.contains("data: [DONE]"),
            Self::BreakOff => text.contains("\"error\""),
            _ => serde_json::from_slice::<Value>(body).is_ok(),
        }
    }
}

impl Note {
    /// Notes whether it is among what providers received.
    pub(crate) fn look_up(&mut self, received: &[Received]) {
        let mark = format!("[{}]", self.session);
        let is_it = |request: &Received| request.body.windows(mark.len()).any(|part| part == mark.as_bytes());
        self.provider_asked = received.iter().any(is_it);
    }

    /// Whether a VM had it for certain: its client has at least the head of an answer, or a provider has the request.
    pub(crate) fn was_had(&self) -> bool {
        self.provider_asked || !matches!(self.saw, Saw::NoConnection | Saw::Cut { begun: false })
    }

    /// What its record says of an end like the one that its client saw; `None` where the client cannot know.
    pub(crate) fn expected(&self) -> Option<&'static [&'static str]> {
        match (self.saw, self.kind) {
            (Saw::Finished(200), Kind::BreakOff) => Some(&["provider_error"]),
            (Saw::Finished(200), _) => Some(&["success"]),
            (Saw::Finished(_), Kind::ProviderError) => Some(&["provider_error", "refused"]),
            (Saw::Finished(_), Kind::UnknownModel | Kind::UnknownKey) => Some(&["refused"]),
            // While a part of the system starts again.
            (Saw::Finished(_), _) => Some(&["refused", "provider_error"]),
            (Saw::HungUp, _) => Some(&["client_abort"]),
            (Saw::Cut { .. } | Saw::NoConnection, _) => None,
        }
    }
}
