//! For tests: servers on the loopback interface that misbehave on purpose. Each ends with its value.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The longest that a server waits for its client.
const PATIENCE: Duration = Duration::from_secs(20);

/// Hands every connection to a function, each on its own thread, until it is dropped.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    stop: Arc<AtomicBool>,
    listening: Option<JoinHandle<()>>,
}

impl Server {
    pub(super) fn start(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let serve = Arc::new(serve);
        let listening = thread::spawn(move || {
            let mut serving = Vec::new();
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                let stream = stream.unwrap();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                stream.set_write_timeout(Some(PATIENCE)).unwrap();
                let serve = Arc::clone(&serve);
                serving.push(thread::spawn(move || serve(stream)));
            }
            for thread in serving {
                // A panic there is the test's own failed assertion: it has been printed, and the client saw it.
                let _ = thread.join();
            }
        });
        Self { address, stop, listening: Some(listening) }
    }

    pub(super) fn url(&self, scheme: &str, host: &str) -> url::Url {
        url::Url::parse(&format!("{scheme}://{host}:{}/v2", self.address.port())).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
        if let Some(listening) = self.listening.take() {
            let _ = listening.join();
        }
    }
}

/// What a server was told, for the test to look at.
pub(super) type Heard = Arc<Mutex<Vec<String>>>;

/// One request with its body; `None` where the client has closed.
pub(super) fn request(stream: &mut impl Read) -> Option<String> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes).unwrap();
    let length = head.to_ascii_lowercase();
    let length = length.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    Some(head + &String::from_utf8(body).unwrap())
}

/// Answers every request on a connection with the same bytes.
pub(super) fn answer_all(mut stream: impl Read + Write, heard: &Heard, answer: &str) {
    while let Some(request) = request(&mut stream) {
        heard.lock().unwrap().push(request);
        if stream.write_all(answer.as_bytes()).and_then(|()| stream.flush()).is_err() {
            break;
        }
    }
}

/// A small good answer.
pub(super) const GOOD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/scim+json\r\ncontent-length: 10\r\n\r\n{\"id\":\"1\"}";

/// Keeps a connection open, silent, until the client closes it.
pub(super) fn hold(stream: &mut TcpStream) {
    let mut byte = [0];
    while matches!(stream.read(&mut byte), Ok(1)) {}
}
