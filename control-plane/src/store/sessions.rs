//! VMs: signs of life, what each has open, and what is lost with one.

use std::collections::BTreeMap;

use sqlx::{AnyConnection, Row, any::AnyRow};

use super::{
    Dialect, Error, Store, now_ms,
    records::{self, row},
    rollups::{self, Changes},
    statement::{Statement, rows_of},
};
use crate::domain::record::{OpenExchange, Record, Target};

/// A sign of life, the end of a session, or first the one and then the other. Times are milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sign {
    /// Which session it came in: one number for each session with any control plane.
    pub session: i64,
    /// When the VM was heard of, where it was.
    pub heard_at: Option<i64>,
    /// When this session ended, where it has.
    pub ended_at: Option<i64>,
}

/// What came of writing off.
#[derive(Debug, Default)]
pub struct WrittenOff {
    /// How many exchanges were lost.
    pub lost: u64,
    /// Why some were not written off, which a later call tries again.
    pub failed: Option<Error>,
}

/// Notes what was heard of VMs. A sign of life that is not older than the last takes back that the VM's session ended: it has come back,
/// here or at another control plane. An older one, which a control plane brings late, changes nothing. The end of a session counts where
/// the VM was not heard of in another one since, and not as earlier than the last sign of life.
///
/// One statement for both, in the order of the ids: two control planes that have VMs in common wait for each other in one direction.
pub(super) async fn note_signs(
    connection: &mut AnyConnection,
    dialect: Dialect,
    signs: &BTreeMap<String, Sign>,
) -> Result<(), Error> {
    let signs: Vec<_> = signs.iter().collect();
    for chunk in signs.chunks(rows_of(4)) {
        let mut statement = Statement::new(dialect, "insert into vms (id, session, heard_at, ended_at) values ");
        for (at, (vm_id, Sign { session, heard_at, ended_at })) in chunk.iter().enumerate() {
            statement.push(if at > 0 { ", " } else { "" });
            let figures = [Some(*session), Some(heard_at.unwrap_or(NOT_HEARD)), *ended_at];
            statement.separated('(', [*vm_id])?.separated(',', figures)?.push(")");
        }
        statement.push(
            " on conflict (id) do update set \
             session = case when excluded.heard_at >= vms.heard_at then excluded.session else vms.session end, \
             heard_at = case when excluded.heard_at >= vms.heard_at then excluded.heard_at else vms.heard_at end, \
             ended_at = case when excluded.heard_at >= vms.heard_at then excluded.ended_at \
             when excluded.session <> vms.session or excluded.ended_at is null then vms.ended_at \
             when excluded.ended_at > vms.heard_at then excluded.ended_at else vms.heard_at end",
        );
        statement.execute(connection).await?;
    }
    Ok(())
}

/// Earlier than every sign of life.
const NOT_HEARD: i64 = 0;

/// Adds to what is known to be open. An exchange that is on record already is not open, unless it is there as lost.
pub(super) async fn insert_open(
    connection: &mut AnyConnection,
    dialect: Dialect,
    mut opened: Vec<&(String, OpenExchange)>,
) -> Result<(), Error> {
    opened.sort_unstable_by_key(|(_, exchange)| &exchange.facts.exchange_id);
    for chunk in opened.chunks(rows_of(OPEN_COLUMNS)) {
        let mut recorded = Statement::new(
            dialect,
            "select exchange_id from usage_records where outcome <> 'lost' and exchange_id in ",
        );
        recorded.list(chunk.iter().map(|(_, exchange)| exchange.facts.exchange_id.as_str()))?;
        let recorded = records::ids(recorded.rows(connection).await?)?;
        let mut open = chunk.to_vec();
        open.retain(|(_, exchange)| !recorded.contains(&exchange.facts.exchange_id));
        if open.is_empty() {
            continue;
        }
        let facts = row::COLUMNS[..row::FACTS].join(", ");
        let into = format!("insert into open_exchanges ({facts}, vm_id, provider, upstream_model) values ");
        let mut statement = Statement::new(dialect, into);
        for (at, (vm_id, OpenExchange { facts, target })) in open.into_iter().enumerate() {
            statement.push(if at > 0 { ", " } else { "" });
            row::bind_facts(&mut statement, facts)?;
            statement.separated(',', [vm_id, &target.provider, &target.upstream_model])?.push(")");
        }
        statement.push(" on conflict (exchange_id) do nothing");
        statement.execute(connection).await?;
    }
    Ok(())
}

