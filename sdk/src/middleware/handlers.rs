//! What a middleware consists of.

use super::{RequestDecision, RequestHead, ResponseDecision, ResponseHead};

type OnRequest = Box<dyn Fn(&RequestHead, Option<&[u8]>) -> RequestDecision + Send + Sync>;
type OnResponse = Box<dyn Fn(&RequestHead, &ResponseHead, Option<&[u8]>) -> ResponseDecision + Send + Sync>;

/// A middleware: what it does with requests, and what with responses. What it has no handler for goes on as it is.
///
/// A body is there when it has arrived as a whole and is small enough to be held (64 KiB); one that streams is none, so
/// whoever guards by what stands in bodies has to say what becomes of those that it cannot see.
///
/// ```
/// use switchyard_sdk::{Error, Manifest, Middleware, RequestHead, ResponseHead, Result};
///
/// fn manifest() -> Manifest {
///     switchyard_sdk::manifest!()
/// }
///
/// fn middleware() -> Middleware {
///     Middleware::new().on_request_with_body(no_secrets).on_response(mark)
/// }
///
/// fn no_secrets(_: &RequestHead, body: Option<&[u8]>) -> Result<()> {
///     let body = body.ok_or_else(|| Error::new(413, "Too large to be looked at"))?;
///     match String::from_utf8_lossy(body).contains("secret") {
///         true => Err(Error::new(422, "Keep it to yourself")),
///         false => Ok(()),
///     }
/// }
///
/// fn mark(_: &RequestHead, response: &ResponseHead) -> ResponseHead {
///     response.clone().with_header("x-checked", "yes")
/// }
///
/// switchyard_sdk::plugin! { manifest: manifest, middleware: middleware }
/// # fn main() {
/// # use switchyard_sdk::{RequestDecision, ResponseDecision};
/// # let request = RequestHead::new("POST", "/");
/// # assert!(matches!(middleware().request(&request, Some(b"a")), RequestDecision::Next));
/// # assert!(matches!(middleware().request(&request, Some(b"a secret")), RequestDecision::Answer(_)));
/// # assert!(matches!(middleware().request(&request, None), RequestDecision::Answer(_)));
/// # let response = ResponseHead::new(200);
/// # assert!(matches!(middleware().response(&request, &response, None), ResponseDecision::NextWithHead(_)));
/// # }
/// ```
#[derive(Default)]
pub struct Middleware {
    on_request: Option<OnRequest>,
    on_response: Option<OnResponse>,
}

/// What can be a middleware: a `fn() -> Middleware`, a `fn(&RequestHead)` or a `fn(&RequestHead, &ResponseHead)`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no middleware",
    note = "name a `fn(&RequestHead) -> impl Into<RequestDecision>`, a `fn(&RequestHead, &ResponseHead) -> impl \
            Into<ResponseDecision>`, or a `fn() -> Middleware`"
)]
pub trait IntoMiddleware<Kind> {
    /// Makes the middleware.
    fn into_middleware(self) -> Middleware;
}

/// Marks functions that make a middleware.
#[derive(Debug)]
pub struct Made;

/// Marks functions that look at requests.
#[derive(Debug)]
pub struct Requests<D>(std::marker::PhantomData<D>);

/// Marks functions that look at responses.
#[derive(Debug)]
pub struct Responses<D>(std::marker::PhantomData<D>);

// === impl Middleware ===

impl Middleware {
    /// Lets everything pass.
    pub fn new() -> Self {
        Self::default()
    }

    /// With this look at requests.
    pub fn on_request<D: Into<RequestDecision>>(
        self,
        handler: impl Fn(&RequestHead) -> D + Send + Sync + 'static,
    ) -> Self {
        self.on_request_with_body(move |head, _| handler(head))
    }

    /// With this look at requests and their bodies.
    pub fn on_request_with_body<D: Into<RequestDecision>>(
        self,
        handler: impl Fn(&RequestHead, Option<&[u8]>) -> D + Send + Sync + 'static,
    ) -> Self {
        let on_request: OnRequest = Box::new(move |head, body| handler(head, body).into());
        Self { on_request: Some(on_request), ..self }
    }

