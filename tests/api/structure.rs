//! The arrows: who may use whom in `src`. The plan is in `src/lib.rs`.

use std::path::Path;

use dossier::error::FieldCode;

use crate::support::files;

/// From the ground floor up. A room calls only rooms below it.
const ROOMS: [&str; 16] = [
    "access",
    "channels",
    "contacts",
    "profile_fields",
    "profiles",
    "attachments",
    "notes",
    "conversations",
    "moments",
    "timeline",
    "search",
    "inbound",
    "sidebar",
    "changes",
    "batch",
    "demo",
];

/// What every room borrows, from the ground up: a floor uses itself and those below it.
const GROUND: [&[&str]; 3] =
    [&["error", "ids", "actor", "answer", "text", "text_enum", "search_query", "config"], &["http"], &["db"]];

/// Above all rooms.
const ROOF: [&str; 4] = ["app", "command", "telemetry", "main"];

const LINES: usize = 400;

/// Files that are longer, and why.
const LONG: [(&str, &str); 1] = [("db/schema.rs", "generated")];

/// One file of `src`, without its comments and its tests.
struct Source {
    /// From `src` on.
    path: String,
    /// The folder or file right below `src`.
    module: String,
    lines: usize,
    code: String,
}

fn sources() -> Vec<Source> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let read = |file: std::path::PathBuf| {
        let path = file.strip_prefix(&src).unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let code = code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
        let module = path.split(['/', '.']).next().unwrap().to_owned();
        Source { path, module, lines: text.lines().count(), code }
    };
    let rust = |file: &std::path::PathBuf| file.extension().is_some_and(|extension| extension == "rs");
    files(&src).into_iter().filter(rust).map(read).collect()
}

impl Source {
    /// The modules right below the crate that it names: `crate::a`, `crate::{a, b::c}`.
    fn uses(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (_, after) in self.code.match_indices("crate::").map(|(at, text)| (at, &self.code[at + text.len()..])) {
            match after.strip_prefix('{') {
                Some(group) => {
                    let mut depth = 0;
                    let mut names = String::new();
                    for character in group.chars() {
                        match character {
                            '{' => depth += 1,
                            '}' if depth == 0 => break,
                            '}' => depth -= 1,
                            _ if depth == 0 => names.push(character),
                            _ => {}
                        }
                    }
                    found.extend(names.split(',').map(|name| first_word(name.trim())));
                }
                None => found.push(first_word(after)),
            }
        }
        found.retain(|name| !name.is_empty());
        found
    }

    fn names(&self, word: &str) -> bool {
        self.code.match_indices(word).any(|(at, _)| {
            let is_part = |character: char| character.is_alphanumeric() || character == '_';
            !self.code[..at].ends_with(is_part) && !self.code[at + word.len()..].starts_with(is_part)
        })
    }
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect()
}

/// How high a module stands; None for one that isn't in the plan.
fn floor(module: &str) -> Option<usize> {
    let ground = GROUND.iter().position(|floor| floor.contains(&module));
    let room = ROOMS.iter().position(|room| *room == module).map(|room| GROUND.len() + room);
    let roof = ROOF.contains(&module).then_some(GROUND.len() + ROOMS.len());
    ground.or(room).or(roof)
}

fn none(found: Vec<String>) {
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn every_module_has_its_place() {
    let modules = sources().into_iter().map(|source| source.module).filter(|module| module != "lib");
    none(modules.filter(|module| floor(module).is_none()).collect());
}

#[test]
fn arrows_point_down() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| source.module != "lib") {
        for used in source.uses() {
            if let (Some(from), Some(to)) = (floor(&source.module), floor(&used))
                && (to > from
                    || (to == from && from >= GROUND.len() && used != source.module && !ROOF.contains(&&*used)))
            {
                wrong.push(format!("src/{} uses crate::{used}, which stands above it", source.path));
            }
        }
    }
    none(wrong);
}

#[test]
fn diesel_stays_with_the_queries() {
    let may =
        |path: &str| path.starts_with("db/") || ["ids.rs", "text_enum.rs"].contains(&path) || path.contains("/queries");
    let wrong = sources().into_iter().filter(|source| !may(&source.path));
    none(
        wrong
            .filter(|source| source.names("diesel") || source.code.contains("db::schema"))
            .map(|source| format!("src/{} uses diesel", source.path))
            .collect(),
    );
}

#[test]
fn actix_web_stays_with_the_routes() {
    let may = |path: &str| {
        path.starts_with("http/") || ["app.rs", "command.rs", "main.rs"].contains(&path) || path.contains("/routes")
    };
    let wrong = sources().into_iter().filter(|source| !may(&source.path));
    none(
        wrong
            .filter(|source| source.names("actix_web"))
            .map(|source| format!("src/{} uses actix_web", source.path))
            .collect(),
    );
}

/// `validator` knows codes as texts only: those of our rules are of the table, and of its own rules these three.
#[test]
fn wrong_fields_have_codes_of_the_table() {
    let mut wrong = Vec::new();
    let (home, table) = ("http/validate.rs", "error.rs");
    let sources = sources();
    for Source { path, code, .. } in &sources {
        if path != home && code.contains("ValidationError::new") {
            wrong.push(format!("src/{path} makes a code of its own: refuse of src/{home} takes one of the table"));
        }
        for rules in code.split("#[validate(").skip(1).filter_map(|rest| rest.split(")]").next()) {
            // Without what stands in brackets.
            let names = rules.split(')').filter_map(|part| part.split('(').next()).flat_map(|part| part.split(','));
            let known = ["length", "range", "email", "custom", "schema", "nested", ""];
            for rule in names.map(str::trim).filter(|name| !known.contains(name)) {
                wrong.push(format!("src/{path} has the rule {rule}, whose code is not in the table"));
            }
        }
    }
    for code in FieldCode::ALL {
        let name = format!("FieldCode::{code:?}");
        if *code != FieldCode::Range && !sources.iter().any(|source| source.path != table && source.names(&name)) {
            wrong.push(format!("{name} is used nowhere"));
        }
    }
    none(wrong);
}

#[test]
fn files_are_short() {
    let known = |path: &str| LONG.iter().any(|(long, _)| *long == path);
    let sources = sources();
    let mut wrong: Vec<String> = sources
        .iter()
        .filter(|source| source.lines > LINES && !known(&source.path))
        .map(|source| format!("src/{} has {} lines: split it, or say why not", source.path, source.lines))
        .collect();
    for (path, _) in LONG {
        if !sources.iter().any(|source| source.path == path && source.lines > LINES) {
            wrong.push(format!("src/{path} isn't long any more"));
        }
    }
    none(wrong);
}
