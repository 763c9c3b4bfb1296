//! Lists of names that come again with nearly every message (its header fields, its cookies): what
//! the inventory wants to know of one is found out once for all messages that share it.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;

use tapscope_record::header::is_parameter;
use tapscope_record::{ExchangeRecord, MessageRecord, NameList};

/// Lists that are kept. Clients have a few each; the sensor shares no more of them than that.
const KEPT_MAX: usize = 4_096;

/// What a list takes, roughly: what is kept here, and the names, should nobody else hold them.
const LIST_COST: usize = 1_024;

/// The header field that hands a cookie out.
const SET_COOKIE: &str = "set-cookie";

/// What is known of a list: which of its names are worth counting, each name once.
#[derive(Debug, Default)]
struct Listed {
    /// Places of its first ones of each name.
    once: Box<[u32]>,
    /// Those of them that are header fields which are parameters.
    parameters: Box<[u32]>,
    sets_cookie: bool,
    /// Whether it is found again for other exchanges with the list.
    is_kept: bool,
}

/// What is known of the lists of an exchange.
#[derive(Clone, Debug, Default)]
pub struct ListsSeen {
    headers: Option<Arc<Listed>>,
    cookies: Option<Arc<Listed>>,
    /// Whether the response hands a cookie out.
    pub sets_cookie: bool,
}

impl ListsSeen {
    /// Header fields of the request that are parameters, each once.
    pub(super) fn header_parameters<'a>(
        &'a self,
        request: &'a MessageRecord,
    ) -> impl Iterator<Item = &'a str> {
        let listed = self.headers.iter().flat_map(|listed| &listed.parameters);
        named(listed, &request.header_names)
    }

    /// What names the two lists of the request as long as these are held; none where others may say
    /// the same.
    pub(super) fn address(&self) -> Option<[usize; 2]> {
        let lists = [&self.headers, &self.cookies];
        let are_kept = lists
            .iter()
            .all(|one| one.as_ref().is_none_or(|one| one.is_kept));
        are_kept.then(|| lists.map(|one| one.as_ref().map_or(0, |one| Arc::as_ptr(one).addr())))
    }

    /// Cookies of the request, each once.
    pub(super) fn cookies<'a>(
        &'a self,
        request: &'a MessageRecord,
    ) -> impl Iterator<Item = &'a str> {
        let listed = self.cookies.iter().flat_map(|listed| &listed.once);
        named(listed, &request.cookie_names)
    }
}

fn named<'a>(
    places: impl Iterator<Item = &'a u32>,
    list: &'a NameList,
) -> impl Iterator<Item = &'a str> {
    places.filter_map(|at| list.get(*at as usize).map(String::as_str))
}

/// Lists that were seen of late.
#[derive(Debug, Default)]
pub struct NameLists {
    /// By address, which is the list's as long as it is held here.
    known: HashMap<usize, (NameList, Arc<Listed>), FixedState>,
}

impl NameLists {
    /// What is known of the lists of an exchange.
    pub fn of(&mut self, record: &ExchangeRecord) -> ListsSeen {
        let (request, response) = (record.request.as_ref(), record.response.as_ref());
        let answered = response.and_then(|message| self.listed(&message.header_names));
        ListsSeen {
            headers: request.and_then(|message| self.listed(&message.header_names)),
            cookies: request.and_then(|message| self.listed(&message.cookie_names)),
            sets_cookie: answered.is_some_and(|listed| listed.sets_cookie),
        }
    }

    /// Bytes held, roughly.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.known.len() * LIST_COST
    }

    fn listed(&mut self, list: &NameList) -> Option<Arc<Listed>> {
        if list.is_empty() {
            return None;
        }
        let address = list.as_ptr().addr();
        if let Some((_, listed)) = self.known.get(&address) {
            return Some(Arc::clone(listed));
        }
        // One that nobody else holds will not come again.
        let is_kept = list.is_shared();
        let listed = Arc::new(Listed {
            is_kept,
            ..Listed::of(list)
        });
        if is_kept {
            if self.known.len() >= KEPT_MAX {
                self.known.clear();
            }
            let known = (list.clone(), Arc::clone(&listed));
            self.known.insert(address, known);
        }
        Some(listed)
    }
}

impl Listed {
    fn of(list: &[String]) -> Self {
        let is_first = |at: usize, name: &String| !list.iter().take(at).any(|one| one == name);
        let numbered = || list.iter().zip(0_u32..);
        let once = || numbered().filter(|(name, at)| is_first(*at as usize, name));
        let parameters = once().filter(|(name, _)| is_parameter(name));
        Self {
            once: once().map(|(_, at)| at).collect(),
            parameters: parameters.map(|(_, at)| at).collect(),
            sets_cookie: list.iter().any(|name| name == SET_COOKIE),
            is_kept: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(names: &[&str]) -> NameList {
        let owned: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        owned.into()
    }

    fn seen(lists: &mut NameLists, headers: &NameList, cookies: &NameList) -> [Vec<String>; 2] {
        let request = MessageRecord {
            header_names: headers.clone(),
            cookie_names: cookies.clone(),
            ..MessageRecord::default()
        };
        let found = ListsSeen {
            headers: lists.listed(headers),
            cookies: lists.listed(cookies),
            sets_cookie: false,
        };
        let owned = |name: &str| name.to_owned();
        [
            found.header_parameters(&request).map(owned).collect(),
            found.cookies(&request).map(owned).collect(),
        ]
    }

    #[test]
    fn each_name_is_there_once_however_the_list_came() {
        let mut lists = NameLists::default();
        let headers = list(&["host", "x-tenant", "accept", "x-tenant", "x-shop"]);
        let cookies = list(&["sid", "theme", "sid"]);
        let expected = [vec!["x-tenant", "x-shop"], vec!["sid", "theme"]];
        for _ in 0..2 {
            assert_eq!(seen(&mut lists, &headers, &cookies), expected);
        }
        assert_eq!(lists.known.len(), 2, "both are shared and known by now");
        let answered = lists.listed(&list(&["set-cookie"]));
        assert!(answered.unwrap().sets_cookie);
        assert_eq!(lists.known.len(), 2, "nobody else holds that one");
        assert!(lists.listed(&NameList::default()).is_none());
    }

    #[test]
    fn the_cap_holds() {
        let mut lists = NameLists::default();
        let many: Vec<NameList> = (0..=KEPT_MAX).map(|n| list(&[&n.to_string()])).collect();
        for one in &many {
            let _held_twice = one.clone();
            lists.listed(one);
        }
        assert!(lists.known.len() <= KEPT_MAX && lists.bytes() > 0);
        let [_, cookies] = seen(&mut lists, &NameList::default(), &many[7]);
        assert_eq!(cookies, ["7"]);
    }
}
