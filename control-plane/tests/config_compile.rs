//! From a configuration to a snapshot: chains, clusters, credentials, prices.

use tollgate_control_plane::compile::{Compiled, compile};
use tollgate_control_plane::config::{Config, Environment};
use tollgate_control_plane::prices::Book;
use tollgate_proto::v1::{Chain, Format, Provider, Route};

fn compiled(text: &str) -> Compiled {
    let environment: Environment = [("KEY", "sk-1")].into_iter().collect();
    let config = Config::parse("t.yaml", text, &environment).unwrap_or_else(|problems| panic!("{problems}"));
    compile(&config.policy, Book::built_in())
}

fn chain(targets: &[u32], cluster: &str, weight: u64) -> Chain {
    Chain { targets: targets.to_vec(), cluster: cluster.to_owned(), weight }
}

fn route<'a>(compiled: &'a Compiled, model: &str) -> &'a Route {
    compiled.snapshot.routes.iter().find(|route| route.model == model).expect("route")
}

const PROVIDERS: &str = r#"
providers:
  a: {kind: openai, api_key: "${KEY}"}
  b: {kind: openai_compatible, api_key: none, base_url: "http://127.0.0.1:8090/v1"}
  c: {kind: anthropic, api_key: "${KEY}", headers: {X-Team: blue}}
"#;

#[test]
fn rotations_of_each_priority_multiply_into_chains() {
    let compiled = compiled(&format!(
        "{PROVIDERS}
models:
  m:
    targets:
      - {{provider: c, priority: 1}}
      - {{provider: a, weight: 9}}
      - {{provider: b, weight: 1, model: other}}
"
    ));
    let route = route(&compiled, "m");
    let providers: Vec<_> = route.targets.iter().map(|t| (t.provider.as_str(), t.model.as_str())).collect();
    assert_eq!(providers, [("a", "m"), ("b", "other"), ("c", "m")]);
    assert_eq!(
        route.chains,
        [
            chain(&[0, 1, 2], "chain/a+b@http://127.0.0.1:8090+c", 9),
            chain(&[1, 0, 2], "chain/b@http://127.0.0.1:8090+a+c", 1)
        ]
    );
    assert_eq!((route.timeout_ms, route.first_byte_timeout_ms), (600_000, 60_000));
}

#[test]
fn a_chain_is_one_cluster_for_all_routes_and_each_provider_has_its_own() {
    let compiled = compiled(&format!(
        "{PROVIDERS}
models:
  m: {{targets: [{{provider: a}}, {{provider: c, priority: 1}}]}}
  n: {{targets: [{{provider: a}}, {{provider: c, priority: 9}}]}}
"
    ));
    let names: Vec<&str> = compiled.clusters.iter().map(|cluster| cluster.name.as_str()).collect();
    assert_eq!(names, ["chain/a", "chain/a+c", "chain/b@http://127.0.0.1:8090", "chain/c"]);
    let clusters: Vec<&str> = compiled.snapshot.providers.iter().map(|p| p.cluster.as_str()).collect();
    assert_eq!(clusters, ["chain/a", "chain/b@http://127.0.0.1:8090", "chain/c"]);
    let steps: Vec<_> = compiled.clusters[1].steps.iter().map(|s| (s.host.as_str(), s.port, s.tls)).collect();
    assert_eq!(steps, [("api.openai.com", 443, true), ("api.anthropic.com", 443, true)]);
}

#[test]
fn each_kind_gets_its_credential_as_it_wants_it() {
    let compiled = compiled(PROVIDERS);
    let headers: Vec<Vec<(&str, &str)>> = compiled
        .snapshot
        .providers
        .iter()
        .map(|p| p.headers.iter().map(|h| (h.name.as_str(), h.value.as_str())).collect())
        .collect();
    assert_eq!(headers[0], [("authorization", "Bearer sk-1")]);
    assert!(headers[1].is_empty());
    assert_eq!(headers[2], [("x-team", "blue"), ("x-api-key", "sk-1")]);
    let places: Vec<_> =
        compiled.snapshot.providers.iter().map(|p| (p.scheme.as_str(), p.authority.as_str())).collect();
    assert_eq!(places, [("https", "api.openai.com"), ("http", "127.0.0.1:8090"), ("https", "api.anthropic.com")]);
    assert_eq!(compiled.snapshot.providers[2].default_max_tokens, 4096);
}

