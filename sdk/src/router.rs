//! Chooses the handler of a request by method and path.
//!
//! Routes are few and looked through in order of precedence, most specific first, whatever order they were
//! added in. A path that only other methods have is 405 with `Allow`; a HEAD request is answered by the GET
//! handler (the gateway leaves the body out). A slash at the end of a path makes no difference.

mod pattern;

use pattern::Pattern;

use crate::{Error, IntoResponse, Request, Response};

type Handler = Box<dyn Fn(&Request) -> Response + Send + Sync>;

/// The routes of a service.
#[derive(Default)]
pub struct Router {
    /// Sorted by pattern: literal segments before parameters, parameters before `*`.
    routes: Vec<Route>,
}

struct Route {
    pattern: Pattern,
    method: &'static str,
    handler: Handler,
}

// === impl Router ===

impl Router {
    /// No routes: everything is 404.
    pub fn new() -> Self {
        Self::default()
    }

    /// A handler for GET (and HEAD) requests. Patterns are `/a/b`, `/a/{id}` (one segment) and `/a/*` (`/a` and
    /// all below it).
    ///
    /// # Panics
    /// When the pattern is wrong, or there is a handler for it already. The same holds for the other methods.
    pub fn get<R: IntoResponse>(
        self,
        pattern: &'static str,
        handler: impl Fn(&Request) -> R + Send + Sync + 'static,
    ) -> Self {
        self.on("GET", pattern, handler)
    }

    /// A handler for POST requests.
    pub fn post<R: IntoResponse>(
        self,
        pattern: &'static str,
        handler: impl Fn(&Request) -> R + Send + Sync + 'static,
    ) -> Self {
        self.on("POST", pattern, handler)
    }

    /// A handler for PUT requests.
    pub fn put<R: IntoResponse>(
        self,
        pattern: &'static str,
        handler: impl Fn(&Request) -> R + Send + Sync + 'static,
    ) -> Self {
        self.on("PUT", pattern, handler)
    }

    /// A handler for DELETE requests.
    pub fn delete<R: IntoResponse>(
        self,
        pattern: &'static str,
        handler: impl Fn(&Request) -> R + Send + Sync + 'static,
    ) -> Self {
        self.on("DELETE", pattern, handler)
    }

    /// A handler for requests of any other method, given in upper case.
    pub fn on<R: IntoResponse>(
        mut self,
        method: &'static str,
        pattern: &'static str,
        handler: impl Fn(&Request) -> R + Send + Sync + 'static,
    ) -> Self {
        let route = Route {
            pattern: Pattern::parse(pattern),
            method,
            handler: Box::new(move |request| handler(request).into_response()),
        };
        let at = self.routes.partition_point(|other| other.pattern <= route.pattern);
        let same = |other: &Route| other.pattern == route.pattern && other.method == method;
        assert!(!self.routes[..at].iter().any(same), "{method} {pattern} has two handlers");
        self.routes.insert(at, route);
        self
    }

    /// Answers a request.
    pub fn serve(&self, mut request: Request) -> Response {
        let mut found = None;
        let mut allowed: Vec<&str> = Vec::new();
        for route in &self.routes {
            let Some(params) = route.pattern.matched(request.path()) else { continue };
            if route.answers(request.method()) {
                found = Some((route, params));
                break;
            }
            if !allowed.contains(&route.method) {
                allowed.push(route.method);
            }
        }
        match found {
            Some((route, params)) => {
                request.set_params(params);
                (route.handler)(&request)
            }
            None if allowed.is_empty() => Error::not_found("Not found").into_response(),
            None => Error::new(405, "Method not allowed").into_response().with_header("allow", allowed.join(", ")),
        }
    }
}

impl std::fmt::Debug for Router {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.routes.iter().map(|route| (route.method, &route.pattern))).finish()
    }
}

// === impl Route ===

impl Route {
    fn answers(&self, method: &str) -> bool {
        self.method == method || (self.method == "GET" && method == "HEAD")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn router() -> Router {
        Router::new()
            .get("/*", |request: &Request| format!("rest {}", request.param("*")))
            .get("/users/{id}", |request: &Request| format!("user {}", request.param("id")))
            .put("/users/{id}", |request: &Request| format!("put {}", request.param("id")))
            .get("/users/me", |_: &Request| "me")
            .post("/users", |_: &Request| (201, "made"))
            .delete("/only/{a}/deep/{b}", |request: &Request| format!("{} {}", request.param("a"), request.param("b")))
    }

    #[track_caller]
    fn check(method: &str, target: &str, status: u16, body: &str) {
        let response = router().serve(Request::new(method, target));
        assert_eq!(response.status(), status);
        assert_eq!(String::from_utf8_lossy(response.body()), body);
    }

    #[test]
    fn the_most_specific_route_answers() {
        check("GET", "/users/me", 200, "me");
        check("GET", "/users/7", 200, "user 7");
        check("GET", "/users/7/", 200, "user 7");
        check("HEAD", "/users/7", 200, "user 7");
        check("GET", "/users/7/x", 200, "rest users/7/x");
        check("GET", "/", 200, "rest ");
        check("POST", "/users?x=1", 201, "made");
        check("DELETE", "/only/1/deep/2", 200, "1 2");
    }

    #[test]
    fn another_method_falls_to_the_next_pattern() {
        check("PUT", "/users/me", 200, "put me");
    }

    #[test]
    fn parameters_are_decoded_and_never_empty() {
        check("GET", "/users/a%2Fb", 200, "user a/b");
        check("GET", "/users//", 200, "rest users//");
    }

    #[test]
    fn an_unknown_path_is_404_and_an_unknown_method_405() {
        let router = Router::new().get("/a", |_: &Request| ()).put("/a", |_: &Request| ());
        assert_eq!(router.serve(Request::get("/b")).status(), 404);
        let refused = router.serve(Request::new("PATCH", "/a"));
        assert_eq!((refused.status(), refused.header("allow")), (405, Some("GET, PUT")));
    }

    #[test]
    #[should_panic(expected = "two handlers")]
    fn a_second_handler_for_a_route_is_a_mistake() {
        let _ = Router::new().get("/a/{x}", |_: &Request| ()).get("/a/{y}", |_: &Request| ());
    }
}
