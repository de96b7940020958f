//! `tollgate render`.

use std::path::PathBuf;

use super::arguments::{ConfigFile, Places};
use super::say::say;
use crate::compile::compile;
use crate::config::{Config, Environment};
use crate::envoy::{Authority, ClusterSource, Settings, bootstrap, clusters_file, write_atomically};
use crate::operate::Error;
use crate::prices::Book;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Render {
    /// Envoy's bootstrap, and with dynamic clusters the file it watches. JSON, which Envoy takes as it is.
    Envoy(Envoy),
}

#[derive(Debug, clap::Args)]
pub(super) struct Envoy {
    #[command(flatten)]
    file: ConfigFile,
    #[command(flatten)]
    places: Places,
    /// The control plane's gRPC port as Envoy reaches it.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8082", env = "TOLLGATE_CONTROL_PLANE_ADDRESS")]
    control_plane_address: Authority,
    /// Whether the clusters are a part of the bootstrap or a file that Envoy watches.
    #[arg(long, value_enum, default_value = "static")]
    clusters: Clusters,
    /// Write bootstrap.json (and clusters.json) into this folder instead of to standard output.
    #[arg(long, value_name = "DIR", required_if_eq("clusters", "dynamic"))]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Clusters {
    Static,
    Dynamic,
}

impl Render {
    pub(super) fn run(self) -> Result<(), Error> {
        let Self::Envoy(command) = self;
        command.run()
    }
}

impl Envoy {
    fn run(self) -> Result<(), Error> {
        let config = Config::load(&self.file.config, &Environment::of_process())?;
        let compiled = compile(&config.policy, Book::built_in());
        let settings = Settings {
            listen: self.places.listen,
            admin: self.places.envoy_admin,
            control_plane: self.control_plane_address.clone(),
            node_id: self.places.node_id.clone(),
            wasm: self.places.wasm_elsewhere()?,
            ca_certificates: self.places.ca_certificates.clone(),
            max_body: config.policy.max_body,
        };
        let Some(out) = &self.out else {
            say(&format!("{:#}", bootstrap(&settings, ClusterSource::Static(&compiled.clusters))));
            return Ok(());
        };
        std::fs::create_dir_all(out).map_err(Error::file(out))?;
        // Envoy resolves relative paths against its own working folder.
        let folder = out.canonicalize().map_err(Error::file(out))?;
        let (path, clusters) = (folder.join("bootstrap.json"), folder.join("clusters.json"));
        let source = match self.clusters {
            Clusters::Static => ClusterSource::Static(&compiled.clusters),
            Clusters::Dynamic => {
                write_atomically(&clusters, &clusters_file(&compiled.clusters, &settings))
                    .map_err(Error::file(&clusters))?;
                ClusterSource::Watched(&clusters)
            }
        };
        write_atomically(&path, &bootstrap(&settings, source)).map_err(Error::file(&path))?;
        say(&format!("wrote {}", path.display()));
        say(&format!("note: {}", config.spool.acknowledged()));
        Ok(())
    }
}
