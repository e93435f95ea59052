//! What somebody should look at now, each with where to look.

use maud::{Markup, html};
use serde_json::Value;

use crate::console::{
    ask::path,
    page::View,
    parts::card,
    show::{Tone, badge_as},
    text::{plain, text},
};

/// The most that is listed of one kind: the pages have all.
const EACH_MAX: usize = 4;

/// Something to be looked at.
struct Alarm {
    tone: Tone,
    word: &'static str,
    what: String,
    /// Why; may be long.
    why: String,
    link: String,
}

/// What is wrong, or nothing at all.
pub(super) async fn list(view: &View<'_>, overview: &Value) -> Markup {
    let some = |value: &Value| value.as_u64().unwrap_or_default() > 0;
    let mut alarms = Vec::new();
    if some(&overview["plugins"]["faulty"]) || some(&overview["plugins"]["failed"]) {
        alarms.extend(plugins(&view.api.items(&["plugins"]).await));
    }
    let breakers = &overview["breakers"];
    if ["open", "forcedOpen", "halfOpen"].iter().any(|state| some(&breakers[*state])) {
        alarms.extend(open(&view.api.items(&["breakers"]).await));
    }
    alarms.extend(unhealthy(overview));
    if some(&overview["sagas"]["stuck"]) {
        let stuck = overview["sagas"]["stuck"].as_u64().unwrap_or_default();
        let why = "Neither forward nor back: each needs somebody's decision.".to_owned();
        alarms.push(Alarm {
            tone: Tone::Bad,
            word: "stuck",
            what: format!("{stuck} of the sagas"),
            why,
            link: "/sagas?status=stuck".to_owned(),
        });
    }
    if some(&overview["events"]["blocked"]) {
        let blocked = overview["events"]["blocked"].as_u64().unwrap_or_default();
        alarms.push(Alarm {
            tone: Tone::Bad,
            word: "blocked",
            what: format!("{blocked} of the subscriptions"),
            why: String::new(),
            link: "/subscriptions".to_owned(),
        });
    }
    html! {
        @if !alarms.is_empty() {
            (card("Needs attention", html! { ul.alarms { @for alarm in &alarms {
                li { (badge_as(alarm.tone, alarm.word)) div { a.strong href=(alarm.link) { (text(&alarm.what)) } @if !alarm.why.is_empty() { p { (text(&alarm.why)) } } } }
            } } }))
        }
    }
}

fn plugins(plugins: &[Value]) -> Vec<Alarm> {
    let faulty = plugins.iter().filter(|plugin| plugin["error"].is_string()).take(EACH_MAX);
    let alarm = |plugin: &Value| {
        let (name, is_failed) = (plain(&plugin["name"]), plugin["state"] == "failed");
        let (tone, word) = if is_failed { (Tone::Bad, "failed") } else { (Tone::Watch, "refused") };
        let link = path(&["plugins", &name]);
        Alarm { tone, word, what: format!("Plugin {name}"), why: plain(&plugin["error"]), link }
    };
    faulty.map(alarm).collect()
}

fn open(breakers: &[Value]) -> Vec<Alarm> {
    let alarm = |breaker: &Value| {
        let (tone, word) = match breaker["state"].as_str()? {
            "open" => (Tone::Bad, "open"),
            "forced-open" => (Tone::Forced, "forced-open"),
            "half-open" => (Tone::Watch, "half-open"),
            _ => return None,
        };
        let (id, metrics) = (plain(&breaker["id"]), &breaker["metrics"]);
        let why = format!(
            "{} of {} calls failed, {} were rejected.",
            metrics["failures"], metrics["requests"], metrics["rejected"]
        );
        Some(Alarm { tone, word, what: format!("Breaker {id}"), why, link: "/breakers".to_owned() })
    };
    breakers.iter().filter_map(alarm).take(EACH_MAX).collect()
}

fn unhealthy(overview: &Value) -> Vec<Alarm> {
    let nodes = overview["nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_unhealthy = |node: &&Value| node["status"] == "unhealthy" && node["kind"] != "gateway";
    let alarm = |node: &Value| {
        let name = plain(&node["name"]);
        let of = node["service"].as_str().unwrap_or(&name);
        Alarm {
            tone: Tone::Bad,
            word: "unhealthy",
            what: format!("{} {name}", if of == name { "Service" } else { "Upstream" }),
            why: String::new(),
            link: path(&["services", of]),
        }
    };
    nodes.iter().filter(is_unhealthy).take(EACH_MAX).map(alarm).collect()
}
