//! The file layer of SQLite, with a [`Disk`] told of all that changes a file.
//!
//! It is the system's own, and so are its files, locks and shared memory; only writing, truncating, syncing and
//! removing pass by here. Syncs stop here: what counts is what the disk was told.

#![allow(unsafe_code, reason = "the file layer of SQLite is a table of C functions")]

use std::{
    collections::HashMap,
    ffi::{CStr, CString, c_char, c_int, c_void},
    path::Path,
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use rusqlite::ffi::{self, sqlite3_file, sqlite3_io_methods, sqlite3_vfs};

use super::disk::Disk;

/// Which kinds of files the disk is told of.
const KINDS: c_int = ffi::SQLITE_OPEN_MAIN_DB | ffi::SQLITE_OPEN_MAIN_JOURNAL | ffi::SQLITE_OPEN_WAL;

/// Disks by the name of their file layer, and open files by their address.
static DISKS: LazyLock<Mutex<HashMap<String, Arc<Disk>>>> = LazyLock::new(Mutex::default);
static FILES: LazyLock<Mutex<HashMap<usize, Known>>> = LazyLock::new(Mutex::default);

static BASE: OnceLock<Base> = OnceLock::new();

/// An open file.
#[derive(Clone)]
struct Known {
    disk: Arc<Disk>,
    id: usize,
    /// The system's functions for it: databases have locks, and other files have not.
    system: &'static sqlite3_io_methods,
}

/// The two functions of the system's file layer that ours call.
struct Base {
    open: unsafe extern "C" fn(*mut sqlite3_vfs, *const c_char, *mut sqlite3_file, c_int, *mut c_int) -> c_int,
    delete: unsafe extern "C" fn(*mut sqlite3_vfs, *const c_char, c_int) -> c_int,
}

/// Makes a file layer that tells this disk, and answers its name.
pub(super) fn register(disk: Arc<Disk>) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = format!("power-{}", COUNT.fetch_add(1, Relaxed));
    // SAFETY: asking for the default file layer has no preconditions; what it answers is valid for good.
    let base = unsafe { ffi::sqlite3_vfs_find(std::ptr::null()) };
    assert!(!base.is_null(), "SQLite has a default file layer");
    // SAFETY: not null, and nobody changes it.
    let mut vfs = unsafe { *base };
    BASE.get_or_init(|| Base {
        open: vfs.xOpen.expect("the system opens files"),
        delete: vfs.xDelete.expect("the system removes files"),
    });
    vfs.pNext = std::ptr::null_mut();
    vfs.zName = CString::new(name.clone()).expect("no NUL").into_raw();
    vfs.xOpen = Some(open);
    vfs.xDelete = Some(delete);
    lock(&DISKS).insert(name.clone(), disk);
    // SAFETY: the layer and its name are never freed, as SQLite asks for.
    let code = unsafe { ffi::sqlite3_vfs_register(Box::into_raw(Box::new(vfs)), 0) };
    assert_eq!(code, ffi::SQLITE_OK);
    name
}

unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: the arguments are SQLite's, for a layer that is a copy of the system's but for its name.
    let code = unsafe { (base().open)(vfs, name, file, flags, out) };
    if code != ffi::SQLITE_OK || flags & KINDS == 0 {
        return code;
    }
    // SAFETY: files of these kinds have a name, and the layer has ours. The file was opened, so it has a table of
    // functions, which is constant and there for good.
    let (disk, name, system) = unsafe { (disk_of(vfs), file_name(name), &*(*file).pMethods) };
    let id = disk.open(&name);
    lock(&FILES).insert(file as usize, Known { disk, id, system });
    // SAFETY: our table is never freed, and the system's functions do not look at it.
    unsafe { (*file).pMethods = Box::leak(Box::new(with_ours(*system))) };
    code
}

unsafe extern "C" fn delete(vfs: *mut sqlite3_vfs, name: *const c_char, sync_folder: c_int) -> c_int {
    // SAFETY: the arguments are SQLite's.
    unsafe {
        disk_of(vfs).delete(&file_name(name));
        (base().delete)(vfs, name, sync_folder)
    }
}

unsafe extern "C" fn write(file: *mut sqlite3_file, bytes: *const c_void, count: c_int, offset: i64) -> c_int {
    let Known { disk, id, system } = known(file);
    // SAFETY: SQLite gives so many bytes.
    let written = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), usize::try_from(count).unwrap()) };
    match disk.write(id, usize::try_from(offset).unwrap(), written) {
        // SAFETY: the arguments are SQLite's, for a file that the system opened.
        ffi::SQLITE_OK => unsafe { system.xWrite.expect("files are written")(file, bytes, count, offset) },
        code => code,
    }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, length: i64) -> c_int {
    let Known { disk, id, system } = known(file);
    match disk.truncate(id, usize::try_from(length).unwrap()) {
        // SAFETY: the arguments are SQLite's, for a file that the system opened.
        ffi::SQLITE_OK => unsafe { system.xTruncate.expect("files are truncated")(file, length) },
        code => code,
    }
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, _flags: c_int) -> c_int {
    let Known { disk, id, .. } = known(file);
    disk.sync(id)
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    let Known { system, .. } = lock(&FILES).remove(&(file as usize)).expect("it was opened here");
    // SAFETY: the argument is SQLite's, a file that the system opened.
    unsafe { system.xClose.expect("files are closed")(file) }
}

fn with_ours(system: sqlite3_io_methods) -> sqlite3_io_methods {
    sqlite3_io_methods {
        // Without memory maps, which would go past us.
        iVersion: 2,
        xWrite: Some(write),
        xTruncate: Some(truncate),
        xSync: Some(sync),
        xClose: Some(close),
        ..system
    }
}

/// # Safety
/// The layer is one of ours.
unsafe fn disk_of(vfs: *mut sqlite3_vfs) -> Arc<Disk> {
    // SAFETY: as the caller says; its name is never freed.
    let name = unsafe { CStr::from_ptr((*vfs).zName) }.to_str().expect("our names are ASCII");
    lock(&DISKS).get(name).expect("it was registered").clone()
}

/// # Safety
/// The name is a C string.
unsafe fn file_name(name: *const c_char) -> String {
    // SAFETY: as the caller says.
    let name = unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned();
    Path::new(&name).file_name().expect("a file has a name").to_string_lossy().into_owned()
}

fn known(file: *mut sqlite3_file) -> Known {
    lock(&FILES).get(&(file as usize)).expect("it was opened here").clone()
}

fn base() -> &'static Base {
    BASE.get().expect("a layer was registered")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
