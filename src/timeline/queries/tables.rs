//! The tables in which entries of a timeline are.

use super::super::TimelineType;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    Messages,
    Files,
    Events,
}

impl Table {
    /// Where entries of this type are.
    pub fn of(kind: TimelineType) -> Self {
        match kind {
            TimelineType::Message => Self::Messages,
            TimelineType::File => Self::Files,
            _ => Self::Events,
        }
    }

    /// Where their words are, and by which column: of an [`EntryKey`], the event.
    pub fn texts(self) -> (&'static str, &'static str) {
        match self {
            Self::Messages => ("messages", "id"),
            Self::Files => ("attachments", "id"),
            Self::Events => ("event_texts", "event_id"),
        }
    }

    /// What tells its sources from those of other tables.
    pub fn number(self) -> &'static str {
        match self {
            Self::Messages => "0",
            Self::Files => "1",
            Self::Events => "2",
        }
    }

    /// The column by which its index is ordered, before the id.
    pub fn at(self) -> &'static str {
        match self {
            Self::Messages | Self::Files => "occurred_at",
            Self::Events => "at",
        }
    }

    /// Of an [`EntryKey`], the type and the event.
    pub fn columns(self) -> &'static str {
        match self {
            Self::Messages => "'message' AS type, entry.id AS event_id",
            Self::Files => "'file' AS type, entry.id AS event_id",
            Self::Events => "entry.type, entry.event_id",
        }
    }

    pub fn from(self) -> &'static str {
        match self {
            Self::Messages => " FROM messages AS entry WHERE ",
            Self::Files => " FROM attachments AS entry WHERE ",
            Self::Events => " FROM timeline_entries AS entry WHERE ",
        }
    }

    /// What of it is there to be shown.
    pub fn only(self) -> &'static str {
        match self {
            Self::Messages | Self::Events => "",
            Self::Files => "message_id IS NOT NULL AND NOT inline AND ",
        }
    }

    pub fn owner(self) -> &'static str {
        match self {
            Self::Messages | Self::Files => "contact_id",
            Self::Events => "owner_id",
        }
    }
}
