//! Filters of subscriptions: CEL expressions over the envelope and the data.
//!
//! Whoever writes a filter may be a plugin, so evaluating one is bounded: the text by its length and depth, loops by how
//! deep they nest and what they may build, and everything by a budget that each look at `data` or `event` is charged to,
//! by the size of what it sees. An evaluation that errs is no match.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use cel::{
    Context, Env, IdedExpr, Value,
    common::{
        ast::{EntryExpr, Expr},
        value::{CowVal, Val},
    },
    context::VariableResolver,
    objects::{Key, Map},
    parser::Parser,
};
use serde_json::Value as Json;
use switchyard_core::event::Event;

/// The longest filter, in bytes.
pub(crate) const FILTER_MAX: usize = 2_048;

/// How deep a filter may nest.
const DEPTH_MAX: u16 = 32;

/// How deep `all`, `exists` and the like may stand in each other.
const LOOPS_MAX: usize = 2;

/// The bytes of events that one evaluation may look at, counted each time it looks: 16 MiB, all of the largest event
/// sixteen times.
const BUDGET: usize = 16 << 20;

/// What an element of an event counts besides its text.
const ELEMENT_BYTES: usize = 16;

/// A filter, read and checked.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    expression: Arc<IdedExpr>,
}

/// Why a text is no filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidFilter {
    /// It is too long.
    #[error("the filter has {0} bytes, over the limit of {FILTER_MAX}")]
    TooLong(usize),
    /// It cannot be read.
    #[error("the filter cannot be read: {0}; write CEL, as in data.amount > 100 && type == \"order.created\"")]
    Syntax(String),
    /// It loops too deeply.
    #[error(
        "the filter has loops in loops: at most {LOOPS_MAX} of all, exists and exists_one, and map and filter alone"
    )]
    Loops,
    /// It names what an event does not have.
    #[error("the filter names '{0}'; there are event, data, type, source, subject, id and time")]
    Unknown(String),
}

/// Why an evaluation gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct FilterError(String);

/// The names that a filter can use.
const NAMES: [&str; 7] = ["event", "data", "type", "source", "subject", "id", "time"];

/// The names of CEL's own types, which stand where a variable could.
const TYPES: [&str; 10] = ["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"];

/// An event as filters see it; made once for all filters of one event.
pub(crate) struct Facts {
    values: HashMap<&'static str, (Box<dyn Val>, usize)>,
    left: AtomicUsize,
}

// === impl Filter ===

impl Filter {
    /// Reads a filter.
    pub(crate) fn new(text: &str) -> Result<Self, InvalidFilter> {
        if text.len() > FILTER_MAX {
            return Err(InvalidFilter::TooLong(text.len()));
        }
        let parsed = Parser::new().max_recursion_depth(DEPTH_MAX).error_recovery_limit(1).parse(text);
        let expression = parsed.map_err(|errors| {
            let first = errors.errors.first().map(|error| error.msg.clone()).unwrap_or_default();
            InvalidFilter::Syntax(first)
        })?;
        walk(&expression, &mut Vec::new())?;
        Ok(Self { expression: Arc::new(expression) })
    }

    /// Whether the event is one of those meant.
    pub(crate) fn matches(&self, facts: &Facts) -> Result<bool, FilterError> {
        thread_local! {
            static ENV: Arc<Env> = Arc::new(Env::stdlib());
        }
        facts.left.store(BUDGET, Relaxed);
        let mut context = Context::with_env(ENV.with(Arc::clone));
        context.set_variable_resolver(facts);
        let answer = Value::resolve(&self.expression, &context);
        // Asked first: an `||` or `&&` swallows the errors of its sides.
        if facts.left.load(Relaxed) == 0 {
            return Err(FilterError("the filter looks at too much".to_owned()));
        }
        match answer {
            Ok(Value::Bool(matches)) => Ok(matches),
            Ok(other) => Err(FilterError(format!("the filter gave {}, not true or false", other.type_of()))),
            Err(error) => Err(FilterError(error.to_string())),
        }
    }
}

/// How deep loops nest, and whether one of them builds a list: none that does may stand in or around another.
type Loops = (usize, bool);

