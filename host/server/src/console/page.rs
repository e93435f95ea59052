//! A page, and what it is made from.

use maud::Markup;
use switchyard_core::timestamp::Timestamp;

use super::{ask::Api, sections::Section};
use crate::admin::Query;

/// What somebody looks at.
pub(super) struct View<'a> {
    /// As it was asked for, encoded.
    pub(super) path: &'a str,
    pub(super) query: Query<'a>,
    /// The query as it stands behind the `?`.
    pub(super) raw_query: &'a str,
    /// What the page is made from.
    pub(super) api: Api<'a>,
    pub(super) now: Timestamp,
}

/// One page, without what surrounds it.
pub(super) struct Page {
    /// Its heading.
    pub(super) title: String,
    /// What stands beside the heading: where it is, or its state.
    pub(super) aside: Option<Markup>,
    pub(super) section: Section,
    /// What it is below: labels with paths, the section first.
    pub(super) crumbs: Vec<(String, String)>,
    pub(super) body: Markup,
    /// How often its live parts are fetched again though nothing was told, in seconds.
    pub(super) every_s: u32,
    /// Answered with; 200 but for failures.
    pub(super) status: http::StatusCode,
}

// === impl View ===

impl View<'_> {
    /// The segments of the path, decoded.
    pub(super) fn segments(&self) -> Vec<String> {
        self.path.split('/').skip(1).map(crate::admin::decode_path).collect()
    }

    /// What the query says of this name, if it says more than nothing.
    pub(super) fn asked(&self, name: &str) -> Option<String> {
        self.query.first(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// Where this page is: what an action comes back to.
    pub(super) fn here(&self) -> String {
        match self.raw_query {
            "" => self.path.to_owned(),
            query => format!("{}?{query}", self.path),
        }
    }
}

// === impl Page ===

impl Page {
    /// A page of this section.
    pub(super) fn new(section: Section, title: impl Into<String>, body: Markup) -> Self {
        let (title, status) = (title.into(), http::StatusCode::OK);
        Self { title, aside: None, section, crumbs: Vec::new(), body, every_s: 5, status }
    }

    /// Below the section's own page, which it links to.
    pub(super) fn below_section(mut self) -> Self {
        self.crumbs.push((self.section.label.to_owned(), self.section.path()));
        self
    }

    /// Below a page with this label, at this path.
    pub(super) fn below(mut self, label: impl Into<String>, path: impl Into<String>) -> Self {
        self.crumbs.push((label.into(), path.into()));
        self
    }

    /// With this beside the heading.
    pub(super) fn beside(mut self, aside: Markup) -> Self {
        self.aside = Some(aside);
        self
    }

    /// Its live parts are fetched this often, in seconds, though nothing was told.
    pub(super) fn every(mut self, seconds: u32) -> Self {
        self.every_s = seconds;
        self
    }
}
