//! Whose histories are compared.

use diesel::prelude::*;
use dossier::channels::Medium;
use dossier::db::schema::{contacts, profiles};
use dossier::ids::{ContactId, OrganizationId, ProfileId};

/// Contacts of the largest profile, and of the one it is compared with.
pub const MANY: usize = 200;

pub struct Cast {
    /// A tenth of all messages, by [`MANY`] contacts.
    pub large: ProfileId,
    /// A thousand moments of as many contacts.
    pub middle: ProfileId,
    /// A thousand moments of one contact.
    pub single: ProfileId,
    /// An empty one.
    pub empty: ProfileId,
    /// 50,000 messages of ten million; attached to no profile, nor is the next.
    pub heavy: ContactId,
    /// Five messages.
    pub light: ContactId,
    /// All contacts: these two, then those of the three profiles, then the others.
    pub contacts: Vec<(ContactId, Medium)>,
}

impl Cast {
    /// The first ones that came.
    pub fn of(conn: &mut PgConnection, organization: OrganizationId) -> Self {
        let first: Vec<ProfileId> = profiles::table
            .filter(profiles::organization_id.eq(organization))
            .order(profiles::id)
            .select(profiles::id)
            .limit(4)
            .load(conn)
            .unwrap();
        let contacts: Vec<(ContactId, Medium)> = contacts::table
            .filter(contacts::organization_id.eq(organization))
            .order(contacts::id)
            .select((contacts::id, contacts::medium))
            .load(conn)
            .unwrap();
        Self {
            large: first[0],
            middle: first[1],
            single: first[2],
            empty: first[3],
            heavy: contacts[0].0,
            light: contacts[1].0,
            contacts,
        }
    }

    pub const LARGE: std::ops::Range<usize> = 2..2 + MANY;
    pub const MIDDLE: std::ops::Range<usize> = 2 + MANY..2 + 2 * MANY;
    pub const SINGLE: usize = 2 + 2 * MANY;
    pub const OTHERS: usize = Self::SINGLE + 1;

    /// Points their contacts to the profiles, and no others.
    pub fn attach(&self, conn: &mut PgConnection, organization: OrganizationId) {
        for (profile, places) in [
            (Some(self.large), Self::LARGE),
            (Some(self.middle), Self::MIDDLE),
            (Some(self.single), Self::SINGLE..Self::OTHERS),
            (None, 0..2),
        ] {
            let ids: Vec<ContactId> = self.contacts[places].iter().map(|(id, _)| *id).collect();
            let elsewhere = contacts::table.filter(contacts::organization_id.eq(organization));
            if let Some(profile) = profile {
                diesel::update(elsewhere.filter(contacts::profile_id.eq(profile)))
                    .set(contacts::profile_id.eq(None::<ProfileId>))
                    .execute(conn)
                    .unwrap();
            }
            diesel::update(elsewhere.filter(contacts::id.eq_any(ids)))
                .set(contacts::profile_id.eq(profile))
                .execute(conn)
                .unwrap();
        }
        diesel::update(
            contacts::table
                .filter(contacts::organization_id.eq(organization))
                .filter(contacts::profile_id.eq(self.empty)),
        )
        .set(contacts::profile_id.eq(None::<ProfileId>))
        .execute(conn)
        .unwrap();
        let terms = "UPDATE contact_terms SET profile_id = contacts.profile_id FROM contacts \
            WHERE contacts.organization_id = contact_terms.organization_id AND contacts.id = contact_id \
            AND contact_terms.profile_id IS DISTINCT FROM contacts.profile_id";
        diesel::sql_query(terms).execute(conn).unwrap();
    }
}
