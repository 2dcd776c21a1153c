"""A web page that tries everything a page can to reach the bus, in a real browser.

Called with the port of the bus and the browser. Prints what the page reports, one attempt a line.
"""

import http.server
import json
import subprocess
import sys
import tempfile
import threading

PORT, BROWSER = int(sys.argv[1]), sys.argv[2]
RESULTS = threading.Event()
REPORT = []

PAGE = """<!doctype html><title>page</title><script>
const hello = JSON.stringify({op: "hello", role: "agent", name: "page"});
const message = JSON.stringify({op: "broadcast", text: "from a page"});
const seconds = (n) => new Promise((_, reject) => setTimeout(() => reject("nothing came"), n * 1000));
const socket = (url) => new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.onopen = () => { socket.send(hello); socket.send(message); };
    socket.onmessage = (event) => resolve("GOT " + event.data);
    socket.onclose = (event) => reject("closed " + event.code);
});
const source = (url) => new Promise((resolve, reject) => {
    const source = new EventSource(url);
    source.onmessage = (event) => resolve("GOT " + event.data);
    source.onerror = () => { source.close(); reject("error"); };
});
const load = (tag, url) => new Promise((resolve, reject) => {
    const element = document.createElement(tag);
    element.onload = () => resolve("LOADED");
    element.onerror = () => reject("error");
    element.src = url;
    document.documentElement.append(element);
});
const read = async (url, options) => {
    const answer = await fetch(url, options);
    return answer.type === "opaque" ? Promise.reject("opaque") : "GOT " + (await answer.text());
};
const hosts = ["127.0.0.1", "localhost", "[::1]"];
const attempts = [];
for (const host of hosts) {
    const at = `${host}:BUS`;
    attempts.push(["websocket " + host, () => socket(`ws://${at}/`)]);
    attempts.push(["get " + host, () => read(`http://${at}/`)]);
    attempts.push(["get no-cors " + host, () => read(`http://${at}/`, {mode: "no-cors"})]);
    attempts.push(["post text " + host, () => read(`http://${at}/`, {
        method: "POST", mode: "no-cors", headers: {"Content-Type": "text/plain"}, body: hello + message})]);
    attempts.push(["post json " + host, () => read(`http://${at}/`, {
        method: "POST", headers: {"Content-Type": "application/json"}, body: hello})]);
    attempts.push(["beacon " + host, () => navigator.sendBeacon(`http://${at}/`, hello) ? Promise.reject("sent blindly") : "no"]);
    attempts.push(["events " + host, () => source(`http://${at}/`)]);
    attempts.push(["image " + host, () => load("img", `http://${at}/`)]);
    attempts.push(["script " + host, () => load("script", `http://${at}/`)]);
}
(async () => {
    const report = await Promise.all(attempts.map(([name, attempt]) =>
        Promise.race([attempt(), seconds(8)]).then((got) => `${name}: ${got}`, (why) => `${name}: refused (${why})`)));
    await fetch("/report", {method: "POST", body: JSON.stringify(report)});
})();
</script>""".replace("BUS", str(PORT))


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(PAGE.encode())

    def do_POST(self):
        REPORT.extend(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()
        RESULTS.set()

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
with tempfile.TemporaryDirectory() as profile:
    browser = subprocess.Popen(
        [
            BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            f"--user-data-dir={profile}", "--remote-debugging-port=0", f"http://127.0.0.1:{server.server_port}/",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    done = RESULTS.wait(60)
    browser.kill()
    errors = browser.stderr.read().decode(errors="replace")
    browser.wait()
if not done:
    sys.exit("the page did not report: " + errors[-2000:])
for line in REPORT:
    print(line)
