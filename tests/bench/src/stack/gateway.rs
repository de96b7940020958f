//! Tollgate as its users run it: `tollgate serve`, and an Envoy that reads the bootstrap it renders.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde_json::{Map, json};
use tokio::net::TcpStream;
use tollgate_core::words::Format;

use super::{Child, Cores, Programs, plain::envoy};
use crate::{
    dialect::{Dialect, UPSTREAM_MODEL},
    error::{Error, IoContext},
};

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

/// What clients call the model of the provider that speaks `format`.
pub(crate) fn model_of(format: Format) -> String {
    format!("bench-{}", format.name())
}

/// One provider and one model for each dialect. JSON is YAML.
fn configuration(provider: SocketAddr) -> String {
    let mut providers = Map::new();
    let mut models = Map::new();
    for dialect in Dialect::ALL {
        let name = dialect.format.name();
        let (kind, base) = match dialect.format {
            Format::AnthropicMessages => ("anthropic", "/v1"),
            Format::GeminiGenerate => ("gemini", "/v1beta"),
            Format::BedrockConverse => ("bedrock", ""),
            _ => ("openai_compatible", "/v1"),
        };
        let mut settings = json!({"kind": kind, "base_url": format!("http://{provider}{base}")});
        match kind {
            // With a key of AWS's own kind each request is signed.
            "bedrock" => {
                settings["region"] = "us-east-1".into();
                settings["access_key_id"] = "AKIABENCHBENCHBENCHB".into();
                settings["secret_access_key"] = "bench/bench/bench/bench/bench/bench/bench".into();
            }
            _ => settings["api_key"] = format!("sk-bench-{kind}").into(),
        }
        if kind == "openai_compatible" {
            settings["formats"] = json!([name]);
        }
        providers.insert(name.to_owned(), settings);
        models.insert(model_of(dialect.format), json!({"targets": [{"provider": name, "model": UPSTREAM_MODEL}]}));
    }
    json!({
        "providers": providers,
        "models": models,
        "prices": {UPSTREAM_MODEL: {"input": 1.25, "output": 10.0}},
        "keys": [{"name": "bench", "key": KEY, "team": "bench", "models": ["*"]}],
    })
    .to_string()
}
