//! The sensor's threads: readers and workers that make records of packets, and the collector that
//! puts the records of all of them into one order for the engine.
//!
//! With one worker, one thread reads and works. With several, either each has a source of its own
//! (a live interface whose packets the kernel deals out), or one thread reads and deals out. Where
//! a file is read on one processor, collector and engine are called by who has something for them
//! (`feed/way.rs`).

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use crossbeam_channel::{Receiver, bounded};
use tapscope_capture::{CaptureError, PacketSource, SourceStats, StopHandle};
use tapscope_http::ExchangeSink as _;
use tapscope_pipeline::{
    Epoch, Intake, Merge, Owners, Part, Parts, Place, RECORD_COST, Redacting, Shedding, Spread,
    Step, Worker, WorkerSettings, run,
};
use tapscope_record::{Counter, ExchangeRecord};
use tapscope_redact::{RedactSettings, Redactor, TokenKey};

use crate::config::Settings;
use crate::engine::{Engine, Input, wall_clock};
use crate::filter::SharedFilter;
use crate::spent::Returned;

/// Records handed on at once: enough to make the hand-over cheap, few enough that the engine looks
/// at commands often, and that they are still in the processor's cache when it has them.
const RECORDS_PER_BATCH: usize = 128;

/// Batches that may wait for the engine, or for the collector. A full queue holds the input back:
/// a file waits; of what comes from a live ring, exchanges are then shed and counted.
const BATCHES_WAITING: usize = 32;

/// The same where the cap on memory is small: there are two queues, and each has a thirty-second of
/// it, but room for two batches, so that both sides of it can work at a time.
const BATCHES_WAITING_MIN: usize = 2;

/// Batches that may wait in each queue, where `is_live` tells whether the input cannot wait. Where
/// it can, few do: what is on the way is then still in the processor's cache.
pub(crate) fn batches_waiting(memory_bytes: usize, is_live: bool) -> usize {
    if !is_live {
        return BATCHES_WAITING_MIN;
    }
    let batch = RECORDS_PER_BATCH * RECORD_COST;
    (memory_bytes / 32 / batch).clamp(BATCHES_WAITING_MIN, BATCHES_WAITING)
}

/// How full a ring is when reading it does not keep up: what is shed then has the rest of it for the
/// time that it takes to tell. Below, what waits comes to its turn, some time later.
const LATE_PERCENT: u8 = 25;

/// How far behind the clock the packets of a live ring may be all the same.
const LATE_NANOS: i64 = 1_000_000_000;

/// How often the sensor tells how it is doing.
const HEALTH_INTERVAL: Duration = Duration::from_secs(1);

/// Packet time between two words to the engine that time has passed.
const SECOND_NANOS: i64 = 1_000_000_000;

/// What input a run takes: sends it to the engine until it is over or the order to stop comes.
pub(crate) struct Feed {
    inputs: Way<Input, Engine>,
    /// Records that are done, where another thread has done with them.
    returned: Option<Returned>,
    /// The order to stop.
    pub(crate) stop: StopHandle,
    /// For exchanges that did not come from packets; made when there are any.
    redactor: Option<Redactor>,
    redact: RedactSettings,
    key: TokenKey,
    filter: SharedFilter,
    /// The cap on memory.
    memory_bytes: usize,
}

/// A source that is open, or why it is not.
pub(crate) type Opened = Result<Box<dyn PacketSource>, CaptureError>;

/// A worker that redacts.
type RecordWorker = Worker<Redacting<Outbox>>;

/// A worker's records on their way to the collector.
mod outbox;

/// From one part of a run to the next.
mod way;

use outbox::Outbox;
pub(crate) use way::{Listener, Way};

/// From what makes records to the collector.
type Words = Way<Word, Collector>;

impl Feed {
    /// Input for the engine behind `inputs`, and what comes back from it.
    pub(crate) fn new(
        (inputs, returned): (Way<Input, Engine>, Option<Returned>),
        stop: StopHandle,
        settings: &Settings,
        key: TokenKey,
        filter: SharedFilter,
    ) -> Self {
        let redact = settings.redact.clone();
        Self {
            inputs,
            returned,
            stop,
            redactor: None,
            redact,
            key,
            filter,
            memory_bytes: settings.memory_bytes,
        }
    }

