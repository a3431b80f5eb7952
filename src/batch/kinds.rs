//! What a batch can hold: the one table, from which operations are checked and the document is made.

use serde_json::json;
use utoipa::openapi::schema::{AdditionalProperties, KnownFormat, ObjectBuilder, OneOfBuilder, SchemaFormat, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::types::{CreateNoteOn, DetachContact, Op, Resource};

/// A kind of operation.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    op: Op,
    resource: Resource,
    /// Of its schema.
    name: &'static str,
    pub has_id: bool,
    pub has_upsert_on: bool,
    pub has_if_match: bool,
    pub body: Option<KindBody>,
}

#[derive(Debug, Clone, Copy)]
pub struct KindBody {
    /// Of its schema.
    name: &'static str,
    pub is_required: bool,
}

impl Kind {
    const fn new(op: Op, resource: Resource, name: &'static str) -> Self {
        Self { op, resource, name, has_id: false, has_upsert_on: false, has_if_match: false, body: None }
    }

    const fn body(self, name: &'static str) -> Self {
        Self { body: Some(KindBody { name, is_required: true }), ..self }
    }

    const fn optional_body(self, name: &'static str) -> Self {
        Self { body: Some(KindBody { name, is_required: false }), ..self }
    }

    /// Of something that may be there.
    const fn upserted(self) -> Self {
        Self { has_upsert_on: true, has_if_match: true, ..self }
    }

    /// Of something that is there.
    const fn existing(self) -> Self {
        Self { has_id: true, has_if_match: true, ..self }
    }
}

const KINDS: [Kind; 17] = {
    use Op::{Attach, Create, Delete, Detach, Update, Upsert};
    use Resource::{Channel, Contact, Conversation, Note, Profile};
    [
        Kind::new(Create, Profile, "CreateProfileOperation").body("CreateProfile"),
        Kind::new(Upsert, Profile, "UpsertProfileOperation").upserted().body("CreateProfile"),
        Kind::new(Update, Profile, "UpdateProfileOperation").existing().body("UpdateProfile"),
        Kind::new(Delete, Profile, "DeleteProfileOperation").existing(),
        Kind::new(Create, Contact, "CreateContactOperation").body("CreateContact"),
        Kind::new(Update, Contact, "UpdateContactOperation").existing().body("UpdateContact"),
        Kind::new(Delete, Contact, "DeleteContactOperation").existing(),
        Kind::new(Attach, Contact, "AttachContactOperation").existing().body("AttachContact"),
        Kind::new(Detach, Contact, "DetachContactOperation").existing().optional_body("DetachContact"),
        Kind::new(Create, Conversation, "CreateConversationOperation").body("CreateConversation"),
        Kind::new(Update, Conversation, "UpdateConversationOperation").existing().body("UpdateConversation"),
        Kind::new(Create, Note, "CreateNoteOperation").body("CreateNoteOn"),
        Kind::new(Update, Note, "UpdateNoteOperation").existing().body("UpdateNote"),
        Kind::new(Delete, Note, "DeleteNoteOperation").existing(),
        Kind::new(Create, Channel, "CreateChannelOperation").body("CreateChannel"),
        Kind::new(Update, Channel, "UpdateChannelOperation").existing().body("UpdateChannel"),
        Kind::new(Delete, Channel, "DeleteChannelOperation").existing(),
    ]
};

/// The name of the schema of `if_match`.
const IF_MATCH: &str = "IfMatch";

pub fn find(op: Op, resource: Resource) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| (kind.op, kind.resource) == (op, resource))
}

/// An operation in the document: one of the kinds.
pub struct BatchOperation;

impl PartialSchema for BatchOperation {
    fn schema() -> RefOr<Schema> {
        let one_of = OneOfBuilder::new().description(Some("One write: what is done to which resource."));
        KINDS.iter().fold(one_of, |one_of, kind| one_of.item(Ref::from_schema_name(kind.name))).into()
    }
}

impl ToSchema for BatchOperation {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.extend(KINDS.iter().map(|kind| (kind.name.to_owned(), kind.schema())));
        schemas.push((IF_MATCH.to_owned(), if_match()));
        // The bodies that no route of their own has.
        for (name, schema, parts) in [
            (CreateNoteOn::name(), CreateNoteOn::schema(), CreateNoteOn::schemas as fn(&mut Vec<_>)),
            (DetachContact::name(), DetachContact::schema(), DetachContact::schemas),
        ] {
            schemas.push((name.into_owned(), schema));
            parts(schemas);
        }
    }
}

impl Kind {
    fn schema(&self) -> RefOr<Schema> {
        let only = |word: &str| text().enum_values(Some([word])).build();
        let mut object = ObjectBuilder::new()
            .property("op", only(self.op.as_str()))
            .required("op")
            .property("resource", only(self.resource.as_str()))
            .required("resource")
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)));
        if self.has_id {
            let id = text()
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
                .examples([json!("0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c11")]);
            object = object.property("id", id.build()).required("id");
        }
        if self.has_upsert_on {
            let description = "Key of a unique field: the profile that has the body's value of it is changed; without \
                one, a profile is made, unless `if_match` says that it is there.";
            let key = text().description(Some(description)).pattern(Some("^[a-z][a-z0-9_]{0,62}$"));
            object = object.property("upsert_on", key.examples(["relation_number"]).build()).required("upsert_on");
        }
        if self.has_if_match {
            object = object.property("if_match", Ref::from_schema_name(IF_MATCH));
        }
        if let Some(body) = self.body {
            object = object.property("body", Ref::from_schema_name(body.name));
            if body.is_required {
                object = object.required("body");
            }
        }
        object.into()
    }
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn if_match() -> RefOr<Schema> {
    let description = "The version that was read, or its `ETag`: refused with 412 when it has changed since.";
    let version = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
        .minimum(Some(1))
        .examples([json!(3)]);
    let tag = text().pattern(Some(r#"^(\*|(W/)?"?0*[1-9][0-9]{0,8}(-[^"]*)?"?)$"#));
    OneOfBuilder::new().description(Some(description)).item(version).item(tag).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_stands_in_the_table_once() {
        for kind in KINDS {
            assert_eq!(find(kind.op, kind.resource).map(|found| found.name), Some(kind.name));
        }
    }
}
