//! The command line as a user meets it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn tollgate(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tollgate"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/nowhere")
        .output()
        .expect("runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn check_accepts_the_file_of_the_repository() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let output = tollgate(&["check"], &root);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    assert!(said.contains("note: provider `openai` is left out: OPENAI_API_KEY is empty"), "{said}");
    assert!(said.contains("ok: 4 providers, 8 models, 2 aliases, 1 keys, 5 Envoy clusters"), "{said}");
}

#[test]
fn check_names_each_mistake_with_its_place_and_fails() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.yaml"), "models:\n  a: {targets: [{provider: x}]}\nstore: y\n").unwrap();
    let output = tollgate(&["check", "-c", "t.yaml"], folder.path());
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("t.yaml:2:28: unknown provider `x`"), "{said}");
    assert!(lines[1].starts_with("t.yaml:3:8: the store must be"), "{said}");
    let missing = tollgate(&["check", "-c", "nowhere.yaml"], folder.path());
    assert!(text(&missing.stderr).starts_with("nowhere.yaml: cannot be read"), "{}", text(&missing.stderr));
}

#[test]
fn up_names_the_taken_port_and_what_moves_it() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let free = ["--listen", "127.0.0.1:0", "--envoy-admin", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--http", &address];
    let output = tollgate(&[&["up"], &free[..]].concat(), folder.path());
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        said.trim(),
        format!("{address} for the HTTP API is taken; move it with --http HOST:PORT or TOLLGATE_HTTP")
    );
}

/// A read-only pod that was given only some of what it needs was told `Permission denied`, or that a file cannot be opened.
#[test]
fn a_data_folder_that_cannot_be_written_says_what_must_be_given() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tollgate.yaml"), "").unwrap();
    // No folder can be in a file: so it is for root too.
    std::fs::write(folder.path().join("file"), "").unwrap();
    let serve = ["serve", "--data-dir", "file/data", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"];
    let tokens = ["--node-token", "node-token-1", "--admin-token", "admin-token-1"];
    for (given, missing) in [(&[][..], "node-token"), (&tokens[..2], "admin-token"), (&tokens, "tollgate.db")] {
        let output = tollgate(&[&serve, given].concat(), folder.path());
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        let last = said.lines().last().unwrap_or_default();
        assert!(last.starts_with(&format!("file/data/{missing}: ")), "{said}");
        for needed in ["`store`", "TOLLGATE_NODE_TOKEN", "TOLLGATE_ADMIN_TOKEN"] {
            assert!(last.contains(needed), "{needed}: {said}");
        }
    }
}

#[test]
fn up_without_an_envoy_says_how_to_get_one() {
    let folder = tempfile::tempdir().unwrap();
    let zero = "127.0.0.1:0";
    let output =
        tollgate(&["up", "--listen", zero, "--envoy-admin", zero, "--grpc", zero, "--http", zero], folder.path());
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("no Envoy of at least 1.35 found") && said.contains("ENVOY_BIN"), "{said}");
}

#[test]
fn keys_without_a_server_or_a_token_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let no_token = tollgate(&["keys", "list"], folder.path());
    assert!(text(&no_token.stderr).contains("no token"), "{}", text(&no_token.stderr));
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = format!("http://{closed}");
    let nobody = tollgate(&["keys", "list", "--server", &server, "--admin-token", "t"], folder.path());
    assert!(text(&nobody.stderr).contains("nothing answers there"), "{}", text(&nobody.stderr));
    assert!(!folder.path().join(".tollgate").exists(), "nothing is made");
}

#[test]
fn render_writes_what_envoy_reads() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tollgate.yaml"), "providers: {a: {kind: openai, api_key: none}}\n").unwrap();
    let render = ["render", "envoy", "--wasm", "/opt/f.wasm"];
    let printed = tollgate(&render, folder.path());
    let bootstrap: serde_json::Value = serde_json::from_slice(&printed.stdout).expect("JSON");
    assert_eq!(bootstrap["static_resources"]["clusters"][1]["name"], "chain/a");
    let written = tollgate(&[&render[..], &["--clusters", "dynamic", "--out", "d"]].concat(), folder.path());
    assert!(written.status.success(), "{}", text(&written.stderr));
    let clusters = std::fs::read(folder.path().join("d/clusters.json")).unwrap();
    let clusters: serde_json::Value = serde_json::from_slice(&clusters).expect("JSON");
    assert_eq!(clusters["resources"][0]["name"], "chain/a");
    assert!(folder.path().join("d/bootstrap.json").is_file());
}

