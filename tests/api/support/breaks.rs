//! What breaks the clients of a document, when another takes its place.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::document::{Operation, operations, resolve};

/// What a client that fits the old document can't rely on in the new one.
pub fn breaks(old: &Value, new: &Value) -> BTreeSet<String> {
    let mut comparison = Comparison { old, new, found: BTreeSet::new(), seen: BTreeSet::new() };
    let today = operations(new);
    for was in operations(old) {
        let what = format!("{} {}", was.method, was.path);
        match today.iter().find(|is| is.method == was.method && is.path == was.path) {
            Some(is) => comparison.operation(&what, &was, is),
            None => comparison.add(format!("{what}: removed")),
        }
    }
    comparison.found
}

/// Which way a value goes: what comes in may be allowed more, what goes out may promise more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    In,
    Out,
}

struct Comparison<'d> {
    old: &'d Value,
    new: &'d Value,
    found: BTreeSet<String>,
    /// Named schemas that are compared already, so that each finding is told once, and recursion ends.
    seen: BTreeSet<(String, String, Way)>,
}

impl Comparison<'_> {
    fn add(&mut self, finding: String) {
        self.found.insert(finding);
    }

    fn operation(&mut self, what: &str, was: &Operation, is: &Operation) {
        if was.id() != is.id() {
            self.add(format!("{what}: operationId {} became {}", was.id(), is.id()));
        }
        if !was.is_protected() && is.is_protected() {
            self.add(format!("{what}: needs a token"));
        }
        if !was.is_for_admins() && is.is_for_admins() {
            self.add(format!("{what}: only for administrators"));
        }
        self.parameters(what, &was.spec, &is.spec);
        self.body(what, &was.spec["requestBody"], &is.spec["requestBody"]);
        for (status, response) in members(&was.spec["responses"]) {
            let (old, new) = (self.old, self.new);
            let (was, is) = (&followed(old, response), &followed(new, &is.spec["responses"][status]));
            if is.is_null() {
                self.add(format!("{what}: no {status} any more"));
                continue;
            }
            for (name, _) in members(&was["headers"]) {
                if is["headers"][name].is_null() {
                    self.add(format!("{what}: {status} without the header {name}"));
                }
            }
            self.contents(&format!("{what}: {status}"), &was["content"], &is["content"], Way::Out);
            // Each code that a failure can have is one of its examples. Before codes were listed, failures that operations
            // share named more than each can have.
            if self.old["components"]["schemas"]["ErrorCode"].is_null() {
                continue;
            }
            let codes = |response: &Value| response["content"]["application/problem+json"]["examples"].clone();
            let after = codes(is);
            for (code, _) in members(&codes(was)).filter(|(code, _)| after[code.as_str()].is_null()) {
                self.add(format!("{what}: {status} without the code {code}"));
            }
        }
    }

    fn parameters(&mut self, what: &str, was: &Value, is: &Value) {
        let (old, new) = (self.old, self.new);
        let all = |document, spec: &Value| -> Vec<Value> {
            each(&spec["parameters"]).map(|parameter| followed(document, parameter)).collect()
        };
        let (was, is) = (all(old, was), all(new, is));
        let same = |one: &Value, other: &Value| one["in"] == other["in"] && one["name"] == other["name"];
        let name = |parameter: &Value| format!("{} parameter {}", text(&parameter["in"]), text(&parameter["name"]));
        for before in &was {
            match is.iter().find(|parameter| same(parameter, before)) {
                None => self.add(format!("{what}: {} removed", name(before))),
                Some(after) => {
                    if after["required"] == true && before["required"] != true {
                        self.add(format!("{what}: {} became required", name(before)));
                    }
                    let at = format!("{what}: {}", name(before));
                    self.schema(&at, &before["schema"], &after["schema"], Way::In);
                }
            }
        }
        for after in is.iter().filter(|after| after["required"] == true) {
            if !was.iter().any(|before| same(before, after)) {
                self.add(format!("{what}: {} is new and required", name(after)));
            }
        }
    }

    fn body(&mut self, what: &str, was: &Value, is: &Value) {
        if is["required"] == true && was["required"] != true {
            self.add(format!("{what}: the body became required"));
        }
        if was.is_object() && is.is_null() {
            self.add(format!("{what}: the body removed"));
        } else {
            self.contents(&format!("{what}: body"), &was["content"], &is["content"], Way::In);
        }
    }

    fn contents(&mut self, what: &str, was: &Value, is: &Value, way: Way) {
        for (kind, media) in members(was) {
            match is.get(kind) {
                None => self.add(format!("{what} without {kind}")),
                Some(now) => self.schema(what, &media["schema"], &now["schema"], way),
            }
        }
    }

    fn schema(&mut self, at: &str, was: &Value, is: &Value, way: Way) {
        let names = (text(&was["$ref"]), text(&is["$ref"]));
        let mut at = at.to_owned();
        // One form among several: the others are new.
        let alternatives = followed(self.new, is)["oneOf"].clone();
        if names.0 != names.1
            && let Some(same) = each(&alternatives).find(|one| !names.0.is_empty() && text(&one["$ref"]) == names.0)
        {
            if way == Way::Out {
                let name = names.0.rsplit('/').next().unwrap_or_default();
                self.add(format!("{at}: may be another than {name}"));
            }
            return self.schema(&at, was, same, way);
        }
        if let Some(name) = names.0.strip_prefix("#/components/schemas/") {
            if !self.seen.insert((names.0.clone(), names.1.clone(), way)) {
                return;
            }
            // A schema breaks for all who use it: it is named once, by itself.
            at = format!("{name} ({})", if way == Way::In { "sent" } else { "received" });
        }
        let (old, new) = (self.old, self.new);
        let (was, is) = (&followed(old, was), &followed(new, is));
        self.types(&at, was, is, way);
        self.values(&at, was, is, way);
        self.limits(&at, was, is, way);
        self.members(&at, was, is, way);
        if was["items"].is_object() && is["items"].is_object() {
            self.schema(&format!("{at}[]"), &was["items"], &is["items"], way);
        }
        for several in ["oneOf", "anyOf", "allOf"] {
            let (before, after) = (variants(&was[several]), variants(&is[several]));
            let (gone, come) = (before.difference(&after).count(), after.difference(&before).count());
            // One form fewer to send, one form more to understand; every part of `allOf` narrows.
            let breaks = match way {
                Way::In if several == "allOf" => come > 0,
                Way::In => gone > 0 && !before.is_empty(),
                Way::Out if several == "allOf" => gone > 0,
                Way::Out => come > 0 && !before.is_empty(),
            };
            if breaks {
                self.add(format!("{at}: {several} changed"));
            }
            for (one, other) in each(&was[several]).zip(each(&is[several])) {
                if one["$ref"] == other["$ref"] {
                    self.schema(&format!("{at} {several}"), one, other, way);
                }
            }
        }
    }

    fn types(&mut self, at: &str, was: &Value, is: &Value, way: Way) {
        let (before, after) = (types(was), types(is));
        let (inner, outer) = if way == Way::In { (&before, &after) } else { (&after, &before) };
        // No type at all is every type.
        if !outer.is_empty() && (inner.is_empty() || !inner.is_subset(outer)) {
            self.add(format!("{at}: type {} became {}", shown(&before), shown(&after)));
        }
        let promised = if way == Way::In { &is["format"] } else { &was["format"] };
        if was["format"] != is["format"] && promised.is_string() {
            self.add(format!("{at}: format {} became {}", was["format"], is["format"]));
        }
    }

    fn values(&mut self, at: &str, was: &Value, is: &Value, way: Way) {
        let values = |schema: &Value| -> BTreeSet<String> { each(&schema["enum"]).map(Value::to_string).collect() };
        let (before, after) = (values(was), values(is));
        match way {
            Way::In if after.is_empty() => {}
            Way::In if before.is_empty() => self.add(format!("{at}: only some values are allowed")),
            Way::In => {
                for value in before.difference(&after) {
                    self.add(format!("{at}: value {value} removed"));
                }
            }
            // A client is to expect values that it doesn't know, as it is to expect members.
            Way::Out if after.is_empty() && !before.is_empty() => self.add(format!("{at}: any value may come")),
            // A value that comes no more is waited for in vain only where clients act on it.
            Way::Out if at.starts_with("ErrorCode ") => {
                for value in before.difference(&after) {
                    self.add(format!("{at}: value {value} removed"));
                }
            }
            Way::Out => {}
        }
        if way == Way::In && was.get("default").is_some() && is.get("default").is_some_and(|is| *is != was["default"]) {
            self.add(format!("{at}: default {} became {}", was["default"], is["default"]));
        }
    }

    /// Ranges, lengths and patterns may become wider for what is sent, narrower for what is received.
    fn limits(&mut self, at: &str, was: &Value, is: &Value, way: Way) {
        for (limit, is_lower) in [
            ("minimum", true),
            ("exclusiveMinimum", true),
            ("minLength", true),
            ("minItems", true),
            ("minProperties", true),
            ("maximum", false),
            ("exclusiveMaximum", false),
            ("maxLength", false),
            ("maxItems", false),
            ("maxProperties", false),
        ] {
            let bound = |schema: &Value| {
                let open = if is_lower { f64::NEG_INFINITY } else { f64::INFINITY };
                schema[limit].as_f64().unwrap_or(open)
            };
            let (before, after) = (bound(was), bound(is));
            let is_narrower = if is_lower { after > before } else { after < before };
            let is_wider = if is_lower { after < before } else { after > before };
            if (way == Way::In && is_narrower) || (way == Way::Out && is_wider) {
                self.add(format!("{at}: {limit} {} became {}", was[limit], is[limit]));
            }
        }
        let changed = was["pattern"] != is["pattern"];
        if changed && (if way == Way::In { &is["pattern"] } else { &was["pattern"] }).is_string() {
            self.add(format!("{at}: pattern {} became {}", was["pattern"], is["pattern"]));
        }
    }

    fn members(&mut self, at: &str, was: &Value, is: &Value, way: Way) {
        let required = |schema: &Value| -> BTreeSet<String> { each(&schema["required"]).map(text).collect() };
        let (before, after) = (required(was), required(is));
        for (name, schema) in members(&was["properties"]) {
            match is["properties"].get(name) {
                Some(now) => self.schema(&format!("{at} {name}"), schema, now, way),
                // What is sent would be refused as unknown.
                None => self.add(format!("{at}: {name} removed")),
            }
        }
        match way {
            Way::In => {
                for name in after.difference(&before) {
                    self.add(format!("{at}: {name} became required"));
                }
                if is["additionalProperties"] == false
                    && was["additionalProperties"] != false
                    && was["properties"].is_object()
                {
                    self.add(format!("{at}: no other members are allowed"));
                }
            }
            Way::Out => {
                for name in before.difference(&after).filter(|name| !is["properties"][name.as_str()].is_null()) {
                    self.add(format!("{at}: {name} may be absent"));
                }
            }
        }
    }
}

/// What a reference leads to, with what stands beside the reference.
fn followed(document: &Value, value: &Value) -> Value {
    let Some(reference) = value["$ref"].as_str() else { return value.clone() };
    let mut target = resolve(document, reference).clone();
    for (name, member) in members(value).filter(|(name, _)| *name != "$ref") {
        target[name] = member.clone();
    }
    target
}

fn types(schema: &Value) -> BTreeSet<String> {
    let mut types: BTreeSet<String> = match &schema["type"] {
        Value::String(one) => BTreeSet::from([one.clone()]),
        several => each(several).map(text).collect(),
    };
    if types.contains("number") {
        types.insert("integer".to_owned());
    }
    types
}

/// The alternatives of a schema, by their names or by all that they are.
fn variants(several: &Value) -> BTreeSet<String> {
    each(several)
        .map(|one| match &one["$ref"] {
            Value::String(name) => name.clone(),
            _ => json!([one["type"], one["format"], one["enum"]]).to_string(),
        })
        .collect()
}

fn shown(set: &BTreeSet<String>) -> String {
    set.iter().cloned().collect::<Vec<_>>().join("|")
}

fn members(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object.as_object().into_iter().flatten()
}

fn each(array: &Value) -> impl Iterator<Item = &Value> {
    array.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
