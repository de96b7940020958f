//! The accept loop, and the two ways of ending a connection that a well-behaved server does not have.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::service::Service as _;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// In the extensions of each request: set it, and the connection ends with a TCP reset rather than a close.
#[derive(Clone, Default)]
pub(crate) struct ResetOnClose(Arc<AtomicBool>);

impl ResetOnClose {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// In the extensions of a response: do not send it, end the connection in its place.
#[derive(Clone)]
pub(crate) struct NoResponse;

/// Serves `router` on each connection until the task is dropped.
pub(crate) async fn accept(listener: TcpListener, router: Router) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        let reset = ResetOnClose::default();
        let router = TowerToHyperService::new(router.clone());
        let service = hyper::service::service_fn({
            let reset = reset.clone();
            move |mut request: hyper::Request<Incoming>| {
                request.extensions_mut().insert(reset.clone());
                let response = router.call(request.map(axum::body::Body::new) as Request);
                async move {
                    let response = response.await.map_err(io::Error::other)?;
                    if response.extensions().get::<NoResponse>().is_some() {
                        return Err(io::Error::from(io::ErrorKind::ConnectionAborted));
                    }
                    Ok(response)
                }
            }
        });
        let wire = TokioIo::new(Wire { stream, reset });
        connections.spawn(hyper::server::conn::http1::Builder::new().serve_connection(wire, service));
        while connections.try_join_next().is_some() {}
    }
}

/// A socket that can be told to end with a reset.
struct Wire {
    stream: TcpStream,
    reset: ResetOnClose,
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.reset.0.load(Ordering::Relaxed) {
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.reset.0.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(())); // a shutdown would say goodbye first
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
