//! What the host logs about a service, kept beside what the service says itself.

use std::{
    fmt::{self, Write},
    sync::Arc,
};

use switchyard_core::name::PluginFile;
use switchyard_runtime::ports::LogLevel;
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    subscriber::Interest,
};
use tracing_subscriber::{
    Layer,
    layer::{Context, Filter},
};

use super::{Line, Logs};

/// Targets whose lines come from elsewhere, or are not about the service that they name.
const OTHERS: [&str; 2] = ["guest", "access"];

/// The longest text of a line in bytes; a backtrace may be long.
const TEXT_MAX: usize = 8 << 10;

/// Keeps what is logged with a field `service` or `plugin`, whatever the level that the host's own log has.
pub(crate) struct HostLines(Arc<Logs>);

/// Which events those are; asked once for each place in the code.
pub(crate) struct OfServices;

/// The fields of one event.
#[derive(Default)]
struct Fields {
    service: Option<String>,
    plugin: Option<String>,
    request_id: Option<String>,
    generation: Option<u64>,
    message: String,
    others: String,
}

// === impl HostLines ===

impl HostLines {
    /// The layer, with its filter.
    pub(crate) fn layer<S>(logs: Arc<Logs>) -> impl Layer<S>
    where
        S: Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
    {
        Self(logs).with_filter(OfServices)
    }
}

impl<S: Subscriber> Layer<S> for HostLines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let Some(service) = fields.service() else { return };
        let level = match *event.metadata().level() {
            Level::ERROR => LogLevel::Error,
            Level::WARN => LogLevel::Warn,
            Level::INFO => LogLevel::Info,
            Level::DEBUG | Level::TRACE => LogLevel::Debug,
        };
        let mut text = fields.message + &fields.others;
        text.truncate(text.floor_char_boundary(TEXT_MAX));
        self.0.push(Line::of_host(&service, fields.generation, level, text).within(fields.request_id));
    }
}

// === impl OfServices ===

impl OfServices {
    fn wants(metadata: &Metadata<'_>) -> bool {
        let fields = metadata.fields();
        metadata.is_event()
            && *metadata.level() <= Level::INFO
            && !OTHERS.contains(&metadata.target())
            && (fields.field("service").is_some() || fields.field("plugin").is_some())
    }
}

impl<S> Filter<S> for OfServices {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        Self::wants(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if Self::wants(metadata) { Interest::always() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }
}

// === impl Fields ===

impl Fields {
    /// The service that it is about: a plugin that has not told its service yet is known by its file.
    fn service(&mut self) -> Option<String> {
        let of_plugin = || PluginFile::from_stem(self.plugin.as_deref()?).ok().map(|file| file.service.to_string());
        self.service.take().or_else(of_plugin)
    }

    fn other(&mut self, name: &str, value: fmt::Arguments<'_>) {
        // Writing into memory does not fail.
        let _ = write!(self.others, " {name}={value}");
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            "service" => self.service = Some(format!("{value:?}")),
            "plugin" => self.plugin = Some(format!("{value:?}")),
            "request_id" => self.request_id = Some(format!("{value:?}")),
            // It has a place of its own.
            "generation" => self.generation = format!("{value:?}").parse().ok(),
            "backtrace" => {
                let backtrace = format!("{value:?}");
                if !backtrace.is_empty() {
                    self.other("backtrace", format_args!("{backtrace}"));
                }
            }
            name => self.other(name, format_args!("{value:?}")),
        }
    }
}
