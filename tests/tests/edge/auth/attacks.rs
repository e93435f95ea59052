//! Attacks on tokens, each of which has worked somewhere.

use super::{
    tokens::{encode, signed, unsigned, with_secret},
    *,
};

/// Tokens that must not count, by what is wrong with them.
fn forged(issuer: &Issuer, evil: &Issuer, evil_url: &str) -> Vec<(String, String)> {
    let (header, body) = (issuer.header(), claims());
    let right = issuer.token(&body);
    let parts: Vec<&str> = right.split('.').collect();
    let mut forged: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, token: String| forged.push((name.to_owned(), token));

    for alg in ["none", "None", "NONE", "nOnE", "none ", ""] {
        let header = json!({"alg": alg, "typ": "JWT", "kid": "a"});
        add("alg none without a signature", format!("{}.", unsigned(&header, &body)));
        add("alg none without a last part", unsigned(&header, &body));
        add("alg none with a signature", format!("{}.{}", unsigned(&header, &body), parts[2]));
        add("alg none, signed", issuer.token_with(&header, &body));
    }
    for alg in ["HS256", "HS384", "HS512"] {
        for secret in issuer.public_forms() {
            add("the public key as a secret", with_secret(&secret, &json!({"alg": alg, "kid": "a"}), &body));
            add("the public key as a secret, without kid", with_secret(&secret, &json!({"alg": alg}), &body));
        }
    }
    for alg in ["ES384", "ES512", "RS256", "PS256", "EdDSA", "es256", "ES256K", "HS256"] {
        add(alg, issuer.token_with(&json!({"alg": alg, "kid": "a"}), &body));
    }
    for alg in [json!(null), json!(256), json!(["ES256"]), json!({"a": 1})] {
        add("alg is no text", issuer.token_with(&json!({"alg": alg, "kid": "a"}), &body));
    }
    add("no alg", issuer.token_with(&json!({"kid": "a"}), &body));

    add("another's key", evil.token_with(&header, &body));
    add("no signature", format!("{}.{}.", parts[0], parts[1]));
    add("a signature of zeros", signed(&unsigned(&header, &body), [0; 64]));
    add("half a signature", format!("{}.{}.{}", parts[0], parts[1], &parts[2][..43]));
    add("a signature in ASN.1", issuer.sign_asn1(&unsigned(&header, &body)));
    add(
        "another token's signature",
        format!("{}.{}", unsigned(&header, &claims_with(&json!({"sub": "root"}))), parts[2]),
    );
    add("a changed header", format!("{}.{}.{}", encode(json!({"alg": "ES256"}).to_string()), parts[1], parts[2]));

    for crit in [json!(["exp"]), json!(["b64"]), json!([]), json!("exp"), json!(["http://example.test/x"])] {
        add("crit", issuer.token_with(&json!({"alg": "ES256", "kid": "a", "crit": crit, "b64": false}), &body));
    }
    for (member, value) in [
        ("jku", json!(format!("{evil_url}/keys"))),
        ("x5u", json!(format!("{evil_url}/chain.pem"))),
        ("jwk", evil.jwk()),
        ("x5c", json!([encode("chain")])),
    ] {
        for kid in ["a", "evil", "new"] {
            let mut header = json!({"alg": "ES256", "kid": kid});
            header[member] = value.clone();
            add(member, evil.token_with(&header, &body));
        }
        let mut header = json!({"alg": "ES256"});
        header[member] = value;
        add(member, evil.token_with(&header, &body));
    }
    for kid in [
        json!("../../../../dev/null"),
        json!("/dev/null"),
        json!("a' OR '1'='1"),
        json!("a\0"),
        json!("A"),
        json!(""),
        json!(null),
        json!(0),
        json!(["a"]),
        json!(format!("{evil_url}/keys")),
        json!("x".repeat(3_000)),
    ] {
        add("kid", evil.token_with(&json!({"alg": "ES256", "kid": kid}), &body));
        add("kid with an empty secret", with_secret(b"", &json!({"alg": "HS256", "kid": kid}), &body));
    }
    forged
}

/// Tokens that are signed as they should be, and say what does not hold.
fn wrong(issuer: &Issuer) -> Vec<(String, String)> {
    let claims = [
        ("expired", json!({"exp": now() - 60})),
        ("expired long ago", json!({"exp": 1})),
        ("expired before it was", json!({"exp": -1})),
        ("no exp", json!({"exp": null})),
        ("exp as text", json!({"exp": (now() + 600).to_string()})),
        ("exp as a list", json!({"exp": [now() + 600]})),
        ("exp as truth", json!({"exp": true})),
        ("not before later", json!({"nbf": now() + 600})),
        ("not before as text", json!({"nbf": "0"})),
        ("another audience", json!({"aud": "other"})),
        ("an audience that begins so", json!({"aud": "gateway2"})),
        ("an audience in another case", json!({"aud": "Gateway"})),
        ("other audiences", json!({"aud": ["a", "b"]})),
        ("no audiences", json!({"aud": []})),
        ("no audience", json!({"aud": null})),
        ("an audience that is no text", json!({"aud": {"gateway": true}})),
        ("another issuer", json!({"iss": "https://evil.test"})),
        ("an issuer with a slash behind", json!({"iss": "https://issuer.test/"})),
        ("an issuer in another case", json!({"iss": "https://ISSUER.test"})),
        ("issuers", json!({"iss": ["https://issuer.test"]})),
        ("no issuer", json!({"iss": null})),
    ];
    claims.into_iter().map(|(name, others)| (name.to_owned(), issuer.token(&claims_with(&others)))).collect()
}

