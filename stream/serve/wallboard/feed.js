// The live stream of one view. It comes back for ever: EventSource retries a dropped connection by itself, but
// gives up on an answer that is no stream, and never notices a connection that has gone silent.

const SILENT_MS = 12_000; // the server says something at least every 5 s
const RETRY_LEAST_MS = 1_000;
const RETRY_MOST_MS = 30_000;

export class Feed {
  /**
   * `hears` has board(document), changes(part), heartbeat(part), trouble(reason), lost(reason): called until
   * `close`.
   */
  constructor(url, hears) {
    this._url = url;
    this._hears = hears;
    this._wait_ms = RETRY_LEAST_MS;
    this._open();
    this._watch = setInterval(() => this._listen(), 1000);
  }

  close() {
    this._closed = true;
    clearInterval(this._watch);
    clearTimeout(this._again);
    this._source?.close();
  }

  _open() {
    if (this._closed) return;
    this._heard = performance.now();
    const source = (this._source = new EventSource(this._url));
    const on = (name, then) =>
      source.addEventListener(name, (event) => {
        if (this._closed || source !== this._source) return;
        this._heard = performance.now();
        this._wait_ms = RETRY_LEAST_MS;
        then(JSON.parse(event.data));
      });
    on("board", (document) => this._hears.board(document));
    on("changes", (part) => this._hears.changes(part));
    on("heartbeat", (part) => this._hears.heartbeat(part));
    on("trouble", (part) => this._hears.trouble(part.reason));
    on("end", (part) => this._hears.lost(part.reason));
    source.onerror = () => {
      if (this._closed || source !== this._source) return;
      this._hears.lost("");
      if (source.readyState === EventSource.CLOSED) this._retry(true);
    };
  }

  /** Opens anew when nothing has been heard for too long. */
  _listen() {
    const silent = performance.now() - this._heard > SILENT_MS;
    if (!silent || this._again) return;
    this._hears.lost("");
    this._retry(false);
  }

  _retry(refused) {
    this._source.close();
    if (refused) this._ask();
    clearTimeout(this._again);
    const wait_ms = this._wait_ms * (0.75 + Math.random() / 2);
    this._wait_ms = Math.min(2 * this._wait_ms, RETRY_MOST_MS);
    this._again = setTimeout(() => {
      this._again = undefined;
      this._open();
    }, wait_ms);
  }

  /** Why the server gave no stream: EventSource does not tell. */
  async _ask() {
    const stop = new AbortController();
    try {
      const answer = await fetch(this._url, { signal: stop.signal, cache: "no-store" });
      if (answer.ok) return;
      const { detail } = await answer.json();
      if (!this._closed && typeof detail === "string") this._hears.lost(detail);
    } catch {
      // No answer, or none that says why: the next attempt will tell.
    } finally {
      stop.abort();
    }
  }
}
