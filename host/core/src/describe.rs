//! What a component is, as far as it can be told without serving it: the result of looking at it once.

mod needs;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::manifest::{Guests, Manifest};

pub use needs::{Exceeds, Needs};

/// A role that a component takes by exporting its interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "PluginRole")]
pub enum Role {
    /// HTTP with whole bodies, the fast lane.
    HttpHandler,
    /// HTTP with streams.
    WasiHttp02,
    /// HTTP with native async.
    WasiHttp03,
    /// Gets the events of its subscriptions.
    EventHandler,
    /// Gets the events of its subscriptions, by the standard ABI.
    Messaging,
    /// Gets the messages of the queues it consumes.
    QueueHandler,
    /// Sees events before they are stored.
    EventMiddleware,
    /// Carries out the commands of sagas that it lists.
    CommandHandler,
    /// Gateway middleware: sees requests and their responses as records.
    HttpMiddleware,
    /// Gateway middleware: answers requests itself, or hands them on to the handler that it imports.
    HttpChain,
    /// Tells whose a token is.
    Authenticator,
    /// Says what the plugin is; not called to serve.
    Manifest,
}

/// Which engine runs a component: 0.2 ones are 8 % faster without support for concurrency inside an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Track {
    /// WASI 0.2: one call at a time in an instance.
    P2,
    /// WASI 0.3: concurrent calls in an instance.
    P3,
}

/// What was found in a component. Cached by digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Description {
    /// The roles it can take.
    pub roles: BTreeSet<Role>,
    /// The engine it needs.
    pub track: Track,
    /// The interfaces it imports, as `package/name@version`.
    pub imports: Vec<String>,
    /// The interfaces it exports.
    pub exports: Vec<String>,
    /// What it says of itself, when it exports the manifest.
    pub manifest: Option<Manifest>,
    /// Whether it was built without optimisation, as far as its sections show; worth a warning.
    pub debug_build: bool,
    /// What each instance takes.
    #[serde(default)]
    pub needs: Needs,
}

/// A manifest asks for calls that the component has no export for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it declares {member}, but {}; add the export, or leave {member} out", self.lack())]
pub struct MissingExport {
    /// The members of the manifest that nothing serves.
    pub member: &'static str,
    /// The roles of which one would do.
    pub needed: &'static [Role],
    /// Whether it exports `wasi:http/handler` as a middleware does, which is another role under the same name.
    pub is_chain: bool,
}

// === impl MissingExport ===

impl MissingExport {
    fn lack(&self) -> String {
        if self.is_chain && self.needed.contains(&Role::WasiHttp03) {
            let interface = Role::HttpChain.interface();
            return format!("imports the {interface} that it exports, which makes it a middleware and no service");
        }
        format!("exports no {}", one_of(self.needed))
    }
}

// === impl Role ===

impl Role {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::HttpHandler,
        Self::WasiHttp02,
        Self::WasiHttp03,
        Self::EventHandler,
        Self::Messaging,
        Self::QueueHandler,
        Self::EventMiddleware,
        Self::CommandHandler,
        Self::HttpMiddleware,
        Self::HttpChain,
        Self::Authenticator,
        Self::Manifest,
    ];

    /// Those that serve HTTP, the fastest first.
    pub const HTTP: [Self; 3] = [Self::HttpHandler, Self::WasiHttp03, Self::WasiHttp02];

    /// Those that handle events, the one that tells a handler most first.
    pub const EVENTS: [Self; 2] = [Self::EventHandler, Self::Messaging];

    /// The interface that gives the role. An `x` at the end stands for any number.
    #[must_use]
    pub fn interface(self) -> &'static str {
        match self {
            Self::HttpHandler => "switchyard:plugin/http-handler@0.1.x",
            Self::WasiHttp02 => "wasi:http/incoming-handler@0.2.x",
            Self::WasiHttp03 | Self::HttpChain => "wasi:http/handler@0.3.x",
            Self::EventHandler => "switchyard:plugin/event-handler@0.1.x",
            Self::Messaging => "wasi:messaging/incoming-handler@0.2.0-draft",
            Self::QueueHandler => "switchyard:plugin/queue-handler@0.1.x",
            Self::EventMiddleware => "switchyard:plugin/event-middleware@0.1.x",
            Self::CommandHandler => "switchyard:plugin/command-handler@0.1.x",
            Self::HttpMiddleware => "switchyard:plugin/http-middleware@0.1.x",
            Self::Authenticator => "switchyard:plugin/authenticator@0.1.x",
            Self::Manifest => "switchyard:plugin/manifest@0.1.x",
        }
    }

    /// The role that an export of this name gives by itself.
    #[must_use]
    pub fn of_export(export: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.is_named(export))
    }

    /// The roles of a component with these imports and exports.
    #[must_use]
    pub fn of_component(imports: &[String], exports: &[String]) -> BTreeSet<Self> {
        let is_chain = imports.iter().any(|import| Self::HttpChain.is_named(import));
        let role = |export: &String| match Self::of_export(export)? {
            Self::WasiHttp03 if is_chain => Some(Self::HttpChain),
            role => Some(role),
        };
        exports.iter().filter_map(role).collect()
    }

    /// Whether an interface of this name is the role's.
    fn is_named(self, name: &str) -> bool {
        match self.interface().strip_suffix('x') {
            Some(track) => name
                .strip_prefix(track)
                .is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|byte| byte.is_ascii_digit())),
            None => name == self.interface(),
        }
    }

    /// Whether the host calls it to serve.
    #[must_use]
    pub fn is_called(self) -> bool {
        self != Self::Manifest
    }

    /// Whether its functions are synchronous, so that one which waits for the host needs the engine of 0.2.
    #[must_use]
    pub fn needs_02(self) -> bool {
        match self {
            Self::HttpHandler
            | Self::EventHandler
            | Self::Messaging
            | Self::QueueHandler
            | Self::EventMiddleware
            | Self::CommandHandler
            | Self::HttpMiddleware
            | Self::Authenticator => true,
            Self::WasiHttp02 | Self::WasiHttp03 | Self::HttpChain | Self::Manifest => false,
        }
    }
}

