use proptest::prelude::*;

use super::*;
use crate::route::Layer;

fn rule(path: &str, methods: &[&str], host: Option<&str>, layer: Layer, owner: &str) -> RouteRule<String> {
    RouteRule {
        pattern: path.parse().unwrap(),
        host: host.map(str::to_owned),
        methods: methods.iter().map(|&m| m.to_owned()).collect(),
        headers: Vec::new(),
        target: format!("{owner} {path}"),
        origin: Origin { layer, owner: owner.to_owned() },
    }
}

fn plain(paths: &[&str]) -> RouteTable<String> {
    let rules = paths.iter().map(|path| rule(path, &[], None, Layer::Manifest, "s"));
    let (table, refused) = RouteTable::build(rules);
    assert!(refused.is_empty());
    table
}

#[track_caller]
fn found(table: &RouteTable<String>, host: &str, method: &str, path: &str, target: &str) {
    assert_eq!(table.find(host, method, path, &|_| false), Lookup::Found(&target.to_owned()), "{method} {host}{path}");
}

#[test]
fn exact_beats_template_beats_the_longest_prefix() {
    let table = plain(&["/*", "/a/*", "/a/b/*", "/a/{x}", "/a/b", "/{x}/b/c", "/a/{x}/c"]);
    for (path, target) in [
        ("/", "s /*"),
        ("/ab", "s /*"),
        ("/a", "s /a/*"),
        ("/a/", "s /a/*"),
        ("/a/b", "s /a/b"),
        ("/a/z", "s /a/{x}"),
        ("/a/b/d", "s /a/b/*"),
        ("/a/b/c", "s /a/{x}/c"),
        ("/z/b/c", "s /{x}/b/c"),
    ] {
        found(&table, "h", "GET", path, target);
    }
}

#[test]
fn a_host_decides_between_equal_paths_only() {
    let (table, _) = RouteTable::build([
        rule("/a/*", &[], None, Layer::Manifest, "any"),
        rule("/a/*", &[], Some("X.example."), Layer::Manifest, "x"),
        rule("/a/b/*", &[], None, Layer::Manifest, "any"),
        rule("/only", &[], Some("[::1]"), Layer::Manifest, "six"),
    ]);
    found(&table, "x.EXAMPLE:8080", "GET", "/a/c", "x /a/*");
    found(&table, "y.example", "GET", "/a/c", "any /a/*");
    found(&table, "x.example", "GET", "/a/b/c", "any /a/b/*");
    found(&table, "[::1]:3000", "GET", "/only", "six /only");
    assert_eq!(table.find("other", "GET", "/only", &|_| false), Lookup::NotFound);
    assert_eq!(table.find(&"x".repeat(300), "GET", "/only", &|_| false), Lookup::NotFound);
}

#[test]
fn another_method_falls_through_to_a_vaguer_rule_or_is_not_allowed() {
    let (table, _) = RouteTable::build([
        rule("/a/b", &["POST"], None, Layer::Manifest, "exact"),
        rule("/a/*", &["DELETE"], None, Layer::Manifest, "prefix"),
        rule("/c", &["GET"], None, Layer::Manifest, "c"),
    ]);
    found(&table, "h", "DELETE", "/a/b", "prefix /a/*");
    let allow = "DELETE, POST".to_owned();
    assert_eq!(table.find("h", "GET", "/a/b", &|_| false), Lookup::MethodNotAllowed { allow });
    assert_eq!(table.find("h", "PUT", "/c", &|_| false), Lookup::MethodNotAllowed { allow: "GET, HEAD".to_owned() });
    assert_eq!(table.find("h", "PUT", "/d", &|_| false), Lookup::NotFound);
}

#[test]
fn head_goes_to_the_rule_that_names_it_before_the_one_of_get() {
    let (table, refused) = RouteTable::build([
        rule("/a", &["GET"], None, Layer::Manifest, "get"),
        rule("/a", &["HEAD"], None, Layer::Manifest, "head"),
        rule("/b", &["GET"], None, Layer::Manifest, "get"),
    ]);
    assert!(refused.is_empty());
    found(&table, "h", "HEAD", "/a", "head /a");
    found(&table, "h", "HEAD", "/b", "get /b");
}

#[test]
fn a_route_that_is_held_is_refused_to_the_newcomer_with_the_holder_named() {
    let (table, refused) = RouteTable::build([
        rule("/a/{id}", &["GET", "PUT"], None, Layer::Manifest, "first"),
        rule("/a/{name}", &["PUT"], None, Layer::SideFile, "second"),
        rule("/a/{id}", &["POST"], None, Layer::Manifest, "third"),
        rule("/a/{id}", &[], Some("h"), Layer::Manifest, "fourth"),
        rule("/a/{id}", &["GET"], None, Layer::Manifest, "first"),
    ]);
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].held_by.owner, "first");
    assert_eq!(
        refused[0].to_string(),
        "the route PUT /a/{name} of second is held by the manifest of first; give it another path, or decide \
         between them by a [[route]] in the config"
    );
    assert_eq!(table.rules().len(), 4);
}

