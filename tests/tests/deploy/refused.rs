//! What cannot be a plugin changes nothing.

use std::fs;

use switchyard_tests::{Setup, component_bytes};

use super::*;

/// How many components are kept among the artifacts.
fn artifacts(host: &Host) -> usize {
    fs::read_dir(host.path().join("data/artifacts")).unwrap().count()
}

#[tokio::test]
async fn a_bad_component_is_refused_with_the_reason_and_the_folder_stays() {
    let host = Setup::new().plugin("hello", "hello").start().await;
    let before = host.plugin("hello").await;
    let whole = component_bytes("hello-next");
    let bad: [(&[u8], &str); 4] = [
        (&component_bytes("bad-import"), "import"),
        (&whole[..whole.len() / 2], ""),
        (b"\0asm\x01\0\0\0", "component"),
        (b"not wasm", ""),
    ];
    for (bytes, reason) in bad {
        expect_problem(&deploy(&host, "hello", bytes).await, 422, "SY3004", reason);
    }
    let side = deploy_form(&host, "name=hello", &[("component", &whole), ("side", b"\nrouts = []")]).await;
    expect_problem(&side, 422, "SY3004", "hello.toml:2: unknown member 'routs'; did you mean 'routes'?");
    assert_eq!(fs::read(host.plugin_file("hello")).unwrap(), component_bytes("hello"));
    assert_eq!(folder(&host), ["hello.wasm"]);
    let after = host.plugin("hello").await;
    assert_eq!((&after["generation"], &after["error"]), (&before["generation"], &Value::Null));
    expect_problem(&deploy(&host, "fresh", b"not wasm").await, 422, "SY3004", "");
    assert!(host.plugin("fresh").await.is_null());
    // What was looked at and refused is not kept.
    let since = Instant::now();
    while artifacts(&host) > 1 {
        assert!(since.elapsed() < Duration::from_secs(60), "{} artifacts are kept", artifacts(&host));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_request_that_is_wrong_says_what_is_wrong() {
    let host = Setup::new().start().await;
    let bytes = component_bytes("hello");
    let check = |answer: Answer, detail: &str| expect_problem(&answer, 400, "SY1003", detail);
    check(ask(&host, Method::POST, "/api/v1/plugins", "", bytes.clone()).await, "name is not there");
    for name in ["Hello", "a@one", "", "..%2Fa", "a%2Fb", ".a"] {
        check(deploy(&host, name, &bytes).await, "write NAME or NAME@VERSION");
    }
    check(deploy(&host, "hello", b"").await, "there is no component");
    check(deploy_form(&host, "name=hello&side=never", &[]).await, "side is 'never'");
    check(deploy_form(&host, "name=hello", &[("side", b"")]).await, "the form has no part 'component'");
    check(deploy_form(&host, "name=hello", &[("componnt", &bytes)]).await, "unknown part 'componnt'; here are known");
    let twice = deploy_form(&host, "name=hello", &[("component", &bytes), ("component", &bytes)]).await;
    check(twice, "the part 'component' is there twice");
    check(deploy_form(&host, "name=hello", &[("component", &bytes), ("side", b"\xff")]).await, "is not UTF-8");
    let both = deploy_form(&host, "name=hello&side=none", &[("component", &bytes), ("side", b"")]).await;
    check(both, "side=none is said, and a side file is sent");
    for kind in ["multipart/form-data", "multipart/mixed; boundary=frontier"] {
        let answer = ask(&host, Method::POST, "/api/v1/plugins?name=hello", kind, bytes.clone()).await;
        check(answer, "the body is not as it should be");
    }
    let cut =
        ask(&host, Method::POST, "/api/v1/plugins?name=hello", "multipart/form-data; boundary=a", b"--a\r\n".to_vec());
    check(cut.await, "the body is not as it should be");
    let long = deploy_form(&host, "name=hello", &[("component", &bytes), ("side", &vec![b' '; (1 << 20) + 1])]).await;
    expect_problem(&long, 413, "SY1004", "the part 'side' is longer than 1MiB");
    let mut endless = b"--frontier\r\nx: ".to_vec();
    endless.resize(1 << 20, b'y');
    let kind = "multipart/form-data; boundary=frontier";
    let answer = ask(&host, Method::POST, "/api/v1/plugins?name=hello", kind, endless).await;
    check(answer, "too much around the parts");
    assert!(folder(&host).is_empty());
}

#[tokio::test]
async fn a_folder_in_the_place_of_a_file_is_told_of() {
    let host = Setup::new().start().await;
    fs::create_dir(host.plugin_file("hello")).unwrap();
    host.until("hello", "failed", |plugin| plugin["state"] == "failed").await;
    let answer = deploy(&host, "hello", &component_bytes("hello")).await;
    expect_problem(&answer, 503, "SY9002", "cannot replace");
    let removed = ask(&host, Method::DELETE, "/api/v1/plugins/hello", "", Vec::new()).await;
    expect_problem(&removed, 503, "SY9002", "cannot remove");
}
