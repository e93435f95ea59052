//! Events, queues and subscriptions of a host, through its admin API.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};

use crate::{
    client::{Answer, Client},
    host::{Host, PATIENCE},
};

// === impl Host ===

impl Host {
    /// Any request at the admin API, with a JSON body unless it is null.
    pub async fn ask(&self, method: Method, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.ask_with(method, path, &[("content-type", "application/json")], body).await
    }

    /// Any request at the admin API.
    pub async fn ask_with(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<bytes::Bytes>,
    ) -> Answer {
        let mut client = Client::connect(self.admin).await.expect("the admin API accepts connections");
        let answered = client.send_with(method, path, headers, body).await;
        answered.unwrap_or_else(|error| panic!("{path}: {error}\n{}", self.log()))
    }

    /// Publishes an event in structured mode, and answers what the host did.
    pub async fn post_event(&self, mut event: Value) -> Answer {
        if event["specversion"].is_null() {
            event["specversion"] = "1.0".into();
        }
        let headers = [("content-type", "application/cloudevents+json")];
        self.ask_with(Method::POST, "/api/v1/events", &headers, event.to_string()).await
    }

    /// Publishes an event that the host takes, and answers its receipt.
    pub async fn publish(&self, event: Value) -> Value {
        let answer = self.post_event(event).await;
        assert!(answer.status.is_success(), "{}", answer.text());
        answer.json()
    }

    /// Publishes events in batches of at most 1,000, and answers their receipts.
    pub async fn publish_all(&self, events: impl IntoIterator<Item = Value>) -> Vec<Value> {
        let mut receipts = Vec::new();
        let events: Vec<Value> = events.into_iter().map(with_version).collect();
        for batch in events.chunks(1_000) {
            let headers = [("content-type", "application/cloudevents-batch+json")];
            let body = Value::from(batch).to_string();
            let answer = self.ask_with(Method::POST, "/api/v1/events", &headers, body).await;
            assert!(answer.status.is_success(), "{}", answer.text());
            receipts.extend(answer.json()["items"].as_array().expect("a batch answers items").iter().cloned());
        }
        receipts
    }

    /// Enqueues a message that the host takes, and answers its id.
    pub async fn enqueue(&self, queue: &str, message: Value) -> String {
        let answer = self.ask(Method::POST, &format!("/api/v1/queues/{queue}/messages"), &message).await;
        assert!(answer.status.is_success(), "{}", answer.text());
        answer.json()["id"].as_str().expect("an id").to_owned()
    }

    /// Leases messages from a queue that is there.
    pub async fn lease(&self, queue: &str, how: Value) -> Vec<Value> {
        let answer = self.ask(Method::POST, &format!("/api/v1/queues/{queue}/lease"), &how).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["messages"].as_array().expect("messages").clone()
    }

    /// Does this (`ack`, `nack`, …) to a leased message, with these members besides the token.
    pub async fn settle(&self, queue: &str, message: &Value, how: &str, mut members: Value) -> Answer {
        let id = message["id"].as_str().expect("a message has an id");
        if members["token"].is_null() {
            members["token"] = message["token"].clone();
        }
        self.ask(Method::POST, &format!("/api/v1/queues/{queue}/messages/{id}/{how}"), &members).await
    }

    /// All items of a list of the admin API, page by page.
    pub async fn items(&self, path: &str) -> Vec<Value> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let joint = if path.contains('?') { '&' } else { '?' };
            let page = if cursor.is_empty() { path.to_owned() } else { format!("{path}{joint}cursor={cursor}") };
            let answer = self.admin(&page).await;
            assert_eq!(answer.status, 200, "{page}: {}", answer.text());
            let list = answer.json();
            items.extend(list["items"].as_array().expect("a list has items").iter().cloned());
            match list["next"].as_str() {
                Some(next) => cursor = escape(next),
                None => return items,
            }
        }
    }

    /// The stored events of a topic pattern.
    pub async fn events(&self, topic: &str) -> Vec<Value> {
        self.items(&format!("/api/v1/events?topic={}&from=first&limit=1000", escape(topic))).await
    }

    /// The subscription of this name; null when it is not there.
    pub async fn subscription(&self, name: &str) -> Value {
        let all = self.items("/api/v1/subscriptions").await;
        all.into_iter().find(|subscription| subscription["name"] == name).unwrap_or(Value::Null)
    }

    /// Does this (`pause`, `resume`, `seek`) to a subscription.
    pub async fn steer(&self, name: &str, how: &str, body: Value) -> Answer {
        self.ask(Method::POST, &format!("/api/v1/subscriptions/{}/{how}", escape(name)), &body).await
    }

    /// Waits until the subscription of this name is as described.
    pub async fn until_subscription(&self, name: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let since = Instant::now();
        loop {
            let shown = self.subscription(name).await;
            if is(&shown) {
                return shown;
            }
            assert!(since.elapsed() < PATIENCE, "{name} is not {what}: {shown:#}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the subscription of this name is active.
    pub async fn subscribed(&self, name: &str) {
        self.until_subscription(name, "active", |subscription| subscription["state"] == "active").await;
    }

    /// A queue as the admin API shows it.
    pub async fn queue(&self, name: &str) -> Value {
        let answer = self.admin(&format!("/api/v1/queues/{name}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// The dead letters that a query such as `subscription=NAME` chooses.
    pub async fn dead_letters(&self, query: &str) -> Vec<Value> {
        self.items(&format!("/api/v1/dead-letters?{query}")).await
    }

    /// Waits until so many dead letters are there.
    pub async fn until_dead(&self, query: &str, count: usize) -> Vec<Value> {
        let find = async || Some(self.dead_letters(query).await).filter(|dead| dead.len() >= count);
        self.eventually(&format!("{count} dead letters of {query}"), find).await
    }

    /// Tries again and again until there is an answer.
    pub async fn eventually<T>(&self, what: &str, attempt: impl AsyncFn() -> Option<T>) -> T {
        let since = Instant::now();
        loop {
            if let Some(found) = attempt().await {
                return found;
            }
            assert!(since.elapsed() < PATIENCE, "in vain until: {what}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The ids of events, deliveries or messages, in their order.
pub fn ids(items: &[Value]) -> Vec<String> {
    texts(items, "id")
}

/// The values of a text member.
pub fn texts(items: &[Value], member: &str) -> Vec<String> {
    items.iter().map(|item| item[member].as_str().unwrap_or_default().to_owned()).collect()
}

/// An event with this topic, id and data.
pub fn event(topic: &str, id: &str, data: Value) -> Value {
    json!({"specversion": "1.0", "type": topic, "id": id, "source": "/tests", "data": data})
}

/// The same, ordered by a key.
pub fn keyed(topic: &str, id: &str, key: &str, data: Value) -> Value {
    let mut event = event(topic, id, data);
    event["partitionkey"] = key.into();
    event
}

/// Percent-encodes all but letters, digits, `-`, `_` and `.`.
pub fn escape(text: &str) -> String {
    let escaped = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(escaped).collect()
}

fn with_version(mut event: Value) -> Value {
    if event["specversion"].is_null() {
        event["specversion"] = "1.0".into();
    }
    event
}
