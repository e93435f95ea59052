//! What the host keeps for one guest instance.

use std::sync::Arc;

use switchyard_core::name::ServiceName;
use tokio::sync::Semaphore;
use wasmtime::{Engine, Store, UpdateDeadline, component::ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::{
    context::CallContext,
    host::{http::Hooks, logging::LogGate, stdio::LineStream},
    limiter::{CpuMeter, MemoryBudget, MessageBudget},
    plugin::p3::chain::Nexts,
    ports::{Origin, Ports},
    settings::{OUTBOUND_MAX, Settings},
};

/// The most handles that an instance may hold: each keeps memory of the host's.
const RESOURCES_MAX: usize = 10_000;

/// What all guests of one plugin generation have in common.
pub(crate) struct Shared {
    pub(crate) service: ServiceName,
    /// The name of the service's own key-value bucket.
    pub(crate) bucket: Arc<str>,
    pub(crate) settings: Settings,
    pub(crate) outbound: Arc<[String]>,
    /// Places for requests to other hosts.
    pub(crate) outbound_places: Arc<Semaphore>,
    pub(crate) log: Arc<LogGate>,
    pub(crate) ports: Ports,
    env: Vec<(String, String)>,
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
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: Hooks,
}

// === impl Shared ===

impl Shared {
    pub(crate) fn new(service: ServiceName, settings: Settings, ports: Ports) -> Self {
        Self {
            bucket: service.as_str().into(),
            outbound: settings.outbound.clone().into(),
            outbound_places: Arc::new(Semaphore::new(OUTBOUND_MAX)),
            log: Arc::new(LogGate::new(service.clone())),
            env: settings.env.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
            service,
            settings,
            ports,
        }
    }
}

// === impl GuestState ===

impl GuestState {
    /// A store for one instance: no authority but what the settings say, and interrupted at each epoch.
    pub(crate) fn store(engine: &Engine, shared: &Arc<Shared>) -> Store<Self> {
        let wasi = WasiCtxBuilder::new()
            .stdout(LineStream::stdout(shared.log.clone()))
            .stderr(LineStream::stderr(shared.log.clone()))
            .envs(&shared.env)
            .build();
        let cpu = CpuMeter::new();
        let mut table = ResourceTable::new();
        table.set_max_capacity(RESOURCES_MAX);
        let state = Self {
            table,
            memory: MemoryBudget::new(shared.settings.limits.memory_max),
            cpu: cpu.clone(),
            messages: MessageBudget::default(),
            nexts: None,
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

    use super::*;
    use crate::testing::{context, guest};

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
