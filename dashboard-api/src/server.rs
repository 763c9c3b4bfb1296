//! The server: one listener, and an end that does not wait for clients forever.

use core::future::{Future, IntoFuture as _};
use std::io;

use tokio::net::TcpListener;

use crate::router::router;
use crate::state::{ApiState, stopped};

/// Serves until `shutdown` completes; then ends event streams, lets open requests finish, and cuts
/// what takes too long.
///
/// # Errors
/// When the listener is reachable from other machines and that was not allowed.
pub async fn serve(
    listener: TcpListener,
    state: ApiState,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    state.settings().check_listen(listener.local_addr()?)?;
    let timeout = state.settings().shutdown_timeout;
    let mut stopping = state.stopping();
    let ending = state.clone();
    let server = axum::serve(listener, router(state)).with_graceful_shutdown(async move {
        shutdown.await;
        ending.stop();
    });
    let cut = async {
        stopped(&mut stopping).await;
        tokio::time::sleep(timeout).await;
    };
    tokio::select! {
        ended = server.into_future() => ended,
        () = cut => {
            tracing::warn!("connections were still open when the server stopped");
            Ok(())
        }
    }
}
