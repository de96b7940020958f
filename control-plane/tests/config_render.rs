//! What is rendered for Envoy, by structure and, where there is one, by Envoy itself.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tollgate_control_plane::compile::{Compiled, compile};
use tollgate_control_plane::config::{Config, Environment};
use tollgate_control_plane::envoy::{ClusterSource, Settings, bootstrap, clusters_file, write_atomically};
use tollgate_control_plane::prices::Book;

const CONFIG: &str = r#"
providers:
  openai: {kind: openai, api_key: sk-canary-1}
  claude: {kind: anthropic, api_key: sk-canary-2}
  aws: {kind: bedrock, region: us-east-1, access_key_id: AKIA1, secret_access_key: sk-canary-3, session_token: sk-canary-4}
  local: {kind: openai_compatible, api_key: none, base_url: "http://127.0.0.1:8090"}
models:
  tls: {targets: [{provider: openai}, {provider: claude, priority: 1}]}
  mixed: {targets: [{provider: local}, {provider: openai, priority: 1}]}
  three: {targets: [{provider: openai}, {provider: claude, priority: 1}, {provider: openai, priority: 2}]}
"#;

fn compiled() -> Compiled {
    let config =
        Config::parse("t.yaml", CONFIG, &Environment::default()).unwrap_or_else(|problems| panic!("{problems}"));
    compile(&config.policy, Book::built_in())
}

fn settings(wasm: &Path) -> Settings {
    Settings {
        listen: "127.0.0.1:10000".parse().unwrap(),
        admin: "127.0.0.1:9901".parse().unwrap(),
        control_plane: "127.0.0.1:8082".parse().unwrap(),
        node_id: "node-1".to_owned(),
        wasm: wasm.to_owned(),
        ca_certificates: "/etc/ssl/certs/ca-certificates.crt".into(),
        max_body: 32 << 20,
    }
}

fn cluster<'a>(bootstrap: &'a Value, name: &str) -> &'a Value {
    let clusters = bootstrap["static_resources"]["clusters"].as_array().unwrap();
    clusters.iter().find(|cluster| cluster["name"] == name).unwrap_or_else(|| panic!("no cluster {name}"))
}

/// Every object under a key of this name, wherever it is.
fn all<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if name == key {
                    found.push(member);
                }
                all(member, key, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| all(item, key, found)),
        _ => {}
    }
}

#[test]
fn both_roles_have_the_same_vm_and_the_knobs_they_need() {
    let compiled = compiled();
    let rendered = bootstrap(&settings(Path::new("/f.wasm")), ClusterSource::Static(&compiled.clusters));
    let mut vms = Vec::new();
    all(&rendered, "vm_config", &mut vms);
    assert_eq!(vms.len(), 1 + compiled.clusters.len(), "the gate, and an adapter for each cluster of providers");
    assert!(vms.windows(2).all(|pair| pair[0] == pair[1]));
    let mut policies = Vec::new();
    all(&rendered, "failure_policy", &mut policies);
    assert!(policies.iter().all(|policy| **policy == json!("FAIL_RELOAD")));
    let mut holds = Vec::new();
    all(&rendered, "allow_on_headers_stop_iteration", &mut holds);
    assert_eq!((holds.len(), holds.iter().all(|hold| **hold == json!(true))), (vms.len(), true));
}

#[test]
fn a_chain_has_one_priority_for_each_step() {
    let compiled = compiled();
    let rendered = bootstrap(&settings(Path::new("/f.wasm")), ClusterSource::Static(&compiled.clusters));
    let mixed = cluster(&rendered, "chain/local@http://127.0.0.1:8090+openai");
    let endpoints = mixed["load_assignment"]["endpoints"].as_array().unwrap();
    let step = |i: usize| &endpoints[i]["lb_endpoints"][0];
    assert_eq!((&endpoints[0]["priority"], &endpoints[1]["priority"]), (&json!(0), &json!(1)));
    assert_eq!(step(0)["metadata"]["filter_metadata"]["tollgate"], json!({"step": 0}));
    assert_eq!(step(1)["metadata"]["filter_metadata"]["envoy.transport_socket_match"], json!({"tls": "on"}));
    assert_eq!(step(1)["endpoint"]["hostname"], "api.openai.com");
    assert_eq!(mixed["transport_socket_matches"][0]["match"], json!({"tls": "on"}));
    assert_eq!(mixed["outlier_detection"]["max_ejection_percent"], 100);
    assert!(cluster(&rendered, "chain/openai").get("outlier_detection").is_none(), "an only step is never ejected");
    assert!(cluster(&rendered, "chain/openai").get("transport_socket").is_some());
    assert!(cluster(&rendered, "chain/local@http://127.0.0.1:8090").get("transport_socket").is_none());
    assert_eq!(mixed["per_connection_buffer_limit_bytes"], 33 << 20);
    assert_eq!(rendered["static_resources"]["listeners"][0]["per_connection_buffer_limit_bytes"], 33 << 20);
}

