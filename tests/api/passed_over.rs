//! Nothing that a request asks for is passed over: what an operation doesn't take is refused before anything is done.
//! Walks through every operation of the document, so that a new one is covered.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Operation, Request, World, document, operations};
use crate::tenancy::{Ids, furnish, path_with};

fn path(operation: &Operation, ids: &Ids) -> String {
    path_with(operation, ids).unwrap_or_else(|| operation.path.clone())
}

fn events(world: &World) -> i64 {
    world.database.number("SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM idempotency_keys)")
}

#[actix_web::test]
async fn a_parameter_that_an_operation_does_not_have() {
    let (world, document) = (World::new().await, document());
    let ids = furnish(&world, &document).await;
    let (admin, agent, before) = (world.admin(), world.agent("Grace").await, events(&world));
    for operation in operations(&document) {
        let path = format!("{}?dry-run=true", path(&operation, &ids));
        let named = |request: Request| async {
            let refused = request.await.problem(422, "invalid");
            let all = refused["errors"].as_array().unwrap().clone();
            let one = all.into_iter().find(|error| error["field"] == "dry-run").unwrap_or_else(|| panic!("{path}"));
            assert_eq!((&one["in"], &one["code"]), (&json!("query"), &json!("unknown")), "{path}");
            assert!(one["message"].as_str().unwrap().starts_with("unknown field `dry-run`, "), "{one}");
        };
        named(operation.example(&document, &admin, &path).key("a key")).await;
        // Who may not ask at all isn't told what else is wrong.
        let anonymous = operation.example(&document, &world.anonymous(), &path);
        match operation.is_protected() {
            true => drop(anonymous.await.problem(401, "token_missing")),
            false => named(anonymous).await,
        }
        if operation.is_for_admins() {
            operation.example(&document, &agent, &path).await.problem(403, "role_required");
        }
    }
    assert_eq!(events(&world), before);
    admin.request(Method::HEAD, "/v1/me?x=1").await.expect(422);
    for query in ["?", "?&"] {
        admin.get(&format!("/v1/me{query}")).await.expect(200);
    }
    // A page beside the API may be asked for as one likes.
    admin.get("/healthz?now").await.expect(200);
    admin.get("/v1/nothing?x=1").await.problem(404, "route_not_found");
    admin.request(Method::PATCH, "/v1/conversations/counts?x=1").await.problem(405, "method_not_allowed");
}

#[actix_web::test]
async fn a_condition_that_an_operation_does_not_look_at() {
    let (world, document) = (World::new().await, document());
    let ids = furnish(&world, &document).await;
    let (admin, before) = (world.admin(), events(&world));
    let mut seen = 0;
    for operation in operations(&document).iter().filter(|operation| !operation.is_read()) {
        let path = path(operation, &ids);
        for (name, value) in [("If-None-Match", "*"), ("If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT")] {
            let refused = operation.example(&document, &admin, &path).header(name, value).await;
            refused.wrong_fields(&[(name, "unsupported")]);
        }
        if operation.parameters("header").iter().any(|parameter| parameter["name"] == "If-Match") {
            continue;
        }
        let refused = operation.example(&document, &admin, &path).header("If-Match", "\"1-x\"").await;
        let refused = refused.wrong_fields(&[("If-Match", "unsupported")]);
        assert_eq!(refused["errors"][0]["in"], "header");
        seen += 1;
    }
    assert!(seen > 10);
    assert_eq!(events(&world), before);
    world.anonymous().put("/v1/profile-fields/order", json!({})).header("If-Match", "*").await.expect(401);
    // What is only read changes nothing.
    admin.get("/v1/me").header("If-Match", "\"1-x\"").await.expect(200);
}

#[actix_web::test]
async fn a_parameter_that_may_come_once_comes_twice() {
    let (world, document) = (World::new().await, document());
    let ids = furnish(&world, &document).await;
    let (admin, mut seen) = (world.admin(), 0);
    for operation in operations(&document).iter().filter(|operation| operation.is_protected()) {
        for parameter in operation.parameters("query") {
            let (name, schema) = (parameter["name"].as_str().unwrap(), &parameter["schema"]);
            if schema["type"] == "array" || parameter["style"] == "deepObject" {
                continue;
            }
            let path = format!("{}?{name}=1&{name}=2", path(operation, &ids));
            let refused = operation.example(&document, &admin, &path).await.problem(422, "invalid");
            let all = refused["errors"].as_array().unwrap();
            let told: Vec<&Value> = all.iter().filter(|error| error["field"] == name).collect();
            assert!(matches!(told[..], [one] if one["code"] == "repeated"), "{path}: {}", refused.body());
            seen += 1;
        }
    }
    assert!(seen > 100, "{seen}");
}
