//! A control plane that runs beside the test, as a process would: in a runtime of its own, so that it can be killed.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    time::Duration,
};

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use tokio::{
    runtime::{Builder, Runtime},
    sync::oneshot,
    task::JoinHandle,
};
use tollgate_control_plane::{
    compile::{Compiled, compile},
    config::{Config, Environment},
    domain::key::BootstrapKey,
    operate::server::{Error, Options, Pace, Server, SpoolPlace, Wanted},
    prices::Book,
    publish::{self, FileChanges, FileInput, Publisher},
};
use tollgate_core::words::Secret;
use tollgate_proto::v1::Snapshot;

use super::{database::Database, eventually};

pub(crate) const NODE_TOKEN: &str = "node-token-of-the-tests";
pub(crate) const ADMIN_TOKEN: &str = "admin-token-of-the-tests";

/// A beat that is never missed within a test, and a grace that is soon over.
pub(crate) const SHORT_GRACE: Pace = Pace { heartbeat: Duration::from_secs(30), grace: Duration::from_millis(300) };

/// A running control plane. Dropping it kills it: nothing is closed or flushed.
pub(crate) struct Plane {
    runtime: Option<Runtime>,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<Result<(), Error>>,
    publisher: Publisher,
    http: SocketAddr,
    pub(crate) grpc: SocketAddr,
    client: reqwest::Client,
}

/// Free ports, the tests' tokens, and a spool that the next control plane on this database finds again.
pub(crate) fn options(database: &Database) -> Options {
    let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Options {
        store_url: database.url.clone(),
        spool: Some(SpoolPlace { folder: database.data_dir("data"), max_bytes: 64 << 20, wanted: Wanted::Yes }),
        http: anywhere,
        grpc: anywhere,
        node_token: Secret::new(NODE_TOKEN),
        admin_token: Secret::new(ADMIN_TOKEN),
    }
}

/// As [`options`], where the spool is wanted otherwise.
pub(crate) fn wanting(database: &Database, wanted: Wanted) -> Options {
    let spool = SpoolPlace { folder: database.data_dir("data"), max_bytes: 64 << 20, wanted };
    Options { spool: Some(spool), ..options(database) }
}

impl Plane {
    /// Starts one at the pace that it has for users.
    pub(crate) async fn start(database: &Database) -> Self {
        Self::start_at(database, Pace::default()).await
    }

    pub(crate) async fn start_at(database: &Database, pace: Pace) -> Self {
        Self::start_with(options(database), pace).await
    }

    /// Starts another one beside the one of [`Self::start`]: with a data folder of its own.
    pub(crate) async fn start_beside(database: &Database) -> Self {
        Self::start_beside_at(database, Pace::default()).await
    }

    pub(crate) async fn start_beside_at(database: &Database, pace: Pace) -> Self {
        let folder = database.data_dir("beside");
        let spool = SpoolPlace { folder, max_bytes: 64 << 20, wanted: Wanted::Yes };
        Self::start_with(Options { spool: Some(spool), ..options(database) }, pace).await
    }

