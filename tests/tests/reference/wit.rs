//! `host/WIT.md`: the package `switchyard:plugin`, from the files in `wit/`.

use std::fmt::Write;

use switchyard_tests::root;
use wit_parser::{Docs, Function, Handle, Interface, Resolve, Type, TypeDef, TypeDefKind, WorldItem, WorldKey};

const BEGIN: &str = "# The interfaces of plugins

Made from [wit](../wit), whose files are the truth; [SERVICES.md](SERVICES.md) is the guide. A component exports the roles that it
has, and imports what it uses of the rest. Components that know nothing of these interfaces have `wasi:http` alone, and say
the rest in a side file.
";

/// The page.
pub(super) fn page() -> String {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(root().join("wit")).unwrap();
    let package = &resolve.packages[package];
    let mut page = format!("{BEGIN}\nPackage `{}`.\n", package.name);
    let mut worlds = String::new();
    for (name, world) in &package.worlds {
        let world = &resolve.worlds[*world];
        let roles: Vec<String> = world.exports.keys().map(|key| key_name(&resolve, key)).collect();
        let roles = if roles.is_empty() { "-".to_owned() } else { roles.join(", ") };
        writeln!(worlds, "| `{name}` | {} | {roles} |", sentence(&world.docs)).unwrap();
    }
    write!(page, "\n## Worlds\n\n| world | for | exports |\n| --- | --- | --- |\n{worlds}").unwrap();
    for (name, id) in &package.interfaces {
        let interface = &resolve.interfaces[*id];
        write!(page, "\n## {name}\n\n{}{}\n", docs(&interface.docs), side(&resolve, package.worlds.values(), *id))
            .unwrap();
        functions(&mut page, &resolve, interface);
        types(&mut page, &resolve, interface);
    }
    page
}

/// Whether plugins export or import it.
fn side<'a>(
    resolve: &Resolve,
    worlds: impl Iterator<Item = &'a wit_parser::WorldId>,
    id: wit_parser::InterfaceId,
) -> &'static str {
    let (mut is_role, mut is_import) = (false, false);
    for world in worlds.map(|world| &resolve.worlds[*world]) {
        let holds = |item: &WorldItem| matches!(item, WorldItem::Interface { id: found, .. } if *found == id);
        is_role |= world.exports.values().any(holds);
        is_import |= world.imports.iter().any(|(key, item)| matches!(key, WorldKey::Interface(_)) && holds(item));
    }
    // What holds types alone is imported by whoever uses them, and nobody writes that down.
    match (is_role, is_import && !resolve.interfaces[id].functions.is_empty()) {
        (true, _) => " Plugins export it.",
        (false, true) => " Plugins import it.",
        (false, false) => "",
    }
}

fn key_name(resolve: &Resolve, key: &WorldKey) -> String {
    let name = resolve.name_world_key(key);
    let own = name.strip_prefix("switchyard:plugin/").and_then(|name| name.split('@').next());
    match own {
        Some(own) => format!("[{own}](#{own})"),
        None => format!("`{name}`"),
    }
}

fn functions(page: &mut String, resolve: &Resolve, interface: &Interface) {
    for function in interface.functions.values() {
        write!(page, "\n- `{}`\n  {}\n", signature(resolve, function), indented(&function.docs)).unwrap();
    }
}

fn signature(resolve: &Resolve, function: &Function) -> String {
    let parameters =
        function.params.iter().map(|parameter| format!("{}: {}", parameter.name, of(resolve, parameter.ty)));
    let parameters = parameters.collect::<Vec<_>>().join(", ");
    let result = function.result.map(|result| format!(" -> {}", of(resolve, result))).unwrap_or_default();
    format!("{}: func({parameters}){result}", function.name)
}

