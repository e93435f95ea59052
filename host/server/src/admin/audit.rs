//! What operators do, as events: each action of the API, and of the console, which goes through it, leaves one on
//! `audit.action`, stored before it is answered, and in the feed of those who watch.
//!
//! It says who did what to what, and how that ended; no bodies, and nothing of the query, since both may hold secrets.
//! What clients and workers do all day over the same API is no action of an operator: events and messages on their way, and
//! signs of life. From the console it is, as there a person does it.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use http::{
    Method, StatusCode,
    header::{LOCATION, USER_AGENT},
    request::Parts,
};
use serde_json::{Value, json};
use switchyard_delivery::{AUDIT, Delivery};

use super::{
    Sources,
    api::segments,
    guard::{Peer, Who},
    openapi::DOCUMENT,
    query::Query,
};
use crate::{console::Via, feed::Feed};

/// The operations that are traffic.
const TRAFFIC: [&str; 8] = ["publish", "enqueue", "lease", "ack", "nack", "extend", "heartbeat", "startSaga"];

/// How long an answer waits for its event to be stored. After that it is told as all other events of the host are.
const STORE_MAX: Duration = Duration::from_secs(1);

/// The longest text of a client that is kept, in characters.
const TEXT_MAX: usize = 200;

/// An action under way. One whose caller goes away before it is answered may have been done all the same: then it is told
/// without a status.
pub(super) struct Action {
    what: What,
    is_told: bool,
    delivery: Arc<Delivery>,
    feed: Arc<Feed>,
}

/// What is done, by whom.
struct What {
    /// The operation's name in the OpenAPI document.
    operation: &'static str,
    /// What it is done to: the first name in its path, or the name that a new plugin is to have.
    target: Option<String>,
    method: Method,
    path: String,
    who: Who,
    peer: Option<Peer>,
    user_agent: Option<String>,
    via: &'static str,
}

/// An operation that changes something.
struct Known {
    method: Method,
    /// The segments of its path; none is a name that is filled in.
    path: Vec<Option<&'static str>>,
    operation: &'static str,
}

/// All of them.
static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(known);

fn known() -> Vec<Known> {
    let mut known = Vec::new();
    let paths = DOCUMENT["paths"].as_object().into_iter().flatten();
    for (path, item) in paths {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let method = method.to_uppercase().parse::<Method>();
            if let (Ok(method), Some(operation)) = (method, operation["operationId"].as_str())
                && !is_read(&method)
            {
                let segments = path.split('/').skip(1);
                let path = segments.map(|segment| Some(segment).filter(|segment| !segment.starts_with('{'))).collect();
                known.push(Known { method, path, operation });
            }
        }
    }
    // Where two fit, the one with more words of its own is meant.
    known.sort_by_key(|known| known.path.iter().filter(|segment| segment.is_none()).count());
    known
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

// === impl Action ===

impl Action {
    /// The action that a request is; none of one that changes nothing, or is traffic.
    pub(super) fn of(parts: &Parts, sources: &Sources) -> Option<Self> {
        let (delivery, feed) = (Arc::clone(&sources.delivery), Arc::clone(&sources.feed));
        Some(Self { what: What::of(parts)?, is_told: false, delivery, feed })
    }

    /// Tells it with how it ended, before that is answered.
    pub(super) async fn tell(mut self, status: StatusCode, location: Option<String>) {
        self.is_told = true;
        // What has been made is known by where it is from now on.
        let made = location.and_then(|at| segments(&at).pop());
        let target = self.what.target.clone().or(made);
        let data = self.what.data(target.as_deref(), Some(status));
        self.show(target.as_deref(), &data);
        let stored = self.delivery.record(AUDIT, target.clone(), data.clone());
        let stored = tokio::time::timeout(STORE_MAX, stored).await;
        if !matches!(stored, Ok(Ok(()))) {
            self.delivery.announce(AUDIT, target, data);
        }
    }

    fn show(&self, target: Option<&str>, data: &Value) {
        let What { operation, via, .. } = self.what;
        tracing::info!(action = operation, subject = target, status = %data["status"], via, "an operator's action");
        self.feed.push(AUDIT, target.unwrap_or(operation), data);
    }
}

impl Drop for Action {
    fn drop(&mut self) {
        if !self.is_told {
            let target = self.what.target.clone();
            let data = self.what.data(target.as_deref(), None);
            self.show(target.as_deref(), &data);
            self.delivery.announce(AUDIT, target, data);
        }
    }
}

// === impl What ===

