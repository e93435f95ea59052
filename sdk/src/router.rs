//! Chooses the handler of a request by method and path.
//!
//! Routes are few and looked through in order of precedence, most specific first, whatever order they were
//! added in. A path that only other methods have is 405 with `Allow`; a HEAD request is answered by the GET
//! handler (the gateway leaves the body out). A slash at the end of a path makes no difference.

mod handler;
mod pattern;
mod table;

use std::sync::Arc;

use crate::{IntoResponse, Request, Response};

pub use handler::Handler;
pub(crate) use table::Table;

#[doc(hidden)]
pub use handler::{Parts, Routed, Whole};

type Serve = Arc<dyn Fn(&Request) -> Response + Send + Sync>;

/// The routes of a service.
///
/// ```
/// use switchyard_sdk::{Path, Request, Router};
///
/// let users = Router::new().get("/", || "all").get("/{id}", |Path(id): Path<u32>| format!("user {id}"));
/// let router = Router::new().nest("/users", users).get("/health", || "well");
///
/// assert_eq!(router.serve(Request::get("/users/7")).body(), b"user 7");
/// assert_eq!(router.serve(Request::new("PUT", "/users/7")).status(), 405);
/// assert_eq!(router.serve(Request::get("/nowhere")).status(), 404);
/// ```
#[derive(Default)]
pub struct Router {
    routes: Table<Serve>,
}

/// What a [wrapper](Router::wrap) lies around.
#[derive(Clone, Copy)]
pub struct Next<'a> {
    serve: &'a Serve,
}

// === impl Router ===

impl Router {
    /// No routes: everything is 404.
    pub fn new() -> Self {
        Self::default()
    }

    /// A handler for GET (and HEAD) requests. Patterns are `/a/b`, `/a/{id}` (one segment) and `/a/*` (`/a` and
    /// all below it). What handlers take and answer is told at [`Handler`].
    ///
    /// # Panics
    /// When the pattern is wrong, or there is a handler for it already. The same holds for the other methods.
    pub fn get<Takes>(self, pattern: &'static str, handler: impl Handler<Takes>) -> Self {
        self.on("GET", pattern, handler)
    }

    /// A handler for POST requests.
    pub fn post<Takes>(self, pattern: &'static str, handler: impl Handler<Takes>) -> Self {
        self.on("POST", pattern, handler)
    }

    /// A handler for PUT requests.
    pub fn put<Takes>(self, pattern: &'static str, handler: impl Handler<Takes>) -> Self {
        self.on("PUT", pattern, handler)
    }

    /// A handler for PATCH requests.
    pub fn patch<Takes>(self, pattern: &'static str, handler: impl Handler<Takes>) -> Self {
        self.on("PATCH", pattern, handler)
    }

    /// A handler for DELETE requests.
    pub fn delete<Takes>(self, pattern: &'static str, handler: impl Handler<Takes>) -> Self {
        self.on("DELETE", pattern, handler)
    }

    /// A handler for requests of any other method, given in upper case.
    pub fn on<Takes>(self, method: &'static str, pattern: &'static str, handler: impl Handler<Takes>) -> Self {
        let serve = Arc::new(move |request: &Request| handler.answer(request));
        Self { routes: self.routes.with(method, pattern, serve) }
    }

    /// All routes of another router, below this prefix. They see the whole path, and the parameters of the prefix, too.
    ///
    /// # Panics
    /// When one of them has a handler already, or the prefix holds a `*`.
    pub fn nest(self, prefix: &'static str, other: Self) -> Self {
        Self { routes: self.routes.nest(prefix, other.routes) }
    }

    /// Lies around all handlers that were added so far: looks at the request before they do, and at their response, or
    /// answers itself. It does not see what is 404 or 405.
    ///
    /// ```
    /// use switchyard_sdk::{Error, IntoResponse, Request, Response, Router, router::Next};
    ///
    /// fn only_known(request: &Request, next: Next<'_>) -> Response {
    ///     match request.subject() {
    ///         Ok(_) => next.serve(request).with_header("cache-control", "private"),
    ///         Err(error) => error.into_response(),
    ///     }
    /// }
    ///
    /// let router = Router::new().get("/account", || "yours").wrap(only_known).get("/health", || "well");
    /// assert_eq!(router.serve(Request::get("/account")).status(), 401);
    /// assert_eq!(router.serve(Request::get("/health")).status(), 200);
    /// ```
    pub fn wrap(self, wrapper: impl Fn(&Request, Next<'_>) -> Response + Send + Sync + 'static) -> Self {
        let wrapper = Arc::new(wrapper);
        let routes = self.routes.map(|inner| {
            let wrapper = Arc::clone(&wrapper);
            let serve: Serve = Arc::new(move |request| wrapper(request, Next { serve: &inner }));
            serve
        });
        Self { routes }
    }

    /// Answers a request.
    pub fn serve(&self, mut request: Request) -> Response {
        match self.routes.find(&request) {
            Ok((serve, params)) => {
                request.set_params(params);
                serve(&request)
            }
            Err(error) => error.into_response(),
        }
    }
}

impl std::fmt::Debug for Router {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.routes.fmt(f)
    }
}

// === impl Next ===

impl Next<'_> {
    /// Has the request answered.
    pub fn serve(&self, request: &Request) -> Response {
        (self.serve)(request)
    }
}

impl std::fmt::Debug for Next<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Next").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
