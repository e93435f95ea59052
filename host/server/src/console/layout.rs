//! What surrounds a page: navigation, heading, and the headers that keep a browser from doing anything else.

use http::{
    HeaderName, HeaderValue, Response, StatusCode,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
        X_FRAME_OPTIONS,
    },
    request::Parts,
};
use maud::{DOCTYPE, Markup, html};

use super::{
    action::{self, BACK, CONFIRMED},
    assets::{ICON_PATH, SCRIPT_PATH, STYLE_PATH},
    failure::Failure,
    form::Form,
    full, login, notes,
    page::Page,
    sections::{self, Section},
    text::text,
};
use crate::admin::{AnswerBody, Sources};

/// Nothing is loaded but from this host, nothing runs but its one script, and nobody frames it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
    form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Headers that all pages have.
const HEADERS: [(HeaderName, &str); 7] = [
    (CONTENT_TYPE, "text/html; charset=utf-8"),
    (CACHE_CONTROL, "no-store"),
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// A page, answered.
pub(super) fn page(page: Page, parts: &Parts, sources: &Sources) -> Response<AnswerBody> {
    let note = sources.console.notes.take(&parts.headers);
    let title = if page.title == page.section.label {
        page.title.clone()
    } else {
        format!("{} · {}", page.title, page.section.label)
    };
    let body = html! {
        (top(Some(page.section), sources))
        (side(Some(page.section)))
        main id="main" data-every=(page.every_s) tabindex="-1" {
            header.page-head {
                @if !page.crumbs.is_empty() {
                    nav.crumbs aria-label="Breadcrumb" {
                        ol {
                            @for (label, path) in &page.crumbs { li { a href=(path) { (text(label)) } } }
                            li aria-current="page" { (text(&page.title)) }
                        }
                    }
                }
                div.page-title { h1 { (text(&page.title)) } @if let Some(aside) = &page.aside { (aside) } }
            }
            (page.body)
        }
    };
    let mut response = respond(page.status, &document(&title, note.as_deref(), &body));
    if note.is_some()
        && let Ok(cleared) = HeaderValue::from_str(&notes::cleared())
    {
        response.headers_mut().insert(SET_COOKIE, cleared);
    }
    response
}

/// What is shown instead of a page.
pub(super) fn failed(failure: &Failure, parts: &Parts, sources: &Sources) -> Response<AnswerBody> {
    failed_with(failure, sources, sections::of(parts.uri.path()), &html! { a.button href="/" { "Overview" } })
}

/// What is shown when an action did nothing; going back finds the form as it was.
pub(super) fn failed_action(failure: &Failure, back: &str, sources: &Sources) -> Response<AnswerBody> {
    failed_with(failure, sources, sections::of(path_of(back)), &html! { a.button href=(back) { "Back" } })
}

fn failed_with(failure: &Failure, sources: &Sources, section: Option<Section>, links: &Markup) -> Response<AnswerBody> {
    let body = html! {
        (top(section, sources))
        (side(section))
        main id="main" tabindex="-1" {
            div.failure role="alert" {
                p.failure-code { (failure.status.as_u16()) }
                h1 { (text(&failure.title)) }
                @if !failure.detail.is_empty() { p { (text(&failure.detail)) } }
                @if let Some(code) = &failure.code { p.dim { "Code " code { (text(code)) } ": " code { "switchyard explain " (text(code)) } " says more." } }
                p { (links) }
            }
        }
    };
    respond(failure.status, &document(&failure.title, None, &body))
}

/// A failure where nobody is known to be looking.
pub(super) fn bare(failure: &Failure) -> Response<AnswerBody> {
    respond(
        failure.status,
        &document(&failure.title, None, &html! { main id="main" { h1 { (text(&failure.title)) } } }),
    )
}

/// A page without what is around pages.
pub(super) fn plain(status: StatusCode, title: &str, body: &Markup) -> Response<AnswerBody> {
    respond(status, &document(title, None, &html! { main.alone id="main" tabindex="-1" { (body) } }))
}

/// Asks whether an action is really meant, where no script did.
pub(super) fn question(action: &str, form: &Form, back: &str, sources: &Sources) -> Response<AnswerBody> {
    let section = sections::of(path_of(back));
    let asked = form.text(action::QUESTION).unwrap_or_default();
    let body = html! {
        (top(section, sources))
        (side(section))
        main id="main" tabindex="-1" {
            div.failure {
                h1 { (text(&asked)) }
                form.buttons method="post" action=(action::path(action)) {
                    @for (name, value) in form.fields().iter().filter(|(name, _)| name != BACK && name != CONFIRMED) {
                        input type="hidden" name=(name) value=(value);
                    }
                    input type="hidden" name=(BACK) value=(back);
                    input type="hidden" name=(CONFIRMED) value="1";
                    button.danger type="submit" { "Yes, do it" }
                    a.button href=(back) { "No" }
                }
            }
        }
    };
    respond(StatusCode::OK, &document("Are you sure?", None, &body))
}

fn document(title: &str, note: Option<&str>, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (text(title)) " · Switchyard" }
                link rel="icon" type="image/svg+xml" href=(*ICON_PATH);
                link rel="stylesheet" href=(*STYLE_PATH);
                script src=(*SCRIPT_PATH) defer {}
            }
            body {
                a.skip href="#main" { "Skip to content" }
                (body)
                div.notes id="notes" role="status" aria-live="polite" { @if let Some(note) = note { p.note { (text(note)) } } }
                dialog id="ask" aria-labelledby="ask-question" {
                    form method="dialog" {
                        p id="ask-question" {}
                        div.buttons {
                            button.danger value="yes" { "Yes, do it" }
                            button value="no" autofocus { "No" }
                        }
                    }
                }
            }
        }
    }
}

