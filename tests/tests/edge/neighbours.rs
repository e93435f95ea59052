//! Requests inside one instance of a 0.3 component, of which one takes it down.

use std::time::Duration;

use http::Method;
use switchyard_tests::{Recorder, Setup, UpstreamReply};
use tokio::task::JoinSet;

const WAITING: usize = 4;

/// Those who wait inside may be repeated, and are; the one that traps has failed, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neighbours_of_a_trap_are_answered_by_another_instance() {
    let upstream = Recorder::listen(|request| {
        let answer = Box::new(UpstreamReply::Echo);
        if request.target().starts_with("/slow") {
            UpstreamReply::After(Duration::from_secs(2), answer)
        } else {
            *answer
        }
    })
    .await;
    let address = upstream.address;
    let service = format!("[services.hello-p3]\nguests = 'reused'\noutbound = ['{address}']\n");
    // So that no pause between attempts outlives the test's patience, and all of them may be repeated.
    let retry = "[retry]\nbudget = { percent = 100, min-per-second = 100 }\n";
    let host = Setup::new().plugin("hello-p3", "hello-p3").config(&format!("{service}{retry}")).start().await;
    assert_eq!(host.get("/hello-p3/").await.status, 200);

    let mut waiting = JoinSet::new();
    for n in 0..WAITING {
        let mut client = host.client().await;
        let path = format!("/hello-p3/fetch?url=http://{address}/slow/{n}");
        waiting.spawn(async move { client.get(&path).await.unwrap() });
    }
    let began = |requests: &[u8]| String::from_utf8_lossy(requests).matches("GET /slow/").count();
    upstream.until("all of them are inside", |bytes, _| began(bytes) >= WAITING).await;
    let trapped = host.send(Method::POST, "/hello-p3/trap", "").await;
    assert_eq!(trapped.status, 502, "{}", trapped.text());
    while let Some(answer) = waiting.join_next().await {
        let answer = answer.unwrap();
        assert_eq!(answer.status, 200, "{}\n{}", answer.text(), host.log());
    }
    // At least one of them had been in the same instance.
    assert!(began(&upstream.bytes()) > WAITING, "{}", host.log());
    let breakers = host.admin("/api/v1/breakers").await.json();
    assert_eq!(breakers["items"][0]["metrics"]["failures"], 1, "{breakers}");
}
