//! What came back, and what tests say about it.

use std::ops::Index;

use reqwest::header::HeaderMap;
use serde_json::Value;

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    /// What was asked, for messages.
    pub what: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
    /// The body, or null where it isn't JSON.
    pub json: Value,
}

impl Answer {
    pub async fn read(what: String, response: reqwest::Response) -> Self {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let bytes = response.bytes().await.unwrap().to_vec();
        let json = serde_json::from_slice(&bytes).unwrap_or_default();
        Self { what, status, headers, bytes, json }
    }

    /// Fails unless the status is this one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.what, self.body());
        self
    }

    /// Fails unless it is a well-formed problem document with this status and code.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.json["code"].as_str()), (status, Some(code)), "{}: {}", self.what, self.body());
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.what);
        assert_eq!(self["status"], status, "{}", self.what);
        assert_eq!(self["type"], format!("urn:dossier:problem:{code}"), "{}", self.what);
        assert_eq!(self["request_id"].as_str(), self.header("x-request-id"), "{}", self.what);
        for member in ["title", "detail"] {
            assert!(self[member].as_str().is_some_and(|text| !text.is_empty()), "{}: no {member}", self.what);
        }
        self
    }

    /// Fails unless exactly these fields are named as wrong, each with its code, in whatever order.
    #[track_caller]
    pub fn wrong_fields(self, expected: &[(&str, &str)]) -> Self {
        let answer = self.problem(422, "invalid");
        let mut named: Vec<(&str, &str)> = answer["errors"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|error| (error["field"].as_str().unwrap(), error["code"].as_str().unwrap()))
            .collect();
        let mut expected = expected.to_vec();
        named.sort_unstable();
        expected.sort_unstable();
        assert_eq!(named, expected, "{}: {}", answer.what, answer.body());
        answer
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The body as text.
    pub fn body(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The string at a JSON pointer.
    #[track_caller]
    pub fn text(&self, pointer: &str) -> String {
        match self.json.pointer(pointer).and_then(Value::as_str) {
            Some(text) => text.to_owned(),
            None => panic!("{}: no text at {pointer} in {}", self.what, self.body()),
        }
    }

    #[track_caller]
    pub fn id(&self) -> String {
        self.text("/id")
    }

    /// The entries of a list.
    #[track_caller]
    pub fn data(&self) -> Vec<Value> {
        match self.json["data"].as_array() {
            Some(data) => data.clone(),
            None => panic!("{}: no list but {}", self.what, self.body()),
        }
    }

    /// One member of each entry of a list, such as its name; "" where it isn't text.
    #[track_caller]
    pub fn each(&self, member: &str) -> Vec<String> {
        self.data().iter().map(|entry| entry[member].as_str().unwrap_or_default().to_owned()).collect()
    }
}

impl Index<&str> for Answer {
    type Output = Value;

    fn index(&self, member: &str) -> &Value {
        &self.json[member]
    }
}