impl What {
    fn of(parts: &Parts) -> Option<Self> {
        if is_read(&parts.method) {
            return None;
        }
        let segments = segments(parts.uri.path());
        let known = KNOWN.iter().find(|known| known.fits(&parts.method, &segments))?;
        let is_of_console = parts.extensions.get::<Via>().is_some();
        if TRAFFIC.contains(&known.operation) && !is_of_console {
            return None;
        }
        let named = known.path.iter().zip(&segments).find_map(|(own, segment)| own.is_none().then(|| segment.clone()));
        let target = named.or_else(|| Query::new(parts.uri.query().unwrap_or_default()).first("name"));
        let agent = parts.headers.get(USER_AGENT).map(|agent| String::from_utf8_lossy(agent.as_bytes()));
        Some(Self {
            operation: known.operation,
            target: target.map(|target| cut(&target)),
            method: parts.method.clone(),
            path: cut(parts.uri.path()),
            who: parts.extensions.get().copied().unwrap_or(Who::Loopback),
            peer: parts.extensions.get().copied(),
            user_agent: agent.map(|agent| cut(&agent)),
            via: if is_of_console { "console" } else { "api" },
        })
    }

    fn data(&self, target: Option<&str>, status: Option<StatusCode>) -> Value {
        json!({
            "action": self.operation,
            "target": target,
            "method": self.method.as_str(),
            "path": self.path,
            "status": status.map(|status| status.as_u16()),
            "who": self.who.as_str(),
            "address": self.peer.map(|peer| peer.0.to_string()),
            "userAgent": self.user_agent,
            "via": self.via,
        })
    }
}

/// Where an answer says that something is.
pub(super) fn location(headers: &http::HeaderMap) -> Option<String> {
    headers.get(LOCATION)?.to_str().ok().map(str::to_owned)
}

fn cut(text: &str) -> String {
    text.chars().take(TEXT_MAX).collect()
}

// === impl Known ===

impl Known {
    fn fits(&self, method: &Method, segments: &[String]) -> bool {
        let is_same = |(own, segment): (&Option<&str>, &String)| own.is_none_or(|own| own == segment);
        self.method == *method && self.path.len() == segments.len() && self.path.iter().zip(segments).all(is_same)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use http::Request;

    use super::*;

    fn action(method: &str, path: &str) -> Option<(&'static str, Option<String>)> {
        let request = Request::builder().method(method).uri(path).body(()).expect("a request");
        What::of(&request.into_parts().0).map(|what| (what.operation, what.target))
    }

    #[test]
    fn an_action_is_known_by_its_operation_and_what_it_is_done_to() {
        let check = |method, path, operation, target: &str| {
            assert_eq!(action(method, path), Some((operation, Some(target.to_owned()))), "{method} {path}");
        };
        check("POST", "/api/v1/breakers/a%2Fb/open", "openBreaker", "a/b");
        check("PUT", "/api/v1/services/users/traffic", "shareTraffic", "users");
        check("POST", "/api/v1/plugins?name=hello&secret=x", "deploy", "hello");
        check("DELETE", "/api/v1/kv/users/ann", "deleteValue", "users");
        assert_eq!(action("POST", "/api/v1/routes"), Some(("addRoute", None)));
    }

    #[test]
    fn what_changes_nothing_and_what_is_traffic_is_no_action() {
        for (method, path) in [
            ("GET", "/api/v1/routes"),
            ("HEAD", "/api/v1/plugins"),
            ("POST", "/api/v1/events"),
            ("POST", "/api/v1/queues/q/messages"),
            ("POST", "/api/v1/queues/q/lease"),
            ("POST", "/api/v1/queues/q/messages/1/ack"),
            ("PUT", "/api/v1/services/a/heartbeat"),
            ("POST", "/nowhere"),
            ("PATCH", "/api/v1/routes"),
        ] {
            assert_eq!(action(method, path), None, "{method} {path}");
        }
    }

    #[test]
    fn what_a_person_publishes_in_the_console_is_an_action() {
        let mut request = Request::post("/api/v1/events").body(()).expect("a request");
        request.extensions_mut().insert(Via);
        let what = What::of(&request.into_parts().0).expect("a person did it");
        assert_eq!((what.operation, what.via), ("publish", "console"));
    }

    #[test]
    fn all_that_is_said_to_be_traffic_is_there() {
        let known: BTreeSet<&str> = KNOWN.iter().map(|known| known.operation).collect();
        assert!(TRAFFIC.iter().all(|operation| known.contains(operation)), "{known:?}");
    }
}
