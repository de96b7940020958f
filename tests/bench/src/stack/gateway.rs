//! Tollgate as its users run it: `tollgate serve`, and an Envoy that reads the bootstrap it renders.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde_json::json;
use tokio::net::TcpStream;

use super::{Child, Cores, Programs, plain::envoy};
use crate::error::{Error, IoContext};

/// The client's key. Made for this run's database, which ends with it.
pub(crate) const KEY: &str = "sk-tg-bench-0123456789abcdef0123456789abcdef";

/// Where the parts listen.
pub(super) struct Addresses {
    pub(super) listen: SocketAddr,
    pub(super) http: SocketAddr,
    pub(super) grpc: SocketAddr,
    pub(super) admin: SocketAddr,
}

/// Starts the control plane, and Envoy once its bootstrap is there. They may not have found each other yet.
pub(super) async fn start(
    programs: &Programs,
    cores: Cores,
    folder: &Path,
    addresses: &Addresses,
    provider: SocketAddr,
) -> Result<(Child, Child), Error> {
    let (config, data) = (folder.join("tollgate.yaml"), folder.join("tollgate"));
    std::fs::write(&config, configuration(provider)).context("writing Tollgate's configuration")?;
    std::fs::create_dir_all(&data).context("making Tollgate's folder")?;
    let wasm = programs.wasm.canonicalize().context("finding the filter")?;
    let mut control_plane = Child::start("the control plane", cores.load, &programs.tollgate, folder, |command| {
        command.arg("serve").arg("--config").arg(&config).arg("--data-dir").arg(&data);
        command.arg("--envoy-dir").arg(data.join("envoy")).arg("--wasm").arg(wasm);
        for (flag, address) in [
            ("--listen", addresses.listen),
            ("--http", addresses.http),
            ("--grpc", addresses.grpc),
            ("--envoy-admin", addresses.admin),
        ] {
            command.arg(flag).arg(address.to_string());
        }
    })?;
    let (bootstrap, token) = (data.join("envoy/bootstrap.json"), data.join("node-token"));
    control_plane
        .until_ready(async || {
            TcpStream::connect(addresses.grpc).await.map_err(|error| error.to_string())?;
            is_written(&bootstrap).and(is_written(&token))
        })
        .await?;
    let token = std::fs::read_to_string(&token).context("reading the node token")?;
    let tollgate = envoy("Tollgate's Envoy", programs, cores.gateway, folder, &bootstrap, Some(token.trim()))?;
    Ok((control_plane, tollgate))
}

fn is_written(path: &PathBuf) -> Result<(), String> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.len() > 0 => Ok(()),
        _ => Err(format!("{} is not there", path.display())),
    }
}

/// JSON is YAML.
fn configuration(provider: SocketAddr) -> String {
    let base_url = format!("http://{provider}/v1");
    let price = json!({"input": 1.25, "output": 10.0});
    json!({
        "providers": {
            "openai": {"kind": "openai_compatible", "base_url": base_url, "api_key": "sk-bench-openai"},
            "anthropic": {"kind": "anthropic", "base_url": base_url, "api_key": "sk-bench-anthropic"},
        },
        "models": {
            "bench-identity": {"targets": [{"provider": "openai", "model": "bench-upstream"}]},
            "bench-canonical": {"targets": [{"provider": "anthropic", "model": "bench-upstream"}]},
        },
        "prices": {"bench-upstream": price},
        "keys": [{"name": "bench", "key": KEY, "team": "bench", "models": ["*"]}],
    })
    .to_string()
}
