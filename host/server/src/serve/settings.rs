//! What the configuration says to the parts of a host, at the start and whenever it has changed.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::Context;
use switchyard_dispatch::{BreakerPolicy, CallPolicy};
use switchyard_gateway::Tls;
use switchyard_store::BucketLimits;
use tokio::sync::watch;

use super::{Host, Mode, certificates, memory};
use crate::{config::Config, reconfigure};

impl Host {
    /// What the gateway starts with.
    ///
    /// # Errors
    /// When the certificate cannot be used.
    pub(super) fn gateway_options(&self, mode: Mode) -> anyhow::Result<switchyard_gateway::Options> {
        let tls = self.config.gateway.tls.as_ref().map(|files| Tls::load(&files.cert, &files.key)).transpose();
        let tls = tls.context("what [gateway.tls] of the configuration names cannot be used")?;
        let (said, defaults) = (&self.config.gateway.fixed, switchyard_gateway::Options::default());
        Ok(switchyard_gateway::Options {
            tls,
            listen: said.listen,
            policy: self.config.gateway.policy.clone(),
            header_max: said.header_max.unwrap_or(defaults.header_max),
            header_timeout: said.header_timeout.unwrap_or(defaults.header_timeout),
            idle_timeout: said.idle_timeout.unwrap_or(defaults.idle_timeout),
            connections_max: said.connections_max.unwrap_or(defaults.connections_max),
            show_backtraces: mode == Mode::Development,
            drain_timeout: self.config.plugins.drain_timeout,
            version: env!("CARGO_PKG_VERSION"),
        })
    }

    /// Tells everybody what the configuration says of them whenever that has changed.
    pub(super) fn reconfigure(&self, gateway: &switchyard_gateway::Handle, configs: watch::Receiver<Arc<Config>>) {
        let delivery = Arc::clone(&self.delivery);
        let tell = move |config: &switchyard_delivery::Config| delivery.reconfigure(config.clone());
        self.follow(configs.clone(), |config| config.delivery.clone(), tell);
        let dispatcher = Arc::clone(&self.dispatcher);
        let tell = move |breakers: &BreakerPolicy| dispatcher.set_breaker_policy(breakers.clone());
        self.follow(configs.clone(), |config| config.breakers.clone(), tell);
        let dispatcher = Arc::clone(&self.dispatcher);
        let tell = move |calls: &CallPolicy| dispatcher.set_call_policy(calls.clone());
        self.follow(configs.clone(), Config::call_policy, tell);
        let store = Arc::clone(&self.store);
        let tell = move |limits: &BTreeMap<Arc<str>, BucketLimits>| store.set_bucket_limits(limits.clone());
        self.follow(configs.clone(), Config::bucket_limits, tell);
        let runtime = Arc::clone(&self.runtime);
        self.follow(configs.clone(), |config| config.plugins.memory_max, move |max| memory::limit(&runtime, *max));
        if self.config.gateway.tls.is_some() {
            self.tasks.spawn(certificates::follow(gateway.clone(), configs.clone(), self.stop.clone()));
        }
        let gateway = gateway.clone();
        self.follow(configs, |config| config.gateway.policy.clone(), move |policy| gateway.set_policy(policy.clone()));
    }

    fn follow<T: PartialEq + Send + 'static>(
        &self,
        configs: watch::Receiver<Arc<Config>>,
        part: impl Fn(&Config) -> T + Send + 'static,
        tell: impl Fn(&T) + Send + 'static,
    ) {
        self.tasks.spawn(reconfigure::part(configs, part, tell, self.stop.clone()));
    }
}