#[test]
fn bedrock_is_signed_for_or_takes_a_key_and_gemini_takes_its_own_header() {
    let compiled = compiled(
        r#"
providers:
  signed:
    kind: bedrock
    region: eu-central-1
    access_key_id: AKIA1
    secret_access_key: "${KEY}"
    session_token: "${UNSET:-}"
  keyed: {kind: bedrock, region: us-east-1, api_key: "${KEY}"}
  near: {kind: bedrock, base_url: "http://127.0.0.1:8090", api_key: none}
  google: {kind: gemini, api_key: "${KEY}"}
models:
  gemini-2.5-flash: {targets: [{provider: google}]}
  claude: {targets: [{provider: keyed, model: "us.anthropic.claude-sonnet-4-5-20250929-v1:0"}]}
"#,
    );
    let [signed, keyed, near, google] = &compiled.snapshot.providers[..] else { panic!("four") };
    let aws = signed.aws.as_ref().expect("keys that sign");
    assert_eq!((aws.region.as_str(), aws.access_key_id.as_str()), ("eu-central-1", "AKIA1"));
    assert_eq!((aws.secret_access_key.as_str(), aws.session_token.as_str()), ("sk-1", ""));
    assert!(signed.headers.is_empty());
    let place = |provider: &Provider| (provider.authority.clone(), provider.path_prefix.clone());
    assert_eq!(place(signed), ("bedrock-runtime.eu-central-1.amazonaws.com".to_owned(), String::new()));
    assert_eq!((keyed.headers[0].value.as_str(), &keyed.aws), ("Bearer sk-1", &None));
    assert_eq!((place(near).0.as_str(), near.headers.len(), &near.aws), ("127.0.0.1:8090", 0, &None));
    assert_eq!(place(google), ("generativelanguage.googleapis.com".to_owned(), "/v1beta".to_owned()));
    assert_eq!((google.headers[0].name.as_str(), google.headers[0].value.as_str()), ("x-goog-api-key", "sk-1"));
    assert_eq!(
        [google, signed].map(|p| p.formats[0]),
        [Format::GeminiGenerate, Format::BedrockConverse].map(i32::from)
    );
    for model in ["gemini-2.5-flash", "claude"] {
        assert_eq!(route(&compiled, model).targets[0].prices.len(), 1, "{model} has a price");
    }
    let moved = &compiled.clusters.iter().find(|cluster| cluster.name.starts_with("chain/keyed")).expect("it").name;
    assert_eq!(moved, "chain/keyed@https://bedrock-runtime.us-east-1.amazonaws.com:443");
}

#[test]
fn a_provider_speaks_what_its_kind_does_or_what_the_file_says() {
    let compiled = compiled(&format!(
        "{PROVIDERS}  d: {{kind: openai_compatible, api_key: none, base_url: \"http://h/v1\", formats: [anthropic_messages]}}\n  \
         e: {{kind: openai_compatible, api_key: none, base_url: \"http://h/v1\", formats: [openai_chat]}}\n"
    ));
    let formats = |name: &str| {
        let provider = compiled.snapshot.providers.iter().find(|provider| provider.name == name).expect("there");
        (
            provider.formats().map(|format| format.as_str_name().to_owned()).collect::<Vec<_>>(),
            provider.default_max_tokens,
        )
    };
    let best =
        ["FORMAT_OPENAI_RESPONSES", "FORMAT_OPENAI_CHAT", "FORMAT_OPENAI_COMPLETIONS", "FORMAT_OPENAI_EMBEDDINGS"];
    assert_eq!(formats("a"), (best.map(str::to_owned).to_vec(), 4096));
    assert_eq!(formats("b").0, best[1..]);
    assert_eq!(formats("d"), (vec!["FORMAT_ANTHROPIC_MESSAGES".to_owned()], 4096));
    assert_eq!(formats("e"), (vec!["FORMAT_OPENAI_CHAT".to_owned()], 0));
}

#[test]
fn too_many_orders_are_refused() {
    let group = |priority| (0..5).map(move |_| format!("{{provider: a, priority: {priority}}}"));
    let targets: Vec<String> = (0..3).flat_map(group).collect();
    let text = format!("{PROVIDERS}\nmodels:\n  m: {{targets: [{}]}}\n", targets.join(", "));
    let environment: Environment = [("KEY", "sk-1")].into_iter().collect();
    let problems = Config::parse("t.yaml", &text, &environment).expect_err("125 orders").to_string();
    assert!(problems.starts_with("t.yaml:8:16: 125 orders of providers, at most 64"), "{problems}");
}

/// So many models of 3 and 4 targets in turn, all of one priority, over 100 providers: no two models have the same.
fn weighted_models_of_100_providers(models: usize) -> String {
    let provider = |number| {
        format!("  p{number}: {{kind: openai_compatible, api_key: none, base_url: \"http://h{number}/v1\"}}\n")
    };
    let model = |number: usize| {
        let (start, stride) = (number % 100, number / 100 + 1);
        let targets =
            (0..3 + number % 2).map(|at| format!("{{provider: p{}, weight: {}}}", (start + at * stride) % 100, at + 1));
        format!("  m{number}: {{targets: [{}]}}\n", targets.collect::<Vec<_>>().join(", "))
    };
    let (providers, models): (String, String) = ((0..100).map(provider).collect(), (0..models).map(model).collect());
    format!("providers:\n{providers}models:\n{models}")
}

