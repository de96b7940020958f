//! What the service tests stand on: a database each, control planes that can be stopped and killed, and VMs.

pub(crate) mod database;
pub(crate) mod plane;
pub(crate) mod vm;

use std::time::Duration;

/// Longest that anything awaited may take before a test fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// Runs the tests named, which take a [`database::Database`], on each kind of store.
macro_rules! on_each_store {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                $crate::support::database::on_sqlite(super::$test).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                $crate::support::database::on_postgres(super::$test).await;
            })+
        }
    };
}

/// Asks again until there is an answer; fails the test, naming what it waited for, when none comes in time.
pub(crate) async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(DEADLINE, asking).await.unwrap_or_else(|_| panic!("never saw {what}"))
}
