//! What a route does besides naming a service: redirect, rewrite, split, mirror, headers, limits of its own.

use http::Method;
use switchyard_tests::{Answer, Client, Host, Recorder, Setup, UpstreamReply};

/// Two upstreams, `a` and `b`, and these routes.
struct Two {
    host: Host,
    a: Recorder,
    b: Recorder,
}

// === impl Two ===

impl Two {
    async fn start(routes: &str) -> Self {
        let (a, b) = (Recorder::echo().await, Recorder::echo().await);
        let config = format!("{}{}{routes}", a.upstream("a"), b.upstream("b"));
        Self { host: Setup::new().config(&config).start().await, a, b }
    }

    async fn send(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.host.client().await.send_with(Method::GET, path, headers, "").await.unwrap()
    }
}

#[tokio::test]
async fn a_redirect_keeps_what_it_does_not_name() {
    let routes = "
        [[route]]
        path = '/old/*'
        redirect = { prefix = '/new' }
        [[route]]
        path = '/moved'
        redirect = { scheme = 'https', host = 'other.test:8443', path = '/', status = 301 }
        [[route]]
        path = '/secure/*'
        redirect = { scheme = 'https', status = 308 }
    ";
    let two = Two::start(routes).await;
    for (path, status, location) in [
        ("/old/a/b?c=d", 302, "/new/a/b?c=d"),
        ("/old", 302, "/new"),
        ("/moved?x=y", 301, "https://other.test:8443/?x=y"),
        ("/secure/a%2Fb?c", 308, "/secure/a%2Fb?c"),
    ] {
        let answer = two.host.get(path).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.header("location").ends_with(location), "{path}: {}", answer.header("location"));
    }
    // Another scheme is at its own port.
    let secure = two.host.get("/secure/x").await;
    assert_eq!(secure.header("location"), "https://127.0.0.1/secure/x");
    // Nothing that a client sends ends up in another line of the answer.
    let answer = two.host.get("/old/a%0d%0aSet-Cookie:x").await;
    assert!(answer.header("set-cookie").is_empty());
    assert!(two.a.bytes().is_empty() && two.b.bytes().is_empty());
}

#[tokio::test]
async fn a_path_is_rewritten_whole_or_by_its_prefix() {
    let routes = "
        [[route]]
        path = '/whole/*'
        service = 'a'
        rewrite = { path = '/fixed' }
        [[route]]
        path = '/prefix/*'
        service = 'a'
        rewrite = { prefix = '/api/v2' }
        [[route]]
        path = '/strip/*'
        service = 'a'
        strip-prefix = '/strip'
    ";
    let two = Two::start(routes).await;
    for (path, target) in [
        ("/whole/x/y?z=1", "/fixed?z=1"),
        ("/prefix/x%2Fy?z=1", "/api/v2/x%2Fy?z=1"),
        ("/prefix", "/api/v2"),
        ("/strip/x", "/x"),
        ("/strip", "/"),
    ] {
        assert_eq!(two.host.get(path).await.status, 200, "{path}");
        assert_eq!(two.a.requests().last().unwrap().target(), target, "{path}");
    }
}

#[tokio::test]
async fn a_split_shares_by_weight_and_none_means_none() {
    let routes = "
        [[route]]
        path = '/split/*'
        split = [{ service = 'a', weight = 9 }, { service = 'b', weight = 1 }]
        [[route]]
        path = '/all/*'
        split = [{ service = 'a', weight = 0 }, { service = 'b', weight = 5 }]
    ";
    let two = Two::start(routes).await;
    let mut client = two.host.client().await;
    for _ in 0..1_000 {
        assert_eq!(client.get("/split/x").await.unwrap().status, 200);
    }
    // Ten standard deviations around 100 of 1,000.
    let to_b = two.b.requests().len();
    assert!((10..=200).contains(&to_b), "{to_b} of 1,000 went to b");
    assert_eq!(two.a.requests().len(), 1_000 - to_b);
    for _ in 0..50 {
        assert_eq!(client.get("/all/x").await.unwrap().status, 200);
    }
    assert_eq!(two.b.requests().len(), to_b + 50);
}

#[tokio::test]
async fn a_mirror_gets_a_copy_and_nobody_waits_for_it() {
    let b = Recorder::listen(|_| UpstreamReply::Hang).await;
    let a = Recorder::echo().await;
    let routes = "
        [[route]]
        path = '/both/*'
        service = 'a'
        mirror = { service = 'b' }
    ";
    let host = Setup::new().config(&format!("{}{}{routes}", a.upstream("a"), b.upstream("b"))).start().await;
    let answer = host.send(Method::POST, "/both/x?y=z", "hello").await;
    assert_eq!(answer.status, 200);
    b.until("mirrored", |_, requests| !requests.is_empty()).await;
    let (first, copy) = (&a.requests()[0], &b.requests()[0]);
    assert_eq!((copy.line(), &copy.body[..]), ("POST /both/x?y=z HTTP/1.1", &b"hello"[..]));
    assert_eq!(first.body, copy.body);
    assert_eq!(copy.header("x-gateway-request-id"), first.header("x-gateway-request-id"));
    assert_eq!(copy.header("x-service-name"), "b");
}

