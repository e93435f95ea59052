//! Dead letters: listed, looked at, redriven and discarded.

use std::sync::Arc;

use http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use switchyard_core::problem::Code;
use switchyard_store::ListDead;

use super::{
    Sources,
    api::{Answer, Asked, no_such_path},
    body,
    reply::{List, Problem, empty, json, with_status},
};

/// Dead letters of one answer when a request does not say how many, and the most.
const PAGE: usize = 100;
const PAGE_MAX: usize = 1_000;

/// Dead letters redriven a second when a request does not say.
const RATE: u32 = 100;

/// The most dead letters that can be redriven a second.
const RATE_MAX: u32 = 10_000;

/// The body that redrives many.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct RedriveMany {
    subscription: Option<String>,
    topic: Option<String>,
    queue: Option<String>,
    /// At most so many; 1 to 1,000.
    #[schemars(range(min = 1, max = PAGE_MAX))]
    limit: usize,
    #[schemars(range(min = 1, max = RATE_MAX))]
    per_second: u32,
}

/// What redriving many answers.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Redriving {
    /// How many are being redriven.
    redriving: u64,
}

/// `/api/v1/dead-letters` and below.
pub(super) async fn answer(asked: &Asked<'_>, rest: &[&str], sources: &Sources) -> Answer {
    let delivery = &sources.delivery;
    match (asked.method.clone(), rest) {
        (Method::GET | Method::HEAD, []) => list(asked, sources).await,
        (_, []) => Err(Problem::method_not_allowed("GET, HEAD")),
        (Method::POST, ["redrive"]) => {
            let many = body::read::<RedriveMany>(&asked.body)?.checked()?;
            let (rate, list) = (many.per_second, many.list());
            let redriving = delivery.redrive_all(list, rate).await?;
            Ok(with_status(StatusCode::ACCEPTED, json(&Redriving { redriving })))
        }
        (_, ["redrive"]) => Err(Problem::method_not_allowed("POST")),
        (Method::GET | Method::HEAD, [id]) => Ok(json(&delivery.dead_letter(id).await?)),
        (Method::DELETE, [id]) => {
            delivery.discard(id).await?;
            Ok(empty())
        }
        (_, [_]) => Err(Problem::method_not_allowed("GET, HEAD, DELETE")),
        (Method::POST, [id, "redrive"]) => {
            delivery.redrive(id).await?;
            Ok(with_status(StatusCode::ACCEPTED, json(&Redriving { redriving: 1 })))
        }
        (_, [_, "redrive"]) => Err(Problem::method_not_allowed("POST")),
        _ => Err(no_such_path()),
    }
}

async fn list(asked: &Asked<'_>, sources: &Sources) -> Answer {
    let limit = asked.query.number("limit", PAGE, PAGE_MAX)?;
    let named = |name| asked.query.first(name).map(Arc::from);
    let list = ListDead {
        after: named("cursor"),
        subscription: named("subscription"),
        topic: named("topic"),
        queue: named("queue"),
        limit,
    };
    let items = sources.delivery.dead_letters(list.clone()).await?;
    // A page is shorter than asked for also when it holds much, so whether more follows has to be asked.
    let next = match items.last() {
        Some(last) => {
            let after = ListDead { after: Some(last.id.as_str().into()), limit: 1, ..list };
            let more = !sources.delivery.dead_letters(after).await?.is_empty();
            more.then(|| last.id.clone())
        }
        None => None,
    };
    Ok(json(&List { items, next }))
}

// === impl RedriveMany ===

impl Default for RedriveMany {
    fn default() -> Self {
        Self { subscription: None, topic: None, queue: None, limit: PAGE_MAX, per_second: RATE }
    }
}

impl RedriveMany {
    fn checked(self) -> Result<Self, Problem> {
        let wrong = |member: &str, max: u64| {
            Err(Problem::new(Code::BadRequest, format!("{member} must be a number from 1 to {max}")))
        };
        match self {
            Self { limit, .. } if !(1..=PAGE_MAX).contains(&limit) => wrong("limit", PAGE_MAX as u64),
            Self { per_second, .. } if !(1..=RATE_MAX).contains(&per_second) => wrong("perSecond", u64::from(RATE_MAX)),
            right => Ok(right),
        }
    }

    fn list(self) -> ListDead {
        ListDead {
            after: None,
            subscription: self.subscription.map(Arc::from),
            topic: self.topic.map(Arc::from),
            queue: self.queue.map(Arc::from),
            limit: self.limit,
        }
    }
}
