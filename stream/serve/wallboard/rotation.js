// Going through the boards: by itself with `rotate=30s`, or with the arrow keys. Nothing is loaded anew.

const LEAST_MS = 5_000;

export class Rotation {
  constructor(every, button, list, current, go) {
    this._list = list;
    this._current = current;
    this._go = go;
    this._button = button;
    this._every_ms = period(every);
    if (this._every_ms === null) return;
    button.hidden = false;
    button.addEventListener("click", () => this._hold(!this._held));
    this._hold(false);
  }

  /** To the next board, or with -1 to the one before. */
  async step(by) {
    const boards = (await this._list())?.filter((board) => !board.private) ?? [];
    if (boards.length < 2) return;
    const place = boards.findIndex((board) => board.name === this._current());
    this._go(boards[(place + by + boards.length) % boards.length].name);
    if (this._every_ms !== null && !this._held) this._wind();
  }

  _hold(held) {
    this._held = held;
    this._button.textContent = held ? "Go on" : "Pause";
    this._button.setAttribute("aria-label", held ? "Go through the boards again" : "Stay on this board");
    if (held) clearInterval(this._timer);
    else this._wind();
  }

  _wind() {
    clearInterval(this._timer);
    this._timer = setInterval(() => this.step(1), this._every_ms);
  }
}

/** `30s`, `2m` -> ms; null for anything else. */
function period(text) {
  const [, amount, unit] = /^(\d{1,4})(s|m)$/.exec(text ?? "") ?? [];
  if (!amount || amount === "0") return null;
  return Math.max(LEAST_MS, Number(amount) * (unit === "m" ? 60_000 : 1_000));
}
