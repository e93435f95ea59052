//! What a plugin is, from its component, its side file and its file name.

use switchyard_core::{
    describe::Description,
    manifest::{Manifest, SideFile},
    name::PluginFile,
};
use switchyard_delivery::Delivery;

use crate::config::explain;

/// What the component says of itself, or its file name, with the side file's text over it.
///
/// # Errors
/// With what is wrong: the file's name, the side file, a member, or that the component has no export for a member.
pub(crate) fn manifest(stem: &str, description: &Description, side: Option<&str>) -> Result<Manifest, String> {
    let file = PluginFile::from_stem(stem).map_err(|invalid| invalid.to_string())?;
    let own = description.manifest.clone();
    let mut manifest = own.unwrap_or_else(|| Manifest::of_file(file.service, file.version));
    if let Some(text) = side {
        let name = format!("{stem}.toml");
        let side: SideFile = toml::from_str(text).map_err(|error| explain(&name, text, &error))?;
        manifest.overlay(side);
    }
    description.complete(&mut manifest);
    manifest.check().map_err(|invalid| invalid.to_string())?;
    description.check(&manifest).map_err(|missing| missing.to_string())?;
    for subscription in &manifest.subscriptions {
        Delivery::check(subscription).map_err(|error| format!("the subscription '{}': {error}", subscription.topic))?;
    }
    Ok(manifest)
}

#[cfg(test)]
mod tests {
    use switchyard_core::describe::{Needs, Role, Track};

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

    #[track_caller]
    fn refused(roles: &[Role], side: &str, expected: &str) {
        let error = manifest("shop", &component(roles), Some(side)).expect_err("it is wrong");
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn a_side_file_asks_for_what_the_component_has_exports_for() {
        let events = "subscriptions = [{ topic = 'a', filter = 'data.n > 1' }]";
        refused(&[Role::WasiHttp02], events, "it declares subscriptions, but exports no");
        refused(&[Role::Messaging], "queues = [{ queue = 'a' }]", "it declares queues, but exports no");
        refused(&[Role::EventHandler], "subscriptions = [{ topic = 'a', filter = '1 +' }]", "the subscription 'a': ");
        refused(
            &[Role::EventHandler],
            "\nsubscription = []",
            "shop.toml:2: unknown member 'subscription'; did you mean",
        );
        let held = manifest("shop", &component(&[Role::Messaging]), Some(events)).expect("it holds");
        assert_eq!((held.subscriptions.len(), held.routes.len()), (1, 0));
    }

    #[test]
    fn a_side_file_gives_commands_and_saga_definitions() {
        let side = "commands = ['pay', 'refund']
            [[sagas]]
            name = 'order'
            onFailure = 'stuck'
            steps = [
                { command = 'pay', compensation = 'refund', timeout = '5s', data = { limit = 30 } },
                { wait = { signal = 'approved', timeout = '1d' } },
            ]";
        let held = manifest("shop", &component(&[Role::CommandHandler]), Some(side)).expect("it holds");
        let steps: Vec<_> = held.sagas[0].steps().iter().map(|step| step.label()).collect();
        assert_eq!((held.commands.len(), &steps[..]), (2, &["pay".into(), "signal approved".into()][..]));
        assert_eq!(held.sagas[0].command_step(0).map(|step| step.data["limit"].clone()), Some(30.into()));
        let definition_only = "[[sagas]]\nname = 'order'\nsteps = [{ wait = { timer = '1s' } }]";
        assert!(manifest("shop", &component(&[Role::HttpHandler]), Some(definition_only)).is_ok());
    }

    #[test]
    fn commands_and_definitions_that_do_not_hold_are_refused_by_name() {
        let saga = |steps: &str| format!("\n[[sagas]]\nname = 'order'\nsteps = [{steps}]");
        let definition = |steps: &str, expected| refused(&[Role::CommandHandler], &saga(steps), expected);
        refused(&[Role::HttpHandler], "commands = ['pay']", "it declares commands, but exports no");
        refused(&[Role::CommandHandler], "commands = ['pay now']", "'pay now' is not the name of a command");
        refused(&[Role::CommandHandler], "commands = ['pay', 'pay']", "pay");
        definition("", "the saga 'order': ");
        definition("{ command = 'pay' }", "the saga 'order': ");
        definition("{ command = 'pay', compensate = 'refund' }", "shop.toml:");
        let twice = "[[sagas]]\nname = 'order'\nsteps = [{ wait = { timer = '1s' } }]\n".repeat(2);
        refused(&[Role::HttpHandler], &twice, "order");
    }

    #[test]
    fn only_what_serves_http_has_the_route_of_its_name() {
        assert_eq!(manifest("shop", &component(&[Role::QueueHandler]), None).expect("it holds").routes, []);
        let renamed = manifest("shop", &component(&[Role::HttpHandler]), Some("name = 'store'")).expect("it holds");
        assert_eq!(renamed.routes[0].path, "/store/*");
    }
}
