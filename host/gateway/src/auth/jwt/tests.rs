use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::*;
use crate::auth::testing::{NOW, Signer, claims, encode};

/// An issuer of these algorithms, as a policy has it.
fn issuer(algorithms: &[&str], keys: KeySource) -> Issuer {
    let algorithms = algorithms.iter().map(|name| name.parse().unwrap()).collect();
    let config = Config { algorithms, ..Config::new("https://id.example", "shop", keys) };
    Policy::new(vec![config]).unwrap().issuers()[0].clone()
}

fn public(algorithms: &[&str]) -> Issuer {
    issuer(algorithms, KeySource::Url("https://id.example/jwks".to_owned()))
}

fn keys(jwks: &[Value]) -> Keys {
    Keys::of_set(json!({ "keys": jwks }).to_string().as_bytes()).unwrap()
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW)
}

fn verified(token: &str, issuer: &Issuer, keys: &Keys) -> Result<String, Rejected> {
    let token = Unverified::parse(token)?;
    verify(&token, issuer, keys, now()).map(|principal| principal.claims().to_owned())
}

/// What comes of claims that are signed by the right key.
#[track_caller]
fn check_claims(claims: &str, expected: Result<(), Rejected>) {
    let signer = Signer::es256();
    let token = signer.sign(r#"{"alg":"ES256","kid":"k"}"#, claims);
    assert_eq!(verified(&token, &public(&["ES256"]), &keys(&[signer.jwk("k")])).map(drop), expected, "{claims}");
}

/// Claims with one of them changed, or taken away.
fn with(name: &str, value: Value) -> String {
    let mut claims = claims();
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
        value => claims[name] = value,
    }
    claims.to_string()
}

