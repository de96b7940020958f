use sqlx::Row;

use super::{Error, Store, now_ms, records};
use crate::domain::record::OpenExchange;

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
        for exchange in open {
            let sql = "insert into open_exchanges (exchange_id, vm_id, started_at, key_id, key_name, team, user_name, model, provider, \
                 upstream_model, operation, stream) select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 \
                 where not exists (select 1 from usage_records where exchange_id = $1 and outcome <> 'lost') \
                 on conflict (exchange_id) do nothing";
            sqlx::query(sql)
                .bind(&exchange.exchange_id)
                .bind(vm_id)
                .bind(exchange.started_at)
                .bind(&exchange.key_id)
                .bind(&exchange.key_name)
                .bind(&exchange.team)
                .bind(&exchange.user)
                .bind(&exchange.model)
                .bind(&exchange.provider)
                .bind(&exchange.upstream_model)
                .bind(&exchange.operation)
                .bind(i64::from(exchange.stream))
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
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
        let mut lost = 0;
        for row in gone {
            let vm_id: String = row.try_get("id")?;
            let mut transaction = self.begin().await?;
            // Once more inside the transaction: it may have come back, or another control plane may have been quicker.
            let still = sqlx::query("delete from vms where id = $1 and (heard_at < $2 or ended_at < $3)")
                .bind(&vm_id)
                .bind(silent_since)
                .bind(ended_before)
                .execute(&mut *transaction)
                .await?;
            if still.rows_affected() == 0 {
                continue;
            }
            let rows = sqlx::query("select * from open_exchanges where vm_id = $1")
                .bind(&vm_id)
                .fetch_all(&mut *transaction)
                .await?;
            for row in rows {
                let exchange = OpenExchange {
                    exchange_id: row.try_get("exchange_id")?,
                    started_at: row.try_get("started_at")?,
                    key_id: row.try_get("key_id")?,
                    key_name: row.try_get("key_name")?,
                    team: row.try_get("team")?,
                    user: row.try_get("user_name")?,
                    model: row.try_get("model")?,
                    provider: row.try_get("provider")?,
                    upstream_model: row.try_get("upstream_model")?,
                    operation: row.try_get("operation")?,
                    stream: row.try_get::<i64, _>("stream")? != 0,
                };
                lost += records::insert(&mut transaction, &exchange.lost(now_ms()), "do nothing").await?;
            }
            sqlx::query("delete from open_exchanges where vm_id = $1").bind(&vm_id).execute(&mut *transaction).await?;
            transaction.commit().await?;
        }
        Ok(lost)
    }
}