#[test]
fn a_request_can_name_any_part_of_a_chain() {
    let compiled = compiled();
    let rendered = bootstrap(&settings(Path::new("/f.wasm")), ClusterSource::Static(&compiled.clusters));
    let three = cluster(&rendered, "chain/openai+claude+openai");
    let endpoints = three["load_assignment"]["endpoints"].as_array().unwrap();
    let parts = |at: usize| &endpoints[at]["lb_endpoints"][0]["metadata"]["filter_metadata"]["envoy.lb"]["steps"];
    assert_eq!(parts(0), &json!(["0", "0+1", "0+2"]));
    assert_eq!(parts(1), &json!(["1", "0+1", "1+2"]));
    assert_eq!(parts(2), &json!(["2", "0+2", "1+2"]));
    let selection = &three["lb_subset_config"];
    assert_eq!((&selection["fallback_policy"], &selection["list_as_any"]), (&json!("ANY_ENDPOINT"), &json!(true)));
    assert_eq!(selection["subset_selectors"], json!([{"keys": ["steps"], "fallback_policy": "NO_FALLBACK"}]));
    assert!(cluster(&rendered, "chain/openai").get("lb_subset_config").is_none(), "nothing can be left out");
    let mut rules = Vec::new();
    all(&rendered, "request_rules", &mut rules);
    assert_eq!(rules[0][0]["header"], "x-tollgate-steps");
    assert_eq!((&rules[0][0]["on_header_present"]["key"], &rules[0][0]["remove"]), (&json!("steps"), &json!(true)));
}

#[test]
fn the_one_route_leaves_every_decision_to_the_gate() {
    let rendered = bootstrap(&settings(Path::new("/f.wasm")), ClusterSource::Static(&[]));
    let (mut routes, mut managers) = (Vec::new(), Vec::new());
    all(&rendered, "route", &mut routes);
    all(&rendered, "use_remote_address", &mut managers);
    assert_eq!((routes.len(), managers), (1, vec![&json!(true)]));
    assert_eq!(routes[0]["cluster_header"], "x-tollgate-cluster");
    assert_eq!(routes[0]["timeout"], "0s");
    let retries = &routes[0]["retry_policy"];
    assert_eq!((&retries["num_retries"], &retries["retriable_status_codes"]), (&json!(0), &json!([429])));
    assert_eq!(retries["retry_priority"]["typed_config"]["update_frequency"], 1);
    assert!(!rendered.to_string().contains("upgrade_configs"), "nothing is upgraded");
}

#[test]
fn no_credential_is_in_what_envoy_reads() {
    let compiled = compiled();
    let settings = settings(Path::new("/f.wasm"));
    let rendered = bootstrap(&settings, ClusterSource::Static(&compiled.clusters)).to_string();
    assert!(!rendered.contains("canary"));
    assert!(!clusters_file(&compiled.clusters, &settings).to_string().contains("canary"));
}

#[test]
fn the_gate_learns_the_clusters_only_where_they_are_fixed() {
    let compiled = compiled();
    let settings = settings(Path::new("/f.wasm"));
    let gate = |source| {
        let rendered = bootstrap(&settings, source);
        let mut values = Vec::new();
        all(&rendered, "configuration", &mut values);
        let gate = values.iter().map(|value| value["value"].as_str().unwrap()).find(|text| text.contains(r#""gate""#));
        serde_json::from_str::<Value>(gate.unwrap()).unwrap()
    };
    let fixed = gate(ClusterSource::Static(&compiled.clusters));
    assert_eq!(fixed["clusters"].as_array().unwrap().len(), compiled.clusters.len());
    assert_eq!(fixed["control_plane"], "tollgate_control_plane");
    assert!(gate(ClusterSource::Watched(Path::new("/d/clusters.json"))).get("clusters").is_none());
}

#[test]
fn the_same_clusters_have_the_same_version() {
    let compiled = compiled();
    let settings = settings(Path::new("/f.wasm"));
    let version = |n: usize| clusters_file(&compiled.clusters[..n], &settings)["version_info"].clone();
    assert_eq!(version(2), version(2));
    assert_ne!(version(2), version(3));
}

#[test]
fn envoy_accepts_both_renderings() {
    let fetched = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/envoy/envoy");
    let Some(envoy) = std::env::var_os("ENVOY_BIN").or(fetched.is_file().then_some(fetched.into())) else {
        eprintln!("SKIPPED: neither ENVOY_BIN nor .tools/envoy/envoy: not checked by Envoy itself");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let wasm = folder.path().join("empty.wasm");
    std::fs::write(&wasm, EMPTY_FILTER).unwrap();
    let compiled = compiled();
    let settings = settings(&wasm);
    let clusters = folder.path().join("clusters.json");
    write_atomically(&clusters, &clusters_file(&compiled.clusters, &settings)).unwrap();
    for source in [ClusterSource::Static(&compiled.clusters), ClusterSource::Watched(&clusters)] {
        let path = folder.path().join("bootstrap.json");
        write_atomically(&path, &bootstrap(&settings, source)).unwrap();
        let output = Command::new(&envoy).args(["--mode", "validate", "-c"]).arg(&path).output().unwrap();
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{log}");
        let deprecated = log.lines().filter(|line| line.contains("deprecated")).collect::<Vec<_>>();
        assert!(deprecated.is_empty(), "{deprecated:#?}");
    }
}

/// The least that Envoy takes for a filter: a module that exports a memory, an allocator and the mark of the ABI.
const EMPTY_FILTER: &[u8] = b"\0asm\x01\0\0\0\
    \x01\x09\x02\x60\x00\x00\x60\x01\x7f\x01\x7f\
    \x03\x03\x02\x00\x01\
    \x05\x03\x01\x00\x01\
    \x07\x2d\x03\x06memory\x02\x00\x17proxy_abi_version_0_2_1\x00\x00\x06malloc\x00\x01\
    \x0a\x09\x02\x02\x00\x0b\x04\x00\x41\x00\x0b";
