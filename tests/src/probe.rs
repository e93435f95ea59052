//! The guest `probe`: how it is set up, and what it remembers of the events and messages that it got.

use http::Method;
use serde_json::Value;

use crate::{
    bus::escape,
    host::{Host, Setup},
};

// === impl Setup ===

impl Setup {
    /// With this side file beside `plugins/STEM.wasm`.
    #[must_use]
    pub fn side(self, stem: &str, toml: &str) -> Self {
        std::fs::write(self.plugins().join(format!("{stem}.toml")), toml).expect("a file can be written");
        self
    }

    /// With the guest `probe` and this side file.
    #[must_use]
    pub fn probe(self, side: &str) -> Self {
        self.side("probe", side).plugin("probe", "probe")
    }

    /// With the guest `probe` as another service, with routes of its own.
    #[must_use]
    pub fn probe_as(self, name: &str, side: &str) -> Self {
        let side = format!("name = '{name}'\nroutes = [{{ path = '/{name}/*' }}]\n{side}");
        self.side(name, &side).plugin(name, "probe")
    }
}

// === impl Host ===

impl Host {
    /// The deliveries of events that a `probe` remembers, in the order in which they began.
    pub async fn deliveries(&self, service: &str) -> Vec<Value> {
        self.remembered(service, "deliveries").await
    }

    /// The deliveries of messages that a `probe` remembers, in the order in which they began.
    pub async fn messages(&self, service: &str) -> Vec<Value> {
        self.remembered(service, "messages").await
    }

    /// Waits until a `probe` remembers so many deliveries of events.
    pub async fn until_delivered(&self, service: &str, count: usize) -> Vec<Value> {
        let find = async || Some(self.deliveries(service).await).filter(|deliveries| deliveries.len() >= count);
        self.eventually(&format!("{count} deliveries to {service}"), find).await
    }

    /// Waits until a `probe` remembers so many deliveries of messages.
    pub async fn until_handled(&self, service: &str, count: usize) -> Vec<Value> {
        let find = async || Some(self.messages(service).await).filter(|messages| messages.len() >= count);
        self.eventually(&format!("{count} messages handled by {service}"), find).await
    }

    /// Calls a path of a `probe` with a JSON body, and answers what it answered.
    pub async fn probe(&self, path: &str, body: Value) -> (u16, Value) {
        let answer = self.send(Method::POST, path, &body.to_string()).await;
        (answer.status.as_u16(), answer.json())
    }

    pub(crate) async fn remembered(&self, service: &str, kind: &str) -> Vec<Value> {
        let mut client = self.client().await;
        let (mut items, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let query = cursor.map(|cursor| format!("?cursor={}", escape(&cursor))).unwrap_or_default();
            let path = format!("/{service}/{kind}{query}");
            let answer = client.get(&path).await.unwrap_or_else(|error| panic!("{path}: {error}\n{}", self.log()));
            assert_eq!(answer.status, 200, "{path}: {}\n{}", answer.text(), self.log());
            let page = answer.json();
            items.extend(page["items"].as_array().expect("a page has items").iter().cloned());
            cursor = page["next"].as_str().map(str::to_owned);
            if cursor.is_none() {
                items.sort_by_key(|item| (item["round"].as_u64(), item["at"].as_u64()));
                return items;
            }
        }
    }
}
