//! Records that are done, on their way back to the thread that made them: memory is given back most
//! cheaply by the thread that took it, which then has it at hand for the next records.

use crossbeam_channel::{Receiver, Sender, bounded};
use tapscope_record::ExchangeRecord;

/// Records given back at once: enough to make the way cheap, few enough that they are still in the
/// processor's cache.
const RECORDS_PER_BATCH: usize = 64;

/// Batches that may be on the way. What finds no room is dropped where it is.
const BATCHES_WAITING: usize = 8;

/// Records that are done.
type Batch = Vec<Box<ExchangeRecord>>;

/// Where records go that are done.
pub(crate) struct Spent {
    batch: Batch,
    back: Sender<Batch>,
}

/// Where they come back.
#[derive(Clone)]
pub(crate) struct Returned(Receiver<Batch>);

/// The way back from the engine to the sensor.
pub(crate) fn way_back() -> (Spent, Returned) {
    let (back, returned) = bounded(BATCHES_WAITING);
    let batch = Vec::with_capacity(RECORDS_PER_BATCH);
    (Spent { batch, back }, Returned(returned))
}

impl Spent {
    /// C: that record is done.
    pub(crate) fn put(&mut self, record: Box<ExchangeRecord>) {
        self.batch.push(record);
        if self.batch.len() >= RECORDS_PER_BATCH {
            let next = Vec::with_capacity(RECORDS_PER_BATCH);
            // What finds no room is dropped here.
            let _ = self.back.try_send(std::mem::replace(&mut self.batch, next));
        }
    }
}

impl Returned {
    /// C: drops what has come back.
    pub(crate) fn clear(&self) {
        self.0.try_iter().for_each(drop);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_on_the_way_than_there_is_room_for() {
        let (mut spent, returned) = way_back();
        let record: ExchangeRecord = serde_json::from_str(RECORD).unwrap();
        for _ in 0..2 * BATCHES_WAITING * RECORDS_PER_BATCH {
            spent.put(Box::new(record.clone()));
        }
        assert_eq!(returned.0.len(), BATCHES_WAITING);
        returned.clear();
        assert!(returned.0.is_empty());
        // Nobody is there any more to take them.
        drop(returned);
        for _ in 0..RECORDS_PER_BATCH {
            spent.put(Box::new(record.clone()));
        }
        assert!(spent.batch.is_empty());
    }

    const RECORD: &str = r#"{"version":1,"id":"1-0","time":0,"client":"10.0.0.1:1",
        "server":"10.0.0.2:80","protocol":"http1","method":null,"host":"a","port":null,"path":[],
        "trailing_slash":false,"request":null,"status":null,"response":null,"latency_ns":null,
        "user_agent":null,"forwarded_for":null,"completeness":{"request":"missing",
        "response":"missing","pairing":"unpaired"}}"#;
}
