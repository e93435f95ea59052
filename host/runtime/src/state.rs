//! What the host keeps for one guest instance.

use std::sync::Arc;

use switchyard_core::name::{Generation, ServiceName};
use tokio::sync::Semaphore;
use wasmtime::{Engine, Store, UpdateDeadline, component::ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView, filesystem::WasiFilesystemCtx};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::{
    context::CallContext,
    host::{
        http::Hooks,
        logging::{Current, LogGate},
        stdio::LineStream,
    },
    limiter::{CpuMeter, MemoryBudget, MessageBudget},
    memory::Memory,
    plugin::{p3::chain::Nexts, streams::Streams},
    ports::{Origin, Ports},
    settings::{Access, HANDLES_MAX, HANDLES_WITH_FOLDERS_MAX, Settings, SettingsError, open_folders},
    usage::Usage,
};

/// What all guests of one plugin generation have in common.
pub(crate) struct Shared {
    pub(crate) service: ServiceName,
    /// The name of the service's own key-value bucket.
    bucket: Arc<str>,
    pub(crate) settings: Settings,
    pub(crate) outbound: Arc<[String]>,
    /// Places for requests to other hosts.
    pub(crate) outbound_places: Arc<Semaphore>,
    /// Responses that are on their way.
    pub(crate) streams: Streams,
    pub(crate) log: Arc<LogGate>,
    pub(crate) ports: Ports,
    env: Vec<(String, String)>,
    /// That of all guests.
    memory: Arc<Memory>,
    /// What is counted of the service.
    pub(crate) usage: Arc<Usage>,
    /// The folders that it is granted.
    folders: Option<WasiFilesystemCtx>,
}

/// The data of one store.
pub(crate) struct GuestState {
    pub(crate) shared: Arc<Shared>,
    pub(crate) table: ResourceTable,
    pub(crate) memory: MemoryBudget,
    pub(crate) cpu: CpuMeter,
    /// What the messages in the table hold.
    pub(crate) messages: MessageBudget,
    /// How the requests inside go on; none where no more than one call is inside.
    pub(crate) nexts: Option<Arc<Nexts>>,
    /// The call that it is in, for its lines in the log.
    pub(crate) current: Arc<Current>,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: Hooks,
}

// === impl Shared ===

impl Shared {
    /// What `settings` promise, taken hold of.
    ///
    /// # Errors
    /// When some of it is not there.
    pub(crate) fn new(
        service: ServiceName,
        generation: Generation,
        settings: Settings,
        ports: Ports,
        memory: Arc<Memory>,
        usage: Arc<Usage>,
    ) -> Result<Self, SettingsError> {
        if !settings.missing.is_empty() {
            return Err(SettingsError::Missing(settings.missing.join("; ")));
        }
        let limits = &settings.limits;
        Ok(Self {
            bucket: service.as_str().into(),
            outbound: settings.outbound.clone().into(),
            outbound_places: Arc::new(Semaphore::new(limits.outbound_max as usize)),
            streams: Streams::new(limits.streams_max),
            log: Arc::new(LogGate::new(service.clone(), generation, limits.log_rate, ports.logs.clone())),
            env: settings.env.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
            folders: open_folders(&settings.folders)?,
            memory,
            usage,
            service,
            settings,
            ports,
        })
    }

    /// The bucket that guests mean by this name, and what they may do there.
    pub(crate) fn bucket(&self, name: &str) -> Option<(Arc<str>, Access)> {
        match name {
            "" | "default" => Some((self.bucket.clone(), Access::Write)),
            other => self.settings.buckets.get(other).map(|access| (other.into(), *access)),
        }
    }
}

// === impl GuestState ===

