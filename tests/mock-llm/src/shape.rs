//! What a vendor's request may look like, as a table; and where a body departs from it. Each dialect has its tables, and its own words
//! for a [`Fault`].

use serde_json::Value;

/// What a value may be.
pub(crate) enum Kind {
    Any,
    Text,
    Flag,
    Whole,
    Number,
    /// One of these words.
    Word(&'static [&'static str]),
    /// An object of any members: a schema, metadata.
    Object,
    /// An object of these members and no others.
    Members(&'static [Member]),
    /// A union: exactly one of these members, as AWS has it.
    OneOf(&'static [Member]),
    /// An object of any names, each with a value of this kind.
    Map(&'static Kind),
    List(&'static Kind),
    /// A string, or else this.
    TextOr(&'static Kind),
    /// An object whose member `by` says what it is; absent, it is the `default`. Beside its case's members it has `by`.
    Tagged {
        by: &'static str,
        default: &'static str,
        cases: &'static [(&'static str, Kind)],
    },
}

/// A member of an object.
pub(crate) struct Member {
    name: &'static str,
    kind: Kind,
    required: bool,
}

/// A member that has to be there.
pub(crate) const fn must(name: &'static str, kind: Kind) -> Member {
    Member { name, kind, required: true }
}

/// A member that may be absent or `null`.
pub(crate) const fn may(name: &'static str, kind: Kind) -> Member {
    Member { name, kind, required: false }
}

/// Where a body departs from its table.
#[derive(Debug, PartialEq)]
pub(crate) struct Fault {
    pub(crate) path: Path,
    pub(crate) problem: Problem,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Problem {
    /// The path names a member that the table does not have.
    Unknown,
    /// The path names a member that is not there.
    Missing,
    /// What should have been there, in words.
    Expected(&'static str),
    /// The words that could have been there.
    Choices(Vec<&'static str>),
    /// A union that has not exactly one member.
    Union,
}

/// The way from a body to a value in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Path(Vec<Step>);

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Name(String),
    Index(usize),
}

impl Path {
    /// `messages.0.content`.
    pub(crate) fn dotted(&self) -> String {
        let steps = self.0.iter().map(|step| match step {
            Step::Name(name) => name.clone(),
            Step::Index(index) => index.to_string(),
        });
        steps.collect::<Vec<_>>().join(".")
    }

    /// `messages[0].content`.
    pub(crate) fn bracketed(&self) -> String {
        let mut path = String::new();
        for step in &self.0 {
            match step {
                Step::Name(name) if path.is_empty() => path.push_str(name),
                Step::Name(name) => path.extend([".", name]),
                Step::Index(index) => path.push_str(&format!("[{index}]")),
            }
        }
        path
    }

    /// The path of what holds the value, and the value's own name.
    pub(crate) fn split(mut self) -> (Self, String) {
        match self.0.pop() {
            Some(Step::Name(name)) => (self, name),
            Some(Step::Index(index)) => (self, index.to_string()),
            None => (self, String::new()),
        }
    }

    fn name(&self, name: &str) -> Self {
        let mut path = self.clone();
        path.0.push(Step::Name(name.to_owned()));
        path
    }

    fn index(&self, index: usize) -> Self {
        let mut path = self.clone();
        path.0.push(Step::Index(index));
        path
    }
}

/// Whether `value` is of `kind`, and if not, the first place where it is not.
pub(crate) fn check(value: &Value, kind: &Kind) -> Result<(), Fault> {
    check_at(value, kind, &Path::default())
}

fn check_at(value: &Value, kind: &Kind, path: &Path) -> Result<(), Fault> {
    let expect = |fits: bool, what| if fits { Ok(()) } else { fault(path, Problem::Expected(what)) };
    match kind {
        Kind::Any => Ok(()),
        Kind::Text => expect(value.is_string(), "a string"),
        Kind::Flag => expect(value.is_boolean(), "a boolean"),
        Kind::Whole => expect(value.is_u64() || value.is_i64(), "an integer"),
        Kind::Number => expect(value.is_number(), "a number"),
        Kind::Object => expect(value.is_object(), "an object"),
        Kind::Word(words) => match value.as_str() {
            None => fault(path, Problem::Expected("a string")),
            Some(word) if words.contains(&word) => Ok(()),
            Some(_) => fault(path, Problem::Choices(words.to_vec())),
        },
        Kind::Members(members) => check_members(value, members, None, path),
        Kind::OneOf(members) => {
            check_members(value, members, None, path)?;
            let given = value.as_object().into_iter().flatten().filter(|(_, member)| !member.is_null()).count();
            if given == 1 { Ok(()) } else { fault(path, Problem::Union) }
        }
        Kind::Map(kind) => {
            expect(value.is_object(), "an object")?;
            let mut members = value.as_object().into_iter().flatten();
            members.try_for_each(|(name, member)| check_at(member, kind, &path.name(name)))
        }
        Kind::List(kind) => {
            expect(value.is_array(), "an array")?;
            let mut items = value.as_array().into_iter().flatten().enumerate();
            items.try_for_each(|(index, item)| check_at(item, kind, &path.index(index)))
        }
        Kind::TextOr(kind) => {
            if value.is_string() {
                Ok(())
            } else {
                check_at(value, kind, path)
            }
        }
        Kind::Tagged { by, default, cases } => {
            expect(value.is_object(), "an object")?;
            let tag = value.get(by).filter(|tag| !tag.is_null());
            let tag = tag.map_or(Some(*default), Value::as_str).unwrap_or_default();
            match cases.iter().find(|(case, _)| *case == tag) {
                Some((_, Kind::Members(members))) => check_members(value, members, Some(by), path),
                Some((_, kind)) => check_at(value, kind, path),
                None if value.get(by).is_none() => fault(&path.name(by), Problem::Missing),
                None => fault(&path.name(by), Problem::Choices(cases.iter().map(|(case, _)| *case).collect())),
            }
        }
    }
}

fn check_members(value: &Value, members: &[Member], tag: Option<&str>, path: &Path) -> Result<(), Fault> {
    let Some(object) = value.as_object() else { return fault(path, Problem::Expected("an object")) };
    if let Some(absent) =
        members.iter().find(|member| member.required && object.get(member.name).is_none_or(Value::is_null))
    {
        return fault(&path.name(absent.name), Problem::Missing);
    }
    for (name, value) in object {
        match members.iter().find(|member| member.name == name) {
            Some(_) if value.is_null() => {}
            Some(member) => check_at(value, &member.kind, &path.name(name))?,
            None if tag == Some(name.as_str()) => {}
            None => return fault(&path.name(name), Problem::Unknown),
        }
    }
    Ok(())
}

fn fault(path: &Path, problem: Problem) -> Result<(), Fault> {
    Err(Fault { path: path.clone(), problem })
}

/// Gives every member that the table knows in camel case that name, where it came in snake case: JSON of protocol buffers allows both
/// (<https://protobuf.dev/programming-guides/json/>). Google takes one object for a list of it, too.
pub(crate) fn in_camel_case(value: &mut Value, kind: &Kind) {
    match (kind, value) {
        (Kind::Members(members) | Kind::OneOf(members), Value::Object(object)) => {
            for member in *members {
                if let Some(value) = object.remove(&snake_case(member.name)) {
                    object.insert(member.name.to_owned(), value);
                }
                if let Some(value) = object.get_mut(member.name) {
                    in_camel_case(value, &member.kind);
                }
            }
        }
        (Kind::Map(kind), Value::Object(object)) => object.values_mut().for_each(|value| in_camel_case(value, kind)),
        (Kind::List(kind), Value::Array(items)) => items.iter_mut().for_each(|item| in_camel_case(item, kind)),
        (Kind::List(kind), value) if value.is_object() => {
            in_camel_case(value, kind);
            *value = Value::Array(vec![value.take()]);
        }
        (Kind::TextOr(kind), value) => in_camel_case(value, kind),
        _ => {}
    }
}

/// `mimeType` is `mime_type`.
pub(crate) fn snake_case(name: &str) -> String {
    name.chars().fold(String::new(), |mut snake, letter| {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
        snake
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    static LEAF: [Member; 2] = [must("text", Kind::Text), may("mimeType", Kind::Word(&["a", "b"]))];
    static PART: Kind =
        Kind::Tagged { by: "type", default: "leaf", cases: &[("leaf", Kind::Members(&LEAF)), ("other", Kind::Object)] };
    static BODY: Kind =
        Kind::Members(&[may("parts", Kind::List(&PART)), may("union", Kind::OneOf(&LEAF)), may("n", Kind::Whole)]);

    fn problem(body: &Value) -> Option<(String, Problem)> {
        check(body, &BODY).err().map(|fault| (fault.path.bracketed(), fault.problem))
    }

    #[test]
    fn finds_the_first_departure_and_its_path() {
        assert_eq!(problem(&json!({"parts": [{"text": "x"}, {"type": "other", "y": 1}], "n": null})), None);
        for (body, path, expected) in [
            (json!({"parts": [{"text": "x", "y": 1}]}), "parts[0].y", Problem::Unknown),
            (json!({"parts": [{}]}), "parts[0].text", Problem::Missing),
            (json!({"parts": {}}), "parts", Problem::Expected("an array")),
            (json!({"n": 1.5}), "n", Problem::Expected("an integer")),
            (json!({"parts": [{"type": "z"}]}), "parts[0].type", Problem::Choices(vec!["leaf", "other"])),
            (json!({"union": {"text": "x", "mimeType": "c"}}), "union.mimeType", Problem::Choices(vec!["a", "b"])),
            (json!({"union": {"text": "x", "mimeType": "a"}}), "union", Problem::Union),
        ] {
            assert_eq!(problem(&body), Some((path.to_owned(), expected)), "{body}");
        }
    }

    #[test]
    fn takes_snake_case_for_camel_case() {
        let mut body = json!({"union": {"mime_type": "a"}, "other_name": 1, "parts": {"text": "x"}});
        in_camel_case(&mut body, &BODY);
        assert_eq!(body, json!({"union": {"mimeType": "a"}, "other_name": 1, "parts": [{"text": "x"}]}));
    }
}
