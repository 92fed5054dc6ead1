use serde::Deserialize;
use serde_json::Value;

use super::{Target, places::Places, shape::differs};

/// One request and what it is to be answered.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    /// What it tries.
    pub(super) name: String,
    method: String,
    /// Path and query, as they are sent.
    path: String,
    #[serde(default)]
    content_type: Option<String>,
    /// What an `X-HTTP-Method-Override` says.
    #[serde(default)]
    acts_as: Option<String>,
    /// The body as it is sent; JSON stands for itself, a text for its characters.
    #[serde(default)]
    body: Option<Value>,
    /// Whether it changes anything, so that it is not sent to somebody else's station.
    #[serde(default)]
    pub(super) changes: bool,
    #[serde(default = "ok")]
    status: u16,
    /// What the answer is like.
    answer: Value,
}

const fn ok() -> u16 {
    200
}

impl Case {
    /// The case with the names of things filled in, or `None` if the station has no such thing.
    pub(super) fn fill(mut self, places: &Places) -> Option<Self> {
        self.path = places.fill(&self.path)?;
        self.body = match self.body {
            Some(body) => Some(places.fill_value(&body)?),
            None => None,
        };
        self.answer = places.fill_value(&self.answer)?;
        Some(self)
    }

    /// What is wrong with the answer, if anything.
    pub(super) fn check(&self, target: &Target) -> anyhow::Result<Option<String>> {
        let body = match &self.body {
            None => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(json) => json.to_string(),
        };
        let content_type = self.content_type.iter().map(|kind| ("Content-Type", kind.as_str()));
        let acts_as = self.acts_as.iter().map(|method| ("X-HTTP-Method-Override", method.as_str()));
        let headers: Vec<_> = content_type.chain(acts_as).collect();
        let answer = target.ask(&self.method, &self.path, &headers, &body)?;
        if answer.status != self.status {
            return Ok(Some(format!("status {}, expected {}: {}", answer.status, self.status, answer.body)));
        }
        Ok(differs(&answer.body, &self.answer))
    }
}
