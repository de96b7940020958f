//! From the protocol's snapshot to the compiled one: the only place that names its messages.

use std::{collections::HashMap, fmt, rc::Rc};

use tollgate_proto::v1;

use super::{Auth, AwsCredentials, Chain, Chains, Provider, Route, Snapshot, Target};
use crate::{
    meter::price::{Price, Rates},
    words::{Format, Glob, Secret},
};

/// Why a snapshot was refused. The VM stays on the one it has, and the control plane is told this text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidSnapshot {
    /// A message of a newer protocol, or a broken one.
    UnknownValue(&'static str, i32),
    /// Something that must not be empty is.
    Empty(String),
    /// A target names a provider that the snapshot does not have.
    UnknownProvider {
        /// Whose target.
        route: String,
        /// The name.
        provider: String,
    },
    /// A chain has a step that is none of the route's targets.
    UnknownTarget(String),
    /// No chain of the route has a weight, or their sum is too large to be drawn from.
    Undrawable(String),
    /// This Envoy's bootstrap was rendered without the cluster.
    UnknownCluster(String),
}

impl Snapshot {
    /// Compiles what the control plane sent. `clusters` are the chains this Envoy was rendered with, or `None` where
    /// clusters arrive while it runs.
    ///
    /// # Errors
    /// When the snapshot could not be served as it stands; nothing of it is used then.
    pub fn compile(wire: v1::Snapshot, clusters: Option<&[String]>) -> Result<Self, InvalidSnapshot> {
        let known = |cluster: String| match clusters {
            Some(clusters) if !clusters.contains(&cluster) => Err(InvalidSnapshot::UnknownCluster(cluster)),
            _ => Ok(cluster),
        };
        let mut providers = HashMap::new();
        for provider in wire.providers {
            let provider = Rc::new(compile_provider(provider, &known)?);
            providers.insert(Rc::clone(&provider.name), provider);
        }
        let mut routes = HashMap::new();
        let mut globs = Vec::new();
        for route in wire.routes {
            let route = Rc::new(compile_route(route, &providers, &known)?);
            if route.model.contains('*') {
                globs.push((Glob::new(&*route.model), route));
            } else {
                routes.insert(Rc::clone(&route.model), route);
            }
        }
        globs.sort_by_key(|(glob, _)| std::cmp::Reverse(glob.specificity()));
        Ok(Self {
            version: wire.version,
            providers,
            routes,
            globs,
            aliases: wire.aliases,
            max_body: usize::try_from(wire.max_body_bytes).unwrap_or(usize::MAX),
        })
    }
}

type Known<'a> = &'a dyn Fn(String) -> Result<String, InvalidSnapshot>;

fn compile_provider(wire: v1::Provider, known: Known<'_>) -> Result<Provider, InvalidSnapshot> {
    let formats = wire.formats.iter().map(|format| compile_format(*format)).collect::<Result<Vec<_>, _>>()?;
    if formats.is_empty() {
        return Err(InvalidSnapshot::Empty(format!("the formats of provider {:?}", wire.name)));
    }
    Ok(Provider {
        auth: compile_auth(wire.aws, &wire.name)?,
        formats,
        authority: wire.authority,
        path_prefix: wire.path_prefix,
        scheme: wire.scheme,
        headers: wire.headers.into_iter().map(|header| (header.name, Secret::new(header.value))).collect(),
        cluster: known(wire.cluster)?,
        default_max_tokens: wire.default_max_tokens,
        prices: compile_prices(wire.prices),
        name: wire.name.into(),
    })
}

fn compile_auth(wire: Option<v1::AwsCredentials>, provider: &str) -> Result<Auth, InvalidSnapshot> {
    let Some(wire) = wire else { return Ok(Auth::Headers) };
    if [&wire.region, &wire.access_key_id, &wire.secret_access_key].into_iter().any(String::is_empty) {
        return Err(InvalidSnapshot::Empty(format!("parts of the credentials of provider {provider:?}")));
    }
    Ok(Auth::AwsSigV4(AwsCredentials {
        region: wire.region,
        access_key_id: wire.access_key_id,
        secret_access_key: Secret::new(wire.secret_access_key),
        session_token: Some(wire.session_token).filter(|token| !token.is_empty()).map(Secret::new),
    }))
}

