// What the page says of itself: live, stale since, connection lost since; and what is read out, sparingly.

import { say, setClass, sign } from "./dom.js";

const SAID_APART_MS = 10_000;

export class Status {
  constructor() {
    this._pill = document.getElementById("live");
    this._sign = document.getElementById("live-sign");
    this._word = document.getElementById("live-word");
    this._trouble = document.getElementById("trouble");
    this._said = document.getElementById("said");
    this._queue = [];
  }

  /** `state`: ok, warn, bad or none; `word` for the pill; `trouble`: a sentence across the board, or none. */
  show(state, word, trouble) {
    setClass(this._pill, `pill state-${state}`);
    if (this._state !== state) {
      this._state = state;
      this._sign.replaceChildren(...(state === "none" ? [] : [sign(state)]));
    }
    say(this._word, word);
    say(this._trouble, trouble);
    this._trouble.hidden = !trouble;
    if (this._told !== trouble) {
      if (trouble || this._told) this.announce(trouble || "The numbers are live again.");
      this._told = trouble;
    }
  }

  /** Has a sentence read out, with all others of the same moments, at most every ten seconds. */
  announce(sentence) {
    this._queue.push(sentence);
    if (this._timer) return;
    const wait = Math.max(300, (this._at ?? -SAID_APART_MS) + SAID_APART_MS - performance.now());
    this._timer = setTimeout(() => {
      this._timer = undefined;
      this._at = performance.now();
      this._said.textContent = [...new Set(this._queue.splice(0))].slice(-4).join(" ");
    }, wait);
  }
}
