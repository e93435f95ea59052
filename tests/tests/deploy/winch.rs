//! Code that nobody vouches for need not meet the quick compiler.

use switchyard_tests::{Setup, component_bytes};

use super::*;

/// Whether Winch has made code in a host's cache.
fn has_winch_code(host: &Host) -> bool {
    let mut files = fs::read_dir(host.path().join("data/cache")).unwrap();
    files.any(|file| file.unwrap().file_name().to_string_lossy().contains("-winch-"))
}

#[tokio::test]
async fn without_it_only_optimised_code_is_live() {
    let host = Setup::new().config("[plugins]\nwinch = false").start().await;
    let plugin = expect(&deploy(&host, "hello", &component_bytes("hello")).await, 201);
    assert_eq!(plugin["tier"], "optimised");
    assert!(!has_winch_code(&host));
    assert_eq!(host.get("/hello/").await.text(), "hello");
    configure(&host, "[plugins]\nwinch = true");
    logged(&host, "the configuration has been read again").await;
    expect(&deploy(&host, "hello", &component_bytes("hello-next")).await, 200);
    // Where there is no Winch, nothing else can be shown.
    if cfg!(target_arch = "x86_64") {
        assert!(has_winch_code(&host));
    }
    assert!(!host.log().contains("need a restart"), "{}", host.log());
}

#[tokio::test]
async fn a_service_can_be_without_it_alone() {
    let config = "[services.hello]\nwinch = false";
    let host = Setup::new().config(config).start().await;
    let plugin = expect(&deploy(&host, "hello", &component_bytes("hello")).await, 201);
    assert_eq!(plugin["tier"], "optimised");
    assert!(!has_winch_code(&host));
    // Under another name of a file its service is known only once it has been looked at: it is live optimised as well.
    let plugin = expect(&deploy(&host, "other", &component_bytes("hello-next")).await, 201);
    assert_eq!(plugin["tier"], "optimised");
}

#[tokio::test]
async fn code_that_was_made_with_it_does_not_serve_after_a_start_without() {
    let host = Setup::new().plugin("hello", "hello").start().await;
    assert_eq!(host.get("/hello/").await.text(), "hello");
    let setup = host.kill().config("[plugins]\nwinch = false");
    let host = setup.start().await;
    assert_eq!(host.plugin("hello").await["tier"], "optimised");
}
