// Taking note of an alert from the SLA list, with a token that this tab keeps.

const TOKEN = "floorcast.token";
const NAME = "floorcast.name";

export class Acknowledging {
  /** `changed()` is called when one may acknowledge or no more, `introduced()` when the server has a token. */
  constructor(dialog, button, changed, introduced) {
    this._done = new Map();
    this._changed = changed;
    this._allowed = false;
    this._ask();
    this._dialog = dialog;
    this._name = dialog.querySelector("#token-name");
    this._value = dialog.querySelector("#token-value");
    button.addEventListener("click", () => {
      this._name.value = kept(NAME);
      this._value.value = "";
      dialog.returnValue = "cancel";
      dialog.showModal();
    });
    dialog.addEventListener("close", () => {
      if (dialog.returnValue === "save" && this._value.value) {
        keep(TOKEN, this._value.value);
        keep(NAME, this._name.value.trim());
        introduce(this._value.value).then(introduced);
      } else if (dialog.returnValue === "forget") {
        keep(TOKEN, "");
      }
      this._value.value = "";
      this._ask();
    });
  }

  /** Whether the server would take an acknowledgement from here. */
  may() {
    return this._allowed;
  }

  /** Who has taken note of this row, in words; nothing while nobody has. */
  known(row) {
    return row.acknowledged_by ? `by ${row.acknowledged_by}` : (this._done.get(row.id) ?? "");
  }

  async _ask() {
    try {
      const answer = await fetch("/api/v1/session", { headers: authorization() });
      this._allowed = answer.ok && (await answer.json()).may_write === true;
    } catch {
      this._allowed = false; // the button would not help while there is no server
    }
    this._changed();
  }

  async acknowledge(row) {
    try {
      const answer = await fetch("/api/v1/alerts/acknowledge", {
        method: "POST",
        headers: { "content-type": "application/json", ...authorization() },
        body: JSON.stringify({ subject: row.subject, clock: row.clock, by: kept(NAME) || "wallboard" }),
      });
      if (!answer.ok) return { done: false, words: answer.status === 401 || answer.status === 403 ? "Not allowed" : "Try again" };
      const words = `by ${kept(NAME) || "wallboard"}`;
      this._done.set(row.id, words);
      if (this._done.size > 500) this._done.delete(this._done.keys().next().value);
      return { done: true, words };
    } catch {
      return { done: false, words: "Try again" };
    }
  }
}

/** Live streams cannot send a header: the server has the browser keep the token for reading. */
function introduce(token) {
  return fetch("/api/v1/session", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token }),
  }).catch(() => {}); // without it reading stays as it was
}

function authorization() {
  return kept(TOKEN) ? { authorization: `Bearer ${kept(TOKEN)}` } : {};
}

function kept(key) {
  try {
    return sessionStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}

function keep(key, text) {
  try {
    if (text) sessionStorage.setItem(key, text);
    else sessionStorage.removeItem(key);
  } catch {
    // Without storage there is no token.
  }
}
