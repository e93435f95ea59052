//! `dev` in the folder of a project.

use std::fs;

use switchyard_tests::Setup;

use crate::project::{shared_target, toolchain};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_project_is_served_where_it_is_and_rebuilt_on_save() {
    toolchain();
    let setup = Setup::new();
    let (status, text) = setup.run(&["new", "a-door-bell", "--path", "made"]);
    assert!(status.success(), "{text}");
    for entry in fs::read_dir(setup.path().join("made")).unwrap() {
        let entry = entry.unwrap();
        fs::rename(entry.path(), setup.path().join(entry.file_name())).unwrap();
    }
    fs::remove_dir(setup.plugins()).unwrap();
    let source = setup.path().join("src/lib.rs");
    let target = shared_target();
    let host = setup.env("CARGO_TARGET_DIR", target.to_str().unwrap()).command("dev").patience(900).start().await;
    host.until("a-door-bell", "active", |plugin| plugin["state"] == "active").await;
    let greeting = async || host.get("/a-door-bell/Ann").await.json()["greeting"].as_str().map(str::to_owned);
    assert_eq!(greeting().await.as_deref(), Some("Hello, Ann!"));

    let text = fs::read_to_string(&source).unwrap();
    fs::write(&source, text.replace("\"Hello\"", "5")).unwrap();
    let failed = async || host.log().contains("the build failed; what served before serves on").then_some(());
    host.eventually("the mistake is told", failed).await;
    assert!(host.log().contains("src/lib.rs") && host.log().contains("mismatched types"), "{}", host.log());
    assert_eq!(greeting().await.as_deref(), Some("Hello, Ann!"), "the last good version serves on");

    fs::write(&source, text.replace("\"Hello\"", "\"Welcome\"")).unwrap();
    let is_new = async || (greeting().await.as_deref() == Some("Welcome, Ann!")).then_some(());
    host.eventually("the correction is live", is_new).await;
}
