//! The control plane as one running thing: its ports, its store, and what it does by itself.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{net::TcpListener, task::JoinSet, time::MissedTickBehavior};
use tokio_stream::wrappers::TcpListenerStream;
use tollgate_core::words::Secret;
use tracing::{info, warn};

use crate::{
    app::App,
    grpc, http,
    intake::{Keeping, Work, spool, spool::Spool},
    publish::Publisher,
    store::{self, Store, WrittenOff, now_ms},
};

pub use crate::intake::spool::{SpoolPlace, Wanted};

/// What a server is told.
#[derive(Clone, Debug)]
pub struct Options {
    /// `sqlite://…` or `postgres://…`.
    pub store_url: String,
    /// Where usage is kept until the store has it; without a place, usage is acknowledged when the store has committed it.
    pub spool: Option<SpoolPlace>,
    /// Where the HTTP API is served.
    pub http: SocketAddr,
    /// Where the VMs are served.
    pub grpc: SocketAddr,
    /// What every VM must show.
    pub node_token: Secret,
    /// What every client of the HTTP API must show.
    pub admin_token: Secret,
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How often a VM must be heard of; three times that is silence.
    pub heartbeat: Duration,
    /// How long a VM whose session ended may take to come back before its open exchanges are lost.
    pub grace: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { heartbeat: Duration::from_secs(5), grace: Duration::from_secs(10) }
    }
}

/// How often the table of key changes is read: bounds how late a VM of another control plane hears of one.
const KEY_CHANGES_EVERY: Duration = Duration::from_millis(200);
/// How often VMs that are gone are looked for.
const WRITE_OFF_EVERY: Duration = Duration::from_millis(500);
/// How long connections may take to end when the server stops.
const STOP_WITHIN: Duration = Duration::from_secs(3);

/// A control plane whose ports are bound and whose store is open.
#[derive(Debug)]
pub struct Server {
    app: App,
    work: Work,
    http: TcpListener,
    grpc: TcpListener,
    http_addr: SocketAddr,
    grpc_addr: SocketAddr,
    node_token: Secret,
    admin_token: Secret,
    pace: Pace,
    /// The change up to which VMs need not be told.
    last_change: i64,
}

