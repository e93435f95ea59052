//! Key-value: the buckets of services, their keys, and each value as what it is.

mod act;
mod keys;
mod one;
mod value;

use maud::{Markup, html};
use serde_json::Value;

use super::{
    ask,
    failure::Failure,
    page::{Page, View},
    parts::{self, Action, Row},
    sections, show, text,
};

pub(super) use act::plan;

/// The pages of this section.
///
/// # Errors
/// With why there is no page.
pub(super) async fn page(view: &View<'_>, rest: &[&str]) -> Result<Page, Failure> {
    match rest {
        [] => buckets(view).await,
        [bucket] => keys::page(view, bucket).await,
        [bucket, key] => one::page(view, bucket, key).await,
        _ => Err(Failure::no_such_page()),
    }
}

async fn buckets(view: &View<'_>) -> Result<Page, Failure> {
    let cursor = view.asked("cursor");
    let mut query = vec![("limit", "200")];
    query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
    let list = view.api.get(&["kv"], &query).await?;
    let found = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let body = html! {
        (parts::live("buckets", html! {
            @if found.is_empty() {
                (parts::empty("No buckets yet", "The first value that a service keeps makes its bucket, which has its name.", None))
            } @else {
                div.card { (parts::table("Buckets", &["Bucket", "#Keys", "#Size"], found.iter().map(row))) }
            }
            (parts::pager(view, &list))
        }))
        (parts::panel("add", "Add a key", add(view, None)))
    };
    Ok(Page::new(sections::KV, "Key-value", body).every(10))
}

fn row(bucket: &Value) -> Row {
    let name = text::plain(&bucket["bucket"]);
    let cells = vec![
        html! { a.strong href=(path(&[&name])) { (text::text(&name)) } },
        show::figure(&bucket["entries"]),
        html! { (show::bytes(bucket["bytes"].as_u64().unwrap_or_default())) },
    ];
    parts::row(name, cells)
}

/// A form that adds a key, to this bucket or to one that is typed.
fn add(view: &View<'_>, bucket: Option<&str>) -> Markup {
    let action = Action::new(view, "kv.add", "Add");
    let action = match bucket {
        Some(bucket) => action.with("bucket", bucket),
        None => action,
    };
    let fields = html! {
        @if bucket.is_none() { (parts::needed("bucket", "Bucket", "", "order-service")) }
        (parts::needed("key", "Key", "", "orders/17"))
        (parts::area("value", "Value", "", ""))
    };
    html! { (action.fields(fields)) }
}

/// The page of a bucket, or of a key in it.
fn path(of: &[&str]) -> String {
    ask::path(&[&["kv"], of].concat())
}

#[cfg(test)]
mod tests;
