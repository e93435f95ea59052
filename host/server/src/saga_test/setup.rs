//! Requests that are sent before each saga starts.

use std::str::FromStr;

use http::Method;
use serde_json::Value;

use super::books::Template;

/// A request that is sent before the saga starts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Setup {
    pub(super) method: Method,
    pub(super) path: Template,
    pub(super) body: String,
}

// === impl Setup ===

impl FromStr for Setup {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("'{text}' is no request: write METHOD /path JSON, as in PUT /api/stock/p1 {{\"n\": 5}}");
        let (method, rest) = text.trim().split_once(' ').ok_or_else(wrong)?;
        let (path, body) = rest.trim_start().split_once(' ').unwrap_or((rest.trim_start(), ""));
        let method = method.parse().map_err(|_| wrong())?;
        let body = body.trim();
        if !body.is_empty() {
            serde_json::from_str::<Value>(body).map_err(|error| format!("{}; {error}", wrong()))?;
        }
        Ok(Self { method, path: path.parse().map_err(|_| wrong())?, body: body.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_from_one_line() {
        let setup: Setup = r#"PUT  /api/stock/{p} {"n": 5}"#.parse().unwrap();
        assert_eq!((setup.method, setup.body.as_str()), (Method::PUT, r#"{"n": 5}"#));
        assert_eq!(setup.path, "/api/stock/{p}".parse().unwrap());
        assert_eq!("DELETE /a".parse::<Setup>().unwrap().body, "");
        for wrong in ["", "PUT", "PUT a", "P(T /a", "PUT /a {"] {
            assert!(wrong.parse::<Setup>().unwrap_err().contains("METHOD /path JSON"), "{wrong}");
        }
    }
}
