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

use super::{
    header,
    limits::{self, ANSWER_MAX, BACKGROUND_NICENESS, CODE_MAX, NICENESS, TROUBLE, UNUSABLE},
};
use crate::{
    code::Made,
    describe,
    engine::{Tier, config},
    linker,
};

struct Arguments {
    wasm: PathBuf,
    out: PathBuf,
    tier: Tier,
    background: bool,
    /// In seconds.
    cpu_max: u64,
}

/// Runs the hidden subcommand `compile-child`: compiles one component into the cache's folder, and answers on
/// standard output.
pub fn compile_child(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let Some(arguments) = parse(arguments) else {
        complain("compile-child is for the host's own use");
        return ExitCode::from(2);
    };
    if let Err(error) = limit(&arguments) {
        complain(&format!("cannot limit the compile child: {error}"));
        return ExitCode::from(TROUBLE);
    }
    let answer = run(&arguments).and_then(|made| {
        io::stdout().write_all(&made)?;
        Ok(())
    });
    match answer {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::from(if error.is::<io::Error>() { TROUBLE } else { UNUSABLE })
        }
    }
}

/// Names are the component's own: whoever reads of them on a terminal shall see what they are made of.
fn complain(text: &str) {
    let plain: String = text
        .chars()
        .flat_map(|c| if c.is_control() && c != '\n' { c.escape_default().collect() } else { vec![c] })
        .collect();
    // Nobody is left to tell when standard error is gone.
    let _ = writeln!(io::stderr(), "{plain}");
}

fn parse(mut arguments: impl Iterator<Item = OsString>) -> Option<Arguments> {
    let (mut wasm, mut out, mut tier, mut background, mut cpu_max) = (None, None, Tier::Cranelift, false, None);
    while let Some(argument) = arguments.next() {
        match argument.to_str()? {
            "--wasm" => wasm = Some(arguments.next()?.into()),
            "--out" => out = Some(arguments.next()?.into()),
            "--winch" => tier = Tier::Winch,
            "--background" => background = true,
            "--cpu-max" => cpu_max = Some(arguments.next()?.to_str()?.parse().ok()?),
            _ => return None,
        }
    }
    Some(Arguments { wasm: wasm?, out: out?, tier, background, cpu_max: cpu_max? })
}

/// Limits this process: a hostile component must cost no more than a failed load.
fn limit(arguments: &Arguments) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let set = |resource, limit| setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) });
    #[cfg(target_os = "linux")]
    {
        // Reserved address space does not count as data; what is written does.
        set(Resource::Data, limits::COMPILE_MEMORY_MAX)?;
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
        // Where that is not permitted, the kernel chooses by size, which most often comes to the same.
        let _ = fs::write("/proc/self/oom_score_adj", limits::OUT_OF_MEMORY_SCORE);
    }
    // At the first limit the signal tells why it ended; at the second it is only killed.
    let cpu = Rlimit { current: Some(arguments.cpu_max), maximum: Some(arguments.cpu_max + 1) };
    setrlimit(Resource::Cpu, cpu)?;
    set(Resource::Fsize, CODE_MAX)?;
    set(Resource::Core, 0)?;
    rustix::process::nice(if arguments.background { BACKGROUND_NICENESS } else { NICENESS })?;
    Ok(())
}

/// The answer, as text.
fn run(arguments: &Arguments) -> anyhow::Result<Vec<u8>> {
    let bytes = fs::read(&arguments.wasm)?;
    header::check(&bytes).map_err(anyhow::Error::msg)?;
    let names = describe::names(&bytes)?;
    names.check()?;
    let track = names.track();
    let (tier, component) = compile(track, arguments.tier, &bytes)?;
    let linker = linker::linker(component.engine(), track)?;
    let description = describe::describe(&component, &linker, names)?;
    let code = component.serialize()?;
    let sha256 = Digest::from_bytes(Sha256::digest(&code).into());
    let answer = serde_json::to_vec(&Made { tier, file: arguments.out.clone(), sha256, description })?;
    anyhow::ensure!(
        answer.len() as u64 <= ANSWER_MAX,
        "what it imports, exports and says of itself comes to {} KiB, over the limit of {}; shorten its manifest",
        answer.len() >> 10,
        ANSWER_MAX >> 10
    );
    write(&arguments.out, &code)?;
    Ok(answer)
}

/// Compiles with the tier that was asked for, or with Cranelift where Winch lacks something.
fn compile(track: Track, tier: Tier, bytes: &[u8]) -> anyhow::Result<(Tier, Component)> {
    let with = |tier| {
        let engine = Engine::new(&config(track, tier))?;
        Component::from_binary(&engine, bytes).map(|component| (tier, component))
    };
    let first = with(tier);
    let made = if tier == Tier::Winch && first.is_err() { with(Tier::Cranelift) } else { first };
    made.map_err(|error| {
        anyhow::anyhow!(
            "the component does not compile: {error:#}; copy it again, or build it with a current toolchain"
        )
    })
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
