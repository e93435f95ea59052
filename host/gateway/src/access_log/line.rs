//! How a line looks: as web servers have written it for decades, or as JSON with OpenTelemetry's names.

use std::{fmt::Write, net::IpAddr, sync::Arc};

use http::Method;
use serde_json::{Map, Value, json};
use switchyard_core::{name::ServiceName, timestamp::Timestamp};

/// The most bytes of a user agent's own words.
const AGENT_MAX: usize = 256;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// What is known of a request when its response has left.
pub(super) struct Line {
    /// When it came.
    pub(super) time: Timestamp,
    pub(super) client: IpAddr,
    pub(super) scheme: &'static str,
    pub(super) method: Method,
    /// Without the query.
    pub(super) path: String,
    pub(super) version: &'static str,
    pub(super) status: u16,
    /// Of the response's body.
    pub(super) bytes: u64,
    /// Until the last of them.
    pub(super) seconds: f64,
    pub(super) route: Option<Arc<str>>,
    pub(super) service: Option<ServiceName>,
    pub(super) request_id: Arc<str>,
    pub(super) trace_id: String,
    pub(super) agent: Option<String>,
}

// === impl Line ===

impl Line {
    /// The combined format of Apache and nginx, with a dash for the referrer, whose query may say what is for nobody else,
    /// and then: seconds, service, request id, trace id.
    pub(super) fn to_text(&self) -> String {
        let mut text = format!("{} - - [", self.client);
        self.write_time(&mut text);
        text.push_str("] \"");
        write_quoted(&mut text, self.method.as_str());
        text.push(' ');
        write_quoted(&mut text, &self.path);
        let _ = write!(text, " HTTP/{}\" {} {} \"-\" \"", self.version, self.status, self.bytes);
        write_quoted(&mut text, self.agent().unwrap_or("-"));
        let service = self.service.as_ref().map_or("-", |service| service.as_str());
        let _ = write!(text, "\" {:.6} {service} {} {}", self.seconds, self.request_id, self.trace_id);
        text
    }

    /// One object.
    pub(super) fn to_json(&self) -> String {
        let mut line = Map::new();
        let mut set = |name: &str, value: Value| line.insert(name.to_owned(), value);
        set("timestamp", self.time.to_string().into());
        set("client.address", self.client.to_string().into());
        set("http.request.method", self.method.as_str().into());
        set("url.scheme", self.scheme.into());
        set("url.path", self.path.as_str().into());
        set("network.protocol.version", self.version.into());
        set("http.response.status_code", self.status.into());
        set("http.response.body.size", self.bytes.into());
        set("http.server.request.duration", json!((self.seconds * 1e6).round() / 1e6));
        if let Some(route) = &self.route {
            set("http.route", (**route).into());
        }
        if let Some(service) = &self.service {
            set("switchyard.service", service.as_str().into());
        }
        set("switchyard.request.id", (*self.request_id).into());
        set("trace_id", self.trace_id.as_str().into());
        if let Some(agent) = self.agent() {
            set("user_agent.original", agent.into());
        }
        Value::Object(line).to_string()
    }

    fn agent(&self) -> Option<&str> {
        self.agent.as_deref().map(|agent| &agent[..agent.floor_char_boundary(AGENT_MAX)])
    }

    /// `25/Nov/2026:14:55:01 +0000`.
    fn write_time(&self, text: &mut String) {
        // `2026-11-25T14:55:01.123Z`, all of it ASCII.
        let time = self.time.to_string();
        let part = |from: usize, to: usize| time.get(from..to).unwrap_or_default();
        let month = part(5, 7).parse::<usize>().ok().and_then(|month| MONTHS.get(month.checked_sub(1)?));
        let month = month.copied().unwrap_or_default();
        let _ = write!(text, "{}/{month}/{}:{} +0000", part(8, 10), part(0, 4), part(11, 19));
    }
}

/// Between quotes, as nginx does it: what could end them, and what is no plain ASCII, is written as `\xHH`.
fn write_quoted(text: &mut String, said: &str) {
    for byte in said.bytes() {
        match byte {
            b'"' | b'\\' | ..0x20 | 0x7f.. => _ = write!(text, "\\x{byte:02X}"),
            _ => text.push(char::from(byte)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line {
        Line {
            time: "2026-11-25T14:55:01.123Z".parse().unwrap(),
            client: [192, 0, 2, 7].into(),
            scheme: "https",
            method: Method::GET,
            path: "/a\"b".to_owned(),
            version: "1.1",
            status: 200,
            bytes: 12,
            seconds: 0.012_345_6,
            route: Some("/a/*".into()),
            service: Some("shop".parse().unwrap()),
            request_id: "r1".into(),
            trace_id: "4bf9".to_owned(),
            agent: Some("curl\n8 é".to_owned()),
        }
    }

    #[test]
    fn a_line_is_one_that_the_tools_of_web_servers_read() {
        let expected = concat!(
            r#"192.0.2.7 - - [25/Nov/2026:14:55:01 +0000] "GET /a\x22b HTTP/1.1" 200 12 "-" "#,
            r#""curl\x0A8 \xC3\xA9" 0.012346 shop r1 4bf9"#
        );
        assert_eq!(line().to_text(), expected);
    }

    #[test]
    fn json_has_the_names_of_opentelemetry() {
        let shown: Value = serde_json::from_str(&line().to_json()).unwrap();
        let expected = json!({
            "timestamp": "2026-11-25T14:55:01.123Z",
            "client.address": "192.0.2.7",
            "http.request.method": "GET",
            "url.scheme": "https",
            "url.path": "/a\"b",
            "network.protocol.version": "1.1",
            "http.response.status_code": 200,
            "http.response.body.size": 12,
            "http.server.request.duration": 0.012_346,
            "http.route": "/a/*",
            "switchyard.service": "shop",
            "switchyard.request.id": "r1",
            "trace_id": "4bf9",
            "user_agent.original": "curl\n8 é",
        });
        assert_eq!(shown, expected);
        assert!(!line().to_json().contains('\n'));
    }

    #[test]
    fn what_a_request_lacks_is_left_out_and_what_is_too_long_is_cut() {
        let agent = Some("é".repeat(AGENT_MAX));
        let bare = Line { route: None, service: None, agent, ..line() };
        let shown: Value = serde_json::from_str(&bare.to_json()).unwrap();
        assert!(shown.get("http.route").is_none() && shown.get("switchyard.service").is_none());
        assert_eq!(shown["user_agent.original"].as_str().map(str::len), Some(AGENT_MAX));
        assert!(bare.to_text().contains(" 0.012346 - r1"), "{}", bare.to_text());
    }
}
