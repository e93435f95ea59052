//! What a wrong file is answered with, row by row.

use switchyard_core::manifest::Guests;

use super::*;

/// The configuration of this text, or what its author is told.
pub(super) fn parse(text: &str) -> Result<Config, String> {
    Config::parse(Path::new("etc/switchyard.toml"), text).map_err(|error| error.to_string())
}

/// A text that is refused, with these words and the file's name.
#[track_caller]
pub(super) fn check(text: &str, expected: &str) {
    let error = parse(text).expect_err("it is wrong");
    assert!(error.starts_with("etc/switchyard.toml:"), "{error}");
    assert!(error.contains(expected), "{error}");
}

#[test]
fn a_wrong_member_names_line_and_remedy() {
    check("\n[gateway]\nlisen = '127.0.0.1:1'", ":3: unknown member 'lisen'; did you mean 'listen'?");
    check("[gatway]", ":1: unknown member 'gatway'; did you mean 'gateway'?");
    check("[telemetry]\nolpt = 'x'", ":2: unknown member 'olpt'; did you mean 'otlp'?");
    check("[telemetry]\nlog-format = 'jsn'", ":2: unknown value 'jsn'; did you mean 'json'?");
    check("[telemetry]\nlog-level = 'loud=very'", ":2: 'loud=very' is not a log level");
    check("[gateway]\nlisten = 'here'", ":2: 'here' is not an address to listen on: write IP:PORT");
    check("[gateway]\nbody-max = '10'", ":2: '10' is not a size");
    check("[gateway]\nbody-max = '0B'", ":2: the size must be at least 1B");
    check("[gateway]\nheader-max = '4KiB'", ":2: the size must be at least 8KiB");
    check("[[route]]\nservice = 'a'\npath = '/a'\ntimeout = '0s'", ":4: the duration must be at least 1ms");
    check("[gateway]\nidle-timeout = 5", ":2: invalid type: integer `5`, expected a string");
    check("[gateway]\nrequest-timeout = '0s'", ":2: the duration must be at least 1ms");
    check("[gateway]\nconnections-max = 0", ":2: the number must be at least 1");
    check("[[route]]\nservice = 'a'", ":1: missing field `path`");
    check("[[route]]\nservice = 'a'\npath = 'a'", ":3: ");
    check("[[route]]\nservice = 'A'\npath = '/a'", ":2: 'A' is not a service name");
    check("[[route]]\nservice = 'a'\npath = '/a'\nmethods = ['get']", ":4: 'get' is not a method");
    check("[[route]]\nservice = 'a'\npath = '/a'\nstrip-prefix = 'a'", ":4: 'a' is not a path prefix");
    check("[services.Users]\ndeadline = '1s'", ":1: 'Users' is not a service name");
    check("[services.users]\n\nguests = 'new'", ":3: unknown value 'new'");
    check("[services.users]\noutbound = ['http://x']", ":2: 'http://x' is no outbound entry");
    check("[store]\nkind = 'nats'", ":2: unknown member 'kind'; here are known: path");
    check("a = [", ":1: ");
}

#[test]
fn an_empty_file_says_the_defaults() {
    assert_eq!(parse("").expect("it is right"), Config::default());
}

#[test]
fn paths_are_relative_to_the_file() {
    let config = parse("[plugins]\ndir = 'mine'\n[store]\npath = '/var/lib/x'").expect("it is right");
    assert_eq!(config.plugins.dir, Path::new("etc/mine"));
    assert_eq!(config.store_path.as_deref(), Some(Path::new("/var/lib/x")));
}

#[test]
fn flags_win_over_the_file() {
    let listen = SocketAddr::from(([127, 0, 0, 1], 1));
    let overrides = Overrides { listen: Some(listen), plugins: Some("other".into()), ..Overrides::default() };
    let config = parse("[gateway]\nlisten = '127.0.0.1:2'")
        .expect("it is right")
        .overridden(&overrides)
        .expect("they are right");
    assert_eq!((config.gateway.fixed.listen, config.plugins.dir), (listen, PathBuf::from("other")));
}

/// What becomes of a text, and of what flags say beside it.
fn admin_of(text: &str, listen: Option<&str>, token: Option<&str>) -> Result<Admin, String> {
    let admin = listen.map(|listen| listen.parse().expect("an address"));
    let overrides = Overrides { admin, admin_token: token.map(PathBuf::from), ..Overrides::default() };
    let config = Config::of_text(Path::new("etc/switchyard.toml"), text, &overrides);
    config.map(|config| config.admin).map_err(|error| error.to_string())
}

#[test]
fn beyond_this_machine_the_admin_api_needs_a_token() {
    let wrong = "the admin API would listen beyond this machine, at 0.0.0.0:3900";
    let open = "\n[admin]\nlisten = '0.0.0.0:3900'";
    let error = admin_of(open, None, None).expect_err("everybody could come in");
    assert!(
        error.starts_with("etc/switchyard.toml:3: ") && error.contains(wrong) && error.contains("token-file"),
        "{error}"
    );
    let error = admin_of("", Some("0.0.0.0:3900"), None).expect_err("everybody could come in");
    assert!(error.starts_with(wrong), "{error}");
    assert!(Config::load(None, &Overrides { admin: Some(([0, 0, 0, 0], 1).into()), ..Overrides::default() }).is_err());

    let with_token = format!("{open}\ntoken-file = 'token'");
    let admin = admin_of(&with_token, None, None).expect("it has a token");
    assert_eq!(admin.token_file.as_deref(), Some(Path::new("etc/token")));
    let admin = admin_of(open, None, Some("other")).expect("it has a token");
    assert_eq!(admin.token_file.as_deref(), Some(Path::new("other")));
    assert!(admin_of(open, Some("[::1]:1"), None).is_ok(), "a flag wins");
    let error = admin_of("[admin]\ntoken-file = ''", None, None).expect_err("it names nothing");
    assert!(error.contains(":2: token-file is empty"), "{error}");
}

#[test]
fn the_config_wins_over_the_manifest() {
    let config = parse("[services.a]\nguests = 'fresh'\nmemory-max = '1MiB'").expect("it is right");
    let settings = config.settings(&"a".parse().expect("a name"), Some(Guests::Reused));
    assert_eq!((settings.guests, settings.limits.memory_max), (Guests::Fresh, 1 << 20));
    let settings = config.settings(&"b".parse().expect("a name"), Some(Guests::Reused));
    assert_eq!(settings.guests, Guests::Reused);
}

#[test]
fn only_what_is_read_at_start_needs_a_restart() {
    let old = Config::default();
    let new = "[admin]\nlisten = '127.0.0.1:1'\n[[route]]\npath = '/a'\nservice = 'a'\n[queues.a]\n[topics.a]\n\
               [[subscription]]\ntopic = 'a'\nservice = 'a'\n[plugins]\ngrants = 'explicit'";
    let new = parse(new).expect("it is right");
    assert_ne!(old.delivery, new.delivery);
    assert_eq!(old.needs_restart(&new), ["admin"]);
}
