//! The spans of calls: of guests, of upstreams, and of what guests ask for outside.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri};
use switchyard_core::{
    describe::Role,
    trace::{Kind, Name, TraceParent},
};
use switchyard_runtime::{Body, CallContext, GuestError, Plugin, ports::OutgoingError};

use super::{Active, Tracer};
use crate::{error::CallError, instance::Instance, meter, service::Service};

/// The W3C trace context of a request.
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// What vendors add to it.
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

// === impl Tracer ===

impl Tracer {
    /// The span of a call of a guest, whose context is from now on below it.
    #[inline]
    pub(crate) fn guest(
        &self,
        service: &Service,
        instance: &Instance,
        role: impl FnOnce(&Plugin) -> Option<Role>,
        context: &mut CallContext,
    ) -> Option<Active> {
        let begin = || Name::Owned(service.name().to_string());
        let mut span = self.begin(context.traceparent.as_deref(), Kind::Internal, begin)?;
        context.traceparent = Some(span.traceparent());
        span.set("switchyard.service", service.name().to_string());
        span.set("switchyard.service.version", service.manifest.version.to_string());
        span.set("switchyard.instance", instance.id().to_owned());
        if let Some(plugin) = instance.plugin() {
            span.set("switchyard.generation", plugin.generation().0);
            if let Some(role) = role(plugin) {
                span.rename(format!("{} {}", service.name(), word(role)));
                span.set("switchyard.role", role.interface());
            }
        }
        span.set("switchyard.request.id", context.request_id.clone());
        Some(span)
    }

    /// The span of a request to a guest, whose context is from now on below it.
    #[inline]
    pub(crate) fn guest_request(
        &self,
        service: &Service,
        instance: &Instance,
        context: &mut CallContext,
        request: &Request<Body>,
    ) -> Option<Active> {
        let mut span = self.guest(service, instance, |plugin| plugin.description().http_role(), context)?;
        say_method(&mut span, request.method());
        span.set("url.path", request.uri().path().to_owned());
        Some(span)
    }

    /// The span of an attempt at an upstream, the first of which has number 1.
    pub(crate) fn upstream(
        &self,
        service: &Service,
        instance: &Instance,
        context: &CallContext,
        request: &mut Request<Body>,
        number: u32,
    ) -> Option<Active> {
        let mut span = self.begin(context.traceparent.as_deref(), Kind::Client, || name_of(request.method()))?;
        say_method(&mut span, request.method());
        if let Some(upstream) = instance.upstream() {
            span.set("server.address", upstream.origin.host.clone());
            span.set("server.port", upstream.origin.port);
            span.set("url.full", format!("{}{}", upstream.origin, request.uri().path()));
        }
        span.set("switchyard.service", service.name().to_string());
        span.set("switchyard.instance", instance.id().to_owned());
        span.set_some("http.request.resend_count", (number > 1).then(|| number - 1));
        set_header(request.headers_mut(), &span.traceparent());
        Some(span)
    }

    /// The span of a request that a guest sends to a host outside. Its traceparent is what that host gets, and without a
    /// span that of the guest.
    pub(crate) fn outgoing(&self, context: &mut CallContext, request: &mut Request<Body>) -> Option<Active> {
        adopt(context, request.headers_mut());
        let method = request.method().clone();
        let span = self.begin(context.traceparent.as_deref(), Kind::Client, || name_of(&method));
        let span = span.map(|mut span| {
            context.traceparent = Some(span.traceparent());
            let uri = request.uri();
            say_method(&mut span, request.method());
            span.set("url.full", without_query(uri));
            span.set("server.address", uri.host().unwrap_or_default().to_owned());
            let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
            span.set("server.port", port);
            span
        });
        if let Some(own) = &context.traceparent {
            set_header(request.headers_mut(), own);
        }
        span
    }
}

fn set_header(headers: &mut HeaderMap, traceparent: &str) {
    if let Ok(value) = HeaderValue::from_str(traceparent) {
        headers.insert(TRACEPARENT, value);
    }
}

