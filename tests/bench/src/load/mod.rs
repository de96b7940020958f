//! The load generator: HTTP/1.1 connections that stay open, one exchange at a time on each.

mod closed;
mod open;

use std::{
    net::SocketAddr,
    pin::Pin,
    time::{Duration, Instant},
};

use bytes::{Buf, Bytes};
use hdrhistogram::Histogram;
use http_body_util::Full;
use hyper::{
    Request,
    body::Body,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tollgate_core::{translate::Framing, words::Format};

pub(crate) use self::{closed::saturate, open::at_rate};
use crate::workload::Workload;

/// A request that is sent again and again to one side.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) address: SocketAddr,
    head: Request<()>,
    body: Bytes,
    /// Stands in the last bytes of every whole answer.
    last_word: &'static str,
}

impl Call {
    /// With the headers that the vendor's own clients send.
    pub(crate) fn new(address: SocketAddr, key: &str, model: &str, workload: &Workload) -> Self {
        let (dialect, client) = workload.dialect();
        let version = if dialect.format == Format::GeminiGenerate { "/v1beta" } else { "/v1" };
        let stream = workload.stream.then_some(Framing::Sse);
        let mut head = Request::post(format!("{version}{}", dialect.format.path(model, stream)))
            .header("host", address.to_string())
            .header("accept", "application/json")
            .header("content-type", "application/json")
            .header(client.credential.0, format!("{}{key}", client.credential.1));
        for (name, value) in client.headers {
            head = head.header(*name, *value);
        }
        Self {
            address,
            head: head.body(()).expect("the head is made of constants"),
            body: workload.body(model),
            last_word: if workload.stream { client.last_word } else { "}" },
        }
    }

    fn request(&self) -> Request<Full<Bytes>> {
        self.head.clone().map(|()| Full::new(self.body.clone()))
    }
}

/// Why an exchange does not count.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("no connection: {0}")]
    Connection(#[from] std::io::Error),
    #[error("{0}")]
    Http(#[from] hyper::Error),
    #[error("status {status}: {body}")]
    Status { status: u16, body: String },
    #[error("the answer ends early")]
    Truncated,
}

/// When what arrived.
pub(crate) struct Arrival {
    first_byte: Instant,
    end: Instant,
}

/// A connection, opened again when it is found dead.
pub(crate) struct Connection {
    address: SocketAddr,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Connection {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, sender: None }
    }

    /// Sends the request and reads the answer to its end; `keep` gets its bytes.
    pub(crate) async fn exchange(&mut self, call: &Call, mut keep: Option<&mut Vec<u8>>) -> Result<Arrival, Failure> {
        let mut sender = match self.sender.take() {
            Some(sender) if sender.is_ready() => sender,
            _ => connect(self.address).await?,
        };
        let response = sender.send_request(call.request()).await?;
        let status = response.status();
        let mut body = response.into_body();
        let mut first_byte = None;
        let mut tail = Tail::default();
        while let Some(frame) = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            let Ok(data) = frame?.into_data() else { continue };
            if data.has_remaining() {
                first_byte.get_or_insert_with(Instant::now);
                tail.push(&data);
                if let Some(kept) = keep.as_deref_mut() {
                    kept.extend_from_slice(&data);
                }
            }
        }
        let end = Instant::now();
        if !status.is_success() {
            return Err(Failure::Status { status: status.as_u16(), body: tail.text() });
        }
        if !tail.holds(call.last_word) {
            return Err(Failure::Truncated);
        }
        // Between exchanges hyper needs a moment to be ready again, which the next one must not take for a dead peer.
        if sender.ready().await.is_ok() {
            self.sender = Some(sender);
        }
        Ok(Arrival { first_byte: first_byte.unwrap_or(end), end })
    }
}

async fn connect(address: SocketAddr) -> Result<SendRequest<Full<Bytes>>, Failure> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

/// The last bytes of an answer, over the borders of chunks.
#[derive(Default)]
struct Tail(Vec<u8>);

impl Tail {
    const KEPT: usize = 400;

    fn push(&mut self, data: &[u8]) {
        let excess = (self.0.len() + data.len()).saturating_sub(Self::KEPT);
        self.0.drain(..excess.min(self.0.len()));
        self.0.extend_from_slice(&data[data.len().saturating_sub(Self::KEPT)..]);
    }

    fn holds(&self, word: &str) -> bool {
        self.0.windows(word.len()).any(|window| window == word.as_bytes())
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }
}

/// What a round saw. Times in microseconds.
pub(crate) struct Tally {
    pub(crate) counted: Duration,
    pub(crate) requests: u64,
    pub(crate) failures: u64,
    pub(crate) first_failure: Option<Failure>,
    pub(crate) latency: Histogram<u64>,
    pub(crate) first_byte: Histogram<u64>,
}

impl Tally {
    fn new() -> Self {
        // Up to a minute, to three figures.
        let histogram = || Histogram::new_with_bounds(1, 60_000_000, 3).expect("the bounds are constants that fit");
        Self {
            counted: Duration::ZERO,
            requests: 0,
            failures: 0,
            first_failure: None,
            latency: histogram(),
            first_byte: histogram(),
        }
    }

    fn add(&mut self, started: Instant, outcome: Result<Arrival, Failure>) {
        let micros = |end: Instant| u64::try_from((end - started).as_micros()).unwrap_or(u64::MAX);
        match outcome {
            Ok(arrival) => {
                self.requests += 1;
                self.latency.saturating_record(micros(arrival.end));
                self.first_byte.saturating_record(micros(arrival.first_byte));
            }
            Err(failure) => {
                self.failures += 1;
                self.first_failure.get_or_insert(failure);
            }
        }
    }

    fn merge(&mut self, other: Self) {
        self.requests += other.requests;
        self.failures += other.failures;
        self.first_failure = self.first_failure.take().or(other.first_failure);
        // The bounds are the same on both sides.
        let _ = self.latency.add(other.latency);
        let _ = self.first_byte.add(other.first_byte);
    }
}
