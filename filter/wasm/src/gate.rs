//! The gate's callbacks. What is not admitted is held: no callback continues by default.

use std::rc::Rc;

use proxy_wasm::{
    hostcalls,
    traits::{Context, HttpContext},
    types::{Action, BufferType, MapType},
};
use tollgate_core::{
    exchange::{Admission, CallFailed, Chunk, Ending, Gate, Response, Rpc, Verdict},
    words::ExchangeId,
};

use crate::{host, root::Link};

pub(crate) struct GateContext {
    gate: Gate,
    link: Rc<Link>,
    /// Envoy's name for the call that is under way.
    call: Option<u32>,
}

impl GateContext {
    pub(crate) fn new(link: Rc<Link>) -> Self {
        let gate = Gate::new(ExchangeId::from_random(host::random_wide()), host::random());
        Self { gate, link, call: None }
    }

    fn apply(&mut self, verdict: Option<Verdict>) -> Action {
        match verdict {
            Some(Verdict::Admit(admission)) => {
                admit(&admission);
                Action::Continue
            }
            Some(Verdict::Forward) => Action::Continue,
            Some(Verdict::Reply(reply)) => {
                host::reply(&reply);
                Action::Pause
            }
            Some(Verdict::Call(rpc)) => self.call(&rpc),
            // `None` is a VM without a gate's configuration, which admits nothing.
            Some(Verdict::Hold | Verdict::TakeBody) | None => Action::Pause,
        }
    }

    fn call(&mut self, rpc: &Rpc) -> Action {
        let Rpc { service, method, message, timeout } = rpc;
        let link = Rc::clone(&self.link);
        let (cluster, metadata) = link.call();
        match hostcalls::dispatch_grpc_call(cluster, service, method, metadata, Some(message), *timeout) {
            Ok(token) => {
                self.call = Some(token);
                Action::Pause
            }
            Err(_) => self.replied(Err(CallFailed)),
        }
    }

    fn replied(&mut self, reply: Result<&[u8], CallFailed>) -> Action {
        let now = host::now();
        let verdict = host::with_vm(|vm| self.gate.handle_reply(&mut vm.shared, reply, now));
        self.apply(verdict)
    }

    fn body(&mut self, size: usize, end: bool) -> Action {
        let verdict = match self.gate.handle_body(size, end) {
            Verdict::TakeBody => {
                let body = host::read_body(BufferType::HttpRequestBody, size);
                host::with_vm(|vm| self.gate.handle_whole_body(&mut vm.shared, body))
            }
            other => Some(other),
        };
        self.apply(verdict)
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
    fn on_grpc_call_response(&mut self, token: u32, status_code: u32, response_size: usize) {
        if self.call.take_if(|call| *call == token).is_none() {
            return;
        }
        let message = (status_code == 0).then(|| host::read_body(BufferType::GrpcReceiveBuffer, response_size));
        // No callback of the request waits for this answer: Envoy must be told to go on.
        if self.replied(message.as_deref().ok_or(CallFailed)) == Action::Continue {
            host::check("resuming the request", hostcalls::resume_http_request());
        }
    }
}

impl HttpContext for GateContext {
    fn on_http_request_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        let head = host::read_head(MapType::HttpRequestHeaders);
        #[cfg(feature = "fault-injection")]
        trap_if_asked(&head);
        let now = host::now();
        let verdict = host::with_vm(|vm| self.gate.handle_head(&mut vm.shared, head, end_of_stream, now));
        self.apply(verdict)
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        self.body(size, end_of_stream)
    }

    fn on_http_request_trailers(&mut self, _count: usize) -> Action {
        // What headers may not carry to a provider, trailers may not either.
        host::write_head(MapType::HttpRequestTrailers, &[]);
        // Trailers are an end of body: no body callback says so.
        self.body(usize::MAX, true)
    }

    fn on_http_response_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        let response = host::with_vm(|vm| match self.gate.handle_response_head(&mut vm.shared, end_of_stream) {
            Response::Explain => {
                let (status, details) = read_local_reply();
                self.gate.handle_local_reply(&mut vm.shared, status, &details, end_of_stream)
            }
            response => response,
        });
        match response {
            Some(Response::Reply(reply)) => {
                host::reply(&reply);
                Action::Pause
            }
            Some(Response::Rewrite(reply)) => {
                let mut head = host::read_head(MapType::HttpResponseHeaders);
                reply.write_over(&mut head);
                host::write_head(MapType::HttpResponseHeaders, &head.0);
                Action::Continue
            }
            Some(Response::Pass | Response::Explain) | None => Action::Continue,
        }
    }

    fn on_http_response_body(&mut self, _size: usize, _end_of_stream: bool) -> Action {
        if let Chunk::Replace(body) = self.gate.handle_response_body() {
            host::write_body(BufferType::HttpResponseBody, &body);
        }
        Action::Continue
    }

    fn on_log(&mut self) {
        let now = host::now();
        host::with_vm(|vm| {
            let ending = self.gate.wants_ending(&mut vm.shared).then(read_ending);
            let record = self.gate.handle_log(&mut vm.shared, ending, now);
            vm.keep(record);
        });
    }
}

/// The status of a reply of Envoy's own, and what it says of the cause.
fn read_local_reply() -> (u16, String) {
    let head = host::read_head(MapType::HttpResponseHeaders);
    let details = host::property(&["response", "code_details"]).unwrap_or_default();
    (head.status(), String::from_utf8_lossy(&details).into_owned())
}

fn read_ending() -> Ending {
    let flags = host::property(&["response", "flags"]).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes);
    Ending::from_flags(flags.unwrap_or(0))
}

/// Loses the VM on purpose, so that the tests can see what becomes of its exchanges. Not in the module that is shipped.
#[cfg(feature = "fault-injection")]
fn trap_if_asked(head: &tollgate_core::exchange::Head) {
    if head.value("x-tollgate-fault") == Some("trap") {
        std::process::abort();
    }
}