#[test]
fn a_later_layer_wins_for_the_methods_it_names() {
    let (table, refused) = RouteTable::build([
        rule("/a/*", &[], None, Layer::Config, "switchyard.toml"),
        rule("/a/*", &["GET"], None, Layer::Manifest, "plugin"),
        rule("/a/*", &["POST"], None, Layer::Api, "operator"),
    ]);
    assert!(refused.is_empty());
    found(&table, "h", "GET", "/a", "switchyard.toml /a/*");
    found(&table, "h", "POST", "/a", "operator /a/*");
}

/// The same rule for requests with these headers: `name` for any value, `name: value` for one.
fn with(mut rule: RouteRule<String>, headers: &[&str]) -> RouteRule<String> {
    let asked =
        headers.iter().map(|text| text.split_once(": ").map_or((*text, None), |(name, value)| (name, Some(value))));
    rule.headers = HeaderMatch::list(asked).unwrap();
    rule.target = format!("{} {headers:?}", rule.target);
    rule
}

/// A request whose headers are these.
fn having<'a>(headers: &'a [(&'a str, &'a str)]) -> impl Fn(&HeaderMatch) -> bool + 'a {
    move |asked| {
        let is_asked_for = |value: &str| asked.value.as_ref().is_none_or(|asked| asked == value);
        headers.iter().any(|(name, value)| *name == asked.name && is_asked_for(value))
    }
}

#[test]
fn more_headers_decide_after_host_and_method_and_before_the_order() {
    let of = |path, methods: &[&str], name: &str| {
        let target = name.to_owned();
        RouteRule { target, ..rule(path, methods, None, Layer::Config, "switchyard.toml") }
    };
    let plain = |methods: &[&str], name| of("/a/*", methods, name);
    let (table, refused) = RouteTable::build([
        plain(&[], "all"),
        with(plain(&[], "one"), &["X-Canary"]),
        with(plain(&[], "two"), &["x-tenant: b", "x-canary: yes"]),
        with(plain(&[], "late"), &["x-tenant: b"]),
        plain(&["POST"], "post"),
        with(of("/a/b", &[], "exact"), &["x-canary: yes"]),
    ]);
    assert!(refused.is_empty());
    for (method, path, headers, owner) in [
        ("GET", "/a/c", &[][..], "all"),
        ("GET", "/a/c", &[("x-canary", "no")], "one "),
        ("GET", "/a/c", &[("x-canary", "yes"), ("x-tenant", "b")], "two "),
        ("GET", "/a/c", &[("x-canary", "yes"), ("x-tenant", "B")], "one "),
        ("GET", "/a/c", &[("x-canary", "no"), ("x-tenant", "b")], "one "),
        ("POST", "/a/c", &[("x-canary", "yes"), ("x-tenant", "b")], "post"),
        ("GET", "/a/b", &[("x-canary", "yes")], "exact "),
        ("GET", "/a/b", &[("x-canary", "no")], "one "),
    ] {
        let Lookup::Found(target) = table.find("h", method, path, &having(headers)) else {
            panic!("{path} {headers:?}")
        };
        assert!(target.starts_with(owner), "{method} {path} {headers:?}: {target}");
    }
}

#[test]
fn a_rule_whose_headers_are_missing_is_not_there() {
    let get = with(rule("/a", &["GET"], None, Layer::Manifest, "s"), &["x-key"]);
    let (table, _) = RouteTable::build([get, rule("/b", &["PUT"], None, Layer::Manifest, "s")]);
    assert_eq!(table.find("h", "GET", "/a", &having(&[])), Lookup::NotFound);
    assert_eq!(table.find("h", "POST", "/a", &having(&[])), Lookup::NotFound);
    let allow = "GET, HEAD".to_owned();
    assert_eq!(table.find("h", "POST", "/a", &having(&[("x-key", "")])), Lookup::MethodNotAllowed { allow });
}

#[test]
fn rules_that_ask_for_the_same_headers_refuse_each_other() {
    let of = |owner, headers: &[&str]| with(rule("/a", &[], None, Layer::Manifest, owner), headers);
    let (before, refused) = RouteTable::build([of("p", &["a", "b: 1"]), of("q", &["b: 1", "A"]), of("r", &["a"])]);
    let said: Vec<_> = refused.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 1);
    assert!(said[0].starts_with("the route /a with 'a: *' and 'b: 1' of q is held by the manifest of p;"), "{said:?}");
    // Another set of headers is a newcomer's, even from who holds the path.
    let (_, refused) = before.succeeded_by([of("p", &["a"]), of("r", &["a"])]);
    assert_eq!(refused.iter().map(|refused| refused.rule.origin.owner.as_str()).collect::<Vec<_>>(), ["p"]);
}