    /// With this look at responses. The request's head is as this middleware passed it on: what is to be remembered from
    /// one to the other goes into a header.
    pub fn on_response<D: Into<ResponseDecision>>(
        self,
        handler: impl Fn(&RequestHead, &ResponseHead) -> D + Send + Sync + 'static,
    ) -> Self {
        self.on_response_with_body(move |request, head, _| handler(request, head))
    }

    /// With this look at responses and their bodies.
    pub fn on_response_with_body<D: Into<ResponseDecision>>(
        self,
        handler: impl Fn(&RequestHead, &ResponseHead, Option<&[u8]>) -> D + Send + Sync + 'static,
    ) -> Self {
        let on_response: OnResponse = Box::new(move |request, head, body| handler(request, head, body).into());
        Self { on_response: Some(on_response), ..self }
    }

    /// What becomes of a request.
    pub fn request(&self, head: &RequestHead, body: Option<&[u8]>) -> RequestDecision {
        self.on_request.as_ref().map_or(RequestDecision::Next, |handler| handler(head, body))
    }

    /// What becomes of a response.
    pub fn response(&self, request: &RequestHead, head: &ResponseHead, body: Option<&[u8]>) -> ResponseDecision {
        self.on_response.as_ref().map_or(ResponseDecision::Next, |handler| handler(request, head, body))
    }
}

impl std::fmt::Debug for Middleware {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (on_request, on_response) = (self.on_request.is_some(), self.on_response.is_some());
        f.debug_struct("Middleware").field("on_request", &on_request).field("on_response", &on_response).finish()
    }
}

// === impl IntoMiddleware ===

impl<F: FnOnce() -> Middleware> IntoMiddleware<Made> for F {
    fn into_middleware(self) -> Middleware {
        self()
    }
}

impl<F, D> IntoMiddleware<Requests<D>> for F
where
    F: Fn(&RequestHead) -> D + Send + Sync + 'static,
    D: Into<RequestDecision>,
{
    fn into_middleware(self) -> Middleware {
        Middleware::new().on_request(self)
    }
}

impl<F, D> IntoMiddleware<Responses<D>> for F
where
    F: Fn(&RequestHead, &ResponseHead) -> D + Send + Sync + 'static,
    D: Into<ResponseDecision>,
{
    fn into_middleware(self) -> Middleware {
        Middleware::new().on_response(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Response;

    #[test]
    fn one_function_is_a_middleware_of_one_half() {
        fn deny(_: &RequestHead) -> Response {
            Response::new(403)
        }
        fn mark(request: &RequestHead, response: &ResponseHead) -> ResponseHead {
            response.clone().with_header("x-path", request.path())
        }
        let (request, response) = (RequestHead::get("/a"), ResponseHead::new(200));
        let denies = deny.into_middleware();
        assert!(matches!(denies.request(&request, None), RequestDecision::Answer(answer) if answer.status() == 403));
        assert!(matches!(denies.response(&request, &response, None), ResponseDecision::Next));
        let marks = mark.into_middleware();
        assert!(matches!(marks.request(&request, None), RequestDecision::Next));
        let marked = marks.response(&request, &response, None);
        assert!(matches!(marked, ResponseDecision::NextWithHead(head) if head.header("x-path") == Some("/a")));
    }

    #[test]
    fn bodies_are_seen_where_they_are_there() {
        let middleware = Middleware::new()
            .on_request_with_body(|head: &RequestHead, body: Option<&[u8]>| {
                body.map(|body| head.clone().with_body(body.to_ascii_uppercase()))
            })
            .on_response_with_body(|_: &RequestHead, head: &ResponseHead, body: Option<&[u8]>| {
                body.map(|body| head.clone().with_body(body.to_ascii_lowercase()))
            });
        let (request, response) = (RequestHead::new("POST", "/a"), ResponseHead::new(201));
        let whole = middleware.request(&request, Some(b"abc"));
        assert!(matches!(whole, RequestDecision::NextWith(request) if request.body() == b"ABC"));
        assert!(matches!(middleware.request(&request, None), RequestDecision::Next));
        let whole = middleware.response(&request, &response, Some(b"ABC"));
        assert!(matches!(whole, ResponseDecision::NextWith(response) if response.body() == b"abc"));
        assert!(matches!(middleware.response(&request, &response, None), ResponseDecision::Next));
    }
}