/// Has a call of a guest take place where that guest says, which may have spans of its own; unless it says another
/// trace, whose `tracestate` is then of no use either.
pub(crate) fn adopt(context: &mut CallContext, headers: &mut HeaderMap) {
    let Some(own) = &context.traceparent else { return };
    let mut said = headers.get_all(TRACEPARENT).iter();
    match (said.next(), said.next()) {
        (None, _) => _ = headers.remove(TRACESTATE),
        (Some(said), None) if said.as_bytes() == own.as_bytes() => {}
        (Some(said), only) => match TraceParent::within(own.as_bytes(), said.as_bytes()).filter(|_| only.is_none()) {
            Some(place) => context.traceparent = Some(place.to_text().as_str().into()),
            None => _ = headers.remove(TRACESTATE),
        },
    }
}

// === impl Active ===

impl Active {
    /// How a request was answered by an upstream or another host: whatever is no success has failed, as OpenTelemetry
    /// has it for those who ask.
    pub(crate) fn answered<T>(&mut self, response: &Response<T>) {
        let status = response.status().as_u16();
        self.set("http.response.status_code", status);
        if status >= 400 {
            self.fail(status.to_string(), format!("it answered {}", response.status()));
        }
    }

    /// How a guest answered a request, or failed to: what is no fault of the guest is none of its span.
    pub(crate) fn guest_called<T>(span: Option<&mut Self>, called: &Result<Response<T>, GuestError>) {
        let Some(span) = span else { return };
        match called {
            Ok(response) => {
                let status = response.status().as_u16();
                span.set("http.response.status_code", status);
                if status >= 500 {
                    span.fail(status.to_string(), format!("it answered {}", response.status()));
                }
            }
            Err(error) => span.guest_failed(error),
        }
    }

    /// Ends the span of a guest that handles something: whatever it answers, it did answer.
    pub(crate) fn called<T>(span: Option<Self>, called: &Result<T, GuestError>) {
        let Some(mut span) = span else { return };
        if let Err(error) = called {
            span.guest_failed(error);
        }
        span.end();
    }

    /// How a guest failed; one that trapped leaves an exception.
    pub(crate) fn guest_failed(&mut self, error: &GuestError) {
        if let GuestError::Failed { reason, backtrace, .. } = error {
            self.exception("trap", reason, backtrace.as_deref());
        }
        self.failed(&error.clone().into());
    }

    /// How a call failed.
    pub fn failed(&mut self, error: &CallError) {
        self.fail(error.code().as_str(), error.to_string());
    }
}

/// Ends the span of a request to a host outside, whose answer is still on its way.
pub(crate) fn sent(span: Option<Active>, sent: &Result<Response<Body>, OutgoingError>) {
    let Some(mut span) = span else { return };
    match sent {
        Ok(response) => span.answered(response),
        Err(error) => span.fail(kind_of(error), error.to_string()),
    }
    span.end();
}

fn kind_of(error: &OutgoingError) -> &'static str {
    match error {
        OutgoingError::Denied(_) => "denied",
        OutgoingError::NotFound(_) => "not_found",
        OutgoingError::Unavailable(_) => "unavailable",
        OutgoingError::Broken(_) => "broken",
        OutgoingError::TimedOut(_) => "timeout",
    }
}

/// What a guest does in a role.
fn word(role: Role) -> &'static str {
    match role {
        Role::HttpHandler | Role::WasiHttp02 | Role::WasiHttp03 => "request",
        Role::EventHandler | Role::Messaging => "event",
        Role::QueueHandler => "message",
        Role::CommandHandler => "command",
        Role::HttpMiddleware | Role::HttpChain => "middleware",
        Role::EventMiddleware => "event middleware",
        Role::Authenticator => "token",
        Role::Manifest => "manifest",
    }
}

fn name_of(method: &Method) -> Name {
    Cow::Borrowed(match meter::known(method) {
        "_OTHER" => "HTTP",
        method => method,
    })
}

fn say_method(span: &mut Active, method: &Method) {
    let known = meter::known(method);
    span.set("http.request.method", known);
    if known == "_OTHER" {
        span.set("http.request.method_original", method.to_string());
    }
}

/// A query may say what is not for everybody.
fn without_query(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or("http");
    let authority = uri.authority().map(http::uri::Authority::as_str).unwrap_or_default();
    // Who writes credentials there does not mean them for traces.
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{}", uri.path())
}
