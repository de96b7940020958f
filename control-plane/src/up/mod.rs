//! A control plane in operation, alone (`serve`) or with an Envoy of its own (`up`).

mod apply;
mod data_dir;
mod envoy;
mod ports;
mod ready;
mod stop;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tollgate_core::words::Secret;
use tracing::{error, info};

pub use data_dir::DataDir;
pub use envoy::{EnvoyBinary, Process};
pub use ports::{Port, check_ports};
pub use stop::stop_signal;

use crate::compile::{Compiled, compile};
use crate::config::{Config, Environment, Problems};
use crate::prices::Book;
use crate::publish::Publisher;
use crate::render::{Authority, ClusterSource, Settings, bootstrap, write_atomically};
use crate::server::{Options, Server};
use crate::watch::FileChanges;
use apply::Applier;

/// Why an operation ended or did not begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration file has mistakes.
    #[error("{0}")]
    Config(#[from] Problems),
    /// A sentence for the user.
    #[error("{0}")]
    Stated(String),
    /// A file could not be used.
    #[error("{}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Of the server.
    #[error(transparent)]
    Server(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// An error about a file.
    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::File { path, error }
    }
}

/// What both ways of operation are told.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The configuration file.
    pub config: PathBuf,
    /// All state.
    pub data_dir: PathBuf,
    /// HTTP API.
    pub http: SocketAddr,
    /// Session and keys for the VMs.
    pub grpc: SocketAddr,
    /// Goes before the data folder's own when the configuration names none.
    pub admin_token: Option<Secret>,
    /// Likewise.
    pub node_token: Option<Secret>,
    /// What to render, if anything.
    pub envoy: Option<EnvoyPlan>,
}

/// What is rendered for an Envoy, and where.
#[derive(Debug, Clone)]
pub struct EnvoyPlan {
    /// Receives `bootstrap.json` and `clusters.json`.
    pub folder: PathBuf,
    /// Where clients are served.
    pub listen: SocketAddr,
    /// Envoy's admin interface.
    pub admin: SocketAddr,
    /// Whether `admin` can be asked from here: a snapshot then waits for the clusters it names.
    pub ask_admin: bool,
    /// The gRPC port as Envoy reaches it.
    pub control_plane: Option<Authority>,
    /// Envoy's `node.id`.
    pub node_id: String,
    /// The filter module as Envoy finds it.
    pub wasm: PathBuf,
    /// Certificate authorities as Envoy finds them.
    pub ca_certificates: PathBuf,
}

/// An Envoy of our own.
#[derive(Debug)]
pub struct Child {
    /// The program.
    pub binary: EnvoyBinary,
    /// Worker threads; `None` for one per processor.
    pub concurrency: Option<u32>,
}

impl Child {
    /// How many VMs it will have: one for each worker, and one on the main thread.
    fn vms(&self) -> usize {
        let workers = self.concurrency.and_then(|workers| usize::try_from(workers).ok());
        let processors = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        workers.unwrap_or_else(processors).saturating_add(1)
    }
}