/// What is no token at all.
fn mangled(issuer: &Issuer) -> Vec<(String, String)> {
    let right = issuer.token(&claims());
    let parts: Vec<&str> = right.split('.').collect();
    let header = encode(issuer.header().to_string());
    let sign = |unsigned: String| issuer.sign(&unsigned);
    let long = claims_with(&json!({"fill": "x".repeat(9_000)}));
    let mangled = [
        ("no dots", "token".to_owned()),
        ("one part more", format!("{right}.{}", parts[2])),
        ("five parts", format!("{right}.{}.{}", parts[1], parts[2])),
        ("a dot behind", format!("{right}.")),
        ("a dot before", format!(".{right}")),
        ("dots", "..".to_owned()),
        ("padding", format!("{}=.{}.{}", parts[0], parts[1], parts[2])),
        ("padding behind", format!("{right}==")),
        ("the other alphabet", sign(format!("{header}.{}", encode(claims().to_string()).replacen('e', "+", 1)))),
        ("a header that is no JSON", sign(format!("{}.{}", encode("alg=ES256"), parts[1]))),
        ("a header that is a list", sign(format!("{}.{}", encode("[\"ES256\"]"), parts[1]))),
        ("claims that are no JSON", sign(format!("{header}.{}", encode("sub=root")))),
        ("claims that are a text", sign(format!("{header}.{}", encode("\"root\"")))),
        ("claims that are no UTF-8", sign(format!("{header}.{}", encode([0xff, 0xfe])))),
        ("JSON with more behind", sign(format!("{header}.{}", encode(format!("{}{{}}", claims()))))),
        ("no claims", sign(format!("{header}."))),
        ("over 8 KiB", issuer.token(&long)),
    ];
    mangled.map(|(name, token)| (name.to_owned(), token)).to_vec()
}

#[tokio::test]
async fn no_forged_expired_or_mangled_token_counts() {
    let (issuer, evil) = (Issuer::new("a"), Issuer::new("evil"));
    let evil_keys = evil.jwks();
    let evil_server = Recorder::listen(move |_| {
        let keys = evil_keys.to_string();
        UpstreamReply::Raw(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{keys}", keys.len()).into())
    })
    .await;
    let keys = issuer.jwks();
    let guarded = Guarded::start(move || keys.clone()).await;
    assert_eq!(guarded.bearer(&issuer.token(&claims())).await.status, 200);
    guarded.upstream.take();
    let evil_url = format!("http://{}", evil_server.address);
    let attacks = [forged(&issuer, &evil, &evil_url), wrong(&issuer), mangled(&issuer)].concat();
    for (name, token) in &attacks {
        let answer = guarded.bearer(token).await;
        is_refused(&answer, "SY1009", "Invalid token", &format!("{name}: {token}"));
        assert!(answer.header("www-authenticate").contains("invalid_token"), "{name}: {:?}", answer.headers);
    }
    assert!(attacks.len() > 100, "{}", attacks.len());
    assert!(guarded.upstream.bytes().is_empty(), "nothing of that reaches a service");
    assert_eq!(evil_server.connections(), 0, "no key is fetched from where a token says");
    // Whatever came before, what holds still holds; a little late, too, and for several audiences.
    for others in [
        json!({}),
        json!({"exp": now() - 10}),
        json!({"nbf": now() + 10}),
        json!({"aud": ["other", AUDIENCE]}),
        json!({"exp": now() as f64 + 600.5}),
    ] {
        let answer = guarded.bearer(&issuer.token(&claims_with(&others))).await;
        assert_eq!(answer.status, 200, "{others}: {}", answer.text());
    }
}

/// A token counts where a token goes, once.
#[tokio::test]
async fn a_token_elsewhere_or_twice_does_not_count() {
    let issuer = Issuer::new("a");
    let keys = issuer.jwks();
    let guarded = Guarded::start(move || keys.clone()).await;
    let token = issuer.token(&claims());
    let bearer = format!("Bearer {token}");
    for headers in [
        vec![("authorization", token.as_str())],
        vec![("authorization", "Bearer")],
        vec![("authorization", "Bearer ")],
        vec![("cookie", &*format!("token={token}"))],
        vec![("x-api-key", &*token)],
        vec![("proxy-authorization", &*bearer)],
        vec![("authorization", &*bearer), ("authorization", &*bearer)],
        vec![("authorization", "Basic eDp5"), ("authorization", &*bearer)],
        vec![("authorization", &*format!("{bearer}, {bearer}"))],
    ] {
        let answer = guarded.send(&headers).await;
        assert!([400, 401].contains(&answer.status.as_u16()), "{headers:?}: {}", answer.text());
    }
    for path in [format!("/up/x?access_token={token}"), format!("/up/x?token={token}")] {
        assert_eq!(guarded.host.get(&path).await.status, 401);
    }
    assert!(guarded.upstream.bytes().is_empty());
    // The scheme is the same in any case (RFC 9110, section 11.1).
    for scheme in ["bearer", "BEARER"] {
        let answer = guarded.send(&[("authorization", &format!("{scheme} {token}"))]).await;
        assert_eq!(answer.status, 200, "{scheme}: {}", answer.text());
    }
}
