use super::*;
use crate::{Json, Path, Query};

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
    assert_eq!(refused.header("content-type"), Some("application/problem+json"));
}

#[test]
#[should_panic(expected = "two handlers")]
fn a_second_handler_for_a_route_is_a_mistake() {
    let _ = Router::new().get("/a/{x}", |_: &Request| ()).get("/a/{y}", |_: &Request| ());
}

#[test]
fn handlers_take_what_they_name() {
    fn nothing() {}
    fn part(Path(id): Path<u32>) -> String {
        format!("{id}")
    }
    fn whole(request: &Request) -> String {
        request.method().to_owned()
    }
    fn all(
        request: &Request,
        Path(a): Path<String>,
        Query(b): Query<Vec<(String, u8)>>,
        body: Option<Json<u32>>,
    ) -> String {
        format!("{} {a} {b:?} {:?}", request.method(), body.map(|Json(number)| number))
    }
    let router = Router::new().get("/", nothing).get("/{a}", part).post("/", whole).patch("/{a}", all);
    let answer = |request: Request| {
        let response = router.serve(request);
        (response.status(), String::from_utf8_lossy(response.body()).into_owned())
    };
    assert_eq!(answer(Request::get("/")), (204, String::new()));
    assert_eq!(answer(Request::get("/7")), (200, "7".to_owned()));
    assert_eq!(answer(Request::post("/")), (200, "POST".to_owned()));
    assert_eq!(
        answer(Request::new("PATCH", "/x?a=1").with_body("5")),
        (200, r#"PATCH x [("a", 1)] Some(5)"#.to_owned())
    );
    assert_eq!(answer(Request::new("PATCH", "/x")), (200, "PATCH x [] None".to_owned()));
    assert_eq!(answer(Request::get("/x")).0, 400);
}

#[test]
fn a_nested_router_lies_below_its_prefix() {
    let parts = Router::new()
        .get("/", || "all")
        .get("/{part}", |Path((item, part)): Path<(u32, String)>| format!("{item} {part}"));
    let router = Router::new()
        .nest("/items/{item}/parts", parts)
        .get("/items/{item}", |Path(item): Path<u32>| format!("{item}"));
    let body = |target| String::from_utf8_lossy(router.serve(Request::get(target)).body()).into_owned();
    assert_eq!([body("/items/7"), body("/items/7/parts"), body("/items/7/parts/x")], ["7", "all", "7 x"]);
}

#[test]
fn wrappers_lie_around_what_was_there_before_the_last_outermost() {
    let wrapper =
        |mark: &'static str| move |request: &Request, next: Next<'_>| next.serve(request).with_header("by", mark);
    let router = Router::new().get("/a", || ()).wrap(wrapper("inner")).wrap(wrapper("outer")).get("/b", || ());
    let marks = |target| {
        let response = router.serve(Request::get(target));
        response.headers().map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect::<Vec<_>>()
    };
    assert_eq!((marks("/a"), marks("/b").len()), (vec!["inner".to_owned(), "outer".to_owned()], 0));
    assert_eq!(router.serve(Request::get("/c")).header("by"), None);
}
