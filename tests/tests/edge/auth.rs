//! Who calls: tokens that somebody made up, stole, or kept for too long, and keys.

mod attacks;
mod keys;
mod others;
mod tokens;

use serde_json::{Value, json};
use switchyard_tests::{Answer, Host, Recorder, Setup, UpstreamReply};

use tokens::{Issuer, now};

/// The issuer and the audience that the configuration knows.
const ISSUER: &str = "https://issuer.test";
const AUDIENCE: &str = "gateway";

/// A host that knows one issuer by the keys at a URL, in front of an upstream that shows what came.
struct Guarded {
    host: Host,
    upstream: Recorder,
    /// Answers the keys, and counts who asks for them.
    published: Recorder,
}

// === impl Guarded ===

impl Guarded {
    async fn start(keys: impl Fn() -> Value + Send + Sync + 'static) -> Self {
        let upstream = Recorder::echo().await;
        let published = Recorder::listen(move |_| {
            let keys = keys().to_string();
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length:";
            UpstreamReply::Raw(format!("{head} {}\r\n\r\n{keys}", keys.len()).into())
        })
        .await;
        let config = format!(
            "[gateway.auth]\nkind = 'jwt'\npublic = ['/open/*']\n[[gateway.auth.issuers]]\nissuer = '{ISSUER}'\naudiences = \
             ['{AUDIENCE}']\nalgorithms = ['ES256']\njwks = 'http://{}/keys'\n{}
             [[route]]\npath = '/up/*'\nservice = 'up'\n[[route]]\npath = '/open/*'\nservice = 'up'\n",
            published.address,
            upstream.upstream("up")
        );
        Self { host: Setup::new().config(&config).start().await, upstream, published }
    }

    async fn send(&self, headers: &[(&str, &str)]) -> Answer {
        self.host.client().await.send_with(http::Method::GET, "/up/x", headers, "").await.unwrap()
    }

    async fn bearer(&self, token: &str) -> Answer {
        self.send(&[("authorization", &format!("Bearer {token}"))]).await
    }
}

/// What a token says that holds.
fn claims() -> Value {
    json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "iat": now(), "exp": now() + 600, "roles": ["buyer"]})
}

/// The same with other members; what is null is left out.
fn claims_with(others: &Value) -> Value {
    let mut claims = claims();
    for (name, value) in others.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

#[track_caller]
fn is_refused(answer: &Answer, code: &str, error: &str, what: &str) {
    let problem = answer.json();
    assert_eq!(
        (answer.status.as_u16(), &problem["code"], &problem["error"]),
        (401, &code.into(), &error.into()),
        "{what}: {problem:#}"
    );
    assert!(answer.header("www-authenticate").starts_with("Bearer"), "{what}: {:?}", answer.headers);
}

#[tokio::test]
async fn who_is_known_is_told_to_the_service_and_who_is_not_goes_nowhere() {
    let issuer = Issuer::new("a");
    let keys = issuer.jwks();
    let guarded = Guarded::start(move || keys.clone()).await;
    is_refused(&guarded.send(&[]).await, "SY1008", "Missing or invalid authorization header", "none");
    is_refused(
        &guarded.send(&[("authorization", "Basic eDp5")]).await,
        "SY1008",
        "Missing or invalid authorization header",
        "basic",
    );
    assert!(guarded.upstream.bytes().is_empty());

    let token = issuer.token(&claims());
    let spoofed = [("authorization", &*format!("Bearer {token}")), ("x-auth-subject", "root"), ("x-auth-claims", "{}")];
    assert_eq!(guarded.send(&spoofed).await.status, 200);
    let request = &guarded.upstream.requests()[0];
    assert_eq!(request.header("x-auth-subject"), "ann");
    let told: Value = serde_json::from_str(request.header("x-auth-claims")).unwrap();
    assert_eq!((&told["roles"], &told["iss"]), (&json!(["buyer"]), &json!(ISSUER)));
    assert_eq!(request.header("authorization"), format!("Bearer {token}"));

    // What is public is so without a token, and says nothing of anybody.
    let answer = guarded.host.client().await.send_with(http::Method::GET, "/open/x", &spoofed[1..], "").await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(guarded.upstream.requests()[1].headers("x-auth-subject").is_empty());
    for path in ["/health", "/services"] {
        assert_eq!(guarded.host.get(path).await.status, 200, "{path}");
    }
    // What nobody serves does not tell whether it is there.
    let unknown = guarded.host.get("/nowhere").await;
    assert!([401, 404].contains(&unknown.status.as_u16()), "{}", unknown.text());
}
