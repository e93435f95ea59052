//! Sagas of a host, through its admin API, and how tests declare them.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};

use crate::{
    bus::escape,
    client::Answer,
    host::{Host, PATIENCE, Setup},
};

// === impl Setup ===

impl Setup {
    /// With these definitions in the side file of a plugin, and its further lines.
    #[must_use]
    pub fn sagas(self, stem: &str, definitions: &[Value], side: &str) -> Self {
        self.side(stem, &format!("{}\n{side}", definitions_toml(definitions)))
    }
}

// === impl Host ===

impl Host {
    /// Asks for a saga of this definition; without an id when that is empty.
    pub async fn ask_for_saga(&self, name: &str, id: &str, data: Value) -> Answer {
        let mut body = json!({"sagaName": name, "data": data});
        if !id.is_empty() {
            body["sagaId"] = id.into();
        }
        self.ask(Method::POST, "/api/v1/sagas", &body).await
    }

    /// Starts a saga that is new.
    pub async fn start_saga(&self, name: &str, id: &str, data: Value) {
        let answer = self.ask_for_saga(name, id, data).await;
        assert_eq!(answer.status, 201, "{name} {id}: {}", answer.text());
    }

    /// A saga as the admin API shows it.
    pub async fn saga(&self, id: &str) -> Value {
        let answer = self.admin(&format!("/api/v1/sagas/{id}")).await;
        assert_eq!(answer.status, 200, "{id}: {}", answer.text());
        answer.json()
    }

    /// Does this (`cancel`, `retry`, `compensate`, `signal`) to a saga that allows it, and answers it as it stands then.
    pub async fn move_saga(&self, id: &str, how: &str, body: Value) -> Value {
        let answer = self.ask_to_move(id, how, body).await;
        assert_eq!(answer.status, 202, "{how} {id}: {}", answer.text());
        answer.json()
    }

    /// The same of one that may refuse.
    pub async fn ask_to_move(&self, id: &str, how: &str, body: Value) -> Answer {
        self.ask(Method::POST, &format!("/api/v1/sagas/{id}/{how}"), &body).await
    }

    /// Waits until a saga stands there.
    pub async fn until_saga(&self, id: &str, status: &str) -> Value {
        self.until_saga_is(id, status, |saga| saga["status"] == status).await
    }

    /// Waits until a saga is as described.
    pub async fn until_saga_is(&self, id: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let since = Instant::now();
        loop {
            let saga = self.saga(id).await;
            if is(&saga) {
                return saga;
            }
            if since.elapsed() >= PATIENCE {
                panic!("{id} is not {what}: {saga:#}\n{:#?}\n{}", self.saga_history(id).await, self.log());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The whole history of a saga.
    pub async fn saga_history(&self, id: &str) -> Vec<Value> {
        self.items(&format!("/api/v1/sagas/{id}/history?limit=5")).await
    }

    /// The ids of the sagas that a query such as `status=stuck` chooses, sorted.
    pub async fn sagas(&self, query: &str) -> Vec<String> {
        let sagas = self.items(&format!("/api/v1/sagas?limit=1000&{query}")).await;
        let mut ids: Vec<String> = sagas.iter().map(|saga| saga["sagaId"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids
    }

    /// How many sagas stand where.
    pub async fn saga_stats(&self) -> Value {
        let answer = self.admin("/api/v1/sagas/stats").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// The events that tell of a saga, in order.
    pub async fn told_of(&self, id: &str) -> Vec<Value> {
        let mut events = self.events("saga.>").await;
        events.retain(|event| event["subject"] == id && event["source"] == "/switchyard");
        events
    }

    /// The attempts of commands that a `probe` remembers, in the order in which they began.
    pub async fn commands(&self, service: &str) -> Vec<Value> {
        self.remembered(service, "commands").await
    }

    /// Waits until a `probe` remembers so many attempts of commands.
    pub async fn until_commanded(&self, service: &str, count: usize) -> Vec<Value> {
        let find = async || Some(self.commands(service).await).filter(|commands| commands.len() >= count);
        self.eventually(&format!("{count} commands to {service}"), find).await
    }

    /// What a service answers at this path of its own, through the gateway; null when there is nothing.
    pub async fn books(&self, kind: &str, of: &str) -> Value {
        let answer = self.get(&format!("/api/{kind}/{}", escape(of))).await;
        match answer.status.as_u16() {
            200 => answer.json(),
            404 => Value::Null,
            _ => panic!("{kind} of {of}: {}\n{}", answer.text(), self.log()),
        }
    }
}

/// The member `sagas` of a side file, with these definitions.
pub fn definitions_toml(definitions: &[Value]) -> String {
    format!("sagas = {}", toml(&Value::from(definitions)))
}

/// A value as TOML in one line.
fn toml(value: &Value) -> String {
    let joined = |parts: Vec<String>| parts.join(", ");
    match value {
        Value::Array(values) => format!("[{}]", joined(values.iter().map(toml).collect())),
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| format!("{} = {}", Value::from(name.as_str()), toml(value));
            format!("{{ {} }}", joined(members.iter().map(member).collect()))
        }
        // Strings, numbers and booleans of tests are written alike.
        plain => plain.to_string(),
    }
}
