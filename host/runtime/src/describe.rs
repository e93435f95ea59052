//! Looking at a component: its track, its roles, what it asks for, and what it says of itself.

mod clock;
mod fault;
mod manifest;
mod trial;

use std::collections::BTreeSet;

use anyhow::{Context as _, anyhow, bail};
use switchyard_core::describe::{Description, Role, Track, one_of};
use wasmparser::{Parser, Payload};
use wasmtime::component::{Component, Linker};

use crate::{linker, plugin::roles::Roles, state::GuestState};

/// The names of the custom sections that only builds without optimisation carry in full.
const DEBUG_SECTION: &str = ".debug_info";

/// What the outermost component imports and exports by name, read without compiling.
#[derive(Debug, Default)]
pub(crate) struct Names {
    imports: Vec<String>,
    exports: Vec<String>,
    debug_build: bool,
}

/// Reads a component's names.
pub(crate) fn names(bytes: &[u8]) -> anyhow::Result<Names> {
    let mut names = Names::default();
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.context("the component is damaged or half-written; copy it again")? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) if depth > 0 => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    names.imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    names.exports.push(export?.name.name.to_owned());
                }
            }
            Payload::CustomSection(section) if section.name() == DEBUG_SECTION => names.debug_build = true,
            _ => {}
        }
    }
    Ok(names)
}

impl Names {
    /// The engine that the component needs: anything of WASI 0.3 needs concurrency.
    pub(crate) fn track(&self) -> Track {
        if self.of_03().is_some() { Track::P3 } else { Track::P2 }
    }

    /// The first name that is of WASI 0.3.
    fn of_03(&self) -> Option<&str> {
        let is_03 = |name: &&str| name.starts_with("wasi:") && name.contains("@0.3.");
        self.imports.iter().chain(&self.exports).map(String::as_str).find(is_03)
    }

    /// The roles that the exports give.
    fn roles(&self) -> BTreeSet<Role> {
        Role::of_component(&self.imports, &self.exports)
    }

    /// Refuses, by name, what this host cannot give or take.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let provided = linker::provided();
        for import in &self.imports {
            if linker::is_provided(import, &provided) {
                continue;
            }
            let nearest = linker::nearest(import, &provided).unwrap_or("none");
            bail!("it imports {import}, which this host does not provide; the nearest that it does is {nearest}");
        }
        let roles = self.roles();
        if !roles.iter().any(|role| role.is_called()) {
            let would_do: Vec<_> = Role::ALL.into_iter().filter(|role| role.is_called()).collect();
            bail!(
                "it exports nothing that this host can call ({}); export {}",
                if self.exports.is_empty() { "no exports at all".to_owned() } else { self.exports.join(", ") },
                one_of(&would_do)
            );
        }
        let handler = self.imports.iter().find(|import| Role::of_export(import) == Some(Role::WasiHttp03));
        if let Some(handler) = handler.filter(|_| !roles.contains(&Role::HttpChain)) {
            bail!(
                "it imports {handler}, which is what comes after a middleware, but does not export it; export it as \
                 well, or send requests by wasi:http/client"
            );
        }
        match (self.of_03(), roles.into_iter().find(|role| role.needs_02())) {
            (Some(name), Some(role)) => bail!(
                "it takes the role {}, which is for 0.2 components, but uses {name}; build it for wasm32-wasip2, or \
                 move that export into a component of its own",
                role.interface()
            ),
            _ => Ok(()),
        }
    }
}

/// Describes a compiled component.
pub(crate) fn describe(
    component: &Component,
    linker: &Linker<GuestState>,
    names: Names,
) -> anyhow::Result<Description> {
    let linked = linker
        .instantiate_pre(component)
        .map_err(|error| anyhow!("an import has another shape than what this host provides: {error:#}"))?;
    let roles = names.roles();
    Roles::new(&linked, &roles)
        .map_err(|error| anyhow!("an export has another shape than what this host calls: {error:#}"))?;
    let needs = trial::instance(component)?;
    let manifest = match roles.contains(&Role::Manifest) {
        true => Some(manifest::ask(component).context("manifest.describe failed")?),
        false => None,
    };
    Ok(Description {
        track: names.track(),
        roles,
        imports: names.imports,
        exports: names.exports,
        manifest,
        debug_build: names.debug_build,
        needs,
    })
}

