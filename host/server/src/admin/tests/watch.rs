//! The stream of what happens: its beginning, its end, and where it goes on.

use http_body_util::BodyExt;
use serde_json::json;

use super::*;

const PATH: &str = "/api/v1/watch";

/// A client that watches.
struct Stream(Response<reply::AnswerBody>);

impl Stream {
    async fn open(api: &Api, path: &str, last: Option<&str>) -> Self {
        let mut request = Request::get(path).header("host", "localhost");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let request = request.body(http_body_util::Empty::<bytes::Bytes>::new()).expect("a request");
        let answered = answer(request, &api.sources).await;
        assert_eq!(answered.status(), 200);
        assert_eq!(answered.headers()["content-type"], "text/event-stream");
        Self(answered)
    }

    /// What comes next; none at the end.
    async fn next(&mut self) -> Option<String> {
        let frame = self.0.body_mut().frame().await?.expect("it never fails");
        Some(String::from_utf8(frame.into_data().expect("it is data").to_vec()).expect("it is text"))
    }
}

fn id(event: &str) -> &str {
    event.lines().find_map(|line| line.strip_prefix("id: ")).expect("it has an id")
}

#[tokio::test]
async fn a_watcher_sees_what_happens_and_goes_on_where_it_was() {
    let api = Api::new();
    let feed = &api.sources.feed;
    feed.push("registry.register", "a", &json!({"n": 0}));
    let mut stream = Stream::open(&api, PATH, None).await;
    assert_eq!(stream.next().await.as_deref(), Some("retry: 2000\n\n"));
    feed.push("registry.register", "a", &json!({"n": 1}));
    let first = stream.next().await.expect("an event");
    assert!(first.contains("\nevent: registry.register\ndata: {") && first.contains("\"n\":1"), "{first}");
    for n in 2..4 {
        feed.push("breaker.opened", "a", &json!({"n": n}));
    }
    assert!(stream.next().await.is_some_and(|text| text.contains("\"n\":2") && text.contains("\"n\":3")));
    drop(stream);

    let mut stream = Stream::open(&api, PATH, Some(id(&first))).await;
    stream.next().await;
    let rest = stream.next().await.expect("what was missed");
    assert!(rest.contains("\"n\":2") && rest.contains("\"n\":3") && !rest.contains("\"n\":1"), "{rest}");
    let mut stream = Stream::open(&api, PATH, Some("1-2")).await;
    assert!(stream.next().await.is_some_and(|text| text.contains("event: gap")), "of another process");
    assert!(stream.next().await.is_some_and(|text| text.contains("\"n\":0")));
    feed.close();
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn a_watcher_may_choose_by_topic() {
    let api = Api::new();
    let mut stream = Stream::open(&api, "/api/v1/watch?topic=breaker.*", None).await;
    stream.next().await;
    for kind in ["registry.register", "breaker.opened"] {
        api.sources.feed.push(kind, "a", &json!({}));
    }
    let seen = stream.next().await.expect("an event");
    assert!(seen.contains("event: breaker.opened") && !seen.contains("registry"), "{seen}");
    api.get("/api/v1/watch?topic=a..b").await.expect_problem(400, "SY1003", "a..b");
    api.post(PATH, "").await.expect_problem(405, "SY1002", "use GET");
}

#[tokio::test]
async fn those_who_watch_are_bounded() {
    let api = Api::new();
    let mut streams = Vec::new();
    for _ in 0..crate::feed::WATCHERS_MAX {
        streams.push(Stream::open(&api, PATH, None).await);
    }
    api.get(PATH).await.expect_problem(503, "SY2003", "64 clients watch already");
    streams.pop();
    Stream::open(&api, PATH, None).await;
}