#[test]
fn a_token_of_each_kind_of_key_holds() {
    let all = public(&["RS256", "PS256", "ES256", "EdDSA"]);
    for signer in [Signer::es256(), Signer::ed25519(), Signer::rsa()] {
        let known = keys(&[signer.jwk("k")]);
        assert_eq!(verified(&signer.token("k", &claims()), &all, &known).unwrap(), claims().to_string());
        let other = signer.sign(r#"{"alg":"PS256"}"#, &claims().to_string());
        assert_eq!(verified(&other, &all, &known).is_ok(), matches!(signer, Signer::Rsa(_)));
    }
    let secret = Signer::Secret(vec![7; 32]);
    let shared = issuer(&["HS256"], KeySource::Secret(Secret::new(vec![7; 32])));
    assert!(verified(&secret.token("any", &claims()), &shared, &Keys::of_secret(&Secret::new(vec![7; 32]))).is_ok());
}

#[test]
fn a_token_without_a_signature_is_none() {
    let signer = Signer::es256();
    let (issuer, keys) = (public(&["ES256"]), keys(&[signer.jwk("k")]));
    for algorithm in ["none", "None", "NONE", "nOnE"] {
        let head = encode(json!({ "alg": algorithm }).to_string());
        let token = format!("{head}.{}.", encode(claims().to_string()));
        assert_eq!(verified(&token, &issuer, &keys), Err(Rejected::Algorithm));
    }
    let token = signer.token("k", &claims());
    let (signed, _) = token.rsplit_once('.').unwrap();
    assert_eq!(verified(&format!("{signed}."), &issuer, &keys), Err(Rejected::Signature));
    assert_eq!(verified(signed, &issuer, &keys), Err(Rejected::Malformed));
}

#[test]
fn a_public_key_is_no_secret() {
    let signer = Signer::rsa();
    let jwk = signer.jwk("k");
    let known = keys(std::slice::from_ref(&jwk));
    // In whichever form an attacker takes the public key for the secret.
    let pem = "-----BEGIN PUBLIC KEY-----\n".to_owned();
    for secret in [jwk.to_string(), jwk["n"].as_str().unwrap().to_owned(), pem] {
        let forged = Signer::Secret(secret.into_bytes()).token("k", &claims());
        assert_eq!(verified(&forged, &public(&["RS256"]), &known), Err(Rejected::Algorithm));
    }
    // Not even a set that has a secret in it makes one known.
    let planted = Signer::Secret(vec![7; 32]);
    let error = Keys::of_set(json!({ "keys": [planted.jwk("k")] }).to_string().as_bytes()).unwrap_err();
    assert_eq!(error, InvalidKeySet::Useless);
}

#[test]
fn a_key_is_used_with_its_own_algorithm_alone() {
    let (rsa, ec) = (Signer::rsa(), Signer::es256());
    let all = public(&["RS256", "PS256", "ES256"]);
    let mut only_ps = rsa.jwk("k");
    only_ps["alg"] = json!("PS256");
    assert_eq!(verified(&rsa.token("k", &claims()), &all, &keys(&[only_ps])), Err(Rejected::UnknownKey));
    let as_ec = rsa.sign(r#"{"alg":"ES256","kid":"k"}"#, &claims().to_string());
    assert_eq!(verified(&as_ec, &all, &keys(&[rsa.jwk("k")])), Err(Rejected::UnknownKey));
    assert_eq!(
        verified(&ec.token("k", &claims()), &public(&["RS256"]), &keys(&[ec.jwk("k")])),
        Err(Rejected::Algorithm)
    );
}

#[test]
fn keys_and_their_places_inside_a_token_have_no_effect() {
    let (ours, attacker) = (Signer::es256(), Signer::es256());
    let (issuer, known) = (public(&["ES256"]), keys(&[ours.jwk("k")]));
    for (name, value) in [
        ("jwk", attacker.jwk("k")),
        ("jku", json!("https://evil.example/jwks")),
        ("x5u", json!("https://evil.example/cert")),
        ("x5c", json!(["MIIB"])),
    ] {
        let mut header = json!({ "alg": "ES256", "kid": "k" });
        header[name] = value;
        let forged = attacker.sign(&header.to_string(), &claims().to_string());
        assert_eq!(verified(&forged, &issuer, &known), Err(Rejected::Signature), "{name}");
        let honest = ours.sign(&header.to_string(), &claims().to_string());
        assert!(verified(&honest, &issuer, &known).is_ok(), "{name}");
    }
}

#[test]
fn what_is_critical_is_refused() {
    let signer = Signer::es256();
    for crit in [json!(["b64"]), json!([]), json!("x"), json!(["exp"])] {
        let header = json!({ "alg": "ES256", "kid": "k", "crit": crit, "b64": false });
        let token = signer.sign(&header.to_string(), &claims().to_string());
        assert_eq!(verified(&token, &public(&["ES256"]), &keys(&[signer.jwk("k")])), Err(Rejected::Critical));
    }
}

#[test]
fn a_token_holds_from_its_beginning_to_its_end_give_or_take_the_leeway() {
    for (exp, expected) in [
        (json!(NOW - 29), Ok(())),
        (json!(NOW - 30), Err(Rejected::Expired)),
        (json!(NOW as f64 - 29.5), Ok(())),
        (json!(0), Err(Rejected::Expired)),
        (json!(-1), Err(Rejected::Expired)),
        (json!(1e300), Ok(())),
        (json!((NOW + 60).to_string()), Err(Rejected::Claim("exp"))),
        (json!([NOW + 60]), Err(Rejected::Claim("exp"))),
        (json!(true), Err(Rejected::Claim("exp"))),
        (Value::Null, Err(Rejected::NoClaim("exp"))),
    ] {
        check_claims(&with("exp", exp), expected);
    }
    for (nbf, expected) in [
        (json!(NOW + 30), Ok(())),
        (json!(NOW + 31), Err(Rejected::NotYetValid)),
        (json!("0"), Err(Rejected::Claim("nbf"))),
    ] {
        check_claims(&with("nbf", nbf), expected);
    }
    check_claims(&with("iat", json!("now")), Err(Rejected::Claim("iat")));
    let null = claims().to_string().replace("}", r#","nbf":null}"#);
    check_claims(&null, Err(Rejected::Claim("nbf")));
}

#[test]
fn a_token_is_for_one_of_our_audiences() {
    for (aud, expected) in [
        (json!(["other", "shop"]), Ok(())),
        (json!("other"), Err(Rejected::Audience)),
        (json!("Shop"), Err(Rejected::Audience)),
        (json!("shop "), Err(Rejected::Audience)),
        (json!([]), Err(Rejected::Audience)),
        (json!(["shop", 1]), Err(Rejected::Claim("aud"))),
        (json!({ "shop": true }), Err(Rejected::Claim("aud"))),
        (Value::Null, Err(Rejected::NoClaim("aud"))),
    ] {
        check_claims(&with("aud", aud), expected);
    }
}

#[test]
fn a_token_is_of_the_issuer_whose_keys_fit() {
    for (iss, expected) in [
        (json!("https://id.example/"), Err(Rejected::Issuer)),
        (json!("https://evil.example"), Err(Rejected::Issuer)),
        (json!(["https://id.example"]), Err(Rejected::Claim("iss"))),
        (Value::Null, Err(Rejected::NoClaim("iss"))),
    ] {
        check_claims(&with("iss", iss), expected);
    }
}

#[test]
fn a_subject_is_text_that_services_can_be_told_or_absent() {
    check_claims(&with("sub", Value::Null), Ok(()));
    check_claims(&with("sub", json!(7)), Err(Rejected::Claim("sub")));
    for subject in ["", "a\r\nx-admin: 1", " a"] {
        let rejected = Rejected::Principal(crate::auth::principal::InvalidPrincipal::Subject);
        check_claims(&with("sub", json!(subject)), Err(rejected));
    }
}

#[test]
fn a_name_that_is_there_twice_makes_a_token_nobodys() {
    let twice = claims().to_string().replace("{", r#"{"sub":"root","#);
    check_claims(&twice, Err(Rejected::Malformed));
    let escaped = claims().to_string().replace("{", r#"{"\u0073ub":"root","#);
    check_claims(&escaped, Err(Rejected::Malformed));
    let signer = Signer::es256();
    let token = signer.sign(r#"{"alg":"none","alg":"ES256","kid":"k"}"#, &claims().to_string());
    assert_eq!(verified(&token, &public(&["ES256"]), &keys(&[signer.jwk("k")])), Err(Rejected::Malformed));
}

#[test]
fn what_is_no_token_is_refused_before_anything_is_computed() {
    let signer = Signer::es256();
    let good = signer.token("k", &claims());
    let parts: Vec<_> = good.split('.').collect();
    let (head, payload, signature) = (parts[0], parts[1], parts[2]);
    let object = |json: &str| encode(json);
    for bad in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        format!("{head}.{payload}"),
        format!("{good}."),
        format!("{good}.{signature}.x"),
        format!("{head}=.{payload}.{signature}"),
        format!("{head}.{payload}=.{signature}"),
        format!("{head}.{payload}.{signature}=="),
        format!("{head}.{payload}.+{signature}"),
        format!("{head}.{payload}.{signature} "),
        format!("{head}\n.{payload}.{signature}"),
        format!("{}.{payload}.{signature}", object("[]")),
        format!("{}.{payload}.{signature}", object("{}")),
        format!("{}.{payload}.{signature}", object(r#"{"alg":["ES256"]}"#)),
        format!("{}.{payload}.{signature}", object(r#"{"alg":null}"#)),
        format!("{}.{payload}.{signature}", object(r#"{"alg":"ES256","kid":7}"#)),
        format!("{head}.{}.{signature}", object("\"claims\"")),
        format!("{head}.{}.{signature}", object("{\"a\":1} x")),
        format!("{head}.{}.{signature}", encode(b"\xff\xfe")),
    ] {
        assert_eq!(Unverified::parse(&bad).unwrap_err(), Rejected::Malformed, "{bad}");
    }
    // The last sign of a 64 byte signature has four bits that no byte has.
    let last = signature.chars().last().unwrap();
    for other in ('A'..='Z').filter(|other| *other != last).take(3) {
        let bent = format!("{}{other}", &good[..good.len() - 1]);
        assert!(verified(&bent, &public(&["ES256"]), &keys(&[signer.jwk("k")])).is_err());
    }
    let long = "a".repeat(TOKEN_MAX + 1);
    assert_eq!(Unverified::parse(&long).unwrap_err(), Rejected::TooLong);
}

#[test]
fn changing_any_byte_breaks_the_signature() {
    let signer = Signer::ed25519();
    let (issuer, known) = (public(&["EdDSA"]), keys(&[signer.jwk("k")]));
    let good = signer.token("k", &claims());
    for at in 0..good.len() {
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        assert!(verified(&String::from_utf8(bytes).unwrap(), &issuer, &known).is_err(), "{at}");
    }
}

#[test]
fn a_token_names_its_key_unless_there_is_one_only() {
    let (one, two) = (Signer::es256(), Signer::es256());
    let issuer = public(&["ES256", "EdDSA"]);
    let nameless = one.sign(r#"{"alg":"ES256"}"#, &claims().to_string());
    let ed = Signer::ed25519().jwk("e");
    assert!(verified(&nameless, &issuer, &keys(&[one.jwk("1"), ed.clone()])).is_ok());
    assert_eq!(verified(&nameless, &issuer, &keys(&[one.jwk("1"), two.jwk("2")])), Err(Rejected::NoKid));
    assert_eq!(verified(&nameless, &issuer, &keys(&[ed])), Err(Rejected::UnknownKey));
    let both = keys(&[one.jwk("1"), two.jwk("2")]);
    assert!(verified(&two.token("2", &claims()), &issuer, &both).is_ok());
    assert_eq!(verified(&two.token("1", &claims()), &issuer, &both), Err(Rejected::Signature));
    assert_eq!(verified(&two.token("3", &claims()), &issuer, &both), Err(Rejected::UnknownKey));
}

#[test]
fn a_set_is_read_for_what_can_be_used_of_it() {
    let signer = Signer::es256();
    let good = signer.jwk("good");
    let changed = |name: &str, value: Value| {
        let mut jwk = signer.jwk("k");
        jwk[name] = value;
        jwk
    };
    let useless = [
        changed("use", json!("enc")),
        changed("key_ops", json!(["sign"])),
        changed("alg", json!("none")),
        changed("alg", json!(7)),
        changed("kid", json!(7)),
        changed("crv", json!("P-521")),
        changed("x", json!("AA")),
        changed("x", json!("!")),
        changed("kty", json!("oct")),
        json!({ "kty": "RSA", "n": "AQAB" }),
        json!({}),
        json!("key"),
    ];
    for jwk in &useless {
        let set = json!({ "keys": [jwk] }).to_string();
        assert_eq!(Keys::of_set(set.as_bytes()).unwrap_err(), InvalidKeySet::Useless, "{jwk}");
    }
    let mut all = useless.to_vec();
    all.push(good);
    assert!(verified(&signer.token("good", &claims()), &public(&["ES256"]), &keys(&all)).is_ok());
    for set in ["[]", "{}", r#"{"keys":{}}"#, "<html>", r#"{"keys":[],"keys":[]}"#] {
        assert_eq!(Keys::of_set(set.as_bytes()).unwrap_err(), InvalidKeySet::Form, "{set}");
    }
    let many = json!({ "keys": vec![signer.jwk("k"); KEYS_MAX + 1] }).to_string();
    assert_eq!(Keys::of_set(many.as_bytes()).unwrap_err(), InvalidKeySet::TooMany);
}

#[test]
fn a_short_rsa_key_counts_for_nothing() {
    // What 1,024 bits would sign is refused by the check itself, however the key got into the set.
    let short = json!({ "kty": "RSA", "kid": "k", "n": encode([0xff; 128]), "e": "AQAB" });
    let token =
        format!("{}.{}.{}", encode(r#"{"alg":"RS256","kid":"k"}"#), encode(claims().to_string()), encode([1; 128]));
    assert_eq!(verified(&token, &public(&["RS256"]), &keys(&[short])), Err(Rejected::Signature));
}
