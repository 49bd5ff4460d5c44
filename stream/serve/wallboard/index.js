// The list of boards.

import { make } from "./dom.js";
import { boards } from "./boards.js";
import { startTheme } from "./theme.js";

startTheme(document.getElementById("theme"));
const none = document.getElementById("none");

async function show() {
  const found = await boards();
  if (found === null) {
    none.textContent = "The server does not say which boards there are; asking again.";
    setTimeout(show, 3000);
    return;
  }
  none.hidden = found.length > 0;
  none.textContent = "There is no board.";
  document.getElementById("boards").replaceChildren(
    ...found.map((board) => {
      const words = [board.about ?? board.name, ...(board.private ? ["private"] : [])].join(", ");
      const link = make("a", "", make("span", "boards-title", board.title), make("span", "boards-about", words));
      link.href = `/boards/${encodeURIComponent(board.name)}${location.search}`;
      return make("li", "", link);
    }),
  );
}

show();