#[cfg(test)]
mod tests {
    use wasmtime::Engine;

    use super::*;
    use crate::{
        engine::{Tier, config},
        testing::number_handler,
    };

    fn names_of(imports: &[&str], exports: &[&str]) -> Names {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Names { imports: own(imports), exports: own(exports), debug_build: false }
    }

    #[test]
    fn an_import_that_nobody_provides_is_named_with_the_nearest() {
        let names = names_of(&["wasi:keyvalue/stor@0.2.0-draft"], &["wasi:http/incoming-handler@0.2.3"]);
        let text = names.check().unwrap_err().to_string();
        assert!(text.contains("wasi:keyvalue/stor@0.2.0-draft"), "{text}");
        assert!(text.contains("is wasi:keyvalue/store@0.2.0-draft"), "{text}");
    }

    #[test]
    fn a_component_without_a_role_is_refused() {
        let text = names_of(&[], &["wasi:cli/run@0.2.3"]).check().unwrap_err().to_string();
        for role in Role::ALL.into_iter().filter(|role| role.is_called()) {
            assert!(text.contains(role.interface()), "{text}");
            assert!(names_of(&[], &[&role.interface().replace(".x", ".0")]).check().is_ok());
        }
        assert!(names_of(&[], &["switchyard:plugin/manifest@0.1.0"]).check().is_err());
    }

    #[test]
    fn what_comes_after_a_middleware_is_for_middleware_alone() {
        let (handler, types) = ("wasi:http/handler@0.3.0", "wasi:http/types@0.3.0");
        let middleware = names_of(&[types, handler], &[handler]);
        assert!(middleware.check().is_ok());
        assert_eq!((middleware.roles(), middleware.track()), ([Role::HttpChain].into(), Track::P3));
        let text = names_of(&[handler], &["wasi:http/incoming-handler@0.2.0"]).check().unwrap_err().to_string();
        assert!(text.contains(handler) && text.contains("export it as well"), "{text}");
    }

    #[test]
    fn synchronous_roles_are_for_02_components() {
        let imports = ["wasi:clocks/monotonic-clock@0.3.0"];
        for role in Role::ALL.into_iter().filter(|role| role.needs_02()) {
            let text = names_of(&imports, &[&role.interface().replace(".x", ".0")]).check().unwrap_err().to_string();
            assert!(text.contains(role.interface()) && text.contains(imports[0]), "{text}");
            assert!(text.contains("build it for wasm32-wasip2"), "{text}");
        }
        let manifest = "switchyard:plugin/manifest@0.1.0";
        assert!(names_of(&imports, &["wasi:http/handler@0.3.0", manifest]).check().is_ok());
    }

    #[test]
    fn an_export_of_another_shape_is_refused_by_name() {
        let engine = Engine::new(&config(Track::P2, Tier::Cranelift)).unwrap();
        let linker = linker::linker(&engine, Track::P2).unwrap();
        for role in Role::ALL.into_iter().filter(|role| role.interface().starts_with("switchyard") && role.is_called())
        {
            let interface = role.interface().replace(".x", ".0");
            let function = match role {
                Role::EventMiddleware => "process",
                Role::HttpMiddleware => "on-request",
                Role::Authenticator => "validate-token",
                _ => "handle",
            };
            let bytes = number_handler(&interface, function);
            let names = names(&bytes).unwrap();
            assert_eq!(names.roles(), [role].into());
            let component = Component::new(&engine, &bytes).unwrap();
            let error = format!("{:#}", describe(&component, &linker, names).unwrap_err());
            assert!(error.starts_with("an export has another shape than what this host calls"), "{error}");
            assert!(error.contains(&format!("{interface}.{function} has another shape")), "{error}");
        }
    }

    #[test]
    fn anything_of_03_needs_the_concurrent_engine() {
        assert_eq!(names_of(&["wasi:io/poll@0.2.1"], &["wasi:http/incoming-handler@0.2.1"]).track(), Track::P2);
        assert_eq!(names_of(&["wasi:io/poll@0.2.1"], &["wasi:http/handler@0.3.0"]).track(), Track::P3);
    }
}
