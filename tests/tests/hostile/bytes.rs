//! Components made by hand, each wrong or heavy in one way of its own.

/// A component that serves HTTP (0.2), by a core module that also holds this, beside these.
pub(crate) fn service(core: &str, beside: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
            (import "wasi:http/types@0.2.0" (instance $types
                (export "incoming-request" (type (sub resource)))
                (export "response-outparam" (type (sub resource)))))
            (alias export $types "incoming-request" (type $request))
            (alias export $types "response-outparam" (type $out))
            (core module $m {core} (func (export "handle") (param i32 i32) unreachable))
            (core instance $i (instantiate $m))
            (func $handle (param "request" (own $request)) (param "response-out" (own $out))
                (canon lift (core func $i "handle")))
            (instance $handler (export "handle" (func $handle)))
            (export "wasi:http/incoming-handler@0.2.0" (instance $handler))
            {beside})"#
    );
    wat::parse_str(text).unwrap()
}

/// With a section after all others.
pub(crate) fn with_section(mut component: Vec<u8>, id: u8, content: &[u8]) -> Vec<u8> {
    component.push(id);
    component.extend(leb128(content.len()));
    component.extend(content);
    component
}

/// Components within each other, so deep.
pub(crate) fn nested(depth: usize) -> Vec<u8> {
    // From the inside out, each in front of the one before.
    let mut reversed: Vec<u8> = Vec::new();
    for level in 0..depth {
        if level > 0 {
            let length = leb128(reversed.len());
            reversed.extend(length.iter().rev());
            reversed.push(COMPONENT_SECTION);
        }
        reversed.extend(HEADER.iter().rev());
    }
    reversed.reverse();
    reversed
}

/// Two instances of what has two instances of what has two instances, so deep: little to write, much to make.
pub(crate) fn doubling(depth: usize) -> String {
    let mut inner =
        "(component $c0 (core module $m (func (export \"f\"))) (core instance (instantiate $m)))".to_owned();
    for level in 1..depth {
        let below = level - 1;
        inner = format!(
            "(component $c{level} {inner} (instance (instantiate $c{below})) (instance (instantiate $c{below})))"
        );
    }
    format!("{inner} (instance (instantiate $c{}))", depth - 1)
}

/// One function in which so many values are alive in so many blocks: what a compiler that optimises has to weigh up.
pub(crate) fn entangled(values: usize, blocks: usize) -> String {
    let locals = "i64 ".repeat(values);
    let step = |n: usize| {
        let (to, a, b) = (n % values, (n * 7 + 1) % values, (n * 13 + 5) % values);
        format!(
            "(br_if $out (i64.eqz (local.get {a}))) (block (br_if 0 (i64.eqz (local.get {b}))) (local.set {to} (i64.mul (local.get {a}) (local.get {b}))))"
        )
    };
    let steps: String = (0..blocks).map(step).collect();
    let ends: String = (0..values).map(|n| format!("(drop (local.get {n}))")).collect();
    format!("(func (local {locals}) (block $out (loop $again {steps} (br $again))) {ends})")
}

/// The built component `liar`, that does this when it is asked what it is.
pub(crate) fn liar(deed: &str) -> Vec<u8> {
    let mut bytes = switchyard_tests::component_bytes("liar");
    let place = bytes.windows(DEED.len()).position(|window| window == DEED).expect("the liar has a place for its deed");
    let deed = format!("{:<32}", format!("deed:{deed}"));
    bytes[place..place + DEED.len()].copy_from_slice(deed.as_bytes());
    bytes
}

const DEED: &[u8; 32] = b"deed:honest                     ";

/// What every component begins with.
pub(crate) const HEADER: &[u8] = b"\0asm\x0d\0\x01\0";

/// The id of a section that holds a component.
pub(crate) const COMPONENT_SECTION: u8 = 4;

fn leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap();
        number >>= 7;
        bytes.push(if number > 0 { low | 0x80 } else { low });
        if number == 0 {
            return bytes;
        }
    }
}
