use std::sync::atomic::AtomicUsize;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

/// A collector that answers with these, one after the other, and the last one for ever; and how often it was asked.
async fn collector(answers: Vec<&'static str>) -> (Exporter, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = [0; 4096];
            let length = stream.read(&mut head).await.unwrap();
            let head = String::from_utf8_lossy(&head[..length]).to_ascii_lowercase();
            assert!(head.starts_with("post /v1/traces http/1.1\r\n"), "{head}");
            assert!(head.contains("content-type: application/x-protobuf\r\n"), "{head}");
            assert!(head.contains("authorization: bearer x\r\n"), "{head}");
            let answer = answers[counted.fetch_add(1, Relaxed).min(answers.len() - 1)];
            let answer = format!("HTTP/1.1 {answer}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let headers = vec![("authorization".parse().unwrap(), switchyard_runtime::settings::Secret::new("Bearer x"))];
    (Exporter::new(Otlp { endpoint, headers }), asked)
}

#[tokio::test]
async fn what_is_taken_is_sent_once() {
    let (exporter, asked) = collector(vec!["200 OK"]).await;
    assert_eq!(exporter.post(TRACES, Bytes::from_static(b"x")).await, Ok(()));
    assert_eq!((asked.load(Relaxed), exporter.failures()), (1, 0));
}

#[tokio::test]
async fn a_collector_that_says_later_is_asked_again_when_it_says() {
    let (exporter, asked) = collector(vec!["503 Busy\r\nretry-after: 0", "429 Busy\r\nretry-after: 0", "200 OK"]).await;
    assert_eq!(exporter.post(TRACES, Bytes::from_static(b"x")).await, Ok(()));
    assert_eq!(asked.load(Relaxed), 3);
}

#[tokio::test]
async fn what_is_never_taken_is_given_up() {
    let (exporter, asked) = collector(vec!["503 Busy\r\nretry-after: 0"]).await;
    let error = exporter.post(TRACES, Bytes::from_static(b"x")).await.unwrap_err();
    assert!(error.to_string().ends_with("answered 503 Service Unavailable"), "{error}");
    assert_eq!((asked.load(Relaxed), exporter.failures()), (5, 1));
    let (exporter, asked) = collector(vec!["400 Bad Request"]).await;
    assert!(exporter.post(TRACES, Bytes::from_static(b"x")).await.is_err());
    assert_eq!(asked.load(Relaxed), 1, "it will not be another one");
}

#[test]
fn pauses_grow_and_are_bounded() {
    let seconds = Duration::from_secs;
    for (number, named, expected) in [
        (1, None, seconds(1)),
        (2, None, seconds(2)),
        (4, None, seconds(8)),
        (40, None, seconds(30)),
        (1, Some(seconds(7)), seconds(7)),
        (1, Some(seconds(3_600)), seconds(30)),
    ] {
        assert_eq!(pause(number, named, 0.0), expected, "{number} {named:?}");
    }
    assert_eq!(pause(1, None, 0.999), Duration::from_secs(1).mul_f64(1.249_75));
}
