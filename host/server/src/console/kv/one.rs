//! One key, and its value.

use http::header::ETAG;
use maud::{Render, html};

use super::{path, value::Value};
use crate::console::{
    ask::{Answered, Call},
    failure::Failure,
    page::{Page, View},
    parts::{self, Action},
    sections, show,
    strip::strip,
};

/// The longest value that can be changed here: a form is no editor.
const EDITED_MAX: usize = 64 << 10;

pub(super) async fn page(view: &View<'_>, bucket: &str, key: &str) -> Result<Page, Failure> {
    let answered = view.api.send(Call::get(&["kv", bucket, key])).await?;
    let (bytes, revision) = (&answered.body[..], revision(&answered));
    let value = Value::of(bytes);
    let facts = [
        ("Size", html! { (show::bytes(bytes.len() as u64)) }),
        ("Revision", html! { (revision) }),
        ("Shown as", html! { (value.kind()) }),
    ];
    let act = |name, label| {
        Action::new(view, name, label).with("bucket", bucket).with("key", key).with("revision", &*revision)
    };
    let delete = act("kv.delete", "Delete").asking(format!("Delete the key {key} of {bucket}?"));
    let body = html! {
        (parts::live("value", html! {
            (strip(&facts))
            (parts::card("Value", value.shown()))
        }))
        @match editable(bytes) {
            Some(text) => (parts::panel("change", "Change it", html! {
                p.hint { "It is written when the key still has the revision " (revision) "." }
                (act("kv.put", "Write").fields(parts::area("value", "Value", text, "")))
            })),
            None => p.hint { "What is no text, or long, is changed over the API: PUT /api/v1" (path(&[bucket, key])) },
        }
        (parts::buttons(vec![delete.render()]))
    };
    Ok(Page::new(sections::KV, key, body).below_section().below(bucket, path(&[bucket])).every(10))
}

/// A value that comes back from a form as it was: text, without line ends of other systems.
fn editable(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let is_kept = |c: char| c == '\n' || c == '\t' || !c.is_control();
    (bytes.len() <= EDITED_MAX && text.chars().all(is_kept)).then_some(text)
}

fn revision(answered: &Answered) -> String {
    let tag = answered.headers.get(ETAG).and_then(|tag| tag.to_str().ok()).unwrap_or_default();
    tag.trim_matches('"').to_owned()
}
