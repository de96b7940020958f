//! The decision itself: a complete request of a known principal becomes an exchange with a plan, or is refused.

use std::rc::Rc;

use crate::{
    admit::{
        Principal,
        route::{Plan, Selected, Unfit, Unroutable, select},
    },
    exchange::{Call, Exchange, Head, Reject, Request, Shared, forwarding, record::Facts},
    json::Envelope,
    translate::{Framing, InvalidRequest, UpstreamRequest},
    words::{ExchangeId, Subset},
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
pub(super) struct Complete {
    pub(super) call: Call,
    pub(super) head: Head,
    pub(super) debug: bool,
    pub(super) body: Vec<u8>,
}

/// Why not, and what was known by then.
type Refused = Box<(Reject, Box<Facts>)>;

pub(super) fn admit(
    shared: &mut Shared,
    complete: Complete,
    principal: &Principal,
    mut facts: Box<Facts>,
    seed: u64,
) -> Result<Admission, Refused> {
    let (head, request, plan) = match decide(shared, complete, principal, &mut facts, seed) {
        Ok(decided) => decided,
        Err(reject) => return Err(Box::new((reject, facts))),
    };
    let mut exchange = Exchange::new(facts, request, plan);
    if let Err(reject) = prepare(&mut exchange) {
        return Err(Box::new((reject, exchange.facts)));
    }
    let attempts = exchange.plan.attempts();
    let (remove, set) = change_head(&head, &exchange, attempts);
    let (id, cluster) = (exchange.facts.id, exchange.plan.cluster.clone());
    shared.exchanges.insert(exchange);
    Ok(Admission { exchange: id, may_retry: attempts > 1, remove, set, cluster })
}

/// Whom to ask for what; notes on the way what is known of the exchange.
fn decide(
    shared: &Shared,
    complete: Complete,
    principal: &Principal,
    facts: &mut Facts,
    seed: u64,
) -> Result<(Head, Request, Plan), Reject> {
    let snapshot = shared.snapshot.as_ref().ok_or(Reject::NotConfigured)?;
    let provider = complete.head.value("x-provider").map(str::to_owned);
    if !shared.exchanges.has_room_for(complete.body.len()) {
        return Err(Reject::Overloaded);
    }
    let (head, request) = read(complete, facts)?;
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
    Ok((head, request, plan))
}

fn read(complete: Complete, facts: &mut Facts) -> Result<(Head, Request), Reject> {
    let Complete { call, head, debug, body } = complete;
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

/// Leaves out the steps that cannot take the request, as far as that must be known before the router: in order until one can, and
/// on a route that refuses losses every one. Only a step that changes the format has to be tried. What the first attempt will send is
/// kept where it was made.
///
/// # Errors
/// When no step is left.
fn prepare(exchange: &mut Exchange) -> Result<(), Reject> {
    let name = exchange.facts.id.to_string();
    let (client, strict) = (exchange.request.format, exchange.plan.strict);
    let mut left_out = Vec::new();
    let mut is_found = false;
    let mut prepared = None;
    for (at, step) in exchange.plan.fit() {
        let Some(translation) = exchange.translation(step, &name) else { continue };
        let changes = translation.upstream != client;
        match changes.then(|| exchange.encode(&translation)).transpose() {
            Ok(Some(encoded)) if strict && !encoded.losses.is_empty() => {
                left_out.push((at, Unfit::Lossy(encoded.losses)));
            }
            Ok(encoded) if !is_found => (is_found, prepared) = (true, encoded),
            Ok(_) => {}
            Err(invalid) => left_out.push((at, Unfit::Untranslatable(invalid))),
        }
        if is_found && !strict {
            break;
        }
    }
    left_out.into_iter().for_each(|(at, unfit)| exchange.plan.leave_out(at, unfit));
    exchange.prepared = prepared;
    match exchange.plan.refusal() {
        Some(unfit) => Err(refuse(unfit, &exchange.facts)),
        None => Ok(()),
    }
}

/// What a client hears where its request fits no step.
fn refuse(unfit: &Unfit, facts: &Facts) -> Reject {
    match unfit.clone() {
        Unfit::Operation => Reject::UnsupportedOperation(facts.model.to_string()),
        Unfit::Untranslatable(InvalidRequest { message, param }) => Reject::InvalidRequest(message, param),
        Unfit::Lossy(losses) => Reject::Lossy(losses),
    }
}

/// Takes out of the client's head what only concerns the gateway, and adds what the router reads
/// (<https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter>).
fn change_head(head: &Head, exchange: &Exchange, attempts: usize) -> (Vec<String>, Vec<(&'static str, String)>) {
    let stays_here = |name: &str| {
        STRIPPED_HEADERS.contains(&name) || name.starts_with("x-tollgate-") || name.starts_with("x-envoy-")
    };
    let remove = head.0.iter().map(|(name, _)| name).filter(|name| stays_here(name)).cloned().collect();
    let mut set = vec![(EXCHANGE_HEADER, exchange.facts.id.to_string())];
    // The query may hold the client's key.
    if head.value(":path").is_some_and(|path| path.contains('?')) {
        set.push((":path", head.path().to_owned()));
    }
    let retries = attempts.saturating_sub(1);
    if retries > 0 {
        set.push(("x-envoy-max-retries", retries.to_string()));
    }
    let plan = &exchange.plan;
    if let Some(subset) = plan.subset() {
        set.push((Subset::HEADER, subset.to_string()));
    }
    // A per-try timeout on a response that the adapter holds would fire in its middle and bill it twice: streams only.
    if !exchange.request.stream {
        set.push(("x-envoy-upstream-rq-timeout-ms", plan.timeout_ms.to_string()));
    } else if plan.first_byte_timeout_ms > 0 {
        set.push(("x-envoy-upstream-rq-per-try-timeout-ms", plan.first_byte_timeout_ms.to_string()));
    }
    (remove, set)
}

impl Exchange {
    /// The prepared request of the first step that is walked, for the attempt that needs it.
    pub(in crate::exchange) fn take_prepared(&mut self, step: usize) -> Option<UpstreamRequest> {
        if step == self.plan.first() { self.prepared.take() } else { None }
    }
}
