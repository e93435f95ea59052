//! With trusted keys, only what they vouch for serves.

use std::{fs, process::Command};

use minisign::KeyPair;
use switchyard_tests::{Setup, component, component_bytes, tool};

use super::*;

const SIDE: &[u8] = b"routes = [{ path = '/hi' }]";

fn keys() -> KeyPair {
    KeyPair::generate_unencrypted_keypair().unwrap()
}

fn trusting(keys: &[&KeyPair]) -> String {
    let keys: Vec<_> = keys.iter().map(|keys| format!("'{}'", keys.pk.to_base64())).collect();
    format!("[plugins]\ntrusted-keys = [{}]\n", keys.join(", "))
}

fn sign(keys: &KeyPair, bytes: &[u8], side: Option<&[u8]>) -> String {
    let digest = side.map(|side| ring::digest::digest(&ring::digest::SHA256, side));
    let comment = digest.map_or("timestamp:1".to_owned(), |digest| {
        let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("side=sha256:{hex}")
    });
    minisign::sign(None, &keys.sk, bytes, Some(&comment), None).unwrap().into_string()
}

fn put(host: &Host, name: &str, bytes: &[u8]) {
    let aside = host.path().join("aside");
    fs::write(&aside, bytes).unwrap();
    fs::rename(aside, host.path().join("plugins").join(name)).unwrap();
}

#[tokio::test]
async fn what_is_dropped_has_to_be_signed_with_its_side_file() {
    let (trusted, other) = (keys(), keys());
    let host = Setup::new().config(&trusting(&[&trusted])).start().await;
    let (first, second) = (component_bytes("hello"), component_bytes("hello-next"));
    let failed = async |text: &str| {
        host.until("hello", text, |plugin| plugin["error"].as_str().is_some_and(|error| error.contains(text))).await
    };
    let active = async |version: &str| {
        host.until("hello", version, |plugin| plugin["version"] == version && plugin["error"].is_null()).await;
    };
    host.rename_into_place("hello", &first);
    assert_eq!(failed("it is not signed").await["state"], "failed");
    put(&host, "hello.wasm.minisig", sign(&other, &first, None).as_bytes());
    failed("not among the trusted-keys").await;
    put(&host, "hello.wasm.minisig", sign(&trusted, &first, None).as_bytes());
    active("1.0.0").await;
    // Altered components and side files do not take the place of what is vouched for.
    host.rename_into_place("hello", &second);
    assert_eq!(failed("does not hold").await["version"], "1.0.0");
    put(&host, "hello.wasm.minisig", sign(&trusted, &second, None).as_bytes());
    active("2.0.0").await;
    put(&host, "hello.toml", SIDE);
    failed("does not say a word of its side file: sign it with -t").await;
    put(&host, "hello.wasm.minisig", sign(&trusted, &second, Some(SIDE)).as_bytes());
    host.until("hello", "with its side file", |plugin| plugin["routes"][0]["path"] == "/hi").await;
    put(&host, "hello.toml", b"routes = [{ path = '/evil' }]");
    failed("for another side file").await;
    fs::remove_file(host.path().join("plugins/hello.toml")).unwrap();
    failed("a side file that is not there").await;
    assert_eq!((host.get("/hi").await.status.as_u16(), host.get("/evil").await.status.as_u16()), (200, 404));
    // What serves is kept with its signature, so it serves after a restart, whatever the folder has.
    let (setup, _) = host.stop();
    let host = setup.start().await;
    let plugin = host.plugin("hello").await;
    assert_eq!((&plugin["state"], host.get("/hi").await.status.as_u16()), (&"active".into(), 200), "{plugin}");
    assert!(plugin["error"].as_str().unwrap().contains("side file"), "{plugin}");
}

