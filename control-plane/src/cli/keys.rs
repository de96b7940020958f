//! `tollgate keys`: a client of the HTTP API.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::arguments::DataFolder;
use super::say::say;
use crate::operate::{DataDir, Error};

#[derive(Debug, clap::Args)]
pub(super) struct Keys {
    #[command(subcommand)]
    command: Command,
    /// The control plane's HTTP API.
    #[arg(long, global = true, value_name = "URL", default_value = "http://127.0.0.1:8081", env = "TOLLGATE_SERVER")]
    server: String,
    /// The token of the HTTP API [default: the one in the data folder].
    #[arg(long, global = true, value_name = "TOKEN", env = "TOLLGATE_ADMIN_TOKEN", hide_env_values = true)]
    admin_token: Option<String>,
    /// The folder that holds the token.
    #[arg(long, global = true, value_name = "DIR", default_value = ".tollgate", env = "TOLLGATE_DATA_DIR")]
    data_dir: std::path::PathBuf,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a key. It is shown once and never again.
    Create {
        /// Under which its use is reported.
        name: String,
        /// The team that it belongs to.
        #[arg(long)]
        team: Option<String>,
        /// The user that it belongs to.
        #[arg(long)]
        user: Option<String>,
        /// Models that it may use, with `*` for any text [default: all].
        #[arg(long, value_delimiter = ',', value_name = "PATTERN")]
        models: Vec<String>,
    },
    /// List keys, without the keys themselves.
    List {
        /// As the API gives them.
        #[arg(long)]
        json: bool,
    },
    /// Revoke a key; it stops working within a second.
    Revoke {
        /// The key's id, as `list` shows it.
        id: String,
    },
}

impl Keys {
    pub(super) async fn run(self) -> Result<(), Error> {
        match &self.command {
            Command::Create { name, team, user, models } => {
                let mut body = json!({"name": name});
                let optional = [("team", team.as_ref().map(|t| json!(t))), ("user", user.as_ref().map(|u| json!(u)))];
                for (member, value) in optional {
                    if let Some(value) = value {
                        body[member] = value;
                    }
                }
                if !models.is_empty() {
                    body["models"] = json!(models);
                }
                let made = self.send(self.request(Method::POST, &[])?.json(&body)).await?;
                say(&format!("id   {}\nname {}\nkey  {}", text(&made, "id"), text(&made, "name"), text(&made, "key")));
            }
            Command::List { json: true } => {
                let listed = self.send(self.request(Method::GET, &[])?).await?;
                say(&format!("{listed:#}"));
            }
            Command::List { json: false } => {
                let listed = self.send(self.request(Method::GET, &[])?).await?;
                say(&table(&listed));
            }
            Command::Revoke { id } => {
                self.send(self.request(Method::DELETE, &[id])?).await?;
                say(&format!("revoked {id}"));
            }
        }
        Ok(())
    }

    fn request(&self, method: Method, below: &[&str]) -> Result<RequestBuilder, Error> {
        let token = match self.admin_token.as_deref().filter(|token| !token.is_empty()) {
            Some(token) => token.to_owned(),
            None => self.own_token()?,
        };
        let stated = |why: String| Error::Stated(format!("`{}` is no server: {why}", self.server));
        let mut url = url::Url::parse(&self.server).map_err(|error| stated(error.to_string()))?;
        url.path_segments_mut()
            .map_err(|()| stated("write http://HOST:PORT".to_owned()))?
            .pop_if_empty()
            .extend(["api", "v1", "keys"])
            .extend(below);
        // The token goes to the control plane and nowhere else, a proxy of the environment included.
        let client = reqwest::Client::builder().no_proxy().build();
        Ok(client.map_err(|error| stated(error.to_string()))?.request(method, url).bearer_auth(token))
    }

    /// Never made here: a token that the server does not know is of no use.
    fn own_token(&self) -> Result<String, Error> {
        let folder = DataFolder { data_dir: self.data_dir.clone() }.data_dir;
        let path = folder.join("admin-token");
        if !path.is_file() {
            return Err(Error::Stated(format!(
                "no token: {} does not exist; give --admin-token or TOLLGATE_ADMIN_TOKEN, or the --data-dir of the \
                 running control plane",
                path.display()
            )));
        }
        Ok(DataDir::open(&folder)?.admin_token()?.expose().to_owned())
    }

    async fn send(&self, request: RequestBuilder) -> Result<Value, Error> {
        let answer = request.send().await.map_err(|error| {
            let why = if error.is_connect() { "nothing answers there".to_owned() } else { error.to_string() };
            Error::Stated(format!("{}: {why}; is the control plane running?", self.server))
        })?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(|error| Error::Stated(error.to_string()))?;
        let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        if status.is_success() {
            return Ok(body);
        }
        let said = body["error"]["message"].as_str().or(body["error"].as_str()).unwrap_or("no reason given");
        Err(Error::Stated(format!("{}: {status}: {said}", self.server)))
    }
}

fn text<'a>(object: &'a Value, member: &str) -> &'a str {
    object[member].as_str().unwrap_or("-")
}

/// Columns of a list of keys, which stands alone or under `keys` or `data`.
fn table(listed: &Value) -> String {
    let keys = [listed, &listed["keys"], &listed["data"]].into_iter().find_map(Value::as_array);
    let columns = ["id", "name", "team", "user", "models", "state"];
    let cell = |key: &Value, column: &str| match (column, &key[column]) {
        ("state", _) if key["revoked_at"].is_null() => "active".to_owned(),
        ("state", _) => "revoked".to_owned(),
        (_, Value::Array(items)) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
        (_, value) => value.as_str().unwrap_or("-").to_owned(),
    };
    let mut rows = vec![columns.map(str::to_owned)];
    rows.extend(keys.into_iter().flatten().map(|key| columns.map(|column| cell(key, column))));
    let width = |i: usize| rows.iter().map(|row| row[i].chars().count()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    let line = |row: &[String; 6]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_listed_in_columns() {
        let listed = json!({"keys": [
            {"id": "k1", "name": "dev", "team": null, "models": ["*"], "revoked_at": null},
            {"id": "k22", "name": "ci", "team": "infra", "models": ["a", "b"], "revoked_at": "2026-01-01T00:00:00Z"},
        ]});
        let expected = "id   name  team   user  models  state\n\
                        k1   dev   -      -     *       active\n\
                        k22  ci    infra  -     a,b     revoked";
        assert_eq!(table(&listed), expected);
    }
}
