// The tiles that are tables: numbers by a dimension, clocks that run out, sources, dead letters.

import { STATE_WORDS, make, say, setClass, sign } from "./dom.js";
import { judge } from "./number.js";
import { span, spoken, value, windowWords } from "./text.js";

/** What all tables share: a caption, headers, rows, and as many of these as fit. */
class TableTile {
  constructor(id, kind) {
    this._caption = make("h2", "tile-label");
    this._caption.id = `label-${id}`;
    this._window = make("span", "tile-window");
    this._note = make("p", "tile-note");
    this._head = make("tr");
    this._body = make("tbody");
    const table = make("table", "", make("thead", "", this._head), this._body);
    table.setAttribute("aria-labelledby", this._caption.id);
    this._table = make("div", "tile-table", table);
    this._table.tabIndex = 0; // it scrolls where it does not fit
    this._table.setAttribute("role", "group");
    this._table.setAttribute("aria-labelledby", this._caption.id);
    this._more = make("p", "tile-more");
    this._kind = kind;
    this.element = make(
      "section", `tile table ${kind}`,
      make("div", "tile-head", this._caption, this._window), this._note, this._table, this._more,
    );
    this.element.setAttribute("aria-labelledby", this._caption.id);
  }

  update(tile, times, sources) {
    this._tile = tile;
    this._times = times;
    say(this._caption, tile.label);
    say(this._note, tile.note ?? "");
    this.draw(tile, times, sources);
    this.element.style.setProperty("--rows", String(this._body.rows.length));
    this.element.style.setProperty("--columns", String(this._head.cells.length));
    this.element.style.setProperty("--weight", String(this.weight()));
  }

  /** How much of the width it should have beside others. */
  weight() {
    return 2 + this._head.cells.length;
  }

  tick(now_ms, live) {
    const freshness = live ? this._tile.freshness : "stale";
    setClass(this.element, `tile table ${this._kind} is-${freshness}`);
    if (freshness === "stale") this.stand();
    else this.count(now_ms);
    return { state: "none", words: "" };
  }

  /** Draws what ticks as of now. */
  count() {}

  /** Draws what ticks when it is not known what is now. */
  stand() {}

  headers(names) {
    if (this._names === names.join("\n")) return;
    this._names = names.join("\n");
    this._head.replaceChildren(
      ...names.map((name) => {
        const cell = make("th", "", name);
        cell.scope = "col";
        return cell;
      }),
    );
  }

  /** Says how many rows there are that cannot be seen. */
  fit(crowded) {
    const rows = [...this._body.rows];
    for (const row of rows) row.hidden = false;
    let left = this._tile.more ?? 0;
    say(this._more, left ? `and ${left} more` : "");
    if (!crowded || !this._over(rows).length) return;
    say(this._more, "and more"); // takes its place before what is left is measured
    const over = this._over(rows);
    for (const row of over) row.hidden = true;
    left += over.length;
    say(this._more, left ? `and ${left} more` : "");
  }

  _over(rows) {
    const floor = this._table.getBoundingClientRect().bottom + 1;
    return rows.filter((row) => row.getBoundingClientRect().bottom > floor);
  }

  empty(words) {
    const cell = make("td", "nothing", words);
    cell.colSpan = Math.max(1, this._head.cells.length);
    this._body.replaceChildren(make("tr", "", cell));
  }
}

function rowHead(text) {
  const cell = make("th", "", text);
  cell.scope = "row";
  return cell;
}

/** A cell with the sign of its state, which the word says to who cannot see it. */
function judged(text, state) {
  const cell = make("td", "", make("span", "cell-state"), make("span", "cell-text", text));
  restate(cell, state);
  return cell;
}

function restate(cell, state) {
  if (cell.className === `state-${state}`) return;
  cell.className = `state-${state}`;
  const off = state === "warn" || state === "bad";
  cell.firstChild.replaceChildren(...(off ? [sign(state), make("span", "unseen", `${STATE_WORDS[state]}: `)] : []));
}

