//! The one place of this crate that vouches for memory safety: mapping code that the cache has checked.
#![allow(unsafe_code, reason = "mapping machine code is outside of what the compiler can check")]

use std::{fs::File, path::Path};

use wasmtime::{Engine, component::Component};

/// Maps code into memory.
///
/// The caller has opened `file` through [`CodeCache::verified`](super::CodeCache::verified), which has checked
/// that its bytes are those that a compile child of this host wrote. Where the system allows, the very file that
/// was checked is mapped, even if `path` names another by now.
pub(crate) fn component(engine: &Engine, file: &File, path: &Path) -> wasmtime::Result<Component> {
    #[cfg(target_os = "linux")]
    let path = &{
        let _ = path;
        std::path::PathBuf::from(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(file)))
    };
    #[cfg(not(target_os = "linux"))]
    let _ = file;
    // SAFETY: the bytes are the output of `Component::serialize` by this version of wasmtime: their SHA-256 is the
    // one recorded then, in a folder that only this user can write, and files in it are never changed in place.
    unsafe { Component::deserialize_file(engine, path) }
}
