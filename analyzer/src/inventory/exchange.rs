//! One exchange as the inventory takes it in.

use super::consumer::Identity;
use super::lists::ListsSeen;
use super::schema::Outlined;
use super::traits::Traits;
use std::sync::Arc;
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
