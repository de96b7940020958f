//! From the name that a client asks for to a route or a provider.

use std::rc::Rc;

use crate::admit::snapshot::{Provider, Route, Snapshot};

/// What a client's model name leads to.
#[derive(Clone, Debug)]
pub enum Selected {
    /// A configured route; the name is what aliases resolved to.
    Route(Rc<Route>, Rc<str>),
    /// A provider that the client named itself, and the model it asked it for.
    Direct(Rc<Provider>, Rc<str>),
}

/// Why a request cannot be routed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unroutable {
    /// No route, alias or provider has this name.
    UnknownModel,
    /// `x-provider` names no provider.
    UnknownProvider,
}

/// Finds the route, in this order: the header `x-provider`, `provider/model`, alias, exact name, glob (the most specific
/// first).
///
/// # Errors
/// When nothing answers to the name.
pub fn select(snapshot: &Snapshot, model: &str, provider: Option<&str>) -> Result<Selected, Unroutable> {
    if let Some(name) = provider {
        let provider = snapshot.providers.get(name).ok_or(Unroutable::UnknownProvider)?;
        return Ok(Selected::Direct(Rc::clone(provider), model.into()));
    }
    let direct = |name: &str| {
        let (provider, model) = name.split_once('/')?;
        Some(Selected::Direct(Rc::clone(snapshot.providers.get(provider)?), model.into()))
    };
    if let Some(direct) = direct(model) {
        return Ok(direct);
    }
    // The control plane has followed aliases of aliases to their end.
    let model = snapshot.aliases.get(model).map_or(model, String::as_str);
    if let Some(route) = snapshot.route(model) {
        return Ok(Selected::Route(Rc::clone(route), model.into()));
    }
    direct(model).ok_or(Unroutable::UnknownModel)
}

impl Selected {
    /// Under which name a principal must be allowed to use it, beside the one it asked for.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Route(_, model) => model.to_string(),
            Self::Direct(provider, model) => format!("{}/{model}", provider.name),
        }
    }
}
