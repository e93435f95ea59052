//! The roles of one component: where its exports are, and how an instance's are called.
//!
//! A role is a file of its own beside this one, and a line in the table below.

use std::collections::BTreeSet;

use switchyard_core::describe::Role;
use wasmtime::{
    Store,
    component::{ComponentNamedList, Instance, InstancePre, Lift, Lower, types::ComponentItem},
};

use super::wit;
use crate::{host::messaging::incoming_handler, state::GuestState};

use wasmtime_wasi_http::p2::bindings::exports::wasi::http::incoming_handler as wasi_http;

/// Makes [`Roles`] and [`Exports`] of the roles and the modules that the bindings have for them.
macro_rules! roles {
    ($($field:ident: $role:ident => $($module:ident)::+,)+) => {
        /// Where the exports of a component are, by role.
        pub(crate) struct Roles {
            $($field: Option<$($module)::+::GuestIndices>,)+
        }

        /// The exports of one instance, by role.
        pub(crate) struct Exports {
            $(pub(super) $field: Option<$($module)::+::Guest>,)+
        }

        impl Roles {
            fn find(pre: &InstancePre<GuestState>, roles: &BTreeSet<Role>) -> wasmtime::Result<Self> {
                Ok(Self {
                    $($field: match roles.contains(&Role::$role) {
                        true => Some($($module)::+::GuestIndices::new(pre)?),
                        false => None,
                    },)+
                })
            }

            /// Looks an instance's exports up.
            pub(super) fn load(
                &self,
                store: &mut Store<GuestState>,
                instance: &Instance,
            ) -> wasmtime::Result<Exports> {
                Ok(Exports {
                    $($field: match &self.$field {
                        Some(indices) => Some(indices.load(&mut *store, instance)?),
                        None => None,
                    },)+
                })
            }
        }
    };
}

roles! {
    http: HttpHandler => wit::http_handler,
    wasi_http: WasiHttp02 => wasi_http,
    event: EventHandler => wit::event_handler,
    messaging: Messaging => incoming_handler,
    queue: QueueHandler => wit::queue_handler,
    event_middleware: EventMiddleware => wit::event_middleware,
    command: CommandHandler => wit::command_handler,
    http_middleware: HttpMiddleware => wit::http_middleware,
    authenticator: Authenticator => wit::authenticator,
}

// === impl Roles ===

impl Roles {
    /// Finds the exports of these roles, and checks that they have the shape in which this host calls them: drafts
    /// went under one version in several shapes.
    pub(crate) fn new(pre: &InstancePre<GuestState>, roles: &BTreeSet<Role>) -> wasmtime::Result<Self> {
        for role in roles {
            match role {
                Role::HttpHandler => super::fast::check(pre)?,
                Role::EventHandler => super::event_handler::check(pre)?,
                Role::Messaging => super::messaging::check(pre)?,
                Role::QueueHandler => super::queue_handler::check(pre)?,
                Role::EventMiddleware => super::event_middleware::check(pre)?,
                Role::CommandHandler => super::command_handler::check(pre)?,
                Role::HttpMiddleware => super::http_middleware::check(pre)?,
                Role::Authenticator => super::authenticator::check(pre)?,
                Role::WasiHttp02 | Role::WasiHttp03 | Role::HttpChain | Role::Manifest => {}
            }
        }
        Self::find(pre, roles)
    }
}

/// Checks the type of one exported function before anything is instantiated.
pub(super) fn check<Params, Return>(pre: &InstancePre<GuestState>, role: Role, function: &str) -> wasmtime::Result<()>
where
    Params: ComponentNamedList + Lower,
    Return: ComponentNamedList + Lift,
{
    let component = pre.component();
    // Lookups find any version of the track.
    let interface = role.interface().replace(".x", ".0");
    let instance = component.get_export_index(None, &interface);
    let item = instance.and_then(|instance| component.get_export(Some(&instance), function));
    match item {
        Some((ComponentItem::ComponentFunc(exported), _)) => exported
            .typecheck::<Params, Return>(&pre.instance_type())
            .map_err(|error| error.context(format!("{interface}.{function} has another shape"))),
        _ => wasmtime::bail!("{interface} has no function '{function}'"),
    }
}
