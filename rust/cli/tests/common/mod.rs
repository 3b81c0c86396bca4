//! For tests of the program from outside: running it, and servers on the loopback interface that answer as told.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};

/// The longest that a server waits for its client.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs the program in a folder, without the proxies of whoever runs the test.
pub(crate) fn program(folder: &Path, args: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pfscim"));
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(name);
    }
    command.args(args).current_dir(folder).envs(variables.iter().copied()).output().unwrap()
}

/// A connection for a SCIM URL that `pfscim check` has nothing against; `settings` come behind the URL.
pub(crate) fn connection(url: &str, settings: &[Value]) -> Value {
    let mapped =
        |field: &str, attribute: &str| json!({"fieldName": field, "saasFieldInfo": {"attributeNames": [attribute]}});
    let mut all = vec![json!({"name": "SCIM_URL", "value": url})];
    all.extend_from_slice(settings);
    json!({
        "id": "c", "entityId": "c", "name": "C",
        "outboundProvision": {
            "type": "PfScim",
            "targetSettings": all,
            "channels": [{
                "name": "corp", "active": true,
                "channelSource": {
                    "guidAttributeName": "entryUUID", "guidBinary": false,
                    "changeDetectionSettings": {"userObjectClass": "person", "groupObjectClass": "group"},
                    "accountManagementSettings": {
                        "accountStatusAttributeName": "x", "accountStatusAlgorithm": "ACCOUNT_STATUS_ALGORITHM_AD"
                    },
                    "baseDn": "dc=x", "userSourceLocation": {"filter": "(uid=*)"}
                },
                "attributeMapping": [
                    mapped("userName", "uid"),
                    mapped("familyName", "sn"),
                    {
                        "fieldName": "password",
                        "saasFieldInfo": {"attributeNames": ["pwd"], "createOnly": true, "masked": true}
                    }
                ]
            }]
        }
    })
}

/// A whole HTTP answer.
pub(crate) fn answer(status: u16, content_type: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} Told\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// A list of users without any.
pub(crate) fn nobody() -> String {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": 0, "Resources": []
    });
    answer(200, "application/scim+json", &body.to_string())
}

/// Answers every request, each on its own connection and thread, until it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    listening: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, heard) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (stopped, told, answer) = (Arc::clone(&stop), Arc::clone(&heard), Arc::new(answer));
        let listening = thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                let (told, answer, stream) = (Arc::clone(&told), Arc::clone(&answer), stream.unwrap());
                thread::spawn(move || serve(stream, &told, answer.as_ref()));
            }
        });
        Self { address, heard, stop, listening: Some(listening) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/scim", self.address)
    }

    /// Every request so far, as it came.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
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

fn serve(mut stream: TcpStream, heard: &Mutex<Vec<String>>, answer: &(impl Fn(&str) -> String + ?Sized)) {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    // A client that closes without a request, or before its answer, is nothing to a server.
    if let Some(request) = request(&mut stream) {
        heard.lock().unwrap().push(request.clone());
        let _ = stream.write_all(answer(&request).as_bytes());
    }
}

/// One request with its body; `None` where the client has closed.
fn request(stream: &mut impl Read) -> Option<String> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes).unwrap();
    let lower = head.to_ascii_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    Some(head + &String::from_utf8(body).unwrap())
}

/// An address on the loopback interface where nobody listens.
pub(crate) fn nowhere() -> String {
    let address = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    format!("http://{address}/scim")
}
