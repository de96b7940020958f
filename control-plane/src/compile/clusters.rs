//! Which Envoy clusters a snapshot needs, and what they are called.

use std::collections::BTreeMap;

use crate::domain::{
    Provider,
    cluster::{Cluster, Step},
    provider::BaseUrl,
};

/// Collects clusters while routes are compiled.
pub(super) struct Clusters<'a> {
    providers: BTreeMap<&'a str, &'a Provider>,
    made: BTreeMap<String, Cluster>,
}

impl<'a> Clusters<'a> {
    pub(super) fn new(providers: &'a [Provider]) -> Self {
        let providers = providers.iter().map(|provider| (provider.name.as_str(), provider)).collect();
        Self { providers, made: BTreeMap::new() }
    }

    /// The name of the cluster for these providers, which from now on is among those to render.
    pub(super) fn name_for(&mut self, providers: &[&str]) -> String {
        let places: Vec<&Provider> = providers.iter().filter_map(|name| self.providers.get(name).copied()).collect();
        let parts: Vec<String> = places.iter().map(|provider| place_name(provider)).collect();
        let name = format!("chain/{}", parts.join("+"));
        if !self.made.contains_key(&name) {
            let step = |provider: &&Provider| Step {
                provider: provider.name.clone(),
                host: provider.base_url.host.clone(),
                port: provider.base_url.port,
                tls: provider.base_url.tls,
            };
            let steps = places.iter().map(step).collect();
            self.made.insert(name.clone(), Cluster { name: name.clone(), steps });
        }
        name
    }

    pub(super) fn into_sorted(self) -> Vec<Cluster> {
        self.made.into_values().collect()
    }
}

fn place_name(provider: &Provider) -> String {
    let BaseUrl { tls, host, port, .. } = &provider.base_url;
    let origin = format!("{}://{host}:{port}", if *tls { "https" } else { "http" });
    let usual = provider.kind.base_url().and_then(|url| url::Url::parse(url).ok());
    let is_usual = usual.is_some_and(|url| {
        let usual_port = url.port_or_known_default();
        (*tls, Some(host.as_str()), Some(*port)) == (url.scheme() == "https", url.host_str(), usual_port)
    });
    if is_usual { provider.name.clone() } else { format!("{}@{origin}", provider.name) }
}
