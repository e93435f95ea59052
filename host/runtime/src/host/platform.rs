//! `switchyard:plugin/{events,queues,sagas,batch,registry}`: the platform's own imports, each with its part in a file
//! beside this.
//!
//! A call is checked for size before anything of it goes on; what it means is for the ports to judge.

use wasmtime::component::{HasSelf, Linker};

use crate::{ports::Origin, settings::NAME_BYTES_MAX, state::GuestState};

pub(super) use self::bindings::switchyard::plugin::{
    batch, event_types, events, queue_types, queues, registry, saga_types, sagas,
};

#[allow(missing_docs, reason = "generated; the WIT is documented")]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "
            package host:platform;
            world platform {
                import switchyard:plugin/events@0.1.0;
                import switchyard:plugin/queues@0.1.0;
                import switchyard:plugin/sagas@0.1.0;
                import switchyard:plugin/batch@0.1.0;
                import switchyard:plugin/registry@0.1.0;
            }
        ",
        world: "host:platform/platform",
        imports: { default: async },
    });
}

/// Those that hold functions; any 0.1.x links.
pub(crate) const INTERFACES: [&str; 5] = [
    "switchyard:plugin/events",
    "switchyard:plugin/queues",
    "switchyard:plugin/sagas",
    "switchyard:plugin/batch",
    "switchyard:plugin/registry",
];

/// What a guest hears that calls the host from its start function.
const NOT_IN_A_CALL: &str = "nothing is being handled yet: call this from a handler";

pub(crate) fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    events::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    queues::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    sagas::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    batch::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    registry::add_to_linker::<_, HasSelf<_>>(linker, |state| state)
}

/// Who calls.
pub(super) fn origin(state: &GuestState) -> Result<Origin, String> {
    state.origin().ok_or_else(|| NOT_IN_A_CALL.to_owned())
}

/// Refuses a name that is too long to be one.
pub(super) fn check_name(what: &str, name: &str) -> Result<(), String> {
    within(what, name.len(), NAME_BYTES_MAX)
}

/// Refuses what is over a limit in bytes.
pub(super) fn within(what: &str, size: usize, max: usize) -> Result<(), String> {
    if size <= max { Ok(()) } else { Err(format!("the {what} has {size} bytes, over the limit of {max}")) }
}
