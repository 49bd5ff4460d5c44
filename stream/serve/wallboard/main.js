// The page of one board: shows what the stream tells, and never an old number as if it were new.

import { Acknowledging } from "./acknowledge.js";
import { boards } from "./boards.js";
import { make, say } from "./dom.js";
import { Feed } from "./feed.js";
import { NumberView } from "./number.js";
import { Rotation } from "./rotation.js";
import { Status } from "./status.js";
import { GridView, LettersView, SlaView, SourcesView } from "./tables.js";
import { Times, spoken, windowWords } from "./text.js";
import { startTheme } from "./theme.js";

const OURS = new Set(["theme", "rotate", "tv"]);
const TURNING_MS = 5_000; // so long the numbers of the board before stand for those of the next
const parameters = new URLSearchParams(location.search);
const main = document.getElementById("tiles");
const status = new Status();

let board = decodeURIComponent(location.pathname.split("/").at(-1));
let wall = null;
let times = new Times("UTC");
let anchor = null; // {now_ms, at}: the server's time, and when it was told
let lost = null; // since when there is no connection, by this machine's clock
let reason = "";
let trouble = ""; // why the server has no numbers
let troubled = null; // since when
let views = new Map();
let feed = null;
let went = 0; // when this page turned to another board
let states = new Map();

const acknowledging = new Acknowledging(
  document.getElementById("token-dialog"),
  document.getElementById("token"),
  () => wall && showTiles(Object.keys(wall.tiles)),
  () => lost !== null && go(board), // it may have been refused before
);

function now_ms() {
  return anchor ? anchor.now_ms + performance.now() - anchor.at : Date.now();
}

function heard(at_ms) {
  anchor = { now_ms: at_ms, at: performance.now() };
  lost = null;
  reason = "";
}

const hears = {
  board(document) {
    heard(document.now_ms);
    trouble = "";
    const same = wall && wall.board === document.board && sameKeys(wall.tiles, document.tiles);
    wall = document;
    if (!same) build();
    showAll();
  },
  changes(part) {
    if (!wall) return;
    heard(part.now_ms);
    trouble = "";
    wall.now_ms = part.now_ms;
    if (part.sources) wall.sources = part.sources;
    Object.assign(wall.tiles, part.tiles);
    const lists = Object.keys(wall.tiles).filter((id) => wall.tiles[id].kind === "sources");
    showTiles(new Set([...Object.keys(part.tiles), ...lists]));
  },
  heartbeat(part) {
    heard(part.now_ms);
    tick();
  },
  trouble(why) {
    lost = null;
    trouble = why || "there are no numbers at the moment";
    troubled = troubled ?? now_ms();
    tick();
  },
  lost(why) {
    lost = lost ?? now_ms();
    reason = why || reason;
    tick();
  },
};

function address(name) {
  const asked = new URLSearchParams({ board: name });
  for (const [key, value] of parameters) if (!OURS.has(key)) asked.append(key, value);
  return `/api/v1/stream?${asked}`;
}

/** Goes to a board without a reload. What is shown stays until its numbers are there. */
function go(name) {
  board = name;
  went = performance.now();
  feed?.close();
  history.replaceState(null, "", `/boards/${encodeURIComponent(name)}${location.search}`);
  feed = new Feed(address(name), hears);
}

function viewOf(id, tile) {
  const make = { number: NumberView, table: GridView, sources: SourcesView, deadletters: LettersView };
  return tile.kind === "sla" ? new SlaView(id, acknowledging) : new make[tile.kind](id);
}

function build() {
  times = new Times(wall.timezone);
  views = new Map(Object.entries(wall.tiles).map(([id, tile]) => [id, viewOf(id, tile)]));
  states = new Map();
  const numbers = [...views.values()].filter((view) => view instanceof NumberView);
  const lists = [...views.values()].filter((view) => !(view instanceof NumberView));
  const rows = numberRows(numbers).map((row) => make("div", "row", ...row.map((view) => view.element)));
  const area = make("div", "rows", ...rows);
  main.style.setProperty("--numbers", String(rows.length === 1 ? 1.4 : rows.length));
  const tables = make("div", `lists lists-${Math.min(3, lists.length)}`, ...lists.map((view) => view.element));
  main.replaceChildren(...(numbers.length ? [area] : []), ...(lists.length ? [tables] : []));
  document.body.classList.toggle("has-lists", lists.length > 0);
  document.body.classList.toggle("has-sla", lists.some((view) => view instanceof SlaView));
  document.body.classList.toggle("has-numbers", numbers.length > 0);
}

