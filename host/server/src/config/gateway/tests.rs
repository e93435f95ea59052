//! What wrong tables of the gateway are answered with, and what right ones mean.

use std::time::Duration;

use switchyard_core::rate_limit::Quota;
use switchyard_gateway::auth::Kind;

use super::*;
use crate::config::{Config, Overrides};

/// The hash of a key.
const HASH: &str = "sha256:6ab9f1eb8f7d3388f4f9d586f66e99fd54080df2c446f0e58668b09c08a16dd0";

fn parse_in(folder: &Path, text: &str) -> Result<Gateway, String> {
    let config = Config::of_text(&folder.join("switchyard.toml"), text, &Overrides::default());
    config.map(|config| config.gateway).map_err(|error| error.to_string())
}

fn parse(text: &str) -> Result<Gateway, String> {
    parse_in(Path::new("etc"), text)
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let error = parse(text).expect_err("it is wrong");
    assert!(error.contains(expected), "{error}");
}

#[test]
fn nothing_said_is_the_default() {
    assert_eq!(parse(""), Ok(Gateway::default()));
    assert_eq!(parse("[gateway]\n[gateway.auth]\nkind = 'none'"), Ok(Gateway::default()));
}

#[test]
fn wrong_proxies_middleware_and_quotas_name_line_and_remedy() {
    check("[gateway]\ntrusted-proxies = ['10.0.0.0/8',\n'10.0.0.0/33']", ":3: '10.0.0.0/33'");
    check("[gateway]\ntrusted-proxy = []", ":2: unknown member 'trusted-proxy'; did you mean 'trusted-proxies'?");
    check("[gateway]\nmiddleware = ['a',\n'b', 'a']", ":3: 'a' is there twice; remove one");
    check("[gateway]\nmiddleware = ['A']", ":2: 'A' is not a service name");
    check("[gateway.rate-limit]\nrequests = 0", ":2: the number must be at least 1");
    check("[gateway.rate-limit]\nrequest = 1", ":2: unknown member 'request'; did you mean 'requests'?");
    check("[gateway.rate-limit]\n\nwindow = '0s'", ":3: the duration must be at least 1ms");
}

#[test]
fn wrong_tls_names_line_and_remedy() {
    check("[gateway.tls]\ncert = 'a.pem'", ":1: missing field `key`");
    check("[gateway.tls]\ncert = 'a.pem'\nkey = ''", ":3: key is empty; name the file, in PEM");
    check("[gateway.tls]\ncertificate = 'a.pem'", ":2: unknown member 'certificate'; here are known: cert, key");
}

#[test]
fn only_having_tls_or_not_needs_a_restart() {
    let [none, one, other] = ["", "cert = 'a'\nkey = 'b'", "cert = 'c'\nkey = 'd'"].map(|members| {
        let table = if members.is_empty() { "" } else { "[gateway.tls]\n" };
        parse(&format!("{table}{members}")).expect("it is right")
    });
    assert_eq!(one.tls.as_ref().map(|files| files.cert.as_path()), Some(Path::new("etc/a")));
    assert!(none.needs_restart(&one) && one.needs_restart(&none) && !one.needs_restart(&other));
}

#[test]
fn wrong_cors_names_line_and_remedy() {
    check("[gateway.cors]\norigin = []", ":2: unknown member 'origin'; did you mean 'origins'?");
    check("[gateway.cors]\norigins = ['shop.example']", ":2: origins: 'shop.example' is no origin");
    check("[gateway.cors]\ncredentials = true", ":1: origins: \"*\" cannot go together with credentials");
    check("[gateway.cors]\n\nmethods = ['get']", ":3: methods: 'get' is no method");
    check("[gateway.cors]\nheaders = ['a b']", ":2: headers: 'a b' is no name of a header");
    check("[gateway.cors]\nmax-age = '1500ms'", ":2: browsers count in whole seconds");
}

