//! The whole system on one machine, for one test.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use mock_llm::Mock;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::{Answer, Config, ControlPlane, DEV_KEY, PATIENCE, Process, artefacts, eventually, ports};

/// The mock providers of the configuration's names.
pub struct Providers {
    /// Speaks OpenAI.
    pub openai: Mock,
    /// Speaks Anthropic.
    pub claude: Mock,
    /// Speaks OpenAI.
    pub second: Mock,
}

impl Providers {
    async fn start() -> Self {
        let mock = async || Mock::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.expect("a free port");
        Self { openai: mock().await, claude: mock().await, second: mock().await }
    }

    /// openai, claude, second.
    #[must_use]
    pub fn each(&self) -> [&Mock; 3] {
        [&self.openai, &self.claude, &self.second]
    }

    /// Forgets what was received and scripted.
    pub fn clear(&self) {
        self.each().into_iter().for_each(Mock::clear);
    }
}

/// What is prepared and not yet running: a folder, ports, a configuration.
pub struct Setup {
    folder: TempDir,
    gateway: SocketAddr,
    envoy_admin: SocketAddr,
    http: SocketAddr,
    grpc: SocketAddr,
    module: PathBuf,
    providers: Providers,
}

/// A system of which each half may run or not.
pub struct Stack {
    setup: Setup,
    client: reqwest::Client,
    /// `tollgate serve`, while it runs.
    pub control_plane: Option<Process>,
    /// Envoy, while it runs.
    pub envoy: Option<Process>,
}

/// Two workers and the main thread.
const VMS: usize = 3;

/// When set, the system's folder (configuration, Envoy's bootstrap, both logs, the database) stays, and a line says where.
const KEEP: &str = "TEST_KEEP";
/// Envoy's log levels by component, as its `--component-log-level` takes them.
const ENVOY_LOG: &str = "TEST_ENVOY_LOG";

fn folder() -> TempDir {
    let mut folder = tempfile::tempdir().expect("a temporary folder");
    if std::env::var_os(KEEP).is_some() {
        folder.disable_cleanup(true);
        eprintln!("this system's folder stays: {}", folder.path().display());
    }
    folder
}

impl Setup {
    /// Ports, mocks, and the standard configuration as `change` leaves it.
    pub async fn prepare(change: impl FnOnce(&mut Value)) -> Self {
        let setup = Self {
            folder: folder(),
            gateway: ports::free(),
            envoy_admin: ports::free(),
            http: ports::free(),
            grpc: ports::free(),
            module: artefacts::module(),
            providers: Providers::start().await,
        };
        let mut config = Config::standard(&setup.providers);
        change(&mut config.0);
        setup.write_config(&config.0.to_string());
        setup
    }

    /// With the module whose faults can be provoked.
    #[must_use]
    pub fn with_faults(mut self) -> Self {
        self.module = artefacts::module_with_faults();
        self
    }

    /// Nothing of it running.
    #[must_use]
    pub fn stopped(self) -> Stack {
        Stack { setup: self, client: reqwest::Client::new(), control_plane: None, envoy: None }
    }

    /// All of it running, and ready.
    pub async fn started(self) -> Stack {
        let mut stack = self.stopped();
        stack.start_control_plane().await;
        stack.start_envoy();
        stack.ready().await;
        stack
    }

    fn write_config(&self, text: &str) {
        // As editors do it: a new file in the place of the old one.
        let draft = self.folder.path().join("tollgate.yaml.new");
        fs::write(&draft, text).expect("the configuration can be written");
        fs::rename(draft, self.config_file()).expect("the configuration can be replaced");
    }

    fn config_file(&self) -> PathBuf {
        self.folder.path().join("tollgate.yaml")
    }

    /// The data folder of its control plane, which makes it where it does not exist.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn secret(&self, name: &str) -> Option<String> {
        let secret = fs::read_to_string(self.data().join(name)).ok()?;
        Some(secret.trim().to_owned()).filter(|secret| !secret.is_empty())
    }
}

impl Stack {
    /// All of it running on the standard configuration.
    pub async fn start() -> Self {
        Setup::prepare(|_| ()).await.started().await
    }

    /// The mocks.
    #[must_use]
    pub fn providers(&self) -> &Providers {
        &self.setup.providers
    }

    /// Starts `tollgate serve` and waits until its API answers and Envoy's files are there.
    pub async fn start_control_plane(&mut self) {
        let mut process = self.spawn_control_plane();
        let bootstrap = self.bootstrap();
        let answers = eventually(async || {
            assert!(process.is_running(), "tollgate serve ended: {}", process.log());
            let health = reqwest::get(format!("http://{}/health", self.setup.http)).await.ok()?;
            (health.status() == 200 && bootstrap.is_file()).then_some(())
        });
        answers.await.unwrap_or_else(|| panic!("tollgate serve does not get ready"));
        self.control_plane = Some(process);
    }

    /// Starts `tollgate serve` and leaves it to itself.
    #[must_use]
    pub fn spawn_control_plane(&self) -> Process {
        let mut command = self.command("serve");
        command.arg("--envoy-dir").arg(self.setup.data().join("envoy"));
        Process::start("tollgate serve", &mut command, &self.setup.folder.path().join("tollgate.log"))
    }

    /// Starts `tollgate up`: everything, as one command.
    #[must_use]
    pub fn start_up(&self) -> Process {
        let mut command = self.command("up");
        command.arg("--envoy-bin").arg(artefacts::envoy()).args(["--concurrency", "2"]);
        Process::start("tollgate up", &mut command, &self.setup.folder.path().join("tollgate.log"))
    }

