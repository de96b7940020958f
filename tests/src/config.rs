//! The configuration that tests start from. It is a JSON value, which is YAML too, so that a test changes a member and writes it again.

use serde_json::{Value, json};

use crate::stack::Providers;

/// May use every model.
pub const DEV_KEY: &str = "sk-client-canary-dev";
/// May use only `gpt-4o` and what begins with `embed`.
pub const LIMITED_KEY: &str = "sk-client-canary-limited";
/// The credential of the provider `openai`.
pub const OPENAI_SECRET: &str = "sk-provider-canary-openai";
/// The credential of the provider `claude`.
pub const ANTHROPIC_SECRET: &str = "sk-provider-canary-anthropic";
/// The credential of the provider `second`.
pub const SECOND_SECRET: &str = "sk-provider-canary-second";

/// A configuration file.
#[derive(Clone, Debug)]
pub struct Config(pub Value);

impl Config {
    /// Three providers (`openai` and `second` of OpenAI's format, `claude` of Anthropic's) and a model for each thing to be tested.
    #[must_use]
    pub fn standard(providers: &Providers) -> Self {
        let [openai, claude, second] = providers.each().map(|mock| format!("{}/v1", mock.url()));
        let target = |provider: &str, priority: u32| {
            // What an Anthropic model takes is told from its name.
            let model = if provider == "claude" { "claude-haiku-4-5".to_owned() } else { format!("{provider}-model") };
            json!({"provider": provider, "model": model, "priority": priority})
        };
        let one = |provider: &str| json!({"targets": [target(provider, 0)]});
        let two = |first: &str, then: &str| json!({"targets": [target(first, 0), target(then, 1)]});
        Self(json!({
            "providers": {
                "openai": {
                    "kind": "openai_compatible", "base_url": openai, "api_key": OPENAI_SECRET,
                    "headers": {"x-only-openai": "header-canary-openai"},
                },
                "claude": {
                    "kind": "anthropic", "base_url": claude, "api_key": ANTHROPIC_SECRET,
                    "headers": {"x-only-claude": "header-canary-claude"},
                },
                "second": {"kind": "openai_compatible", "base_url": second, "api_key": SECOND_SECRET},
                // Nothing listens on the discard port of the loopback interface.
                "nobody": {"kind": "openai_compatible", "base_url": "http://127.0.0.1:9/v1", "api_key": "none"},
            },
            "models": {
                "gpt-4o": {"targets": [{"provider": "openai"}]},
                "embed-small": {"targets": [{"provider": "openai"}]},
                "claude": one("claude"),
                "strict": {"targets": [target("claude", 0)], "translation": "strict"},
                "openai-then-claude": two("openai", "claude"),
                "claude-then-openai": two("claude", "openai"),
                "openai-then-second": two("openai", "second"),
                "nobody-then-claude": two("nobody", "claude"),
                "nobody": one("nobody"),
                "hasty": {
                    "targets": [target("openai", 0), target("claude", 1)],
                    "first_byte_timeout": "1s",
                },
                "brief": {"targets": [target("second", 0)], "timeout": "1s"},
                "glob-*": {"targets": [{"provider": "openai"}]},
            },
            "aliases": {"default": "gpt-4o"},
            "keys": [
                {"name": "dev", "key": DEV_KEY, "team": "platform", "user": "ada", "models": ["*"]},
                {"name": "limited", "key": LIMITED_KEY, "models": ["gpt-4o", "embed*"]},
            ],
            // Dollars per million tokens, so that one token of input costs 1,000 nano-dollars on openai.
            "prices": {
                "openai/gpt-4o": {"input": 1, "output": 2},
                "openai-model": {"input": 1, "output": 2},
                "claude-haiku-4-5": {"input": 3, "output": 15, "cache_read": 0.3, "cache_write_5m": 3.75},
                "embed-small": {"input": 0.02, "output": 0},
            },
        }))
    }
}
