//! The threads of a run: one that takes input, one that owns analyzer and store, and a small
//! runtime for the API and the signals.

use std::io::Write;
use std::net::SocketAddr;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use tapscope_analyzer::snapshot::EndpointSnapshot;
use tapscope_capture::StopHandle;
use tapscope_dashboard_api::{ApiSettings, ApiState, Command, LiveView};
use tapscope_record::HealthReport;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};

use crate::cli::{Analysis, Serving};
use crate::config::Settings;
use crate::engine::{Counted, Engine, Input, Watched, read_specification};
use crate::feed::{Feed, Way, batches_waiting};
use crate::filter::{Reloader, SharedFilter, own_rules};
use crate::key;
use crate::reload::{PolicyFile, SpecificationFolder};

/// One run of the product: input, analysis, and the page if wanted.
pub(crate) struct Product<'a> {
    settings: &'a Settings,
    store: Option<PathBuf>,
    specifications: Vec<PathBuf>,
    /// A specification that is in no file (the demo's): name and source.
    built_in: Option<(String, String)>,
    exchange_log: Option<PathBuf>,
    listen: Option<SocketAddr>,
    /// Whether a taken port is answered by another one (the demo), or by an error.
    any_port: bool,
    /// Whether to go on serving when the input is over.
    remain: bool,
    /// Whether the input may hold what our own API serves.
    watching: bool,
    /// The order to stop.
    stop: StopHandle,
}

/// What came out of a run.
pub(crate) struct Outcome {
    /// How the feed was, as readers are shown it.
    pub(crate) health: Arc<HealthReport>,
    /// How much there is.
    pub(crate) counted: Counted,
    /// Exchanges taken in.
    pub(crate) records: u64,
    /// Without a store: the endpoints.
    pub(crate) kept: Vec<EndpointSnapshot>,
}

impl<'a> Product<'a> {
    /// A run with the settings and what was typed.
    ///
    /// # Errors
    /// When the process is out of file descriptors.
    pub(crate) fn new(settings: &'a Settings, analysis: &Analysis) -> Result<Self> {
        let specifications = [&settings.specifications[..], &analysis.spec[..]].concat();
        Ok(Self {
            settings,
            store: analysis.store.clone().or_else(|| settings.store.clone()),
            specifications,
            built_in: None,
            exchange_log: analysis.exchange_log.clone(),
            listen: None,
            any_port: false,
            remain: false,
            watching: false,
            stop: StopHandle::new().context("no file descriptors to be had")?,
        })
    }

    /// The order to stop, for a source that is opened before the run.
    pub(crate) fn stop(&self) -> StopHandle {
        self.stop.clone()
    }

    /// Uses a specification that is in no file.
    pub(crate) fn specification(mut self, name: &str, source: &str) -> Self {
        self.built_in = Some((name.to_owned(), source.to_owned()));
        self
    }

    /// Serves the API and the page at `listen` (the configured address when none) during the run.
    pub(crate) fn listening(mut self, listen: Option<SocketAddr>) -> Self {
        self.listen = Some(listen.unwrap_or(self.settings.listen));
        self
    }

    /// Serves as the flags say, and goes on when the input is over.
    pub(crate) fn serving(self, serving: &Serving) -> Self {
        if serving.serve {
            self.listening(serving.listen).remaining()
        } else {
            self
        }
    }

    /// Goes on serving when the input is over.
    pub(crate) fn remaining(mut self) -> Self {
        self.remain = true;
        self
    }

    /// Takes in live traffic, of which our own API may be a part.
    pub(crate) fn watching(mut self) -> Self {
        self.watching = true;
        self
    }

    /// Takes any free port when the wanted one is taken.
    pub(crate) fn any_port(mut self) -> Self {
        self.any_port = true;
        self
    }

    /// Whether anything is kept when the run is over.
    pub(crate) fn keeps(&self) -> bool {
        self.store.is_some()
    }

