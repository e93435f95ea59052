//! What pages are put together from.

use maud::{Markup, PreEscaped, Render, html};
use serde_json::Value;

use super::{
    action::{self, BACK, QUESTION},
    ask::encode,
    page::View,
    text::{attribute, text},
};

/// A form that does something; see [`action`].
pub(super) struct Action<'a> {
    name: &'a str,
    label: &'a str,
    /// Where it stands.
    back: String,
    hidden: Vec<(&'a str, String)>,
    question: Option<String>,
    is_danger: bool,
    is_main: bool,
    /// What people can type; a form with nothing to type is a button.
    fields: Option<Markup>,
    /// What its button is called where its label is not enough to tell it from others.
    title: Option<String>,
}

/// A row of a table; the key says which it is, from one look to the next.
pub(super) struct Row {
    key: String,
    cells: Vec<Markup>,
}

/// A part of the page that is fetched again while somebody looks; the id is its own on the page.
pub(super) fn live(id: &str, body: Markup) -> Markup {
    html! { div.live id=(id) data-live=(id) { (body) } }
}

/// A frame with a heading.
pub(super) fn card(title: &str, body: Markup) -> Markup {
    card_with(title, html! {}, body)
}

/// A frame with a heading, and something beside that.
pub(super) fn card_with(title: &str, aside: Markup, body: Markup) -> Markup {
    html! {
        section.card aria-label=(attribute(title)) {
            div.card-head { h2 { (text(title)) } div.card-aside { (aside) } }
            (body)
        }
    }
}

/// Something that opens when it is clicked: a form that few need.
pub(super) fn panel(id: &str, title: &str, body: Markup) -> Markup {
    html! { details.panel id=(id) { summary { (text(title)) } div.panel-body { (body) } } }
}

/// Figures beside each other.
pub(super) fn tiles(tiles: &[Markup]) -> Markup {
    html! { div.tiles { @for tile in tiles { (tile) } } }
}

/// A figure with its name, what is to be said of it, and a chart of it.
pub(super) fn tile(label: &str, figure: Markup, note: Markup, chart: Markup) -> Markup {
    html! {
        div.tile {
            div.tile-label { (label) }
            div.tile-figure { (figure) }
            div.tile-note { (note) }
            (chart)
        }
    }
}

/// Names with what they are, below each other.
pub(super) fn facts(facts: &[(&str, Markup)]) -> Markup {
    html! { dl.facts { @for (name, fact) in facts { div { dt { (name) } dd { (fact) } } } } }
}

/// A row.
pub(super) fn row(key: impl Into<String>, cells: impl Into<Vec<Markup>>) -> Row {
    Row { key: attribute(&key.into()), cells: cells.into() }
}

/// A table. A name of a column that begins with `#` has figures; the caption is read out, not seen. On narrow screens each
/// row is a card of its own.
pub(super) fn table(caption: &str, columns: &[&str], rows: impl IntoIterator<Item = Row>) -> Markup {
    let name = |column: &str| column.trim_start_matches('#').to_owned();
    let class = |column: &str| column.starts_with('#').then_some("number");
    html! {
        div.scroll {
            // As cards on narrow screens its parts are no table to some browsers, so that their roles are said.
            table role="table" {
                caption.unseen { (caption) }
                thead role="rowgroup" { tr role="row" { @for column in columns {
                    th scope="col" role="columnheader" class=[class(column)] { @if column.is_empty() { span.unseen { "Actions" } } @else { (name(column)) } }
                } } }
                tbody role="rowgroup" { @for row in rows {
                    tr role="row" data-key=(row.key) { @for (column, cell) in columns.iter().zip(row.cells) {
                        td role="cell" class=[if column.is_empty() { Some("actions") } else { class(column) }] data-label=(name(column)) { (cell) }
                    } }
                } }
            }
        }
    }
}

/// What stands where there is nothing yet: what would be here, and the command, or the call, that makes it.
pub(super) fn empty(title: &str, hint: &str, command: Option<&str>) -> Markup {
    html! {
        div.empty {
            p.empty-title { (title) }
            p { (hint) }
            @if let Some(command) = command { pre.command tabindex="0" { (command) } }
        }
    }
}

/// The link to the rest of a list that has one.
pub(super) fn pager(view: &View<'_>, list: &Value) -> Markup {
    let is_later = view.asked("cursor").is_some();
    let next = list["next"].as_str().map(|cursor| with_query(view, "cursor", Some(cursor)));
    html! {
        @if is_later || next.is_some() {
            nav.pager aria-label="Pages of the list" {
                @if is_later { a.button href=(with_query(view, "cursor", None)) { "First page" } }
                @if let Some(next) = next { a.button href=(next) { "Next page" } }
            }
        }
    }
}