#[tokio::test]
async fn what_is_sent_and_what_is_rolled_back_to_has_to_be_signed() {
    let (old, new) = (keys(), keys());
    let host = Setup::new().config(&trusting(&[&old, &new])).start().await;
    let (first, second) = (component_bytes("hello"), component_bytes("hello-next"));
    expect_problem(&deploy(&host, "hello", &first).await, 422, "SY3004", "it is not signed");
    assert!(folder(&host).is_empty());
    let signed = sign(&old, &first, Some(SIDE));
    let parts: [(&str, &[u8]); 3] = [("component", &first), ("side", SIDE), ("signature", signed.as_bytes())];
    let plugin = expect(&deploy_form(&host, "name=hello", &parts).await, 201);
    assert_eq!(plugin["artifacts"][0]["isSigned"], true);
    assert_eq!(folder(&host), ["hello.toml", "hello.wasm", "hello.wasm.minisig"]);
    let signed = sign(&new, &second, None);
    let parts: [(&str, &[u8]); 2] = [("component", &second), ("signature", signed.as_bytes())];
    expect_problem(&deploy_form(&host, "name=hello", &parts).await, 422, "SY3004", "a word of its side file");
    expect(&deploy_form(&host, "name=hello&side=none", &parts).await, 200);
    expect(&roll_back(&host, "hello", "").await, 200);
    assert_eq!(folder(&host).len(), 3, "the signature comes back as well");
    expect(&roll_back(&host, "hello", "").await, 200);
    configure(&host, &trusting(&[&new]));
    logged(&host, "the configuration has been read again").await;
    expect_problem(&roll_back(&host, "hello", "").await, 422, "SY3004", "not among the trusted-keys");
    assert_eq!(host.get("/hello/version").await.text(), "2");
}

#[tokio::test]
async fn what_nobody_vouches_for_any_more_ends_while_the_host_runs() {
    let (first, second) = (keys(), keys());
    let host = Setup::new().plugin("hello", "hello").plugin("user-service", "user-service").start().await;
    put(&host, "hello.wasm.minisig", sign(&first, &component_bytes("hello"), None).as_bytes());
    let signed = sign(&second, &component_bytes("user-service"), None);
    put(&host, "user-service.wasm.minisig", signed.as_bytes());
    for stem in ["hello", "user-service"] {
        host.until(stem, "signed", |plugin| plugin["artifacts"][0]["isSigned"] == true).await;
    }
    configure(&host, &trusting(&[&second]));
    let plugin = host.until("hello", "failed", |plugin| plugin["state"] == "failed").await;
    assert!(plugin["error"].as_str().unwrap().contains("not among the trusted-keys"), "{plugin}");
    assert_eq!((host.get("/hello/").await.status.as_u16(), host.get("/api/users").await.status.as_u16()), (404, 200));
    configure(&host, &trusting(&[&first, &second]));
    host.until("hello", "active", |plugin| plugin["state"] == "active" && plugin["error"].is_null()).await;
    assert_eq!(host.get("/hello/").await.status, 200);
    configure(&host, &trusting(&[&second]));
    host.until("hello", "failed", |plugin| plugin["state"] == "failed").await;
    let (setup, _) = host.stop();
    let host = setup.start().await;
    assert_eq!(
        (host.plugin("hello").await["state"].as_str(), host.get("/hello/").await.status.as_u16()),
        (Some("failed"), 404)
    );
    configure(&host, "");
    host.until("hello", "active", |plugin| plugin["state"] == "active").await;
    assert!(!host.log().contains("need a restart"), "{}", host.log());
}

#[tokio::test]
async fn signatures_of_the_tool_hold() {
    let Some(minisign) = tool("minisign") else { return };
    let work = tempfile::tempdir().unwrap();
    let (file, side) = (work.path().join("hello.wasm"), work.path().join("hello.toml"));
    fs::copy(component("hello"), &file).unwrap();
    fs::write(&side, SIDE).unwrap();
    let run = |script: &str| {
        let path = format!("minisign() {{ {}/run \"$@\"; }}; {script}", minisign.display());
        let output = Command::new("bash").args(["-euc", &path]).current_dir(work.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    run("minisign -G -W -p key.pub -s key.sec");
    run("minisign -Sm hello.wasm -s key.sec -t \"side=sha256:$(sha256sum < hello.toml | cut -d' ' -f1)\"");
    let key = run("tail -n 1 key.pub");
    let host = Setup::new().config(&format!("[plugins]\ntrusted-keys = ['{}']", key.trim())).start().await;
    let (code, text) = host.tell(&["deploy", file.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(host.get("/hi").await.text(), "hello");
    fs::write(&side, "routes = [{ path = '/evil' }]").unwrap();
    let (code, text) = host.tell(&["deploy", file.to_str().unwrap()]);
    assert!(code == Some(1) && text.contains("for another side file"), "{text}");
}
