//! Keys of programs, authenticator plugins, and routes that want something else than the gateway.

use http::Method;
use ring::digest::{SHA256, digest};

use super::*;

fn hash(text: &str) -> String {
    digest(&SHA256, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn status(host: &Host, path: &str, headers: &[(&str, &str)]) -> u16 {
    host.client().await.send_with(Method::GET, path, headers, "").await.unwrap().status.as_u16()
}

#[tokio::test]
async fn a_key_is_kept_as_its_hash_and_taken_in_three_places() {
    let upstream = Recorder::echo().await;
    let (shop, bank) = (hash("key-of-the-shop"), hash("key-of-the-bank"));
    let config = format!(
        "[gateway.auth]\nkind = 'api-key'\nkeys = [\n{{ hash = 'sha256:{shop}', subject = 'shop', claims = {{ plan = 'gold' }} \
         }},\n{{ hash = 'sha256:{bank}', subject = 'bank' }}]\n{}[[route]]\npath = '/up/*'\nservice = 'up'\n",
        upstream.upstream("up")
    );
    let host = Setup::new().config(&config).start().await;
    let key = "key-of-the-shop";
    for headers in [
        [("x-api-key", key)],
        [("authorization", &format!("Bearer {key}"))],
        [("authorization", &format!("ApiKey {key}"))],
    ] {
        assert_eq!(status(&host, "/up/x", &headers).await, 200, "{headers:?}");
        let requests = upstream.take().1;
        assert_eq!(requests[0].header("x-auth-subject"), "shop");
        let claims: Value = serde_json::from_str(requests[0].header("x-auth-claims")).unwrap();
        assert_eq!((&claims["plan"], &claims["sub"]), (&json!("gold"), &json!("shop")));
    }
    for wrong in ["", "key-of-nobody", &shop, &format!("sha256:{shop}"), "key-of-the-shop2", "KEY-OF-THE-SHOP"] {
        assert_eq!(status(&host, "/up/x", &[("x-api-key", wrong)]).await, 401, "{wrong}");
    }
    assert_eq!(status(&host, "/up/x", &[("x-api-key", key), ("x-api-key", "other")]).await / 100, 4);
    assert_eq!(status(&host, &format!("/up/x?x-api-key={key}"), &[]).await, 401);
    assert!(upstream.bytes().is_empty());
}

#[tokio::test]
async fn an_authenticator_plugin_says_who_it_is_and_without_it_nobody_passes() {
    let upstream = Recorder::echo().await;
    let config = format!(
        "[gateway.auth]\nkind = 'plugin'\nservice = 'token-check'\n[services.token-check]\nconfig = {{ admin-sha256 = '{}' \
         }}\n{}[[route]]\npath = '/up/*'\nservice = 'up'\n",
        hash("opensesame"),
        upstream.upstream("up")
    );
    let host = Setup::new().plugin("token-check", "token-check").config(&config).start().await;
    assert_eq!(status(&host, "/up/x", &[]).await, 401);
    assert_eq!(status(&host, "/up/x", &[("authorization", "Bearer made up")]).await, 401);
    assert!(upstream.bytes().is_empty());
    let new = json!({"subject": "ann", "claims": {"roles": ["buyer"]}, "expiresIn": 86_400});
    let admin = [("authorization", "Bearer opensesame")];
    let made = host.client().await.send_with(Method::POST, "/api/tokens", &admin, new.to_string()).await.unwrap();
    assert_eq!(made.status, 201, "{}", made.text());
    let token = made.json()["token"].as_str().unwrap().to_owned();
    assert_eq!(status(&host, "/up/x", &[("authorization", &format!("Bearer {token}"))]).await, 200);
    let request = &upstream.requests()[0];
    assert_eq!(request.header("x-auth-subject"), "ann");
    assert!(request.header("x-auth-claims").contains("buyer"), "{}", request.head);

    // Without the plugin nobody can say; a door without a guard stays shut.
    std::fs::remove_file(host.plugin_file("token-check")).unwrap();
    let gone = async || (status(&host, "/up/x", &[("authorization", "Bearer another")]).await == 503).then_some(());
    host.eventually("nobody can say", gone).await;
    let before = upstream.requests().len();
    let answer =
        host.client().await.send_with(Method::GET, "/up/x", &[("authorization", "Bearer third")], "").await.unwrap();
    assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (503, &json!("SY1010")), "{}", answer.text());
    assert_eq!(upstream.requests().len(), before);
}

#[tokio::test]
async fn a_route_may_want_nobody_somebody_or_whoever_comes() {
    let upstream = Recorder::echo().await;
    let key = hash("key");
    let config = format!(
        "[gateway.auth]\nkind = 'api-key'\nkeys = [{{ hash = 'sha256:{key}', subject = 'shop' }}]\npublic = ['/public/*']\n{}
        [[route]]\npath = '/none/*'\nservice = 'up'\nauth = 'none'
        [[route]]\npath = '/optional/*'\nservice = 'up'\nauth = 'optional'
        [[route]]\npath = '/public/*'\nservice = 'up'
        [[route]]\npath = '/public/but/*'\nservice = 'up'\nauth = 'required'
        [[route]]\npath = '/inherit/*'\nservice = 'up'\n",
        upstream.upstream("up")
    );
    let host = Setup::new().config(&config).start().await;
    let (right, wrong) = ([("x-api-key", "key")], [("x-api-key", "wrong")]);
    for (path, none, good, bad) in [
        ("/none/x", 200, 200, 200),
        ("/optional/x", 200, 200, 401),
        ("/public/x", 200, 200, 200),
        ("/public/but/x", 401, 200, 401),
        ("/inherit/x", 401, 200, 401),
    ] {
        assert_eq!(status(&host, path, &[]).await, none, "{path} without");
        assert_eq!(status(&host, path, &right).await, good, "{path} with");
        assert_eq!(status(&host, path, &wrong).await, bad, "{path} with a wrong one");
    }
    let told = upstream.requests();
    let optional = told.iter().filter(|request| request.target() == "/optional/x");
    let subjects: Vec<Vec<&str>> = optional.map(|request| request.headers("x-auth-subject")).collect();
    assert_eq!(subjects, [vec![], vec!["shop"]]);
}

/// Who is known has a quota of its own wherever it comes from; who is not shares that of the address.
#[tokio::test]
async fn quotas_are_kept_by_who_it_is() {
    let upstream = Recorder::echo().await;
    let keys: Vec<String> =
        ["a", "b"].iter().map(|name| format!("{{ hash = 'sha256:{}', subject = '{name}' }}", hash(name))).collect();
    let config = format!(
        "[gateway]\ntrusted-proxies = ['127.0.0.1']\n[gateway.rate-limit]\nrequests = 3\nwindow = '1h'\n[gateway.auth]\nkind = \
         'api-key'\nkeys = [{}]\n{}[[route]]\npath = '/up/*'\nservice = 'up'\n",
        keys.join(", "),
        upstream.upstream("up")
    );
    let host = Setup::new().config(&config).start().await;
    for key in ["a", "b"] {
        for (place, expected) in [200, 200, 200, 429].into_iter().enumerate() {
            // From another address each time.
            let from = format!("203.0.113.{place}");
            let headers = [("x-api-key", key), ("x-forwarded-for", &*from)];
            assert_eq!(status(&host, "/up/x", &headers).await, expected, "{key} {place}");
        }
    }
    // Who guesses keys is refused before they are looked at, and takes nobody else's quota.
    let mut refused = Vec::new();
    for n in 0..10 {
        let guess = format!("guess {n}");
        refused.push(status(&host, "/up/x", &[("x-api-key", &guess), ("x-forwarded-for", "203.0.113.200")]).await);
    }
    assert_eq!(refused[..3], [401; 3]);
    assert_eq!(refused[3..], [429; 7]);
}