    /// Feeds packets from sources, one after the other, through so many workers.
    ///
    /// # Errors
    /// The first source's error; the others are read all the same.
    pub(crate) fn packets(
        self,
        settings: &Settings,
        workers: usize,
        sources: impl Iterator<Item = Opened>,
        progress: &mut dyn FnMut(&dyn PacketSource),
    ) -> Result<()> {
        self.collect(workers, None, |words| {
            let mut reader = Reader {
                words,
                // Beside the workers, which come first.
                thread: workers,
                stop: self.stop.clone(),
                filter: (self.filter.clone(), 0),
                finished: Vec::new(),
                told: None,
                is_ring: false,
                progress,
            };
            if workers > 1 {
                self.spread(&settings.worker, workers, sources, &mut reader)
            } else {
                self.alone(&settings.worker, sources, &mut reader)
            }
        })
    }

    /// Feeds packets from live interfaces: through a worker for each source, or through so many
    /// workers when there is one source only.
    ///
    /// # Errors
    /// The first source's error; the others are read all the same.
    #[cfg(feature = "live")]
    pub(crate) fn live(
        self,
        settings: &Settings,
        workers: usize,
        mut sources: Vec<Box<dyn PacketSource>>,
    ) -> Result<()> {
        match sources.pop() {
            Some(only) if sources.is_empty() => {
                self.packets(settings, workers, std::iter::once(Ok(only)), &mut |_| {})
            }
            Some(last) => {
                sources.push(last);
                self.parallel(settings, sources)
            }
            None => Ok(()),
        }
    }

    /// Feeds packets from sources all at once, each through a worker of its own.
    ///
    /// # Errors
    /// The first source's error; the others are read all the same.
    #[cfg(feature = "live")]
    fn parallel(self, settings: &Settings, sources: Vec<Box<dyn PacketSource>>) -> Result<()> {
        let share = settings.worker.share(sources.len());
        let owners = Arc::new(Owners::default());
        self.collect(sources.len(), Some(Arc::clone(&owners)), |words| {
            thread::scope(|scope| {
                let mut workers = Vec::new();
                for (number, source) in sources.into_iter().enumerate() {
                    let mut worker = self.worker(&share, number, words);
                    let name = u8::try_from(number).unwrap_or(u8::MAX - 1);
                    worker.set_owners(Arc::clone(&owners), name);
                    let stop = self.stop.clone();
                    let filter = (self.filter.clone(), 0);
                    workers.push(scope.spawn(move || {
                        let mut reader = Reader {
                            words,
                            thread: number,
                            stop,
                            filter,
                            finished: Vec::new(),
                            told: None,
                            is_ring: false,
                            progress: &mut |_| {},
                        };
                        let result = reader.read_alone(&mut worker, std::iter::once(Ok(source)));
                        worker.sink.records.finish();
                        result
                    }));
                }
                joined(workers)
            })
        })
    }

    /// Makes records of exchanges that did not come from packets.
    pub(crate) fn redactor(&mut self) -> &mut Redactor {
        self.redactor
            .get_or_insert_with(|| Redactor::new(self.redact.clone(), self.key.clone()))
    }

    /// Sends input to the engine; false when the engine is gone.
    pub(crate) fn send(&self, input: Input) -> bool {
        self.inputs.send(input)
    }

    /// Runs what makes records, with a collector beside it.
    fn collect(
        &self,
        workers: usize,
        owners: Option<Arc<Owners>>,
        work: impl FnOnce(&Words) -> Result<()>,
    ) -> Result<()> {
        let merge = Merge::new(workers, self.memory_bytes);
        let collector = Collector::new(self.inputs.clone(), merge, owners);
        // As many words may wait as may wait for the engine.
        let Some(waiting) = self.inputs.capacity() else {
            let collector = Arc::new(Mutex::new(collector));
            let result = work(&Way::Call(Arc::clone(&collector)));
            return match collector.lock() {
                Ok(mut collector) => {
                    collector.finish();
                    result
                }
                Err(_) => Err(anyhow!("the sensor failed; please report")),
            };
        };
        let (words, heard) = bounded(waiting);
        thread::scope(|scope| {
            let collector = scope.spawn(move || collector.run(&heard));
            let words = Way::Queue(words);
            let result = work(&words);
            drop(words);
            collector
                .join()
                .map_err(|_| anyhow!("the sensor failed; please report"))?;
            result
        })
    }

