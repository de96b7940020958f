//! A database of `TEST_POSTGRES_URL`, reached through a proxy.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use reqwest::Url;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use tempfile::TempDir;

use super::Impossible;
use super::mount::Room;
use super::proxy::{Mood, Proxy};
use crate::cell::Fault;

/// The database, and what is being done to it.
pub(crate) struct Postgres {
    /// The server's own, by its own address.
    server: Url,
    name: String,
    proxy: Proxy,
    hurt: Hurt,
    /// Where its tables are, if not with the others.
    room: Option<(Room, TempDir)>,
}

/// What is to be undone.
enum Hurt {
    Nothing,
    Proxied,
    Held(Vec<PgConnection>),
    ReadOnly,
    Dropped,
    Filled,
}

/// Room for a new database, and little beyond.
const ROOM: &str = "size=32m";
/// How much later everything comes from a slow server, each way.
const SLOW: Duration = Duration::from_millis(150);

impl Postgres {
    pub(crate) async fn prepare(fault: Option<Fault>) -> Result<Self, Impossible> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let Ok(url) = std::env::var("TEST_POSTGRES_URL") else {
            return Err(Impossible::Here("TEST_POSTGRES_URL names no server".to_owned()));
        };
        let server = Url::parse(&url).map_err(|error| Impossible::failed("TEST_POSTGRES_URL", error))?;
        let address = server.socket_addrs(|| Some(5432)).ok().and_then(|found| found.first().copied());
        let address: SocketAddr = address.ok_or_else(|| Impossible::Failed("no address of PostgreSQL".to_owned()))?;
        let name = format!("kill_matrix_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let proxy = Proxy::start(address).await.map_err(|error| Impossible::failed("the proxy", error))?;
        let mut store = Self { server, name, proxy, hurt: Hurt::Nothing, room: None };
        if fault == Some(Fault::Full) {
            store.room = Some(store.make_room().await?);
            store.tell(&format!("create database {0} tablespace {0}", store.name)).await?;
        } else {
            store.tell(&format!("create database {}", store.name)).await?;
        }
        Ok(store)
    }

    pub(crate) fn url(&self) -> String {
        let mut url = self.server.clone();
        url.set_path(&self.name);
        let through_proxy =
            url.set_ip_host(self.proxy.address().ip()).and_then(|()| url.set_port(Some(self.proxy.address().port())));
        assert!(through_proxy.is_ok(), "a URL of PostgreSQL has a host");
        url.into()
    }

    pub(crate) async fn hurt(&mut self, fault: Fault) -> Result<(), Impossible> {
        self.hurt = match fault {
            Fault::Away => self.proxied(Mood::Away),
            Fault::Silent => self.proxied(Mood::Silent),
            Fault::Slow => self.proxied(Mood::Slow(SLOW)),
            Fault::Locked => {
                // In the order in which the control plane takes them: one that has the last already would wait for the first, which only
                // the end of the fault gives back, and we for the last.
                let mut held = Vec::new();
                for table in ["vms", "usage_records", "open_exchanges"] {
                    held.push(self.lock(table).await?);
                }
                Hurt::Held(held)
            }
            Fault::ReadOnly => {
                self.set_read_only(true).await?;
                Hurt::ReadOnly
            }
            Fault::Deleted => {
                self.tell(&format!("drop database {} with (force)", self.name)).await?;
                Hurt::Dropped
            }
            Fault::SpoolFull => return Err(Impossible::Failed("that is no fault of a database".to_owned())),
            Fault::Full => {
                self.room.as_ref().map_or(Ok(()), |(room, _)| room.fill())?;
                Hurt::Filled
            }
        };
        Ok(())
    }

    pub(crate) async fn heal(&mut self) -> Result<(), Impossible> {
        match std::mem::replace(&mut self.hurt, Hurt::Nothing) {
            Hurt::Nothing => Ok(()),
            Hurt::Proxied => {
                self.proxy.set(Mood::Well);
                Ok(())
            }
            Hurt::Held(held) => {
                for connection in held {
                    connection.close().await.map_err(|error| Impossible::failed("unlock", error))?;
                }
                Ok(())
            }
            Hurt::ReadOnly => self.set_read_only(false).await,
            Hurt::Filled => self.room.as_ref().map_or(Ok(()), |(room, _)| room.clear()),
            Hurt::Dropped => self.tell(&format!("create database {}", self.name)).await,
        }
    }

    pub(crate) async fn remove(self) {
        let _ = self.tell(&format!("drop database if exists {} with (force)", self.name)).await;
        if self.room.is_some() {
            let _ = self.tell(&format!("drop tablespace {}", self.name)).await;
        }
    }

    /// A tablespace on a file system of its own, which belongs to the user that the server runs as: on this machine, or nowhere.
    async fn make_room(&self) -> Result<(Room, TempDir), Impossible> {
        let mut connection = connect(&self.server).await?;
        let pid: i32 = sqlx::query_scalar("select pg_backend_pid()")
            .fetch_one(&mut connection)
            .await
            .map_err(|error| Impossible::failed("PostgreSQL", error))?;
        let process = fs::metadata(format!("/proc/{pid}"));
        let process = process.map_err(|_| Impossible::Here("the server is on another machine".to_owned()))?;
        let folder = tempfile::tempdir().and_then(|folder| {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
            fs::create_dir(folder.path().join("room"))?;
            Ok(folder)
        });
        let folder = folder.map_err(|error| Impossible::failed("a folder for the store", error))?;
        let place = folder.path().join("room");
        let room = Room::mount(place.clone(), &format!("{ROOM},mode=700,uid={},gid={}", process.uid(), process.gid()))?;
        self.tell(&format!("create tablespace {} location '{}'", self.name, place.display())).await?;
        Ok((room, folder))
    }

    fn proxied(&self, mood: Mood) -> Hurt {
        self.proxy.set(mood);
        Hurt::Proxied
    }

    async fn lock(&self, table: &str) -> Result<PgConnection, Impossible> {
        let mut url = self.server.clone();
        url.set_path(&self.name);
        let mut connection = connect(&url).await?;
        for sql in [
            "set lock_timeout = '30s'".to_owned(),
            "begin".to_owned(),
            format!("lock table {table} in access exclusive mode"),
        ] {
            connection.execute(AssertSqlSafe(sql)).await.map_err(|error| Impossible::failed("lock", error))?;
        }
        Ok(connection)
    }

    /// For all connections: those that are there are ended.
    async fn set_read_only(&self, read_only: bool) -> Result<(), Impossible> {
        let state = if read_only { "on" } else { "off" };
        self.tell(&format!("alter database {} set default_transaction_read_only = {state}", self.name)).await?;
        self.tell(&format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{}'", self.name))
            .await
    }

    async fn tell(&self, sql: &str) -> Result<(), Impossible> {
        let mut connection = connect(&self.server).await?;
        let told = connection.execute(AssertSqlSafe(sql.to_owned())).await;
        told.map(|_| ()).map_err(|error| Impossible::failed(sql, error))
    }
}

async fn connect(url: &Url) -> Result<PgConnection, Impossible> {
    PgConnection::connect(url.as_str()).await.map_err(|error| Impossible::failed("PostgreSQL", error))
}