fn types(page: &mut String, resolve: &Resolve, interface: &Interface) {
    for (name, id) in &interface.types {
        let found = &resolve.types[*id];
        if let TypeDefKind::Type(Type::Id(other)) = found.kind
            && resolve.types[other].name.as_ref() == Some(name)
        {
            continue;
        }
        writeln!(page, "\n- **{name}**: {}", what(resolve, found)).unwrap();
        if found.docs.contents.is_some() {
            writeln!(page, "  {}", indented(&found.docs)).unwrap();
        }
        for (member, kind, docs) in members(resolve, found) {
            let kind = kind.map(|kind| format!(": {kind}")).unwrap_or_default();
            let docs = docs.contents.as_ref().map(|_| format!(" {}", sentence(docs))).unwrap_or_default();
            writeln!(page, "  - `{member}{kind}`{docs}").unwrap();
        }
    }
}

fn what(resolve: &Resolve, found: &TypeDef) -> String {
    match &found.kind {
        TypeDefKind::Type(other) => format!("`{}`", of(resolve, *other)),
        kind @ (TypeDefKind::List(_) | TypeDefKind::Option(_) | TypeDefKind::Tuple(_) | TypeDefKind::Result(_)) => {
            format!("`{}`", structure(resolve, kind))
        }
        kind => kind.as_str().to_owned(),
    }
}

fn members<'a>(resolve: &Resolve, found: &'a TypeDef) -> Vec<(&'a str, Option<String>, &'a Docs)> {
    match &found.kind {
        TypeDefKind::Record(record) => {
            let member = |field: &'a wit_parser::Field| (field.name.as_str(), Some(of(resolve, field.ty)), &field.docs);
            record.fields.iter().map(member).collect()
        }
        TypeDefKind::Variant(variant) => {
            let case = |case: &'a wit_parser::Case| (case.name.as_str(), case.ty.map(|ty| of(resolve, ty)), &case.docs);
            variant.cases.iter().map(case).collect()
        }
        TypeDefKind::Enum(cases) => cases.cases.iter().map(|case| (case.name.as_str(), None, &case.docs)).collect(),
        TypeDefKind::Flags(flags) => flags.flags.iter().map(|flag| (flag.name.as_str(), None, &flag.docs)).collect(),
        _ => Vec::new(),
    }
}

/// A type as WIT has it.
fn of(resolve: &Resolve, ty: Type) -> String {
    let Type::Id(id) = ty else { return format!("{ty:?}").to_ascii_lowercase() };
    let found = &resolve.types[id];
    match &found.name {
        Some(name) => name.clone(),
        None => structure(resolve, &found.kind),
    }
}

fn structure(resolve: &Resolve, kind: &TypeDefKind) -> String {
    let of = |ty: Type| of(resolve, ty);
    let or_nothing = |ty: Option<Type>| ty.map_or_else(|| "_".to_owned(), of);
    match kind {
        TypeDefKind::Option(inner) => format!("option<{}>", of(*inner)),
        TypeDefKind::List(inner) => format!("list<{}>", of(*inner)),
        TypeDefKind::Result(result) => match (result.ok, result.err) {
            (None, None) => "result".to_owned(),
            (ok, None) => format!("result<{}>", or_nothing(ok)),
            (ok, err) => format!("result<{}, {}>", or_nothing(ok), or_nothing(err)),
        },
        TypeDefKind::Tuple(tuple) => {
            format!("tuple<{}>", tuple.types.iter().map(|ty| of(*ty)).collect::<Vec<_>>().join(", "))
        }
        TypeDefKind::Handle(Handle::Own(id)) => of(Type::Id(*id)),
        TypeDefKind::Handle(Handle::Borrow(id)) => format!("borrow<{}>", of(Type::Id(*id))),
        other => panic!("{} is used nowhere without a name", other.as_str()),
    }
}

fn docs(docs: &Docs) -> String {
    docs.contents.as_deref().unwrap_or_default().trim().to_owned()
}

fn indented(found: &Docs) -> String {
    docs(found).replace('\n', "\n  ")
}

fn sentence(found: &Docs) -> String {
    docs(found).split_whitespace().collect::<Vec<_>>().join(" ")
}
