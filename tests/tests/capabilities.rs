//! What a service reaches only because the operator says so: secrets, folders, buckets of others, the network.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::{
    fs,
    os::unix::fs::symlink,
    time::{Duration, Instant},
};

use http::Method;
use serde_json::json;
use switchyard_tests::{Host, Recorder, Setup, UpstreamReply};

const PATIENCE: Duration = Duration::from_secs(60);

/// What is refused fails in the guest, time and again.
const PATIENT: &str = "[breaker]\nmode = 'measure'\n";

/// A deed of `rogue`, and what it answered.
async fn does(host: &Host, deed: &str) -> Result<String, String> {
    let answer = host.get(&format!("/rogue/{deed}")).await;
    if answer.status == 200 { Ok(answer.text()) } else { Err(format!("{}: {}", answer.status, answer.text())) }
}

#[track_caller]
fn is_refused(what: Result<String, String>, words: &[&str]) {
    let error = what.expect_err("it is refused").to_lowercase();
    assert!(words.iter().any(|word| error.contains(word)), "{error}");
}

/// Waits until a deed answers this.
async fn until(host: &Host, deed: &str, expected: &str) {
    let since = Instant::now();
    loop {
        let last = does(host, deed).await;
        if last.as_deref() == Ok(expected) {
            return;
        }
        assert!(since.elapsed() < PATIENCE, "{deed} is {last:?}, not {expected}\n{}", host.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn without_any_word_a_guest_has_no_files_no_network_and_no_environment() {
    let host = Setup::new().env("HOST_ONLY", "hidden").plugin("rogue", "rogue").config(PATIENT).start().await;
    assert_eq!(does(&host, "env?k=HOST_ONLY").await.unwrap(), "");
    for path in ["/", "/etc/passwd", ".", "plugins/rogue.wasm"] {
        assert!(does(&host, &format!("file-read?p={path}")).await.is_err(), "{path}");
        assert!(does(&host, &format!("file-list?p={path}")).await.is_err(), "{path}");
    }
    let admin = host.admin;
    is_refused(does(&host, &format!("connect?to={admin}")).await, &["permission denied", "access", "not permitted"]);
}

#[tokio::test]
async fn a_secret_is_told_to_its_service_alone() {
    let setup = Setup::new()
        .env("DB_PASSWORD", "hunter2")
        .plugin("rogue", "rogue")
        .side("other", "name = 'other'\nroutes = [{ path = '/other/*' }]");
    fs::write(setup.path().join("key"), "0xfeed\n").unwrap();
    let host = setup
        .plugin("other", "rogue")
        .config(
            "[services.rogue]\nconfig = { colour = 'blue' }\n\
             secrets = { db = { env = 'DB_PASSWORD' }, key = { file = 'key' } }\n[telemetry]\nlog-level = 'trace'",
        )
        .start()
        .await;
    assert_eq!(does(&host, "config?k=db").await.unwrap(), "hunter2");
    assert_eq!(does(&host, "config?k=key").await.unwrap(), "0xfeed");
    assert_eq!(does(&host, "config-all").await.unwrap(), "colour=blue\n", "secrets are not listed");
    assert_eq!(host.get("/other/config?k=db").await.text(), "");

    // A newer value is in force without a restart, and without a word in the configuration.
    fs::write(host.path().join("key"), "0xbeef\n").unwrap();
    until(&host, "config?k=key", "0xbeef").await;
    for path in ["/api/v1/plugins", "/api/v1/plugins/rogue", "/api/v1/services", "/metrics"] {
        let shown = host.admin(path).await.text();
        assert!(!shown.contains("hunter2") && !shown.contains("0xbeef"), "{path}: {shown}");
    }
    let (_, inspected) = host.run(&["inspect", "plugins/rogue.wasm"]);
    for text in [host.log(), inspected] {
        assert!(!text.contains("hunter2") && !text.contains("0xfeed") && !text.contains("0xbeef"), "{text}");
    }
}

#[tokio::test]
async fn a_secret_that_is_missing_fails_its_service_until_it_is_there() {
    let setup = Setup::new().plugin("rogue", "rogue").plugin("hello", "hello");
    let config = "[services.rogue]\nsecrets = { key = { file = 'key' } }\n";
    let host = setup.config(config).start().await;
    let failed = host.until("rogue", "told what is missing", |plugin| plugin["error"].is_string()).await;
    let error = failed["error"].as_str().unwrap();
    assert!(error.contains("its secret 'key' is not there") && error.contains("cannot be read"), "{error}");
    assert_eq!(host.get("/hello/").await.text(), "hello");
    fs::write(host.path().join("key"), "v1").unwrap();
    host.until("rogue", "active", |plugin| plugin["state"] == "active").await;
    until(&host, "config?k=key", "v1").await;

    // When it goes again, what serves goes on with what it had.
    fs::remove_file(host.path().join("key")).unwrap();
    host.until("rogue", "told what is missing", |plugin| plugin["error"].is_string()).await;
    assert_eq!(does(&host, "config?k=key").await.unwrap(), "v1");
    fs::write(host.path().join("key"), "v2").unwrap();
    until(&host, "config?k=key", "v2").await;
}

/// A host with `rogue`, which may read `assets` and write to `data`; beside them lies what is none of its business.
async fn with_folders() -> Host {
    let setup = Setup::new().plugin("rogue", "rogue");
    let root = setup.path().to_owned();
    for folder in ["assets/sub", "scratch", "outside"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    fs::write(root.join("assets/a.txt"), "asset").unwrap();
    fs::write(root.join("assets/sub/b.txt"), "below").unwrap();
    fs::write(root.join("outside/secret.txt"), "outside").unwrap();
    symlink("a.txt", root.join("assets/inner")).unwrap();
    symlink("../outside/secret.txt", root.join("assets/relative")).unwrap();
    symlink(root.join("outside"), root.join("assets/absolute")).unwrap();
    symlink("/", root.join("assets/root")).unwrap();
    let config = "[services.rogue]\nfolders = { '/assets' = 'assets', '/data' = { path = 'scratch', write = true } }\n";
    setup.config(&format!("{PATIENT}{config}")).start().await
}

#[tokio::test]
async fn a_granted_folder_is_read_and_nothing_leads_out_of_it() {
    let host = with_folders().await;
    assert_eq!(does(&host, "file-read?p=/assets/a.txt").await.unwrap(), "asset");
    assert_eq!(does(&host, "file-read?p=/assets/sub/../sub/b.txt").await.unwrap(), "below");
    assert_eq!(does(&host, "file-read?p=/assets/inner").await.unwrap(), "asset", "links within it are followed");
    assert!(does(&host, "file-list?p=/assets").await.unwrap().contains("a.txt"));
    for path in [
        "/assets/../outside/secret.txt",
        "/assets/sub/../../outside/secret.txt",
        "/assets/relative",
        "/assets/absolute/secret.txt",
        "/assets/root/etc/passwd",
        "/data/../outside/secret.txt",
        "/outside/secret.txt",
        "/etc/passwd",
        "../outside/secret.txt",
    ] {
        for deed in ["file-read", "file-list"] {
            let got = does(&host, &format!("{deed}?p={path}")).await;
            assert!(got.is_err(), "{deed} {path}: {got:?}");
        }
    }
    for path in ["/assets/absolute", "/assets/root", "/assets/.."] {
        assert!(does(&host, &format!("file-list?p={path}")).await.is_err(), "{path}");
    }
}

#[tokio::test]
async fn a_folder_is_written_to_only_where_it_says_so() {
    let host = with_folders().await;
    for deed in [
        "file-write?p=/assets/new&v=x",
        "file-write?p=/assets/a.txt&v=x",
        "file-append?p=/assets/a.txt&v=x",
        "file-remove?p=/assets/a.txt",
        "file-mkdir?p=/assets/new",
        "file-rename?p=/assets/a.txt&to=/assets/b.txt",
        "file-rename?p=/assets/a.txt&to=/data/a.txt",
        "file-hardlink?p=/assets/a.txt&to=/data/a.txt",
        "file-symlink?p=/assets/link&to=a.txt",
    ] {
        assert!(does(&host, deed).await.is_err(), "{deed}");
    }
    assert_eq!(fs::read_to_string(host.path().join("assets/a.txt")).unwrap(), "asset");
    assert_eq!(fs::read_dir(host.path().join("scratch")).unwrap().count(), 0);

    assert_eq!(does(&host, "file-write?p=/data/new&v=written").await.unwrap(), "done");
    assert_eq!(fs::read_to_string(host.path().join("scratch/new")).unwrap(), "written");
    // A link that a guest makes leads it no further than one of the operator's, and to an absolute path there is none.
    for target in ["/etc/passwd", "/"] {
        assert!(does(&host, &format!("file-symlink?p=/data/link&to={target}")).await.is_err(), "{target}");
    }
    for target in ["../outside/secret.txt", "../outside"] {
        does(&host, &format!("file-symlink?p=/data/link&to={target}")).await.unwrap();
        for deed in ["file-read?p=/data/link", "file-read?p=/data/link/secret.txt", "file-write?p=/data/link&v=x"] {
            let got = does(&host, deed).await;
            assert!(got.is_err(), "{deed} over a link to {target}: {got:?}");
        }
        does(&host, "file-remove?p=/data/link").await.unwrap();
    }
    for deed in ["file-rename?p=/data/new&to=/data/../outside/new", "file-write?p=/data/../outside/new&v=x"] {
        assert!(does(&host, deed).await.is_err(), "{deed}");
    }
    let outside = fs::read_dir(host.path().join("outside")).unwrap().count();
    assert_eq!((outside, fs::read_to_string(host.path().join("outside/secret.txt")).unwrap().as_str()), (1, "outside"));
}

#[tokio::test]
async fn open_files_of_a_guest_are_bounded() {
    let host = with_folders().await;
    assert_eq!(does(&host, "file-open?p=/assets/a.txt&n=100").await.unwrap(), "100");
    assert!(does(&host, "file-open?p=/assets/a.txt&n=5000").await.is_err());
    assert_eq!(does(&host, "file-open?p=/assets/a.txt&n=100").await.unwrap(), "100");
}

#[tokio::test]
async fn a_folder_that_is_missing_fails_its_service_until_it_is_there() {
    let setup = Setup::new().plugin("rogue", "rogue").plugin("hello", "hello");
    let host = setup.config("[services.rogue]\nfolders = { '/assets' = 'assets' }\n").start().await;
    let failed = host.until("rogue", "told what is missing", |plugin| plugin["error"].is_string()).await;
    let error = failed["error"].as_str().unwrap();
    assert!(error.contains("its folder /assets is") && error.contains("make it, or change folders"), "{error}");
    assert_eq!(host.get("/hello/").await.text(), "hello");
    fs::create_dir(host.path().join("assets")).unwrap();
    host.until("rogue", "active", |plugin| plugin["state"] == "active").await;
    assert_eq!(does(&host, "file-list?p=/assets").await.unwrap(), "");
}

#[tokio::test]
async fn the_bucket_of_another_service_needs_a_grant_and_writing_another_one() {
    let side = |name: &str| format!("name = '{name}'\nroutes = [{{ path = '/{name}/*' }}]");
    let setup = ["users", "carts"]
        .into_iter()
        .fold(Setup::new().plugin("rogue", "rogue"), |setup, name| setup.side(name, &side(name)).plugin(name, "rogue"));
    let host = setup
        .config(&format!("{PATIENT}[services.rogue]\ngrants = ['bucket:users:read', 'bucket:carts']\n"))
        .start()
        .await;
    for name in ["users", "carts"] {
        assert_eq!(host.get(&format!("/{name}/kv-set?k=a&v={name}")).await.status, 200);
        assert_eq!(does(&host, &format!("kv-get?bucket={name}&k=a")).await.unwrap(), name);
        assert_eq!(does(&host, &format!("kv-list?bucket={name}")).await.unwrap(), "a");
    }
    for deed in ["kv-set?k=a&v=x", "kv-delete?k=a", "kv-incr?k=n", "kv-cas?k=n"] {
        let in_bucket = |name: &str| deed.replace('?', &format!("?bucket={name}&"));
        is_refused(does(&host, &in_bucket("users")).await, &["accessdenied"]);
        is_refused(does(&host, &in_bucket("orders")).await, &["nosuchstore"]);
        does(&host, &in_bucket("carts")).await.unwrap();
    }
    assert_eq!(host.get("/users/kv-get?k=a").await.text(), "users");
    assert_eq!(host.get("/carts/kv-get?k=n").await.text(), "2");
    is_refused(does(&host, "kv-get?bucket=rogue&k=a").await, &["nosuchstore"]);
}

#[tokio::test]
async fn a_batch_keeps_to_the_grants_of_buckets() {
    let setup = Setup::new().probe("").plugin("rogue", "rogue");
    let host = setup.config("[services.probe]\ngrants = ['bucket:rogue:read', 'bucket:shared']\n").start().await;
    assert_eq!(host.get("/rogue/kv-set?k=a&v=1").await.status, 200);
    let batch = async |ops| host.probe("/probe/batch", ops).await;
    let (status, answer) = batch(
        json!([{"check": "b", "bucket": "rogue", "if": "absent"}, {"put": "x", "bucket": "shared", "value": "1"}]),
    )
    .await;
    assert_eq!(status, 200, "{answer}");
    let (status, answer) =
        batch(json!([{"put": "own", "value": "1"}, {"put": "a", "bucket": "rogue", "value": "2"}])).await;
    assert_eq!((status, answer["error"].as_str()), (422, Some("denied")), "{answer}");
    let (status, answer) = batch(json!([{"check": "a", "bucket": "other"}])).await;
    assert_eq!((status, answer["error"].as_str()), (422, Some("no-such-store")), "{answer}");
    let read = host.send(Method::GET, "/probe/read?bucket=rogue&k=a", "").await;
    assert_eq!((read.status.as_u16(), read.text().contains("\"1\"")), (200, true), "{}", read.text());
}

#[tokio::test]
async fn a_redirect_is_the_guests_to_follow_and_its_target_needs_the_same_permission() {
    let target = Recorder::echo().await;
    let location = target.address;
    let reply = format!("HTTP/1.1 302 Found\r\nlocation: http://{location}/\r\ncontent-length: 0\r\n\r\n");
    let first = Recorder::listen(move |_| UpstreamReply::Raw(reply.clone().into())).await;
    let setup = Setup::new().plugin("hello-p2", "hello-p2").plugin("hello-p3", "hello-p3");
    let services =
        ["hello-p2", "hello-p3"].map(|name| format!("[services.{name}]\noutbound = ['{}']\n", first.address));
    let host = setup.config(&services.concat()).start().await;
    for name in ["hello-p2", "hello-p3"] {
        let answer = host.get(&format!("/{name}/fetch?url=http://{}/", first.address)).await;
        assert_eq!(answer.status, 302, "{name}: {}", answer.text());
        let refused = host.get(&format!("/{name}/fetch?url=http://{location}/")).await;
        assert_eq!(refused.status, 502, "{name}: {}", refused.text());
    }
    assert_eq!(target.connections(), 0);
}
