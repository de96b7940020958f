//! A proxy for TCP that can be away, silent or slow.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// How it treats its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// All goes through.
    Well,
    /// Nobody listens, and connections are ended.
    Away,
    /// Nothing goes through; what was said is not forgotten.
    Silent,
    /// Everything comes so much later.
    Slow(Duration),
}

/// The proxy. It ends when this is dropped.
pub(crate) struct Proxy {
    address: SocketAddr,
    mood: watch::Sender<Mood>,
    serving: JoinHandle<()>,
}

impl Proxy {
    /// In front of `server`, on a port that stays its own while it does not listen.
    pub(crate) async fn start(server: SocketAddr) -> io::Result<Self> {
        let address = tollgate_tests::free_port();
        let (mood, moods) = watch::channel(Mood::Well);
        let listener = TcpListener::bind(address).await?;
        Ok(Self { address, mood, serving: tokio::spawn(serve(listener, address, server, moods)) })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn set(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(first: TcpListener, address: SocketAddr, server: SocketAddr, mut moods: watch::Receiver<Mood>) {
    let mut listener = first;
    loop {
        // Dropped with the listener, so that all of it is away at once.
        let mut connections = JoinSet::new();
        let away = moods.clone();
        let accepting = async {
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(relay(client, server, moods.clone()));
            }
        };
        tokio::select! {
            () = accepting => {}
            () = until(away, |mood| mood == Mood::Away) => {}
        }
        drop((connections, listener));
        if moods.wait_for(|mood| *mood != Mood::Away).await.is_err() {
            return;
        }
        listener = loop {
            match TcpListener::bind(address).await {
                Ok(listener) => break listener,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
    }
}

async fn relay(client: TcpStream, server: SocketAddr, moods: watch::Receiver<Mood>) {
    until(moods.clone(), |mood| mood != Mood::Silent).await;
    let Ok(server) = TcpStream::connect(server).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::select! {
        () = copy(from_client, to_server, moods.clone()) => {}
        () = copy(from_server, to_client, moods) => {}
    }
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, moods: watch::Receiver<Mood>) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(size @ 1..) = from.read(&mut buffer).await {
        until(moods.clone(), |mood| mood != Mood::Silent).await;
        let mood = *moods.borrow();
        if let Mood::Slow(pause) = mood {
            tokio::time::sleep(pause).await;
        }
        if to.write_all(&buffer[..size]).await.is_err() {
            return;
        }
    }
}

/// Until the mood is such. For ever where nobody is left to change it.
async fn until(mut moods: watch::Receiver<Mood>, is_such: impl Fn(Mood) -> bool) {
    if moods.wait_for(|mood| is_such(*mood)).await.is_err() {
        std::future::pending::<()>().await;
    }
}