#[test]
fn the_examples_are_valid_and_the_rendered_one_is_current() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
        command.args(arguments).current_dir(&root).env_clear();
        let output = command.env("OPENAI_API_KEY", "sk-x").env("ANTHROPIC_API_KEY", "sk-y").output().expect("runs");
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    run(&["check", "-c", "envoy/dynamic/tollgate.yaml"]);
    let file = "-c envoy/static/tollgate.yaml --wasm /etc/envoy/tollgate_filter.wasm";
    let places = "--listen 0.0.0.0:10000 --control-plane-address tollgate:8082";
    let line = format!("render envoy {file} {places}");
    let rendered = run(&line.split(' ').collect::<Vec<_>>());
    let kept = std::fs::read_to_string(root.join("envoy/static/bootstrap.json")).expect("the example");
    assert!(
        rendered == kept,
        "envoy/static/bootstrap.json is out of date: envoy/static/README.md says how to render it"
    );
}

/// The log of a `tollgate serve` whose data folder cannot be made, until it is up or has ended.
fn serve_read_only(folder: &Path, config: &str) -> Vec<String> {
    std::fs::write(folder.join("file"), "").unwrap();
    std::fs::write(folder.join("t.yaml"), config).unwrap();
    let mut serving = Command::new(env!("CARGO_BIN_EXE_tollgate"))
        .args(["serve", "-c", "t.yaml", "--data-dir", "file/data", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"])
        .current_dir(folder)
        .env_clear()
        .env("TOLLGATE_NODE_TOKEN", "node-token")
        .env("TOLLGATE_ADMIN_TOKEN", "admin-token")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = Vec::new();
    for line in BufReader::new(serving.stderr.take().unwrap()).lines() {
        log.push(line.unwrap());
        if log.last().is_some_and(|line| line.contains("control plane is up")) {
            break;
        }
    }
    serving.kill().unwrap();
    serving.wait().unwrap();
    log
}

#[test]
fn a_control_plane_that_can_write_nowhere_serves_without_a_spool_unless_one_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let log = serve_read_only(folder.path(), "store: sqlite://store.db\n");
    assert!(log.iter().any(|line| line.contains("no spool") && line.contains("committed")), "{log:#?}");
    assert!(log.iter().any(|line| line.contains("control plane is up")), "{log:#?}");
    let folder = tempfile::tempdir().unwrap();
    let log = serve_read_only(folder.path(), "store: sqlite://store.db\nspool: 1GiB\n");
    assert!(log.last().is_some_and(|line| line.contains("spool.lock cannot be written")), "{log:#?}");
}

#[test]
fn check_says_what_an_acknowledgement_waits_for() {
    let folder = tempfile::tempdir().unwrap();
    for (config, said) in [
        ("{}\n", "in the spool of the data folder"),
        ("spool: 64MiB\n", "the data folder must be durable"),
        ("spool: none\n", "when the store has committed it"),
    ] {
        std::fs::write(folder.path().join("t.yaml"), config).unwrap();
        let output = tollgate(&["check", "-c", "t.yaml"], folder.path());
        assert!(text(&output.stdout).contains(said), "{config}: {}", text(&output.stdout));
    }
    for (config, said) in
        [("spool: lots\n", "t.yaml:1:8: `lots` is not a size like 1GiB, nor `none`"), ("spool: 1MiB\n", "16MiB")]
    {
        std::fs::write(folder.path().join("t.yaml"), config).unwrap();
        let output = tollgate(&["check", "-c", "t.yaml"], folder.path());
        assert!(text(&output.stderr).contains(said), "{config}: {}", text(&output.stderr));
    }
}
