//! Plugins: listed with what is kept of each, deployed, rolled back, removed.

mod upload;

use http::{HeaderValue, Method, StatusCode, header::LOCATION, request::Parts};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use switchyard_core::{
    name::{Digest, PluginFile},
    problem::Code,
    timestamp::Timestamp,
};

use super::{
    Sources,
    api::{Answer, Asked, no_such_path, segments},
    body,
    query::Query,
    reply::{Problem, empty, json, page, with_status},
};
use crate::reload::{Change, DIGITS_MIN, Done, PluginState, PluginView, Refusal, Shown, Side, To};

/// One plugin.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Plugin")]
pub(super) struct PluginItem<'a> {
    #[serde(flatten)]
    plugin: &'a PluginView,
    /// What it can be rolled back to, newest first.
    artifacts: Vec<ArtifactItem<'a>>,
}

/// Something that serves, or did.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Artifact")]
struct ArtifactItem<'a> {
    digest: Digest,
    /// Null when a host of the past kept it.
    version: Option<&'a semver::Version>,
    /// When it came to serve; null likewise.
    deployed_at: Option<Timestamp>,
    is_live: bool,
    has_side_file: bool,
    is_signed: bool,
}

/// What a rollback goes back to: what served before, when nothing is said.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("not" = {"required": ["digest", "version"], "properties": {"digest": {"type": "string"}, "version": {"type": "string"}}}))]
pub(super) struct Rollback {
    #[schemars(regex(pattern = r"^[0-9a-f]{8,64}$"))]
    digest: Option<String>,
    version: Option<semver::Version>,
}

/// `/api/v1/plugins` and below, but for what [`is_deploy`] says.
pub(super) async fn answer(asked: &Asked<'_>, rest: &[&str], sources: &Sources) -> Answer {
    match (asked.method.clone(), rest) {
        (Method::GET | Method::HEAD, []) => {
            let shown = sources.plugins.shown();
            let items = shown.plugins.iter().map(|plugin| (plugin.name.clone(), PluginItem::of(plugin, &shown)));
            Ok(json(&page(items.collect(), &asked.query)?))
        }
        (_, []) => Err(Problem::method_not_allowed("GET, HEAD, POST")),
        (Method::GET | Method::HEAD, [name]) => one(name, sources),
        (Method::DELETE, [name]) => {
            known(name, sources)?;
            sources.plugins.change((*name).to_owned(), Change::Remove).await?;
            Ok(empty())
        }
        (_, [_]) => Err(Problem::method_not_allowed("GET, HEAD, DELETE")),
        (Method::POST, [name, "rollback"]) => {
            let to = body::read::<Rollback>(&asked.body)?.to()?;
            known(name, sources)?;
            let before = digest_of(name, sources);
            let done = sources.plugins.change((*name).to_owned(), Change::Rollback(to)).await?;
            tell("plugin.rolled-back", name, done, before, sources);
            one(name, sources)
        }
        (_, [_, "rollback"]) => Err(Problem::method_not_allowed("POST")),
        _ => Err(no_such_path()),
    }
}

/// Whether this is a component being sent, whose body is too long for memory.
pub(super) fn is_deploy(parts: &Parts) -> bool {
    parts.method == Method::POST && segments(parts.uri.path()) == ["api", "v1", "plugins"]
}

