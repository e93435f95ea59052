//! What wrong services are answered with, and what right ones mean.

use std::{fs, time::Duration};

use super::*;
use crate::config::{
    Overrides,
    tests::{check, parse},
};

fn settings(members: &str) -> Settings {
    let config = parse(&format!("[services.a]\n{members}")).expect("it is right");
    config.settings(&"a".parse().expect("a name"), None)
}

#[test]
fn wrong_limits_name_line_and_remedy() {
    let of = |member: &str, expected: &str| check(&format!("[services.a]\n{member}"), &format!(":2: {expected}"));
    of("memory-max = '0B'", "the size must be at least 1B");
    of("tables-max = 0", "the number must be at least 1");
    of("tables-max = '5'", "invalid type: string \"5\", expected u32");
    of("cpu-max = '9ms'", "CPU time is looked at every 10ms; write at least \"10ms\"");
    of("cpu-max = 1", "invalid type: integer `1`");
    of("deadline = '0s'", "the duration must be at least 1ms");
    of("concurrency-max = 0", "the number must be at least 1");
    of("streams-max = 0", "the number must be at least 1");
    of("outbound-max = 0", "the number must be at least 1");
    of("log-rate = 0", "the number must be at least 1");
    of("bucket-max = '1'", "'1' is not a size");
    of("value-max = '9MiB'", "a value is at most 8MiB");
    of("stream-max = 5", "unknown member 'stream-max'; did you mean 'streams-max'?");
    of("winch = 'no'", "invalid type: string \"no\", expected a boolean");
}

#[test]
fn what_a_service_says_of_winch_wins() {
    let config = parse("[plugins]\nwinch = false\n[services.a]\nwinch = true\n[services.b]").expect("it is right");
    let of = |name: &str| config.settings(&name.parse().expect("a name"), None).winch;
    assert_eq!((of("a"), of("b"), of("c")), (true, false, false));
    assert!(settings("").winch && !settings("winch = false").winch);
}

#[test]
fn each_limit_arrives_where_it_holds() {
    let said = "memory-max = '1MiB'\ntables-max = 2\ncpu-max = '3s'\ndeadline = '4s'\nconcurrency-max = 5\nqueue-max = 6\n\
                streams-max = 7\noutbound-max = 8\nlog-rate = 9";
    let expected = switchyard_runtime::Limits {
        memory_max: 1 << 20,
        tables_max: 2,
        cpu_max: Duration::from_secs(3),
        deadline: Duration::from_secs(4),
        concurrency_max: 5,
        queue_max: 6,
        streams_max: 7,
        outbound_max: 8,
        log_rate: 9,
    };
    assert_eq!(settings(said).limits, expected);
    assert_eq!(settings(""), Settings::default());
    let config = parse("[services.a]\nbucket-max = '10KiB'\n[services.b]\nvalue-max = '8MiB'\n[services.c]");
    let limits = config.expect("it is right").bucket_limits();
    let (mib, defaults) = (1 << 20, switchyard_store::Limits::default());
    assert_eq!(limits["a"], BucketLimits { bytes: 10 << 10, value_bytes: defaults.value_bytes });
    assert_eq!(limits["b"], BucketLimits { bytes: defaults.bucket_bytes, value_bytes: 8 * mib });
    assert_eq!(limits.len(), 2);
}

#[test]
fn grants_of_buckets_are_for_the_guests_and_the_wider_one_counts() {
    let granted = settings("grants = ['bucket:users:read', 'bucket:carts', 'bucket:carts:read', 'queue:q']");
    let buckets: Vec<_> = granted.buckets.iter().map(|(name, access)| (name.as_str(), *access)).collect();
    assert_eq!(buckets, [("carts", Access::Write), ("users", Access::Read)]);
    for wrong in ["bucket:Users", "bucket:", "bucket:users:write", "bucket:$durable", "bucket"] {
        check(&format!("[services.a]\ngrants = ['{wrong}']"), &format!(":2: '{wrong}' is no grant"));
    }
    check("[services.a]\ngrants = ['bucket:default']", ":2: 'default' is what each service calls its own bucket");
}

#[test]
fn folders_are_relative_to_the_file_and_written_to_only_if_it_says_so() {
    let folders = settings("folders = { '/assets' = './site', '/data' = { path = '/srv/x', write = true } }").folders;
    let folder = |path: &str, access| Folder { path: path.into(), access };
    assert_eq!(folders["/assets"], folder("etc/./site", Access::Read));
    assert_eq!(folders["/data"], folder("/srv/x", Access::Write));
    let of = |folders: &str, expected: &str| {
        check(&format!("[services.a]\n\nfolders = {folders}"), &format!(":3: {expected}"))
    };
    for wrong in ["assets", "", "/a/../b", "./a"] {
        of(&format!("{{ '{wrong}' = 'a' }}"), &format!("'{wrong}' is no path that guests can see"));
    }
    of("{ '/a' = '' }", "'/a' has no path of the host's");
    of("{ '/a' = 5 }", "invalid type: integer `5`, expected a path, or { path = \"PATH\", write = true }");
    of("{ '/a' = { path = 'a', writes = true } }", "unknown member 'writes'; did you mean 'write'?");
    of("{ '/a' = { write = true } }", "missing field `path`");
}

#[test]
fn wrong_secrets_name_line_and_remedy() {
    let of =
        |secret: &str, expected: &str| check(&format!("[services.a]\nsecrets = {secret}"), &format!(":2: {expected}"));
    for neither in ["{}", "{ env = 'A', file = 'b' }", "{ env = '' }", "{ file = '' }"] {
        of(&format!("{{ a = {neither} }}"), "a secret is { env = \"VARIABLE\" } or { file = \"PATH\" }");
    }
    of("{ a = { value = 'x' } }", "unknown member 'value'");
    of("{ a = 'x' }", "invalid type: string");
    check(
        "[services.a]\nconfig = { key = 'x' }\nsecrets = { key = { env = 'A' } }",
        ":3: 'key' is a secret and stands in config, too; remove one",
    );
}

#[test]
fn secrets_are_read_with_the_file_and_those_that_are_missing_are_told() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("conf");
    let text = "[services.a.secrets]\nshell = { env = 'PATH' }\nunset = { env = 'NO_SUCH_VARIABLE' }\n\
                key = { file = 'key' }\ndir = { file = '.' }";
    let read = || {
        let config = Config::of_text(&file, text, &Overrides::default()).expect("it is right");
        assert!(config.reads_other_files());
        config.settings(&"a".parse().expect("a name"), None)
    };
    let settings = read();
    let path = std::env::var("PATH").expect("a test has a path");
    assert_eq!(settings.secrets["shell"].reveal(), path);
    let told = settings.missing.join("\n");
    for expected in [
        "its secret 'unset' is not there: the environment variable NO_SUCH_VARIABLE is not set",
        "its secret 'key' is not there: the file ",
        "key cannot be read: No such file",
        "its secret 'dir' is not there",
        "it is no file",
    ] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    for (content, value) in [("hunter2", "hunter2"), ("hunter2\r\n", "hunter2"), ("a\n\n", "a\n"), ("", "")] {
        fs::write(dir.path().join("key"), content).expect("written");
        let settings = read();
        assert_eq!(settings.secrets["key"].reveal(), value);
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
    for content in [vec![b'x'; (64 << 10) + 1], vec![0xff]] {
        fs::write(dir.path().join("key"), content).expect("written");
        assert!(!read().secrets.contains_key("key"));
    }
    assert!(!parse("[services.a]\nsecrets = { a = { env = 'PATH' } }").expect("it is right").reads_other_files());
}
