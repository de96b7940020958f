//! The Envoy clusters that a snapshot names: one for each distinct ordered list of providers.

use std::collections::BTreeMap;

use crate::config::{BaseUrl, Provider};

/// An ordered list of providers, which many routes can share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// `chain/<provider>+<provider>…`.
    pub name: String,
    /// One Envoy priority each, at least one.
    pub steps: Vec<Step>,
}

/// Where one step of a chain goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Name of the provider.
    pub provider: String,
    /// A name or an address, an IPv6 address without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// TLS to the provider.
    pub tls: bool,
}

/// The name of the cluster for these providers in this order.
pub fn cluster_name(providers: &[&str]) -> String {
    format!("chain/{}", providers.join("+"))
}

/// Collects clusters while routes are compiled.
pub(super) struct Clusters<'a> {
    places: BTreeMap<&'a str, &'a BaseUrl>,
    made: BTreeMap<String, Cluster>,
}

impl<'a> Clusters<'a> {
    pub(super) fn new(providers: &'a [Provider]) -> Self {
        let places = providers.iter().map(|provider| (provider.name.as_str(), &provider.base_url)).collect();
        Self { places, made: BTreeMap::new() }
    }

    /// The name of the cluster for these providers, which from now on is among those to render.
    pub(super) fn name_for(&mut self, providers: &[&str]) -> String {
        let name = cluster_name(providers);
        if !self.made.contains_key(&name) {
            let step = |provider: &&str| {
                let place = self.places.get(provider)?;
                Some(Step {
                    provider: (*provider).to_owned(),
                    host: place.host.clone(),
                    port: place.port,
                    tls: place.tls,
                })
            };
            let steps = providers.iter().filter_map(step).collect();
            self.made.insert(name.clone(), Cluster { name: name.clone(), steps });
        }
        name
    }

    pub(super) fn into_sorted(self) -> Vec<Cluster> {
        self.made.into_values().collect()
    }
}
