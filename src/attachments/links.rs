//! Links that need no token: signed, bound to one file, and expiring.

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::types::Variant;
use crate::error::{Code, Error, Result};
use crate::ids::{AttachmentId, OrganizationId};

/// Expiries are whole hours, so that an answer that is asked for again is the same, byte for byte.
const STEP_SECONDS: i64 = 3600;
const PURPOSE: &[u8] = b"dossier: links to attachments, 1";

/// Signs links and verifies them.
#[derive(Clone)]
pub struct Links {
    /// One block of the hash: a key of this length is taken as it is.
    key: [u8; 64],
}

/// A link, and when it ends.
pub struct Link {
    pub url: String,
    pub expires_at: DateTime<Utc>,
}

impl Links {
    /// With a key of its own, derived from the service's secret.
    pub fn new(secret: &[u8]) -> Self {
        let mut key = [0; 64];
        let derived = Sha256::new().chain_update(PURPOSE).chain_update(secret).finalize();
        key.iter_mut().zip(derived).for_each(|(byte, derived)| *byte = derived);
        Self { key }
    }

    /// A link that is good for one to two hours.
    pub fn sign(
        &self,
        organization: OrganizationId,
        attachment: AttachmentId,
        variant: Variant,
        now: DateTime<Utc>,
    ) -> Link {
        let expires = (now.timestamp().div_euclid(STEP_SECONDS) + 2) * STEP_SECONDS;
        let signature: String = self
            .mac(organization, attachment, variant, expires)
            .finalize()
            .into_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Link {
            url: format!(
                "/v1/attachments/{attachment}/signed?organization_id={organization}&variant={variant}\
                 &expires={expires}&signature={signature}"
            ),
            expires_at: DateTime::from_timestamp(expires, 0).unwrap_or(now),
        }
    }

    /// 403 unless this service signed exactly this, and it hasn't expired.
    pub fn verify(
        &self,
        organization: OrganizationId,
        attachment: AttachmentId,
        variant: Variant,
        expires: i64,
        signature: &str,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let signature = bytes(signature).ok_or_else(refused)?;
        // Compares in constant time.
        let signed = self.mac(organization, attachment, variant, expires).verify_slice(&signature);
        if signed.is_err() || expires <= now.timestamp() { Err(refused()) } else { Ok(()) }
    }

    fn mac(
        &self,
        organization: OrganizationId,
        attachment: AttachmentId,
        variant: Variant,
        expires: i64,
    ) -> Hmac<Sha256> {
        Hmac::<Sha256>::new(&self.key.into())
            .chain_update(organization.0.as_bytes())
            .chain_update(attachment.0.as_bytes())
            .chain_update(expires.to_be_bytes())
            .chain_update(variant.as_str())
    }
}

pub fn refused() -> Error {
    Error::new(Code::LinkInvalid, "The link was changed or has expired: read the attachment again for a new one.")
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use chrono::Duration;

    fn parts(url: &str) -> (i64, String) {
        let query = url::form_urlencoded::parse(url.split_once('?').unwrap().1.as_bytes()).into_owned();
        let query: std::collections::HashMap<String, String> = query.collect();
        (query["expires"].parse().unwrap(), query["signature"].clone())
    }

    #[test]
    fn a_link_is_good_for_its_file_until_it_expires() {
        let links = Links::new(b"a secret of at least thirty-two bytes");
        let (organization, id, now) = (OrganizationId::new(), AttachmentId::new(), Utc::now());
        let link = links.sign(organization, id, Variant::Original, now);
        let (expires, signature) = parts(&link.url);
        let verify = |organization, id, expires, signature: &str, now| {
            links.verify(organization, id, Variant::Original, expires, signature, now).is_ok()
        };
        assert!(verify(organization, id, expires, &signature, now + Duration::minutes(59)));
        assert!(!verify(organization, id, expires, &signature, now + Duration::minutes(121)));
        assert!(!verify(organization, id, expires + 3600, &signature, now));
        assert!(!verify(organization, AttachmentId::new(), expires, &signature, now));
        assert!(!verify(OrganizationId::new(), id, expires, &signature, now));
        assert!(!verify(organization, id, expires, &signature.replace(|c: char| c.is_ascii_digit(), "a"), now));
        assert!(!verify(organization, id, expires, "", now));
        let other = Links::new(b"another secret of thirty-two bytes or more");
        assert!(other.verify(organization, id, Variant::Original, expires, &signature, now).is_err());
    }

    #[test]
    fn links_of_one_hour_are_the_same() {
        let links = Links::new(b"a secret of at least thirty-two bytes");
        let (organization, id) = (OrganizationId::new(), AttachmentId::new());
        let hour = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let sign = |now| links.sign(organization, id, Variant::Original, now).url;
        assert_eq!(sign(hour), sign(hour + Duration::seconds(3599)));
        assert_ne!(sign(hour), sign(hour + Duration::seconds(3600)));
    }
}
