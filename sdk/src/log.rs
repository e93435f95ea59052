//! The host's log: `log::info!("made {id}")`. The host adds the service's name, and drops lines beyond its limit.

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For following the program step by step.
    Trace,
    /// For finding a fault.
    Debug,
    /// For seeing that it works.
    Info,
    /// Something may go wrong.
    Warn,
    /// Something went wrong.
    Error,
}

/// Writes one line. The context groups lines; the macros take the module's path.
pub fn write(level: Level, context: &str, message: &str) {
    crate::host::log(level, context, message);
}

macro_rules! level_macros {
    ($($(#[$doc:meta])* $hidden:ident as $name:ident = $level:ident),* $(,)?) => {
        level_macros!(@ ($) $($(#[$doc])* $hidden as $name = $level),*);
    };
    (@ ($d:tt) $($(#[$doc:meta])* $hidden:ident as $name:ident = $level:ident),*) => {
        $(
            $(#[$doc])*
            #[doc(hidden)]
            #[macro_export]
            macro_rules! $hidden {
                ($d($d arg:tt)*) => {
                    $d crate::log::write($d crate::log::Level::$level, module_path!(), &format!($d($d arg)*))
                };
            }
            $(#[$doc])*
            #[doc(inline)]
            pub use $hidden as $name;
        )*
    };
}

level_macros! {
    /// Writes a line for following the program step by step.
    __log_trace as trace = Trace,
    /// Writes a line for finding a fault.
    __log_debug as debug = Debug,
    /// Writes a line for seeing that it works.
    __log_info as info = Info,
    /// Writes a line about something that may go wrong.
    __log_warn as warn = Warn,
    /// Writes a line about something that went wrong.
    __log_error as error = Error,
}

#[cfg(test)]
mod tests {
    #[test]
    fn macros_format_and_name_their_module() {
        let id = 7;
        super::info!("made {id} of {}", 9);
        let lines = crate::testing::logged();
        assert_eq!(lines.last().map(String::as_str), Some("Info switchyard_sdk::log::tests made 7 of 9"));
    }
}