    /// One thread reads and works: this one.
    fn alone(
        &self,
        settings: &WorkerSettings,
        sources: impl Iterator<Item = Opened>,
        reader: &mut Reader<'_>,
    ) -> Result<()> {
        let mut worker = self.worker(settings, 0, reader.words);
        let result = reader.read_alone(&mut worker, sources);
        worker.sink.records.finish();
        result
    }

    /// This thread reads and deals out; the workers have one each.
    fn spread(
        &self,
        settings: &WorkerSettings,
        workers: usize,
        sources: impl Iterator<Item = Opened>,
        reader: &mut Reader<'_>,
    ) -> Result<()> {
        let (mut spread, ends) = Spread::new(settings, workers);
        let share = settings.share(workers);
        thread::scope(|scope| {
            let workers: Vec<_> = ends
                .into_iter()
                .enumerate()
                .map(|(number, end)| {
                    let mut worker = self.worker(&share, number, reader.words);
                    let words = reader.words;
                    scope.spawn(move || {
                        let mut told = None;
                        end.run(&mut worker, &mut |worker| {
                            worker.sink.flush();
                            worker.sink.records.send();
                            if is_due(&mut told) {
                                tell(words, number, worker, Vec::new());
                            }
                            worker.sink.records.step()
                        });
                        worker.flush();
                        tell(words, number, &worker, Vec::new());
                        worker.sink.records.finish();
                        Ok(())
                    })
                })
                .collect();
            let result = reader.read_for(&mut spread, sources);
            reader.tell_spread(&spread, Vec::new());
            spread.finish();
            joined(workers).and(result)
        })
    }

    fn worker(&self, settings: &WorkerSettings, number: usize, words: &Words) -> RecordWorker {
        let sink = Redacting::new(
            Redactor::new(self.redact.clone(), self.key.clone()),
            Outbox::new(number, words.clone(), self.returned.clone()),
        );
        Worker::new(settings, sink)
    }
}

/// The first error of threads that all have to end.
fn joined(threads: Vec<thread::ScopedJoinHandle<'_, Result<()>>>) -> Result<()> {
    let mut result = Ok(());
    for thread in threads {
        let ended = thread
            .join()
            .unwrap_or_else(|_| Err(anyhow!("the sensor failed; please report")));
        result = result.and(ended);
    }
    result
}

/// Reads sources, one after the other, and tells how they are doing.
struct Reader<'a> {
    words: &'a Words,
    /// Names this thread among those that tell how they are doing.
    thread: usize,
    stop: StopHandle,
    /// The filter that holds, and the version of it that this thread's stages have.
    filter: (SharedFilter, u64),
    finished: Vec<SourceStats>,
    told: Option<Instant>,
    /// Packets come from a ring that overflows when it is not read in time.
    is_ring: bool,
    progress: &'a mut dyn FnMut(&dyn PacketSource),
}

