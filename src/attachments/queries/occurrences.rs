//! Every time that one file was exchanged.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Record, Timestamptz, Uuid as SqlUuid};

use super::{Exchanged, attachment_row, exchanged, view};
use crate::attachments::links::Links;
use crate::attachments::types::AttachmentList;
use crate::db::keyset;
use crate::db::schema::attachments;
use crate::error::Result;
use crate::http::page::Page;
use crate::ids::{AttachmentId, OrganizationId};

/// Of the same bytes as this attachment, newest first.
pub fn list_occurrences(
    conn: &mut PgConnection,
    organization: OrganizationId,
    links: &Links,
    id: AttachmentId,
    page: &Page,
) -> Result<AttachmentList> {
    let sha256 = attachment_row(conn, organization, id)?.sha256;
    let mut query = exchanged(organization)
        .filter(attachments::sha256.eq(&sha256))
        .filter(attachments::message_id.is_not_null())
        .into_boxed()
        .order((attachments::occurred_at.desc(), attachments::id.desc()))
        .limit(page.rows());
    if let Some((occurred_at, id)) = page.after::<(DateTime<Utc>, AttachmentId)>()? {
        let key = (attachments::occurred_at, attachments::id).into_sql::<Record<(Nullable<Timestamptz>, SqlUuid)>>();
        query = query.filter(key.lt((Some(occurred_at), id)));
    }
    let mut rows: Vec<Exchanged> = query.load(conn)?;
    let next_cursor = page.cut(&mut rows, |(row, ..)| (row.occurred_at, row.id))?;
    let count = keyset::count(conn, page, || {
        attachments::table
            .filter(attachments::organization_id.eq(organization))
            .filter(attachments::sha256.eq(&sha256))
            .filter(attachments::message_id.is_not_null())
            .select(attachments::id)
            .into_boxed()
    })?;
    let data = rows.into_iter().map(|row| view(organization, links, row)).collect();
    Ok(AttachmentList { data, next_cursor, count })
}
