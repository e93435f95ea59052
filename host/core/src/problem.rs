//! Errors as HTTP clients see them: RFC 9457 problems with a code each.
//!
//! **Invariant**: a code, once released, keeps its meaning.

use serde::Serialize;

/// A kind of failure that a client can meet. Each has a code, a status, and a short fixed text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// SY1001: no route matches.
    RouteNotFound,
    /// SY1002: the path is known, the method is not.
    MethodNotAllowed,
    /// SY1003: the request is malformed.
    BadRequest,
    /// SY1004: the body is over the limit.
    PayloadTooLarge,
    /// SY1005: the request's head is over the limit.
    HeadersTooLarge,
    /// SY1006: the client took too long to send its request.
    RequestTimeout,
    /// SY1007: the client sends more than its quota.
    RateLimited,
    /// SY1008: who calls has to be known, and the request does not say it.
    MissingCredentials,
    /// SY1009: what the request says about who calls does not hold.
    InvalidCredentials,
    /// SY1010: nobody can say now whether the credentials hold.
    AuthUnavailable,
    /// SY1011: a middleware is not there, or failed.
    MiddlewareFailed,
    /// SY2001: the service failed to answer.
    ServiceFailed,
    /// SY2002: the service is known and has nothing that could answer.
    ServiceUnavailable,
    /// SY2003: too many requests wait for the service.
    ServiceBusy,
    /// SY2004: the service did not answer in time.
    GatewayTimeout,
    /// SY2005: calls between services went round too often.
    TooManyHops,
    /// SY2006: the host is stopping.
    ShuttingDown,
    /// SY2007: the breaker in front of the service is open.
    BreakerOpen,
    /// SY2008: none of the service's instances is healthy and admits calls.
    NoHealthyInstance,
    /// SY3001: no such thing in the admin API.
    NotFound,
    /// SY3002: the admin API refuses the caller.
    Forbidden,
    /// SY4001: an event does not hold.
    InvalidEvent,
    /// SY4002: a format of events that is not spoken.
    UnsupportedMediaType,
    /// SY4003: an event middleware said no.
    EventRejected,
    /// SY4004: the service has no grant for a topic, queue or saga.
    NotGranted,
    /// SY5001: a queue has no room.
    QueueFull,
    /// SY5002: the token does not hold the message.
    NotLeased,
    /// SY3003: it is there already, or in a state that does not allow this.
    Conflict,
    /// SY3004: what was sent cannot be a plugin.
    PluginRefused,
    /// SY9002: the store cannot take it now.
    StoreUnavailable,
    /// SY9001: a fault of the host itself.
    Internal,
}

/// An RFC 9457 problem document.
#[derive(Clone, Debug, Serialize)]
pub struct Problem<'a> {
    /// Where the code is explained.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code's short text.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What happened here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<&'a str>,
    /// The path that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<&'a str>,
    /// SYnnnn.
    pub code: &'static str,
    /// The request's id, as in the log.
    #[serde(rename = "requestId", skip_serializing_if = "Option::is_none")]
    pub request_id: Option<&'a str>,
    /// A short text for clients that look for `error`: the title, unless what happened has a text of its own.
    pub error: &'a str,
}

impl Code {
    /// Every code, in the order of their numbers.
    pub const ALL: [Self; 31] = [
        Self::RouteNotFound,
        Self::MethodNotAllowed,
        Self::BadRequest,
        Self::PayloadTooLarge,
        Self::HeadersTooLarge,
        Self::RequestTimeout,
        Self::RateLimited,
        Self::MissingCredentials,
        Self::InvalidCredentials,
        Self::AuthUnavailable,
        Self::MiddlewareFailed,
        Self::ServiceFailed,
        Self::ServiceUnavailable,
        Self::ServiceBusy,
        Self::GatewayTimeout,
        Self::TooManyHops,
        Self::ShuttingDown,
        Self::BreakerOpen,
        Self::NoHealthyInstance,
        Self::NotFound,
        Self::Forbidden,
        Self::InvalidEvent,
        Self::UnsupportedMediaType,
        Self::EventRejected,
        Self::NotGranted,
        Self::QueueFull,
        Self::NotLeased,
        Self::Conflict,
        Self::PluginRefused,
        Self::StoreUnavailable,
        Self::Internal,
    ];

