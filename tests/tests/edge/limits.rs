//! Rate limits, and who is counted: the peer, or whom a trusted proxy says, never whom a client says.

use http::Method;
use switchyard_tests::{Answer, Host, Recorder, Setup};

async fn start(config: &str) -> (Recorder, Host) {
    let upstream = Recorder::echo().await;
    let route = "[[route]]\npath = '/up/*'\nservice = 'up'\n";
    let host = Setup::new().config(&format!("{config}\n{}{route}", upstream.upstream("up"))).start().await;
    (upstream, host)
}

async fn send(host: &Host, path: &str, forwarded: &[&str]) -> Answer {
    let headers: Vec<_> = forwarded.iter().map(|value| ("x-forwarded-for", *value)).collect();
    host.client().await.send_with(Method::GET, path, &headers, "").await.unwrap()
}

/// Requests until one is refused.
async fn until_refused(host: &Host, forwarded: &[&str]) -> (usize, Answer) {
    for served in 0..100 {
        let answer = send(host, "/up/x", forwarded).await;
        if answer.status != 200 {
            return (served, answer);
        }
    }
    panic!("a hundred requests were served")
}

#[tokio::test]
async fn a_quota_is_told_and_kept() {
    let (upstream, host) = start("[gateway.rate-limit]\nrequests = 5\nwindow = '1h'\n").await;
    for left in (0..5).rev() {
        let answer = send(&host, "/up/x", &[]).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("ratelimit-policy"), "\"default\";q=5;w=3600");
        assert!(answer.header("ratelimit").starts_with(&format!("\"default\";r={left};t=")), "{:?}", answer.headers);
    }
    let answer = send(&host, "/up/x", &[]).await;
    let problem = answer.json();
    assert_eq!(
        (answer.status.as_u16(), &problem["code"], &problem["error"]),
        (429, &"SY1007".into(), &"Rate limit exceeded".into())
    );
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=3_600).contains(&wait), "{wait}");
    assert!(answer.header("ratelimit").starts_with("\"default\";r=0;t="), "{:?}", answer.headers);
    assert_eq!(upstream.requests().len(), 5);
    // The gateway's own always answer, and are not counted.
    for _ in 0..10 {
        assert_eq!(send(&host, "/health", &[]).await.status, 200);
        assert_eq!(send(&host, "/services", &[]).await.status, 200);
    }
}

#[tokio::test]
async fn an_empty_table_means_a_hundred_a_minute() {
    let (_upstream, host) = start("[gateway.rate-limit]\n").await;
    let answer = send(&host, "/up/x", &[]).await;
    assert_eq!(answer.header("ratelimit-policy"), "\"default\";q=100;w=60");
}

#[tokio::test]
async fn nobody_gets_another_quota_by_what_it_says_of_itself() {
    let (_upstream, host) = start("[gateway.rate-limit]\nrequests = 3\nwindow = '1h'\n").await;
    let mut served = 0;
    for n in 0..20 {
        let forwarded = format!("10.0.0.{n}");
        served += usize::from(send(&host, "/up/x", &[&forwarded]).await.status == 200);
    }
    assert_eq!(served, 3);
    for headers in [
        [("forwarded", "for=10.1.1.1")],
        [("x-real-ip", "10.1.1.1")],
        [("true-client-ip", "10.1.1.1")],
        [("cf-connecting-ip", "10.1.1.1")],
        [("x-client-ip", "10.1.1.1")],
        [("x-auth-subject", "somebody")],
    ] {
        let answer = host.client().await.send_with(Method::GET, "/up/x", &headers, "").await.unwrap();
        assert_eq!(answer.status, 429, "{headers:?}");
    }
}

#[tokio::test]
async fn behind_trusted_proxies_the_right_most_other_address_counts() {
    let config = "[gateway]\ntrusted-proxies = ['127.0.0.0/8', '10.0.0.0/8', 'fd00::/8']\n\
                  [gateway.rate-limit]\nrequests = 2\nwindow = '1h'\n";
    let (upstream, host) = start(config).await;
    // Each row is a client of its own; what it claims on the left does not matter.
    for (place, forwarded) in [
        vec!["203.0.113.1"],
        vec!["6.6.6.6, 203.0.113.2"],
        vec!["6.6.6.6, 203.0.113.3, 10.0.0.1"],
        vec!["6.6.6.6", "203.0.113.4, 10.0.0.1, 10.0.0.2"],
        vec!["203.0.113.5", "10.0.0.1"],
        vec!["203.0.113.6, fd00::1"],
        vec!["2001:db8:0:1::1"],
        vec!["2001:db8:0:2::1, 10.0.0.1"],
    ]
    .iter()
    .enumerate()
    {
        let (served, answer) = until_refused(&host, forwarded).await;
        assert_eq!((served, answer.status.as_u16()), (2, 429), "{place}: {forwarded:?}");
    }
    // The same ones again: by another left side, another neighbour of the same IPv6 network, as IPv4 in IPv6.
    for forwarded in [
        vec!["7.7.7.7, 203.0.113.2"],
        vec!["2001:db8:0:1:ffff::2"],
        vec!["::ffff:203.0.113.1"],
        vec!["203.0.113.99, 203.0.113.3"],
    ] {
        assert_eq!(send(&host, "/up/x", &forwarded).await.status, 429, "{forwarded:?}");
    }
    // What is no address ends the walk: the proxy that wrote it is counted.
    let (served, _) = until_refused(&host, &["203.0.113.77, not an address, 10.0.0.9"]).await;
    assert_eq!(served, 2);
    // What a trusted proxy says is kept and passed on, with the peer behind it.
    let request = &upstream.requests()[0];
    assert_eq!(request.header("x-forwarded-for"), "203.0.113.1, 127.0.0.1");
}

#[tokio::test]
async fn a_routes_own_quota_counts_beside_the_gateways() {
    let upstream = Recorder::echo().await;
    let config = format!(
        "[gateway.rate-limit]\nrequests = 10\nwindow = '1h'\n{}
        [[route]]
        path = '/few/*'
        service = 'up'
        rate-limit = {{ requests = 2, window = '1h' }}
        [[route]]
        path = '/up/*'
        service = 'up'\n",
        upstream.upstream("up")
    );
    let host = Setup::new().config(&config).start().await;
    for status in [200, 200, 429] {
        assert_eq!(send(&host, "/few/x", &[]).await.status, status);
    }
    let (served, _) = until_refused(&host, &[]).await;
    assert!((7..=8).contains(&served), "{served} were left of ten");
}

#[tokio::test]
async fn a_quota_that_goes_is_gone_while_the_host_runs() {
    let (_upstream, host) = start("[gateway.rate-limit]\nrequests = 2\nwindow = '1h'\n").await;
    assert_eq!(until_refused(&host, &[]).await.0, 2);
    let config = std::fs::read_to_string(host.path().join("switchyard.toml")).unwrap();
    crate::configure(&host, &config.replace("[gateway.rate-limit]\nrequests = 2\nwindow = '1h'\n", ""));
    crate::until_answered(&host, "/up/x", 200).await;
}
