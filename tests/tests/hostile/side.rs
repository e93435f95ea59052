//! Side files that are hostile, beside a component that is good.

use std::fs;

use switchyard_tests::{Host, Setup, component_bytes};

use crate::{neighbour::Neighbour, until};

/// Puts a side file in place and waits for what is said of it.
async fn said(host: &Host, side: &[u8]) -> String {
    let file = host.path().join("plugins/shop.toml");
    fs::write(file.with_extension("new"), side).unwrap();
    fs::rename(file.with_extension("new"), &file).unwrap();
    let plugin = until(host, &["shop".to_owned()], |plugin| plugin["error"].is_string()).await.remove(0);
    assert_eq!(plugin["state"], "active", "the old one goes on: {plugin:#}");
    // Mended, so that the next error is the next one's.
    fs::write(&file, "tags = []").unwrap();
    until(host, &["shop".to_owned()], |plugin| plugin["error"].is_null()).await;
    plugin["error"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_side_file_is_refused_by_member_and_the_plugin_serves_on() {
    let host = Setup::new().plugin("hello", "hello").plugin("shop", "hello-p2").start().await;
    let neighbour = Neighbour::watch(&host).await;
    let deep = |open: &str, close: &str| format!("metadata = {}{}", open.repeat(100_000), close.repeat(100_000));
    let many = |member: &str, item: &str, count: usize| format!("{member} = [{}]", vec![item; count].join(","));
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (b"name = '\xff\xfe'".to_vec(), "it is not UTF-8; save it as such"),
        (b"\0\0\0\0".to_vec(), "shop.toml:1"),
        (b"nonsense = 1".to_vec(), "unknown member 'nonsense'"),
        (b"tags = 1".to_vec(), "shop.toml:1"),
        (b"name = '../hello'".to_vec(), "is not a service name"),
        (b"version = 'latest'".to_vec(), "shop.toml:1"),
        (b"routes = [{ path = '/a/../b' }]".to_vec(), "the route '/a/../b'"),
        (deep("[", "]").into_bytes(), "shop.toml:1"),
        (deep("{ a = ", " }").into_bytes(), "shop.toml:1"),
        (format!("{}a = 1", "a.".repeat(200_000)).into_bytes(), "shop.toml:1"),
        (format!("[{}a]", "a.".repeat(200_000)).into_bytes(), "shop.toml:1"),
        (many("routes", "{path='/a'}", 60_000).into_bytes(), "it has 60000 routes, over the limit of 1000"),
        (many("tags", "''", 100_000).into_bytes(), "it has 100000 tags, over the limit of 256"),
        (many("dependencies", "{name='a'}", 60_000).into_bytes(), "dependencies, over the limit of 256"),
        (many("subscriptions", "{topic='a'}", 60_000).into_bytes(), "subscriptions, over the limit of 256"),
        (b"subscriptions = [{ topic = 'a', filter = 'true' }]".to_vec(), "it declares subscriptions"),
        (vec![b'#'; (1 << 20) + 1], "shop.toml cannot be read: it is longer than 1MiB; shorten it"),
    ];
    for (side, says) in cases {
        let said = said(&host, &side).await;
        assert!(said.contains(says), "{said:?} lacks {says:?}");
        assert!(said.len() < 4 << 10, "{} bytes of reasons for {says:?}", said.len());
    }
    neighbour.was_served("beside hostile side files").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_side_file_that_is_no_file_or_endless_is_refused_unread() {
    let host = Setup::new().plugin("hello", "hello").plugin("shop", "hello-p2").start().await;
    let neighbour = Neighbour::watch(&host).await;
    let file = host.path().join("plugins/shop.toml");
    let until_said = async |says: &str| {
        until(&host, &["shop".to_owned()], |plugin| plugin["error"].as_str().is_some_and(|said| said.contains(says)))
            .await;
    };
    fs::File::create(&file).unwrap().set_len(1 << 30).unwrap();
    until_said("it is longer than 1MiB; shorten it").await;
    fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &file).unwrap();
    until_said("shop.toml is a symbolic link").await;
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    until_said("shop.toml is a folder").await;
    fs::remove_dir(&file).unwrap();
    until(&host, &["shop".to_owned()], |plugin| plugin["error"].is_null()).await;
    // One without a component is nobody's.
    fs::write(host.path().join("plugins/lonely.toml"), "nonsense = 1").unwrap();
    host.copy("last", &component_bytes("hello-p2"));
    until(&host, &["last".to_owned()], |plugin| plugin["state"] == "active").await;
    assert!(host.plugin("lonely").await.is_null());
    neighbour.was_served("beside side files that are none").await;
}