#[test]
fn wrong_auth_names_line_and_remedy() {
    check("[gateway.auth]\nkind = 'jtw'", ":2: unknown value 'jtw'; did you mean 'jwt'?");
    check("[gateway.auth]\nkind = 'jwt'", ":1: write 1 to 16 issuers");
    check("[gateway.auth]\nkind = 'plugin'", ":1: name the service that validates tokens");
    check(
        "[gateway.auth]\npublic = ['/a']",
        ":2: public has an effect with kind = \"jwt\" or \"api-key\" or \"plugin\"",
    );
    check("[gateway.auth]\nkind = 'api-key'\nservice = 'a'", ":3: service has an effect with kind = \"plugin\" only");
    check(
        "[gateway.auth]\nkind = 'plugin'\nservice = 'a'\nheader = 'x'",
        ":4: header has an effect with kind = \"api-",
    );
    check("[gateway.auth]\nkind = 'plugin'\nservice = 'a'\npublic = ['a']", ":4: ");
    check("[gateway.auth]\nkind = 'api-key'\nheader = 'host'", ":3: header: 'host' cannot carry keys");
    check("[gateway.auth]\nkind = 'api-key'\nkeys = [{ hash = 'k', subject = 'a' }]", ":3: key of 'a': write sha256:");
}

#[test]
fn wrong_issuers_name_line_and_remedy() {
    let of = |members: &str| {
        format!("[gateway.auth]\nkind = 'jwt'\n[[gateway.auth.issuers]]\nissuer = 'i'\naudiences = ['a']\n{members}")
    };
    check(&of(""), ":4: say where its keys are: jwks, a URL or a file, or secret, or secret-file");
    check(&of("jwks = 'k'\nsecret = 's'"), ":6: say one of jwks, secret and secret-file");
    check(&of("jwks = 'k'\nalgorithms = ['RS257']"), ":7: 'RS257' is no algorithm that is checked here");
    check(&of("jwks = 'k'\nalgorithms = ['HS256']"), ":7: algorithms of issuer 'i': HS256 does not go with the keys");
    check(&of("secret = 'short'"), ":6: secret of issuer 'i': HS256 needs at least 32 bytes");
    check(&of("jwks = 'http://u@h/'"), ":6: jwks of issuer 'i': 'http://u@h/' cannot be asked");
    check(&of("jwks = 'k'\nleeway = '6m'"), ":7: leeway of issuer 'i': at most 5 min");
    check(&of("secret-file = 'none'"), ":6: the secret in etc/none cannot be read");
    check(&of("keys = 'k'"), ":6: unknown member 'keys'");
    check(
        &of("jwks = 'k'\n[[gateway.auth.issuers]]\nissuer = 'i'\naudiences = ['a']\njwks = 'k'"),
        ":8: issuer: 'i' is",
    );
}

#[test]
fn what_is_said_holds() {
    let text = format!(
        "[gateway]\nbody-max = '1KiB'\nrequest-timeout = '2s'\naccess-log = true\nmiddleware = ['a', 'b']
         trusted-proxies = ['10.0.0.0/8', '::1']\n[gateway.rate-limit]\n[gateway.cors]\nmax-age = '10m'
         [gateway.auth]\nkind = 'api-key'\npublic = ['/open/*']
         keys = [{{ hash = '{HASH}', subject = 'shop', claims = {{ plan = 'gold' }} }}]"
    );
    let policy = parse(&text).expect("it is right").policy;
    assert_eq!((policy.body_max, policy.request_timeout), (1024, Duration::from_secs(2)));
    assert!(
        policy.access_log == switchyard_gateway::AccessLog::Text
            && policy.cors.is_some()
            && policy.middleware.len() == 2
    );
    assert!(policy.trusted_proxies.contains("10.9.9.9".parse().expect("an address")));
    assert_eq!(policy.rate_limit, Some(Quota::default()));
    assert!(matches!(policy.auth.kind, Kind::ApiKey(_)) && policy.auth.public.len() == 1);
    let policy = parse("[gateway.auth]\nkind = 'plugin'\nservice = 'token-check'").expect("it is right").policy;
    assert_eq!(policy.auth.kind, Kind::Plugin("token-check".parse().expect("a name")));
}

#[test]
fn a_secret_is_read_from_its_file() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("s"), format!("{}\n", "x".repeat(32))).expect("it is written");
    let text = "[gateway.auth]\nkind = 'jwt'\nissuers = [{ issuer = 'i', audiences = ['a'], secret-file = 's' }]";
    let read = parse_in(folder.path(), text).expect("it is right").policy.auth;
    let said = text.replace("secret-file = 's'", &format!("secret = '{}'", "x".repeat(32)));
    assert_eq!(read, parse(&said).expect("it is right").policy.auth);
}
