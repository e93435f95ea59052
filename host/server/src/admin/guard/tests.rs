//! The token, at the guard itself.

use http::{Request, header::HOST};

use super::*;

const TOKEN: &str = "0123456789abcdef";

struct Host {
    guard: Guard,
    sessions: Sessions,
    file: tempfile::NamedTempFile,
}

// === impl Host ===

impl Host {
    fn new() -> Self {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), TOKEN).expect("it is written");
        let listen = ([0, 0, 0, 0], 3900).into();
        let guard = Guard::open(&config::Admin { listen, token_file: Some(file.path().to_owned()) });
        Self { guard: guard.expect("a token"), sessions: Sessions::default(), file }
    }

    /// Why a request is let in, or the code of the problem.
    fn ask(&self, path: &str, headers: &[(&str, &str)], from: u8) -> Result<Who, Code> {
        let request = Request::builder().uri(path).header(HOST, "example.com");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let mut request = request.body(()).expect("a request");
        request.extensions_mut().insert(Peer([10, 0, 0, from].into()));
        let (mut parts, ()) = request.into_parts();
        let checked = self.guard.check(&mut parts, &self.sessions);
        checked.map(|()| *parts.extensions.get().expect("it is noted")).map_err(|problem| problem.code())
    }
}

#[test]
fn a_caller_has_the_token_or_a_session() {
    let host = Host::new();
    let right = format!("bearer {TOKEN}");
    assert_eq!(host.ask("/api/v1/routes", &[("authorization", &right)], 1), Ok(Who::Token));
    assert_eq!(host.ask("/api/v1/routes", &[], 1), Err(Code::MissingCredentials));
    assert_eq!(host.ask("/metrics", &[], 1), Err(Code::MissingCredentials));
    assert_eq!(host.ask("/api/v1/routes", &[("authorization", "Basic eDp5")], 1), Err(Code::MissingCredentials));
    let twice = [("authorization", right.as_str()), ("authorization", right.as_str())];
    assert_eq!(host.ask("/api/v1/routes", &twice, 1), Err(Code::MissingCredentials));
    assert_eq!(host.ask("/api/v1/routes", &[("authorization", "Bearer wrong")], 1), Err(Code::InvalidCredentials));

    let cookie = host.sessions.open();
    let cookie = cookie.split(';').next().expect("a pair");
    assert_eq!(host.ask("/api/v1/routes", &[("cookie", cookie)], 1), Ok(Who::Token));
    host.sessions.close_all();
    assert_eq!(host.ask("/api/v1/routes", &[("cookie", cookie)], 1), Err(Code::MissingCredentials));
    assert_eq!(host.guard.refused(), 6);
}

#[test]
fn probes_need_no_token() {
    let host = Host::new();
    for path in ["/livez", "/readyz"] {
        assert!(host.ask(path, &[], 1).is_ok(), "{path}");
    }
    for path in ["/livez/", "/readyz/../api/v1/routes", "//livez", "/api/v1/livez"] {
        assert_eq!(host.ask(path, &[], 1), Err(Code::MissingCredentials), "{path}");
    }
}

#[test]
fn who_guesses_has_to_wait_and_nobody_else() {
    let host = Host::new();
    let right = format!("Bearer {TOKEN}");
    for _ in 0..tries::TRIES_MAX {
        assert_eq!(host.ask("/", &[("authorization", "Bearer guess")], 1), Err(Code::InvalidCredentials));
    }
    for said in ["Bearer guess", right.as_str()] {
        assert_eq!(host.ask("/", &[("authorization", said)], 1), Err(Code::RateLimited));
    }
    assert_eq!(host.ask("/", &[("authorization", &right)], 2), Ok(Who::Token));
    assert_eq!(host.ask("/livez", &[], 1), Ok(Who::Token));
}

#[test]
fn without_a_file_all_of_this_machine_are_let_in() {
    let guard = Guard::open(&config::Admin::default()).expect("it needs no file");
    assert!(!guard.needs_token());
    let (mut parts, ()) = Request::get("/").header(HOST, "localhost").body(()).expect("a request").into_parts();
    assert!(guard.check(&mut parts, &Sessions::default()).is_ok());
    assert_eq!(parts.extensions.get(), Some(&Who::Loopback));
}

#[tokio::test(start_paused = true)]
async fn another_token_ends_what_the_last_one_had_begun() {
    let host = Host::new();
    let (guard, console, stop) =
        (Arc::new(host.guard), Arc::new(console::Console::default()), CancellationToken::new());
    console.sessions.open();
    std::fs::write(host.file.path(), "fedcba9876543210").expect("it is written");
    let following = tokio::spawn(Arc::clone(&guard).follow(Arc::clone(&console), stop.clone()));
    while guard.admits("fedcba9876543210", &Extensions::new()).is_err() {
        tokio::time::sleep(PERIOD).await;
    }
    assert!(guard.admits(TOKEN, &Extensions::new()).is_err());
    stop.cancel();
    following.await.expect("it ends");
}
