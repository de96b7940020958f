//! Mistakes in the configuration file: each is found, all at once, at its line and column, without showing a secret.

use tollgate_control_plane::config::{Config, Environment, Problems};

fn parse(text: &str) -> Result<Config, Problems> {
    let environment: Environment = [("KEY", "sk-very-secret"), ("EMPTY", "")].into_iter().collect();
    Config::parse("t.yaml", text, &environment)
}

fn problems(text: &str) -> Vec<String> {
    parse(text).expect_err("has mistakes").iter().map(ToString::to_string).collect()
}

#[test]
fn unknown_keys_are_named_with_place_and_nearest_key() {
    assert_eq!(
        problems("provider:\n  a: {kind: openai}\n"),
        ["t.yaml:1:1: unknown key `provider` (did you mean `providers`?); known here: providers, models, aliases, \
          keys, prices, store, spool, auth, max_body"]
    );
    let nested = problems("providers:\n  a: {kind: openai, api_key: none, base_uri: \"http://h\"}\n");
    assert!(nested[0].starts_with("t.yaml:2:36: unknown key `base_uri` (did you mean `base_url`?)"), "{nested:?}");
    // Sections of later issues are unknown too.
    assert!(problems("limits: []\n")[0].starts_with("t.yaml:1:1: unknown key `limits`"));
}

#[test]
fn every_mistake_of_meaning_is_reported_in_the_order_of_the_file() {
    let text = r#"providers:
  good: {kind: openai, api_key: none}
  bad: {kind: opanai, api_key: none}
  far: {kind: openai, api_key: none, base_url: "ftp://x"}
  unset: {kind: openai, api_key: "${NO_SUCH}"}
  bare: {kind: openai_compatible, api_key: none}
models:
  a: {targets: [{provider: goood}]}
  b: {targets: []}
  c: {targets: [{provider: good, weight: 0}]}
  d: {targets: [{provider: good, weight: many}], timeout: 30, translation: sloppy}
  e: {}
aliases:
  x: y
  y: x
  z: nothing
  a: e
keys:
  - {name: one, key: "${KEY}"}
  - {name: one, key: "12345678"}
  - {name: two, key: "${KEY}"}
prices:
  m: {input: -1, output: 2}
  n: {input: 1}
store: mysql://x
max_body: lots
"#;
    let found = problems(text);
    let places: Vec<&str> = found.iter().map(|p| p.trim_start_matches("t.yaml:").split(": ").next().unwrap()).collect();
    assert_eq!(
        places,
        [
            "3:15", "4:48", "5:34", "6:3", "8:28", "9:16", "10:16", "11:42", "11:59", "11:76", "12:3", "14:6", "15:6",
            "16:6", "17:3", "20:12", "21:12", "23:14", "24:3", "25:8", "26:11"
        ],
        "{found:#?}"
    );
    let said = |part: &str| assert!(found.iter().any(|p| p.contains(part)), "{part}: {found:#?}");
    said("unknown kind `opanai` (did you mean `openai`?)");
    said("the variable NO_SUCH is not set or empty");
    said("unknown provider `goood` (did you mean `good`?)");
    said("these aliases go in a circle: x → y → x");
    said("`nothing` is no model and no alias");
    said("the key `one` is on line 19 already");
    said("the keys `one` and `two` have the same value");
    said("have weight 0");
}

#[test]
fn what_a_provider_says_of_formats_and_of_aws_is_checked() {
    let text = r#"providers:
  a: {kind: openai, api_key: none, formats: [openai_chat, openai_chats]}
  b: {kind: openai, api_key: none, formats: []}
  c: {kind: openai, api_key: none, formats: [openai_chat, openai_chat]}
  d: {kind: bedrock, api_key: none}
  e: {kind: bedrock, api_key: none, region: "Europe (Frankfurt)"}
  f: {kind: bedrock, region: us-east-1, access_key_id: AKIA1}
  g: {kind: bedrock, region: us-east-1, access_key_id: AKIA1, secret_access_key: k, api_key: "${KEY}"}
  h: {kind: bedrock, base_url: "http://h", access_key_id: AKIA1, secret_access_key: k}
  i: {kind: bedrock, region: us-east-1}
  j: {kind: openai, api_key: none, region: us-east-1}
  k: {kind: bedrock, access_key_id: AKIA1, secret_access_key: k}
"#;
    let found = problems(text);
    let expected = [
        ("2:59", "unknown format `openai_chats` (did you mean `openai_chat`?); one of openai_chat, openai_responses"),
        ("3:45", "a provider speaks at least one format"),
        ("4:59", "`openai_chat` appears twice"),
        ("5:3", "provider `d` has no `region`, as in us-east-1"),
        ("6:45", "is not a region; write it like us-east-1"),
        ("7:3", "provider `f` needs both `access_key_id` and `secret_access_key` to sign"),
        ("8:94", "either `api_key` or keys that sign"),
        ("9:3", "provider `h` has no `region`, as in us-east-1, which is signed too"),
        ("10:3", "provider `i` has no `api_key`, or `access_key_id` and `secret_access_key`,"),
        ("11:44", "`region` belongs to the kind `bedrock`"),
        ("12:3", "provider `k` has no `region`, as in us-east-1, which says where it is"),
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, (place, said)) in found.iter().zip(expected) {
        assert!(found.starts_with(&format!("t.yaml:{place}: ")) && found.contains(said), "{found}");
    }
}

