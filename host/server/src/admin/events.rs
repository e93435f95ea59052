//! Events: published as CloudEvents over HTTP, read back from the log; and their topics.

use http::{Method, StatusCode, header::CONTENT_TYPE};
use serde_json::Value;
use switchyard_core::{
    event::{
        DATA_MAX, Event,
        binding::{self, BindingError},
        topic::Pattern,
    },
    problem::Code,
    timestamp::Timestamp,
};
use switchyard_delivery::{From, Publisher, TopicView};

use super::{
    Sources,
    api::{Answer, Asked, no_such_path},
    query::Query,
    reply::{List, Problem, json, page, with_status},
};

/// The source of an event that says none and comes in over the admin API.
const SOURCE: &str = "/switchyard/admin";

/// Events of one answer when a request does not say how many.
const PAGE: usize = 100;

/// The most events of one answer.
const PAGE_MAX: usize = 1_000;

/// `/api/v1/topics` and below.
pub(super) async fn topics(asked: &Asked<'_>, rest: &[&str], sources: &Sources) -> Answer {
    match rest {
        [] | [_] if !asked.is_read() => Err(Problem::method_not_allowed("GET, HEAD")),
        [] => {
            let topics = sources.delivery.topics().await?;
            let items = topics.into_iter().map(|topic| (topic.name.clone(), topic)).collect();
            Ok(json(&page(items, &asked.query)?))
        }
        [name] => Ok(json(&topic(sources, name).await?)),
        _ => Err(no_such_path()),
    }
}

async fn topic(sources: &Sources, name: &str) -> Result<TopicView, Problem> {
    let found = sources.delivery.topics().await?.into_iter().find(|topic| topic.name == name);
    let missing = || Problem::new(Code::NotFound, format!("there is no topic {name}; its first event makes it"));
    found.ok_or_else(missing)
}

/// `GET` and `POST /api/v1/events`.
pub(super) async fn events(asked: &Asked<'_>, sources: &Sources) -> Answer {
    match *asked.method {
        Method::GET | Method::HEAD => read(&asked.query, sources).await,
        Method::POST => publish(asked, sources).await,
        _ => Err(Problem::method_not_allowed("GET, HEAD, POST")),
    }
}

async fn publish(asked: &Asked<'_>, sources: &Sources) -> Answer {
    let content_type = asked.headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    let headers = asked.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let parsed = binding::parse(content_type, headers, asked.body.clone()).map_err(|error| match error {
        BindingError::UnsupportedMediaType(_) => Problem::new(Code::UnsupportedMediaType, error.to_string()),
        error => Problem::new(Code::InvalidEvent, error.to_string()),
    })?;
    let mut sizes = parsed.drafts.iter().filter_map(|draft| Some(draft.data.as_ref()?.len()));
    if let Some(size) = sizes.find(|size| *size > DATA_MAX) {
        let detail =
            format!("the data has {size} bytes, over the limit of {DATA_MAX}; store it elsewhere, and send where");
        return Err(Problem::new(Code::PayloadTooLarge, detail));
    }
    let is_batch = parsed.is_batch;
    let publisher = Publisher::operator(SOURCE);
    let receipts = sources.delivery.publish(publisher, parsed.drafts).await?;
    let stored = receipts.iter().any(|receipt| !receipt.duplicate);
    let status = if stored { StatusCode::CREATED } else { StatusCode::OK };
    Ok(match receipts.first() {
        Some(receipt) if !is_batch => with_status(status, json(receipt)),
        _ => with_status(status, json(&List { items: receipts, next: None })),
    })
}

async fn read(query: &Query<'_>, sources: &Sources) -> Answer {
    let topics = match query.first("topic") {
        None => None,
        Some(topic) => match topic.parse::<Pattern>() {
            Ok(pattern) => Some(pattern),
            Err(invalid) => return Err(Problem::new(Code::BadRequest, invalid.to_string())),
        },
    };
    let from = from(query.first("from").as_deref(), query.first("cursor").as_deref())?;
    let limit = query.number("limit", PAGE, PAGE_MAX)?;
    let page = sources.delivery.events(topics.clone(), from, limit).await?;
    if let Some(name) = topics.as_ref().and_then(Pattern::exact).filter(|_| page.items.is_empty()) {
        topic(sources, name).await?;
    }
    let items = page.items.iter().map(|(sequence, event)| item(*sequence, event)).collect();
    Ok(json(&List { items, next: page.next.map(|next| next.to_string()) }))
}

/// Where to read from: `first`, a sequence (that event included), or a time. A cursor goes on after itself.
fn from(from: Option<&str>, cursor: Option<&str>) -> Result<From, Problem> {
    let wrong = |what: &str, text: &str| {
        let detail = format!("{what} is '{text}': write first, a sequence, or a time as in 2026-01-31T12:00:00Z");
        Problem::new(Code::BadRequest, detail)
    };
    let first = match from {
        None | Some("first") => From::First,
        Some(text) => match (text.parse::<u64>(), text.parse::<Timestamp>()) {
            (Ok(sequence), _) => From::After(sequence.saturating_sub(1)),
            (_, Ok(time)) => From::Time(time),
            _ => return Err(wrong("from", text)),
        },
    };
    match cursor {
        Some(cursor) => cursor.parse().map(From::After).map_err(|_| wrong("cursor", cursor)),
        None => Ok(first),
    }
}

/// An event as a CloudEvent in JSON, and its place in the log.
fn item(sequence: u64, event: &Event) -> Value {
    let mut item = event.to_json();
    if let Some(members) = item.as_object_mut() {
        members.insert("sequence".to_owned(), sequence.into());
    }
    item
}
