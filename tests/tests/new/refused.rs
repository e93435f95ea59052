//! What `new` and `build` do not do.

use std::fs;

use switchyard_tests::Setup;

#[test]
fn a_project_is_not_made_over_anything() {
    let setup = Setup::new();
    fs::create_dir(setup.path().join("shop")).unwrap();
    fs::write(setup.path().join("shop/mine"), "1").unwrap();
    let (status, text) = setup.run(&["new", "shop"]);
    assert!(status.code() == Some(1) && text.contains("not empty") && text.contains("--path"), "{text}");
    assert_eq!(fs::read_dir(setup.path().join("shop")).unwrap().count(), 1);
    let (status, text) = setup.run(&["new", "shop", "--path", "other/place"]);
    assert!(status.success() && setup.path().join("other/place/src/lib.rs").is_file(), "{text}");
}

#[test]
fn names_and_templates_that_are_none_are_refused() {
    let setup = Setup::new();
    for (arguments, code, expected) in [
        (&["Shop"][..], 2, "a-z"),
        (&["../shop"], 2, "a-z"),
        (&["1-shop"], 1, "letter"),
        (&["shop", "--template", "grpc"], 2, "middleware"),
        (&["shop", "--language", "python", "--template", "saga"], 1, "rust"),
    ] {
        let (status, text) = setup.run(&[&["new"], arguments].concat());
        assert!(status.code() == Some(code) && text.contains(expected), "{arguments:?}: {text}");
    }
    assert_eq!(fs::read_dir(setup.path()).unwrap().count(), 1, "only the plugins folder is there");
}

#[test]
fn what_is_no_project_is_not_built() {
    let setup = Setup::new();
    let (status, text) = setup.run(&["build"]);
    assert!(status.code() == Some(1) && text.contains("no project"), "{text}");
    let (status, text) = setup.run(&["build", "nowhere"]);
    assert!(status.code() == Some(1) && text.contains("nowhere"), "{text}");
}