/// Checks an expression below loops of these variables.
fn walk<'a>(expression: &'a IdedExpr, variables: &mut Vec<&'a str>) -> Result<Loops, InvalidFilter> {
    match &expression.expr {
        Expr::Call(call) => all(call.target.as_deref().into_iter().chain(&call.args), variables),
        Expr::List(list) => all(&list.elements, variables),
        Expr::Select(select) => walk(&select.operand, variables),
        Expr::Map(map) => all(entries(&map.entries), variables),
        Expr::Struct(made) => all(entries(&made.entries), variables),
        Expr::Comprehension(inner) => {
            let (range, _) = walk(&inner.iter_range, variables)?;
            let outer = variables.len();
            variables.extend([inner.iter_var.as_str(), inner.accu_var.as_str()]);
            variables.extend(inner.iter_var2.as_deref());
            let body = all([&inner.loop_cond, &inner.loop_step, &inner.result], variables);
            variables.truncate(outer);
            let (body, builds) = body?;
            let is_builder = matches!(inner.accu_init.expr, Expr::List(_) | Expr::Map(_));
            let holds = body < LOOPS_MAX && (body == 0 || !(is_builder || builds));
            if holds { Ok((range.max(body + 1), is_builder || builds)) } else { Err(InvalidFilter::Loops) }
        }
        Expr::Ident(name) if !(NAMES.contains(&name.as_str()) || TYPES.contains(&name.as_str())) => {
            let is_own = variables.iter().any(|own| own == name);
            if is_own { Ok((0, false)) } else { Err(InvalidFilter::Unknown(name.clone())) }
        }
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => Ok((0, false)),
    }
}

fn all<'a>(
    parts: impl IntoIterator<Item = &'a IdedExpr>,
    variables: &mut Vec<&'a str>,
) -> Result<Loops, InvalidFilter> {
    parts.into_iter().try_fold((0, false), |(depth, builds), part| {
        let (own_depth, own_builds) = walk(part, variables)?;
        Ok((depth.max(own_depth), builds || own_builds))
    })
}

fn entries(entries: &[cel::common::ast::IdedEntryExpr]) -> Vec<&IdedExpr> {
    entries
        .iter()
        .flat_map(|entry| match &entry.expr {
            EntryExpr::StructField(field) => vec![&field.value],
            EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
        })
        .collect()
}

// === impl Facts ===

impl Facts {
    /// What filters see of an event. Data that is not JSON is null.
    pub(crate) fn new(event: &Event) -> Self {
        let mut json = event.to_json();
        let data = json.as_object_mut().and_then(|members| {
            members.remove("data_base64");
            members.remove("data")
        });
        let data = data.filter(|_| event.has_json_data()).unwrap_or(Json::Null);
        let of = |name: &str| json.get(name).cloned().unwrap_or(Json::Null);
        let named = ["type", "source", "subject", "id", "time"].map(|name| (name, of(name)));
        let mut values = HashMap::with_capacity(NAMES.len());
        let mut keep = |name, json: Json| {
            let size = size(&json);
            // Null, numbers, texts, lists and maps all have a form in CEL.
            if let Ok(value) = Box::<dyn Val>::try_from(cel_value(json)) {
                values.insert(name, (value, size));
            }
        };
        named.into_iter().for_each(|(name, value)| keep(name, value));
        keep("data", data);
        keep("event", json);
        Self { values, left: AtomicUsize::new(BUDGET) }
    }
}

impl VariableResolver for Facts {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        let (value, size) = self.values.get(variable)?;
        let left = self.left.load(Relaxed).saturating_sub(*size);
        self.left.store(left, Relaxed);
        (left > 0).then_some(CowVal::Borrowed(value.as_ref()))
    }
}

fn size(json: &Json) -> usize {
    ELEMENT_BYTES
        + match json {
            Json::String(text) => text.len(),
            Json::Array(items) => items.iter().map(size).sum(),
            Json::Object(members) => members.iter().map(|(name, value)| name.len() + size(value)).sum(),
            Json::Null | Json::Bool(_) | Json::Number(_) => 0,
        }
}

/// Whole numbers are CEL's int, so that they compare with what a filter writes.
fn cel_value(json: Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(value),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::Int(whole),
            (None, number) => Value::Float(number.unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::String(Arc::new(text)),
        Json::Array(items) => Value::List(Arc::new(items.into_iter().map(cel_value).collect())),
        Json::Object(members) => {
            let pairs = members.into_iter().map(|(name, value)| (Key::String(Arc::new(name)), cel_value(value)));
            Value::Map(Map { map: Arc::new(pairs.collect()) })
        }
    }
}

#[cfg(test)]
mod tests;
