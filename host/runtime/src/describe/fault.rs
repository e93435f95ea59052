//! What a component's own code did wrong in the compile child, in one line.

use wasmtime::Trap;

use super::clock::TimeOver;

/// What an error says of the guest's code; none when it is not about that.
pub(super) fn of_guest(error: &wasmtime::Error) -> Option<String> {
    if let Some(over) = error.downcast_ref::<TimeOver>() {
        return Some(over.to_string());
    }
    let what = match error.downcast_ref::<Trap>()? {
        Trap::StackOverflow => "it overflowed its call stack".to_owned(),
        Trap::UnreachableCodeReached => "it panicked".to_owned(),
        trap => format!("it trapped: {}", trap.to_string().trim_start_matches("wasm trap: ")),
    };
    Some(what)
}

/// The same, else what lies at the root of it: the frames of a guest without names help nobody.
pub(super) fn in_one_line(error: &wasmtime::Error) -> String {
    of_guest(error).unwrap_or_else(|| error.root_cause().to_string())
}
