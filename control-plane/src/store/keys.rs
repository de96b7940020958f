//! Keys, and the numbered list of their changes that every control plane reads.

use sqlx::{Row, any::AnyRow};
use tollgate_core::words::KeyDigest;

use super::{Error, Numbered, Store, now_ms};
use crate::domain::key::{BootstrapKey, Key, Source};

const COLUMNS: &str = "id, name, digest, prefix, team, user_name, models, source, created_at, revoked_at";

impl Store {
    /// Adds a key. `None` where the same key is there already.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn add_key(&self, stated: &BootstrapKey, source: Source) -> Result<Option<Key>, Error> {
        self.attempt(self.insert_key(stated, source)).await
    }

    async fn insert_key(&self, stated: &BootstrapKey, source: Source) -> Result<Option<Key>, Error> {
        let key = Key::of(stated, source, now_ms());
        let mut transaction = self.begin_alone(Numbered::KeyChanges).await?;
        let added = insert(&mut transaction, &key, "do nothing").await?;
        if added {
            note_change(&mut transaction, &key.digest).await?;
        }
        self.commit(transaction).await?;
        Ok(added.then_some(key))
    }

    /// Makes the keys of the file be those that are stated now: adds, changes, and revokes what is no longer there.
    ///
    /// # Errors
    /// When the store fails; nothing has changed then.
    pub async fn set_file_keys(&self, stated: &[BootstrapKey]) -> Result<(), Error> {
        self.attempt(self.write_file_keys(stated)).await
    }

    async fn write_file_keys(&self, stated: &[BootstrapKey]) -> Result<(), Error> {
        let now = now_ms();
        let mut transaction = self.begin_alone(Numbered::KeyChanges).await?;
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("select {COLUMNS} from keys where source = 'file'")))
            .fetch_all(&mut *transaction)
            .await?;
        let present: Vec<Key> = rows.iter().filter_map(read).collect();
        for stated in stated {
            let mut key = Key::of(stated, Source::File, now);
            if let Some(present) = present.iter().find(|present| present.digest == key.digest) {
                key.created_at = present.created_at;
                if *present == key {
                    continue;
                }
            }
            let change = "(digest) do update set name = excluded.name, team = excluded.team, \
                 user_name = excluded.user_name, models = excluded.models, source = excluded.source, revoked_at = null";
            insert(&mut transaction, &key, change).await?;
            note_change(&mut transaction, &key.digest).await?;
        }
        let digests: Vec<KeyDigest> = stated.iter().map(BootstrapKey::digest).collect();
        for gone in present.iter().filter(|key| key.revoked_at.is_none() && !digests.contains(&key.digest)) {
            sqlx::query("update keys set revoked_at = $1 where id = $2")
                .bind(now)
                .bind(&gone.id)
                .execute(&mut *transaction)
                .await?;
            note_change(&mut transaction, &gone.digest).await?;
        }
        self.commit(transaction).await?;
        Ok(())
    }

    /// Revokes a key. `false` where there is none of this id; one that was revoked before stays as it is.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn revoke_key(&self, id: &str) -> Result<bool, Error> {
        self.attempt(self.write_revocation(id)).await
    }

    async fn write_revocation(&self, id: &str) -> Result<bool, Error> {
        let Some(key) = self.key(id).await? else { return Ok(false) };
        let mut transaction = self.begin_alone(Numbered::KeyChanges).await?;
        let revoked = sqlx::query("update keys set revoked_at = $1 where id = $2 and revoked_at is null")
            .bind(now_ms())
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        if revoked.rows_affected() > 0 {
            note_change(&mut transaction, &key.digest).await?;
        }
        self.commit(transaction).await?;
        Ok(true)
    }

    /// A key by its id.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn key(&self, id: &str) -> Result<Option<Key>, Error> {
        let sql = sqlx::AssertSqlSafe(format!("select {COLUMNS} from keys where id = $1"));
        let row = sqlx::query(sql).bind(id).fetch_optional(&self.pool).await?;
        Ok(row.as_ref().and_then(read))
    }

    /// A key by its digest.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn key_by_digest(&self, digest: &KeyDigest) -> Result<Option<Key>, Error> {
        let sql = sqlx::AssertSqlSafe(format!("select {COLUMNS} from keys where digest = $1"));
        let row = sqlx::query(sql).bind(digest.to_string()).fetch_optional(&self.pool).await?;
        Ok(row.as_ref().and_then(read))
    }

    /// All keys, the oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn keys(&self) -> Result<Vec<Key>, Error> {
        let sql = sqlx::AssertSqlSafe(format!("select {COLUMNS} from keys order by created_at, id"));
        let rows = sqlx::query(sql).fetch_all(&self.pool).await?;
        Ok(rows.iter().filter_map(read).collect())
    }

    /// The number of the last change to any key.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn last_key_change(&self) -> Result<i64, Error> {
        let row =
            sqlx::query("select coalesce(max(sequence), 0) as last from key_changes").fetch_one(&self.pool).await?;
        Ok(row.try_get("last")?)
    }

    /// Keys that changed after the change of this number, and the number of the last change.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn key_changes_since(&self, sequence: i64) -> Result<(i64, Vec<KeyDigest>), Error> {
        let sql = "select sequence, digest from key_changes where sequence > $1 order by sequence limit 10000";
        let reading = async { Ok(sqlx::query(sql).bind(sequence).fetch_all(&self.pool).await?) };
        let rows = self.attempt(reading).await?;
        let mut last = sequence;
        let mut digests = Vec::with_capacity(rows.len());
        for row in rows {
            last = row.try_get("sequence")?;
            digests.extend(KeyDigest::from_hex(row.try_get("digest")?));
        }
        Ok((last, digests))
    }
}

async fn insert(connection: &mut sqlx::AnyConnection, key: &Key, on_conflict: &'static str) -> Result<bool, Error> {
    let sql = format!(
        "insert into keys ({COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict {on_conflict}"
    );
    let inserted = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(&key.id)
        .bind(&key.name)
        .bind(key.digest.to_string())
        .bind(&key.prefix)
        .bind(&key.team)
        .bind(&key.user)
        .bind(serde_json::json!(key.models).to_string())
        .bind(key.source.name())
        .bind(key.created_at)
        .bind(key.revoked_at)
        .execute(connection)
        .await?;
    Ok(inserted.rows_affected() > 0)
}

async fn note_change(connection: &mut sqlx::AnyConnection, digest: &KeyDigest) -> Result<(), Error> {
    sqlx::query("insert into key_changes (digest) values ($1)").bind(digest.to_string()).execute(connection).await?;
    Ok(())
}

/// A row of [`COLUMNS`]; `None` for one that we did not write.
fn read(row: &AnyRow) -> Option<Key> {
    let text = |column: &str| row.try_get::<String, _>(column).ok();
    Some(Key {
        id: text("id")?,
        name: text("name")?,
        digest: KeyDigest::from_hex(&text("digest")?)?,
        prefix: text("prefix")?,
        team: text("team")?,
        user: text("user_name")?,
        models: serde_json::from_str(&text("models")?).ok()?,
        source: if text("source")? == Source::File.name() { Source::File } else { Source::Api },
        created_at: row.try_get("created_at").ok()?,
        revoked_at: row.try_get("revoked_at").ok()?,
    })
}
