//! Names that one service at a time may hold: the commands that it carries out for sagas, and its saga definitions.
//!
//! As with routes: whoever holds a name keeps it, of several newcomers the first one gets it, and the others are told
//! by whom it is held.

use std::{collections::BTreeMap, fmt};

use crate::{manifest::Manifest, name::ServiceName};

/// Who holds what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims(BTreeMap<Claim, ServiceName>);

/// A name that can be held.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    /// What it names.
    pub kind: Kind,
    /// The name.
    pub name: String,
}

/// What a name is the name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A command.
    Command,
    /// A definition.
    Saga,
}

/// A name that a service asks for and does not get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The name.
    pub claim: Claim,
    /// Who asks for it.
    pub asked_by: ServiceName,
    /// Who has it.
    pub held_by: ServiceName,
}

// === impl Claims ===

impl Claims {
    /// What these manifests ask for, the earlier one first, while nobody holds anything.
    pub fn of<'a>(manifests: impl IntoIterator<Item = &'a Manifest>) -> Self {
        Self::default().succeeded_by(manifests).0
    }

    /// Who holds what after these: of what they ask for, everybody keeps what is held by them here, and the rest goes
    /// to the earlier one.
    pub fn succeeded_by<'a>(&self, manifests: impl IntoIterator<Item = &'a Manifest>) -> (Self, Vec<Refused>) {
        let wishes =
            manifests.into_iter().flat_map(|manifest| Claim::all(manifest).map(|claim| (claim, &manifest.name)));
        let mut wishes: Vec<(Claim, &ServiceName)> = wishes.collect();
        wishes.sort_by_key(|(claim, owner)| self.0.get(claim) != Some(owner));
        let (mut held, mut refused) = (Self::default(), Vec::new());
        for (claim, owner) in wishes {
            match held.0.get(&claim) {
                Some(holder) if holder != owner => {
                    refused.push(Refused { claim, asked_by: owner.clone(), held_by: holder.clone() });
                }
                Some(_) => {}
                None => _ = held.0.insert(claim, owner.clone()),
            }
        }
        (held, refused)
    }
}

// === impl Claim ===

impl Claim {
    /// All that a manifest asks for.
    fn all(manifest: &Manifest) -> impl Iterator<Item = Self> {
        let commands = manifest.commands.iter().map(|name| Self { kind: Kind::Command, name: name.clone() });
        let sagas = manifest.sagas.iter().map(|saga| Self { kind: Kind::Saga, name: saga.name().to_owned() });
        commands.chain(sagas)
    }
}

// === impl Refused ===

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Claim { kind, name }, asked_by, held_by) = (&self.claim, &self.asked_by, &self.held_by);
        let (what, remedy) = match kind {
            Kind::Command => ("command", "; give it another name, or name the service in the steps that mean this one"),
            Kind::Saga => ("saga", "; give it another name"),
        };
        write!(f, "the {what} '{name}' of {asked_by} is held by the service {held_by}{remedy}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A service that takes these commands and declares these sagas.
    fn manifest(name: &str, commands: &[&str], sagas: &[&str]) -> Manifest {
        let mut manifest = Manifest::of_file(name.parse().unwrap(), None);
        manifest.commands = commands.iter().map(|name| (*name).to_owned()).collect();
        let saga = |name| format!(r#"{{"name":"{name}","steps":[{{"wait":{{"signal":"go"}}}}]}}"#);
        manifest.sagas = sagas.iter().map(|name| serde_json::from_str(&saga(name)).unwrap()).collect();
        manifest
    }

    /// Who is refused what, each as `NAME of SERVICE`.
    #[track_caller]
    fn check(held: &Claims, manifests: &[&Manifest], refused: &[&str]) -> Claims {
        let (claims, told) = held.succeeded_by(manifests.iter().copied());
        let told: Vec<_> = told.iter().map(|told| format!("{} of {}", told.claim.name, told.asked_by)).collect();
        assert_eq!(told, refused);
        claims
    }

    #[test]
    fn of_newcomers_the_first_gets_a_name_and_keeps_it() {
        let (a, b) = (manifest("a", &["pay", "ship"], &["order"]), manifest("b", &["pay"], &["order", "other"]));
        let held = check(&Claims::default(), &[&b, &a], &["pay of a", "order of a"]);
        assert_eq!(check(&held, &[&a, &b], &["pay of a", "order of a"]), held);
        assert_eq!(Claims::of([&b]), check(&held, &[&b], &[]));
    }

    #[test]
    fn a_name_that_was_given_up_goes_to_whoever_waits_for_it() {
        let (a, b) = (manifest("a", &["pay"], &[]), manifest("b", &["pay"], &[]));
        let held = check(&Claims::default(), &[&a, &b], &["pay of b"]);
        let held = check(&held, &[&manifest("a", &[], &[]), &b], &[]);
        check(&held, &[&a, &b], &["pay of a"]);
    }

    #[test]
    fn a_command_and_a_saga_may_have_one_name() {
        check(&Claims::default(), &[&manifest("a", &["order"], &[]), &manifest("b", &[], &["order"])], &[]);
    }

    #[test]
    fn a_refusal_says_by_whom_it_is_held_and_what_helps() {
        let (a, b) = (manifest("a", &["pay"], &["order"]), manifest("b", &["pay"], &["order"]));
        let (_, refused) = Claims::default().succeeded_by([&a, &b]);
        let told: Vec<_> = refused.iter().map(ToString::to_string).collect();
        assert!(told[0].starts_with("the command 'pay' of b is held by the service a; "), "{told:?}");
        assert_eq!(told[1], "the saga 'order' of b is held by the service a; give it another name");
    }
}
