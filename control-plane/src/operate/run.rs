//! What both ways of operation do: start, watch, stop.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tollgate_core::words::Secret;
use tracing::{error, info};

use super::data_dir::{DATABASE, DataDir};
use super::envoy::{EnvoyBinary, Process};
use super::error::Error;
use super::server::{self, Options, Server, SpoolPlace, Wanted};
use super::{ready, stop::stop_signal};
use crate::compile::{Compiled, compile};
use crate::config::{Config, DEFAULT_SPOOL, Environment, SpoolSetting};
use crate::envoy::{Authority, ClusterSource, ClustersFile, Settings, bootstrap, write_atomically};
use crate::prices::Book;
use crate::publish::{FileChanges, FileInput};
use crate::store;

/// What both ways of operation are told.
#[derive(Debug, Clone)]
pub struct Launch {
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
    pub envoy: Option<EnvoyLaunch>,
}

/// What is rendered for an Envoy, and where.
#[derive(Debug, Clone)]
pub struct EnvoyLaunch {
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
pub async fn run(launch: Launch, child: Option<Child>) -> Result<(), Error> {
    let stop = stop_signal().map_err(Error::file(Path::new("signals")))?;
    tokio::pin!(stop);
    // Watching begins before the first reading, so that no edit falls between them.
    let changes = FileChanges::of(&launch.config).map_err(|error| Error::Stated(format!("cannot watch: {error}")))?;
    let environment = Environment::of_process();
    let config = Config::load(&launch.config, &environment)?;
    config.notices.iter().for_each(|notice| info!("{notice}"));
    let compiled = compile(&config.policy, Book::built_in());

    let data = DataDir::open_if_possible(&launch.data_dir);
    let node_token = first_token([config.node_token.clone(), launch.node_token.clone()], || data.node_token())?;
    let admin_token = first_token([config.admin_token.clone(), launch.admin_token.clone()], || data.admin_token())?;
    let store_url = config.store.clone().map_or_else(|| data.store_url(), |url| url.expose().to_owned());
    let spool = Some(spool_place(config.spool, data.path()));
    let options =
        Options { store_url, spool, http: launch.http, grpc: launch.grpc, node_token: node_token.clone(), admin_token };
    let server = Server::start(options).await.map_err(|error| match error {
        server::Error::Store(error @ store::Error::Open(_)) if config.store.is_none() => {
            data.cannot_keep(DATABASE, &error)
        }
        error => Error::Server(error.into()),
    })?;
    let (http, grpc) = (server.http_addr(), server.grpc_addr());
    let publisher = server.publisher();

    let clusters = launch.envoy.as_ref().map(|envoy| render(envoy, grpc, &config, &compiled)).transpose()?;
    let bootstrap = clusters.as_ref().map(|(_, path)| path.clone());
    let mut file =
        FileInput::new(launch.config.clone(), environment, publisher.clone(), clusters.map(|(clusters, _)| clusters));
    let version = file.publish_first(compiled, &config.keys).await?;

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
    info!(%http, %grpc, config = %launch.config.display(), "control plane is up");
    let mut announcing = match (&process, &launch.envoy) {
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

    let outcome = tokio::select! {
        signal = &mut stop => {
            info!(signal, "stopping");
            Ok(())
        }
        never = file.follow(changes) => match never {},
        status = ended(&mut process) => Err(Error::Stated(format!("Envoy ended by itself: {status}"))),
        served = &mut serving => match served {
            Ok(Ok(())) => Err(Error::Stated("the control plane's server ended by itself".to_owned())),
            Ok(Err(error)) => Err(Error::Server(error.into())),
            Err(panic) => Err(Error::Stated(format!("the control plane's server failed: {panic}"))),
        },
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
    envoy: &EnvoyLaunch,
    grpc: SocketAddr,
    config: &Config,
    compiled: &Compiled,
) -> Result<(ClustersFile, PathBuf), Error> {
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
        max_body: config.policy.max_body,
    };
    let (clusters, path) = (folder.join("clusters.json"), folder.join("bootstrap.json"));
    let rendered = bootstrap(&settings, ClusterSource::Watched(&clusters));
    let file = ClustersFile::new(clusters, settings, envoy.ask_admin.then_some(envoy.admin));
    file.write(&compiled.clusters).map_err(Error::file(file.path()))?;
    write_atomically(&path, &rendered).map_err(Error::file(&path))?;
    Ok((file, path))
}

/// A spool that the file asks for must be had; otherwise a folder that cannot be written is a reason to go without.
fn spool_place(setting: SpoolSetting, folder: &Path) -> SpoolPlace {
    let (max_bytes, wanted) = match setting {
        SpoolSetting::Unstated => (DEFAULT_SPOOL, Wanted::IfPossible),
        SpoolSetting::AtMost(bytes) => (bytes, Wanted::Yes),
        SpoolSetting::None => (DEFAULT_SPOOL, Wanted::No),
    };
    SpoolPlace { folder: folder.to_owned(), max_bytes, wanted }
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
