//! What several commands take.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::operate::Error;

/// Where the configuration file is.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ConfigFile {
    /// The configuration file.
    #[arg(short, long, value_name = "FILE", default_value = "tollgate.yaml", env = "TOLLGATE_CONFIG")]
    pub(super) config: PathBuf,
}

/// Where the state is.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct DataFolder {
    /// The folder that holds all state: database, tokens, what Envoy reads.
    #[arg(long, value_name = "DIR", default_value = ".tollgate", env = "TOLLGATE_DATA_DIR")]
    pub(super) data_dir: PathBuf,
}

/// What Envoy finds where. Shared by the commands that render.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Places {
    /// Where clients are served.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:10000", env = "TOLLGATE_LISTEN")]
    pub(super) listen: SocketAddr,
    /// Envoy's own admin interface; keep it on loopback.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9901", env = "TOLLGATE_ENVOY_ADMIN")]
    pub(super) envoy_admin: SocketAddr,
    /// Envoy's `node.id`, under which its VMs are listed.
    #[arg(long, value_name = "ID", default_value = "tollgate", env = "TOLLGATE_NODE_ID")]
    pub(super) node_id: String,
    /// The filter module [default: beside this program, else target-wasm/…].
    #[arg(long, value_name = "FILE", env = "TOLLGATE_WASM")]
    pub(super) wasm: Option<PathBuf>,
    /// Certificate authorities that providers are checked against.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "/etc/ssl/certs/ca-certificates.crt",
        env = "TOLLGATE_CA_CERTIFICATES"
    )]
    pub(super) ca_certificates: PathBuf,
}

impl Places {
    /// The module as Envoy finds it: a path that was named holds there, and need not exist here.
    pub(super) fn wasm_elsewhere(&self) -> Result<PathBuf, Error> {
        match &self.wasm {
            Some(path) if path.is_absolute() => Ok(path.clone()),
            named => find_wasm(named.clone()),
        }
    }
}

/// The filter module: as named, else beside this program, else where `make wasm` leaves it.
pub(super) fn find_wasm(named: Option<PathBuf>) -> Result<PathBuf, Error> {
    const BUILT: &str = "target-wasm/wasm32-wasip1/wasm/tollgate_filter.wasm";
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join("tollgate_filter.wasm")));
    let candidates = match &named {
        Some(path) => vec![path.clone()],
        None => beside.into_iter().chain([PathBuf::from(BUILT)]).collect(),
    };
    // Envoy wants a path that holds from any folder.
    candidates.iter().find_map(|path| path.canonicalize().ok().filter(|path| path.is_file())).ok_or_else(|| {
        let looked: Vec<String> = candidates.iter().map(|path| path.display().to_string()).collect();
        Error::Stated(format!(
            "the filter module is not at {}; build it with `make wasm`, or name it with --wasm or TOLLGATE_WASM",
            looked.join(" or ")
        ))
    })
}
