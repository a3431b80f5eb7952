//! The generated document, as walks through all operations read it.

use serde_json::Value;

/// The document that the service answers with.
pub fn document() -> Value {
    dossier::app::document().unwrap()
}

/// One operation of the document.
pub struct Operation {
    pub path: String,
    /// In upper case.
    pub method: String,
    /// Its operation object.
    pub spec: Value,
}

impl Operation {
    pub fn id(&self) -> &str {
        self.spec["operationId"].as_str().unwrap_or_default()
    }

    /// Whether it needs a token.
    pub fn is_protected(&self) -> bool {
        !self.spec["security"].as_array().is_some_and(|all| all.iter().any(|one| one == &serde_json::json!({})))
    }

    pub fn is_write(&self) -> bool {
        self.method != "GET"
    }
}

/// Every operation, in the order of the document.
pub fn operations(document: &Value) -> Vec<Operation> {
    let paths = document["paths"].as_object().unwrap();
    let methods = ["get", "post", "put", "patch", "delete"];
    let each = |(path, item): (&String, &Value)| {
        let of = |method: &&str| {
            item.get(*method).map(|spec| Operation {
                path: path.clone(),
                method: method.to_uppercase(),
                spec: spec.clone(),
            })
        };
        methods.iter().filter_map(of).collect::<Vec<_>>()
    };
    paths.iter().flat_map(each).collect()
}