// === impl Description ===

impl Description {
    /// Whether it can take this role.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// The role in which it serves HTTP, the fastest it has.
    #[must_use]
    pub fn http_role(&self) -> Option<Role> {
        Role::HTTP.into_iter().find(|role| self.has(*role))
    }

    /// The role in which it handles events.
    #[must_use]
    pub fn event_role(&self) -> Option<Role> {
        Role::EVENTS.into_iter().find(|role| self.has(*role))
    }

    /// Whether it can be called with the events of a subscription.
    #[must_use]
    pub fn handles_events(&self) -> bool {
        self.event_role().is_some()
    }

    /// Gives a component that serves HTTP, and whose manifest has no routes, the one of its name; and has guests of WASI
    /// 0.3 reused, which are made for many requests at once, unless something else was said. To be done once the side
    /// file is merged, since that may change the name.
    pub fn complete(&self, manifest: &mut Manifest) {
        if self.http_role().is_some() {
            manifest.default_routes();
        }
        if self.track == Track::P3 {
            manifest.guests.get_or_insert(Guests::Reused);
        }
    }

    /// Checks that there is an export for everything that the manifest asks for, side file included.
    ///
    /// # Errors
    /// With the first members that nothing serves, and what would.
    pub fn check(&self, manifest: &Manifest) -> Result<(), MissingExport> {
        let needs: [(&str, bool, &[Role]); 5] = [
            ("subscriptions", manifest.subscriptions.is_empty(), &Role::EVENTS),
            ("queues", manifest.queues.is_empty(), &[Role::QueueHandler]),
            ("commands", manifest.commands.is_empty(), &[Role::CommandHandler]),
            ("routes", manifest.routes.is_empty(), &Role::HTTP),
            ("health", manifest.health.is_none(), &Role::HTTP),
        ];
        let missing = |needed: &[Role]| !needed.iter().any(|role| self.has(*role));
        match needs.into_iter().find(|(_, unsaid, needed)| !unsaid && missing(needed)) {
            Some((member, _, needed)) => Err(MissingExport { member, needed, is_chain: self.has(Role::HttpChain) }),
            None => Ok(()),
        }
    }
}