/// The path of this page with one member of its query set, or taken away.
pub(super) fn with_query(view: &View<'_>, name: &str, value: Option<&str>) -> String {
    let kept = view.query.pairs().filter(|(key, value)| key != name && !value.is_empty());
    let set = value.map(|value| (name.to_owned(), value.to_owned()));
    let members: Vec<_> = kept.chain(set).map(|(key, value)| format!("{}={}", encode(&key), encode(&value))).collect();
    if members.is_empty() { view.path.to_owned() } else { format!("{}?{}", view.path, members.join("&")) }
}

/// A form that asks for the same page with other members of its query.
pub(super) fn filter(view: &View<'_>, fields: Markup) -> Markup {
    html! {
        form.filter method="get" action=(view.path) role="search" {
            (fields)
            button type="submit" { "Show" }
            @if !view.raw_query.is_empty() { a.quiet href=(view.path) { "Clear" } }
        }
    }
}

/// A line to type in; `hint` says what, where it is empty.
pub(super) fn input(name: &str, label: &str, value: &str, hint: &str) -> Markup {
    html! { label.field { span { (label) } input type="text" name=(name) value=(value) placeholder=(hint) autocomplete="off" spellcheck="false"; } }
}

/// A line that must not stay empty.
pub(super) fn needed(name: &str, label: &str, value: &str, hint: &str) -> Markup {
    html! { label.field { span { (label) } input type="text" name=(name) value=(value) placeholder=(hint) autocomplete="off" spellcheck="false" required; } }
}

/// A whole number to type.
pub(super) fn number(name: &str, label: &str, value: &str, min: u32, max: u32) -> Markup {
    html! { label.field.short { span { (label) } input type="number" name=(name) value=(value) min=(min) max=(max) inputmode="numeric"; } }
}

/// Several lines to type in.
pub(super) fn area(name: &str, label: &str, value: &str, hint: &str) -> Markup {
    // The parser drops one line feed after the tag, so that one is given.
    html! { label.field.wide { span { (label) } textarea name=(name) rows="6" placeholder=(hint) spellcheck="false" { (PreEscaped("\n")) (value) } } }
}

/// One of several words; each with what is shown for it.
pub(super) fn choice(name: &str, label: &str, chosen: &str, options: &[(&str, &str)]) -> Markup {
    html! {
        label.field {
            span { (label) }
            select name=(name) { @for (value, shown) in options { option value=(value) selected[*value == chosen] { (shown) } } }
        }
    }
}

/// A box to tick.
pub(super) fn tick(name: &str, label: &str, is_on: bool) -> Markup {
    html! { label.tick { input type="checkbox" name=(name) value="1" checked[is_on]; span { (label) } } }
}

/// Buttons beside each other.
pub(super) fn buttons(actions: Vec<Markup>) -> Markup {
    html! { div.buttons { @for action in actions { (action) } } }
}

/// Something that went wrong, as it was told.
pub(super) fn trouble(title: &str, said: &str) -> Markup {
    html! { div.trouble { strong { (text(title)) } p { (text(said)) } } }
}

// === impl Action ===

impl<'a> Action<'a> {
    /// A button of this name for `SUBJECT.VERB`.
    pub(super) fn new(view: &View<'_>, name: &'a str, label: &'a str) -> Self {
        let (hidden, back) = (Vec::new(), view.here());
        Self { name, label, back, hidden, question: None, is_danger: false, is_main: false, fields: None, title: None }
    }

    /// With this, which is not seen.
    pub(super) fn with(mut self, name: &'a str, value: impl Into<String>) -> Self {
        self.hidden.push((name, value.into()));
        self
    }

    /// With something to type; the button becomes the form's main one.
    pub(super) fn fields(mut self, fields: Markup) -> Self {
        (self.fields, self.is_main) = (Some(fields), true);
        self
    }

    /// What is most often done where it stands.
    pub(super) fn main(mut self) -> Self {
        self.is_main = true;
        self
    }

    /// What its button is called for those who do not see what stands around it.
    pub(super) fn titled(mut self, title: impl Into<String>) -> Self {
        self.title = Some(attribute(&title.into()));
        self
    }

    /// Asks this first: it destroys something.
    pub(super) fn asking(mut self, question: impl Into<String>) -> Self {
        (self.question, self.is_danger) = (Some(question.into()), true);
        self
    }
}

impl Render for Action<'_> {
    fn render(&self) -> Markup {
        let class = match (self.is_danger, self.is_main) {
            (true, _) => "danger",
            (_, true) => "main",
            _ => "plain",
        };
        html! {
            form.act.fields[self.fields.is_some()] method="post" action=(action::path(self.name)) data-act=(self.name) {
                input type="hidden" name=(BACK) value=(self.back);
                @for (name, value) in &self.hidden { input type="hidden" name=(name) value=(value); }
                @if let Some(question) = &self.question { input type="hidden" name=(QUESTION) value=(attribute(question)); }
                @if let Some(fields) = &self.fields { (fields) }
                button.(class) type="submit" aria-label=[self.title.as_deref()] { (self.label) }
            }
        }
    }
}