/** Numbers in rows of about the same length, so that they fill the screen. */
function numberRows(numbers) {
  const most = numbers.length <= 4 ? 4 : numbers.length <= 6 && lists() ? 6 : numbers.length <= 10 ? 5 : 6;
  const count = Math.ceil(numbers.length / most);
  const rows = [];
  for (let place = 0, left = numbers.length; left > 0; ) {
    const length = Math.ceil(left / (count - rows.length));
    rows.push(numbers.slice(place, place + length));
    place += length;
    left -= length;
  }
  return rows;
}

function lists() {
  return Object.values(wall.tiles).some((tile) => tile.kind !== "number");
}

function showAll() {
  say(document.getElementById("title"), wall.title);
  document.title = `${wall.title} - floorcast`;
  const filters = Object.entries(wall.filters).map(([name, value]) => `${spoken(name)} ${value}`);
  if (wall.window) filters.push(windowWords(wall.window));
  say(document.getElementById("view"), filters.join(", "));
  showTiles(Object.keys(wall.tiles));
}

function showTiles(ids) {
  troubled = null;
  for (const id of ids) views.get(id)?.update(wall.tiles[id], times, wall.sources);
  tick();
  fit();
}

function fit() {
  const crowded = getComputedStyle(main).overflowY === "hidden" && parameters.get("tv") === "1";
  for (const view of views.values()) view.fit?.(crowded);
}

function tick() {
  const now = now_ms();
  if (anchor) say(document.getElementById("clock"), times.second(now));
  if (!wall) {
    sayWaiting();
    return;
  }
  const turning = wall.board !== board && performance.now() - went < TURNING_MS;
  const live = lost === null && !trouble && (wall.board === board || turning);
  document.body.classList.toggle("is-lost", !live);
  const worse = [];
  for (const [id, view] of views) {
    const shown = view.tick(now, live);
    if (shown.state === "bad" && (states.get(id) ?? "bad") !== "bad") worse.push(`${shown.words}, off target.`);
    states.set(id, shown.state);
  }
  for (const words of worse.slice(0, 2)) status.announce(words);
  sayStatus(now);
  for (const [id, view] of views) mark(view.element, wall.tiles[id], now, live);
}

function sayStatus(now) {
  if (lost !== null) {
    const since = `connection lost since ${times.second(lost, now)}`;
    status.show("bad", "no connection", `${capital(since)}${reason ? `: ${reason}` : ""}. Trying again; the numbers are of then.`);
  } else if (trouble) {
    status.show("bad", "no numbers", `No numbers since ${times.second(troubled ?? now, now)}: ${trouble}. What is shown is of then.`);
  } else {
    const used = Object.values(wall.tiles).filter((tile) => tile.freshness === "stale");
    const since = Math.min(...used.map((tile) => tile.since_ms ?? Infinity));
    const words = Number.isFinite(since) ? `stale since ${times.minute(since, now)}` : "not caught up yet";
    if (used.length) status.show("warn", words, "");
    else status.show("ok", "live", "");
  }
}

/** Says on a tile that its number is old. */
function mark(element, tile, now, live) {
  let words = "";
  if (!live) words = `as of ${times.minute(wall.now_ms, now)}`;
  else if (tile.freshness === "stale") words = tile.since_ms ? `stale since ${times.minute(tile.since_ms, now)}` : "not caught up yet";
  let mark = element.querySelector(".tile-stale");
  if (!words) mark?.remove();
  else {
    if (!mark) element.querySelector(".tile-head").append((mark = make("span", "tile-stale")));
    say(mark, words);
  }
}

function sayWaiting() {
  const waiting = document.getElementById("waiting");
  if (waiting) say(waiting, reason || trouble || (lost !== null ? "The server does not answer; trying again." : "Waiting for the first numbers."));
  if (lost !== null || trouble) status.show("bad", "no numbers", "");
}

function capital(text) {
  return text[0].toUpperCase() + text.slice(1);
}

function sameKeys(one, other) {
  return Object.keys(one).join() === Object.keys(other).join();
}

function start() {
  document.documentElement.classList.toggle("tv", parameters.get("tv") === "1");
  startTheme(document.getElementById("theme"));
  document.getElementById("all").href = `/${location.search}`;
  const rotation = new Rotation(parameters.get("rotate"), document.getElementById("hold"), boards, () => board, go);
  addEventListener("keydown", (event) => {
    if (event.target.closest("input, dialog, [tabindex='0']") || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "ArrowRight") rotation.step(1);
    if (event.key === "ArrowLeft") rotation.step(-1);
  });
  addEventListener("resize", () => requestAnimationFrame(fit));
  go(board);
  setInterval(tick, 1000);
}

start();
