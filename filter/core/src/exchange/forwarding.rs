//! Which headers cross the gateway, each way. What is not named does not pass to a provider; what is about our account with a
//! provider does not pass to a client.

use super::Head;
use crate::{
    admit::snapshot::Provider,
    canonical::{Losses, Vendor},
    words::Format,
};

/// Client headers that a provider may see, and where: what routes traces goes anywhere, what chooses a dialect's version and beta
/// features only to that dialect. Everything else (credentials, cookies, addresses, internal headers) stays here.
const TO_PROVIDERS: [(&str, Reach); 6] = [
    ("traceparent", Reach::Everyone),
    ("tracestate", Reach::Everyone),
    ("x-request-id", Reach::Everyone),
    ("openai-beta", Reach::Vendor(Vendor::Openai)),
    ("anthropic-beta", Reach::Vendor(Vendor::Anthropic)),
    ("anthropic-version", Reach::Vendor(Vendor::Anthropic)),
];

/// Response headers that are about our account with the provider, or about its connection to us.
const NOT_TO_CLIENTS: [&str; 6] = [
    "set-cookie",
    "openai-organization",
    "openai-project",
    "anthropic-organization-id",
    "alt-svc",
    "strict-transport-security",
];

/// Where vendors put the id that their support asks for.
const REQUEST_IDS: [&str; 3] = ["request-id", "x-request-id", "x-amzn-requestid"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Everyone,
    /// Only where client and provider both speak a format of this vendor.
    Vendor(Vendor),
}

/// Those of a client's headers that some provider may see.
pub(super) fn keep(head: &Head) -> Vec<(String, String)> {
    head.0.iter().filter(|(name, _)| reach(name).is_some()).cloned().collect()
}

fn reach(name: &str) -> Option<Reach> {
    TO_PROVIDERS.iter().find(|(known, _)| *known == name).map(|(_, reach)| *reach)
}

/// Declares the beta features that the client asks for by header and that mean nothing to a provider of another vendor's format.
pub(super) fn declare_lost(client: Format, headers: &[(String, String)], upstream: Format, losses: &mut Losses) {
    if client.vendor() == upstream.vendor() {
        return;
    }
    for (name, _) in headers.iter().filter(|(name, _)| name.ends_with("-beta")) {
        losses.declare(name.as_str(), "beta features are those of the format's own vendor");
    }
}

/// Adds to the head for a provider, each going before what came earlier: what the format demands, what the client may add to it,
/// what the configuration says.
pub(super) fn add(
    head: &mut Head,
    demanded: &[(&str, &str)],
    (client, headers): (Format, &[(String, String)]),
    (upstream, provider): (Format, &Provider),
) {
    for (name, value) in demanded {
        head.set(name, *value);
    }
    let same = client.vendor() == upstream.vendor();
    let passes = |name: &str| match reach(name) {
        Some(Reach::Everyone) => true,
        Some(Reach::Vendor(vendor)) => same && Some(vendor) == client.vendor(),
        None => false,
    };
    let forwarded: Vec<_> = headers.iter().filter(|(name, _)| passes(name)).cloned().collect();
    forwarded.iter().for_each(|(name, _)| head.remove(name));
    // A header may stand there several times: all of its values count.
    head.0.extend(forwarded);
    for (name, value) in &provider.headers {
        head.set(name, value.expose());
    }
}

/// Makes a provider's response head fit for a client; whether that changed anything. The provider's request id is kept, and also
/// given the name that clients of this format look for.
pub(super) fn clean(head: &mut Head, client: Format) -> bool {
    let received = head.0.len();
    head.0.retain(|(name, _)| !NOT_TO_CLIENTS.contains(&name.as_str()) && !name.starts_with("x-tollgate-"));
    let mut changed = head.0.len() != received;
    let own = match client.vendor() {
        // https://platform.openai.com/docs/api-reference/debugging-requests
        Some(Vendor::Openai) => "x-request-id",
        // https://platform.claude.com/docs/en/api/errors#request-id
        Some(Vendor::Anthropic) => "request-id",
        Some(Vendor::Google) | None => return changed,
    };
    if head.value(own).is_none()
        && let Some(id) = REQUEST_IDS.iter().find_map(|name| head.value(name)).map(str::to_owned)
    {
        head.set(own, id);
        changed = true;
    }
    changed
}
