//! Which topics, queues and sagas a service may use.

use switchyard_core::{event::topic::Pattern, name::ServiceName};

use crate::{
    config::{Config, Grant, Grants},
    error::Error,
};

// === impl Config ===

impl Config {
    /// Whether a service may publish to a topic.
    pub(crate) fn may_publish(&self, service: &ServiceName, topic: &str) -> Result<(), Error> {
        let granted = |grant: &Grant| matches!(grant, Grant::Publish(pattern) if pattern.matches(topic));
        self.check_grant(service, granted, || (format!("publish to {topic}"), format!("publish:{topic}")))
    }

    /// Whether a service may get the events of a pattern because it wants them; who subscribes it otherwise is an operator.
    pub(crate) fn may_subscribe(&self, service: &ServiceName, pattern: &Pattern) -> Result<(), Error> {
        let granted = |grant: &Grant| matches!(grant, Grant::Subscribe(own) if own.covers(pattern));
        self.check_grant(service, granted, || (format!("subscribe to {pattern}"), format!("subscribe:{pattern}")))
    }

    /// Whether a service may use a queue.
    pub(crate) fn may_use_queue(&self, service: &ServiceName, queue: &str) -> Result<(), Error> {
        let granted = |grant: &Grant| matches!(grant, Grant::Queue(name) if name == queue);
        self.check_grant(service, granted, || (format!("use the queue {queue}"), format!("queue:{queue}")))
    }

    /// Whether a service may use the sagas of a definition.
    pub(crate) fn may_use_saga(&self, service: &ServiceName, saga: &str) -> Result<(), Error> {
        let granted = |grant: &Grant| matches!(grant, Grant::Saga(name) if name == saga);
        self.check_grant(service, granted, || (format!("use the saga {saga}"), format!("saga:{saga}")))
    }

    fn check_grant(
        &self,
        service: &ServiceName,
        granted: impl Fn(&Grant) -> bool,
        told: impl FnOnce() -> (String, String),
    ) -> Result<(), Error> {
        let is_granted = || self.granted.get(service).is_some_and(|grants| grants.iter().any(granted));
        if self.grants == Grants::Open || is_granted() {
            return Ok(());
        }
        let (wish, grant) = told();
        Err(Error::Denied(format!(
            "the service '{service}' may not {wish}; add \"{grant}\" to grants under [services.{service}]"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explicit_grants_name_what_may_be_used() {
        let shop: ServiceName = "shop".parse().unwrap();
        let mut config = Config::default();
        assert!(config.may_publish(&shop, "a.b").is_ok());
        config.grants = Grants::Explicit;
        let error = config.may_publish(&shop, "a.b").unwrap_err().to_string();
        assert!(error.contains("add \"publish:a.b\" to grants under [services.shop]"), "{error}");
        let pattern = |text: &str| text.parse::<Pattern>().unwrap();
        let queue_and_saga = [Grant::Queue("q".to_owned()), Grant::Saga("g".to_owned())];
        let topics = [Grant::Publish(pattern("a.*")), Grant::Subscribe(pattern("s.>"))];
        config.granted.insert(shop.clone(), topics.into_iter().chain(queue_and_saga).collect());
        assert!(config.may_publish(&shop, "a.b").is_ok() && config.may_publish(&shop, "b.a").is_err());
        assert!(config.may_subscribe(&shop, &pattern("s.*")).is_ok());
        assert!(
            config.may_subscribe(&shop, &pattern(">")).is_err()
                && config.may_subscribe(&shop, &pattern("a.b")).is_err()
        );
        assert!(config.may_use_queue(&shop, "q").is_ok() && config.may_use_queue(&shop, "r").is_err());
        assert!(config.may_use_saga(&shop, "g").is_ok() && config.may_use_saga(&shop, "q").is_err());
    }
}
