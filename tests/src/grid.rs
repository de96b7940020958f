//! A provider of every format, and a model at each: what the official clients are tested against.

use std::net::{Ipv4Addr, SocketAddr};

use mock_llm::Mock;
use serde_json::{Value, json};

/// One mock that is configured once for each format it speaks.
pub struct Grid(Mock);

/// A format, what a provider of it is beside its address, and two models of it: one that thinks only when asked to, and one whose thinking
/// can be seen.
const UPSTREAMS: [(&str, &str, &str, [&str; 2]); 6] = [
    ("openai_chat", "openai_compatible", "/v1", ["gpt-4o", "deepseek-reasoner"]),
    ("openai_responses", "openai_compatible", "/v1", ["gpt-5", "gpt-5"]),
    ("openai_completions", "openai_compatible", "/v1", ["gpt-3.5-turbo-instruct", "gpt-3.5-turbo-instruct"]),
    ("anthropic_messages", "anthropic", "/v1", ["claude-sonnet-4-5", "claude-sonnet-4-5"]),
    ("gemini_generate", "gemini", "/v1beta", ["gemini-2.5-flash", "gemini-3-pro-preview"]),
    ("bedrock_converse", "bedrock", "", [CLAUDE_AT_BEDROCK, CLAUDE_AT_BEDROCK]),
];
const CLAUDE_AT_BEDROCK: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

impl Grid {
    /// The mock, listening.
    ///
    /// # Errors
    /// When there is no port for it.
    pub async fn start() -> std::io::Result<Self> {
        Mock::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.map(Self)
    }

    /// Where it is, without a path.
    #[must_use]
    pub fn url(&self) -> String {
        self.0.url()
    }

    /// Adds, for each format, a provider that speaks nothing else, and the models `grid-FORMAT` and `grid-FORMAT-thinking`.
    pub fn configure(&self, config: &mut Value) {
        for (format, kind, path, [plain, thinking]) in UPSTREAMS {
            let base_url = format!("{}{path}", self.url());
            let mut provider = json!({"kind": kind, "base_url": base_url, "formats": [format]});
            if format == "bedrock_converse" {
                // The key of AWS's own examples, by which the mock checks signatures.
                provider["region"] = json!("us-east-1");
                provider["access_key_id"] = json!("AKIDEXAMPLE");
                provider["secret_access_key"] = json!("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
            } else {
                provider["api_key"] = json!("sk-provider-canary-grid");
            }
            config["providers"][format] = provider;
            for (name, model) in [(format!("grid-{format}"), plain), (format!("grid-{format}-thinking"), thinking)] {
                config["models"][name] = json!({"targets": [{"provider": format, "model": model}]});
            }
        }
    }
}
