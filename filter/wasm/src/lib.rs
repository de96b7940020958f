//! The filter as Envoy loads it: callbacks in, effects out.
//!
//! Every decision is made in `tollgate-core`; this crate only translates. One module serves both roles, which share one
//! VM per worker (the same `vm_id`), so that an adapter finds the exchange that a gate admitted. See `docs/ARCHITECTURE.md`.

mod adapter;
mod gate;
mod host;
mod root;

use proxy_wasm::types::LogLevel;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|context_id| Box::new(root::Root::new(context_id)));
}}
