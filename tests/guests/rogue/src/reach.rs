//! Reaches for what a guest has only if it was granted: environment, files, the network.

use std::{
    ffi::CString,
    fs,
    io::{self, Read, Seek, Write},
    net::TcpStream,
};

use support::param;

unsafe extern "C" {
    /// Rust's own is not stable on this target.
    fn symlink(target: *const core::ffi::c_char, link: *const core::ffi::c_char) -> core::ffi::c_int;
}

/// `env?k=`, `connect?to=HOST:PORT`, and with the path `p`: `file-read`, `file-list`, `file-write?v=`, `file-append?v=`,
/// `file-remove`, `file-mkdir`, `file-rename?to=`, `file-hardlink?to=`, `file-symlink?to=` (a link at `p` that leads to
/// `to`), `file-open?n=` (so often at once).
pub fn reach(deed: &str, target: &str) -> Result<String, String> {
    let given = |name: &str| param(target, name).unwrap_or_default();
    let (path, to, value) = (given("p"), given("to"), given("v"));
    let done = |result: io::Result<()>| result.map(|()| "done".to_owned());
    let reached = match deed {
        "env" => Ok(std::env::var(given("k")).unwrap_or_default()),
        "connect" => TcpStream::connect(to).map(|_| "connected".to_owned()),
        "file-read" => fs::read_to_string(path),
        "file-list" => list(&path),
        "file-write" => done(fs::write(path, value)),
        "file-append" => done(append(&path, &value)),
        "file-remove" => done(fs::remove_file(path)),
        "file-mkdir" => done(fs::create_dir(path)),
        "file-rename" => done(fs::rename(path, to)),
        "file-hardlink" => done(fs::hard_link(path, to)),
        "file-symlink" => done(link(&path, &to)),
        "file-open" => open_often(&path, support::number(target, "n", 1)),
        _ => return Err("no such deed".to_owned()),
    };
    reached.map_err(|error| error.to_string())
}

fn list(path: &str) -> io::Result<String> {
    let names = fs::read_dir(path)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names.join("\n"))
}

fn append(path: &str, value: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().read(true).append(true).open(path)?;
    file.write_all(value.as_bytes())?;
    file.rewind()?;
    file.read_to_string(&mut String::new()).map(drop)
}

fn link(path: &str, target: &str) -> io::Result<()> {
    let text = |text: &str| CString::new(text).map_err(io::Error::other);
    let (target, link) = (text(target)?, text(path)?);
    // Both are texts that end.
    match unsafe { symlink(target.as_ptr(), link.as_ptr()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn open_often(path: &str, times: u64) -> io::Result<String> {
    let files = (0..times).map(|_| fs::File::open(path)).collect::<io::Result<Vec<_>>>()?;
    Ok(files.len().to_string())
}