#[test]
fn leaving_steps_out_takes_no_cluster_and_the_whole_is_bounded() {
    let example = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../tollgate.yaml")).expect("it");
    assert_eq!(compiled(&example).clusters.len(), 5, "four mocks, and one chain of two");

    let compiled = compiled(&weighted_models_of_100_providers(200));
    assert_eq!(compiled.clusters.len(), 100 + 100 * 3 + 100 * 4);

    let text = weighted_models_of_100_providers(600);
    let problems = Config::parse("t.yaml", &text, &Environment::default()).expect_err("2,200 orders").to_string();
    assert!(problems.contains("there are more than 2000 orders of providers"), "{problems}");
    assert_eq!(problems.lines().count(), 1, "said once: {problems}");
}

#[test]
fn prices_come_from_the_file_then_from_the_book_also_for_dated_names() {
    let compiled = compiled(&format!(
        "{PROVIDERS}
models:
  gpt-4o-2024-08-06: {{targets: [{{provider: a}}, {{provider: b, priority: 1, model: mine}}]}}
  claude-*: {{targets: [{{provider: c}}]}}
  nobody-knows: {{targets: [{{provider: a}}]}}
  gpt-4.1: {{targets: [{{provider: a}}]}}
prices:
  mine: {{input: 1.25, output: 10.0, cache_read: 0.125, tiers: [{{above_input_tokens: 1000, input: 2, output: 20}}]}}
  a/gpt-4.1: {{input: 7, output: 8}}
  gpt-4.1: {{input: 5, output: 6}}
"
    ));
    let dated = route(&compiled, "gpt-4o-2024-08-06");
    let book = &dated.targets[0].prices[0];
    assert_eq!((book.model.as_str(), book.rates.unwrap().input), ("", 2_500_000));
    assert!(book.version.starts_with("book@2026-"), "{}", book.version);
    let own = &dated.targets[1].prices[0];
    assert_eq!((own.rates.unwrap().input, own.rates.unwrap().cache_read), (1_250_000, Some(125_000)));
    assert_eq!(own.tiers[0].rates.unwrap().output, 20_000_000);
    assert!(own.version.starts_with("config@"), "{}", own.version);
    assert!(route(&compiled, "nobody-knows").targets[0].prices.is_empty());
    assert_eq!(route(&compiled, "gpt-4.1").targets[0].prices[0].rates.unwrap().input, 7_000_000);

    let globbed = &route(&compiled, "claude-*").targets[0];
    assert!(globbed.model.is_empty());
    assert!(globbed.prices.iter().any(|price| price.model == "claude-sonnet-4-5"));
    assert!(globbed.prices.iter().all(|price| price.model.starts_with("claude-")));
    let direct = &compiled.snapshot.providers[0].prices;
    assert!(direct.iter().any(|price| price.model == "gpt-4o"), "a provider lists all it has prices for");
}

#[test]
fn aliases_are_followed_to_their_end() {
    let compiled = compiled(&format!(
        "{PROVIDERS}
models:
  m: {{targets: [{{provider: a}}]}}
  claude-*: {{targets: [{{provider: c}}]}}
aliases: {{x: y, y: m, smart: claude-opus-4-6, straight: b/qwen}}
"
    ));
    let alias = |name: &str| compiled.snapshot.aliases[name].as_str();
    assert_eq!((alias("x"), alias("y"), alias("smart"), alias("straight")), ("m", "m", "claude-opus-4-6", "b/qwen"));
}

#[test]
fn too_many_providers_are_refused_whatever_the_models_need() {
    let provider = |number| format!("  p{number}: {{kind: openai, api_key: none}}\n");
    let parse = |count| {
        let providers: String = (0..count).map(provider).collect();
        let text = format!("providers:\n{providers}models:\n  m: {{targets: [{{provider: p0}}, {{provider: p1}}]}}\n");
        Config::parse("t.yaml", &text, &Environment::default())
    };
    parse(1_998).expect("two more for the model's orders, to the bound");
    let problems = parse(2_001).expect_err("one more than there may be").to_string();
    assert!(problems.starts_with("t.yaml:2002:3: with `p2000` there are more than 2000 providers"), "{problems}");
    assert_eq!(problems.lines().count(), 1, "{problems}");
    let problems = parse(2_000).expect_err("no room for the model").to_string();
    assert!(problems.contains("with model `m` there are more than 2000 orders"), "{problems}");
}