impl Reader<'_> {
    /// Reads for a worker on this thread, to the end of its last source.
    fn read_alone(
        &mut self,
        worker: &mut RecordWorker,
        sources: impl Iterator<Item = Opened>,
    ) -> Result<()> {
        let result = self.read(worker, sources, |reader, worker, source| {
            if reader.is_ring {
                worker.sink.shedding.get_or_insert_default();
                let now = worker.now().nanos();
                worker.sink.records.is_late = source.ring_filled_percent() >= LATE_PERCENT
                    || wall_clock().saturating_sub(now) > LATE_NANOS;
            }
            worker.sink.records.is_ring = reader.is_ring;
            worker.sink.flush();
            worker.sink.records.send();
            let may_tell = !reader.is_ring || !reader.words.is_full();
            if may_tell && is_due(&mut reader.told) {
                let sources = reader.with_finished(source);
                tell(reader.words, reader.thread, worker, sources);
            }
            worker.sink.records.step()
        });
        worker.flush();
        tell(self.words, self.thread, worker, self.finished.clone());
        result
    }

    /// Reads for the workers behind a spread.
    fn read_for(
        &mut self,
        spread: &mut Spread,
        sources: impl Iterator<Item = Opened>,
    ) -> Result<()> {
        let result = self.read(spread, sources, |reader, spread, source| {
            if source.is_live() {
                // Few packets must not wait until a batch is full.
                spread.send();
            }
            if is_due(&mut reader.told) {
                let sources = reader.with_finished(source);
                reader.tell_spread(spread, sources);
            }
            if spread.is_abandoned() {
                Step::Stop
            } else {
                Step::Continue
            }
        });
        self.tell_spread(spread, self.finished.clone());
        result
    }

    fn read<I: Intake>(
        &mut self,
        intake: &mut I,
        sources: impl Iterator<Item = Opened>,
        mut after_batch: impl FnMut(&mut Self, &mut I, &mut dyn PacketSource) -> Step,
    ) -> Result<()> {
        let mut first_error = None;
        for source in sources {
            let mut source = match source {
                Ok(source) => source,
                Err(error) => {
                    first_error.get_or_insert(error);
                    continue;
                }
            };
            intake.set_source(u32::try_from(self.finished.len()).unwrap_or(u32::MAX));
            self.filter_anew(intake);
            let is_interface = |stats: &SourceStats| stats.kind == "live";
            self.is_ring = source.is_live() && source.stats().iter().all(is_interface);
            if source.is_live() {
                // A collector that is gone is noticed by the workers.
                let _ = self.words.send(Word::Live);
            }
            let result = run(source.as_mut(), intake, &mut |intake, source| {
                (self.progress)(source);
                self.filter_anew(intake);
                let step = after_batch(self, intake, source);
                if !source.is_live() && self.stop.is_ordered() {
                    Step::Stop
                } else {
                    step
                }
            });
            self.finished.extend(source.stats());
            if let Err(error) = result {
                first_error.get_or_insert(error);
            }
        }
        first_error.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Hands on the filter when it is another one than before.
    fn filter_anew(&mut self, intake: &mut impl Intake) {
        let (filter, seen) = &mut self.filter;
        if let Some(filter) = filter.newer(seen) {
            intake.set_filter(filter);
        }
    }

    fn with_finished(&self, source: &mut dyn PacketSource) -> Vec<SourceStats> {
        [&self.finished[..], &source.stats()[..]].concat()
    }

    fn tell_spread(&self, spread: &Spread, sources: Vec<SourceStats>) {
        let part = Part {
            sources,
            counters: spread.counters(),
            feeds: spread.feeds(),
            memory: Vec::new(),
        };
        // A collector that is gone is noticed by the workers.
        let _ = self.words.send(Word::Part {
            thread: self.thread,
            now: spread.now().nanos(),
            part,
        });
    }
}

/// Whether the interval is over since it was last.
fn is_due(told: &mut Option<Instant>) -> bool {
    let due = told.is_none_or(|told| told.elapsed() >= HEALTH_INTERVAL);
    if due {
        *told = Some(Instant::now());
    }
    due
}

/// Tells how a worker, and the sources its thread reads, are doing.
fn tell(words: &Words, thread: usize, worker: &RecordWorker, sources: Vec<SourceStats>) {
    let mut counters = worker.counters();
    let shed = worker.sink.shedding.as_ref().map(Shedding::counters);
    let ours = [
        ("redact", worker.sink.redact.counters()),
        ("pipeline", shed.unwrap_or_default()),
    ];
    for (stage, values) in ours {
        counters.extend(values.into_iter().map(|counter| Counter {
            stage: stage.to_owned(),
            name: counter.name.to_owned(),
            reason: counter.reason,
            value: counter.value,
        }));
    }
    let part = Part {
        sources,
        counters,
        feeds: worker.feeds(),
        memory: worker.memory(),
    };
    // A collector that is gone is noticed by the outbox.
    let _ = words.send(Word::Part {
        thread,
        now: worker.now().nanos(),
        part,
    });
}

/// What a thread of the sensor tells the collector.
enum Word {
    /// A worker made records, and has come to an epoch.
    Records {
        worker: usize,
        records: Vec<(Place, Box<ExchangeRecord>)>,
        epoch: Epoch,
    },
    /// A worker is at its end.
    End { worker: usize },
    /// Packets come as they happen: time passes though there are no records.
    Live,
    /// How a thread is doing, at its packet time.
    Part { thread: usize, now: i64, part: Part },
}