#[test]
fn keys_that_sign_are_left_out_when_a_variable_is_empty() {
    let config = parse(
        "providers:\n  b: {kind: bedrock, region: r, access_key_id: \"${EMPTY:-}\", secret_access_key: \"${KEY}\"}\n",
    )
    .expect("valid");
    assert!(config.policy.providers.is_empty());
    assert_eq!(config.notices, ["provider `b` is left out: EMPTY is empty"]);
}

#[test]
fn no_mistake_shows_a_secret() {
    for text in [
        "providers: {a: {kind: bedrock, access_key_id: \"${KEY}\", secret_access_key: \"sk-literal-secret\\n\"}}\n",
        "providers: {a: {kind: openai, api_key: none, session_token: sk-literal-secret}}\n",
        "providers: {a: \"${KEY}\"}\n",
        "providers: {a: sk-literal-secret}\n",
        "providers: {a: {kind: openai, api_key: [sk-literal-secret]}}\n",
        "providers: {a: {kind: \"${KEY}\", api_key: none}}\n",
        "providers: {a: {kind: openai, api_key: none, base_url: \"http://u:${KEY}@h\"}}\n",
        "store: \"mysql://sk-literal-secret\"\n",
        "auth: {admin_token: \"sk-literal-secret\\n\"}\n",
        "keys: [{name: a, key: \"sk literal-secret\"}]\n",
        "keys: [{name: a, key: sk-literal-secret}\nx",
        "keys: sk-literal-secret\n",
    ] {
        let shown = format!("{} {:?}", problems(text).join("\n"), parse(text));
        assert!(!shown.contains("secret"), "{text} -> {shown}");
        assert!(shown.starts_with("t.yaml:"), "{shown}");
    }
}

#[test]
fn broken_yaml_is_reported_once_where_it_breaks() {
    let found = problems("models:\n  a: [\n");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("t.yaml:3:1: ") || found[0].starts_with("t.yaml:2:"), "{found:?}");
    let twice = problems("models:\n  a: {targets: [{provider: x}]}\n  a: {targets: [{provider: x}]}\n");
    assert_eq!(twice, ["t.yaml:3:3: `a` appears twice: keep one of the two"]);
}

#[test]
fn a_provider_whose_variable_is_empty_is_left_out_with_all_that_needs_it() {
    let config = parse(
        "providers:\n  real: {kind: openai, api_key: \"${EMPTY:-}\"}\n  mock: {kind: openai, api_key: none}\n\
         models:\n  only: {targets: [{provider: real}]}\n  both: {targets: [{provider: real}, {provider: mock, priority: 1}]}\n\
         aliases: {a: only, b: both}\nkeys: [{name: dev, key: \"${EMPTY:-}\"}]\n",
    )
    .expect("valid");
    assert_eq!(config.policy.providers.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["mock"]);
    assert_eq!(config.policy.models.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(), ["both"]);
    assert_eq!(config.policy.models[0].targets.len(), 1);
    assert_eq!(config.policy.aliases, [("b".to_owned(), "both".to_owned())]);
    assert!(config.keys.is_empty());
    assert_eq!(config.notices.len(), 4, "{:?}", config.notices);
}

#[test]
fn an_empty_file_is_a_valid_configuration() {
    for text in ["", "# nothing\n", "{}\n"] {
        let config = parse(text).expect("valid");
        assert!(config.policy.providers.is_empty() && config.policy.models.is_empty());
        assert_eq!(config.policy.max_body, 32 << 20);
    }
}
