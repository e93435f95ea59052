//! Entries of the folder that are no files, or have names that no plugin has.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt, fs::symlink, net::UnixListener},
    path::Path,
    process::Command,
};

use switchyard_tests::{Host, Setup, component, component_bytes};

use crate::{neighbour::Neighbour, plugins, until, until_failed};

fn folder(host: &Host) -> std::path::PathBuf {
    host.path().join("plugins")
}

/// Whether a tool of the system did it.
fn did(program: &str, arguments: &[&OsStr]) -> bool {
    Command::new(program).args(arguments).status().is_ok_and(|status| status.success())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_regular_file_is_named_and_not_opened() {
    let host = Setup::new().plugin("hello", "hello").start().await;
    let neighbour = Neighbour::watch(&host).await;
    let at = |stem: &str| host.plugin_file(stem);
    fs::create_dir(at("folder")).unwrap();
    fs::write(at("folder").join("inner.wasm"), component_bytes("hello-p2")).unwrap();
    symlink("/dev/zero", at("to-device")).unwrap();
    symlink(component("hello-p2"), at("to-file")).unwrap();
    symlink("/", at("to-folder")).unwrap();
    symlink("nowhere", at("to-nothing")).unwrap();
    symlink("to-itself.wasm", at("to-itself")).unwrap();
    let _socket = UnixListener::bind(at("socket")).unwrap();
    let mut expected = vec![
        ("folder", "is a folder"),
        ("to-device", "symbolic link; copy the file here instead"),
        ("to-file", "symbolic link; copy the file here instead"),
        ("to-folder", "symbolic link; copy the file here instead"),
        ("to-nothing", "symbolic link; copy the file here instead"),
        ("to-itself", "symbolic link; copy the file here instead"),
        ("socket", "is no regular file"),
    ];
    if did("mkfifo", &[at("pipe").as_os_str()]) {
        expected.push(("pipe", "is no regular file"));
    }
    if did("mknod", &[at("device").as_os_str(), "c".as_ref(), "1".as_ref(), "5".as_ref()]) {
        expected.push(("device", "is no regular file"));
    } else {
        println!("devices cannot be made here, so none is dropped");
    }
    fs::write(at("locked"), component_bytes("hello-p2")).unwrap();
    fs::set_permissions(at("locked"), fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(at("locked")).is_err() {
        expected.push(("locked", "cannot be read"));
    } else {
        println!("whoever runs the tests may read everything, so no unreadable file is dropped");
        fs::remove_file(at("locked")).unwrap();
    }
    let stems: Vec<String> = expected.iter().map(|(stem, _)| (*stem).to_owned()).collect();
    for ((stem, says), said) in expected.iter().zip(until_failed(&host, &stems).await) {
        assert!(said.contains(says), "{stem}: {said}");
    }
    assert!(plugins(&host).await.iter().all(|plugin| plugin["name"] != "inner"), "folders in the folder do not count");
    // In the place of a plugin that serves, such a thing changes nothing.
    fs::remove_file(at("hello")).unwrap();
    symlink("/dev/zero", at("hello")).unwrap();
    let said = until(&host, &["hello".to_owned()], |plugin| plugin["error"].is_string()).await;
    assert_eq!(said[0]["state"], "active", "{said:?}");
    neighbour.was_served("beside what is no file").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_that_no_plugin_has_are_shown_with_the_remedy() {
    let host = Setup::new().plugin("hello", "hello").start().await;
    let neighbour = Neighbour::watch(&host).await;
    let long = "a".repeat(64);
    let longest = "b".repeat(250);
    let names: [(&[u8], &str); 15] = [
        (b"Bad_Name", "rename it to NAME.wasm"),
        (b"with space", "rename it to NAME.wasm"),
        (b"a.b", "rename it to NAME.wasm"),
        (b"~", "rename it to NAME.wasm"),
        (b"%2e%2e%2fetc", "rename it to NAME.wasm"),
        (b"a\\..\\b", "rename it to NAME.wasm"),
        (long.as_bytes(), "rename it to NAME.wasm"),
        (longest.as_bytes(), "rename it to NAME.wasm"),
        ("gr\u{fc}\u{df}e".as_bytes(), "rename it to NAME.wasm"),
        ("\u{202e}txt".as_bytes(), "rename it to NAME.wasm"),
        (b"not\xfftext", "rename it to NAME.wasm"),
        (b"new\nline", "rename it to NAME.wasm"),
        (b"hello@", "NAME@MAJOR.MINOR.PATCH.wasm"),
        (b"hello@latest", "NAME@MAJOR.MINOR.PATCH.wasm"),
        (b"hello@1.\x1b[2J", "'1.\\u{1b}[2J' in the file name"),
    ];
    let bytes = component_bytes("hello-p2");
    for (name, _) in names {
        fs::write(folder(&host).join(OsStr::from_bytes(&[name, b".wasm"].concat())), &bytes).unwrap();
    }
    // What makes a terminal do things, or cannot be told in an event, is shown as what it is.
    let shown = |name: &[u8]| {
        let text = String::from_utf8_lossy(name).into_owned();
        ["\n", "\x1b", "\u{202e}"].iter().fold(text, |text, odd| text.replace(odd, &odd.escape_debug().to_string()))
    };
    let stems: Vec<String> = names.iter().map(|(name, _)| shown(name)).collect();
    for ((name, says), said) in names.iter().zip(until_failed(&host, &stems).await) {
        assert!(said.contains(says), "{}: {said}", String::from_utf8_lossy(name));
    }
    // None of ours at all.
    for name in ["..wasm", ".hidden.wasm", "..hello.wasm", "hello.wasm.bak", "hello.WASM", "hello.wasm~"] {
        fs::write(folder(&host).join(name), &bytes).unwrap();
    }
    host.copy("last", &component_bytes("hello-p2"));
    until(&host, &["last".to_owned()], |plugin| plugin["state"] == "active").await;
    assert_eq!(plugins(&host).await.len(), names.len() + 2, "{:?}", plugins(&host).await);
    for (name, _) in names {
        fs::remove_file(folder(&host).join(OsStr::from_bytes(&[name, b".wasm"].concat()))).unwrap();
    }
    let since = std::time::Instant::now();
    while plugins(&host).await.len() != 2 {
        assert!(since.elapsed() < crate::PATIENCE, "{:?}", plugins(&host).await);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    neighbour.was_served("beside odd names").await;
    assert!(!host.log().contains("events of the host are lost"), "{}", host.log());
    assert!(!Path::new("/etc/passwd.wasm").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_files_of_one_service_the_one_of_its_name_serves() {
    let host = Setup::new().plugin("hello", "hello").start().await;
    let neighbour = Neighbour::watch(&host).await;
    let staged = ["hello@2.0.0", "aaa", "zzz"].map(str::to_owned);
    host.copy("hello@2.0.0", &component_bytes("hello-next"));
    // They say the same name by their manifest.
    host.copy("aaa", &component_bytes("hello-next"));
    host.copy("zzz", &component_bytes("hello-next"));
    until(&host, &staged, |plugin| plugin["state"] == "active" && plugin["staged"] == true).await;
    assert_eq!(host.get("/hello/version").await.text(), "1");
    // Nor does it help to be there first at a start.
    neighbour.was_served("beside others that claim its name").await;
    let (setup, _) = host.stop();
    let host = setup.start().await;
    until(&host, &staged, |plugin| plugin["staged"] == true).await;
    assert_eq!(host.get("/hello/version").await.text(), "1");
}

/// A file with holes costs whoever drops it nothing, and its copy would cost the disk of the data.
#[tokio::test]
async fn no_copy_is_kept_of_what_turned_out_bad() {
    let host = Setup::new().plugin("hello", "hello").start().await;
    host.copy("bad", &component_bytes("bad-import"));
    until_failed(&host, &["bad".to_owned()]).await;
    let copies = || fs::read_dir(host.path().join("data/artifacts")).unwrap().count();
    host.eventually("only the copy of the good one is left", async || (copies() == 1).then_some(())).await;
    assert_eq!(host.get("/hello/").await.status, 200);
}