/// `POST /api/v1/plugins?name=STEM`: 201 when there was no such plugin, else 200.
pub(super) async fn deploy<B>(parts: &Parts, body: B, sources: &Sources) -> Answer
where
    B: http_body::Body<Data = bytes::Bytes, Error: Into<upload::BoxError>> + Send,
{
    let query = Query::new(parts.uri.query().unwrap_or_default());
    let stem = stem(&query)?;
    let side = match query.first("side").as_deref() {
        None | Some("keep") => Side::Keep,
        Some("none") => Side::Drop,
        Some(other) => {
            return Err(Problem::new(Code::BadRequest, format!("side is '{other}', neither keep nor none")));
        }
    };
    let upload = upload::read(&parts.headers, body, side, sources).await?;
    let before = digest_of(&stem, sources);
    let done = sources.plugins.change(stem.clone(), Change::Deploy(Box::new(upload))).await?;
    tell("plugin.deployed", &stem, done, before, sources);
    let mut response =
        with_status(if done.is_new { StatusCode::CREATED } else { StatusCode::OK }, one(&stem, sources)?);
    // The characters of a stem are those of a path.
    if let Ok(location) = HeaderValue::try_from(format!("/api/v1/plugins/{stem}")) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// The stem that the query names.
fn stem(query: &Query<'_>) -> Result<String, Problem> {
    let wrong = |text: &str| Problem::new(Code::BadRequest, format!("name {text}: write NAME or NAME@VERSION"));
    let name = query.first("name").ok_or_else(|| wrong("is not there"))?;
    match PluginFile::from_stem(&name) {
        Ok(file) => Ok(file.stem),
        Err(invalid) => Err(wrong(&format!("is '{name}', and {invalid}"))),
    }
}

fn one(name: &str, sources: &Sources) -> Answer {
    let shown = sources.plugins.shown();
    let found = shown.plugins.iter().find(|plugin| plugin.name == name);
    found.map(|plugin| json(&PluginItem::of(plugin, &shown))).ok_or_else(|| missing(name))
}

fn known(name: &str, sources: &Sources) -> Result<(), Problem> {
    let is_there = sources.plugins.shown().plugins.iter().any(|plugin| plugin.name == name);
    if is_there { Ok(()) } else { Err(missing(name)) }
}

fn missing(name: &str) -> Problem {
    Problem::new(Code::NotFound, format!("there is no plugin {name}"))
}

fn digest_of(name: &str, sources: &Sources) -> Option<Digest> {
    let shown = sources.plugins.shown().plugins;
    shown.iter().find(|plugin| plugin.name == name && plugin.state == PluginState::Active)?.digest
}

/// Leaves a trace of what an operator has done, on the bus and for those who watch.
fn tell(topic: &'static str, stem: &str, done: Done, before: Option<Digest>, sources: &Sources) {
    let data = json!({"name": stem, "digest": done.digest, "previousDigest": before});
    sources.feed.push(topic, stem, &data);
    sources.delivery.announce(topic, Some(stem.to_owned()), data);
}

// === impl PluginItem ===

impl<'a> PluginItem<'a> {
    fn of(plugin: &'a PluginView, shown: &'a Shown) -> Self {
        let kept = shown.artifacts.get(&plugin.name).into_iter().flat_map(|good| good.all());
        let artifacts = kept.enumerate().map(|(place, kept)| ArtifactItem {
            digest: kept.digest,
            version: kept.version.as_ref(),
            deployed_at: kept.deployed_at,
            is_live: place == 0 && plugin.state == PluginState::Active && plugin.digest == Some(kept.digest),
            has_side_file: kept.side.is_some(),
            is_signed: kept.signature.is_some(),
        });
        Self { plugin, artifacts: artifacts.collect() }
    }
}

// === impl Rollback ===

impl Rollback {
    fn to(self) -> Result<To, Problem> {
        let wrong =
            |text: String| Err(Problem::new(Code::BadRequest, format!("the body is not as it should be: {text}")));
        match (self.digest, self.version) {
            (None, None) => Ok(To::Previous),
            (None, Some(version)) => Ok(To::Version(version)),
            (Some(digits), None) => {
                let is_hex = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
                if is_hex && (DIGITS_MIN..=64).contains(&digits.len()) {
                    Ok(To::Digest(digits))
                } else {
                    wrong(format!("digest is '{digits}', not the first {DIGITS_MIN} to 64 digits of a SHA-256"))
                }
            }
            (Some(_), Some(_)) => wrong("it names a digest and a version; name one of them".to_owned()),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unknown(text) => Self::new(Code::NotFound, text),
            Refusal::Conflict(text) => Self::new(Code::Conflict, text),
            Refusal::Bad(text) => Self::new(Code::PluginRefused, text),
            Refusal::Trouble(text) => Self::new(Code::StoreUnavailable, text),
            Refusal::Busy => Self::new(Code::ServiceBusy, "too many changes of plugins wait for each other"),
            Refusal::Stopping => Self::new(Code::ShuttingDown, "the host is stopping"),
        }
    }
}
