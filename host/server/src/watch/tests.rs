//! Against a real folder; every wait is for an event, none for time.

use std::{
    fs,
    os::unix::{ffi::OsStrExt, fs::symlink},
    path::Path,
};

use switchyard_core::name::Digest;
use tokio::time::timeout;

use super::*;

/// More than any test has, but for the one that is about it.
const FILES_MAX: usize = 100;

/// Long enough for any machine; reached only when the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

struct Watched {
    dir: tempfile::TempDir,
    events: mpsc::Receiver<Event>,
    _stop: tokio_util::sync::DropGuard,
}

impl Watched {
    fn start(fill: impl FnOnce(&Path)) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        fill(dir.path());
        let options = Options {
            dir: dir.path().to_owned(),
            is_relevant: switchyard_core::folder::is_relevant,
            size_max: |_| 1 << 10,
            files_max: FILES_MAX,
        };
        let (watch, events) = Watch::new(options);
        let stop = CancellationToken::new();
        tokio::spawn(watch.run(stop.clone()));
        Self { dir, events, _stop: stop.drop_guard() }
    }

    async fn next(&mut self) -> Event {
        timeout(PATIENCE, self.events.recv()).await.expect("an event comes").expect("the watcher lives")
    }

    async fn next_change(&mut self) -> (String, Option<Item>) {
        match self.next().await {
            Event::Changed(name, item) => (name, item),
            Event::Ready(_) => panic!("expected a change"),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

fn file(text: &str) -> Option<Item> {
    Some(Item::File(Digest::of(text.as_bytes())))
}

#[tokio::test]
async fn what_is_there_at_the_start_is_told_before_ready() {
    let mut watched = Watched::start(|dir| {
        fs::write(dir.join("a.wasm"), "a").expect("written");
        fs::write(dir.join("notes.txt"), "x").expect("written");
        fs::create_dir(dir.join("b.wasm")).expect("made");
        symlink(dir.join("a.wasm"), dir.join("c.wasm")).expect("linked");
        fs::write(dir.join("d.wasm"), [0; 2000]).expect("written");
    });
    let mut told = BTreeMap::new();
    while let Event::Changed(name, item) = watched.next().await {
        told.insert(name, item);
    }
    assert_eq!(told.remove("a.wasm"), Some(file("a")));
    assert_eq!(told.remove("b.wasm"), Some(Some(Item::Directory)));
    assert_eq!(told.remove("c.wasm"), Some(Some(Item::Symlink)));
    assert_eq!(
        told.remove("d.wasm"),
        Some(Some(Item::Unreadable("it is longer than 1KiB; build it with --release and strip it".into())))
    );
    assert!(told.is_empty(), "{told:?}");
}

#[tokio::test]
async fn a_name_that_is_no_text_is_told_too() {
    let odd = std::ffi::OsStr::from_bytes(b"a\xff.wasm");
    let mut watched = Watched::start(|dir| {
        fs::write(dir.join(odd), "1").expect("written");
        // The same name once it is text.
        fs::write(dir.join("a\u{fffd}.wasm"), "2").expect("written");
    });
    assert_eq!(watched.next_change().await, ("a\u{fffd}.wasm".into(), file("2")));
    assert_eq!(watched.next().await, Event::Ready(Unsettled::Files(BTreeSet::new())));
    fs::remove_file(watched.path("a\u{fffd}.wasm")).expect("removed");
    // Now it is the other, at once or after it was gone.
    let mut next = watched.next_change().await;
    if next.1.is_none() {
        next = watched.next_change().await;
    }
    assert_eq!(next, ("a\u{fffd}.wasm".into(), file("1")));
    fs::remove_file(watched.dir.path().join(odd)).expect("removed");
    assert_eq!(watched.next_change().await, ("a\u{fffd}.wasm".into(), None));
}

#[tokio::test]
async fn of_too_many_files_those_that_were_there_first_are_followed() {
    let mut watched = Watched::start(|dir| {
        fs::write(dir.join("z.wasm"), "1").expect("written");
        // As the file system counts time.
        std::thread::sleep(Duration::from_millis(50));
        for n in 0..FILES_MAX {
            fs::write(dir.join(format!("a{n}.toml")), "").expect("written");
        }
    });
    let mut told = BTreeSet::new();
    while let Event::Changed(name, _) = watched.next().await {
        told.insert(name);
    }
    assert!(told.contains("z.wasm"), "it was there before all others");
    fs::write(watched.path("z.wasm"), "2").expect("written");
    loop {
        match watched.next().await {
            Event::Changed(name, item) if name == "z.wasm" => break assert_eq!(item, file("2")),
            Event::Changed(name, _) => _ = told.insert(name),
            Event::Ready(_) => {}
        }
    }
    assert!(told.len() <= FILES_MAX, "{} files are followed", told.len());
}

#[tokio::test]
async fn files_that_come_change_and_go_are_told() {
    let mut watched = Watched::start(|_| {});
    assert_eq!(watched.next().await, Event::Ready(Unsettled::Files(BTreeSet::new())));

    fs::write(watched.path("a.wasm"), "1").expect("written");
    assert_eq!(watched.next_change().await, ("a.wasm".into(), file("1")));

    fs::write(watched.path(".new"), "2").expect("written");
    fs::rename(watched.path(".new"), watched.path("a.wasm")).expect("renamed");
    assert_eq!(watched.next_change().await, ("a.wasm".into(), file("2")));

    fs::remove_file(watched.path("a.wasm")).expect("removed");
    fs::write(watched.path("a.wasm"), "3").expect("written");
    assert_eq!(watched.next_change().await, ("a.wasm".into(), file("3")), "no gap between removing and writing");

    fs::rename(watched.path("a.wasm"), watched.path("b.wasm")).expect("renamed");
    assert_eq!(watched.next_change().await, ("b.wasm".into(), file("3")));
    assert_eq!(watched.next_change().await, ("a.wasm".into(), None));
}

#[tokio::test]
async fn a_folder_that_goes_away_takes_nothing_with_it() {
    let mut watched = Watched::start(|dir| {
        fs::create_dir(dir.join("plugins")).expect("made");
        fs::write(dir.join("a.wasm"), "1").expect("written");
    });
    assert_eq!(watched.next_change().await, ("a.wasm".into(), file("1")));
    assert_eq!(watched.next().await, Event::Ready(Unsettled::Files(BTreeSet::new())));
    let aside = tempfile::tempdir().expect("a folder");
    let away = aside.path().join("away");
    fs::rename(watched.dir.path(), &away).expect("renamed");
    // Two scans find no folder, then it is back with another content.
    tokio::time::sleep(2 * SCAN_PERIOD + SCAN_PERIOD / 2).await;
    fs::write(away.join("a.wasm"), "2").expect("written");
    fs::rename(&away, watched.dir.path()).expect("renamed");
    assert_eq!(watched.next_change().await, ("a.wasm".into(), file("2")));
}

#[tokio::test]
async fn what_has_not_settled_at_the_start_is_named_and_told_later() {
    let mut watched = Watched::start(|dir| fs::write(dir.join("a.wasm"), "1").expect("written"));
    // A writer that does not stop: nothing is known of the file before it does.
    let mut file = fs::OpenOptions::new().append(true).open(watched.path("a.wasm")).expect("opened");
    let unsettled = loop {
        std::io::Write::write_all(&mut file, b"2").expect("written");
        match timeout(Duration::from_millis(20), watched.events.recv()).await {
            Err(_) => {}
            Ok(Some(Event::Ready(unsettled))) => break unsettled,
            // It was read before the first notification about it.
            Ok(Some(Event::Changed(..))) => return,
            Ok(None) => panic!("the watcher lives"),
        }
        file.set_len(1).expect("shortened");
    };
    assert_eq!(unsettled, Unsettled::Files(["a.wasm".to_owned()].into()));
    fs::remove_file(watched.path("a.wasm")).expect("removed");
    assert_eq!(watched.next_change().await, ("a.wasm".into(), None), "it is told although it was never there");
}

#[tokio::test]
async fn a_folder_that_cannot_be_listed_at_the_start_is_said_to_be_so() {
    let mut watched = Watched::start(|dir| fs::remove_dir(dir).expect("removed"));
    assert_eq!(watched.next().await, Event::Ready(Unsettled::Folder));
    fs::create_dir(watched.dir.path()).expect("made");
    fs::write(watched.path("a.wasm"), "1").expect("written");
    assert_eq!(watched.next_change().await, ("a.wasm".into(), file("1")));
    assert_eq!(watched.next().await, Event::Ready(Unsettled::Files(BTreeSet::new())));
}