impl Listener<Word> for Collector {
    fn hear(&mut self, word: Word) -> bool {
        self.handle_word(word);
        self.send_batch();
        !self.refused
    }
}

/// Puts the records of all workers into one order, and tells the engine of time at fixed places
/// in it, so that neither depends on the number of workers.
struct Collector {
    inputs: Way<Input, Engine>,
    merge: Merge<Box<ExchangeRecord>>,
    parts: Parts,
    /// Where the kernel deals packets out: which worker has which connection.
    owners: Option<Arc<Owners>>,
    #[expect(clippy::vec_box, reason = "records are large and go on as they came")]
    batch: Vec<Box<ExchangeRecord>>,
    /// The latest packet time that a thread told.
    now: i64,
    /// The time that the engine was told.
    told: i64,
    /// When the engine was told how the sensor is doing.
    health: Option<Instant>,
    live: bool,
    refused: bool,
}

impl Collector {
    fn new(
        inputs: Way<Input, Engine>,
        merge: Merge<Box<ExchangeRecord>>,
        owners: Option<Arc<Owners>>,
    ) -> Self {
        Self {
            inputs,
            merge,
            parts: Parts::default(),
            owners,
            batch: Vec::new(),
            now: 0,
            told: i64::MIN,
            health: None,
            live: false,
            refused: false,
        }
    }

    /// Takes words until nobody is left to say one, or the engine is gone.
    fn run(mut self, heard: &Receiver<Word>) {
        while let Ok(word) = heard.recv() {
            self.handle_word(word);
            if heard.is_empty() {
                self.send_batch();
            }
            if self.refused {
                return;
            }
        }
        self.finish();
    }

    /// Nobody is left to say a word.
    fn finish(&mut self) {
        self.send_batch();
        self.send(Input::Time(self.now));
        self.send_health();
    }

    fn handle_word(&mut self, word: Word) {
        match word {
            Word::Records {
                worker,
                records,
                epoch,
            } => {
                for (place, record) in records {
                    self.merge.handle_record(place, record);
                }
                self.merge.handle_watermark(worker, epoch);
            }
            Word::End { worker } => self.merge.handle_end(worker),
            Word::Live => {
                self.live = true;
                #[cfg(feature = "live")]
                tapscope_capture::give_way();
            }
            Word::Part { thread, now, part } => {
                self.now = self.now.max(now);
                self.parts.handle_part(thread, part);
                if is_due(&mut self.health) {
                    self.send_health();
                }
                return;
            }
        }
        let mut ready = Vec::new();
        self.merge
            .take_ready(|place, record| ready.push((place, record)));
        for (place, record) in ready {
            // Time goes before the first record of a second, whether or not other records came
            // meanwhile.
            self.tell_time(place.epoch.start.floor(SECOND_NANOS).nanos());
            self.batch.push(record);
            if self.batch.len() >= RECORDS_PER_BATCH {
                self.send_batch();
            }
        }
        // A replay's readers are asked for records only: how far the workers happen to be when one
        // of them says so is not the capture's.
        if let Some(reached) = self.merge.reached().filter(|_| self.live) {
            self.tell_time(reached.start.floor(SECOND_NANOS).nanos());
        }
    }

    fn tell_time(&mut self, second: i64) {
        if second > self.told {
            self.told = second;
            self.send_batch();
            self.send(Input::Time(second));
        }
    }

    fn send_health(&mut self) {
        let mut report = self.parts.report(self.now);
        report.memory.push(self.merge.memory());
        let merged = self.merge.counters();
        let split = self.owners.as_ref().map(|owners| owners.split());
        let counted = [
            ("merge", "merge_records_late_total", Some(merged.late)),
            ("merge", "merge_records_early_total", Some(merged.early)),
            ("capture", "capture_connections_split_total", split),
        ];
        for (stage, name, value) in counted {
            let counter = value.map(|value| Counter {
                stage: stage.to_owned(),
                name: name.to_owned(),
                reason: None,
                value,
            });
            report.counters.extend(counter);
        }
        self.send(Input::Health(report));
    }

    fn send_batch(&mut self) {
        if !self.batch.is_empty() {
            let batch = std::mem::take(&mut self.batch);
            self.send(Input::Records(batch));
        }
    }

    fn send(&mut self, input: Input) {
        self.refused |= !self.inputs.send(input);
    }
}
