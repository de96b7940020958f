use sqlx::{AnyConnection, Row, any::AnyRow};

use super::{Error, Store, now_ms};
use crate::domain::record::{Record, Tokens};

pub(super) const COLUMNS: &str = "exchange_id, started_at, duration_ms, first_byte_ms, key_id, key_name, team, user_name, \
    model, provider, upstream_model, operation, stream, outcome, status, reason, attempts, provenance, input, cache_read, \
    cache_write_5m, cache_write_1h, output, reasoning, audio_in, audio_out, cost_nanousd, price_version, losses, \
    snapshot_version, client_format, provider_format";

impl Store {
    /// Commits records. One whose exchange is on record already changes nothing, unless what is there says that the exchange was
    /// lost: then the VM came back after all, and the truth takes its place. Answers those that changed something.
    ///
    /// # Errors
    /// When the store fails; none of the records is kept then.
    pub async fn add_records<'a>(&self, records: &'a [Record]) -> Result<Vec<&'a Record>, Error> {
        let mut transaction = self.begin().await?;
        let mut new = Vec::with_capacity(records.len());
        for record in records {
            let change = "do update set \
                 started_at = excluded.started_at, received_at = excluded.received_at, \
                 duration_ms = excluded.duration_ms, first_byte_ms = excluded.first_byte_ms, key_id = excluded.key_id, \
                 key_name = excluded.key_name, team = excluded.team, user_name = excluded.user_name, \
                 model = excluded.model, provider = excluded.provider, upstream_model = excluded.upstream_model, \
                 operation = excluded.operation, stream = excluded.stream, outcome = excluded.outcome, \
                 status = excluded.status, reason = excluded.reason, attempts = excluded.attempts, \
                 provenance = excluded.provenance, input = excluded.input, cache_read = excluded.cache_read, \
                 cache_write_5m = excluded.cache_write_5m, cache_write_1h = excluded.cache_write_1h, \
                 output = excluded.output, reasoning = excluded.reasoning, audio_in = excluded.audio_in, \
                 audio_out = excluded.audio_out, cost_nanousd = excluded.cost_nanousd, \
                 price_version = excluded.price_version, losses = excluded.losses, \
                 snapshot_version = excluded.snapshot_version, client_format = excluded.client_format, \
                 provider_format = excluded.provider_format \
                 where usage_records.outcome = 'lost'";
            if insert(&mut transaction, record, change).await? > 0 {
                new.push(record);
            }
            sqlx::query("delete from open_exchanges where exchange_id = $1")
                .bind(&record.exchange_id)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(new)
    }
}

pub(super) async fn insert(
    connection: &mut AnyConnection,
    record: &Record,
    on_conflict: &'static str,
) -> Result<u64, Error> {
    let tokens = |bucket: fn(&Tokens) -> i64| record.tokens.as_ref().map(bucket);
    let sql = format!(
        "insert into usage_records ({COLUMNS}, received_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, \
         $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, \
         $33) \
         on conflict (exchange_id) {on_conflict}"
    );
    let inserted = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(&record.exchange_id)
        .bind(record.started_at)
        .bind(record.duration_ms)
        .bind(record.first_byte_ms)
        .bind(&record.key_id)
        .bind(&record.key_name)
        .bind(&record.team)
        .bind(&record.user)
        .bind(&record.model)
        .bind(&record.provider)
        .bind(&record.upstream_model)
        .bind(&record.operation)
        .bind(i64::from(record.stream))
        .bind(&record.outcome)
        .bind(record.status)
        .bind(&record.reason)
        .bind(record.attempts)
        .bind(&record.provenance)
        .bind(tokens(|tokens| tokens.input))
        .bind(tokens(|tokens| tokens.cache_read))
        .bind(tokens(|tokens| tokens.cache_write_5m))
        .bind(tokens(|tokens| tokens.cache_write_1h))
        .bind(tokens(|tokens| tokens.output))
        .bind(tokens(|tokens| tokens.reasoning))
        .bind(tokens(|tokens| tokens.audio_in))
        .bind(tokens(|tokens| tokens.audio_out))
        .bind(record.cost_nanousd)
        .bind(&record.price_version)
        .bind(record.losses)
        .bind(record.snapshot_version)
        .bind(&record.client_format)
        .bind(&record.provider_format)
        .bind(now_ms())
        .execute(connection)
        .await?;
    Ok(inserted.rows_affected())
}

/// A row of [`COLUMNS`].
pub(super) fn read(row: &AnyRow) -> Result<Record, sqlx::Error> {
    let bucket = |column: &str| row.try_get::<Option<i64>, _>(column);
    let tokens = match bucket("input")? {
        None => None,
        Some(input) => Some(Tokens {
            input,
            cache_read: bucket("cache_read")?.unwrap_or(0),
            cache_write_5m: bucket("cache_write_5m")?.unwrap_or(0),
            cache_write_1h: bucket("cache_write_1h")?.unwrap_or(0),
            output: bucket("output")?.unwrap_or(0),
            reasoning: bucket("reasoning")?.unwrap_or(0),
            audio_in: bucket("audio_in")?.unwrap_or(0),
            audio_out: bucket("audio_out")?.unwrap_or(0),
        }),
    };
    Ok(Record {
        exchange_id: row.try_get("exchange_id")?,
        started_at: row.try_get("started_at")?,
        duration_ms: row.try_get("duration_ms")?,
        first_byte_ms: row.try_get("first_byte_ms")?,
        key_id: row.try_get("key_id")?,
        key_name: row.try_get("key_name")?,
        team: row.try_get("team")?,
        user: row.try_get("user_name")?,
        model: row.try_get("model")?,
        provider: row.try_get("provider")?,
        upstream_model: row.try_get("upstream_model")?,
        operation: row.try_get("operation")?,
        stream: row.try_get::<i64, _>("stream")? != 0,
        outcome: row.try_get("outcome")?,
        status: row.try_get("status")?,
        reason: row.try_get("reason")?,
        attempts: row.try_get("attempts")?,
        provenance: row.try_get("provenance")?,
        tokens,
        cost_nanousd: row.try_get("cost_nanousd")?,
        price_version: row.try_get("price_version")?,
        losses: row.try_get("losses")?,
        snapshot_version: row.try_get("snapshot_version")?,
        client_format: row.try_get("client_format")?,
        provider_format: row.try_get("provider_format")?,
    })
}
