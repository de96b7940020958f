//! VMs: signs of life, what each has open, and what is lost with one.

use sqlx::{AnyConnection, Row, any::AnyRow};

use super::{
    Error, Store, now_ms,
    records::{self, row},
    rollups::{self, Changes},
    statement::{Statement, rows_of},
};
use crate::domain::record::{OpenExchange, Record, Target};

impl Store {
    /// A VM's session began, or was heard of. Answers the moment that is on record now: it is later than any before, also
    /// where the clocks of two control planes differ, so it tells this sign of life from every other.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn hear(&self, vm_id: &str) -> Result<i64, Error> {
        let sql = "insert into vms (id, heard_at) values ($1, $2) \
             on conflict (id) do update set ended_at = null, heard_at = \
             case when excluded.heard_at > vms.heard_at then excluded.heard_at else vms.heard_at + 1 end \
             returning heard_at";
        let row = sqlx::query(sql).bind(vm_id).bind(now_ms()).fetch_one(&self.pool).await?;
        Ok(row.try_get("heard_at")?)
    }

    /// A VM's session ended that was heard of last at `heard_at`: unless the VM comes back, it is gone. Where it was heard of
    /// since, it has come back already, here or at another control plane, and nothing changes.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end_session(&self, vm_id: &str, heard_at: i64) -> Result<(), Error> {
        sqlx::query("update vms set ended_at = $1 where id = $2 and heard_at = $3")
            .bind(now_ms())
            .bind(vm_id)
            .bind(heard_at)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Replaces what is known to be open on a VM. An exchange that is on record already is not open.
    ///
    /// # Errors
    /// When the store fails; what was known stays then.
    pub async fn set_open(&self, vm_id: &str, open: &[OpenExchange]) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        sqlx::query("delete from open_exchanges where vm_id = $1").bind(vm_id).execute(&mut *transaction).await?;
        self.insert_open(&mut transaction, vm_id, open).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Adds to what is known to be open on a VM. An exchange that is on record already is not open.
    ///
    /// # Errors
    /// When the store fails; what was known stays then.
    pub async fn add_open(&self, vm_id: &str, open: &[OpenExchange]) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        self.insert_open(&mut transaction, vm_id, open).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn insert_open(
        &self,
        connection: &mut AnyConnection,
        vm_id: &str,
        open: &[OpenExchange],
    ) -> Result<(), Error> {
        for chunk in open.chunks(rows_of(OPEN_COLUMNS)) {
            let mut recorded = Statement::new(
                self.dialect,
                "select exchange_id from usage_records where outcome <> 'lost' and exchange_id in ",
            );
            recorded.list(chunk.iter().map(|exchange| exchange.facts.exchange_id.as_str()))?;
            let recorded = records::ids(recorded.rows(connection).await?)?;
            let mut open: Vec<_> =
                chunk.iter().filter(|exchange| !recorded.contains(&exchange.facts.exchange_id)).collect();
            if open.is_empty() {
                continue;
            }
            open.sort_unstable_by_key(|exchange| &exchange.facts.exchange_id);
            let facts = row::COLUMNS[..row::FACTS].join(", ");
            let into = format!("insert into open_exchanges ({facts}, vm_id, provider, upstream_model) values ");
            let mut statement = Statement::new(self.dialect, into);
            for (at, OpenExchange { facts, target }) in open.into_iter().enumerate() {
                statement.push(if at > 0 { ", " } else { "" });
                row::bind_facts(&mut statement, facts)?;
                statement.separated(',', [vm_id, &target.provider, &target.upstream_model])?.push(")");
            }
            statement.push(" on conflict (exchange_id) do nothing");
            statement.execute(connection).await?;
        }
        Ok(())
    }

    /// Writes off the open exchanges of VMs that were last heard of before `silent_since`, or whose session ended before
    /// `ended_before` and has not begun again. Answers how many exchanges were lost.
    ///
    /// # Errors
    /// When the store fails; a later call tries again.
    pub async fn write_off(&self, silent_since: i64, ended_before: i64) -> Result<u64, Error> {
        let gone = sqlx::query("select id from vms where heard_at < $1 or ended_at < $2")
            .bind(silent_since)
            .bind(ended_before)
            .fetch_all(&self.pool)
            .await?;
        let (mut lost, mut failed) = (0, None);
        for row in gone {
            // One that cannot be written off must not keep those behind it.
            match self.write_off_vm(&row.try_get::<String, _>("id")?, silent_since, ended_before).await {
                Ok(count) => lost += count,
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            Some(error) if lost == 0 => Err(error),
            _ => Ok(lost),
        }
    }

    async fn write_off_vm(&self, vm_id: &str, silent_since: i64, ended_before: i64) -> Result<u64, Error> {
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
        transaction.commit().await?;
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
