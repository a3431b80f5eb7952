//! What a message changes about its conversation: pure rules.

use chrono::{DateTime, Duration, Utc};

use super::queries::ConversationRow;
use super::types::ConversationStatus;
use crate::channels::Direction;
use crate::db::types::TimeOrNever;
use crate::text;

/// What counts of a message.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    pub direction: Direction,
    /// What lists show of it.
    pub gist: &'a str,
    pub occurred_at: DateTime<Utc>,
}

/// Counts a message that was received or written `now`. One that comes in opens a closed conversation again.
pub fn count(conversation: &mut ConversationRow, message: Said, now: DateTime<Utc>) {
    let at = message.occurred_at;
    if conversation.message_count == 0 || at >= conversation.last_message_at {
        conversation.last_message_at = at;
        conversation.last_message_direction = Some(message.direction);
        conversation.preview = text::preview(message.gist);
    }
    conversation.first_message_at = Some(conversation.first_message_at.map_or(at, |first| first.min(at)));
    conversation.message_count += 1;
    if message.direction == Direction::Inbound {
        // Always later than before, also when it waited for the one before: who read that one didn't read this one.
        let before = conversation.last_inbound_at.0.map(|last| last + Duration::microseconds(1));
        conversation.last_inbound_at = TimeOrNever(Some(before.map_or(now, |before| before.max(now))));
        if conversation.status == ConversationStatus::Closed {
            conversation.status = ConversationStatus::Open;
        }
    }
}

/// Takes up what another conversation counted. The whole is spam only where both were, and closed where neither was
/// open.
pub fn absorb(conversation: &mut ConversationRow, other: &ConversationRow) {
    use ConversationStatus::{Closed, Open, Spam};
    if other.message_count > 0
        && (conversation.message_count == 0 || other.last_message_at > conversation.last_message_at)
    {
        conversation.last_message_at = other.last_message_at;
        conversation.last_message_direction = other.last_message_direction;
        conversation.preview.clone_from(&other.preview);
    }
    let first = [conversation.first_message_at, other.first_message_at];
    conversation.first_message_at = first.into_iter().flatten().min();
    conversation.message_count += other.message_count;
    conversation.last_inbound_at = conversation.last_inbound_at.max(other.last_inbound_at);
    conversation.assignee_id = conversation.assignee_id.or(other.assignee_id);
    conversation.status = match (conversation.status, other.status) {
        (Spam, Spam) => Spam,
        (Open, _) | (_, Open) => Open,
        _ => Closed,
    };
}

/// Whether fields changed that people edit.
pub fn is_edited(before: &ConversationRow, after: &ConversationRow) -> bool {
    (before.status, before.assignee_id, &before.subject) != (after.status, after.assignee_id, &after.subject)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{ChannelId, ContactId, ConversationId, UserId};
    use proptest::prelude::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap_or_default()
    }

    fn empty() -> ConversationRow {
        ConversationRow::new(ConversationId::new(), ChannelId::new(), ContactId::new(), at(0))
    }

    fn inbound(gist: &str, seconds: i64) -> Said<'_> {
        Said { direction: Direction::Inbound, gist, occurred_at: at(seconds) }
    }

    #[test]
    fn the_newest_message_is_shown_in_whatever_order_they_come() {
        let mut conversation = empty();
        for (body, seconds) in [("second", -20), ("third", -10), ("first", -30)] {
            count(&mut conversation, inbound(body, seconds), at(0));
        }
        assert_eq!(conversation.preview, "third");
        assert_eq!(conversation.message_count, 3);
        assert_eq!((conversation.first_message_at, conversation.last_message_at), (Some(at(-30)), at(-10)));
    }

    #[test]
    fn what_comes_in_opens_a_closed_conversation_but_not_spam() {
        for (before, after) in [("open", "open"), ("closed", "open"), ("spam", "spam")] {
            let mut conversation = empty();
            conversation.status = *ConversationStatus::ALL.iter().find(|status| status.as_str() == before).unwrap();
            count(&mut conversation, inbound("", 0), at(0));
            assert_eq!(conversation.status.as_str(), after);
        }
        let mut conversation = empty();
        conversation.status = ConversationStatus::Closed;
        count(&mut conversation, Said { direction: Direction::Outbound, ..inbound("", 0) }, at(0));
        assert_eq!(conversation.status, ConversationStatus::Closed);
        assert_eq!(conversation.last_inbound_at, TimeOrNever(None));
    }

    #[test]
    fn what_comes_in_is_always_newer_than_what_was_read() {
        let mut conversation = empty();
        count(&mut conversation, inbound("", 0), at(9));
        let read_at = conversation.last_inbound_at;
        count(&mut conversation, inbound("", 0), at(5));
        assert!(conversation.last_inbound_at > read_at);
    }

    proptest! {
        #[test]
        fn absorbing_is_counting_together(split in 0_usize..8, seconds in prop::collection::vec(0_i64..1000, 1..8)) {
            let split = split.min(seconds.len());
            let (mut one, mut other, mut whole) = (empty(), empty(), empty());
            for (index, second) in seconds.iter().enumerate() {
                let body = second.to_string();
                count(if index < split { &mut one } else { &mut other }, inbound(&body, *second), at(2000));
                count(&mut whole, inbound(&body, *second), at(2000));
            }
            one.assignee_id = None;
            other.assignee_id = Some(UserId::new());
            absorb(&mut one, &other);
            prop_assert_eq!(one.message_count, whole.message_count);
            prop_assert_eq!(one.first_message_at, whole.first_message_at);
            prop_assert_eq!(one.last_message_at, whole.last_message_at);
            prop_assert_eq!(one.preview, whole.preview);
            prop_assert_eq!(one.assignee_id, other.assignee_id);
        }
    }
}
