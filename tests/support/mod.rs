//! What the root tests share: the built binary, a scratch directory, the sample capture.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses its own part of it"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A directory of one test's own, removed at its end.
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes it, empty.
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tapscope-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// A path inside it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The sample capture.
pub fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/shop.pcap.zst")
}

/// The sample's OpenAPI document.
pub fn sample_specification() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/shop.openapi.yaml")
}

/// The sample capture, decompressed.
pub fn sample_bytes() -> Vec<u8> {
    let compressed = fs::read(sample()).unwrap();
    zstd::decode_all(&compressed[..]).unwrap()
}

/// The binary with a key of the scratch directory's own.
pub fn command(scratch: &Scratch, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tapscope"));
    command
        .args(arguments)
        .arg("--key-file")
        .arg(scratch.path("installation.key"));
    command.env_remove("TAPSCOPE_LOG");
    command
}

/// Runs the binary to its end.
pub fn tapscope(scratch: &Scratch, arguments: &[&str]) -> Output {
    command(scratch, arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// A running product and where it listens.
pub struct Serving {
    child: Child,
    /// `http://127.0.0.1:PORT`.
    pub url: String,
}

/// Starts the binary on a free port and waits until it listens.
pub fn serving(scratch: &Scratch, arguments: &[&str]) -> Serving {
    let mut child = command(scratch, arguments)
        .args(["--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let url = line
        .trim()
        .strip_prefix("listening on ")
        .expect("the address")
        .to_owned();
    Serving { child, url }
}

impl Serving {
    /// Asks it to end (SIGTERM) and waits for that.
    pub fn stop(&mut self) {
        let _ = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        let _ = self.child.wait();
    }

    /// Kills it without warning (SIGKILL).
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// The bytes of a GET's body, over a plain socket.
    pub fn get_bytes(&self, path: &str) -> Vec<u8> {
        use std::io::Write;
        let address = self.url.trim_start_matches("http://");
        let mut socket = std::net::TcpStream::connect(address).unwrap();
        let head = "Connection: close\r\n\r\n";
        write!(socket, "GET {path} HTTP/1.1\r\nHost: {address}\r\n{head}").unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        answer.split_off(end.unwrap() + 4)
    }

    /// The body of a GET, over a plain socket.
    pub fn get(&self, path: &str) -> String {
        use std::io::Write;
        let address = self.url.trim_start_matches("http://");
        let mut socket = std::net::TcpStream::connect(address).unwrap();
        write!(
            socket,
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
            .split_once("\r\n\r\n")
            .map_or(answer.clone(), |(_, body)| body.to_owned())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The exit code by which the scripts say that this machine cannot run them.
const CANNOT_RUN_HERE: i32 = 77;

/// Runs a script of `tests/` with the built binary; says so where this machine cannot run it.
pub fn run_script(script: &str, arguments: &[&str]) {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let output = Command::new("bash")
        .arg(tests.join(script))
        .args(["--binary", env!("CARGO_BIN_EXE_tapscope")])
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(CANNOT_RUN_HERE) {
        // Past the test harness, which keeps what passing tests print to itself.
        let _ = writeln!(std::io::stderr(), "\nSKIPPED: {}", said.trim());
        return;
    }
    assert!(output.status.success(), "{said}");
}
