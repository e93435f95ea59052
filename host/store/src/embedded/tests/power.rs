//! The loss of power, a failing sync, and a full disk, on a disk that forgets what was not synced.
//!
//! A process that is killed proves nothing here, since the system's memory survives it.

mod disk;
mod ledger;
mod vfs;

use std::{path::Path, time::Duration};

use super::*;
use crate::{CursorOp, CursorOutcome, CursorStart, Outcome, doctor};
use disk::{Disk, Fails, Image};
use ledger::{Ledger, PRODUCERS, check, cursor, held};

/// A folder in memory where there is one: real syncs say nothing in these tests.
fn quick_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

fn options(folder: &TempDir, disk: &Arc<Disk>) -> Options {
    let mut options = Options::new(folder.path());
    options.rig.vfs = Some(vfs::register(disk.clone()));
    options.readers = 1;
    // So small that the log starts over again and again.
    options.checkpoint_bytes = 64 << 10;
    options.log_bytes_max = 256 << 10;
    options
}

async fn open_cursor(store: &Embedded, producer: u64) -> u64 {
    let open = CursorOp::Open { name: cursor(producer), start: CursorStart::After(0) };
    match store.commit(Batch::new().with(open)).await.unwrap().outcomes.remove(0) {
        Outcome::Cursor(CursorOutcome::At { epoch, .. }) => epoch,
        other => unreachable!("an opening was answered {other:?}"),
    }
}

/// One life of a store, from the first opening on: what a loss of power could have left at many moments of it.
async fn live(seed: u64, never_syncs: bool) -> Vec<Image> {
    let folder = quick_folder();
    let ledger = Ledger::new();
    let disk = Arc::new(Disk::new(seed, true, ledger.clone()));
    let mut options = options(&folder, &disk);
    options.rig.never_syncs = never_syncs;
    let store = Arc::new(Embedded::open(options).unwrap());
    let mut tasks = JoinSet::new();
    for producer in 0..PRODUCERS {
        let (store, ledger) = (store.clone(), ledger.clone());
        tasks.spawn(async move {
            let epoch = open_cursor(&store, producer).await;
            ledger.produce(&store, producer, epoch).await.unwrap();
        });
    }
    tasks.join_all().await;
    store.close().await.unwrap();
    disk.take_images()
}

/// Opens what was left and looks for what is missing.
async fn examine(image: &Image) -> Result<(), String> {
    let folder = quick_folder();
    for (name, bytes) in &image.files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let mut options = Options::new(folder.path());
    options.readers = 1;
    let store = Embedded::open(options).map_err(|error| format!("{error}: {error:?}"))?;
    let held = held(&store).await?;
    check(&held, &image.acknowledged)?;
    let report = doctor(folder.path()).map_err(|error| error.to_string())?;
    if report.is_sound() { Ok(()) } else { Err(format!("{report:?}")) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn loss_of_power_takes_nothing_that_was_acknowledged_and_no_batch_in_part() {
    let mut crashes = 0;
    for seed in 1..=6 {
        for (number, image) in live(seed, false).await.iter().enumerate() {
            crashes += 1;
            if let Err(error) = examine(image).await {
                unreachable!("seed {seed}, crash {number}, {:?} acknowledged: {error}", image.acknowledged);
            }
        }
    }
    assert!(crashes >= 200, "{crashes} crashes were looked at");
}

/// The same test finds out a store that does not sync.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn loss_of_power_is_found_out_when_nothing_is_synced() {
    for seed in 1..=12 {
        for image in live(seed, true).await {
            if let Err(error) = examine(&image).await {
                assert!(!error.is_empty());
                return;
            }
        }
    }
    unreachable!("nothing was synced, and nothing was found missing");
}

#[tokio::test]
async fn failing_sync_ends_the_store_and_nothing_is_retried() {
    let folder = quick_folder();
    let disk = Arc::new(Disk::new(1, false, Ledger::new()));
    let mut options = options(&folder, &disk);
    // No checkpoint comes in between, whose sync would be the one that fails.
    options.checkpoint_bytes = 32 << 20;
    options.log_bytes_max = 128 << 20;
    let store = Embedded::open(options).unwrap();
    store.kv_put("b", "before", "v".into(), Expect::Any).await.unwrap();
    disk.set_fails(Some(Fails::Sync));
    let error = store.kv_put("b", "k", "v".into(), Expect::Any).await.unwrap_err();
    assert!(matches!(error, StoreError::Failed { .. }), "{error}");
    let operations = disk.operations();
    // The disk would take it now, and the kernel would say that all is well.
    disk.set_fails(None);
    for _ in 0..3 {
        let error = store.kv_put("b", "k", "v".into(), Expect::Any).await.unwrap_err();
        assert!(matches!(error, StoreError::Failed { .. }), "{error}");
    }
    let failed = tokio::time::timeout(Duration::from_secs(10), store.failed()).await.unwrap();
    assert!(failed.to_string().contains("cannot commit"), "{failed}");
    assert!(store.kv_get("b", "before").await.unwrap().is_some(), "reads go on");
    assert!(matches!(store.close().await, Err(StoreError::Failed { .. })));
    drop(store);
    assert_eq!(disk.operations(), operations, "nothing was written or synced any more");
    let image = disk.image();
    let after = quick_folder();
    for (name, bytes) in &image.files {
        std::fs::write(after.path().join(name), bytes).unwrap();
    }
    assert!(super::store(&after).kv_exists("b", "before").await.unwrap());
}

/// Relaxed commits are not synced, so here it is the checkpoint that finds out.
#[tokio::test]
async fn failing_sync_of_a_checkpoint_ends_the_store() {
    let folder = quick_folder();
    let disk = Arc::new(Disk::new(1, false, Ledger::new()));
    let store = Embedded::open(options(&folder, &disk)).unwrap();
    let put = || Batch::new().put("b", "k", vec![7; 9_000], Expect::Any).relaxed();
    store.commit(put()).await.unwrap();
    disk.set_fails(Some(Fails::Sync));
    let error = loop {
        if let Err(error) = store.commit(put()).await {
            break error;
        }
    };
    assert!(matches!(error, StoreError::Failed { .. }), "{error}");
    assert!(matches!(store.close().await, Err(StoreError::Failed { .. })));
}

#[tokio::test]
async fn full_disk_refuses_and_the_store_goes_on_once_there_is_room() {
    let folder = quick_folder();
    let disk = Arc::new(Disk::new(1, false, Ledger::new()));
    let store = Embedded::open(options(&folder, &disk)).unwrap();
    store.kv_put("b", "before", "v".into(), Expect::Any).await.unwrap();
    disk.set_fails(Some(Fails::Full));
    let (put, relaxed) = tokio::join!(
        store.kv_put("b", "k", "v".into(), Expect::Any),
        store.commit(Batch::new().put("b", "relaxed", "v", Expect::Any).relaxed()),
    );
    assert!(matches!(put, Err(StoreError::Full)), "{put:?}");
    assert!(matches!(relaxed, Err(StoreError::Full)), "{relaxed:?}");
    assert_eq!(store.kv_get("b", "k").await.unwrap(), None);
    assert!(store.kv_get("b", "before").await.unwrap().is_some());
    disk.set_fails(None);
    for n in 0..200 {
        store.kv_put("b", &n.to_string(), vec![7; 2_000].into(), Expect::Absent).await.unwrap();
    }
    assert_eq!(store.kv_usage("b").await.unwrap().unwrap().entries, 201);
    store.close().await.unwrap();
    assert!(doctor(folder.path()).unwrap().is_sound());
}
