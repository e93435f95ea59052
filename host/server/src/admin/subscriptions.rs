//! Subscriptions: listed, made, paused, moved and ended.

use http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::Deserialize;
use switchyard_core::{
    event::topic::Pattern,
    manifest::{ATTEMPTS_MAX, Backoff, Start, SubscriptionSpec},
    name::ServiceName,
    problem::Code,
    timestamp::Timestamp,
};
use switchyard_delivery::config::{ConfiguredSubscription, Endpoint};
use switchyard_dispatch::Webhooks;
use switchyard_store::CursorStart;

use super::{
    Sources,
    api::{Answer, Asked, no_such_path},
    body,
    reply::{Problem, empty, json, page, with_status},
};

/// A name as a pattern: no white space, no control characters.
const NAME: &str = r"^[^\s\x00-\x1f\x7f-\x9f]{1,512}$";

/// The body that makes a subscription.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "NewSubscription")]
#[schemars(extend("oneOf" = [
    {"required": ["service"], "properties": {"service": {"type": "string"}}},
    {"required": ["url"], "properties": {"url": {"type": "string"}}}
]))]
pub(super) struct New {
    #[schemars(with = "Pattern")]
    topic: String,
    /// Who is called: a service, or the URL of a webhook.
    service: Option<ServiceName>,
    #[schemars(extend("format" = "webhook"))]
    url: Option<String>,
    #[schemars(regex(pattern = NAME))]
    name: Option<String>,
    #[schemars(regex(pattern = NAME))]
    group: Option<String>,
    #[serde(default)]
    broadcast: bool,
    #[serde(default)]
    priority: i32,
    #[schemars(extend("format" = "cel"))]
    filter: Option<String>,
    #[serde(default)]
    once: bool,
    #[schemars(range(min = 1, max = ATTEMPTS_MAX))]
    max_attempts: Option<u32>,
    backoff: Option<Backoff>,
    #[serde(default)]
    start: Start,
}

/// The body that moves a cursor: one of these.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Seek {
    /// `first`, `latest`, a sequence (that event is delivered), or a time.
    #[schemars(extend("anyOf" = [
        {"enum": ["first", "latest"]},
        {"type": "integer", "minimum": 0},
        {"type": "string", "pattern": "^[0-9]{1,18}$"},
        {"type": "string", "format": "date-time"}
    ]))]
    to: serde_json::Value,
}

/// `/api/v1/subscriptions` and below.
pub(super) async fn answer(asked: &Asked<'_>, rest: &[&str], sources: &Sources) -> Answer {
    let delivery = &sources.delivery;
    match (asked.method.clone(), rest) {
        (Method::GET | Method::HEAD, []) => {
            let items = delivery.subscriptions().await?.into_iter().map(|item| (item.name.clone(), item)).collect();
            Ok(json(&page(items, &asked.query)?))
        }
        (Method::POST, []) => {
            let made = delivery.subscribe(body::read::<New>(&asked.body)?.checked()?).await?;
            Ok(with_status(StatusCode::CREATED, json(&made)))
        }
        (_, []) => Err(Problem::method_not_allowed("GET, HEAD, POST")),
        (Method::GET | Method::HEAD, [id]) => {
            let found = delivery.subscriptions().await?.into_iter().find(|item| item.id == **id || item.name == **id);
            let missing = || Problem::new(Code::NotFound, format!("there is no subscription {id}"));
            Ok(json(&found.ok_or_else(missing)?))
        }
        (Method::DELETE, [id]) => {
            delivery.unsubscribe(id).await?;
            Ok(empty())
        }
        (_, [_]) => Err(Problem::method_not_allowed("GET, HEAD, DELETE")),
        (Method::POST, [id, "pause"]) => Ok(json(&delivery.pause(id).await?)),
        (Method::POST, [id, "resume"]) => Ok(json(&delivery.resume(id).await?)),
        (Method::POST, [id, "seek"]) => {
            let to = start(&body::read::<Seek>(&asked.body)?.to)?;
            Ok(json(&delivery.seek(id, to).await?))
        }
        (_, [_, "pause" | "resume" | "seek"]) => Err(Problem::method_not_allowed("POST")),
        _ => Err(no_such_path()),
    }
}

fn start(to: &serde_json::Value) -> Result<CursorStart, Problem> {
    let place = match (body::whole_number(to), to.as_str()) {
        (Some(sequence), _) => Some(CursorStart::After(sequence.saturating_sub(1))),
        (_, Some("first")) => Some(CursorStart::First),
        (_, Some("latest")) => Some(CursorStart::Latest),
        (_, Some(text)) => match (text.parse::<u64>(), text.parse::<Timestamp>()) {
            (Ok(sequence), _) => Some(CursorStart::After(sequence.saturating_sub(1))),
            (_, time) => time.ok().map(CursorStart::Time),
        },
        _ => None,
    };
    place.ok_or_else(|| {
        let detail =
            format!("'to' is {to}: write \"first\", \"latest\", a sequence, or a time as in \"2026-01-31T12:00:00Z\"");
        Problem::new(Code::BadRequest, detail)
    })
}

// === impl New ===

impl New {
    fn checked(self) -> Result<ConfiguredSubscription, Problem> {
        let invalid = |detail: String| Problem::new(Code::BadRequest, detail);
        let endpoint = match (self.service, self.url) {
            (Some(service), None) => Endpoint::Service(service),
            (None, Some(url)) => {
                Webhooks::check(&url).map_err(|error| invalid(error.to_string()))?;
                Endpoint::Url(url)
            }
            _ => return Err(invalid("name either a service or a url that is to be called".to_owned())),
        };
        let spec = SubscriptionSpec {
            topic: self.topic,
            name: self.name,
            group: self.group,
            broadcast: self.broadcast,
            priority: self.priority,
            filter: self.filter,
            once: self.once,
            max_attempts: self.max_attempts,
            backoff: self.backoff,
            start: self.start,
        };
        spec.check().map_err(|error| invalid(error.to_string()))?;
        Ok(ConfiguredSubscription { spec, endpoint })
    }
}