/// Why a server did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A port is taken, or not ours to take.
    #[error("{what} cannot listen on {address}: {error}")]
    Bind {
        /// Which port.
        what: &'static str,
        /// Where.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// A token is empty, which everybody has.
    #[error("the {0} is empty: whoever sends none would be let in")]
    EmptyToken(&'static str),
    /// Of the spool.
    #[error(transparent)]
    Spool(#[from] spool::Error),
    /// Of the store.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Serving HTTP failed.
    #[error("the HTTP server failed: {0}")]
    Http(io::Error),
    /// Serving gRPC failed.
    #[error("the gRPC server failed: {0}")]
    Grpc(tonic::transport::Error),
}

impl Server {
    /// Binds both ports, and opens the spool and the store.
    ///
    /// # Errors
    /// When a token is empty, a port cannot be bound, or the spool or the store cannot be opened.
    pub async fn start(options: Options) -> Result<Self, Error> {
        Self::start_at(options, Pace::default()).await
    }

    /// As [`Self::start`], at another pace.
    ///
    /// # Errors
    /// Likewise.
    pub async fn start_at(options: Options, pace: Pace) -> Result<Self, Error> {
        for (what, token) in [("node token", &options.node_token), ("admin token", &options.admin_token)] {
            if token.expose().is_empty() {
                return Err(Error::EmptyToken(what));
            }
        }
        let (http, http_addr) = bind("the HTTP API", options.http).await?;
        let (grpc, grpc_addr) = bind("the gRPC port", options.grpc).await?;
        let keeping = open_spool(options.spool.as_ref()).await?;
        let store = Store::open(&options.store_url).await?;
        let last_change = store.last_key_change().await?;
        let (app, work) = App::new(store, keeping, pace.heartbeat);
        let Options { node_token, admin_token, .. } = options;
        Ok(Self { app, work, http, grpc, http_addr, grpc_addr, node_token, admin_token, pace, last_change })
    }

    /// Puts snapshots in force.
    #[must_use]
    pub fn publisher(&self) -> Publisher {
        self.app.publisher.clone()
    }

    /// Where the HTTP API is served.
    #[must_use]
    pub fn http_addr(&self) -> SocketAddr {
        self.http_addr
    }

    /// Where the VMs are served.
    #[must_use]
    pub fn grpc_addr(&self) -> SocketAddr {
        self.grpc_addr
    }

    /// Serves until `shutdown` is over, then ends what is under way within a bounded time.
    ///
    /// # Errors
    /// When serving fails by itself.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), Error> {
        let stop = self.app.stop.clone();
        let (store, intake) = (self.app.store.clone(), self.app.intake.clone());
        // A task of its own, which goes on until what the last sessions handed over is durable.
        let mut work = JoinSet::new();
        work.spawn(self.work.run());
        let http = axum::serve(self.http, http::router(self.app.clone(), self.admin_token))
            .with_graceful_shutdown(stop.clone().cancelled_owned());
        let grpc = grpc::router(self.app.clone(), self.node_token)
            .serve_with_incoming_shutdown(TcpListenerStream::new(self.grpc), stop.clone().cancelled_owned());
        let chores = async {
            tokio::select! {
                () = tell_of_changed_keys(&self.app, self.last_change) => {}
                () = write_off_lost_exchanges(&self.app, self.pace) => {}
                () = stop.cancelled() => {}
            }
        };
        let serving = async {
            let http = async { http.await.map_err(Error::Http) };
            let grpc = async { grpc.await.map_err(Error::Grpc) };
            let chores = async {
                chores.await;
                Ok(())
            };
            tokio::try_join!(http, grpc, chores).map(|_| ())
        };
        tokio::pin!(serving);
        let outcome = tokio::select! {
            outcome = &mut serving => outcome,
            () = shutdown => {
                stop.cancel();
                tokio::time::timeout(STOP_WITHIN, &mut serving).await.unwrap_or(Ok(()))
            }
        };
        // What is not in the store by then waits in the spool for the next start.
        let _ = tokio::time::timeout(STOP_WITHIN, intake.settled()).await;
        work.shutdown().await;
        store.close().await;
        outcome
    }
}

/// Opens the spool, or says why there is none. It is said either way, because it decides what an acknowledgement waits for. No spool that
/// may hold something is passed over: what is in it was acknowledged.
async fn open_spool(place: Option<&SpoolPlace>) -> Result<Keeping, spool::Error> {
    const NO_SPOOL: &str = "no spool: usage is acknowledged when the store has committed it";
    let Some(place) = place else {
        info!("{NO_SPOOL}");
        return Ok(Keeping::Store(None));
    };
    let opened = match place.wanted {
        Wanted::No => left(place).await,
        Wanted::Yes | Wanted::IfPossible => Spool::open(place).await.map(Some),
    };
    match opened {
        Ok(Some(spool)) => {
            let records = spool.held().borrow().records;
            let path = spool.path().display();
            if place.wanted == Wanted::No {
                warn!(spool = %path, records, "no spool is wanted, but one is left: what is in it is brought into the store");
                return Ok(Keeping::Store(Some(spool)));
            }
            info!(spool = %path, records, "usage is acknowledged when it is in the spool");
            Ok(Keeping::Spool(spool))
        }
        Ok(None) => {
            info!("{NO_SPOOL}");
            Ok(Keeping::Store(None))
        }
        Err(error @ spool::Error::Unwritable { .. }) if place.wanted != Wanted::Yes => {
            if !spool::is_empty(&place.folder).await {
                return Err(spool::Error::Stranded { path: place.folder.join("spool.db"), error: error.into() });
            }
            warn!(%error, "{NO_SPOOL}");
            Ok(Keeping::Store(None))
        }
        Err(error) => Err(error),
    }
}

/// A spool from before with something in it that nobody else brings into the store.
async fn left(place: &SpoolPlace) -> Result<Option<Spool>, spool::Error> {
    if spool::is_empty(&place.folder).await {
        return Ok(None);
    }
    match Spool::open(place).await {
        Ok(spool) if spool.held().borrow().entries == 0 => Ok(None),
        Ok(spool) => Ok(Some(spool)),
        Err(spool::Error::Locked(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn bind(what: &'static str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    let failed = |error| Error::Bind { what, address, error };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Tells every session which keys changed, wherever they were changed: the database is what all control planes share.
async fn tell_of_changed_keys(app: &App, mut last: i64) {
    let mut ticks = tokio::time::interval(KEY_CHANGES_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        ticks.tick().await;
        let changes = app.store.key_changes_since(last).await;
        app.intake.store_answered(changes.is_ok());
        match changes {
            Ok((_, digests)) if digests.is_empty() => failing = false,
            Ok((newest, digests)) => {
                failing = false;
                last = newest;
                // An error means that there is no session to tell.
                let _ = app.changes.send(digests);
            }
            Err(error) => {
                app.metrics.store_errors.inc();
                if !std::mem::replace(&mut failing, true) {
                    tracing::error!(%error, "changed keys cannot be read; trying again");
                }
            }
        }
    }
}

/// Writes off what VMs had open that are gone for good. As long as something that was handed over is not in the store, a VM may have been
/// heard of that the store does not know of: so it is asked who was gone at the moment up to which it knows everything.
async fn write_off_lost_exchanges(app: &App, pace: Pace) {
    let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    let (silence, grace) = (millis(pace.heartbeat * 3), millis(pace.grace));
    let started = now_ms();
    let mut ticks = tokio::time::interval(WRITE_OFF_EVERY.min(pace.grace));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        ticks.tick().await;
        let Some(now) = app.intake.complete_until().await else { continue };
        // While no control plane ran, or nothing was taken from VMs, none could be heard: each gets its time again from then on.
        let listening = now.saturating_sub(started.max(app.intake.refused_at()));
        if listening < grace {
            continue;
        }
        let silent_since = if listening < silence + grace { i64::MIN } else { now - silence - grace };
        let written_off = match app.store.correct_signs(now, now + grace).await {
            Ok(()) => app.store.write_off(silent_since, now - grace).await,
            Err(error) => WrittenOff { failed: Some(error), ..WrittenOff::default() },
        };
        note(app, written_off, &mut failing);
    }
}

fn note(app: &App, written_off: WrittenOff, failing: &mut bool) {
    let WrittenOff { lost, failed } = written_off;
    if lost > 0 {
        app.metrics.lost.inc_by(lost);
        tracing::warn!(lost, "exchanges were lost with their VM");
    }
    if let Some(error) = &failed {
        app.metrics.store_errors.inc();
        if !*failing {
            tracing::error!(%error, "lost exchanges cannot be written off; trying again");
        }
    }
    *failing = failed.is_some();
}