    /// SYnnnn, the HTTP status, and the short text.
    const fn parts(self) -> (&'static str, u16, &'static str) {
        match self {
            Self::RouteNotFound => ("SY1001", 404, "Route not found"),
            Self::MethodNotAllowed => ("SY1002", 405, "Method not allowed"),
            Self::BadRequest => ("SY1003", 400, "Bad request"),
            Self::PayloadTooLarge => ("SY1004", 413, "Payload too large"),
            Self::HeadersTooLarge => ("SY1005", 431, "Request header fields too large"),
            Self::RequestTimeout => ("SY1006", 408, "Request timeout"),
            Self::RateLimited => ("SY1007", 429, "Rate limit exceeded"),
            Self::MissingCredentials => ("SY1008", 401, "Missing or invalid authorization header"),
            Self::InvalidCredentials => ("SY1009", 401, "Invalid token"),
            Self::AuthUnavailable => ("SY1010", 503, "Service unavailable"),
            Self::MiddlewareFailed => ("SY1011", 503, "Service unavailable"),
            Self::ServiceFailed => ("SY2001", 502, "Service unavailable"),
            Self::ServiceUnavailable => ("SY2002", 503, "Service unavailable"),
            Self::ServiceBusy => ("SY2003", 503, "Service unavailable"),
            Self::GatewayTimeout => ("SY2004", 504, "Gateway timeout"),
            Self::TooManyHops => ("SY2005", 503, "Service unavailable"),
            Self::ShuttingDown => ("SY2006", 503, "Service unavailable"),
            Self::BreakerOpen => ("SY2007", 503, "Service unavailable"),
            Self::NoHealthyInstance => ("SY2008", 503, "Service unavailable"),
            Self::NotFound => ("SY3001", 404, "Not found"),
            Self::Forbidden => ("SY3002", 403, "Forbidden"),
            Self::InvalidEvent => ("SY4001", 400, "Invalid event"),
            Self::UnsupportedMediaType => ("SY4002", 415, "Unsupported media type"),
            Self::EventRejected => ("SY4003", 422, "Event rejected"),
            Self::NotGranted => ("SY4004", 403, "Not granted"),
            Self::QueueFull => ("SY5001", 429, "Queue is full"),
            Self::NotLeased => ("SY5002", 409, "Not leased"),
            Self::Conflict => ("SY3003", 409, "Conflict"),
            Self::PluginRefused => ("SY3004", 422, "Plugin refused"),
            Self::StoreUnavailable => ("SY9002", 503, "Store unavailable"),
            Self::Internal => ("SY9001", 500, "Internal error"),
        }
    }

    /// SYnnnn.
    pub const fn as_str(self) -> &'static str {
        self.parts().0
    }

    /// The HTTP status.
    pub const fn status(self) -> u16 {
        self.parts().1
    }

    /// The short text.
    pub const fn title(self) -> &'static str {
        self.parts().2
    }

    /// What the client or the host's operator can do about it: a clause to follow what happened.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::RouteNotFound => "load a plugin that has a route for it, or add a [[route]] to the configuration",
            Self::MethodNotAllowed => "use a method that Allow lists, or add a [[route]] that takes this one",
            Self::BadRequest => "correct the request before it is sent again",
            Self::PayloadTooLarge => "send less, or raise body-max under [gateway] in the configuration",
            Self::HeadersTooLarge => "send fewer or shorter headers and cookies, or a shorter path",
            Self::RequestTimeout => "send the request again, and without a pause",
            Self::RateLimited => "try again after the seconds in Retry-After, or raise the quota in the configuration",
            Self::MissingCredentials => "send the credentials that WWW-Authenticate asks for",
            Self::InvalidCredentials => "get a new token, and see the detail for what is wrong with this one",
            Self::AuthUnavailable => "try again later, and see the host's log for why credentials cannot be checked",
            Self::MiddlewareFailed => "see the host's log for this requestId, and load or mend the middleware",
            Self::ServiceFailed => "see the host's log for this requestId, and mend the service",
            Self::ServiceUnavailable => "try again later, and see the host's log for why the service is not there",
            Self::ServiceBusy => "try again after the seconds in Retry-After, or raise the limit",
            Self::GatewayTimeout => "try again, make the service answer sooner, or give its route a longer timeout",
            Self::TooManyHops => "look for services that call each other in a circle",
            Self::ShuttingDown => "try again when the host is back",
            Self::BreakerOpen => "try again after the seconds in Retry-After, and see the host's log for why it opened",
            Self::NoHealthyInstance => {
                "try again after the seconds in Retry-After, and see why the instances are not healthy"
            }
            Self::NotFound => "look at the lists of the admin API for what there is",
            Self::Forbidden => "call the admin API from its own host, by the address that it listens on",
            Self::InvalidEvent => "correct the event as the detail says",
            Self::UnsupportedMediaType => "send application/cloudevents+json, or ce- headers",
            Self::EventRejected => "change the event, or the middleware that refuses it",
            Self::NotGranted => "add it to grants under [services.NAME] in the configuration",
            Self::QueueFull => "consume its messages, or raise max-size under [queues.NAME]",
            Self::NotLeased => "lease the message again",
            Self::Conflict => "look at what there is, and try again",
            Self::PluginRefused => "mend the component, its side file or its signature as the detail says",
            Self::StoreUnavailable => "try again after the seconds in Retry-After, and see the host's log",
            Self::Internal => "see the host's log for this requestId, and report it",
        }
    }

    /// The problem document of one occurrence.
    pub fn problem<'a>(
        self,
        detail: Option<&'a str>,
        instance: Option<&'a str>,
        request_id: Option<&'a str>,
    ) -> Problem<'a> {
        let (code, status, title) = self.parts();
        Problem {
            kind: format!("urn:switchyard:error:{code}"),
            title,
            status,
            detail,
            instance,
            code,
            request_id,
            error: title,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique() {
        let codes: std::collections::HashSet<_> = Code::ALL.iter().map(|c| c.as_str()).collect();
        assert_eq!(codes.len(), Code::ALL.len());
    }

    #[test]
    fn a_remedy_ends_a_sentence_without_a_full_stop() {
        for code in Code::ALL {
            let remedy = code.remedy();
            assert!(remedy.starts_with(|c: char| c.is_ascii_lowercase()) && !remedy.ends_with('.'), "{code:?}");
        }
    }

    #[test]
    fn a_problem_carries_the_fixed_text_twice() {
        let json = serde_json::to_value(Code::RouteNotFound.problem(None, Some("/x"), Some("r1"))).unwrap();
        assert_eq!(json["error"], "Route not found");
        assert_eq!(json["title"], "Route not found");
        assert_eq!(json["status"], 404);
        assert_eq!(json["requestId"], "r1");
    }
}