    pub(crate) async fn start_with(options: Options, pace: Pace) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let starting = runtime.spawn(Server::start_at(options, pace));
        let server = starting.await.expect("starting does not panic").expect("the server starts");
        let (publisher, http, grpc) = (server.publisher(), server.http_addr(), server.grpc_addr());
        let (stop, stopped) = oneshot::channel();
        let running = runtime.spawn(server.run(async {
            let _ = stopped.await;
        }));
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { runtime: Some(runtime), stop: Some(stop), running, publisher, http, grpc, client }
    }

    /// Stops it as a signal would, and waits for its end.
    pub(crate) async fn stop(mut self) {
        drop(self.stop.take());
        (&mut self.running).await.expect("stopping does not panic").expect("it ends well");
    }

    /// Puts a snapshot in force, and these keys of a file.
    pub(crate) async fn publish(&self, snapshot: Snapshot, keys: Vec<BootstrapKey>) -> u64 {
        self.try_publish(snapshot, keys).await.expect("the filter takes it and the store works")
    }

    /// As [`Self::publish`], where it may fail.
    pub(crate) async fn try_publish(&self, snapshot: Snapshot, keys: Vec<BootstrapKey>) -> Result<u64, publish::Error> {
        self.put_in_force(Compiled { snapshot, ..Compiled::default() }, keys).await
    }

    /// Puts the text of a configuration file in force.
    pub(crate) async fn publish_file(&self, text: &str) -> u64 {
        let config = Config::parse("tollgate.yaml", text, &Environment::default()).expect("the file is sound");
        let compiled = compile(&config.policy, Book::built_in());
        self.put_in_force(compiled, config.keys).await.expect("the filter takes it and the store works")
    }

    async fn put_in_force(&self, compiled: Compiled, keys: Vec<BootstrapKey>) -> Result<u64, publish::Error> {
        let publisher = self.publisher.clone();
        let runtime = self.runtime.as_ref().expect("it runs");
        let publishing = runtime.spawn(async move { publisher.publish(compiled, &keys).await });
        publishing.await.expect("publishing does not panic")
    }

    /// Has every edit of a configuration file put in force from now on.
    pub(crate) fn follow(&self, config: &Path) {
        let changes = FileChanges::of(config).expect("its folder is there");
        let file = FileInput::new(config.to_owned(), Environment::default(), self.publisher.clone(), None);
        self.runtime.as_ref().expect("it runs").spawn(file.follow(changes));
    }

    pub(crate) fn publisher(&self) -> &Publisher {
        &self.publisher
    }

    /// What `/health` answers.
    pub(crate) async fn health(&self) -> (StatusCode, Value) {
        let response = self.anonymous(Method::GET, "/health").send().await.expect("the HTTP API answers");
        (response.status(), response.json().await.expect("the answer is JSON"))
    }

    /// A request with the admin token.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).bearer_auth(ADMIN_TOKEN)
    }

    pub(crate) fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.http))
    }

    /// What a GET answers, which must be JSON and a success, once the store has all that was acknowledged.
    pub(crate) async fn get(&self, path: &str) -> Value {
        self.settled().await;
        let (status, body) = self.try_get(path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    pub(crate) async fn try_get(&self, path: &str) -> (StatusCode, Value) {
        let response = self.request(Method::GET, path).send().await.expect("the HTTP API answers");
        (response.status(), response.json().await.expect("the answer is JSON"))
    }

    /// Every usage record, the newest first.
    pub(crate) async fn records(&self) -> Vec<Value> {
        let mut answer = self.get("/api/v1/usage?limit=1000").await;
        serde_json::from_value(answer["records"].take()).expect("a list of records")
    }

    /// The ids of the exchanges on record, in order.
    pub(crate) async fn recorded(&self) -> Vec<Value> {
        let mut ids: Vec<_> = self.records().await.into_iter().map(|mut record| record["exchange_id"].take()).collect();
        ids.sort_by_key(ToString::to_string);
        ids
    }

    /// Waits until the store has all that was acknowledged.
    pub(crate) async fn settled(&self) {
        eventually("an empty spool", async || (self.metric_now("tollgate_spool_entries").await == 0.0).then_some(()))
            .await;
    }

    /// As [`Self::metric_now`], once the store has all that was acknowledged.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        self.settled().await;
        self.metric_now(name).await
    }

    /// The sum of a metric over its labels; 0 where it does not appear.
    pub(crate) async fn metric_now(&self, name: &str) -> f64 {
        let response = self.anonymous(Method::GET, "/metrics").send().await.expect("the HTTP API answers");
        let page = response.text().await.expect("the page is text");
        let samples = page.lines().filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            (series == name || series.split('{').next() == Some(name)).then(|| value.parse::<f64>().expect("a number"))
        });
        samples.sum()
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
