//! What a client got.

use serde_json::Value;

/// A whole response.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: reqwest::header::HeaderMap,
    /// Its body as it came.
    pub body: Vec<u8>,
}

impl Answer {
    /// Reads a response to its end.
    ///
    /// # Errors
    /// When it breaks off before.
    pub async fn read(response: reqwest::Response) -> reqwest::Result<Self> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Self { status, headers, body: response.bytes().await?.to_vec() })
    }

    /// The body as JSON. Anything else is a failure of the test.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.text()))
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's first value, or nothing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The text of a chat completion, streamed or whole.
    #[must_use]
    pub fn content(&self) -> String {
        if self.header("content-type").starts_with("text/event-stream") {
            let deltas = events(&self.body).into_iter();
            return deltas
                .filter_map(|event| event["choices"][0]["delta"]["content"].as_str().map(str::to_owned))
                .collect();
        }
        self.json()["choices"][0]["message"]["content"].as_str().unwrap_or_default().to_owned()
    }

    /// Asserts that this is an error in OpenAI's shape, with this status and code, and returns it.
    #[track_caller]
    pub fn expect_error(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        let error = self.json()["error"].clone();
        let members: Vec<&str> = error.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        for member in ["code", "message", "param", "type"] {
            assert!(members.contains(&member), "no `{member}` in {}", self.text());
        }
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{}", self.text());
        assert_eq!(error["code"], code, "{}", self.text());
        assert!(self.header("content-type").starts_with("application/json"), "{:?}", self.headers);
        error
    }
}

/// The data of each event of a stream; what is no JSON (`[DONE]`) as a string.
#[must_use]
pub fn events(stream: &[u8]) -> Vec<Value> {
    let text = String::from_utf8_lossy(stream);
    let data = text.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim_start);
    data.map(|data| serde_json::from_str(data).unwrap_or_else(|_| Value::from(data))).collect()
}
