//! The routes of an async service: those of the [synchronous router](crate::router), with other handlers.

use std::fmt;
use std::sync::Arc;

use super::handler::Answering;
use super::{Body, Handler, IntoStreaming, Streaming};
use crate::Request;
use crate::router::Table;

type Serve = Arc<dyn Fn(Request, Body) -> Answering + Send + Sync>;

/// The routes of an async service. Patterns, their precedence, 404, 405 and HEAD are as with
/// [`Router`](crate::Router); what handlers take and answer is told at [`Handler`].
///
/// ```
/// use switchyard_sdk::asynchronous::Router;
/// use switchyard_sdk::{Path, Request};
///
/// let users = Router::new().get("/", async || "all").get("/{id}", async |Path(id): Path<u32>| format!("user {id}"));
/// let router = Router::new().nest("/users", users);
///
/// assert_eq!(router.ask(Request::get("/users/7")).body(), b"user 7");
/// assert_eq!(router.ask(Request::new("PUT", "/users/7")).status(), 405);
/// assert_eq!(router.ask(Request::get("/nowhere")).status(), 404);
/// ```
#[derive(Default)]
pub struct Router {
    routes: Table<Serve>,
}

// === impl Router ===

impl Router {
    /// No routes: everything is 404.
    pub fn new() -> Self {
        Self::default()
    }

    /// A handler for GET (and HEAD) requests.
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
        let handler = Arc::new(handler);
        let serve: Serve = Arc::new(move |request, body| Arc::clone(&handler).answer(request, body));
        Self { routes: self.routes.with(method, pattern, serve) }
    }

    /// All routes of another router, below this prefix. They see the whole path, and the parameters of the prefix, too.
    ///
    /// # Panics
    /// When one of them has a handler already, or the prefix holds a `*`.
    pub fn nest(self, prefix: &'static str, other: Self) -> Self {
        Self { routes: self.routes.nest(prefix, other.routes) }
    }

    /// Answers a request, whose body comes beside it.
    pub async fn serve(&self, mut request: Request, body: Body) -> Streaming {
        match self.routes.find(&request) {
            Ok((serve, params)) => {
                request.set_params(params);
                serve(request, body).await
            }
            Err(error) => error.into_streaming(),
        }
    }

    /// Answers a request, and reads the whole answer; for tests.
    ///
    /// # Panics
    /// When the answer's body breaks off.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn ask(&self, request: Request) -> crate::Response {
        let (request, body) = request.split();
        let answer = async { self.serve(request, Body::whole(body)).await.read(usize::MAX).await };
        super::block_on(answer).expect("the body comes whole")
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.routes.fmt(f)
    }
}
