//! Says that the gateway is ready, once it is, and how to call it.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use tollgate_core::words::Secret;

use crate::config::Config;
use crate::envoy::admin::local_client;
use crate::publish::Publisher;

/// A call that works: the first key, and a model it may use.
#[derive(Debug)]
pub(super) struct Example {
    key: Option<Secret>,
    model: Option<String>,
}

impl Example {
    pub(super) fn of(config: &Config) -> Self {
        let is_chat = |name: &str| !name.contains('*') && !name.contains("embed");
        let model = config.policy.models.iter().map(|model| model.name.as_str()).find(|name| is_chat(name));
        Self { key: config.keys.first().map(|key| key.key.clone()), model: model.map(str::to_owned) }
    }
}

/// Waits until every VM has acknowledged the snapshot and the gateway answers, then prints once. A connection lands on any
/// worker, so one VM that is ready is not enough; should some never come, the first is waited for and no more.
pub(super) async fn announce(
    publisher: Publisher,
    version: u64,
    vms: usize,
    listen: SocketAddr,
    http: SocketAddr,
    example: Example,
    admin_token: PathBuf,
) {
    if tokio::time::timeout(PATIENCE, publisher.acknowledged(version, vms)).await.is_err() {
        publisher.acknowledged(version, 1).await;
    }
    let gateway = reachable(listen);
    let health = format!("http://{gateway}/health");
    let client = local_client();
    while !client.get(&health).send().await.is_ok_and(|answer| answer.status().is_success()) {
        tokio::time::sleep(POLL).await;
    }
    let mut out = std::io::stdout().lock();
    // Nobody may read it; that is no reason to stop serving.
    let _ = writeln!(out, "{}", message(gateway, reachable(http), &example, &admin_token.display().to_string()));
    let _ = out.flush();
}

fn message(gateway: SocketAddr, http: SocketAddr, example: &Example, admin_token: &str) -> String {
    let mut lines = vec![
        "Tollgate is ready.".to_owned(),
        format!("  gateway      http://{gateway}/v1"),
        format!("  admin API    http://{http}/api/v1 (bearer token in {admin_token})"),
    ];
    match (&example.key, &example.model) {
        (Some(key), Some(model)) => {
            let body = serde_json::json!({"model": model, "messages": [{"role": "user", "content": "Hello"}]});
            lines.push(format!("  key          {}", key.expose()));
            lines.push("Try it:".to_owned());
            lines.push(format!(
                "  curl http://{gateway}/v1/chat/completions -H {} -H 'content-type: application/json' -d {}",
                quoted(&format!("authorization: Bearer {}", key.expose())),
                quoted(&body.to_string()),
            ));
        }
        (None, _) => lines.push("  key          none yet: tollgate keys create NAME".to_owned()),
        (_, None) => lines.push("  models       none yet: add one to the configuration".to_owned()),
    }
    lines.join("\n")
}

/// In single quotes for a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// An address to call where one listens on all.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

const POLL: Duration = Duration::from_millis(50);
/// How long all VMs may take, which start within moments of each other.
const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_printed_call_can_be_pasted() {
        let example = Example { key: Some(Secret::new("sk-it's")), model: Some("gpt-4o".to_owned()) };
        let gateway = reachable("0.0.0.0:10000".parse().expect("address"));
        let said = message(gateway, gateway, &example, "/d/admin-token");
        assert!(said.contains("curl http://127.0.0.1:10000/v1/chat/completions"), "{said}");
        assert!(said.contains(r"'authorization: Bearer sk-it'\''s'"), "{said}");
        assert!(said.contains(r#""model":"gpt-4o""#), "{said}");
    }
}
