//! Deploys: a form with a component, which goes to the API as it comes.

use bytes::Bytes;
use http::{Uri, header::CONTENT_LENGTH, request::Parts};
use http_body_util::BodyExt;
use maud::{Markup, html};

use crate::{
    admin::{self, Query, Sources},
    console::{BoxError, Via, action, ask::encode, failure::Failure, page::View},
};

/// The action that takes a component: its form is read as it comes.
pub(in crate::console) const DEPLOY: &str = "plugin.deploy";

/// The form for a plugin of this name, and the page that it leads back to.
pub(super) fn form(view: &View<'_>, stem: &str) -> Markup {
    let target = format!("{}?name={}&back={}", action::path(DEPLOY), encode(stem), encode(&view.here()));
    html! {
        form.act.fields method="post" action=(target) enctype="multipart/form-data" data-act=(DEPLOY) {
            (file("component", "Component (.wasm)", ".wasm", true))
            (file("side", "Side file (.toml)", ".toml", false))
            (file("signature", "Signature (.minisig)", ".minisig", false))
            button.main type="submit" { "Deploy" }
        }
        p.hint { "It is compiled and tried before it serves, and a bad one never replaces a good one. Without a side file the present one stays." }
    }
}

/// Deploys the component of a form.
///
/// # Errors
/// With what the API says.
pub(in crate::console) async fn deploy<B>(parts: &Parts, body: B, sources: &Sources) -> Result<String, Failure>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send,
{
    let stem = Query::new(parts.uri.query().unwrap_or_default()).first("name").unwrap_or_default();
    let uri = Uri::try_from(format!("/api/v1/plugins?name={}", encode(&stem)));
    let mut request = parts.clone();
    request.uri = uri.map_err(|error| Failure::of_form(error.to_string()))?;
    request.headers.remove(CONTENT_LENGTH);
    request.extensions.insert(Via);
    let (answered, body) = admin::within(request, body, sources).await.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let answer: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    if !answered.status.is_success() {
        return Err(Failure::of_problem(answered.status, &answer));
    }
    let version = answer["version"].as_str().map(|version| format!(", version {version}")).unwrap_or_default();
    Ok(format!("{stem} is deployed{version}."))
}

fn file(name: &str, label: &str, accept: &str, is_needed: bool) -> Markup {
    html! { label.field { span { (label) } input type="file" name=(name) accept=(accept) required[is_needed]; } }
}