/// What the table must say, by looking at every rule.
fn naive<'a>(
    table: &'a RouteTable<String>,
    host: &str,
    method: &str,
    path: &str,
    has: &dyn Fn(&HeaderMatch) -> bool,
) -> Lookup<'a, String> {
    let on_path: Vec<_> = table
        .rules()
        .iter()
        .enumerate()
        .filter(|(_, rule)| rule.pattern.matches(path) && rule.host.as_deref().is_none_or(|own| own == host))
        .filter(|(_, rule)| rule.headers.iter().all(has))
        .collect();
    let best =
        on_path.iter().filter_map(|(i, rule)| Some((Precedence::of(rule, *i, method)?, *rule))).max_by_key(|x| x.0);
    match best {
        Some((_, rule)) => Lookup::Found(&rule.target),
        None if on_path.is_empty() => Lookup::NotFound,
        None => {
            let mut methods: Vec<_> = on_path.iter().flat_map(|(_, rule)| rule.methods.clone()).collect();
            if methods.contains(&"GET".to_owned()) {
                methods.push("HEAD".to_owned());
            }
            methods.sort();
            methods.dedup();
            Lookup::MethodNotAllowed { allow: methods.join(", ") }
        }
    }
}

fn patterns() -> impl Strategy<Value = String> {
    let segment = prop_oneof![Just("a"), Just("b"), Just(""), Just("{x}")];
    (prop::collection::vec(segment, 0..4), any::<bool>()).prop_map(|(segments, prefix)| {
        let path: String = segments.iter().flat_map(|segment| ["/", segment]).collect();
        match (prefix, path.is_empty()) {
            (true, _) => format!("{path}/*"),
            (false, true) => "/".to_owned(),
            (false, false) => path,
        }
    })
}

fn rules() -> impl Strategy<Value = Vec<RouteRule<String>>> {
    let methods = prop_oneof![Just(vec![]), Just(vec!["GET"]), Just(vec!["POST", "HEAD"]), Just(vec!["GET", "PUT"])];
    let host = prop_oneof![Just(None), Just(Some("x")), Just(Some("y"))];
    let layer = prop_oneof![Just(Layer::Manifest), Just(Layer::SideFile), Just(Layer::Config), Just(Layer::Api)];
    let headers = prop_oneof![Just(vec![]), Just(vec!["a"]), Just(vec!["a: 1"]), Just(vec!["b", "a"])];
    let one = (patterns(), methods, host, headers, layer, "[p-s]").prop_map(
        |(path, methods, host, headers, layer, owner)| with(rule(&path, &methods, host, layer, &owner), &headers),
    );
    prop::collection::vec(one, 0..24)
}

proptest! {
    #[test]
    fn the_table_says_what_a_look_at_every_rule_says(
        rules in rules(),
        requests in prop::collection::vec(
            (prop::sample::select(vec!["x", "y", "z"]), prop::sample::select(vec!["GET", "HEAD", "POST", "DELETE"]),
             "(/[abc]?){1,5}", prop::collection::vec(prop::sample::select(vec![("a", "1"), ("a", "2"), ("b", "")]), 0..3)),
            1..16),
    ) {
        let (table, refused) = RouteTable::build(rules.clone());
        prop_assert_eq!(table.rules().len() + refused.len(), rules.len());
        for (host, method, path, headers) in requests {
            let has = having(&headers);
            prop_assert_eq!(table.find(host, method, &path, &has), naive(&table, host, method, &path, &has));
        }
    }

    #[test]
    fn patterns_read_what_they_print(pattern in patterns()) {
        let parsed: Pattern = pattern.parse().unwrap();
        prop_assert_eq!(parsed.to_string(), pattern);
    }
}

#[test]
fn who_holds_a_route_keeps_it_whoever_came_first() {
    let own = |path| rule(path, &[], None, Layer::Manifest, "old");
    let get = rule("/x", &["GET"], Some("H.example"), Layer::SideFile, "new");
    let (before, _) = RouteTable::build([own("/a"), get.clone()]);
    // The older plugin's next version asks for what the newer one holds, and for more of what it has itself.
    let wanted = rule("/x", &["GET"], Some("h.example:80"), Layer::Manifest, "old");
    let (after, refused) = before.succeeded_by([own("/a"), wanted.clone(), get.clone()]);
    assert_eq!(refused.iter().map(|refused| refused.rule.origin.owner.as_str()).collect::<Vec<_>>(), ["old"]);
    found(&after, "h.example", "GET", "/x", "new /x");
    // Once it is given up, it is free.
    let (free, refused) = after.succeeded_by([own("/a"), wanted]);
    assert!(refused.is_empty());
    found(&free, "h.example", "GET", "/x", "old /x");
}

#[test]
fn more_methods_than_before_are_a_newcomers() {
    let of = |owner, methods: &[&str]| rule("/x", methods, None, Layer::Manifest, owner);
    let (before, _) = RouteTable::build([of("a", &["GET"]), of("b", &["POST"])]);
    let (after, refused) = before.succeeded_by([of("a", &["GET", "POST"]), of("b", &["POST"])]);
    assert_eq!(refused.len(), 1);
    found(&after, "h", "POST", "/x", "b /x");
}