#[tokio::test]
async fn the_most_headers_win_and_a_route_that_asks_for_more_does_not_take_less() {
    let routes = "
        [[route]]
        path = '/x/*'
        service = 'a'
        [[route]]
        path = '/x/*'
        headers = { X-Version = '2' }
        service = 'b'
        [[route]]
        path = '/x/*'
        headers = { X-Version = '2', X-Debug = true }
        redirect = { path = '/debug' }
    ";
    let two = Two::start(routes).await;
    assert_eq!(two.send("/x/1", &[]).await.status, 200);
    assert_eq!((two.a.requests().len(), two.b.requests().len()), (1, 0));
    assert_eq!(two.send("/x/1", &[("x-version", "1")]).await.status, 200);
    assert_eq!((two.a.requests().len(), two.b.requests().len()), (2, 0));
    assert_eq!(two.send("/x/1", &[("x-version", "2")]).await.status, 200);
    assert_eq!((two.a.requests().len(), two.b.requests().len()), (2, 1));
    assert_eq!(two.send("/x/1", &[("x-version", "2"), ("x-debug", "")]).await.status, 302);
}

#[tokio::test]
async fn hosts_methods_and_limits_are_a_routes_own() {
    let a =
        Recorder::listen(
            |request| {
                if request.target().starts_with("/hang") { UpstreamReply::Hang } else { UpstreamReply::Echo }
            },
        )
        .await;
    let routes = "
        [[route]]
        path = '/small/*'
        service = 'a'
        body-max = '10B'
        [[route]]
        path = '/hang/*'
        service = 'a'
        timeout = '300ms'
        [[route]]
        path = '/named/*'
        host = 'a.test'
        methods = ['GET', 'POST']
        service = 'a'
    ";
    let host = Setup::new().config(&format!("{}{routes}", a.upstream("a"))).start().await;
    assert_eq!(host.send(Method::POST, "/small/x", "0123456789").await.status, 200);
    assert_eq!(host.send(Method::POST, "/small/x", "0123456789+").await.status, 413);
    let answer = host.get("/hang/x").await;
    assert_eq!((answer.status.as_u16(), answer.json()["error"].as_str()), (504, Some("Gateway timeout")));
    assert_eq!(host.get("/named/x").await.status, 404);
    let named = |method: &str| format!("{method} /named/x HTTP/1.1\r\nHost: A.test:80\r\nConnection: close\r\n\r\n");
    for (method, status) in [("GET", 200), ("DELETE", 405)] {
        let mut raw = switchyard_tests::Raw::connect(host.gateway).await;
        raw.send(named(method)).await;
        assert_eq!(raw.answer().await.unwrap().status, status, "{method}");
    }
}

/// Whatever an upstream answers, a client gets one answer for one request.
#[tokio::test]
async fn an_upstream_that_answers_nonsense_is_a_failed_service() {
    const ANSWERS: [(&str, &str); 12] = [
        ("both lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
        ("a length of text", "HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello"),
        ("a length with a plus", "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello"),
        ("no HTTP", "hello, world\r\n\r\n"),
        ("no status", "HTTP/1.1 OK\r\n\r\n"),
        ("nothing", ""),
        ("half a head", "HTTP/1.1 200 OK\r\nContent-Le"),
        ("a status of its own", "HTTP/1.1 99 What\r\n\r\n"),
        ("a name with a space", "HTTP/1.1 200 OK\r\nX Y: z\r\nContent-Length: 0\r\n\r\n"),
        ("a NUL", "HTTP/1.1 200 OK\r\nX: \0\r\nContent-Length: 0\r\n\r\n"),
        ("101 that nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
    ];
    let a = Recorder::listen(|request| {
        let place: usize = request.target().rsplit('/').next().unwrap().parse().unwrap();
        UpstreamReply::Raw(ANSWERS[place].1.into())
    })
    .await;
    let config = format!("[breaker]\nmode = 'measure'\n{}[[route]]\npath = '/a/*'\nservice = 'a'\n", a.upstream("a"));
    let host = Setup::new().config(&config).start().await;
    let mut failed = Vec::new();
    for (place, (name, _)) in ANSWERS.iter().enumerate() {
        match Client::connect(host.gateway).await.unwrap().get(&format!("/a/{place}")).await {
            Ok(answer) if answer.status == 502 && answer.json()["error"] == "Service unavailable" => {}
            Ok(answer) => failed.push(format!("{name}: {answer:?}")),
            Err(error) => failed.push(format!("{name}: {error}")),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
