//! From a policy to a snapshot for the VMs and clusters for Envoy. The only room that writes the protocol's messages of
//! configuration, as the filter's `admit::snapshot` is the only one that reads them.

mod clusters;
mod price;

use tollgate_core::words::Glob;
use tollgate_proto::v1::{self, Chain, Header, Route, Snapshot};

use crate::domain::{
    Model, Policy, Provider, Target, Translation,
    cluster::Cluster,
    provider::{AwsCredentials, Credential},
};
use crate::prices::{Book, Prices};

/// What a policy amounts to.
#[derive(Debug, Clone, Default)]
pub struct Compiled {
    /// What it was compiled from.
    pub policy: Policy,
    /// Its `version` is 0: the publisher knows the next one.
    pub snapshot: Snapshot,
    /// Every cluster that the snapshot names, by name.
    pub clusters: Vec<Cluster>,
}

/// Compiles a policy; priced from `book` where it states no price itself.
pub fn compile(policy: &Policy, book: &Book) -> Compiled {
    let prices = Prices::new(book, &policy.prices);
    let mut clusters = clusters::Clusters::new(&policy.providers);
    let providers = policy.providers.iter().map(|from| provider(from, &prices, &mut clusters)).collect();
    let routes = policy.models.iter().map(|model| route(model, policy, &prices, &mut clusters)).collect();
    Compiled {
        snapshot: Snapshot {
            version: 0,
            providers,
            routes,
            aliases: policy.aliases.iter().cloned().collect(),
            max_body_bytes: policy.max_body,
        },
        clusters: clusters.into_sorted(),
        policy: policy.clone(),
    }
}

fn provider(from: &Provider, prices: &Prices<'_>, clusters: &mut clusters::Clusters<'_>) -> v1::Provider {
    let (credential, aws) = match &from.credential {
        Credential::None => (None, None),
        Credential::Key(key) => (Some(from.kind.credential_header(key.expose())), None),
        Credential::Aws(aws) => (None, Some(aws_credentials(aws))),
    };
    let credential = credential.map(|(name, value)| Header { name: name.to_owned(), value });
    // A header of the file goes before the credential of the same name: gateways in front of a vendor want their own.
    let fixed =
        from.headers.iter().map(|(name, value)| Header { name: name.clone(), value: value.expose().to_owned() });
    let mut headers: Vec<Header> = fixed.collect();
    headers.extend(credential.filter(|own| !from.headers.iter().any(|(name, _)| *name == own.name)));
    v1::Provider {
        name: from.name.clone(),
        kind: from.kind.name().to_owned(),
        authority: from.base_url.authority(),
        path_prefix: from.base_url.path_prefix.clone(),
        scheme: if from.base_url.tls { "https" } else { "http" }.to_owned(),
        formats: from.formats.iter().map(|format| v1::Format::from(*format).into()).collect(),
        headers,
        cluster: clusters.name_for(&[from.name.as_str()]),
        default_max_tokens: from.default_max_tokens,
        prices: prices.all_of(from).into_iter().map(|(model, price)| price::wire(model, price)).collect(),
        aws,
    }
}

fn aws_credentials(from: &AwsCredentials) -> v1::AwsCredentials {
    v1::AwsCredentials {
        region: from.region.clone(),
        access_key_id: from.access_key_id.clone(),
        secret_access_key: from.secret_access_key.expose().to_owned(),
        session_token: from.session_token.as_ref().map(|token| token.expose().to_owned()).unwrap_or_default(),
    }
}

fn route(model: &Model, policy: &Policy, prices: &Prices<'_>, clusters: &mut clusters::Clusters<'_>) -> Route {
    let chains = model.chains.iter().map(|chain| {
        let names: Vec<&str> = chain.order.iter().map(|&i| model.targets[i].provider.as_str()).collect();
        Chain {
            cluster: clusters.name_for(&names),
            targets: chain.order.iter().map(|&i| u32::try_from(i).unwrap_or(u32::MAX)).collect(),
            weight: chain.weight,
        }
    });
    Route {
        model: model.name.clone(),
        chains: chains.collect(),
        targets: model.targets.iter().map(|from| target(from, model, policy, prices)).collect(),
        translation: i32::from(match model.translation {
            Translation::Lenient => v1::Translation::Lenient,
            Translation::Strict => v1::Translation::Strict,
        }),
        timeout_ms: model.timeout_ms,
        first_byte_timeout_ms: model.first_byte_timeout_ms,
    }
}

fn target(from: &Target, route: &Model, policy: &Policy, prices: &Prices<'_>) -> v1::Target {
    let provider = policy.provider(&from.provider);
    let prices: Vec<v1::Price> = match (provider, &from.model) {
        (None, _) => Vec::new(),
        (Some(provider), Some(model)) => {
            prices.of(provider, model).map(|price| price::wire(String::new(), price)).into_iter().collect()
        }
        // The undated entry also serves dated names, which the pattern may fit where the entry itself does not.
        (Some(provider), None) => {
            let mut all = prices.all_of(provider);
            all.retain(|(model, _)| may_serve(&route.name, model));
            all.into_iter().map(|(model, price)| price::wire(model, price)).collect()
        }
    };
    v1::Target {
        provider: from.provider.clone(),
        model: from.model.clone().unwrap_or_default(),
        default_max_tokens: provider.map_or(0, |provider| provider.default_max_tokens),
        prices,
    }
}

/// Whether a name that fits the pattern can be this model or a dated name of it.
fn may_serve(pattern: &str, model: &str) -> bool {
    let head = pattern.split('*').next().unwrap_or_default();
    Glob::new(pattern).matches(model) || model.starts_with(head) || head.starts_with(model)
}