/// The interfaces of these roles, of which one is enough.
#[must_use]
pub fn one_of(roles: &[Role]) -> String {
    let mut names: Vec<_> = roles.iter().map(|role| role.interface()).collect();
    // Two roles share an interface, and stand side by side in no list but that of all.
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(*name));
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(roles: &[Role]) -> Description {
        Description {
            roles: roles.iter().copied().collect(),
            track: Track::P2,
            imports: Vec::new(),
            exports: Vec::new(),
            manifest: None,
            debug_build: false,
            needs: Needs::default(),
        }
    }

    fn manifest(side: &str) -> Manifest {
        let mut manifest = Manifest::of_file("users".parse().unwrap(), None);
        manifest.overlay(toml::from_str(side).unwrap());
        manifest
    }

    #[test]
    fn exports_give_roles_by_track_and_drafts_exactly() {
        for role in Role::ALL.into_iter().filter(|role| *role != Role::HttpChain) {
            assert_eq!(Role::of_export(&role.interface().replace(".x", ".12")), Some(role));
        }
        for other in [
            "switchyard:plugin/event-handler@0.2.0",
            "switchyard:plugin/event-handler@0.1.",
            "switchyard:plugin/event-handler@0.1.0-rc",
            "switchyard:plugin/event-handler",
            "wasi:messaging/incoming-handler@0.2.0",
            "wasi:cli/run@0.2.0",
        ] {
            assert_eq!(Role::of_export(other), None, "{other}");
        }
    }

    #[test]
    fn a_handler_that_imports_a_handler_is_a_middleware() {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let exports = own(&["wasi:http/handler@0.3.0", "switchyard:plugin/manifest@0.1.0"]);
        let chain = Role::of_component(&own(&["wasi:http/types@0.3.0", "wasi:http/handler@0.3.1"]), &exports);
        assert_eq!(chain, [Role::HttpChain, Role::Manifest].into());
        let service = Role::of_component(&own(&["wasi:http/types@0.3.0", "wasi:http/client@0.3.0"]), &exports);
        assert_eq!(service, [Role::WasiHttp03, Role::Manifest].into());
        assert_eq!(Role::of_component(&own(&["wasi:http/handler@0.3.0"]), &[]), [].into());
    }

    #[test]
    fn guests_of_0_3_are_reused_unless_something_else_is_said() {
        for (track, said, expected) in [
            (Track::P2, None, None),
            (Track::P3, None, Some(Guests::Reused)),
            (Track::P3, Some(Guests::Fresh), Some(Guests::Fresh)),
        ] {
            let mut manifest = Manifest { guests: said, ..manifest("") };
            Description { track, ..component(&[Role::WasiHttp03]) }.complete(&mut manifest);
            assert_eq!(manifest.guests, expected, "{track:?} {said:?}");
        }
    }

    #[test]
    fn what_is_only_middleware_or_authenticator_is_no_service() {
        for role in [Role::HttpMiddleware, Role::HttpChain, Role::Authenticator] {
            let mut silent = manifest("");
            component(&[role]).complete(&mut silent);
            assert_eq!(silent.routes, [], "{role:?}");
            assert_eq!(component(&[role]).http_role(), None, "{role:?}");
            assert!(component(&[role]).check(&manifest("routes = [{ path = '/a' }]")).is_err(), "{role:?}");
        }
        refused(
            &[Role::HttpChain],
            "health = '/ok'",
            "it declares health, but imports the wasi:http/handler@0.3.x that it exports, which makes it a middleware \
             and no service; add the export, or leave health out",
        );
    }

    #[track_caller]
    fn refused(roles: &[Role], side: &str, expected: &str) {
        let error = component(roles).check(&manifest(side)).unwrap_err().to_string();
        assert_eq!(error, expected);
    }

    #[test]
    fn what_a_manifest_asks_for_needs_its_export() {
        let subscriptions = "subscriptions = [{ topic = 'a' }]";
        refused(
            &[Role::WasiHttp02, Role::QueueHandler],
            subscriptions,
            "it declares subscriptions, but exports no switchyard:plugin/event-handler@0.1.x or \
             wasi:messaging/incoming-handler@0.2.0-draft; add the export, or leave subscriptions out",
        );
        refused(
            &[Role::EventHandler],
            "queues = [{ queue = 'a' }]",
            "it declares queues, but exports no switchyard:plugin/queue-handler@0.1.x; add the export, or leave queues \
             out",
        );
        let commands = "commands = ['a']";
        refused(
            &[Role::QueueHandler],
            commands,
            "it declares commands, but exports no switchyard:plugin/command-handler@0.1.x; add the export, or leave \
             commands out",
        );
        assert!(component(&[Role::EventHandler]).check(&manifest("routes = [{ path = '/a' }]")).is_err());
        assert!(component(&[Role::EventHandler]).check(&manifest("health = '/ok'")).is_err());
        for role in Role::EVENTS {
            assert_eq!(component(&[role]).check(&manifest(subscriptions)), Ok(()));
        }
        assert_eq!(component(&[Role::QueueHandler]).check(&manifest("queues = [{ queue = 'a' }]")), Ok(()));
        assert_eq!(component(&[Role::CommandHandler]).check(&manifest(commands)), Ok(()));
        // The steps of a saga are carried out by whoever lists their commands.
        let saga = "sagas = [{ name = 's', steps = [{ command = 'a', irreversible = true }] }]";
        assert_eq!(component(&[Role::HttpHandler]).check(&manifest(saga)), Ok(()));
    }

    #[test]
    fn only_what_serves_http_gets_the_route_of_its_name() {
        let mut silent = manifest("");
        component(&[Role::QueueHandler, Role::Manifest]).complete(&mut silent);
        assert_eq!(silent.routes, []);
        assert_eq!(component(&[Role::QueueHandler]).check(&silent), Ok(()));
        let mut named = manifest("name = 'people'");
        component(&[Role::WasiHttp03]).complete(&mut named);
        assert_eq!(named.routes[0].path, "/people/*");
        let mut routed = manifest("routes = [{ path = '/a' }]");
        component(&[Role::WasiHttp03]).complete(&mut routed);
        assert_eq!(routed.routes.len(), 1);
    }
}
