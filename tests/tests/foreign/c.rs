//! C: the bindings of wit-bindgen, and zig's C compiler, which brings a linker and a libc for wasm.

use std::{fs, path::PathBuf, process::Command};

use switchyard_tests::{root, tool};
use wit_bindgen_core::Files;
use wit_component::ComponentEncoder;

use crate::wit;

/// The component of `tests/foreign/c`, where the compiler can be had. It is made in a second, so it is not kept.
pub(crate) fn component() -> Option<PathBuf> {
    let zig = tool("zig")?;
    let (sources, folder) = (root().join("tests/foreign"), root().join("target/foreign/c"));
    fs::create_dir_all(&folder).unwrap();
    let world = fs::read_to_string(sources.join("wit/p2.wit")).unwrap();
    let (mut resolve, world) = wit::resolve("0.2", 12, &world);
    let mut files = Files::default();
    wit_bindgen_c::Opts::default().build().generate(&mut resolve, world, &mut files).unwrap();
    for (name, bytes) in files.iter() {
        fs::write(folder.join(name), bytes).unwrap();
    }
    let output = Command::new(zig.join("bin/python-zig"))
        .args(["cc", "-target", "wasm32-wasi", "-mexec-model=reactor", "-Os", "-Wall", "-Werror", "-I."])
        .arg(sources.join("c/main.c"))
        .args(["service.c", "service_component_type.o", "-o", "service.wasm"])
        .env("ZIG_GLOBAL_CACHE_DIR", root().join("target/tools/zig-cache"))
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let module = fs::read(folder.join("service.wasm")).unwrap();
    let component = ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap();
    let file = folder.join("component.wasm");
    fs::write(&file, component).unwrap();
    Some(file)
}
