//! Why there is no page, or why an action did nothing.

use http::StatusCode;
use serde_json::Value;

/// A problem of the API, or of the console itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    pub(super) title: String,
    /// What it is about; may be empty.
    pub(super) detail: String,
    /// `SY` and four digits, of a problem that has a page in the reference.
    pub(super) code: Option<String>,
}

// === impl Failure ===

impl Failure {
    /// A failure of the console's own.
    pub(super) fn new(status: StatusCode, title: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { status, title: title.into(), detail: detail.into(), code: None }
    }

    /// There is no page at this path.
    pub(super) fn no_such_page() -> Self {
        Self::new(StatusCode::NOT_FOUND, "There is no such page", "The navigation lists the pages that there are.")
    }

    /// What was typed cannot be sent.
    pub(super) fn of_form(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "The form is not as it should be", detail)
    }

    /// A page can only be read.
    pub(super) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "Pages can only be read", "Actions have paths of their own.")
    }

    /// What a problem of the API says.
    pub(super) fn of_problem(status: StatusCode, problem: &Value) -> Self {
        let text = |member: &str| problem[member].as_str().unwrap_or_default().to_owned();
        let title = match text("title") {
            title if title.is_empty() => status.canonical_reason().unwrap_or("The host refused it").to_owned(),
            title => title,
        };
        let code = problem["code"].as_str().map(str::to_owned);
        Self { status, title, detail: text("detail"), code }
    }

    /// All of it on one line.
    pub(super) fn line(&self) -> String {
        let detail = if self.detail.is_empty() { String::new() } else { format!(": {}", self.detail) };
        let code = self.code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
        format!("{}{detail}{code}", self.title)
    }
}