    /// Runs until the input is over (and, when serving after it, until told to stop).
    ///
    /// # Errors
    /// The first of: what cannot be opened, the input's error, the store's error. What was taken
    /// in before is analyzed and saved all the same.
    pub(crate) fn run(self, input: impl FnOnce(Feed) -> Result<()> + Send) -> Result<Outcome> {
        let key = self.token_key()?;
        let runtime = self.runtime()?;
        // The address first: a taken port must be told before anything is opened.
        let listener = self
            .listen
            .map(|addr| self.bind(&runtime, addr))
            .transpose()?;
        let filter = self.filter(&runtime, listener.as_ref())?;
        let api = self.api_settings();
        let view = Arc::new(LiveView::new(api.event_backlog_max));
        view.set_policy(&self.settings.analyzer);
        let mut engine = self.engine(&view)?;
        let stop = self.stop.clone();
        #[cfg(feature = "live")]
        let watching = self.watching;
        let (ended, over) = watch::channel(false);
        runtime.spawn(wait_for_signal(stop.clone(), ended.clone()));
        let (server, commands) = listener
            .map(|listener| {
                let (state, commands) = self.api_state(&view, api);
                (
                    runtime.spawn(serve(listener, state, over.clone())),
                    commands,
                )
            })
            .unzip();
        let feed = |inputs, returned| {
            Feed::new((inputs, returned), stop.clone(), self.settings, key, filter)
        };
        let engine = if self.is_alone() {
            alone(engine, |way| input(feed(way, None)))?
        } else {
            let waiting = batches_waiting(self.settings.memory_bytes, self.watching);
            let (inputs, received) = crossbeam_channel::bounded(waiting);
            let feed = feed(Way::Queue(inputs), Some(engine.way_back()));
            // An engine that is gone, even by a panic, ends the input and the serving too.
            let end = EndOnDrop(stop.clone(), ended.clone());
            let run = move || {
                let _end = end;
                #[cfg(feature = "live")]
                if watching {
                    tapscope_capture::give_way();
                }
                engine.run(&received, commands)
            };
            let remains = self.remain && server.is_some();
            beside(
                run,
                move || input(feed),
                |taken| {
                    if remains && !stop.is_ordered() && taken.is_ok() {
                        if let Ok(Err(error)) = taken {
                            crate::complain(error);
                        }
                        runtime.block_on(wait_until(over));
                    }
                    let _ = ended.send(true);
                    if let Some(server) = server {
                        let _ = runtime.block_on(server);
                    }
                },
            )?
        };
        let records = engine.records();
        let (counted, kept) = engine.into_outcome();
        Ok(Outcome {
            health: view.health(),
            counted,
            records,
            kept,
        })
    }

    /// The threads of the API and the signals.
    fn runtime(&self) -> Result<Runtime> {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(if self.listen.is_some() { 2 } else { 1 })
            .enable_all()
            .build()
            .context("no threads to be had")
    }

    /// Whether input and engine have one thread: files, which wait, on one processor, while nobody
    /// asks for anything.
    fn is_alone(&self) -> bool {
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        !self.watching && self.listen.is_none() && processors == 1
    }

    /// The engine, with what the store and the specifications hold.
    fn engine(&self, view: &Arc<LiveView>) -> Result<Engine> {
        let mut engine = Engine::open(
            self.settings,
            self.store.as_deref(),
            (&self.read_specifications()?, self.watched()),
            self.exchange_log.as_deref(),
            (Arc::clone(view), self.listen.is_some()),
        )?;
        if !self.watching {
            engine.read_files();
        }
        Ok(engine)
    }

    /// The filter of the run. A live one leaves our own API out, and is kept up to date.
    fn filter(&self, runtime: &Runtime, listener: Option<&TcpListener>) -> Result<SharedFilter> {
        let source = &self.settings.filter;
        if !self.watching {
            return SharedFilter::new(source, &[]);
        }
        let address = listener.and_then(|listener| listener.local_addr().ok());
        let own = address.map(own_rules).unwrap_or_default();
        let filter = SharedFilter::new(source, &own)?;
        runtime.spawn(keep_filter(Reloader::new(
            source.clone(),
            own,
            filter.clone(),
            self.settings.path.clone(),
        )));
        Ok(filter)
    }

    /// What the API answers from, and the commands that it takes.
    fn api_state(
        &self,
        view: &Arc<LiveView>,
        api: ApiSettings,
    ) -> (ApiState, mpsc::Receiver<Command>) {
        match self.store.clone() {
            Some(store) => ApiState::with_store(Arc::clone(view), api, store),
            None => ApiState::new(Arc::clone(view), api),
        }
    }

    /// What the API may do and where it is.
    fn api_settings(&self) -> ApiSettings {
        let mut api = ApiSettings::default();
        api.drift = self.settings.analyzer.drift;
        api.allow_remote = self.settings.allow_remote;
        api.listen = self.listen.unwrap_or(api.listen);
        api
    }

    /// Names and sources of the specifications that were asked for.
    fn read_specifications(&self) -> Result<Vec<(String, String)>> {
        let mut specifications: Vec<(String, String)> = self.built_in.iter().cloned().collect();
        for path in self.specifications.iter().filter(|path| !path.is_dir()) {
            specifications.push(read_specification(path)?);
        }
        Ok(specifications)
    }

