//! One exchange as the inventory takes it in.

use std::sync::Arc;

use super::consumer::Identity;
use super::lists::{ListsSeen, NameLists};
use super::schema::{Outlined, Outlines};
use super::traits::{KnownTraits, Traits};
use crate::settings::AnalyzerSettings;
use tapscope_record::ExchangeRecord;

/// The record, and what was made of it before it is known which endpoint it is of.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    /// The record.
    pub record: &'a ExchangeRecord,
    /// Who called.
    pub identity: &'a Identity,
    /// What its bodies look like.
    pub outlined: &'a Outlined,
    /// What is known of its lists of names.
    pub lists: &'a ListsSeen,
    /// What it has in common with others.
    pub traits: &'a Arc<Traits>,
}

/// What a record says by itself, whatever is known of its host.
#[derive(Clone, Debug)]
pub struct Said {
    /// What its bodies look like.
    pub outlined: Outlined,
    /// What is known of its lists of names.
    pub lists: ListsSeen,
    /// What it has in common with others.
    pub traits: Arc<Traits>,
}

impl Said {
    /// The exchange of that record, by that caller.
    pub fn exchange<'a>(
        &'a self,
        record: &'a ExchangeRecord,
        identity: &'a Identity,
    ) -> Exchange<'a> {
        Exchange {
            record,
            identity,
            outlined: &self.outlined,
            lists: &self.lists,
            traits: &self.traits,
        }
    }
}

/// What records said of late: most say what others did.
#[derive(Debug, Default)]
pub struct Sayings {
    outlines: Outlines,
    lists: NameLists,
    traits: KnownTraits,
}

impl Sayings {
    /// What a record says. It hangs on nothing but the record.
    pub fn of(&mut self, record: &ExchangeRecord, settings: &AnalyzerSettings) -> Said {
        let lists = self.lists.of(record);
        Said {
            outlined: self.outlines.of(record, &settings.inventory),
            traits: self.traits.of(record, &lists, &settings.exposure),
            lists,
        }
    }

    /// Bytes held, roughly.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.outlines.bytes() + self.lists.bytes() + self.traits.bytes()
    }
}
