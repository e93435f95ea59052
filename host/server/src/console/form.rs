//! What a form sends: `application/x-www-form-urlencoded`.

use serde_json::{Value, value::RawValue};

use super::failure::Failure;
use crate::admin::Query;

/// The fields of a form.
pub(super) struct Form(String);

// === impl Form ===

impl Form {
    /// A form's body.
    pub(super) fn new(body: &[u8]) -> Self {
        Self(String::from_utf8_lossy(body).into_owned())
    }

    /// A field as it was typed, with lines that end as on this system; empty when it is not there.
    pub(super) fn raw(&self, name: &str) -> String {
        Query::new(&self.0).first(name).unwrap_or_default().replace("\r\n", "\n")
    }

    /// A field without what surrounds it; none when nothing was typed.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        Some(self.raw(name).trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// A field that has to be there; `label` is what people call it.
    ///
    /// # Errors
    /// When nothing was typed.
    pub(super) fn need(&self, name: &str, label: &str) -> Result<String, Failure> {
        self.text(name).ok_or_else(|| Failure::of_form(format!("{label} is missing.")))
    }

    /// A whole number, if one was typed.
    ///
    /// # Errors
    /// When it is something else.
    pub(super) fn number(&self, name: &str, label: &str) -> Result<Option<u64>, Failure> {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| Failure::of_form(format!("{label} is '{text}', not a whole number.")))
    }

    /// JSON, if anything was typed.
    ///
    /// # Errors
    /// When it is none; it says where.
    pub(super) fn json(&self, name: &str, label: &str) -> Result<Option<Value>, Failure> {
        let Some(text) = self.text(name) else { return Ok(None) };
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| Failure::of_form(format!("{label} is not JSON: {error}.")))
    }

    /// JSON as it was typed, if anything was: its numbers keep all their digits.
    ///
    /// # Errors
    /// When it is none; it says where.
    pub(super) fn raw_json(&self, name: &str, label: &str) -> Result<Option<Box<RawValue>>, Failure> {
        let Some(text) = self.text(name) else { return Ok(None) };
        RawValue::from_string(text)
            .map(Some)
            .map_err(|error| Failure::of_form(format!("{label} is not JSON: {error}.")))
    }

    /// Whether a box is ticked.
    pub(super) fn is_on(&self, name: &str) -> bool {
        Query::new(&self.0).first(name).is_some()
    }

    /// All fields, in order.
    pub(super) fn fields(&self) -> Vec<(String, String)> {
        Query::new(&self.0).pairs().collect()
    }
}
