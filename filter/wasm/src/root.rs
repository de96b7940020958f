//! One root context per plugin configuration. The first gate's drives the session with the control plane.

use std::{cell::Cell, rc::Rc, time::Duration};

use proxy_wasm::{
    hostcalls,
    traits::{Context, HttpContext, RootContext},
    types::{BufferType, ContextType, LogLevel},
};
use serde::Deserialize;
use tollgate_core::{
    vm::{Action, Node, Severity, Vm},
    words::ExchangeId,
};

use crate::{adapter::AdapterContext, gate::GateContext, host};

/// How often the session is driven: what bounds the delay of a usage record, and how long the control plane knows nothing of an
/// exchange.
const TICK: Duration = Duration::from_millis(50);

thread_local! {
    /// The root context that drives this VM's session.
    static DRIVER: Cell<Option<u32>> = const { Cell::new(None) };
}

/// The plugin configuration, as `tollgate render envoy` writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    role: Role,
    control_plane: String,
    /// The chains of a static bootstrap; absent where clusters arrive while Envoy runs.
    clusters: Option<Vec<String>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Role {
    Gate,
    Adapter,
}

pub(crate) struct Root {
    context_id: u32,
    role: Option<Role>,
    link: Rc<Link>,
    stream: Option<u32>,
}

/// How to reach the control plane.
#[derive(Default)]
pub(crate) struct Link {
    cluster: String,
    authorization: String,
}

impl Link {
    /// The cluster, and the metadata that every call carries.
    pub(crate) fn call(&self) -> (&str, Vec<(&str, &[u8])>) {
        (&self.cluster, vec![("authorization", self.authorization.as_bytes())])
    }
}

impl Root {
    pub(crate) fn new(context_id: u32) -> Self {
        Self { context_id, role: None, link: Rc::default(), stream: None }
    }

    fn apply(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Open => {
                    let link = Rc::clone(&self.link);
                    let (cluster, metadata) = link.call();
                    match hostcalls::open_grpc_stream(cluster, "tollgate.v1.Session", "Open", metadata) {
                        Ok(token) => self.stream = Some(token),
                        Err(status) => {
                            self.stream = None;
                            self.closed(&format!("the stream cannot be opened: {status:?}"));
                            return;
                        }
                    }
                }
                Action::Send(message) => {
                    // A stream that has broken says so in on_grpc_stream_close, which also decides what is sent again.
                    if let Some(token) = self.stream {
                        let _ = hostcalls::send_grpc_stream_message(token, Some(&message), false);
                    }
                }
                Action::Cancel => {
                    if let Some(token) = self.stream.take() {
                        let _ = hostcalls::cancel_grpc_stream(token);
                    }
                }
                Action::Log(severity, text) => {
                    let level = match severity {
                        Severity::Info => LogLevel::Info,
                        Severity::Warn => LogLevel::Warn,
                    };
                    host::log(level, &text);
                }
            }
        }
    }

    fn closed(&mut self, reason: &str) {
        let (now, seed) = (host::now(), host::random());
        let actions = host::with_vm(|vm| vm.handle_closed(reason, now, seed));
        self.apply(actions.unwrap_or_default());
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        if DRIVER.get() == Some(self.context_id) {
            DRIVER.set(None);
            let (now, seed) = (host::now(), host::random());
            host::with_vm(|vm| vm.handle_closed("its configuration was replaced", now, seed));
        }
    }
}

impl Context for Root {
    fn on_grpc_stream_message(&mut self, token_id: u32, message_size: usize) {
        if self.stream != Some(token_id) {
            return;
        }
        let message = host::read_body(BufferType::GrpcReceiveBuffer, message_size);
        let now = host::now();
        let actions = host::with_vm(|vm| vm.handle_message(&message, now));
        self.apply(actions.unwrap_or_default());
    }

    fn on_grpc_stream_close(&mut self, token_id: u32, status_code: u32) {
        if self.stream == Some(token_id) {
            self.stream = None;
            self.closed(&format!("gRPC status {status_code}"));
        }
    }
}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        let text = self.get_plugin_configuration().unwrap_or_default();
        let configuration: Configuration = match serde_json::from_slice(&text) {
            Ok(configuration) => configuration,
            Err(error) => {
                host::log(LogLevel::Critical, &format!("the plugin configuration cannot be read: {error}"));
                return false;
            }
        };
        let token = std::env::var("TOLLGATE_NODE_TOKEN").unwrap_or_default();
        if token.is_empty() {
            host::log(LogLevel::Warn, "TOLLGATE_NODE_TOKEN is not set: the control plane will refuse this Envoy");
        }
        self.role = Some(configuration.role);
        self.link = Rc::new(Link { cluster: configuration.control_plane, authorization: format!("Bearer {token}") });
        let node_id = host::property(&["xds", "node", "id"]).map(|id| String::from_utf8_lossy(&id).into_owned());
        let node = || Node {
            vm_id: ExchangeId::from_random(host::random_wide()).to_string(),
            node_id: node_id.unwrap_or_default(),
        };
        match configuration.role {
            Role::Adapter => {}
            Role::Gate => {
                host::start_vm(|| Vm::new(node(), configuration.clusters));
                self.set_tick_period(TICK);
            }
        }
        true
    }

    fn on_tick(&mut self) {
        // The first gate's to tick drives; should its configuration go, another's takes over.
        let driver = DRIVER.get().unwrap_or(self.context_id);
        DRIVER.set(Some(driver));
        if driver != self.context_id {
            return;
        }
        let (now, seed) = (host::now(), host::random());
        let actions = host::with_vm(|vm| vm.handle_tick(now, seed));
        self.apply(actions.unwrap_or_default());
    }

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        match self.role? {
            Role::Gate => Some(Box::new(GateContext::new(Rc::clone(&self.link)))),
            Role::Adapter => Some(Box::new(AdapterContext::default())),
        }
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
