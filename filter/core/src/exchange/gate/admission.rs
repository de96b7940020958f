//! The decision itself: a complete request of a known principal becomes an exchange with a plan, or is refused.

use std::rc::Rc;

use crate::{
    admit::{
        Principal,
        route::{Plan, Selected, Unroutable, select},
    },
    exchange::{Call, Exchange, Head, Reject, Request, forwarding, record::Facts},
    json::Envelope,
    translate::{Framing, UpstreamRequest},
    vm::Vm,
    words::ExchangeId,
};

/// How an admitted request is passed on to Envoy's router.
#[derive(Debug, PartialEq, Eq)]
pub struct Admission {
    /// Handed to the adapter.
    pub exchange: ExchangeId,
    /// Whether there may be a second attempt.
    pub may_retry: bool,
    /// Headers to take out.
    pub remove: Vec<String>,
    /// Headers to set. They are few, and a head is dear to write whole (every header of it is removed and added again).
    pub set: Vec<(&'static str, String)>,
    /// The cluster of the plan.
    pub cluster: String,
}

/// Names the exchange to the first attempt, which takes it out again. A client's own is removed before anything is read.
pub const EXCHANGE_HEADER: &str = "x-tollgate-exchange";

/// Longest model name: every vendor's is far shorter, and it is repeated in errors and records.
const MAX_MODEL_NAME: usize = 256;
/// Headers that carry the client's credential, or name what only the gateway reads.
const STRIPPED_HEADERS: [&str; 6] = ["authorization", "x-api-key", "api-key", "x-goog-api-key", "x-provider", "cookie"];

/// A request that is complete.
pub(super) struct Pending {
    pub(super) call: Call,
    pub(super) head: Head,
    pub(super) debug: bool,
    pub(super) body: Vec<u8>,
}

/// Why not, and what was known by then.
type Refused = Box<(Reject, Box<Facts>)>;

pub(super) fn admit(
    vm: &mut Vm,
    pending: Pending,
    principal: &Principal,
    mut facts: Box<Facts>,
    seed: u64,
) -> Result<Admission, Refused> {
    let (head, request, plan) = match decide(vm, pending, principal, &mut facts, seed) {
        Ok(decided) => decided,
        Err(reject) => return Err(Box::new((reject, facts))),
    };
    let mut exchange = Exchange::new(facts, request, plan);
    let usable = match prepare(&mut exchange) {
        Ok(usable) => usable,
        Err(reject) => return Err(Box::new((reject, exchange.facts))),
    };
    let (remove, set) = change_head(&head, &exchange, usable);
    let (id, cluster) = (exchange.facts.id, exchange.plan.cluster.clone());
    vm.exchanges.insert(exchange);
    Ok(Admission { exchange: id, may_retry: usable > 1, remove, set, cluster })
}

/// Whom to ask for what; notes on the way what is known of the exchange.
fn decide(
    vm: &Vm,
    pending: Pending,
    principal: &Principal,
    facts: &mut Facts,
    seed: u64,
) -> Result<(Head, Request, Plan), Reject> {
    let snapshot = vm.snapshot.as_ref().ok_or(Reject::NotConfigured)?;
    let provider = pending.head.value("x-provider").map(str::to_owned);
    if !vm.exchanges.has_room_for(pending.body.len()) {
        return Err(Reject::Overloaded);
    }
    let (head, request) = read(pending, facts)?;
    facts.snapshot_version = snapshot.version;
    let model = &*facts.model;
    let selected = select(snapshot, model, provider.as_deref()).map_err(|unroutable| match unroutable {
        Unroutable::UnknownModel => Reject::UnknownModel(model.to_owned()),
        Unroutable::UnknownProvider => Reject::UnknownProvider(provider.clone().unwrap_or_default()),
    })?;
    if let Selected::Route(route, _) = &selected {
        facts.route = Some(Rc::clone(&route.model));
    }
    if !may_use(principal, &selected, model, snapshot.aliases.contains_key(model)) {
        return Err(Reject::ModelNotAllowed(model.to_owned()));
    }
    let plan = Plan::draw(&selected, request.format, seed);
    if plan.steps.iter().all(|step| step.format.is_none()) {
        return Err(Reject::UnsupportedOperation(model.to_owned()));
    }
    Ok((head, request, plan))
}

fn read(pending: Pending, facts: &mut Facts) -> Result<(Head, Request), Reject> {
    let Pending { call, head, debug, body } = pending;
    let Call { format, path, .. } = call;
    let envelope = Envelope::scan(&body).map_err(Reject::NotJson)?;
    if let Some(key) = format.policy().repeated(&envelope) {
        return Err(Reject::RepeatedMember(key));
    }
    let (model, stream, framing) = match path {
        Some(path) => (path.model, path.stream, path.framing),
        None => {
            let stream = match envelope.raw(&body, "stream") {
                None | Some(b"null" | b"false") => false,
                Some(b"true") => true,
                Some(_) => return Err(Reject::InvalidMember("stream", "true or false")),
            };
            (envelope.parse(&body, "model").unwrap_or_default(), stream, Framing::Sse)
        }
    };
    facts.stream = stream;
    facts.read_body(format, &envelope, &body);
    check_model(&model)?;
    facts.model = model.into();
    let is_asked = |member| !matches!(envelope.raw(&body, member), None | Some(b"null" | b"false"));
    if let Some((member, expected)) = format.policy().refuses.iter().find(|(member, _)| is_asked(member)) {
        return Err(Reject::InvalidMember(member, expected));
    }
    // A vendor refuses such a cap too, and no limit could hold a request to it.
    let bounds = format.output_cap(&body, &envelope).and_then(|_| format.choices(&body, &envelope));
    bounds.map_err(|invalid| Reject::InvalidMember(invalid.member, invalid.expected))?;
    #[derive(serde::Deserialize)]
    struct StreamOptions {
        include_usage: Option<bool>,
    }
    let options: Option<StreamOptions> = envelope.parse(&body, "stream_options");
    let request = Request {
        format,
        stream,
        framing,
        include_usage: options.and_then(|options| options.include_usage).unwrap_or(false),
        debug,
        body,
        envelope,
        headers: forwarding::keep(&head),
    };
    Ok((head, request))
}

fn check_model(model: &str) -> Result<(), Reject> {
    if model.is_empty() {
        return Err(Reject::InvalidMember("model", "the name of a model"));
    }
    if model.chars().any(char::is_control) {
        return Err(Reject::InvalidMember("model", "free of control characters"));
    }
    // Two formats name the model in the path of a provider's address, where these would lead elsewhere (RFC 3986 §5.2.4).
    if model.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err(Reject::InvalidMember("model", "free of the path segments '.' and '..'"));
    }
    if model.len() > MAX_MODEL_NAME {
        return Err(Reject::InvalidMember("model", "at most 256 bytes long"));
    }
    Ok(())
}

