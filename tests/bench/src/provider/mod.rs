//! A provider that costs next to nothing: fixed answers, no parsing. It has a process of its own.

use std::{
    convert::Infallible,
    io::{Read, Write},
    net::Ipv4Addr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use hyper::{
    Request, Response, StatusCode,
    body::{Body, Frame, Incoming, SizeHint},
    header::{CONTENT_TYPE, HeaderValue},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tollgate_core::words::Format;

use crate::{
    dialect::Dialect,
    error::{Error, IoContext},
};

/// Serves until standard input is closed, which is when whoever started this process is gone.
pub(crate) async fn serve() -> Result<(), Error> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("listening")?;
    let address = listener.local_addr().context("listening")?;
    writeln!(std::io::stdout(), "{address}").context("printing the address")?;
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0)
    });
    let answers: Arc<[Answers]> = Dialect::ALL.map(Answers::new).into();
    loop {
        let (connection, _) = listener.accept().await.context("accepting")?;
        connection.set_nodelay(true).context("accepting")?;
        let answers = Arc::clone(&answers);
        tokio::spawn(async move {
            let service = service_fn(|request| answer(request, Arc::clone(&answers)));
            // A connection that fails is the gateway's to complain about.
            let _ =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(connection), service).await;
        });
    }
}

/// What one dialect says to whatever is asked, as bytes.
struct Answers {
    dialect: &'static Dialect,
    whole: Bytes,
    stream: Arc<[Bytes]>,
    stream_with_usage: Arc<[Bytes]>,
}

impl Answers {
    fn new(dialect: &'static Dialect) -> Self {
        let whole = Bytes::from((dialect.whole)().to_string());
        let [stream, stream_with_usage] = [false, true].map(|usage| (dialect.stream)(usage).into());
        Self { dialect, whole, stream, stream_with_usage }
    }
}

async fn answer(request: Request<Incoming>, answers: Arc<[Answers]>) -> Result<Response<Answer>, Infallible> {
    let operation = OPERATIONS.iter().find(|(path, ..)| request.uri().path().ends_with(path));
    let head = read_all(request.into_body()).await;
    let asks = |member: &[u8]| head.windows(member.len()).any(|window| window == member);
    let answers = operation.and_then(|(_, format, stream)| {
        let answers = answers.iter().find(|answers| answers.dialect.format == *format)?;
        Some((answers, stream.unwrap_or_else(|| asks(br#""stream":true"#))))
    });
    let Some((answers, stream)) = answers else {
        let mut response = Response::new(Answer::Whole(None));
        *response.status_mut() = StatusCode::NOT_FOUND;
        return Ok(response);
    };
    let (content_type, body) = if stream {
        let events = if asks(br#""include_usage":true"#) { &answers.stream_with_usage } else { &answers.stream };
        (answers.dialect.stream_type, Answer::Stream { events: Arc::clone(events), next: 0, pause: false })
    } else {
        ("application/json", Answer::Whole(Some(answers.whole.clone())))
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    Ok(response)
}

/// How a path ends, and whether it asks for a stream; where it does not say, the body does.
const OPERATIONS: [(&str, Format, Option<bool>); 7] = [
    ("/chat/completions", Format::OpenaiChat, None),
    ("/responses", Format::OpenaiResponses, None),
    ("/messages", Format::AnthropicMessages, None),
    (":generateContent", Format::GeminiGenerate, Some(false)),
    (":streamGenerateContent", Format::GeminiGenerate, Some(true)),
    ("/converse", Format::BedrockConverse, Some(false)),
    ("/converse-stream", Format::BedrockConverse, Some(true)),
];

/// Reads a body to its end and keeps it if it is small: only small ones stream.
async fn read_all(mut body: Incoming) -> Vec<u8> {
    let mut head = Vec::new();
    while let Some(Ok(frame)) = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        if let Ok(data) = frame.into_data()
            && head.len() + data.remaining() <= SMALL
        {
            head.extend_from_slice(&data);
        }
    }
    head
}

const SMALL: usize = 8_000;

/// The body of an answer.
enum Answer {
    Whole(Option<Bytes>),
    /// Each event is a write of its own: between two, the body has nothing to give, and hyper flushes.
    Stream {
        events: Arc<[Bytes]>,
        next: usize,
        pause: bool,
    },
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let data = match &mut *self {
            Self::Whole(body) => body.take(),
            Self::Stream { events, next, pause } => {
                *pause = !*pause && *next > 0;
                if *pause {
                    context.waker().wake_by_ref();
                    ready!(Poll::<()>::Pending);
                }
                *next += 1;
                events.get(*next - 1).cloned()
            }
        };
        Poll::Ready(data.map(|data| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_none(),
            Self::Stream { events, next, .. } => *next >= events.len(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => SizeHint::with_exact(body.as_ref().map_or(0, |body| body.len() as u64)),
            Self::Stream { .. } => SizeHint::default(),
        }
    }
}
