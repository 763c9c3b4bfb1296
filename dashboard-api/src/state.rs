//! What handlers share: the live view, the way to the engine, the settings, and the end.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tapscope_store::SqliteReader;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use crate::command::{Command, CommandError, Reply};
use crate::error::Problem;
use crate::live::LiveView;
use crate::overview::OverviewCache;
use crate::settings::ApiSettings;

/// The state of the API; cheap to clone.
#[derive(Clone, Debug)]
pub struct ApiState {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    view: Arc<LiveView>,
    commands: mpsc::Sender<Command>,
    settings: ApiSettings,
    store: Option<StoreHandle>,
    overview: OverviewCache,
    event_streams: Arc<Semaphore>,
    stopping: watch::Sender<bool>,
}

/// Where histories are read from. The reader is opened when it is first needed, and again after
/// it failed.
#[derive(Debug)]
pub(crate) struct StoreHandle {
    /// The store's file.
    pub(crate) path: PathBuf,
    /// The reader; one is enough, since a query takes a millisecond and runs off the runtime.
    pub(crate) reader: Mutex<Option<SqliteReader>>,
}

impl ApiState {
    /// A state that shows `view` and sends commands to the receiver it returns.
    #[must_use]
    pub fn new(view: Arc<LiveView>, settings: ApiSettings) -> (Self, mpsc::Receiver<Command>) {
        Self::build(view, settings, None)
    }

    /// The same, with histories read from the store at `store`.
    #[must_use]
    pub fn with_store(
        view: Arc<LiveView>,
        settings: ApiSettings,
        store: PathBuf,
    ) -> (Self, mpsc::Receiver<Command>) {
        Self::build(view, settings, Some(store))
    }

    fn build(
        view: Arc<LiveView>,
        settings: ApiSettings,
        store: Option<PathBuf>,
    ) -> (Self, mpsc::Receiver<Command>) {
        let (commands, receiver) = mpsc::channel(settings.commands_max.max(1));
        let inner = Inner {
            view,
            commands,
            store: store.map(|path| StoreHandle {
                path,
                reader: Mutex::new(None),
            }),
            overview: OverviewCache::default(),
            event_streams: Arc::new(Semaphore::new(settings.event_streams_max)),
            stopping: watch::Sender::new(false),
            settings,
        };
        (
            Self {
                inner: Arc::new(inner),
            },
            receiver,
        )
    }

    /// The live view.
    #[must_use]
    pub fn view(&self) -> &Arc<LiveView> {
        &self.inner.view
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &ApiSettings {
        &self.inner.settings
    }

    /// Ends all event streams and takes no new ones; the server calls it when it stops.
    pub fn stop(&self) {
        self.inner.stopping.send_replace(true);
    }

    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.inner.stopping.subscribe()
    }

    pub(crate) fn event_streams(&self) -> &Arc<Semaphore> {
        &self.inner.event_streams
    }

    pub(crate) fn overview(&self) -> &OverviewCache {
        &self.inner.overview
    }

    pub(crate) fn store(&self) -> Option<&StoreHandle> {
        self.inner.store.as_ref()
    }

    /// Sends a command to the engine and waits for its answer.
    pub(crate) async fn command<T>(
        &self,
        make: impl FnOnce(Reply<T>) -> Command,
    ) -> Result<T, Problem> {
        let (reply, answer) = oneshot::channel();
        let exchange = async {
            let sent = self.inner.commands.send(make(reply)).await;
            sent.map_err(|_| CommandError::Unavailable)?;
            answer.await.map_err(|_| CommandError::Unavailable)?
        };
        match tokio::time::timeout(self.settings().command_timeout, exchange).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Problem::unavailable(
                "The engine did not answer in time; the decision may still be carried out.",
            )),
        }
    }
}

/// Completes when the server stops.
pub(crate) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error would mean that the state is gone, and with it the server.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}