/// A key that may use a model may use its aliases, and the other way round. A provider named by the client counts as
/// `provider/model`, and only patterns that name a provider too (or are just `*`) allow it: `*-mini` is about models, and must
/// not open every provider's. An alias that leads to a provider was made for being asked for.
fn may_use(principal: &Principal, selected: &Selected, asked: &str, is_alias: bool) -> bool {
    match selected {
        Selected::Route(..) => principal.may_use(asked) || principal.may_use(&selected.name()),
        Selected::Direct(..) => principal.may_use_direct(&selected.name()) || (is_alias && principal.may_use(asked)),
    }
}

/// Translates what must be known to be translatable before the router: the first step where it changes the format, every
/// step on a route that refuses losses. Answers how many steps, from the first, may be used.
fn prepare(exchange: &mut Exchange) -> Result<usize, Reject> {
    let name = exchange.facts.id.to_string();
    let client = exchange.request.format;
    let strict = exchange.plan.strict;
    let mut usable = 0;
    let mut first = None;
    for (index, step) in exchange.plan.steps.iter().enumerate() {
        let Some(translation) = exchange.translation(step, &name) else { break };
        let translates = translation.upstream != client;
        if translates && (index == 0 || strict) {
            match exchange.encode(&translation) {
                Ok(encoded) if strict && !encoded.losses.is_empty() => {
                    if index == 0 {
                        return Err(Reject::Lossy(encoded.losses));
                    }
                    break;
                }
                Ok(encoded) if index == 0 => first = Some(encoded),
                Ok(_) => {}
                Err(invalid) if index == 0 => return Err(Reject::InvalidRequest(invalid.message, invalid.param)),
                Err(_) => break,
            }
        }
        usable = index.saturating_add(1);
    }
    exchange.prepared = first;
    Ok(usable)
}

/// Takes out of the client's head what only concerns the gateway, and adds what the router reads
/// (<https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter>).
fn change_head(head: &Head, exchange: &Exchange, usable: usize) -> (Vec<String>, Vec<(&'static str, String)>) {
    let stays_here = |name: &str| {
        STRIPPED_HEADERS.contains(&name) || name.starts_with("x-tollgate-") || name.starts_with("x-envoy-")
    };
    let remove = head.0.iter().map(|(name, _)| name).filter(|name| stays_here(name)).cloned().collect();
    let mut set = vec![(EXCHANGE_HEADER, exchange.facts.id.to_string())];
    // The query may hold the client's key.
    if head.value(":path").is_some_and(|path| path.contains('?')) {
        set.push((":path", head.path().to_owned()));
    }
    let retries = usable.saturating_sub(1);
    if retries > 0 {
        set.push(("x-envoy-max-retries", retries.to_string()));
    }
    let plan = &exchange.plan;
    // A per-try timeout on a response that the adapter holds would fire in its middle and bill it twice: streams only.
    if !exchange.request.stream {
        set.push(("x-envoy-upstream-rq-timeout-ms", plan.timeout_ms.to_string()));
    } else if plan.first_byte_timeout_ms > 0 {
        set.push(("x-envoy-upstream-rq-per-try-timeout-ms", plan.first_byte_timeout_ms.to_string()));
    }
    (remove, set)
}

impl Exchange {
    /// The prepared request of the first step, for the attempt that needs it.
    pub(in crate::exchange) fn take_prepared(&mut self, step: usize) -> Option<UpstreamRequest> {
        if step == 0 { self.prepared.take() } else { None }
    }
}
