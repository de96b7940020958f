//! The adapter's callbacks: one context per attempt.

use proxy_wasm::{
    hostcalls,
    traits::{Context, HttpContext},
    types::{Action, BufferType, MapType},
};
use tollgate_core::{
    exchange::{Adapter, Chunk, EXCHANGE_HEADER, Reject, ResponseHead, Take},
    words::{ExchangeId, Format},
};

use crate::host;

#[derive(Default)]
pub(crate) struct AdapterContext {
    /// Absent until the attempt begins, and where it could not.
    adapter: Option<Adapter>,
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
    fn take(&mut self, take: Option<Take>, size: usize, end: bool) -> Action {
        let Some(adapter) = &mut self.adapter else { return Action::Continue };
        match take {
            Some(Take::Nothing) => return Action::Pause,
            Some(Take::Chunk) => {
                let chunk = host::read_body(BufferType::HttpResponseBody, size);
                let passed = host::with_vm(|vm| adapter.handle_response_chunk(&mut vm.shared, &chunk, end));
                if let Some(Chunk::Replace(bytes)) = passed {
                    host::write_body(BufferType::HttpResponseBody, &bytes);
                }
            }
            Some(take @ (Take::Whole | Take::Empty)) => {
                let size = if take == Take::Empty { 0 } else { size };
                let body = host::read_body(BufferType::HttpResponseBody, size);
                if let Some(whole) = host::with_vm(|vm| adapter.handle_whole_response(&mut vm.shared, &body)) {
                    host::write_head(MapType::HttpResponseHeaders, &whole.head.0);
                    whole.body.iter().for_each(|body| host::write_body(BufferType::HttpResponseBody, body));
                }
            }
            Some(Take::Pass) | None => {}
        }
        Action::Continue
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
        let take = self.adapter.as_mut().map(|adapter| adapter.handle_response_body(end_of_stream));
        self.take(take, size, end_of_stream)
    }

    fn on_http_response_trailers(&mut self, _count: usize) -> Action {
        let adapter = self.adapter.as_mut();
        let take = adapter.and_then(|adapter| host::with_vm(|vm| adapter.handle_response_trailers(&mut vm.shared)));
        self.take(take, usize::MAX, true)
    }
}
