//! Versions of snapshots: the same content has the same one, on whichever control plane.

use sqlx::Row;

use super::{Error, Numbered, Store, now_ms};

impl Store {
    /// The version of a snapshot with this content: the newest one where the content is the same, else a new one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn version_of(&self, digest: &str) -> Result<i64, Error> {
        self.attempt(self.find_version(digest)).await
    }

    async fn find_version(&self, digest: &str) -> Result<i64, Error> {
        let mut transaction = self.begin_alone(Numbered::Snapshots).await?;
        let newest = sqlx::query("select version, digest from snapshots order by version desc limit 1")
            .fetch_optional(&mut *transaction)
            .await?;
        if let Some(row) = newest
            && row.try_get::<String, _>("digest")? == digest
        {
            return Ok(row.try_get("version")?);
        }
        let row = sqlx::query("insert into snapshots (digest, created_at) values ($1, $2) returning version")
            .bind(digest)
            .bind(now_ms())
            .fetch_one(&mut *transaction)
            .await?;
        self.commit(transaction).await?;
        Ok(row.try_get("version")?)
    }
}
