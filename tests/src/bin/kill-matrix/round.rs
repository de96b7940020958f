//! One round of one line: a system of its own, traffic, the fault at a random moment, and what is on record when all is well again.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::oneshot;
use tollgate_tests::{ControlPlane, Process, Setup, Stack};

use crate::cell::{Cell, Fault, StoreKind};
use crate::options::Options;
use crate::random::Random;
use crate::store::{Impossible, Store};
use crate::traffic::{self, Note};
use crate::verdict::{Ledger, Moments, Verdict};

/// Traffic before the earliest fault, and after all is well again.
const BEFORE: Duration = Duration::from_millis(800);
const AFTER: Duration = Duration::from_millis(800);
/// The latest moment of a fault, after [`BEFORE`]; and of a death, after the fault of the store, in milliseconds.
const SPREAD_MS: u64 = 1_000;
/// How often is asked what is on record.
const ASK_EVERY: Duration = Duration::from_millis(250);
/// How long anything may take to serve again, on a machine with more to do.
const START_WITHIN: Duration = Duration::from_secs(90);
/// How often this thread looks whether it comes late, and of how long before a death that counts.
const PROBE_EVERY: Duration = Duration::from_millis(10);
const PROBE: Duration = Duration::from_millis(300);

/// Plays it.
pub(crate) async fn play(cell: Cell, name: &str, seed: u64, options: &Options) -> Result<Verdict, Impossible> {
    let mut random = Random::new(seed);
    let mut store = Store::prepare(cell).await?;
    let url = store.url();
    let change = |config: &mut Value| {
        config["store"] = json!(url);
        if !cell.spool {
            config["spool"] = json!("none");
        }
    };
    let setup = Setup::prepare(change).await;
    store.keep_spool_in(&setup.data(), cell)?;
    let mut stack = setup.stopped();
    stack.start_control_plane().await;
    stack.start_envoy();
    wait_until_ready(&mut stack).await?;

    let (stop, stopped) = oneshot::channel();
    let (asked_url, draws) = (stack.url("/v1/chat/completions"), Random::new(random.next()));
    let traffic = tokio::spawn(traffic::drive(asked_url, name.to_owned(), options.rate, stopped, draws));
    tokio::time::sleep(BEFORE + random.millis(0, SPREAD_MS)).await;
    let lasts = Duration::from_millis(options.fault_ms);
    let moments = strike(cell, &mut stack, &mut store, lasts, &mut random).await?;
    wait_until_ready(&mut stack).await?;
    tokio::time::sleep(AFTER).await;
    drop(stop);
    let mut notes = traffic.await.map_err(|panic| Impossible::Failed(panic.to_string()))?;
    let received: Vec<_> = stack.providers().each().into_iter().flat_map(mock_llm::Mock::requests).collect();
    notes.iter_mut().for_each(|note| note.look_up(&received));
    let verdict = settle(&stack.api(), &notes, &moments, options).await;
    if !verdict.as_ref().is_ok_and(Verdict::holds) && std::env::var_os("TEST_KEEP").is_some() {
        eprintln!("{cell}: {}", stack.folder().display());
    }
    store.release_spool();
    drop(stack);
    store.remove().await;
    verdict
}

/// Hurts, kills, restarts and heals.
async fn strike(
    cell: Cell,
    stack: &mut Stack,
    store: &mut Store,
    lasts: Duration,
    random: &mut Random,
) -> Result<Moments, Impossible> {
    let mut moments = Moments::default();
    let begun = tokio::time::Instant::now();
    if let Some(fault) = cell.fault {
        moments.fault = Some(Instant::now());
        moments.deaf = moments.fault.filter(|_| cell.takes_nothing());
        store.hurt(fault).await?;
        moments.deleted = (fault == Fault::Deleted).then(Instant::now);
        tokio::time::sleep(random.millis(0, SPREAD_MS)).await;
    }
    moments.late = lateness(&stack.folder().join("probe")).await?;
    let now = Instant::now();
    moments.control_plane_killed = cell.kills_control_plane().then_some(now);
    moments.envoy_killed = cell.kills_envoy().then_some(now);
    let (control_plane, envoy) =
        (stack.control_plane.take_if(|_| cell.kills_control_plane()), stack.envoy.take_if(|_| cell.kills_envoy()));
    tokio::join!(kill(control_plane), kill(envoy));
    if cell.kills_envoy() {
        // As a supervisor does it, whether there is a control plane or not.
        stack.start_envoy();
    }
    let restarts = random.millis(0, SPREAD_MS);
    let healing = async {
        if cell.fault.is_some() {
            tokio::time::sleep_until(begun + lasts).await;
            store.heal().await?;
        }
        Ok(Instant::now())
    };
    let restarting = async {
        if cell.kills_control_plane() {
            tokio::time::sleep(restarts).await;
            restart_control_plane(stack).await?;
        }
        Ok(())
    };
    let (healed, ()) = tokio::try_join!(healing, restarting)?;
    moments.healed = Some(healed);
    if cell.fault == Some(Fault::Deleted) && (cell.store == StoreKind::Postgres || !cell.kills_control_plane()) {
        // Tables are made by a control plane that starts: nothing is kept in a file that was removed, and somebody made a database, an
        // empty one, in the place of that which is gone.
        stack.control_plane.take().expect("it runs").terminate().await;
        restart_control_plane(stack).await?;
    }
    Ok(moments)
}