impl Store {
    /// Writes off the open exchanges of VMs that were last heard of before `silent_since`, or whose session ended before
    /// `ended_before` and has not begun again. Times are milliseconds since the Unix epoch.
    pub async fn write_off(&self, silent_since: i64, ended_before: i64) -> WrittenOff {
        let mut written_off = WrittenOff::default();
        let gone = match self.gone(silent_since, ended_before).await {
            Ok(gone) => gone,
            Err(error) => return WrittenOff { failed: Some(error), ..written_off },
        };
        for vm_id in gone {
            // One that cannot be written off must not keep those behind it.
            match self.write_off_vm(&vm_id, silent_since, ended_before).await {
                Ok(lost) => written_off.lost += lost,
                Err(error) => written_off.failed = Some(error),
            }
        }
        written_off
    }

    /// Whatever was heard of VMs, or ended, later than `latest` was noted by a clock that was ahead: it counts as of `now`, or a loss would
    /// wait for as long as the clock was wrong. Times are milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// When the store fails; a later call tries again.
    pub async fn correct_signs(&self, now: i64, latest: i64) -> Result<(), Error> {
        // There is nearly never one, and the writer's lock is others' time.
        let any = "select count(*) from vms where heard_at > $1 or ended_at > $1";
        if sqlx::query_scalar::<_, i64>(any).bind(latest).fetch_one(&self.pool).await? == 0 {
            return Ok(());
        }
        let sql = "update vms set heard_at = case when heard_at > $1 then $2 else heard_at end, \
             ended_at = case when ended_at > $1 then $2 else ended_at end where heard_at > $1 or ended_at > $1";
        self.attempt(async {
            let mut transaction = self.begin().await?;
            sqlx::query(sql).bind(latest).bind(now).execute(&mut *transaction).await?;
            self.commit(transaction).await
        })
        .await
    }

    /// The VMs to write off.
    async fn gone(&self, silent_since: i64, ended_before: i64) -> Result<Vec<String>, Error> {
        let statement = sqlx::query_scalar("select id from vms where heard_at < $1 or ended_at < $2");
        Ok(statement.bind(silent_since).bind(ended_before).fetch_all(&self.pool).await?)
    }

    async fn write_off_vm(&self, vm_id: &str, silent_since: i64, ended_before: i64) -> Result<u64, Error> {
        self.attempt(self.write_off_whole_vm(vm_id, silent_since, ended_before)).await
    }

    async fn write_off_whole_vm(&self, vm_id: &str, silent_since: i64, ended_before: i64) -> Result<u64, Error> {
        let mut transaction = self.begin().await?;
        // Once more inside the transaction: it may have come back, or another control plane may have been quicker.
        let still = sqlx::query("delete from vms where id = $1 and (heard_at < $2 or ended_at < $3)")
            .bind(vm_id)
            .bind(silent_since)
            .bind(ended_before)
            .execute(&mut *transaction)
            .await?;
        if still.rows_affected() == 0 {
            return Ok(0);
        }
        let rows = sqlx::query("select * from open_exchanges where vm_id = $1")
            .bind(vm_id)
            .fetch_all(&mut *transaction)
            .await?;
        let mut open = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        open.sort_unstable_by(|one, other| one.facts.exchange_id.cmp(&other.facts.exchange_id));
        let now = now_ms();
        let written_off: Vec<Record> = open.into_iter().map(|exchange| exchange.lost(now)).collect();
        let written_off: Vec<&Record> = written_off.iter().collect();
        let dimensions = rollups::dimensions_within(&mut transaction, self.dialect, &written_off).await?;
        let mut changes = Changes::default();
        let new = records::insert(&mut transaction, self.dialect, &written_off, &dimensions, &mut changes).await?;
        changes.write(&mut transaction, self.dialect).await?;
        // Last, as where records come in: two that lock the same rows must do it in one order.
        sqlx::query("delete from open_exchanges where vm_id = $1").bind(vm_id).execute(&mut *transaction).await?;
        self.commit(transaction).await?;
        Ok(new.len() as u64)
    }
}

fn read(row: &AnyRow) -> Result<OpenExchange, sqlx::Error> {
    let provider = row.try_get("provider")?;
    let target = Target { provider, upstream_model: row.try_get("upstream_model")?, ..Target::default() };
    Ok(OpenExchange { facts: row::read_facts(row)?, target })
}

/// Facts, the VM and the target.
const OPEN_COLUMNS: usize = row::FACTS + 3;