export class GridView extends TableTile {
  constructor(id) {
    super(id, "grid");
  }

  draw(tile) {
    const windows = new Set(tile.columns.map((column) => column.window).filter(Boolean));
    const shared = windows.size === 1 ? [...windows][0] : null;
    say(this._window, shared ? windowWords(shared) : "");
    this.headers([
      spoken(tile.by === "le" ? "age" : tile.by),
      ...tile.columns.map((c) => (!shared && c.window ? `${c.label}, ${windowWords(c.window)}` : c.label)),
    ]);
    if (!tile.rows.length) {
      this._ticking = [];
      this.empty(tile.freshness === "none" ? "no data" : tile.note ? "" : "nothing");
      return;
    }
    this._ticking = [];
    this._body.replaceChildren(
      ...tile.rows.map((row) => {
        const cells = row.cells.map((cell, place) => this._cell(cell, tile.columns[place]));
        return make("tr", "", rowHead(row.name === null ? "(none)" : named(row.name, tile.by)), ...cells);
      }),
    );
  }

  _cell(cell, column) {
    const empty = cell.value === null;
    const made = judged(empty ? "\u2013" : value(cell.value, column.unit, column.stat), cell.state);
    if (empty) made.append(make("span", "unseen", "no data"));
    if (cell.ticks && cell.ticks.since_ms !== null) this._ticking.push([made, cell.ticks.since_ms, column.target]);
    return made;
  }

  count(now_ms) {
    for (const [cell, since_ms, target] of this._ticking) {
      const seconds = Math.max(0, (now_ms - since_ms) / 1000);
      say(cell.querySelector(".cell-text"), span(seconds, true));
      restate(cell, judge(seconds, target));
    }
  }
}

function named(name, by) {
  if (by === "le") return name.replace("<", "under ");
  return by === "state" || by === "clock" ? spoken(name) : name;
}

const SLA_STATES = { running: "ok", at_risk: "warn", breached: "bad" };
const SLA_WORDS = { running: "running", at_risk: "at risk", breached: "breached" };

export class SlaView extends TableTile {
  weight() {
    return 14;
  }

  /** `acknowledge(row)` does so and says what came of it; `may()`: whether it can be tried. */
  constructor(id, acknowledging) {
    super(id, "sla");
    this._acknowledging = acknowledging;
    this._rows = new Map();
  }

  draw(tile) {
    const may = this._acknowledging.may();
    const noted = may || tile.rows.some((row) => this._acknowledging.known(row));
    this.headers(["time left", "ticket or call", "clock", "owner", "next step", ...(noted ? ["taken note"] : [])]);
    if (!tile.rows.length) {
      this._rows.clear();
      this.empty(tile.freshness === "none" ? "no data" : tile.note ? "" : "no clock runs");
      return;
    }
    const kept = new Map();
    for (const row of tile.rows) {
      const shape = JSON.stringify([row, may, noted, this._acknowledging.known(row)]);
      const before = this._rows.get(row.id);
      kept.set(row.id, before?.shape === shape ? before : this._row(row, may, noted, shape));
    }
    this._rows = kept;
    const wanted = [...kept.values()].map((each) => each.element);
    const shown = [...this._body.rows];
    if (wanted.length !== shown.length || wanted.some((row, place) => row !== shown[place])) {
      this._body.replaceChildren(...wanted);
    }
  }

  _row(row, may, noted, shape) {
    const state = SLA_STATES[row.state] ?? "none";
    const left = make("span", "cell-text");
    const words = row.level ? `${SLA_WORDS[row.state]} (${row.level})` : SLA_WORDS[row.state];
    const head = make("th", `left state-${state}`, sign(state), left, make("span", "cell-small", words));
    head.scope = "row";
    const owner = [row.segments.team ?? row.segments.queue, row.segments.agent].filter(Boolean).join(" / ");
    const subject = make("td", "subject", row.subject.slice(row.subject.lastIndexOf(":") + 1));
    subject.title = `${row.subject}, policy ${row.policy}`;
    if (row.segments.priority) subject.append(make("span", "cell-small", row.segments.priority));
    const cells = [
      subject,
      make("td", "", spoken(row.clock)),
      make("td", owner ? "" : "nobody", owner || "nobody"),
      make("td", "", row.next_step),
    ];
    if (noted) cells.push(make("td", "", this._taken(row, may)));
    return { element: make("tr", "", head, ...cells), left, until_ms: row.ticks.until_ms, shape };
  }