impl GuestState {
    /// A store for one instance: no authority but what the settings say, and interrupted at each epoch.
    pub(crate) fn store(engine: &Engine, shared: &Arc<Shared>) -> Store<Self> {
        let current = Arc::<Current>::default();
        let mut wasi = WasiCtxBuilder::new()
            .stdout(LineStream::stdout(shared.log.clone(), current.clone()))
            .stderr(LineStream::stderr(shared.log.clone(), current.clone()))
            .envs(&shared.env)
            .build();
        let cpu = CpuMeter::new(shared.usage.clone());
        let mut table = ResourceTable::new();
        table.set_max_capacity(match &shared.folders {
            None => HANDLES_MAX,
            Some(folders) => {
                wasi.filesystem().clone_from(folders);
                HANDLES_WITH_FOLDERS_MAX
            }
        });
        let state = Self {
            table,
            memory: MemoryBudget::new(&shared.settings.limits).within(shared.memory.clone(), shared.usage.clone()),
            cpu: cpu.clone(),
            messages: MessageBudget::default(),
            nexts: None,
            current,
            wasi,
            http: WasiHttpCtx::new(),
            hooks: Hooks::new(shared.clone()),
            shared: shared.clone(),
        };
        let mut store = Store::new(engine, state);
        store.limiter(|state| &mut state.memory);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| {
            cpu.check()?;
            Ok(UpdateDeadline::Yield(1))
        });
        store
    }

    /// Begins a call: its circumstances, and its own CPU time.
    pub(crate) fn begin(&mut self, context: CallContext) {
        self.cpu.begin(self.shared.settings.limits.cpu_max);
        self.current.begin(&context);
        self.hooks.context = Some(context);
    }

    /// Who publishes, enqueues or commits: the service, in the circumstances of the call that the guest is in. None
    /// when it is in no call yet, which a component's start function is not.
    pub(crate) fn origin(&self) -> Option<Origin> {
        let context = self.hooks.context.as_ref()?;
        let service = self.shared.service.clone();
        let context = CallContext { handled: context.handled.clone(), ..context.nested(&service) };
        Some(Origin { service, context })
    }
}

impl WasiView for GuestState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for GuestState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.hooks, table: &mut self.table, ctx: &mut self.http }
    }
}

#[cfg(test)]
mod tests {
    use switchyard_core::{event::Cause, handled::Handled};
    use wasmtime::component::{Component, Linker};

    use super::*;
    use crate::{
        error::explain,
        limiter::Refused,
        settings::Limits,
        testing::{context, guest, guest_under},
    };

    #[tokio::test]
    async fn an_instance_within_all_limits_is_made_and_one_beyond_says_which() {
        let component = "(component (core module $m (memory 3) (table 200 funcref)) (core instance (instantiate $m)))";
        let bytes = wat::parse_str(component).unwrap();
        let limits = |memory_max, tables_max| Limits { memory_max, tables_max, ..Limits::default() };
        for (limits, refused, told) in [
            (limits(3 << 16, 200), None, ""),
            (limits(3 << 16, 199), Some(Refused::Tables), "tables-max"),
            (limits((3 << 16) - 1, 200), Some(Refused::Memory), "memory-max"),
        ] {
            let mut store = guest_under(&Arc::default(), Settings { limits, ..Settings::default() });
            let component = Component::new(store.engine(), &bytes).unwrap();
            let made = Linker::new(store.engine()).instantiate_async(&mut store, &component).await;
            assert_eq!(store.data().memory.refused, refused, "{told}");
            if let Err(error) = made {
                let error = explain(&store.data().shared.service, &error, refused).to_string();
                assert!(error.contains(told), "{error}");
            } else {
                assert_eq!(refused, None);
            }
        }
    }

    #[tokio::test]
    async fn what_is_handled_is_known_to_the_call_itself_and_its_cause_to_all_below() {
        let mut store = guest(&Arc::default());
        let state = store.data_mut();
        assert!(state.origin().is_none());
        let handled = Arc::new(Handled::Event { subscription: "shop/a".into(), sequence: 7 });
        let cause = Arc::new(Cause { id: "e1".to_owned(), correlationid: "c1".to_owned() });
        let call = CallContext { handled: Some(handled.clone()), cause: Some(cause.clone()), ..context(&["first"]) };
        state.begin(call);
        let origin = state.origin().unwrap();
        let ancestors: Vec<_> = origin.context.ancestors.iter().map(ServiceName::as_str).collect();
        assert_eq!((origin.service.as_str(), ancestors), ("shop", vec!["first", "shop"]));
        assert_eq!((origin.context.handled, origin.context.cause.clone()), (Some(handled), Some(cause.clone())));
        let below = state.origin().unwrap().context.nested(&origin.service);
        assert_eq!((below.handled, below.cause), (None, Some(cause)));
    }
}