    /// What is read again while the run goes on: the configuration, and folders of specifications.
    fn watched(&self) -> Watched {
        let settings = self.settings;
        let named = self.specifications.iter().filter(|path| path.is_dir());
        let folders = named
            .chain(&settings.specification_folder)
            .map(|path| SpecificationFolder::new(path));
        Watched::new(
            settings.path.as_deref().map(PolicyFile::new),
            folders.collect(),
            settings.specification_priority.clone(),
        )
    }

    fn token_key(&self) -> Result<tapscope_redact::TokenKey> {
        match &self.settings.key_file {
            Some(path) => key::read_or_make(path),
            None => key::read_or_make(&key::default_path()?),
        }
    }

    fn bind(&self, runtime: &Runtime, address: SocketAddr) -> Result<TcpListener> {
        if !address.ip().is_loopback() && !self.settings.allow_remote {
            bail!(
                "{address}: not a loopback address, and there are no user accounts yet: put a \
                 reverse proxy with authentication before 127.0.0.1, or set api.allow_remote = \
                 true in the configuration"
            );
        }
        match runtime.block_on(TcpListener::bind(address)) {
            Ok(listener) => Ok(listener),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse && self.any_port => {
                let free = SocketAddr::new(address.ip(), 0);
                runtime
                    .block_on(TcpListener::bind(free))
                    .with_context(|| free.to_string())
            }
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
                bail!("{address}: the port is taken; name another with --listen ADDR:PORT")
            }
            Err(error) => Err(error)
                .with_context(|| format!("{address}: cannot listen there; name another --listen")),
        }
    }
}

/// Runs an engine that what takes the input calls. What was taken in before an error is saved.
fn alone(engine: Engine, input: impl FnOnce(Way<Input, Engine>) -> Result<()>) -> Result<Engine> {
    let engine = Arc::new(Mutex::new(engine));
    let way = Way::Call(Arc::clone(&engine));
    // As the end of a thread of its own would be.
    let taken = catch_unwind(AssertUnwindSafe(move || input(way)));
    let engine = Arc::into_inner(engine).and_then(|engine| engine.into_inner().ok());
    let engine = engine.ok_or_else(|| anyhow!("the analyzer failed; please report"))?;
    let engine = engine.conclude()?;
    taken.map_err(|_| anyhow!("the sensor failed; please report"))??;
    Ok(engine)
}

/// Runs an engine on a thread of its own beside what takes the input, and `then` before waiting for
/// the engine.
fn beside(
    run: impl FnOnce() -> Result<Engine> + Send,
    input: impl FnOnce() -> Result<()> + Send,
    then: impl FnOnce(&thread::Result<Result<()>>),
) -> Result<Engine> {
    thread::scope(|scope| {
        let owner = scope.spawn(run);
        let taken = scope.spawn(input).join();
        then(&taken);
        let engine = owner
            .join()
            .map_err(|_| anyhow!("the analyzer failed; please report"))??;
        taken.map_err(|_| anyhow!("the sensor failed; please report"))??;
        Ok(engine)
    })
}

/// Orders everything to stop when it is dropped, in good order or by a panic.
struct EndOnDrop(StopHandle, watch::Sender<bool>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.stop();
        self.1.send_replace(true);
    }
}

/// Serves until the run is over. The address is printed once the port is open.
async fn serve(listener: TcpListener, state: ApiState, over: watch::Receiver<bool>) {
    match listener.local_addr() {
        Ok(address) => {
            let mut output = std::io::stdout();
            let _ = writeln!(output, "listening on http://{address}");
            let _ = output.flush();
        }
        Err(error) => tracing::error!("the address cannot be told: {error}"),
    }
    if let Err(error) = tapscope_dashboard_api::serve(listener, state, wait_until(over)).await {
        tracing::error!("the API stopped: {error}");
    }
}

async fn wait_until(mut over: watch::Receiver<bool>) {
    // An error means that the sender is gone, which is the end as well.
    let _ = over.wait_for(|over| *over).await;
}

/// Reads the filter again on SIGHUP, and looks every second whether its file changed.
async fn keep_filter(mut reloader: Reloader) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut hangup) = signal(SignalKind::hangup()) else {
        return;
    };
    let mut every_second = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            _ = hangup.recv() => reloader.read_again(),
            _ = every_second.tick() => reloader.look(),
        }
    }
}

/// The first signal ends the input and the serving in good order, the second one at once.
async fn wait_for_signal(stop: StopHandle, ended: watch::Sender<bool>) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return;
    };
    let mut signalled = async || {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    signalled().await;
    stop.stop();
    let _ = ended.send(true);
    signalled().await;
    std::process::exit(130);
}

/// Whether `path` names standard input.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}
