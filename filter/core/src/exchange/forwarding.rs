//! Which headers cross the gateway, each way. What is not named does not pass to a provider; what is about our account with a
//! provider does not pass to a client.

use super::Head;
use crate::{
    admit::snapshot::Provider,
    canonical::Losses,
    translate::{is_forwarded, request_ids},
    words::Format,
};

/// Client headers that any provider may see: what routes traces. What chooses a dialect's version and beta features goes only to
/// that dialect, which names it. Everything else (credentials, cookies, addresses, internal headers) stays here.
const TO_EVERYONE: [&str; 3] = ["traceparent", "tracestate", "x-request-id"];

/// Response headers that are about our account with the provider, or about its connection to us.
const NOT_TO_CLIENTS: [&str; 6] = [
    "set-cookie",
    "openai-organization",
    "openai-project",
    "anthropic-organization-id",
    "alt-svc",
    "strict-transport-security",
];

/// Those of a client's headers that some provider may see.
pub(super) fn keep(head: &Head) -> Vec<(String, String)> {
    let is_kept = |name: &str| TO_EVERYONE.contains(&name) || is_forwarded(name);
    head.0.iter().filter(|(name, _)| is_kept(name)).cloned().collect()
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
    let passes = |name: &str| TO_EVERYONE.contains(&name) || (same && client.forwards(name));
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
    let Some(own) = client.request_id() else { return changed };
    if head.value(own).is_none()
        && let Some(id) = request_ids().find_map(|name| head.value(name)).map(str::to_owned)
    {
        head.set(own, id);
        changed = true;
    }
    changed
}
