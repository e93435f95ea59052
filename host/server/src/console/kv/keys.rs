//! The keys of a bucket.

use maud::{Render, html};
use serde_json::Value;

use super::{add, path};
use crate::console::{
    failure::Failure,
    page::{Page, View},
    parts::{self, Action, Row},
    sections, text,
};

/// Keys of one page.
const PAGE: &str = "100";

pub(super) async fn page(view: &View<'_>, bucket: &str) -> Result<Page, Failure> {
    let (prefix, cursor) = (view.asked("prefix"), view.asked("cursor"));
    let mut query = vec![("limit", PAGE)];
    query.extend(prefix.as_deref().map(|prefix| ("prefix", prefix)));
    query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
    let list = view.api.get(&["kv", bucket], &query).await?;
    let keys = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let body = html! {
        (parts::filter(view, parts::input("prefix", "Begins with", prefix.as_deref().unwrap_or_default(), "orders/")))
        (parts::live("keys", html! {
            @if keys.is_empty() {
                (parts::empty("No such key", "No key of this bucket begins so.", None))
            } @else {
                div.card { (parts::table("Keys", &["Key", ""], keys.iter().map(|key| row(view, bucket, key)))) }
            }
            (parts::pager(view, &list))
        }))
        (parts::panel("add", "Add a key", add(view, Some(bucket))))
    };
    Ok(Page::new(sections::KV, bucket, body).below_section().every(10))
}

fn row(view: &View<'_>, bucket: &str, item: &Value) -> Row {
    let key = text::plain(&item["key"]);
    let delete = Action::new(view, "kv.delete", "Delete").with("bucket", bucket).with("key", &*key);
    let delete = delete.titled(format!("Delete {key}")).asking(format!("Delete the key {key} of {bucket}?"));
    let cells = vec![html! { a href=(path(&[bucket, &key])) { code { (text::text(&key)) } } }, delete.render()];
    parts::row(key, cells)
}