/// How late this machine wakes who sleeps: by as much a VM's tick may be late too. And what it takes to write to its disk twice: what a tick
/// said waits for the commit that runs, and is in the next one.
async fn lateness(file: &Path) -> Result<Duration, Impossible> {
    let begun = Instant::now();
    let (mut late, mut sync) = (Duration::ZERO, Duration::ZERO);
    while begun.elapsed() < PROBE {
        let asleep = Instant::now();
        tokio::time::sleep(PROBE_EVERY).await;
        late = late.max(asleep.elapsed().saturating_sub(PROBE_EVERY));
        let writing = Instant::now();
        synced(file).await.map_err(|error| Impossible::Failed(format!("a probe of the disk: {error}")))?;
        sync = sync.max(writing.elapsed());
    }
    Ok(late + sync * 2)
}

async fn synced(file: &Path) -> io::Result<()> {
    let mut file = File::create(file).await?;
    file.write_all(&[0; 4_096]).await?;
    file.sync_all().await
}

async fn wait_until_ready(stack: &mut Stack) -> Result<(), Impossible> {
    let deadline = Instant::now() + START_WITHIN;
    while Instant::now() < deadline {
        if let Some(envoy) = &mut stack.envoy
            && !envoy.is_running()
        {
            return Err(Impossible::Failed(format!("Envoy ended: {}", envoy.log())));
        }
        if stack.is_ready().await {
            return Ok(());
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
    Err(Impossible::Failed(format!("not ready after {START_WITHIN:?}: {}", stack.logs())))
}

/// The signal is sent at once; the end may take a while.
async fn kill(process: Option<Process>) {
    if let Some(process) = process {
        process.kill().await;
    }
}

/// Starts it until it stays: without its store it may end again.
async fn restart_control_plane(stack: &mut Stack) -> Result<(), Impossible> {
    let deadline = Instant::now() + START_WITHIN;
    while Instant::now() < deadline {
        let mut process = stack.spawn_control_plane();
        while process.is_running() && Instant::now() < deadline {
            if stack.api().snapshot().await.is_some() {
                stack.control_plane = Some(process);
                return Ok(());
            }
            tokio::time::sleep(ASK_EVERY / 5).await;
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
    Err(Impossible::Failed(format!("no control plane after {START_WITHIN:?}: {}", stack.logs())))
}

/// Asks what is on record until nothing is missing, no VM has anything left to say and the spool is empty, or until patience ends.
async fn settle(
    api: &ControlPlane,
    notes: &[Note],
    moments: &Moments,
    options: &Options,
) -> Result<Verdict, Impossible> {
    let deadline = Instant::now() + Duration::from_secs(options.patience);
    let mut last = None;
    loop {
        let quiet = outboxes_are_empty(api).await;
        if let (Some(in_spool), Some(ledger)) = (spool_entries(api).await, ledger(api).await) {
            let verdict = Verdict { in_spool, ..Verdict::of(notes, &ledger, moments, options.beat()) };
            if quiet && verdict.holds() {
                return Ok(verdict);
            }
            last = Some(verdict);
        }
        if Instant::now() > deadline {
            return last.ok_or_else(|| Impossible::Failed("the API does not say what is on record".to_owned()));
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

async fn outboxes_are_empty(api: &ControlPlane) -> bool {
    let Some(snapshot) = ask(api, "/api/v1/snapshot").await else { return false };
    let vms = snapshot["vms"].as_array().map(Vec::as_slice).unwrap_or_default();
    vms.iter().all(|vm| vm["outbox_records"] == 0)
}

/// What waits for the store; 0 without a spool, and `None` while the control plane cannot say.
async fn spool_entries(api: &ControlPlane) -> Option<u64> {
    let answer = api.call(Method::GET, "/metrics", None).await.ok()?;
    answer.text().lines().find_map(|line| line.strip_prefix("tollgate_spool_entries ")?.parse().ok())
}

/// All that is on record, and the sums of it; `None` while the control plane cannot say.
async fn ledger(api: &ControlPlane) -> Option<Ledger> {
    let mut ledger = Ledger::default();
    let mut path = "/api/v1/usage?limit=1000".to_owned();
    loop {
        let page = ask(api, &path).await?;
        page["records"].as_array()?.iter().for_each(|record| ledger.add(record));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/v1/usage?limit=1000&cursor={cursor}");
    }
    let groups = ask(api, "/api/v1/usage?group_by=outcome").await?;
    for group in groups["groups"].as_array()? {
        ledger.sums.insert(group["outcome"].as_str()?.to_owned(), group["requests"].as_u64()?);
    }
    Some(ledger)
}

async fn ask(api: &ControlPlane, path: &str) -> Option<Value> {
    let answer = api.call(Method::GET, path, None).await.ok()?;
    (answer.status == 200).then(|| answer.json())
}
