//! Bodies over the limit, and what is expected of them before they are sent.

use super::*;

fn cases() -> Vec<Case> {
    let over = 10 * 1024 * 1024 + 1;
    vec![
        Case::answered("a length over the limit", post(&format!("Content-Length: {over}\r\n"), "hello"), &[413]),
        Case::answered(
            "a length over the limit that expects to go on",
            post(&format!("Expect: 100-continue\r\nContent-Length: {over}\r\n"), ""),
            &[413],
        ),
        Case::answered("a length of 18 digits", post("Content-Length: 999999999999999999\r\n", ""), &[413]),
    ]
}

#[tokio::test]
async fn a_body_over_the_limit_goes_nowhere() {
    Edge::start().await.check(&cases()).await;
}

#[tokio::test]
async fn who_expects_to_go_on_is_told_to() {
    let edge = Edge::start().await;
    let mut raw = Raw::connect(edge.host.gateway).await;
    raw.send(post("Expect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n", "")).await;
    assert_eq!(raw.answer().await.unwrap().status, 100);
    raw.send("hello").await;
    let answer = raw.answer().await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(answer.text().ends_with("hello"), "{}", answer.text());
}
