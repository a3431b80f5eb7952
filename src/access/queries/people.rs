//! Who someone is: names of actors.

use std::collections::HashMap;

use diesel::prelude::*;
use uuid::Uuid;

use crate::actor::{Actor, ActorRef, ActorType};
use crate::db::schema::{api_tokens, channels, users};
use crate::error::Result;
use crate::ids::{ApiTokenId, ChannelId, OrganizationId, UserId};

/// Names of actors.
#[derive(Debug, Default)]
pub struct People(HashMap<ActorRef, String>);

impl People {
    pub fn get(&self, actor: ActorRef) -> Option<Actor> {
        let name = match actor.kind {
            ActorType::System => "Dossier".to_owned(),
            _ => self.0.get(&actor)?.clone(),
        };
        Some(Actor { kind: actor.kind, id: actor.id, name })
    }
}

/// Looks up the names of these actors: one query for each type among them.
pub fn people(
    conn: &mut PgConnection,
    organization: OrganizationId,
    actors: impl IntoIterator<Item = ActorRef>,
) -> Result<People> {
    let mut wanted: HashMap<ActorType, Vec<Uuid>> = HashMap::new();
    for actor in actors {
        if let Some(id) = actor.id {
            let ids = wanted.entry(actor.kind).or_default();
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
    }
    let mut names = HashMap::new();
    for (kind, ids) in wanted {
        let found: Vec<(Uuid, String)> = match kind {
            ActorType::User => users::table
                .filter(users::organization_id.eq(organization))
                .filter(users::id.eq_any(ids.into_iter().map(UserId)))
                .select((users::id, users::name))
                .load::<(UserId, String)>(conn)?
                .into_iter()
                .map(|(id, name)| (id.0, name))
                .collect(),
            ActorType::Token => api_tokens::table
                .filter(api_tokens::organization_id.eq(organization))
                .filter(api_tokens::id.eq_any(ids.into_iter().map(ApiTokenId)))
                .select((api_tokens::id, api_tokens::name))
                .load::<(ApiTokenId, String)>(conn)?
                .into_iter()
                .map(|(id, name)| (id.0, name))
                .collect(),
            ActorType::Channel => channels::table
                .filter(channels::organization_id.eq(organization))
                .filter(channels::id.eq_any(ids.into_iter().map(ChannelId)))
                .select((channels::id, channels::name))
                .load::<(ChannelId, String)>(conn)?
                .into_iter()
                .map(|(id, name)| (id.0, name))
                .collect(),
            ActorType::System => Vec::new(),
        };
        names.extend(found.into_iter().map(|(id, name)| (ActorRef { kind, id: Some(id) }, name)));
    }
    Ok(People(names))
}
