//! What the compile child does: look at a component, compile it, ask it what it is.

use std::{
    ffi::OsString,
    fs, io,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
};

use sha2::{Digest as _, Sha256};
use switchyard_core::{describe::Track, name::Digest};
use wasmtime::{Engine, component::Component};

use super::{COMPILE_MEMORY_MAX, COMPILE_TIME_MAX, COMPONENT_BYTES_MAX};
use crate::{
    code::Made,
    describe,
    engine::{Tier, config},
    linker,
};

/// The exit code that says: the component is at fault, and standard error says how.
pub(crate) const UNUSABLE: i32 = 3;

/// How much nicer than the host a compile in the background is.
const NICENESS: i32 = 10;

struct Arguments {
    wasm: PathBuf,
    out: PathBuf,
    tier: Tier,
    background: bool,
}

/// Runs the hidden subcommand `compile-child`: compiles one component into the cache's folder, and answers on
/// standard output.
pub fn compile_child(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let Some(arguments) = parse(arguments) else {
        complain("compile-child is for the host's own use");
        return ExitCode::from(2);
    };
    if let Err(error) = limit(arguments.background) {
        complain(&format!("cannot limit the compile child: {error}"));
        return ExitCode::FAILURE;
    }
    match run(&arguments) {
        Ok(made) => match serde_json::to_writer(io::stdout(), &made) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                complain(&error.to_string());
                ExitCode::FAILURE
            }
        },
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::from(if error.is::<io::Error>() { 1 } else { 3 })
        }
    }
}

fn complain(text: &str) {
    // Nobody is left to tell when standard error is gone.
    let _ = writeln!(io::stderr(), "{text}");
}

fn parse(mut arguments: impl Iterator<Item = OsString>) -> Option<Arguments> {
    let (mut wasm, mut out, mut tier, mut background) = (None, None, Tier::Cranelift, false);
    while let Some(argument) = arguments.next() {
        match argument.to_str()? {
            "--wasm" => wasm = Some(arguments.next()?.into()),
            "--out" => out = Some(arguments.next()?.into()),
            "--winch" => tier = Tier::Winch,
            "--background" => background = true,
            _ => return None,
        }
    }
    Some(Arguments { wasm: wasm?, out: out?, tier, background })
}

/// Limits this process: a hostile component must cost no more than a failed load.
fn limit(background: bool) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let set = |resource, limit| setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) });
    #[cfg(target_os = "linux")]
    {
        // Reserved address space does not count as data; what is written does.
        set(Resource::Data, COMPILE_MEMORY_MAX)?;
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    }
    set(Resource::Cpu, COMPILE_TIME_MAX.as_secs() * 2)?;
    set(Resource::Core, 0)?;
    if background {
        rustix::process::nice(NICENESS)?;
    }
    Ok(())
}

fn run(arguments: &Arguments) -> anyhow::Result<Made> {
    let length = fs::metadata(&arguments.wasm)?.len();
    anyhow::ensure!(
        length <= COMPONENT_BYTES_MAX,
        "the component has {length} bytes, more than the {COMPONENT_BYTES_MAX} that are taken"
    );
    let bytes = fs::read(&arguments.wasm)?;
    check_header(&bytes)?;
    let names = describe::names(&bytes)?;
    names.check()?;
    let track = names.track();
    let (tier, component) = compile(track, arguments.tier, &bytes)?;
    let linker = linker::linker(component.engine(), track)?;
    let description = describe::describe(&component, &linker, names)?;
    let code = component.serialize()?;
    let sha256 = Digest::from_bytes(Sha256::digest(&code).into());
    write(&arguments.out, &code)?;
    Ok(Made { tier, file: arguments.out.clone(), sha256, description })
}

/// Says in people's words what the bytes are, when they are no component.
fn check_header(bytes: &[u8]) -> anyhow::Result<()> {
    match bytes {
        [] => anyhow::bail!("the file is empty; copy the component again"),
        [b'\0', b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => Ok(()),
        [b'\0', b'a', b's', b'm', 1, 0, 0, 0, ..] => anyhow::bail!(
            "the file is a core module, not a component; build it for wasm32-wasip2, or wrap it with `wasm-tools component new`"
        ),
        _ => anyhow::bail!("the file is not WebAssembly; copy a component built for wasm32-wasip2"),
    }
}

/// Compiles with the tier that was asked for, or with Cranelift where Winch lacks something.
fn compile(track: Track, tier: Tier, bytes: &[u8]) -> anyhow::Result<(Tier, Component)> {
    let with = |tier| {
        let engine = Engine::new(&config(track, tier))?;
        Component::from_binary(&engine, bytes).map(|component| (tier, component))
    };
    let first = with(tier);
    let made = if tier == Tier::Winch && first.is_err() { with(Tier::Cranelift) } else { first };
    made.map_err(|error| anyhow::anyhow!("the component does not compile: {error:#}"))
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