/// Runs until a signal. With a child, Envoy too: its end is an error.
///
/// # Errors
/// What kept it from starting, or what ended it other than a signal.
pub async fn run(plan: Plan, child: Option<Child>) -> Result<(), Error> {
    let stop = stop_signal().map_err(Error::file(Path::new("signals")))?;
    tokio::pin!(stop);
    // Watching begins before the first reading, so that no edit falls between them.
    let mut changes = FileChanges::of(&plan.config).map_err(|error| Error::Stated(format!("cannot watch: {error}")))?;
    let environment = Environment::of_process();
    let config = Config::load(&plan.config, &environment)?;
    config.notices.iter().for_each(|notice| info!("{notice}"));
    let compiled = compile(&config, Book::built_in());

    let data = DataDir::open(&plan.data_dir)?;
    let node_token = first_token([config.node_token.clone(), plan.node_token.clone()], || data.node_token())?;
    let admin_token = first_token([config.admin_token.clone(), plan.admin_token.clone()], || data.admin_token())?;
    let store_url = config.store.clone().map_or_else(|| data.store_url(), |url| url.expose().to_owned());
    let options = Options { store_url, http: plan.http, grpc: plan.grpc, node_token: node_token.clone(), admin_token };
    let server = Server::start(options).await.map_err(|error| Error::Server(error.into()))?;
    let (http, grpc) = (server.http_addr(), server.grpc_addr());
    let publisher = server.publisher();

    let clusters = plan.envoy.as_ref().map(|envoy| render(envoy, grpc, &config, &compiled)).transpose()?;
    let bootstrap = clusters.as_ref().map(|(_, path)| path.clone());
    let mut applier = Applier::new(plan.config.clone(), environment, publisher.clone(), clusters.map(|(file, _)| file));
    let version = applier.publish_first(compiled.clone()).await?;

    let (end_server, server_ends) = tokio::sync::oneshot::channel::<()>();
    let mut serving = tokio::spawn(server.run(async {
        let _ = server_ends.await;
    }));
    let vms = child.as_ref().map_or(1, Child::vms);
    let mut process = match (child, bootstrap) {
        (Some(child), Some(bootstrap)) => {
            Some(Process::start(&child.binary, &bootstrap, child.concurrency, &node_token)?)
        }
        _ => None,
    };
    info!(%http, %grpc, config = %plan.config.display(), "control plane is up");
    let mut announcing = match (&process, &plan.envoy) {
        (Some(_), Some(envoy)) => tokio::spawn(ready::announce(
            publisher.clone(),
            version,
            vms,
            envoy.listen,
            http,
            ready::Example::of(&config),
            data.admin_token_path(),
        )),
        _ => tokio::spawn(async {}),
    };

    let outcome = loop {
        tokio::select! {
            signal = &mut stop => {
                info!(signal, "stopping");
                break Ok(());
            }
            () = changes.next() => applier.apply_edit().await,
            status = ended(&mut process) => break Err(Error::Stated(format!("Envoy ended by itself: {status}"))),
            served = &mut serving => break match served {
                Ok(Ok(())) => Err(Error::Stated("the control plane's server ended by itself".to_owned())),
                Ok(Err(error)) => Err(Error::Server(error.into())),
                Err(panic) => Err(Error::Stated(format!("the control plane's server failed: {panic}"))),
            },
        }
    };
    announcing.abort();
    let _ = (&mut announcing).await;
    // Envoy first: what its last requests used still finds the control plane.
    if let Some(process) = process {
        process.stop().await;
    }
    let _ = end_server.send(());
    if !serving.is_finished()
        && let Ok(Err(error)) = serving.await
    {
        error!(%error, "the control plane did not stop cleanly");
    }
    outcome
}

/// Writes both files for Envoy.
fn render(
    envoy: &EnvoyPlan,
    grpc: SocketAddr,
    config: &Config,
    compiled: &Compiled,
) -> Result<(apply::ClustersFile, PathBuf), Error> {
    // Envoy resolves relative paths against its own working folder.
    std::fs::create_dir_all(&envoy.folder).map_err(Error::file(&envoy.folder))?;
    let folder = envoy.folder.canonicalize().map_err(Error::file(&envoy.folder))?;
    let settings = Settings {
        listen: envoy.listen,
        admin: envoy.admin,
        control_plane: envoy.control_plane.clone().unwrap_or_else(|| grpc.into()),
        node_id: envoy.node_id.clone(),
        wasm: envoy.wasm.clone(),
        ca_certificates: envoy.ca_certificates.clone(),
        max_body: config.max_body,
    };
    let (clusters, path) = (folder.join("clusters.json"), folder.join("bootstrap.json"));
    let rendered = bootstrap(&settings, ClusterSource::Watched(&clusters));
    let file = apply::ClustersFile::new(clusters, settings, envoy.ask_admin.then_some(envoy.admin));
    file.write(&compiled.clusters)?;
    write_atomically(&path, &rendered).map_err(Error::file(&path))?;
    Ok((file, path))
}

fn first_token(given: [Option<Secret>; 2], own: impl FnOnce() -> Result<Secret, Error>) -> Result<Secret, Error> {
    given.into_iter().flatten().next().map_or_else(own, Ok)
}

async fn ended(process: &mut Option<Process>) -> String {
    match process {
        Some(process) => process.ended().await,
        None => std::future::pending().await,
    }
}

/// Publishes for those that hold a [`Publisher`]; the server's error is only shown.
async fn publish(publisher: &Publisher, compiled: Compiled) -> Result<u64, Error> {
    publisher.publish(compiled.snapshot, compiled.keys).await.map_err(|error| Error::Server(error.into()))
}

/// For what runs on this machine: no proxy of the environment, and no waiting for what hangs.
fn local_client() -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy().timeout(std::time::Duration::from_secs(1));
    client.build().unwrap_or_default()
}
