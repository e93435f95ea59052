//! `wasi:messaging`, the standard interface, as foreign components use it: events by another name.

use http::Method;
use serde_json::{Value, json};
use switchyard_tests::{Host, Setup, bus::event};

const SIDE: &str = "subscriptions = [{ topic = 'foreign.*', start = 'first', max-attempts = 2, \
                    backoff = { linear = '20ms' } }]";

async fn host() -> Host {
    Setup::new().side("messaging-p2", SIDE).plugin("messaging-p2", "messaging-p2").start().await
}

async fn got(host: &Host, count: usize) -> Vec<Value> {
    let got = async || {
        let got = host.get("/messaging-p2/got").await.json().as_array().cloned().unwrap_or_default();
        (got.len() >= count).then_some(got)
    };
    host.eventually(&format!("{count} messages"), got).await
}

#[tokio::test]
async fn a_message_that_is_sent_is_an_event_and_comes_back_as_a_message() {
    let host = host().await;
    let path = "/messaging-p2/send?topic=foreign.sent&id=17&source=%2Fshop&subject=s&partitionkey=k&shop=one";
    let mut client = host.client().await;
    let answer = client.send_with(Method::POST, path, &[("content-type", "text/plain")], "hello").await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let stored = host.events("foreign.sent").await.remove(0);
    let expected = json!({
        "id": "17", "source": "/shop", "subject": "s", "partitionkey": "k", "shop": "one", "type": "foreign.sent",
        "datacontenttype": "text/plain", "data": "hello",
    });
    for (member, value) in expected.as_object().unwrap() {
        assert_eq!(&stored[member], value, "{member}: {stored:#}");
    }
    let message = got(&host, 1).await.remove(0);
    let parts = ["topic", "contentType", "data"].map(|part| message[part].clone());
    assert_eq!(parts, ["foreign.sent", "text/plain", "hello"], "{message:#}");
    for (name, value) in [("id", "17"), ("source", "/shop"), ("subject", "s"), ("partitionkey", "k"), ("shop", "one")] {
        assert_eq!(message["metadata"][name], value, "{name}: {message:#}");
    }
    // Without metadata the host fills in what is missing.
    assert_eq!(host.send(Method::POST, "/messaging-p2/send?topic=foreign.bare", "x").await.status, 200);
    let bare = host.events("foreign.bare").await.remove(0);
    assert_eq!(bare["source"], "/services/messaging-p2", "{bare:#}");
    for (query, named) in [("topic=a..b", "a..b"), ("topic=a&Upper=1", "Upper"), ("topic=a&broker=other", "other")] {
        let refused = host.send(Method::POST, &format!("/messaging-p2/send?{query}"), "x").await;
        assert_eq!(refused.status, 500, "{query}");
        assert!(refused.text().contains(named), "{query}: {}", refused.text());
    }
}

#[tokio::test]
async fn an_error_of_the_handler_counts_as_retry() {
    let host = host().await;
    let mut failing = event("foreign.failing", "1", json!("fail"));
    failing["datacontenttype"] = "text/plain".into();
    host.publish(failing).await;
    let dead = host.until_dead("topic=foreign.failing", 1).await;
    assert_eq!(dead[0]["attempts"], 2, "{dead:#?}");
    assert!(dead[0]["error"].as_str().unwrap().contains("asked to fail"), "{dead:#?}");
    assert_eq!(got(&host, 2).await.len(), 2);
}
