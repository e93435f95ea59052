//! Sagas: started, looked at, and moved by whoever operates them.

use http::{HeaderValue, Method, StatusCode, header::LOCATION};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use switchyard_core::{
    problem::Code,
    saga::{DATA_MAX, SagaId, StartDraft, Status},
};
use switchyard_delivery::{ListSagas, Publisher, SagaPage};

use super::{
    Sources,
    api::{Answer, Asked, no_such_path},
    body,
    query::Query,
    reply::{List, Problem, json, page, with_status},
};

/// The source of what is started over the admin API.
const SOURCE: &str = "/switchyard/admin";

/// Sagas, or lines of a history, of one answer when a request does not say how many, and the most.
const PAGE: usize = 100;
const PAGE_MAX: usize = 1_000;

/// Where a saga can stand, in the order of its life.
const STATUSES: [Status; 6] =
    [Status::Running, Status::Waiting, Status::Compensating, Status::Stuck, Status::Failed, Status::Completed];

/// The body that starts a saga.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "NewSaga")]
pub(super) struct New {
    #[schemars(regex(pattern = r"^[A-Za-z0-9._:-]{1,128}$"))]
    saga_name: String,
    /// Another start with the same id finds the first; none means a new one.
    #[schemars(regex(pattern = r"^[A-Za-z0-9._:-]{1,128}$"))]
    saga_id: Option<String>,
    /// A JSON object; none means an empty one.
    #[schemars(with = "Option<serde_json::Map<String, Value>>")]
    data: Option<Box<RawValue>>,
}

/// The body that has a saga tried again.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RetrySaga")]
pub(super) struct Retry {
    /// Other data for it, a JSON object.
    #[schemars(with = "Option<serde_json::Map<String, Value>>")]
    data: Option<Box<RawValue>>,
}

/// The body that hands a saga a signal.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Signal {
    #[schemars(regex(pattern = r"^[A-Za-z0-9._:-]{1,128}$"))]
    name: String,
    /// Any JSON; none means null.
    #[schemars(with = "Value")]
    data: Option<Box<RawValue>>,
}

/// What starting answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "StartedSaga")]
pub(super) struct Started {
    saga_id: SagaId,
    /// Whether it was there already, of whatever definition.
    existing: bool,
    status: Option<Status>,
}

/// `/api/v1/sagas` and below.
pub(super) async fn answer(asked: &Asked<'_>, rest: &[&str], sources: &Sources) -> Answer {
    let (delivery, query) = (&sources.delivery, &asked.query);
    match (asked.method.clone(), rest) {
        (Method::GET | Method::HEAD, []) => Ok(json(&shown(delivery.sagas(list(query)?).await?))),
        (Method::POST, []) => start(body::read(&asked.body)?, sources).await,
        (_, []) => Err(Problem::method_not_allowed("GET, HEAD, POST")),
        (Method::GET | Method::HEAD, ["definitions"]) => {
            let definitions = delivery.definitions().into_iter();
            let items = definitions.map(|declared| (declared.definition.name().to_owned(), declared)).collect();
            Ok(json(&page(items, query)?))
        }
        (Method::GET | Method::HEAD, ["stats"]) => Ok(json(&delivery.saga_stats().await?)),
        (Method::GET | Method::HEAD, [id]) => Ok(json(&delivery.saga(id).await?)),
        (Method::GET | Method::HEAD, [id, "history"]) => {
            let limit = query.number("limit", PAGE, PAGE_MAX)?;
            Ok(json(&shown(delivery.saga_history(id, sequence(query)?, limit).await?)))
        }
        (_, [_] | [_, "history"]) => Err(Problem::method_not_allowed("GET, HEAD")),
        (Method::POST, [id, how @ ("cancel" | "retry" | "compensate" | "signal")]) => {
            let saga = match *how {
                "cancel" => delivery.cancel_saga(id).await?,
                "compensate" => delivery.compensate_saga(id).await?,
                "retry" => {
                    let retry: Retry = body::read(&asked.body)?;
                    delivery.retry_saga(id, data(retry.data.as_deref())?).await?
                }
                _ => {
                    let signal: Signal = body::read(&asked.body)?;
                    let data = data(signal.data.as_deref())?.unwrap_or_default();
                    delivery.signal_saga(id, &signal.name, data).await?
                }
            };
            Ok(with_status(StatusCode::ACCEPTED, json(&saga)))
        }
        (_, [_, "cancel" | "retry" | "compensate" | "signal"]) => Err(Problem::method_not_allowed("POST")),
        _ => Err(no_such_path()),
    }
}

async fn start(new: New, sources: &Sources) -> Answer {
    let data = within(new.data.as_deref())?.unwrap_or_default().as_bytes().to_vec().into();
    let draft = StartDraft { name: new.saga_name, id: new.saga_id, data };
    let started = sources.delivery.start_saga(Publisher::operator(SOURCE), draft).await?;
    // It has been started, so that it cannot be read now is no reason to say that it was not.
    let saga = sources.delivery.saga(started.id.as_str()).await.unwrap_or_default();
    let location = HeaderValue::try_from(format!("/api/v1/sagas/{}", started.id));
    let status = if started.existing { StatusCode::OK } else { StatusCode::CREATED };
    let stands = serde_json::from_value(saga["status"].clone()).ok();
    let answer = Started { saga_id: started.id, existing: started.existing, status: stands };
    let mut response = with_status(status, json(&answer));
    // An id has no characters that a header or a path could not carry.
    if let Ok(location) = location {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// Which sagas a query asks for.
fn list(query: &Query<'_>) -> Result<ListSagas, Problem> {
    let status = query.first("status").map(|text| {
        let found = STATUSES.into_iter().find(|status| status.as_str() == text);
        let known = STATUSES.map(Status::as_str).join(", ");
        let wrong = || Problem::new(Code::BadRequest, format!("status is '{text}', not one of: {known}"));
        found.ok_or_else(wrong)
    });
    Ok(ListSagas {
        status: status.transpose()?,
        name: query.first("name"),
        after: query.first("cursor").filter(|cursor| !cursor.is_empty()),
        limit: query.number("limit", PAGE, PAGE_MAX)?,
    })
}

/// Where a history is to be read on.
fn sequence(query: &Query<'_>) -> Result<Option<u64>, Problem> {
    let wrong = |text: &str| Problem::new(Code::BadRequest, format!("cursor is '{text}', not the next of a page"));
    query.first("cursor").map(|text| text.parse().map_err(|_| wrong(&text))).transpose()
}

fn shown(page: SagaPage) -> List<Value> {
    List { items: page.items, next: page.next }
}

/// The JSON of `data` as it is written, if it is not too long.
fn within(data: Option<&RawValue>) -> Result<Option<&str>, Problem> {
    match data.map(RawValue::get) {
        Some(text) if text.len() > DATA_MAX => {
            let detail = format!("data has {} bytes, over the limit of {DATA_MAX}; give less", text.len());
            Err(Problem::new(Code::PayloadTooLarge, detail))
        }
        text => Ok(text),
    }
}

/// The value of `data`.
fn data(data: Option<&RawValue>) -> Result<Option<Value>, Problem> {
    let wrong = |error| Problem::new(Code::BadRequest, format!("data is no JSON that can be kept: {error}"));
    within(data)?.map(|text| serde_json::from_str(text).map_err(wrong)).transpose()
}
