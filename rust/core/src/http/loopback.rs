//! Starts servers on the loopback interface for tests. A server ends when its value is dropped.
//! Does not know: what the test sends.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The longest wait of a server for its client.
const IO_TIMEOUT: Duration = Duration::from_secs(20);

/// Calls a function for every connection, each on its own thread, until it is dropped.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    stop: Arc<AtomicBool>,
    listener_thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(super) fn start(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stop_flag = Arc::clone(&stop);
        let serve = Arc::new(serve);
        let listener_thread = thread::spawn(move || {
            let mut connection_threads = Vec::new();
            for stream in listener.incoming() {
                if stop_flag.load(Ordering::SeqCst) {
                    break;
                }
                let stream = stream.unwrap();
                stream.set_read_timeout(Some(IO_TIMEOUT)).unwrap();
                stream.set_write_timeout(Some(IO_TIMEOUT)).unwrap();
                let serve = Arc::clone(&serve);
                connection_threads.push(thread::spawn(move || serve(stream)));
            }
            for thread in connection_threads {
                // A panic of this thread is a failed assertion of the test. The test harness prints it.
                let _ = thread.join();
            }
        });
        Self { address, stop, listener_thread: Some(listener_thread) }
    }

    pub(super) fn url(&self, scheme: &str, host: &str) -> url::Url {
        url::Url::parse(&format!("{scheme}://{host}:{}/v2", self.address.port())).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the listener, which then sees `stop`.
        let _ = TcpStream::connect(self.address);
        if let Some(listener_thread) = self.listener_thread.take() {
            let _ = listener_thread.join();
        }
    }
}

/// The requests that a server received.
pub(super) type RequestLog = Arc<Mutex<Vec<String>>>;

/// Reads one request with its body. Returns `None` if the client has closed the connection.
pub(super) fn read_request(stream: &mut impl Read) -> Option<String> {
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

/// Sends the same response to every request on a connection.
pub(super) fn respond_to_all(mut stream: impl Read + Write, log: &RequestLog, response: &str) {
    while let Some(request) = read_request(&mut stream) {
        log.lock().unwrap().push(request);
        if stream.write_all(response.as_bytes()).and_then(|()| stream.flush()).is_err() {
            break;
        }
    }
}

/// A small response with status 200.
pub(super) const OK_RESPONSE: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/scim+json\r\ncontent-length: 10\r\n\r\n{\"id\":\"1\"}";

/// Keeps a connection open and sends nothing until the client closes it.
pub(super) fn wait_for_close(stream: &mut TcpStream) {
    let mut byte = [0];
    while matches!(stream.read(&mut byte), Ok(1)) {}
}
