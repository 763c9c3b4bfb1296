//! Exchanges that wait for their endpoint: what is no endpoint yet may become one, and then what
//! these carried is known of it as well.

use std::collections::{HashMap, VecDeque};

use foldhash::fast::FixedState;

use super::entry::succeeded;
use super::hash::hash;
use crate::settings::InventorySettings;
use crate::snapshot::Nanos;
use tapscope_record::{ExchangeRecord, PathSegment, Shape};

/// The exchanges, by host, oldest first. Bounded for each path, each host and in all.
#[derive(Debug, Default)]
pub struct Held {
    hosts: HashMap<String, VecDeque<Waiting>, FixedState>,
    bytes: usize,
    refused: u64,
}

#[derive(Debug)]
struct Waiting {
    /// Names method and path.
    path: u64,
    bytes: usize,
    record: Box<ExchangeRecord>,
}

impl Held {
    /// Keeps a copy of a successful exchange; a refusal says nothing of an endpoint's content.
    pub fn keep(&mut self, host: &str, record: &ExchangeRecord, settings: &InventorySettings) {
        if !succeeded(record) || record.method.is_none() {
            return;
        }
        let path = name_of(record);
        let waiting = self.hosts.get(host);
        let times = waiting.map_or(0, |all| all.iter().filter(|one| one.path == path).count());
        if times >= settings.max_held_per_path {
            return;
        }
        let bytes = weight(record);
        let full = waiting.is_some_and(|all| all.len() >= settings.max_held_per_host);
        if full {
            self.drop_oldest(host);
        }
        if self.bytes.saturating_add(bytes) > settings.max_held_bytes {
            self.refused = self.refused.saturating_add(1);
            return;
        }
        self.push(
            host,
            Waiting {
                path,
                bytes,
                record: Box::new(record.clone()),
            },
        );
    }

    /// Keeps an exchange that was taken and still has no endpoint.
    pub fn keep_again(&mut self, host: &str, record: Box<ExchangeRecord>) {
        let waiting = Waiting {
            path: name_of(&record),
            bytes: weight(&record),
            record,
        };
        self.push(host, waiting);
    }

    /// Takes all exchanges of a host, oldest first.
    pub fn take(&mut self, host: &str) -> Vec<Box<ExchangeRecord>> {
        let all = self.hosts.remove(host).unwrap_or_default();
        let bytes: usize = all.iter().map(|one| one.bytes).sum();
        self.bytes = self.bytes.saturating_sub(bytes);
        all.into_iter().map(|one| one.record).collect()
    }

    /// Lets go what came before that time: if it is of an endpoint, that one shows itself again.
    pub fn expire(&mut self, before: Nanos) {
        let (bytes, refused) = (&mut self.bytes, &mut self.refused);
        self.hosts.retain(|_, all| {
            all.retain(|one| {
                let stays = one.record.time >= before;
                if !stays {
                    *bytes = bytes.saturating_sub(one.bytes);
                    *refused = refused.saturating_add(1);
                }
                stays
            });
            !all.is_empty()
        });
    }

    /// Bytes held, roughly.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Exchanges that a cap kept from being held, and those that gave way to later ones.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    fn push(&mut self, host: &str, waiting: Waiting) {
        self.bytes = self.bytes.saturating_add(waiting.bytes);
        match self.hosts.get_mut(host) {
            Some(all) => all.push_back(waiting),
            None => {
                self.hosts
                    .insert(host.to_owned(), VecDeque::from([waiting]));
            }
        }
    }

    fn drop_oldest(&mut self, host: &str) {
        if let Some(oldest) = self.hosts.get_mut(host).and_then(VecDeque::pop_front) {
            self.bytes = self.bytes.saturating_sub(oldest.bytes);
            self.refused = self.refused.saturating_add(1);
        }
    }
}

fn name_of(record: &ExchangeRecord) -> u64 {
    let method = record.method.as_deref().unwrap_or_default();
    record
        .path
        .iter()
        .fold(hash(&[method.as_bytes()]), |name, segment| {
            let part = match segment {
                PathSegment::Literal(text) => hash(&[text.as_bytes()]),
                PathSegment::Redacted { token, .. } => token.0,
            };
            name.rotate_left(7) ^ part
        })
}

/// Bytes of an exchange, roughly: names are short, and there are as many as fields.
fn weight(record: &ExchangeRecord) -> usize {
    let message = |message: Option<&tapscope_record::MessageRecord>| {
        message.map_or(0, |m| {
            let names = (m.header_names.len() + m.cookie_names.len()) * 40;
            names + m.shape.as_deref().map_or(0, shape_weight)
        })
    };
    size_of::<ExchangeRecord>()
        + message(record.request.as_ref())
        + message(record.response.as_ref())
        + (record.path.len() + record.query.len() + record.credentials.len()) * 128
}

fn shape_weight(shape: &Shape) -> usize {
    let field = size_of::<tapscope_record::Field>() + 16;
    let inner: usize = shape.fields.iter().map(|f| shape_weight(&f.shape)).sum();
    inner + shape.fields.len() * field
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::AnalyzerSettings;

    fn record(path: &str, status: u16, time: i64) -> ExchangeRecord {
        let text = format!(
            r#"{{"version":1,"id":"a","time":{time},"client":"10.0.0.1:1","server":"10.0.0.2:80",
            "protocol":"http1","method":"GET","host":"a.test","port":null,
            "path":[{{"literal":"{path}"}}],"trailing_slash":false,"request":null,
            "status":{status},"response":null,"latency_ns":null,"user_agent":null,
            "forwarded_for":null,"completeness":{{"request":"complete","response":"complete",
            "pairing":"ordered"}}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn every_cap_holds_and_is_counted() {
        let mut settings = AnalyzerSettings::default().inventory;
        settings.max_held_per_host = 3;
        settings.max_held_per_path = 2;
        let mut held = Held::default();
        for (path, status) in [("a", 404), ("a", 200), ("a", 200), ("a", 200), ("b", 200)] {
            held.keep("a.test", &record(path, status, 5), &settings);
        }
        assert_eq!(held.take("a.test").len(), 3, "two of a, one of b");
        assert_eq!((held.bytes(), held.refused()), (0, 0));
        for time in 0..5 {
            held.keep("a.test", &record(&time.to_string(), 200, time), &settings);
        }
        assert_eq!(held.refused(), 2, "the oldest two gave way");
        held.expire(4);
        let left = held.take("a.test");
        assert_eq!(left.iter().map(|one| one.time).collect::<Vec<_>>(), [4]);
        assert_eq!((held.bytes(), held.refused()), (0, 4));
        settings.max_held_bytes = 10;
        held.keep("a.test", &record("a", 200, 9), &settings);
        assert_eq!((held.take("a.test").len(), held.refused()), (0, 5));
    }
}
