// The tile of one number: value, target and state, sparkline, the week before, and what it is made of.

import { STATE_WORDS, make, say, setClass, sign } from "./dom.js";
import { sparkline } from "./spark.js";
import { behind, moved, span, spoken, value, windowWords } from "./text.js";

export class NumberView {
  constructor(id) {
    this._label = make("h2", "tile-label");
    this._label.id = `label-${id}`;
    this._window = make("span", "tile-window");
    this._state = make("span", "tile-state");
    this._value = make("p", "tile-value");
    this._target = make("span", "tile-target");
    this._behind = make("span", "tile-behind");
    this._spark = make("div", "tile-spark");
    this._change = make("p", "tile-change");
    this._note = make("p", "tile-note");
    this.element = make(
      "section", "tile number",
      make("div", "tile-head", this._label, this._window),
      make("div", "tile-main", this._value),
      make("div", "tile-facts", this._state, this._behind, this._target),
      this._note,
      make("div", "tile-past", this._spark, this._change),
    );
    this.element.setAttribute("aria-labelledby", this._label.id);
  }

  update(tile, times) {
    this._tile = tile;
    say(this._label, tile.label);
    say(this._window, [windowWords(tile.window), ...Object.values(tile.where).map(spoken)].join(", "));
    this.element.title = `${tile.help} Target: ${tile.target?.text ?? "none"}. Owner: ${tile.owner}.`;
    say(this._target, tile.target ? `target: ${tile.target.text}` : "");
    say(this._behind, behind(tile.count, tile.count_unit));
    say(this._note, tile.note ?? (tile.state === "bad" ? tile.next_action : ""));
    const drawing = JSON.stringify([tile.spark, tile.target]);
    if (drawing !== this._drawing) {
      this._drawing = drawing;
      this._spark.replaceChildren(...[sparkline(tile, times)].filter(Boolean));
    }
    this._showChange(tile);
  }

  /** Draws what depends on the moment. `live`: whether what is known is of now. Returns the state shown. */
  tick(now_ms, live) {
    const tile = this._tile;
    let amount = tile.value;
    const ticking = tile.ticks && tile.ticks.since_ms !== null;
    if (ticking && live) amount = Math.max(0, (now_ms - tile.ticks.since_ms) / 1000);
    const text = ticking ? span(amount, true) : isNone(tile) ? "none" : value(amount, tile.unit, tile.stat);
    say(this._value, text);
    this.element.style.setProperty("--letters", String(Math.max(4, text.length)));
    const state = ticking && live ? judge(amount, tile.target) : tile.state;
    const freshness = live ? tile.freshness : "stale";
    setClass(this.element, `tile number state-${freshness === "stale" ? "none" : state} is-${freshness}` +
      (amount === null ? " is-empty" : "") + (tile.note ? " has-note" : ""));
    if (state !== this._shownState) {
      this._shownState = state;
      this._state.replaceChildren(...(STATE_WORDS[state] ? [sign(state), STATE_WORDS[state]] : []));
      say(this._note, tile.note ?? (state === "bad" ? tile.next_action : ""));
    }
    return { state: freshness === "fresh" ? state : "none", words: `${tile.label} ${text}` };
  }

  _showChange(tile) {
    const change = tile.change;
    if (!change) {
      this._change.replaceChildren();
      return;
    }
    const words = moved(change, tile.unit);
    const arrow = !words ? "=" : change.by > 0 ? "\u25b2" : "\u25bc";
    const verdict = change.better === null || !words ? "" : change.better ? "better" : "worse";
    const mark = make("span", "", arrow);
    mark.setAttribute("aria-hidden", "true");
    this._change.replaceChildren(
      make("span", `moved ${verdict}`, mark, ` ${words || "the same"}${verdict && ` ${verdict}`}`),
      make("span", "against", `a week before: ${value(change.then, tile.unit, tile.stat)}`),
    );
  }
}

/** Whether nothing is there whose time could be told, such as a call that waits. */
function isNone(tile) {
  return tile.value === null && tile.unit === "seconds" && !tile.window && tile.freshness !== "none" && !tile.note;
}

/** As stream/query/wall_judge.py does: what ticks in the page also changes its state there. */
export function judge(amount, target) {
  if (amount === null || !target || target.value === null) return "none";
  const near = 0.1 * Math.abs(target.value);
  if (target.bound === "lower") return amount >= target.value ? "ok" : amount >= target.value - near ? "warn" : "bad";
  if (target.bound === "upper") return amount < target.value ? "ok" : amount < target.value + near ? "warn" : "bad";
  return amount <= target.value ? "ok" : "bad";
}
