//! `tollgate up` and `tollgate serve`.

use std::net::SocketAddr;
use std::path::PathBuf;

use tollgate_core::words::Secret;

use super::arguments::{ConfigFile, DataFolder, Places, find_wasm};
use crate::envoy::Authority;
use crate::operate::{Child, DataDir, EnvoyBinary, EnvoyLaunch, Error, Launch, Port, check_ports, run};

/// What both commands take.
#[derive(Debug, Clone, clap::Args)]
struct Serving {
    #[command(flatten)]
    file: ConfigFile,
    #[command(flatten)]
    data: DataFolder,
    /// The HTTP API, /health and /metrics.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8081", env = "TOLLGATE_HTTP")]
    http: SocketAddr,
    /// The gRPC port that Envoy's VMs connect to. It hands out credentials of providers to whoever has the node token.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8082", env = "TOLLGATE_GRPC")]
    grpc: SocketAddr,
    /// Opens the HTTP API, unless the configuration states one [default: kept in the data folder].
    #[arg(long, value_name = "TOKEN", env = "TOLLGATE_ADMIN_TOKEN", hide_env_values = true)]
    admin_token: Option<String>,
    /// Opens the gRPC port, unless the configuration states one [default: kept in the data folder].
    #[arg(long, value_name = "TOKEN", env = "TOLLGATE_NODE_TOKEN", hide_env_values = true)]
    node_token: Option<String>,
}

impl Serving {
    fn launch(self, envoy: Option<EnvoyLaunch>) -> Launch {
        let token = |given: Option<String>| given.filter(|token| !token.is_empty()).map(Secret::new);
        Launch {
            config: self.file.config,
            data_dir: self.data.data_dir,
            http: self.http,
            grpc: self.grpc,
            admin_token: token(self.admin_token),
            node_token: token(self.node_token),
            envoy,
        }
    }

    fn ports(&self) -> [Port; 2] {
        [
            Port { purpose: "the HTTP API", address: self.http, flag: "--http", variable: "TOLLGATE_HTTP" },
            Port { purpose: "gRPC", address: self.grpc, flag: "--grpc", variable: "TOLLGATE_GRPC" },
        ]
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct Up {
    #[command(flatten)]
    serving: Serving,
    #[command(flatten)]
    places: Places,
    /// The Envoy to run [default: on the PATH, else .tools/envoy].
    #[arg(long, value_name = "FILE", env = "ENVOY_BIN")]
    envoy_bin: Option<PathBuf>,
    /// Envoy's worker threads [default: one per processor].
    #[arg(long, value_name = "N", env = "TOLLGATE_CONCURRENCY", value_parser = clap::value_parser!(u32).range(1..))]
    concurrency: Option<u32>,
}

impl Up {
    pub(super) async fn run(self) -> Result<(), Error> {
        let Self { serving, places, envoy_bin, concurrency } = self;
        let [http, grpc] = serving.ports();
        let listen =
            Port { purpose: "the gateway", address: places.listen, flag: "--listen", variable: "TOLLGATE_LISTEN" };
        let admin = Port {
            purpose: "Envoy's admin interface",
            address: places.envoy_admin,
            flag: "--envoy-admin",
            variable: "TOLLGATE_ENVOY_ADMIN",
        };
        check_ports(&[listen, admin, http, grpc])?;
        let binary = EnvoyBinary::find(envoy_bin.as_deref())?;
        let wasm = find_wasm(places.wasm.clone())?;
        let folder = DataDir::open(&serving.data.data_dir)?.envoy();
        let envoy = envoy_launch(places, folder, wasm, None, true);
        run(serving.launch(Some(envoy)), Some(Child { binary, concurrency })).await
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct Serve {
    #[command(flatten)]
    serving: Serving,
    #[command(flatten)]
    places: Places,
    /// Write bootstrap.json and clusters.json into this folder, and keep the clusters up to date there.
    #[arg(long, value_name = "DIR", env = "TOLLGATE_ENVOY_DIR")]
    envoy_dir: Option<PathBuf>,
    /// The gRPC port as Envoy reaches it, where that is not --grpc.
    #[arg(long, value_name = "HOST:PORT", env = "TOLLGATE_CONTROL_PLANE_ADDRESS", requires = "envoy_dir")]
    control_plane_address: Option<Authority>,
}

impl Serve {
    pub(super) async fn run(self) -> Result<(), Error> {
        let Self { serving, places, envoy_dir, control_plane_address } = self;
        check_ports(&serving.ports())?;
        let envoy = match envoy_dir {
            Some(folder) => {
                let wasm = places.wasm_elsewhere()?;
                // An Envoy elsewhere has its admin interface on its own loopback.
                let here = control_plane_address.is_none();
                Some(envoy_launch(places, folder, wasm, control_plane_address, here))
            }
            None => None,
        };
        run(serving.launch(envoy), None).await
    }
}

fn envoy_launch(
    places: Places,
    folder: PathBuf,
    wasm: PathBuf,
    control_plane: Option<Authority>,
    ask_admin: bool,
) -> EnvoyLaunch {
    EnvoyLaunch {
        folder,
        listen: places.listen,
        admin: places.envoy_admin,
        ask_admin,
        control_plane,
        node_id: places.node_id,
        wasm,
        ca_certificates: places.ca_certificates,
    }
}
