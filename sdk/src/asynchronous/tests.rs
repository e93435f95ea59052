use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use super::*;
use crate::{Error, Json, Path, Request, Response, Result, clock, http, testing};

async fn broken() -> Body {
    Body::stream(async |mut out| {
        out.send("a").await;
        Err(Error::internal("no more"))
    })
}

#[test]
fn handlers_take_what_they_name_and_the_body_last() {
    async fn all(request: Request, Path(id): Path<u32>, Json(name): Json<String>) -> (u16, String) {
        (201, format!("{} {id} {name}", request.method()))
    }
    async fn upload(request: Request, body: Body) -> Result<Body> {
        assert!(request.body().is_empty(), "the body is read once");
        Ok(body)
    }
    let router = Router::new().post("/a/{id}", all).put("/b", upload).get("/", async || ());
    let answer = router.ask(Request::post("/a/7").with_body(r#""ann""#));
    assert_eq!((answer.status(), answer.body()), (201, &b"POST 7 ann"[..]));
    assert_eq!(router.ask(Request::post("/a/7").with_body("7")).status(), 400);
    assert_eq!(router.ask(Request::new("PUT", "/b").with_body("bytes")).body(), b"bytes");
    assert_eq!(router.ask(Request::get("/")).status(), 204);
    assert_eq!(router.ask(Request::get("/a/7")).header("allow"), Some("POST"));
}

#[test]
fn a_writer_goes_no_further_than_its_reader() {
    let written = Rc::new(Cell::new(0));
    let counter = Rc::clone(&written);
    let mut body = Body::stream(async move |mut out| {
        for part in 1..=3 {
            counter.set(part);
            out.send(vec![part]).await;
        }
        Ok(())
    });
    block_on(async {
        assert_eq!(written.get(), 0);
        for part in 1..=3 {
            assert_eq!(body.next().await, Ok(Some(vec![part])));
            assert_eq!(written.get(), part);
        }
        assert_eq!(body.next().await, Ok(None));
        assert_eq!(body.next().await, Ok(None));
    });
}

#[test]
fn parts_of_writers_that_run_together_all_come() {
    let body = Body::stream(async |mut out| {
        let mut nothing = Vec::new();
        nothing.extend(b"a");
        out.send(nothing).await;
        out.send("").await;
        out.send("b").await;
        Ok(())
    });
    assert_eq!(block_on(body.read(2)), Ok(b"ab".to_vec()));
}

#[test]
fn a_body_that_is_too_large_or_breaks_off_is_an_error() {
    assert_eq!(block_on(Body::whole("abc").read(2)).expect_err("too large").status(), 413);
    let router = Router::new().get("/", broken);
    let answer = block_on(async { router.serve(Request::get("/"), Body::whole("")).await.read(9).await });
    assert_eq!(answer.expect_err("it broke off").status(), 500);
}

#[test]
fn calls_fail_as_synchronous_ones_do() {
    testing::service("slow", |_: &Request| clock::sleep(Duration::from_secs(60)));
    testing::service("large", |_: &Request| "12345");
    let call = |name: &str| http::service(name).get("/").body_max(4).send_async();
    let (slow, large) = block_on(join(call("slow"), call("large")));
    assert!(matches!(slow, Err(http::Error::TimedOut { .. })), "{slow:?}");
    assert!(matches!(large, Err(http::Error::Broken { .. })), "{large:?}");
    assert!(matches!(block_on(call("nobody")), Err(http::Error::Unreachable { .. })));
    assert!(matches!(block_on(http::get("x").send_async()), Err(http::Error::Invalid { .. })));
}

#[test]
fn an_answer_is_passed_on_without_the_headers_of_its_connection() {
    let answer = Response::text("hi").with_header("keep-alive", "5").with_header("x-a", "b");
    testing::service("other", move |_: &Request| answer.clone());
    let opened = block_on(http::service("other").get("/").open_async()).expect("it answers");
    assert_eq!((opened.head().header("keep-alive"), opened.head().header("x-a")), (None, Some("b")));
    assert_eq!(block_on(opened.read(9)).expect("it comes whole").body(), b"hi");
}