    /// `tollgate` with this system's places.
    fn command(&self, name: &str) -> Command {
        let setup = &self.setup;
        let mut command = Command::new(artefacts::tollgate());
        command.arg(name).arg("--config").arg(setup.config_file()).arg("--data-dir").arg(setup.data());
        command.arg("--wasm").arg(&setup.module);
        for (flag, address) in [
            ("--http", setup.http),
            ("--grpc", setup.grpc),
            ("--listen", setup.gateway),
            ("--envoy-admin", setup.envoy_admin),
        ] {
            command.arg(flag).arg(address.to_string());
        }
        command
    }

    /// Starts Envoy with two workers on the files that the control plane has written.
    pub fn start_envoy(&mut self) {
        let token = self.setup.secret("node-token").expect("the control plane has made a node token");
        let mut command = Command::new(artefacts::envoy());
        command.arg("--config-path").arg(self.bootstrap()).args(["--concurrency", "2", "--use-dynamic-base-id"]);
        let log = std::env::var(ENVOY_LOG).unwrap_or_else(|_| "wasm:info".to_owned());
        command.args(["--log-level", "warning", "--component-log-level", &log]);
        command.env("TOLLGATE_NODE_TOKEN", token);
        let log = self.setup.folder.path().join("envoy.log");
        self.envoy = Some(Process::start("envoy", &mut command, &log));
    }

    /// Waits until every VM runs on the control plane's snapshot and the gateway answers.
    pub async fn ready(&mut self) {
        let ready = eventually(async || {
            let envoy = self.envoy.as_mut().expect("Envoy was started");
            assert!(envoy.is_running(), "Envoy ended: {}", envoy.log());
            self.is_ready().await.then_some(())
        });
        ready.await.unwrap_or_else(|| panic!("not ready within {PATIENCE:?}"));
    }

    /// Whether every VM runs on the control plane's snapshot and the gateway answers.
    pub async fn is_ready(&self) -> bool {
        let Ok(health) = self.client.get(self.url("/health")).send().await else { return false };
        let Some((_, vms)) = self.api().snapshot().await else { return false };
        health.status() == 200 && vms >= VMS
    }

    /// Waits until every VM runs on a snapshot later than this one.
    pub async fn wait_for_snapshot_after(&self, version: u64) -> u64 {
        self.api().wait_for_snapshot(version, VMS).await
    }

    /// The API of the control plane.
    #[must_use]
    pub fn api(&self) -> ControlPlane {
        let token = self.setup.secret("admin-token").expect("the control plane has made an admin token");
        ControlPlane::new(self.setup.http, token)
    }

    /// Runs `tollgate` with these arguments and `--data-dir` and `--server` of this system; what it printed.
    pub async fn tollgate(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(artefacts::tollgate());
        command.args(arguments).arg("--data-dir").arg(self.setup.data()).arg("--server").arg(self.api().url());
        let output = command.output().await.expect("tollgate can be run");
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
        printed
    }

    /// Where clients reach the gateway.
    #[must_use]
    pub fn gateway(&self) -> SocketAddr {
        self.setup.gateway
    }

    /// Where Envoy's admin interface is.
    #[must_use]
    pub fn envoy_admin(&self) -> SocketAddr {
        self.setup.envoy_admin
    }

    /// Where the VMs reach the control plane.
    #[must_use]
    pub fn grpc(&self) -> SocketAddr {
        self.setup.grpc
    }

    /// A URL of the gateway.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.setup.gateway)
    }

    /// The bootstrap that Envoy starts with.
    #[must_use]
    pub fn bootstrap(&self) -> PathBuf {
        self.setup.data().join("envoy/bootstrap.json")
    }

    /// The folder with everything this system writes.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        self.setup.folder.path()
    }

    /// The configuration file as it is.
    #[must_use]
    pub fn config(&self) -> Value {
        let text = fs::read_to_string(self.setup.config_file()).expect("the configuration can be read");
        serde_json::from_str(&text).expect("the tests write JSON")
    }

    /// Replaces the configuration file.
    pub fn write_config(&self, text: &str) {
        self.setup.write_config(text);
    }

    /// A call of the gateway by the key that may do everything. Headers and body are the caller's.
    pub fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, self.url(path)).bearer_auth(DEV_KEY)
    }

    /// Sends a chat request with this body.
    pub async fn send_chat(&self, body: impl ToString) -> reqwest::Response {
        let request = self.request(reqwest::Method::POST, "/v1/chat/completions");
        let request = request.header("content-type", "application/json").body(body.to_string());
        request.send().await.unwrap_or_else(|error| panic!("no answer: {error:?}"))
    }

    /// Sends a chat request and reads the whole answer.
    pub async fn chat(&self, body: impl ToString) -> Answer {
        Answer::read(self.send_chat(body).await).await.unwrap_or_else(|error| panic!("broken off: {error:?}"))
    }

    /// Both logs.
    #[must_use]
    pub fn logs(&self) -> String {
        let read = |name: &str| fs::read(self.setup.folder.path().join(name)).unwrap_or_default();
        ["tollgate.log", "envoy.log"]
            .map(|name| format!("== {name}\n{}", String::from_utf8_lossy(&read(name))))
            .join("\n")
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let logs = self.logs();
            let lines: Vec<&str> = logs.lines().collect();
            let tail = lines.get(lines.len().saturating_sub(200)..).unwrap_or_default();
            eprintln!("{}", tail.join("\n"));
        }
    }
}