/// The bar at the top: the name, what only the script can say, and on narrow screens the menu.
fn top(active: Option<Section>, sources: &Sources) -> Markup {
    html! {
        header.top {
            a.brand href="/" { (mark()) "Switchyard" }
            div.top-tools {
                span.connection id="connection" data-state="none" role="status" {}
                button.icon id="theme" type="button" hidden aria-label="Theme" { (icon("M8 1.800a6.200 6.200 0 1 0 0 12.400zM8 1.800a6.200 6.200 0 0 1 0 12.400")) span.unseen id="theme-name" {} }
                @if sources.guard.needs_token() {
                    form method="post" action=(login::OUT_PATH) { button type="submit" { "Log out" } }
                }
            }
            details.menu id="menu" {
                summary { (icon("M2 4h12M2 8h12M2 12h12")) span { "Menu" } }
                nav aria-label="Menu" { (links(active)) }
            }
        }
    }
}

fn side(active: Option<Section>) -> Markup {
    html! { nav.side aria-label="Sections" { div { (links(active)) } } }
}

fn links(active: Option<Section>) -> Markup {
    let mut groups: Vec<(&str, Vec<Section>)> = Vec::new();
    for section in sections::ALL {
        match groups.last_mut().filter(|(group, _)| *group == section.group) {
            Some((_, sections)) => sections.push(section),
            None => groups.push((section.group, vec![section])),
        }
    }
    html! {
        @for (group, sections) in groups {
            p.group { (group) }
            ul { @for section in sections {
                li { a href=(section.path()) aria-current=[(active == Some(section)).then_some("page")] { (icon(section.icon)) (section.label) } }
            } }
        }
    }
}

fn icon(path: &str) -> Markup {
    html! { svg.icon viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" { path d=(path) {} } }
}

/// The mark: one line in, two lines out.
fn mark() -> Markup {
    html! {
        svg.mark viewBox="0 0 20 20" width="20" height="20" aria-hidden="true" {
            path d="M1.500 10h5c3.500 0 3.500-5.500 7-5.500h5M6.500 10c3.500 0 3.500 5.500 7 5.500h5" {}
        }
    }
}

fn path_of(target: &str) -> &str {
    target.split('?').next().unwrap_or(target)
}

fn respond(status: StatusCode, page: &Markup) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::Whole(full(page.0.clone())));
    *response.status_mut() = status;
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
