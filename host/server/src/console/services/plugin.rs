//! One plugin: what it is, what it asks for, and what it can be rolled back to.

use maud::{Markup, Render, html};
use serde_json::Value;

use super::{deploy, plugins::state};
use crate::console::{
    ask::path,
    charts::bar,
    failure::Failure,
    page::{Page, View},
    parts::{Action, card, facts, live, row, table, trouble},
    sections,
    show::{Tone, badge_as, digest, figure, tag, time},
    text::{dash, member, plain, text},
};

/// What a plugin may ask for, and what it is called.
const ASKED: [(&str, &str); 6] = [
    ("routes", "Routes"),
    ("subscriptions", "Subscriptions"),
    ("queues", "Queues"),
    ("schedules", "Schedules"),
    ("commands", "Commands"),
    ("sagas", "Sagas"),
];

/// `/plugins/STEM`.
pub(super) async fn page(view: &View<'_>, stem: &str) -> Result<Page, Failure> {
    let plugin = view.api.get(&["plugins", stem], &[]).await?;
    let remove = Action::new(view, "plugin.remove", "Remove").with("name", stem).asking(format!(
        "Remove {stem} from the plugins folder? Its service ends when the calls under way are finished."
    ));
    let body = html! {
        (live("plugin", html! {
            @if plugin["error"].is_string() { (trouble("The newest file does not serve", &plain(&plugin["error"]))) }
            (rolled_back(&plugin))
            (card("What serves", about(view, &plugin)))
            (rollout(&plugin))
            (card("Versions to roll back to", artifacts(view, stem, &plugin)))
        }))
        (card("Deploy a new version", deploy::form(view, stem)))
        (live("asks", asks(&plugin)))
        (card("Remove", html! { p { "Takes the file away from the plugins folder. What it kept in the store stays." } (remove.render()) }))
    };
    let aside = live("state", state(&plugin));
    Ok(Page::new(sections::SERVICES, stem, body).below_section().below("Plugins", "/plugins").beside(aside))
}

fn about(view: &View<'_>, plugin: &Value) -> Markup {
    let service = plain(&plugin["service"]);
    let roles = plugin["roles"].as_array().map(Vec::as_slice).unwrap_or_default();
    let live = plugin["artifacts"].as_array().into_iter().flatten().find(|artifact| artifact["isLive"] == true);
    facts(&[
        (
            "Service",
            if service.is_empty() {
                dash()
            } else {
                html! { a href=(path(&["services", &service])) { (text(&service)) } }
            },
        ),
        ("Version", member(plugin, "version")),
        ("Digest", digest(&plugin["digest"])),
        ("Generation", figure(&plugin["generation"])),
        ("Code", member(plugin, "tier")),
        ("Deployed", live.map_or_else(dash, |artifact| time(&artifact["deployedAt"], view.now))),
        ("Roles", html! { @if roles.is_empty() { (dash()) } @for role in roles { (tag(&plain(role))) } }),
    ])
}

pub(super) fn rollout(plugin: &Value) -> Markup {
    let rollout = &plugin["rollout"];
    let percent = rollout["percent"].as_f64().unwrap_or_default();
    html! {
        @if rollout.is_object() {
            (card("A new version proves itself", html! {
                p { "Version " strong { (text(&plain(&rollout["version"]))) } " gets " strong { (text(&plain(&rollout["percent"]))) " %" } " of the calls. It takes over when it does no worse than the one before." }
                (bar("Share of the new version", percent / 100.0, "rate"))
            }))
        }
    }
}

fn rolled_back(plugin: &Value) -> Markup {
    let back = &plugin["rolledBack"];
    html! {
        @if back.is_object() {
            (trouble("A new version did worse and was rolled back",
                &format!("Version {}, at {} % of the calls.", plain(&back["version"]), plain(&back["percent"]))))
        }
    }
}

fn artifacts(view: &View<'_>, stem: &str, plugin: &Value) -> Markup {
    let artifacts = plugin["artifacts"].as_array().map(Vec::as_slice).unwrap_or_default();
    let columns = ["Version", "Digest", "Deployed", "With it", ""];
    html! {
        @if artifacts.is_empty() { p.dim { "None is kept so far." } }
        @else { (table("Versions", &columns, artifacts.iter().map(|artifact| {
            let (digits, version) = (plain(&artifact["digest"]), plain(&artifact["version"]));
            let is_live = artifact["isLive"] == true;
            let back = Action::new(view, "plugin.rollback", "Roll back")
                .with("name", stem)
                .with("digest", digits.clone())
                .titled(format!("Roll back to {version} {}", digits.get(..12).unwrap_or_default()))
                .asking(format!("Roll {stem} back to version {version} ({})?", digits.get(..12).unwrap_or_default()));
            row(digits.clone(), [
                html! { @if version.is_empty() { (dash()) } @else { span.strong { (text(&version)) } } @if is_live { " " (badge_as(Tone::Good, "live")) } },
                digest(&artifact["digest"]),
                time(&artifact["deployedAt"], view.now),
                html! { @if artifact["hasSideFile"] == true { (tag("side file")) } @if artifact["isSigned"] == true { (tag("signed")) } },
                html! { @if !is_live { (back.render()) } },
            ])
        }))) }
    }
}

/// What the manifest asks for, and what of that it does not get.
pub(super) fn asks(plugin: &Value) -> Markup {
    let refused = ["refusedRoutes", "refusedCommands", "refusedSagas"]
        .iter()
        .flat_map(|name| plugin[*name].as_array().into_iter().flatten());
    html! {
        @for one in refused {
            @let what = if one["path"].is_string() { &one["path"] } else { &one["name"] };
            (trouble(&format!("Not given: {}", plain(what)), &plain(&one["error"])))
        }
        div.columns { @for (name, title) in ASKED {
            @let asked = plugin[name].as_array().map(Vec::as_slice).unwrap_or_default();
            @if !asked.is_empty() { (card(title, html! { ul.asked { @for one in asked { li { (one_asked(name, one)) } } } })) }
        } }
    }
}

fn one_asked(kind: &str, one: &Value) -> Markup {
    let linked = |section: &str, name: &str| html! { a href=(path(&[section, name])) { (text(name)) } };
    match kind {
        "routes" => html! {
            @for method in one["methods"].as_array().into_iter().flatten() { (tag(&plain(method))) }
            code { (text(&plain(&one["path"]))) }
        },
        "subscriptions" => {
            html! { (linked("subscriptions", &plain(&one["name"]))) span.dim { " to " (text(&plain(&one["topic"]))) } }
        }
        "queues" => html! { (linked("queues", &plain(&one["queue"]))) },
        "schedules" => html! {
            span.strong { (text(&plain(&one["name"]))) } span.dim { " " (text(&plain(&one["cron"]))) (text(&plain(&one["every"]))) " → " (text(&plain(&one["topic"]))) (text(&plain(&one["queue"]))) }
        },
        "commands" => html! { code { (text(&plain(one))) } },
        _ => {
            html! { span.strong { (text(&plain(&one["name"]))) } span.dim { " " (one["steps"].as_array().map_or(0, Vec::len)) " steps" } }
        }
    }
}
