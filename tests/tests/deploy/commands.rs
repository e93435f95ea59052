//! The same from the command line.

use std::fs;

use switchyard_tests::{Setup, component};

use super::*;

#[tokio::test]
async fn a_component_is_deployed_listed_rolled_back_and_removed() {
    let host = Setup::new().start().await;
    let work = tempfile::tempdir().unwrap();
    let file = work.path().join("hello_world.wasm");
    let path = file.to_str().unwrap();
    let tell = |arguments: &[&str]| {
        let (code, text) = host.tell(arguments);
        assert_eq!(code, Some(0), "{text}");
        text
    };
    fs::copy(component("hello"), &file).unwrap();
    let said = tell(&["deploy", path]);
    assert!(said.starts_with("hello-world 1.0.0 is live ("), "{said}");
    fs::copy(component("hello-next"), &file).unwrap();
    fs::write(file.with_extension("toml"), "routes = [{ path = '/hi/*' }]").unwrap();
    let plugin: Value = serde_json::from_str(&tell(&["deploy", path, "--json"])).unwrap();
    assert_eq!((&plugin["version"], &plugin["routes"][0]["path"]), (&"2.0.0".into(), &"/hi/*".into()));
    assert_eq!(host.get("/hi/version").await.text(), "2");
    let listed = tell(&["ps"]);
    let line: Vec<&str> = listed.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(line[..4], ["hello-world", "hello", "2.0.0", "active"], "{listed}");
    assert_eq!((&line[6..8], line.last()), (&["1", "0"][..], Some(&"-")), "{listed}");
    assert!(plugin["digest"].as_str().unwrap().starts_with(line[5]), "{listed}");
    // By the name of the service, too.
    assert!(tell(&["rollback", "hello"]).starts_with("hello-world 1.0.0 is live"));
    assert_eq!(host.get("/hello/version").await.text(), "1");
    assert!(tell(&["rollback", "hello-world", "--to", "2.0.0"]).starts_with("hello-world 2.0.0 is live"));
    assert!(tell(&["deploy", path, "--no-side"]).starts_with("hello-world 2.0.0 is live"));
    assert_eq!((host.get("/hi/").await.status.as_u16(), folder(&host).len()), (404, 1));
    let staged = tell(&["deploy", path, "--name", "hello-world@2.0.0", "--no-side"]);
    assert!(staged.starts_with("hello-world@2.0.0 2.0.0 is staged ("), "{staged}");
    assert_eq!(tell(&["remove", "hello-world@2.0.0"]).trim(), "hello-world@2.0.0 is removed");
    let items: Value = serde_json::from_str(&tell(&["ps", "--json"])).unwrap();
    assert_eq!(items["items"].as_array().unwrap().len(), 1);
    assert_eq!(tell(&["remove", "hello-world"]).trim(), "hello-world is removed");
    assert!(tell(&["ps"]).contains("no plugins"));
}

#[tokio::test]
async fn what_is_refused_is_said_and_the_exit_code_tells() {
    let host = Setup::new().start().await;
    let work = tempfile::tempdir().unwrap();
    let file = work.path().join("bad.wasm");
    fs::write(&file, "no component").unwrap();
    let path = file.to_str().unwrap();
    let refused = |arguments: &[&str], expected: &str| {
        let (code, text) = host.tell(arguments);
        assert!(code == Some(1) && text.contains(expected), "{text}");
    };
    refused(&["deploy", path], "Plugin refused: ");
    refused(&["deploy", path, "--name", "Bad"], "is not the name of a plugin; say --name");
    refused(&["deploy", "missing.wasm"], "cannot read the component missing.wasm");
    refused(&["deploy", path, "--signature", "missing.minisig"], "cannot read missing.minisig");
    refused(&["rollback", "bad"], "there is no plugin bad");
    refused(&["remove", "bad"], "there is no plugin bad");
}
