//! The words of file names, and those that an earlier edition indexed.

use diesel::prelude::*;

use crate::db::schema::attachments;
use crate::db::search_vector::{self, EDITION, SearchVector, Weight};
use crate::error::Result;
use crate::ids::{AttachmentId, OrganizationId};
use crate::text::stem::Stemmer;

/// By which a file is found.
pub fn vector(organization: OrganizationId, stemmer: Stemmer, filename: &str) -> SearchVector {
    SearchVector::new(organization, stemmer).with(filename, Weight::Title)
}

/// Up to `limit` files, locked for nobody else to do the same; says how many there were.
pub fn reindex_attachments(conn: &mut PgConnection, limit: i64) -> Result<usize> {
    let stale: Vec<(OrganizationId, AttachmentId, String)> = attachments::table
        .filter(attachments::search_edition.lt(EDITION))
        .select((attachments::organization_id, attachments::id, attachments::filename))
        .limit(limit)
        .for_no_key_update()
        .skip_locked()
        .load(conn)?;
    for (organization, id, filename) in &stale {
        let search = vector(*organization, search_vector::stemmer(conn, *organization)?, filename);
        diesel::update(attachments::table.find((organization, id)))
            .set((attachments::search.eq(search), attachments::search_edition.eq(EDITION)))
            .execute(conn)?;
    }
    Ok(stale.len())
}
