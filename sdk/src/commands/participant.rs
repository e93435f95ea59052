//! Chooses the handler of a command.

use serde::Serialize;

use super::Command;
use crate::{Failure, json};

type Handler = Box<dyn Fn(&Command) -> Result<Vec<u8>, Failure> + Send + Sync>;

/// The command handlers of a plugin that takes part in sagas. [`plugin!`](crate::plugin!) adds the commands named here
/// to the manifest; another one is rejected.
///
/// What a handler answers is the step's result; one that is a JSON object is laid over the saga's data. A rejection
/// turns the saga back, or makes it stuck if it did already.
///
/// ```
/// use switchyard_sdk::{Command, Failure, Participant};
///
/// fn participant() -> Participant {
///     Participant::new().on("greet", greet).on("ungreet", |_: &Command| Ok::<(), Failure>(()))
/// }
///
/// fn greet(command: &Command) -> Result<serde_json::Value, Failure> {
///     Ok(serde_json::json!({ "greeting": format!("hello, {}", command.saga_id()) }))
/// }
/// # let command = switchyard_sdk::testing::command("greet").saga("ann");
/// # let answer = switchyard_sdk::testing::carry_out(&participant(), command);
/// # assert_eq!(answer, Ok(serde_json::json!({ "greeting": "hello, ann" })));
/// ```
#[derive(Default)]
pub struct Participant {
    /// By command; none is for all.
    handlers: Vec<(Option<&'static str>, Handler)>,
}

/// What can carry out the commands of a plugin: a `fn() -> Participant`, or one `fn(&Command)` for all of them, which
/// the manifest then lists by [`command`](crate::Manifest::command).
#[diagnostic::on_unimplemented(
    message = "`{Self}` carries out no commands",
    note = "name a `fn(&Command) -> Result<impl Serialize, Failure>` or a `fn() -> Participant`"
)]
pub trait IntoParticipant<Kind> {
    /// Makes the participant.
    fn into_participant(self) -> Participant;
}

/// Marks functions that make a participant.
#[derive(Debug)]
pub struct Routed;

/// Marks functions that carry out all commands.
#[derive(Debug)]
pub struct One<T, E>(std::marker::PhantomData<(T, E)>);

// === impl Participant ===

impl Participant {
    /// No handlers: every command is rejected.
    pub fn new() -> Self {
        Self::default()
    }

    /// A handler for the commands of this name.
    ///
    /// # Panics
    /// When the command has one already.
    pub fn on<T: Serialize, E: Into<Failure>>(
        self,
        command: &'static str,
        handler: impl Fn(&Command) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self {
        assert!(!self.commands().any(|other| other == command), "`{command}` has two handlers");
        self.add(Some(command), handler)
    }

    /// The commands that have a handler by name.
    pub fn commands(&self) -> impl Iterator<Item = &'static str> {
        self.handlers.iter().filter_map(|(command, _)| *command)
    }

    /// Carries out a command, and answers its result as JSON.
    ///
    /// # Errors
    /// With the handler's failure.
    pub fn handle(&self, command: &Command) -> Result<Vec<u8>, Failure> {
        let found = self.handlers.iter().find(|(name, _)| name.is_none_or(|name| name == command.name()));
        match found {
            Some((_, handler)) => handler(command),
            None => Err(Failure::Reject(format!("no handler for command `{}`", command.name()))),
        }
    }

    fn add<T: Serialize, E: Into<Failure>>(
        mut self,
        command: Option<&'static str>,
        handler: impl Fn(&Command) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self {
        let handler = move |command: &Command| {
            let result = handler(command).map_err(Into::into)?;
            Ok(json::write(&result, || format!("the result of `{}`", command.name()))?)
        };
        self.handlers.push((command, Box::new(handler)));
        self
    }
}

impl std::fmt::Debug for Participant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.handlers.iter().map(|(command, _)| command)).finish()
    }
}

// === impl IntoParticipant ===

impl<F: FnOnce() -> Participant> IntoParticipant<Routed> for F {
    fn into_participant(self) -> Participant {
        self()
    }
}

impl<F, T, E> IntoParticipant<One<T, E>> for F
where
    F: Fn(&Command) -> Result<T, E> + Send + Sync + 'static,
    T: Serialize,
    E: Into<Failure>,
{
    fn into_participant(self) -> Participant {
        Participant::new().add(None, self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{carry_out, command};

    #[test]
    fn a_command_goes_to_its_handler() {
        let participant = Participant::new()
            .on("pay", |command: &Command| command.payload::<Value>())
            .on("refund", |_: &Command| Err::<(), _>(crate::Error::new(503, "Busy")));
        let paid = carry_out(&participant, command("pay").payload(&json!({ "cents": 5 })));
        assert_eq!(paid, Ok(json!({ "cents": 5 })));
        assert_eq!(carry_out(&participant, command("refund")), Err(Failure::retry("503: Busy")));
        assert_eq!(carry_out(&participant, command("ship")), Err(Failure::reject("no handler for command `ship`")));
        assert_eq!(participant.commands().collect::<Vec<_>>(), ["pay", "refund"]);
    }

    #[test]
    fn one_function_carries_out_everything() {
        fn on_command(command: &Command) -> Result<(), Failure> {
            if command.name() == "pay" { Ok(()) } else { Err(Failure::reject(command.saga_id())) }
        }
        let participant = on_command.into_participant();
        assert_eq!(carry_out(&participant, command("pay")), Ok(Value::Null));
        assert_eq!(carry_out(&participant, command("ship").saga("s-1")), Err(Failure::reject("s-1")));
        assert_eq!(participant.commands().count(), 0);
    }

    #[test]
    fn a_payload_of_another_shape_is_rejected() {
        let participant = Participant::new().on("pay", |command: &Command| command.payload::<u32>());
        let answer = carry_out(&participant, command("pay").saga("s-1"));
        let text = "the data of command `pay` of `s-1` is not as expected";
        assert!(matches!(&answer, Err(Failure::Reject(why)) if why.starts_with(text)), "{answer:?}");
    }

    #[test]
    #[should_panic(expected = "two handlers")]
    fn a_second_handler_for_a_command_is_a_mistake() {
        let done = |_: &Command| Ok::<(), Failure>(());
        let _ = Participant::new().on("pay", done).on("pay", done);
    }
}
