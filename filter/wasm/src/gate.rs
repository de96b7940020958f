//! The gate's callbacks. What is not admitted is held: no callback continues by default.

use std::rc::Rc;

use proxy_wasm::{
    hostcalls,
    traits::{Context, HttpContext},
    types::{Action, BufferType, MapType},
};
use tollgate_core::{
    exchange::{Admission, Decision, Ending, Gate, Reply},
    vm::{
        Resolution,
        session::{decode_resolution, encode_resolve},
    },
    words::ExchangeId,
};

use crate::{host, root::Link};

pub(crate) struct GateContext {
    gate: Gate,
    link: Rc<Link>,
    admitted: bool,
    /// The host waits for us inside a callback; outside of one it must be told to go on.
    in_callback: bool,
    /// Envoy takes one reply from a context: a second is an error that the SDK panics on.
    replied: bool,
}

impl GateContext {
    pub(crate) fn new(link: Rc<Link>) -> Self {
        let gate = Gate::new(ExchangeId::from_random(host::random_wide()), host::random());
        Self { gate, link, admitted: false, in_callback: true, replied: false }
    }

    fn apply(&mut self, decision: Option<Decision>) -> Action {
        match decision {
            Some(Decision::Admit(admission)) => {
                admit(&admission);
                self.admitted = true;
                if !self.in_callback {
                    host::check("resuming the request", hostcalls::resume_http_request());
                }
                Action::Continue
            }
            Some(Decision::Reply(reply)) => {
                self.reply(&reply);
                Action::Pause
            }
            Some(Decision::Ask(digest)) => {
                let link = Rc::clone(&self.link);
                let (cluster, metadata) = link.call();
                let question = encode_resolve(&digest);
                let timeout = host::RESOLVE_TIMEOUT;
                let asked = hostcalls::dispatch_grpc_call(
                    cluster,
                    "tollgate.v1.Keys",
                    "Resolve",
                    metadata,
                    Some(&question),
                    timeout,
                );
                match asked {
                    Ok(_) => Action::Pause,
                    Err(_) => self.resolve(&Resolution::Unavailable),
                }
            }
            // `None` is a VM without a gate's configuration, which admits nothing.
            Some(Decision::Hold) | None => Action::Pause,
        }
    }

    fn reply(&mut self, reply: &Reply) {
        if !std::mem::replace(&mut self.replied, true) {
            host::reply(reply);
        }
    }

    fn resolve(&mut self, resolution: &Resolution) -> Action {
        let now = host::now();
        let decision = host::with_vm(|vm| self.gate.handle_resolution(vm, resolution, now));
        self.apply(decision)
    }

    fn whole_body(&mut self, size: usize) -> Action {
        let body = if size == 0 { Vec::new() } else { host::read_body(BufferType::HttpRequestBody, size) };
        let decision = host::with_vm(|vm| self.gate.handle_body(vm, body));
        self.apply(decision)
    }
}

/// The cluster comes last: each header that is set makes the router choose again.
fn admit(admission: &Admission) {
    if admission.may_retry {
        let property = vec![host::EXCHANGE_PROPERTY];
        let name = admission.exchange.to_string();
        host::check("naming the exchange", hostcalls::set_property(property, Some(name.as_bytes())));
    }
    admission.remove.iter().for_each(|name| host::write_header(MapType::HttpRequestHeaders, name, None));
    let set = admission.set.iter().map(|(name, value)| (*name, value.as_str()));
    for (name, value) in set.chain([("x-tollgate-cluster", admission.cluster.as_str())]) {
        host::write_header(MapType::HttpRequestHeaders, name, Some(value));
    }
}

impl Context for GateContext {
    fn on_grpc_call_response(&mut self, _token: u32, status_code: u32, response_size: usize) {
        let answer = match status_code {
            0 => decode_resolution(&host::read_body(BufferType::GrpcReceiveBuffer, response_size)),
            _ => Resolution::Unavailable,
        };
        self.in_callback = false;
        self.resolve(&answer);
        self.in_callback = true;
    }
}

impl HttpContext for GateContext {
    fn on_http_request_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        let head = host::read_head(MapType::HttpRequestHeaders);
        #[cfg(feature = "fault-injection")]
        trap_if_asked(&head);
        let now = host::now();
        let decision = host::with_vm(|vm| self.gate.handle_head(vm, head, end_of_stream, now));
        self.apply(decision)
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        if self.admitted {
            return Action::Continue;
        }
        if end_of_stream {
            return self.whole_body(size);
        }
        let decision = self.gate.handle_buffered(size);
        self.apply(Some(decision))
    }

    fn on_http_request_trailers(&mut self, _count: usize) -> Action {
        // What headers may not carry to a provider, trailers may not either.
        host::write_head(MapType::HttpRequestTrailers, &[]);
        if self.admitted {
            return Action::Continue;
        }
        // Trailers are an end of body: no body callback says so.
        self.whole_body(usize::MAX)
    }

    fn on_http_response_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        if host::with_vm(|vm| self.gate.is_local_reply(vm)).unwrap_or(false) {
            let mut head = host::read_head(MapType::HttpResponseHeaders);
            let details = host::property(&["response", "code_details"]).unwrap_or_default();
            let details = String::from_utf8_lossy(&details).into_owned();
            let status = head.status();
            let reply = host::with_vm(|vm| self.gate.handle_local_reply(vm, status, &details));
            if let Some(reply) = reply {
                if end_of_stream && !self.replied {
                    self.reply(&reply);
                    return Action::Pause;
                }
                head.remove("content-length");
                reply.headers.iter().for_each(|(name, value)| head.set(name, value.as_str()));
                host::write_head(MapType::HttpResponseHeaders, &head.0);
            }
        } else if end_of_stream && let Some(Some(reply)) = host::with_vm(|vm| self.gate.handle_bodiless_error(vm)) {
            self.reply(&reply);
            return Action::Pause;
        }
        Action::Continue
    }

    fn on_http_response_body(&mut self, _size: usize, _end_of_stream: bool) -> Action {
        if let Some(body) = self.gate.take_local_body() {
            host::write_body(BufferType::HttpResponseBody, &body);
        }
        Action::Continue
    }

    fn on_log(&mut self) {
        let now = host::now();
        host::with_vm(|vm| {
            let ending = self.gate.is_unfinished(vm).then(read_ending);
            self.gate.handle_log(vm, ending, now);
        });
    }
}

/// Bit 14 of Envoy's response flags is `DownstreamConnectionTermination`: the client has gone.
fn read_ending() -> Ending {
    let flags = host::property(&["response", "flags"]).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes);
    if flags.unwrap_or(0) & 1 << 14 == 0 { Ending::CutOff } else { Ending::ClientGone }
}

/// Loses the VM on purpose, so that the tests can see what becomes of its exchanges. Not in the module that is shipped.
#[cfg(feature = "fault-injection")]
fn trap_if_asked(head: &tollgate_core::exchange::Head) {
    if head.value("x-tollgate-fault") == Some("trap") {
        std::process::abort();
    }
}
