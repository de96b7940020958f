//! The adapter's callbacks: one context per attempt.

use proxy_wasm::{
    hostcalls,
    traits::{Context, HttpContext},
    types::{Action, BufferType, MapType},
};
use tollgate_core::{
    exchange::{Adapter, Chunk, EXCHANGE_HEADER, Reject, ResponseHead},
    words::{ExchangeId, Format},
};

use crate::host;

#[derive(Default)]
pub(crate) struct AdapterContext {
    /// Absent until the attempt begins, and where it could not.
    adapter: Option<Adapter>,
    /// Whether the response has a body: writing to one that is not there is an error that the SDK panics on.
    has_body: bool,
}

/// The step of the chain that this attempt was led to: a number in the endpoint's metadata, as 8 bytes of IEEE 754.
fn read_step() -> Option<usize> {
    let path = ["xds", "upstream_host_metadata", "filter_metadata", "tollgate", "step"];
    let step = f64::from_le_bytes(host::property(&path)?.try_into().ok()?);
    // Steps are small whole numbers that we wrote into the metadata ourselves.
    (0.0..1e6).contains(&step).then_some(step as usize)
}

/// Which exchange this attempt belongs to: the header that the gate set, which the first attempt takes out again; the
/// property for every later one.
fn read_exchange() -> Option<ExchangeId> {
    let header = hostcalls::get_map_value_bytes(MapType::HttpRequestHeaders, EXCHANGE_HEADER).ok().flatten();
    ExchangeId::parse(&header.or_else(|| host::property(&[host::EXCHANGE_PROPERTY]))?)
}

impl AdapterContext {
    fn whole_response(&mut self, size: usize) {
        let body = if self.has_body { host::read_body(BufferType::HttpResponseBody, size) } else { Vec::new() };
        let whole = self
            .adapter
            .as_mut()
            .and_then(|adapter| host::with_vm(|vm| adapter.handle_whole_response(&mut vm.shared, &body)));
        if let Some(whole) = whole {
            host::write_head(MapType::HttpResponseHeaders, &whole.head.0);
            if let Some(body) = whole.body.filter(|_| self.has_body) {
                host::write_body(BufferType::HttpResponseBody, &body);
            }
        }
    }
}

impl Context for AdapterContext {
    fn on_done(&mut self) -> bool {
        if let Some(adapter) = &mut self.adapter {
            let now = host::now();
            host::with_vm(|vm| adapter.handle_done(&mut vm.shared, now));
        }
        true
    }
}

impl HttpContext for AdapterContext {
    fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        let exchange = read_exchange();
        let now = host::now();
        let begun = host::with_vm(|vm| {
            let id = exchange?;
            let step = if Adapter::has_one_step(&mut vm.shared, id) { 0 } else { read_step()? };
            Some(Adapter::begin(&mut vm.shared, id, step, now))
        })
        .flatten();
        match begun {
            Some(Ok((adapter, head))) => {
                host::write_head(MapType::HttpRequestHeaders, &head.0);
                self.adapter = Some(adapter);
                Action::Continue
            }
            Some(Err(reply)) => {
                host::reply(&reply);
                Action::Pause
            }
            // No gate admitted this request: it goes nowhere.
            None => {
                host::reply(&Reject::NoExchange.reply(Format::OpenaiChat));
                Action::Pause
            }
        }
    }

    fn on_http_request_body(&mut self, _size: usize, _end_of_stream: bool) -> Action {
        match self.adapter.as_mut().map(Adapter::handle_request_body) {
            Some(Chunk::Pass) => Action::Continue,
            Some(Chunk::Replace(bytes)) => {
                host::write_body(BufferType::HttpRequestBody, &bytes);
                Action::Continue
            }
            None => Action::Pause,
        }
    }

    fn on_http_response_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        let Some(adapter) = &mut self.adapter else { return Action::Continue };
        let head = host::read_head(MapType::HttpResponseHeaders);
        let now = host::now();
        match host::with_vm(|vm| adapter.handle_response_head(&mut vm.shared, head, end_of_stream, now)) {
            Some(ResponseHead::Replace(head)) => {
                host::write_head(MapType::HttpResponseHeaders, &head.0);
                Action::Continue
            }
            Some(ResponseHead::Hold) => Action::Pause,
            Some(ResponseHead::Pass) | None => Action::Continue,
        }
    }

    fn on_http_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        self.has_body = true;
        let Some(adapter) = &mut self.adapter else { return Action::Continue };
        if adapter.is_holding() {
            if !end_of_stream {
                return Action::Pause;
            }
            self.whole_response(size);
            return Action::Continue;
        }
        let chunk = host::read_body(BufferType::HttpResponseBody, size);
        if let Some(Chunk::Replace(bytes)) =
            host::with_vm(|vm| adapter.handle_response_chunk(&mut vm.shared, &chunk, end_of_stream))
        {
            host::write_body(BufferType::HttpResponseBody, &bytes);
        }
        Action::Continue
    }

    fn on_http_response_trailers(&mut self, _count: usize) -> Action {
        // Trailers are an end of body.
        match &mut self.adapter {
            Some(adapter) if adapter.is_holding() => self.whole_response(usize::MAX),
            Some(adapter) => {
                host::with_vm(|vm| adapter.handle_response_chunk(&mut vm.shared, &[], true));
            }
            None => {}
        }
        Action::Continue
    }
}