  /** Who has taken note; the button where nobody has and it can be tried. */
  _taken(row, may) {
    const known = this._acknowledging.known(row);
    if (known || row.state === "running" || !may) return make("span", "", known);
    const button = make("button", "small", "Acknowledge");
    button.type = "button";
    button.setAttribute("aria-label", `Acknowledge ${spoken(row.clock)} of ${row.subject}`);
    button.addEventListener("click", async () => {
      button.disabled = true;
      const said = await this._acknowledging.acknowledge(row);
      button.disabled = false;
      if (said.done) button.replaceWith(make("span", "", said.words));
      else button.textContent = said.words;
    });
    return button;
  }

  count(now_ms) {
    for (const { left, until_ms } of this._rows.values()) {
      if (until_ms === null) continue;
      const seconds = (until_ms - now_ms) / 1000;
      say(left, seconds >= 0 ? span(seconds, true) : `${span(-seconds, true)} over`);
    }
  }

  stand() {
    for (const { left, until_ms } of this._rows.values()) {
      if (until_ms !== null) say(left, `due ${this._times.minute(until_ms)}`);
    }
  }
}

export class SourcesView extends TableTile {
  constructor(id) {
    super(id, "sources");
  }

  draw(tile, times, sources) {
    this.headers(["topic", "numbers", "up to date at", "shards", "behind"]);
    const words = { fresh: "fresh", stale: "stale", none: "no data" };
    const signs = { fresh: "ok", stale: "bad", none: "none" };
    this._body.replaceChildren(
      ...sources.map((source) => {
        const state = make("td", `state-${signs[source.state]}`);
        if (source.state !== "none") state.append(sign(signs[source.state]));
        state.append(make("span", "cell-text", words[source.state]));
        const late = source.reached_ms === null ? "" : `, read to ${times.second(source.reached_ms)}`;
        const behind = source.behind.length ? `${partitions(source.behind)}${late}` : "none";
        return make(
          "tr", "", rowHead(source.family), state,
          make("td", "", source.fresh_at_ms === null ? "never" : times.second(source.fresh_at_ms)),
          make("td", "", String(source.shards)), make("td", "", source.shards ? behind : ""),
        );
      }),
    );
  }
}

function partitions(numbers) {
  return `${numbers.slice(0, 6).join(", ")}${numbers.length > 6 ? ", ..." : ""}`;
}

export class LettersView extends TableTile {
  constructor(id) {
    super(id, "letters");
  }

  draw(tile) {
    this.headers(["topic", "records", "duplicates", "dead letters", "of the latest"]);
    if (!tile.rows.length) {
      this.empty("no data");
      return;
    }
    const say = (number) => value(number, "", "count");
    this._body.replaceChildren(
      ...tile.rows.map((row) => {
        const refused = Object.values(row.refused).reduce((sum, count) => sum + count, 0);
        const reasons = Object.entries(row.refused).map(([reason, count]) => `${spoken(reason)} ${say(count)}`);
        const cell = make("td", "", say(refused));
        if (reasons.length) cell.append(make("span", "cell-small", reasons.join(", ")));
        const share = row.recent_share;
        const state = share === null ? "none" : share < 0.01 ? "ok" : share < 0.1 ? "warn" : "bad";
        return make(
          "tr", "", rowHead(row.family), make("td", "", say(row.records)), make("td", "", say(row.duplicates)),
          cell, judged(share === null ? "\u2013" : value(share, "ratio"), state),
        );
      }),
    );
  }
}