fn compile_route(
    wire: v1::Route,
    providers: &HashMap<Rc<str>, Rc<Provider>>,
    known: Known<'_>,
) -> Result<Route, InvalidSnapshot> {
    let mut targets = Vec::with_capacity(wire.targets.len());
    for target in wire.targets {
        let provider = providers.get(target.provider.as_str()).ok_or_else(|| InvalidSnapshot::UnknownProvider {
            route: wire.model.clone(),
            provider: target.provider.clone(),
        })?;
        targets.push(Rc::new(Target {
            provider: Rc::clone(provider),
            model: (!target.model.is_empty()).then(|| target.model.into()),
            default_max_tokens: target.default_max_tokens,
            prices: compile_prices(target.prices),
        }));
    }
    if targets.is_empty() {
        return Err(InvalidSnapshot::Empty(format!("the targets of {:?}", wire.model)));
    }
    let mut chains = Vec::with_capacity(wire.chains.len());
    for chain in wire.chains {
        let step = |index: &u32| targets.get(usize::try_from(*index).ok()?).map(Rc::clone);
        let steps: Option<Vec<Rc<Target>>> = chain.targets.iter().map(step).collect();
        let Some(steps) = steps.filter(|steps| !steps.is_empty()) else {
            return Err(InvalidSnapshot::UnknownTarget(wire.model));
        };
        chains.push((chain.weight, Chain { targets: steps, cluster: known(chain.cluster)? }));
    }
    let Some(chains) = Chains::new(chains) else { return Err(InvalidSnapshot::Undrawable(wire.model)) };
    let strict = match v1::Translation::try_from(wire.translation) {
        Ok(v1::Translation::Strict) => true,
        Ok(v1::Translation::Lenient) => false,
        _ => return Err(InvalidSnapshot::UnknownValue("translation", wire.translation)),
    };
    Ok(Route {
        model: wire.model.into(),
        targets,
        strict,
        timeout_ms: wire.timeout_ms,
        first_byte_timeout_ms: wire.first_byte_timeout_ms,
        chains,
    })
}

fn compile_format(wire: i32) -> Result<Format, InvalidSnapshot> {
    Format::from_wire(wire).ok().flatten().ok_or(InvalidSnapshot::UnknownValue("format", wire))
}

fn compile_prices(wire: Vec<v1::Price>) -> Vec<(String, Rc<Price>)> {
    let compile = |price: v1::Price| {
        let tiers = price.tiers.into_iter().map(|tier| (tier.above_input_tokens, compile_rates(tier.rates))).collect();
        let rates = compile_rates(price.rates);
        (price.model, Rc::new(Price { version: price.version.into(), rates, tiers }))
    };
    wire.into_iter().map(compile).collect()
}

fn compile_rates(wire: Option<v1::Rates>) -> Rates {
    let wire = wire.unwrap_or_default();
    Rates {
        input: wire.input,
        output: wire.output,
        cache_read: wire.cache_read,
        cache_write_5m: wire.cache_write_5m,
        cache_write_1h: wire.cache_write_1h,
        audio_in: wire.audio_in,
        audio_out: wire.audio_out,
    }
}

impl fmt::Display for InvalidSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownValue(field, value) => {
                write!(f, "this filter does not know {field} {value}: it is older than the control plane")
            }
            Self::Empty(what) => write!(f, "{what} are empty"),
            Self::UnknownProvider { route, provider } => {
                write!(f, "the route {route:?} names the provider {provider:?}, which is not there")
            }
            Self::Undrawable(route) => {
                write!(f, "none of the chains of the route {route:?} can be drawn by its weight")
            }
            Self::UnknownTarget(route) => write!(f, "a chain of the route {route:?} names none of its targets"),
            Self::UnknownCluster(cluster) => write!(
                f,
                "this Envoy has no cluster {cluster:?}: render its configuration again (`tollgate render envoy`)"
            ),
        }
    }
}

impl std::error::Error for InvalidSnapshot {}
